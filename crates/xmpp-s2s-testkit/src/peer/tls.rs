//! How a scripted peer does TLS. Both sides would resume sessions if the other side let them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustls::client::{
    ClientSessionMemoryCache, ClientSessionStore, Resumption, Tls12ClientSessionValue,
    Tls13ClientSessionValue,
};
use rustls::sign::SingleCertAndKey;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, NamedGroup, ServerConfig, SupportedProtocolVersion};
use rustls_pki_types::ServerName;

use super::any::AnyPeer;
use crate::identity::Identity;
use crate::tls::provider;

/// The client's side of TLS: shows a certificate or none, takes any, and keeps the sessions that
/// servers offer. Clones share them.
#[derive(Clone, Debug)]
#[must_use]
pub struct ClientTls {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
    sessions: Arc<Sessions>,
}

impl ClientTls {
    /// Asks for `server_name`, shows no certificate, and offers no application protocol.
    ///
    /// # Panics
    ///
    /// If `server_name` is not a DNS name.
    pub fn new(server_name: &str) -> Self {
        Self::with_versions(server_name, &[&TLS13, &TLS12])
    }

    /// The same with TLS 1.2 only.
    ///
    /// # Panics
    ///
    /// If `server_name` is not a DNS name.
    pub fn tls_1_2(server_name: &str) -> Self {
        Self::with_versions(server_name, &[&TLS12])
    }

    fn with_versions(name: &str, versions: &[&'static SupportedProtocolVersion]) -> Self {
        let sessions = Arc::new(Sessions::default());
        let mut config = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(versions)
            .expect("ring has suites for TLS 1.2 and 1.3")
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(AnyPeer(provider())))
            .with_no_client_auth();
        config.resumption = Resumption::store(sessions.clone());
        let name = ServerName::try_from(name.to_owned()).expect("a DNS name");
        Self { config: Arc::new(config), name, sessions }
    }

    /// Shows this certificate.
    pub fn identity(mut self, identity: &Identity) -> Self {
        let resolver = SingleCertAndKey::from(identity.certified_key());
        Arc::make_mut(&mut self.config).client_auth_cert_resolver = Arc::new(resolver);
        self
    }

    /// Offers these application protocols.
    pub fn alpn(mut self, protocols: &[&str]) -> Self {
        Arc::make_mut(&mut self.config).alpn_protocols = bytes(protocols);
        self
    }

    /// Does not say which name it wants (no SNI).
    pub fn without_server_name(mut self) -> Self {
        Arc::make_mut(&mut self.config).enable_sni = false;
        self
    }

    /// Cuts what it sends into TLS records of at most `size` bytes, the handshake too.
    pub fn records_of(mut self, size: usize) -> Self {
        Arc::make_mut(&mut self.config).max_fragment_size = Some(size);
        self
    }

    /// How many sessions (tickets, or session ids in TLS 1.2) servers have offered to resume.
    #[must_use]
    pub fn sessions_offered(&self) -> usize {
        self.sessions.offered.load(Ordering::SeqCst)
    }

    pub(super) fn config(&self) -> Arc<ClientConfig> {
        self.config.clone()
    }

    pub(super) fn server_name(&self) -> ServerName<'static> {
        self.name.clone()
    }
}

/// The server's side of TLS: asks for a certificate, takes any or none, and offers to resume.
/// Clones share the sessions.
#[derive(Clone, Debug)]
#[must_use]
pub struct ServerTls(Arc<ServerConfig>);

impl ServerTls {
    /// Shows this certificate.
    pub fn new(identity: &Identity) -> Self {
        Self::with_versions(identity, &[&TLS13, &TLS12])
    }

    /// The same with TLS 1.2 only.
    pub fn tls_1_2(identity: &Identity) -> Self {
        Self::with_versions(identity, &[&TLS12])
    }

    fn with_versions(identity: &Identity, versions: &[&'static SupportedProtocolVersion]) -> Self {
        let config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(versions)
            .expect("ring has suites for TLS 1.2 and 1.3")
            .with_client_cert_verifier(Arc::new(AnyPeer(provider())))
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(identity.certified_key())));
        Self(Arc::new(config))
    }

    /// Agrees to these application protocols, and to none at all.
    pub fn alpn(mut self, protocols: &[&str]) -> Self {
        Arc::make_mut(&mut self.0).alpn_protocols = bytes(protocols);
        self
    }

    pub(super) fn config(&self) -> Arc<ServerConfig> {
        self.0.clone()
    }
}

fn bytes(protocols: &[&str]) -> Vec<Vec<u8>> {
    protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect()
}

/// Keeps sessions as any client does, and counts them.
#[derive(Debug)]
struct Sessions {
    kept: ClientSessionMemoryCache,
    offered: AtomicUsize,
}

impl Default for Sessions {
    fn default() -> Self {
        Self { kept: ClientSessionMemoryCache::new(32), offered: AtomicUsize::new(0) }
    }
}

impl ClientSessionStore for Sessions {
    fn set_kx_hint(&self, name: ServerName<'static>, group: NamedGroup) {
        self.kept.set_kx_hint(name, group);
    }

    fn kx_hint(&self, name: &ServerName<'_>) -> Option<NamedGroup> {
        self.kept.kx_hint(name)
    }

    fn set_tls12_session(&self, name: ServerName<'static>, session: Tls12ClientSessionValue) {
        self.offered.fetch_add(1, Ordering::SeqCst);
        self.kept.set_tls12_session(name, session);
    }

    fn tls12_session(&self, name: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        self.kept.tls12_session(name)
    }

    fn remove_tls12_session(&self, name: &ServerName<'static>) {
        self.kept.remove_tls12_session(name);
    }

    fn insert_tls13_ticket(&self, name: ServerName<'static>, ticket: Tls13ClientSessionValue) {
        self.offered.fetch_add(1, Ordering::SeqCst);
        self.kept.insert_tls13_ticket(name, ticket);
    }

    fn take_tls13_ticket(&self, name: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        self.kept.take_tls13_ticket(name)
    }
}
