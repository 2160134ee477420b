//! What an endpoint is told by its embedder.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hickory_resolver::TokioResolver;
use ipnet::{IpNet, Ipv6Net};
use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::sign::CertifiedKey;
use xmpp_s2s_proto::Domain;
use xmpp_s2s_proto::dna::Policy;
use xmpp_s2s_proto::stream::{Security, StreamConfig};

/// What an [`Endpoint`](crate::Endpoint) needs to know.
#[non_exhaustive]
pub struct Config {
    /// What is enough, unless `policies` says otherwise.
    pub policy: Policy,
    /// What is enough for these domains.
    pub policies: HashMap<Domain, Policy>,
    /// How streams behave. The time for negotiation is that of `limits`.
    pub stream: StreamConfig,
    /// Which POSH documents to ask for. Where both are published, that of RFC 7711 decides.
    pub profiles: Vec<posh::Profile>,
    /// Bounds on POSH lookups.
    pub posh: posh::Limits,
    /// Budgets and deadlines.
    pub limits: Limits,
    /// Networks that are otherwise forbidden, to fetch from and to connect to.
    pub allow_networks: Vec<IpNet>,
    /// This network's own NAT64 prefixes (RFC 6052): what is behind them is judged as IPv4. The
    /// well-known prefix needs no mention.
    pub nat64_prefixes: Vec<Ipv6Net>,
    /// Which addresses of a host are used.
    pub families: Families,
    /// Where to connect to in place of a host and port, the host in lower case, that the DNS or a
    /// URL names; for tools and for trials. What has to be proved stays the same, and the address
    /// has to be one that may be connected to.
    pub connect_to: HashMap<(String, u16), SocketAddr>,
    /// The ways to these domains, where they are to be chosen; for tools and for trials. What has
    /// to be proved stays the same.
    pub routes: HashMap<Domain, Route>,
    /// The resolver; the system's if `None`.
    pub resolver: Option<TokioResolver>,
    pub(crate) identities: Arc<dyn Identities>,
    pub(crate) roots: Roots,
    pub(crate) provider: Arc<CryptoProvider>,
}

impl Config {
    /// Takes what has no default: who we are, whom to trust, and the cryptography to do it with.
    pub fn new(
        identities: impl Identities + 'static,
        roots: Roots,
        provider: impl Into<Arc<CryptoProvider>>,
    ) -> Self {
        Self {
            policy: Policy::default(),
            policies: HashMap::new(),
            stream: StreamConfig::default(),
            profiles: vec![posh::Profile::Rfc7711, posh::Profile::Draft02],
            posh: posh::Limits::default(),
            limits: Limits::default(),
            allow_networks: Vec::new(),
            nat64_prefixes: Vec::new(),
            families: Families::Both,
            connect_to: HashMap::new(),
            routes: HashMap::new(),
            resolver: None,
            identities: Arc::new(identities),
            roots,
            provider: provider.into(),
        }
    }

    /// What is enough for `remote`.
    pub(crate) fn policy_for(&self, remote: &Domain) -> &Policy {
        self.policies.get(remote).unwrap_or(&self.policy)
    }
}

impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config")
            .field("policy", &self.policy)
            .field("profiles", &self.profiles)
            .field("limits", &self.limits)
            .field("allow_networks", &self.allow_networks)
            .finish_non_exhaustive()
    }
}

/// Which addresses are used.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums)]
pub enum Families {
    /// All.
    #[default]
    Both,
    /// Only those of IPv4.
    Ipv4,
    /// Only those of IPv6.
    Ipv6,
}

/// The way to a domain.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Route {
    /// Where the SRV records of this kind alone point. Without one it is port 5269 of the domain
    /// itself for STARTTLS (RFC 6120 §3.2), and nowhere for direct TLS.
    Services(Security),
    /// To this port of the domain itself, whatever SRV records there are.
    Port(u16, Security),
}

