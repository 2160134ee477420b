//! The file as it is written: TOML, with the place of every value.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use ipnet::IpNet;
use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::sign::CertifiedKey;
use toml::Spanned;
use xmpp_s2s::Domain;

use super::fault::{Fault, Problem};
use super::pem;
use super::table::{Key, Table};

/// What stands in the file.
pub(super) struct File {
    listen: Spanned<Vec<Spanned<String>>>,
    resolver: Option<Spanned<String>>,
    roots: Option<Spanned<Vec<Spanned<String>>>>,
    web_roots: Option<Spanned<Vec<Spanned<String>>>>,
    allow_networks: Option<Spanned<Vec<Spanned<String>>>>,
    domain: Spanned<Vec<DomainTable>>,
}

/// What stands in one `[[domain]]`.
struct DomainTable {
    name: Spanned<String>,
    certificate: Spanned<String>,
    key: Spanned<String>,
}

const LISTEN: Key = Key {
    name: "listen",
    whole: "a list of addresses, such as [\"0.0.0.0:5269\", \"[::]:5269\"]",
    item: "an IP address with a port, such as \"0.0.0.0:5269\" or \"[::]:5269\"",
};
const RESOLVER: Key =
    Key::single("resolver", "an IP address with a port in quotes, such as \"192.0.2.53:53\"");
const ROOTS: Key = Key {
    name: "roots",
    whole: "a list of PEM files with trust anchors, or no such key to trust the system's",
    item: "the path of a PEM file with trust anchors, in quotes",
};
const WEB_ROOTS: Key = Key { name: "web-roots", ..ROOTS };
const ALLOW_NETWORKS: Key = Key {
    name: "allow-networks",
    whole: "a list of networks, such as [\"172.28.0.0/24\", \"fd00::/8\"]",
    item: "a network, such as \"172.28.0.0/24\" or \"fd00::/8\"",
};
const DOMAIN: Key = Key {
    name: "domain",
    whole: "a table [[domain]], in two brackets, for each domain",
    item: "a table [[domain]], in two brackets",
};
const NAME: Key = Key::single("name", "a domain name, such as \"im.example.org\"");
const CERTIFICATE: Key =
    Key::single("certificate", "the path of a PEM file with certificates, in quotes");
const KEY: Key = Key::single("key", "the path of a PEM file with a private key, in quotes");

const TOP: [&Key; 6] = [&LISTEN, &RESOLVER, &ROOTS, &WEB_ROOTS, &ALLOW_NETWORKS, &DOMAIN];
const OF_DOMAIN: [&Key; 3] = [&NAME, &CERTIFICATE, &KEY];

impl File {
    pub(super) fn parse(text: &str) -> Result<Self, Fault> {
        let mut table = Table::parse(text)?;
        table.has_only(&TOP, &[])?;
        // First, since what others lack may stand in there.
        let domain = table.tables(&DOMAIN)?;
        let domain = DomainTable::read_all(table.required(&DOMAIN, domain)?)?;
        let listen = table.strings(&LISTEN)?;
        Ok(Self {
            listen: table.required(&LISTEN, listen)?,
            resolver: table.string(&RESOLVER)?,
            roots: table.strings(&ROOTS)?,
            web_roots: table.strings(&WEB_ROOTS)?,
            allow_networks: table.strings(&ALLOW_NETWORKS)?,
            domain,
        })
    }

    pub(super) fn listen(&self) -> Result<Vec<SocketAddr>, Fault> {
        let texts = self.listen.get_ref();
        if texts.is_empty() {
            return Err(Fault::at(&self.listen, Problem::Empty { key: &LISTEN }));
        }
        let mut addresses: Vec<SocketAddr> = Vec::with_capacity(texts.len());
        for text in texts {
            let address: SocketAddr = value(&LISTEN, text)?;
            // Port 0 is another one every time.
            if address.port() != 0 && addresses.contains(&address) {
                let found = text.get_ref().clone();
                return Err(Fault::at(text, Problem::SameAddress { found }));
            }
            addresses.push(address);
        }
        Ok(addresses)
    }

