//! The file as it is written: TOML, with the place of every value.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use ipnet::IpNet;
use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::sign::CertifiedKey;
use toml::Spanned;
use xmpp_s2s::{Domain, Prooftype};

use super::fault::{Fault, Problem};
use super::keys::{
    ALLOW_NETWORKS, BLOCK, CERTIFICATE, DOMAIN, KEY, LISTEN, NAME, OF_DOMAIN, OF_PEER, PEER,
    PEER_NAME, PEER_PROOFTYPES, PROOFTYPES, RESOLVER, ROOTS, TOP, WEB_ROOTS,
};
use super::pem;
use super::table::{Key, Table};

/// What stands in the file.
pub(super) struct File {
    listen: Spanned<Vec<Spanned<String>>>,
    resolver: Option<Spanned<String>>,
    roots: Option<Spanned<Vec<Spanned<String>>>>,
    web_roots: Option<Spanned<Vec<Spanned<String>>>>,
    allow_networks: Option<Spanned<Vec<Spanned<String>>>>,
    prooftypes: Option<Spanned<Vec<Spanned<String>>>>,
    block: Option<Spanned<Vec<Spanned<String>>>>,
    domain: Spanned<Vec<DomainTable>>,
    peer: Vec<PeerTable>,
}

/// What stands in one `[[domain]]`.
struct DomainTable {
    name: Spanned<String>,
    certificate: Spanned<String>,
    key: Spanned<String>,
}

/// What stands in one `[[peer]]`.
struct PeerTable {
    name: Spanned<String>,
    prooftypes: Spanned<Vec<Spanned<String>>>,
}

impl File {
    pub(super) fn parse(text: &str) -> Result<Self, Fault> {
        let mut table = Table::parse(text)?;
        table.has_only("", &TOP, &[])?;
        // First, since what others lack may stand in there.
        let (domain, peer) = (table.tables(&DOMAIN)?, table.tables(&PEER)?);
        let peer = peer.map_or_else(Vec::new, Spanned::into_inner);
        let peer = peer.into_iter().map(PeerTable::read).collect::<Result<_, _>>()?;
        let domain = DomainTable::read_all(table.required(&DOMAIN, domain)?)?;
        let listen = table.strings(&LISTEN)?;
        Ok(Self {
            listen: table.required(&LISTEN, listen)?,
            resolver: table.string(&RESOLVER)?,
            roots: table.strings(&ROOTS)?,
            web_roots: table.strings(&WEB_ROOTS)?,
            allow_networks: table.strings(&ALLOW_NETWORKS)?,
            prooftypes: table.strings(&PROOFTYPES)?,
            block: table.strings(&BLOCK)?,
            domain,
            peer,
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

    pub(super) fn prooftypes(&self) -> Result<Option<Vec<Prooftype>>, Fault> {
        self.prooftypes.as_ref().map(prooftypes).transpose()
    }

    pub(super) fn block(&self) -> Result<HashSet<Domain>, Fault> {
        let names = self.block.iter().flat_map(Spanned::get_ref);
        names.map(|name| value(&BLOCK, name)).collect()
    }

    pub(super) fn peers(&self) -> Result<HashMap<Domain, Vec<Prooftype>>, Fault> {
        let mut seen = Seen::default();
        let mut peers = HashMap::new();
        for table in &self.peer {
            let name = seen.add(&table.name)?;
            peers.insert(name, prooftypes(&table.prooftypes)?);
        }
        Ok(peers)
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
        let mut seen = Seen::default();
        let mut domains = Vec::with_capacity(tables.len());
        for table in tables {
            let name = seen.add(&table.name)?;
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
        table.has_only(DOMAIN.name, &OF_DOMAIN, &TOP)?;
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

impl PeerTable {
    fn read(mut table: Table<'_>) -> Result<Self, Fault> {
        table.has_only(PEER.name, &OF_PEER, &TOP)?;
        let (name, prooftypes) = (table.string(&PEER_NAME)?, table.strings(&PEER_PROOFTYPES)?);
        Ok(Self {
            name: table.required(&PEER_NAME, name)?,
            prooftypes: table.required(&PEER_PROOFTYPES, prooftypes)?,
        })
    }
}

/// Names that were read, with their places.
#[derive(Default)]
struct Seen(HashMap<Domain, Range<usize>>);

impl Seen {
    /// Takes a name that was not there before.
    fn add(&mut self, name: &Spanned<String>) -> Result<Domain, Fault> {
        let domain: Domain = value(&NAME, name)?;
        match self.0.insert(domain.clone(), name.span()) {
            None => Ok(domain),
            Some(first) => Err(Fault::at(name, Problem::Duplicate { domain, first })),
        }
    }
}

fn prooftypes(list: &Spanned<Vec<Spanned<String>>>) -> Result<Vec<Prooftype>, Fault> {
    if list.get_ref().is_empty() {
        return Err(Fault::at(list, Problem::Empty { key: &PROOFTYPES }));
    }
    let known = [Prooftype::Pkix, Prooftype::Posh];
    let prooftype = |text: &Spanned<String>| {
        let found = known.into_iter().find(|known| known.as_str() == text.get_ref());
        let problem = || Problem::Value { key: &PROOFTYPES, found: text.get_ref().clone() };
        found.ok_or_else(|| Fault::at(text, problem()))
    };
    list.get_ref().iter().map(prooftype).collect()
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