/// Budgets and deadlines of an [`Endpoint`](crate::Endpoint); those of POSH are
/// [`posh::Limits`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Limits {
    /// Longest time for SRV and address resolution: 5 s. SRV has half of it.
    pub dns: Duration,
    /// Longest time for TCP, for the last target: 10 s. One that has others behind it gets two
    /// fifths of that.
    pub tcp: Duration,
    /// Longest time for the TLS handshake: 10 s.
    pub tls: Duration,
    /// Longest time from TCP to a stream that carries stanzas, outbound: 20 s. The handshake is
    /// only bounded by `tls`.
    pub negotiation: Duration,
    /// Longest time for all phases, outbound: 60 s.
    pub outbound: Duration,
    /// Longest time from TCP to a stream that carries stanzas, inbound: 30 s. An
    /// [`Incoming`](crate::Incoming) is to be decided about within it.
    pub inbound: Duration,
    /// Longest time in which a peer takes nothing of what is written to it: 60 s.
    pub write: Duration,
    /// Most connections of one source (an IPv4 address, an IPv6 /64) that are not authenticated:
    /// 20.
    pub unauthenticated_per_source: usize,
    /// Most connections that are not authenticated: 2,000.
    pub unauthenticated: usize,
    /// Most streams of one source that are authenticated: 1,000.
    pub authenticated_per_source: usize,
    /// Most inbound streams that are authenticated: 50,000.
    pub authenticated: usize,
    /// Most outbound streams that are brought up at once: 256. Others wait for a place, as long as
    /// `outbound` at most; that wait is not part of it.
    pub attempts: usize,
    /// Most pairs with a queue, or a stream of ours: 20,000.
    pub pairs: usize,
    /// Most stanzas that wait for one pair: 10,000.
    pub queue_stanzas: usize,
    /// Most bytes that wait for one pair: 4 MiB. A stanza counts as its text and 256 bytes.
    pub queue_size: usize,
    /// Most bytes that wait in all: 256 MiB.
    pub queues_size: usize,
    /// Most targets that are tried, and most addresses of all of them: 16.
    pub candidates: usize,
    /// Shortest time between two judgements of a pair whose stream is up: a minute, and never less
    /// than a second. It is judged again when what proved it has ended.
    pub judge_pause: Duration,
    /// Longest time for which such a pair stays though what its domain publishes cannot be found
    /// out any more, or is no document: 24 hours.
    pub doubt: Duration,
    /// How long a pair's stanzas fail at once after a failed attempt: 5 s.
    pub failure: Duration,
    /// Longest time of that kind, after many failed attempts: 5 minutes.
    pub back_off: Duration,
    /// Most failed pairs that are remembered: 10,000.
    pub failures: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            dns: Duration::from_secs(5),
            tcp: Duration::from_secs(10),
            tls: Duration::from_secs(10),
            negotiation: Duration::from_secs(20),
            outbound: Duration::from_secs(60),
            inbound: Duration::from_secs(30),
            write: Duration::from_secs(60),
            unauthenticated_per_source: 20,
            unauthenticated: 2_000,
            authenticated_per_source: 1_000,
            authenticated: 50_000,
            attempts: 256,
            pairs: 20_000,
            queue_stanzas: 10_000,
            queue_size: 4 * 1024 * 1024,
            queues_size: 256 * 1024 * 1024,
            candidates: 16,
            judge_pause: Duration::from_secs(60),
            doubt: Duration::from_secs(24 * 60 * 60),
            failure: Duration::from_secs(5),
            back_off: Duration::from_secs(300),
            failures: 10_000,
        }
    }
}

/// The certificates this server can present, by local domain.
///
/// It is asked for every connection, so an answer may change while the endpoint runs.
pub trait Identities: Send + Sync {
    /// The certificate for `local`; `None` if `local` is not ours.
    fn identity(&self, local: &Domain) -> Option<Arc<CertifiedKey>>;
}

impl Identities for HashMap<Domain, Arc<CertifiedKey>> {
    fn identity(&self, local: &Domain) -> Option<Arc<CertifiedKey>> {
        self.get(local).cloned()
    }
}

/// For a store that its owner goes on changing.
impl<T: Identities + ?Sized> Identities for Arc<T> {
    fn identity(&self, local: &Domain) -> Option<Arc<CertifiedKey>> {
        (**self).identity(local)
    }
}

/// Whom to trust, and for what.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Roots {
    /// For the certificates of XMPP servers.
    pub xmpp: Arc<RootCertStore>,
    /// For the web servers that publish POSH documents.
    pub web: Arc<RootCertStore>,
}

impl Roots {
    /// Roots for each; neither stands in for the other.
    pub fn new(xmpp: impl Into<Arc<RootCertStore>>, web: impl Into<Arc<RootCertStore>>) -> Self {
        Self { xmpp: xmpp.into(), web: web.into() }
    }

    /// The system's roots, for both.
    ///
    /// Fails if the system has none that can be read.
    pub fn system() -> io::Result<Self> {
        let store = Arc::new(system_store()?);
        Ok(Self { xmpp: store.clone(), web: store })
    }
}

fn system_store() -> io::Result<RootCertStore> {
    let found = rustls_native_certs::load_native_certs();
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(found.certs);
    if store.is_empty() {
        let reason = found.errors.into_iter().next();
        return Err(reason.map_or_else(
            || io::Error::new(io::ErrorKind::NotFound, "the system has no root certificates"),
            io::Error::other,
        ));
    }
    Ok(store)
}