    pub(super) fn resolver(&self) -> Result<Option<SocketAddr>, Fault> {
        self.resolver.as_ref().map(|address| value(&RESOLVER, address)).transpose()
    }

    pub(super) fn allow_networks(&self) -> Result<Vec<IpNet>, Fault> {
        let networks = self.allow_networks.iter().flat_map(Spanned::get_ref);
        networks.map(|network| value(&ALLOW_NETWORKS, network)).collect()
    }

    pub(super) fn roots(&self, folder: &Path) -> Result<Option<RootCertStore>, Fault> {
        self.roots.as_ref().map(|files| anchors(&ROOTS, files, folder)).transpose()
    }

    pub(super) fn web_roots(&self, folder: &Path) -> Result<Option<RootCertStore>, Fault> {
        self.web_roots.as_ref().map(|files| anchors(&WEB_ROOTS, files, folder)).transpose()
    }

    pub(super) fn domains(
        &self,
        folder: &Path,
        provider: &CryptoProvider,
    ) -> Result<Vec<(Domain, Arc<CertifiedKey>)>, Fault> {
        let tables = self.domain.get_ref();
        if tables.is_empty() {
            return Err(Fault::at(&self.domain, Problem::Empty { key: &DOMAIN }));
        }
        let mut seen = HashMap::new();
        let mut domains = Vec::with_capacity(tables.len());
        for table in tables {
            let name: Domain = value(&NAME, &table.name)?;
            if let Some(first) = seen.insert(name.clone(), table.name.span()) {
                return Err(Fault::at(&table.name, Problem::Duplicate { domain: name, first }));
            }
            domains.push((name, Arc::new(table.certified_key(folder, provider)?)));
        }
        Ok(domains)
    }
}

impl DomainTable {
    fn read_all(tables: Spanned<Vec<Table<'_>>>) -> Result<Spanned<Vec<Self>>, Fault> {
        let span = tables.span();
        let all: Result<_, _> = tables.into_inner().into_iter().map(Self::read).collect();
        Ok(Spanned::new(span, all?))
    }

    fn read(mut table: Table<'_>) -> Result<Self, Fault> {
        table.has_only(&OF_DOMAIN, &TOP)?;
        let mut required = |key| {
            let value = table.string(key)?;
            table.required(key, value)
        };
        Ok(Self {
            name: required(&NAME)?,
            certificate: required(&CERTIFICATE)?,
            key: required(&KEY)?,
        })
    }

    fn certified_key(
        &self,
        folder: &Path,
        provider: &CryptoProvider,
    ) -> Result<CertifiedKey, Fault> {
        let certificate = path(&CERTIFICATE, &self.certificate, folder)?;
        let key = path(&KEY, &self.key, folder)?;
        let chain = pem::certificates(CERTIFICATE.name, &certificate)
            .map_err(|problem| Fault::at(&self.certificate, problem))?;
        pem::certified_key(chain, &key, provider).map_err(|problem| Fault::at(&self.key, problem))
    }
}

fn value<T: FromStr>(key: &'static Key, text: &Spanned<String>) -> Result<T, Fault> {
    text.get_ref()
        .parse()
        .map_err(|_| Fault::at(text, Problem::Value { key, found: text.get_ref().clone() }))
}

fn path(key: &'static Key, text: &Spanned<String>, folder: &Path) -> Result<PathBuf, Fault> {
    if text.get_ref().is_empty() {
        return Err(Fault::at(text, Problem::Value { key, found: String::new() }));
    }
    Ok(folder.join(text.get_ref()))
}

fn anchors(
    key: &'static Key,
    files: &Spanned<Vec<Spanned<String>>>,
    folder: &Path,
) -> Result<RootCertStore, Fault> {
    if files.get_ref().is_empty() {
        return Err(Fault::at(files, Problem::Empty { key }));
    }
    let mut store = RootCertStore::empty();
    for file in files.get_ref() {
        pem::add_anchors(&mut store, key.name, &path(key, file, folder)?)
            .map_err(|problem| Fault::at(file, problem))?;
    }
    Ok(store)
}
