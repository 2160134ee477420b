//! XMPP server-to-server connections, authenticated by POSH, DANE or PKIX.
//!
//! ```text
//! Domain ─► Discovery ─► TLS ─► Stream ─► Peer ─► stanzas
//! ```
#![allow(unused_variables, clippy::todo, dead_code)]

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hickory_resolver::TokioResolver;
use ipnet::IpNet;
use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::sign::CertifiedKey;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};

pub use xmpp_s2s_proto::dna::{Association, Evidence, Policy, Prooftype, Rejection};
pub use xmpp_s2s_proto::stream::{Condition, Security, StreamConfig, StreamError};
pub use xmpp_s2s_proto::{
    Code, Domain, InvalidDomain, Namespace, Pair, Phase, Stanza, StanzaKind, Step, Trail, Verdict,
};

/// This server, as other servers meet it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Endpoint(Arc<Config>);

impl Endpoint {
    /// Checks `config` and builds the TLS, HTTPS and DNS clients.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        todo!()
    }

    /// Queues `stanza`, behind those of its pair that came before, for a stream that is up or is
    /// brought up; the answer says what became of it.
    pub fn send(&self, stanza: Stanza) -> Delivery {
        todo!()
    }

    /// Takes a connection as far as the peer's claim of who it is.
    ///
    /// The first byte tells direct TLS from STARTTLS. `address` is what budgets are kept for.
    pub async fn accept<IO>(
        &self,
        io: IO,
        address: Option<SocketAddr>,
    ) -> Result<Incoming, AcceptError>
    where
        IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        todo!()
    }

    /// Finds where `remote` is and what proves it, without connecting.
    pub async fn discover(&self, remote: &Domain) -> Result<Discovery, DiscoveryError> {
        todo!()
    }

    /// Goes the whole way to `remote` on a stream of its own, and tells what happened.
    pub async fn explain(&self, pair: &Pair) -> Trail {
        todo!()
    }

    /// The peers of today: up, being tried, failed not long ago.
    pub fn peers(&self) -> Vec<Peer> {
        todo!()
    }

    /// Closes every stream, and gives back what could not be sent by `deadline`.
    pub async fn close(&self, deadline: Duration) -> Vec<Undelivered> {
        todo!()
    }
}

/// What becomes of a stanza: written and flushed, or given back.
///
/// Dropping it gives up the answer, not the stanza.
#[must_use = "a stanza that cannot be delivered comes back here"]
#[derive(Debug)]
pub struct Delivery(());

impl Future for Delivery {
    type Output = Result<(), Undelivered>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        todo!()
    }
}

/// What an [`Endpoint`] needs to know.
#[non_exhaustive]
pub struct Config {
    /// What is enough, unless `policies` says otherwise.
    pub policy: Policy,
    /// What is enough for these domains.
    pub policies: HashMap<Domain, Policy>,
    /// How streams behave.
    pub stream: StreamConfig,
    /// Which POSH documents to ask for; the first that is published decides.
    pub profiles: Vec<posh::Profile>,
    /// Bounds on POSH lookups.
    pub posh: posh::Limits,
    /// Budgets and deadlines.
    pub limits: Limits,
    /// Networks that are otherwise forbidden, to fetch from and to connect to.
    pub allow_networks: Vec<IpNet>,
    /// The resolver; the system's if `None`.
    pub resolver: Option<TokioResolver>,
    identities: Arc<dyn Identities>,
    roots: Roots,
    provider: Arc<CryptoProvider>,
}

impl Config {
    /// Takes what has no default: who we are, whom to trust, and the cryptography to do it with.
    pub fn new(
        identities: impl Identities + 'static,
        roots: Roots,
        provider: impl Into<Arc<CryptoProvider>>,
    ) -> Self {
        todo!()
    }
}

/// Budgets and deadlines of an [`Endpoint`]; the defaults are those of the documentation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Limits {
    /// Longest time for SRV and address resolution.
    pub dns: Duration,
    /// Longest time for TCP, for each candidate.
    pub tcp: Duration,
    /// Longest time for the TLS handshake.
    pub tls: Duration,
    /// Longest time from the first byte to a stream that carries stanzas, outbound.
    pub negotiation: Duration,
    /// Longest time for all phases, outbound.
    pub outbound: Duration,
    /// Longest time from TCP to a stream that carries stanzas, inbound.
    pub inbound: Duration,
    /// Longest time for POSH, inbound.
    pub inbound_posh: Duration,
    /// Most connections of one source that are not authenticated.
    pub unauthenticated_per_source: usize,
    /// Most connections that are not authenticated.
    pub unauthenticated: usize,
    /// Most stanzas that wait for one pair.
    pub queue_stanzas: usize,
    /// Most bytes that wait for one pair.
    pub queue_size: usize,
    /// Most bytes that wait in all.
    pub queues_size: usize,
    /// Most SRV targets that are tried.
    pub candidates: usize,
    /// How long a pair's stanzas fail at once after a failed attempt.
    pub failure: Duration,
    /// Longest back-off.
    pub back_off: Duration,
}

impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config").finish_non_exhaustive()
    }
}

