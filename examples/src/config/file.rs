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
use serde::Deserialize;
use toml::Spanned;
use xmpp_s2s::Domain;

use super::fault::{Fault, Problem};
use super::pem;

/// The keys of the file.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct File {
    listen: Spanned<Vec<Spanned<String>>>,
    resolver: Option<Spanned<String>>,
    roots: Option<Spanned<Vec<Spanned<PathBuf>>>>,
    web_roots: Option<Spanned<Vec<Spanned<PathBuf>>>>,
    #[serde(default)]
    allow_networks: Vec<Spanned<String>>,
    domain: Spanned<Vec<DomainTable>>,
}

/// The keys of one `[[domain]]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DomainTable {
    name: Spanned<String>,
    certificate: Spanned<PathBuf>,
    key: Spanned<PathBuf>,
}

const ADDRESS: &str = "an IP address with a port, such as \"0.0.0.0:5269\" or \"[::]:5269\"";
const NETWORK: &str = "a network, such as \"172.28.0.0/24\" or \"fd00::/8\"";
const DOMAIN: &str = "a domain name, such as \"im.example.org\"";

impl File {
    pub(super) fn parse(text: &str) -> Result<Self, Fault> {
        toml::from_str(text).map_err(|error| Fault {
            span: error.span().unwrap_or_default(),
            problem: Problem::Toml(error.message().replace('\n', ", ")),
        })
    }

    pub(super) fn listen(&self) -> Result<Vec<SocketAddr>, Fault> {
        if self.listen.get_ref().is_empty() {
            return Err(Fault::at(
                &self.listen,
                Problem::Empty { key: "listen", expected: ADDRESS },
            ));
        }
        self.listen.get_ref().iter().map(|address| value("listen", address, ADDRESS)).collect()
    }

    pub(super) fn resolver(&self) -> Result<Option<SocketAddr>, Fault> {
        self.resolver.as_ref().map(|address| value("resolver", address, ADDRESS)).transpose()
    }

    pub(super) fn allow_networks(&self) -> Result<Vec<IpNet>, Fault> {
        self.allow_networks.iter().map(|net| value("allow-networks", net, NETWORK)).collect()
    }

    pub(super) fn roots(&self, folder: &Path) -> Result<Option<RootCertStore>, Fault> {
        self.roots.as_ref().map(|files| anchors("roots", files, folder)).transpose()
    }

    pub(super) fn web_roots(&self, folder: &Path) -> Result<Option<RootCertStore>, Fault> {
        self.web_roots.as_ref().map(|files| anchors("web-roots", files, folder)).transpose()
    }

    pub(super) fn domains(
        &self,
        folder: &Path,
        provider: &CryptoProvider,
    ) -> Result<Vec<(Domain, Arc<CertifiedKey>)>, Fault> {
        let tables = self.domain.get_ref();
        if tables.is_empty() {
            let expected = "a table [[domain]] for each domain";
            return Err(Fault::at(&self.domain, Problem::Empty { key: "domain", expected }));
        }
        let mut seen = HashMap::new();
        let mut domains = Vec::with_capacity(tables.len());
        for table in tables {
            let name: Domain = value("name", &table.name, DOMAIN)?;
            if let Some(first) = seen.insert(name.clone(), table.name.span()) {
                return Err(Fault::at(&table.name, Problem::Duplicate { domain: name, first }));
            }
            domains.push((name, Arc::new(table.certified_key(folder, provider)?)));
        }
        Ok(domains)
    }
}

impl DomainTable {
    fn certified_key(
        &self,
        folder: &Path,
        provider: &CryptoProvider,
    ) -> Result<CertifiedKey, Fault> {
        let certificate = folder.join(self.certificate.get_ref());
        let key = folder.join(self.key.get_ref());
        let chain = pem::certificates("certificate", &certificate)
            .map_err(|problem| Fault::at(&self.certificate, problem))?;
        pem::certified_key(chain, &key, provider).map_err(|problem| Fault::at(&self.key, problem))
    }
}

fn value<T: FromStr>(
    key: &'static str,
    text: &Spanned<String>,
    expected: &'static str,
) -> Result<T, Fault> {
    text.get_ref().parse().map_err(|_| {
        Fault::at(text, Problem::Value { key, found: text.get_ref().clone(), expected })
    })
}

fn anchors(
    key: &'static str,
    files: &Spanned<Vec<Spanned<PathBuf>>>,
    folder: &Path,
) -> Result<RootCertStore, Fault> {
    if files.get_ref().is_empty() {
        let expected = "PEM files with trust anchors, or no such key to trust the system's";
        return Err(Fault::at(files, Problem::Empty { key, expected }));
    }
    let mut store = RootCertStore::empty();
    for file in files.get_ref() {
        pem::add_anchors(&mut store, key, &folder.join(file.get_ref()))
            .map_err(|problem| Fault::at(file, problem))?;
    }
    Ok(store)
}