/// The certificates this server can present, by local domain.
pub trait Identities: Send + Sync {
    /// The certificate for `local`; `None` if `local` is not ours.
    fn identity(&self, local: &Domain) -> Option<Arc<CertifiedKey>>;
}

impl Identities for HashMap<Domain, Arc<CertifiedKey>> {
    fn identity(&self, local: &Domain) -> Option<Arc<CertifiedKey>> {
        self.get(local).cloned()
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
        todo!()
    }

    /// The system's roots for both.
    pub fn system() -> io::Result<Self> {
        todo!()
    }
}

/// Where a domain is and what proves it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Discovery {
    /// The targets, in the order to try them.
    pub targets: Vec<Target>,
    /// What was found out towards a proof.
    pub evidence: Evidence,
    /// How.
    pub trail: Trail,
}

/// A place to connect to.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Target {
    /// The host.
    pub host: String,
    /// The port.
    pub port: u16,
    /// TLS from the first byte, or after STARTTLS.
    pub security: Security,
}

/// The other end of a stream, and how it stands.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Peer {
    /// Who, with which of our domains.
    pub pair: Pair,
    /// The proof, once there is one.
    pub association: Option<Arc<Association>>,
    /// Where it is, if the transport knows.
    pub address: Option<SocketAddr>,
    /// How it came to this.
    pub trail: Trail,
}

/// A connection whose peer has said who it is, and has not proved it.
///
/// Dropping it refuses the peer.
#[derive(Debug)]
#[must_use = "dropping it refuses the peer"]
pub struct Incoming(());

impl Incoming {
    /// Who the peer claims to be, and which of our domains it wants.
    pub fn claimed(&self) -> &Pair {
        todo!()
    }

    /// Finds the material, checks the proof and opens the stream.
    pub async fn authenticate(self) -> Result<Inbound, AcceptError> {
        todo!()
    }

    /// The peer's address, if the transport knows.
    pub fn address(&self) -> Option<SocketAddr> {
        todo!()
    }

    /// Closes the stream with `condition`.
    pub async fn refuse(self, condition: Condition) {
        todo!()
    }
}

/// A stream that the peer opened: stanzas come in.
#[derive(Debug)]
pub struct Inbound(());

impl Inbound {
    /// The next stanza, always of a pair that is proved; `None` at the end.
    ///
    /// Cancel safe.
    pub async fn next(&mut self) -> Result<Option<Stanza>, StreamError> {
        todo!()
    }

    /// The other end: one entry for each pair that is proved.
    pub fn peers(&self) -> &[Peer] {
        todo!()
    }
}

/// A configuration that cannot work.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// No prooftype is allowed, so nobody could ever be authenticated.
    #[error("the policy allows no prooftype")]
    NoProoftype,
    /// The system's resolver configuration is unusable.
    #[error("cannot set the resolver up")]
    Resolver(#[source] io::Error),
    /// rustls does not accept the configuration.
    #[error("cannot set TLS up")]
    Tls(#[from] rustls::Error),
}

/// Why a domain's location is not known.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum DiscoveryError {
    /// DNSSEC validation failed.
    #[error("bogus DNS answer for {0}")]
    Bogus(Domain),
    /// The domain says that it has no XMPP server.
    #[error("{0} has no XMPP server")]
    NotOffered(Domain),
    /// The DNS does not answer.
    #[error("cannot resolve {domain}")]
    Unresolved {
        /// The domain.
        domain: Domain,
        /// What the resolver said.
        #[source]
        error: Arc<io::Error>,
    },
}

/// Why there is no stream to a domain, by the phase that failed.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// Where it is, is not known.
    #[error(transparent)]
    Discovery(#[from] DiscoveryError),
    /// More stanzas are waiting than [`Config::queue`].
    #[error("queue to {0} is full")]
    QueueFull(Domain),
    /// It did not prove that it is the domain.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The stream broke, or the peer does not accept us.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// No target could be reached; what happened at each.
    #[error("cannot reach {domain}")]
    Unreachable {
        /// The domain.
        domain: Domain,
        /// The targets and their errors.
        attempts: Vec<(Target, Arc<io::Error>)>,
    },
}

/// A stanza that was not delivered.
#[derive(Clone, Debug, Error)]
#[error("stanza to {} was not delivered", .stanza.to())]
#[non_exhaustive]
pub struct Undelivered {
    /// The stanza.
    pub stanza: Stanza,
    /// Why.
    #[source]
    pub error: ConnectError,
    /// What was tried.
    pub trail: Trail,
}

impl Undelivered {
    /// The error to send back to the author, with one sentence that says why; `None` for stanzas
    /// that must not be answered.
    pub fn bounce(&self) -> Option<Stanza> {
        todo!()
    }
}

/// Why a connection did not become a stream.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum AcceptError {
    /// The transport failed.
    #[error("transport failed")]
    Io(#[source] Arc<io::Error>),
    /// A budget of this source address, this domain or the whole endpoint is used up.
    #[error("too many connections from this source")]
    OverBudget,
    /// The peer did not prove its claim.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The stream broke.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// The handshake failed.
    #[error("TLS handshake failed")]
    Tls(#[from] rustls::Error),
}
