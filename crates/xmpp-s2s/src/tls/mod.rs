//! TLS in both roles. What is verified here is that the peer holds the key of the certificate it
//! shows, and nothing else: who it is, the gate decides after the handshake.

mod possession;

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use posh::HandshakeSignatures;
use rustls::client::Resumption;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::ServerName;
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, CommonState, Error, ProtocolVersion, ServerConfig};
use thiserror::Error as ThisError;
use tokio::time::timeout;
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};
use xmpp_s2s_proto::dna::Presented;
use xmpp_s2s_proto::stream::Security;
use xmpp_s2s_proto::{Code, Domain};

use self::possession::Possession;
use crate::config::Identities;
use crate::dial::Transport;

/// The name of this protocol in ALPN (XEP-0368).
const ALPN: &[u8] = b"xmpp-server";

/// Why a handshake failed.
#[derive(Debug, ThisError)]
pub(crate) enum TlsError {
    #[error("TLS handshake did not end in time")]
    Timeout,
    #[error("TLS handshake failed")]
    Handshake(#[source] io::Error),
    #[error("TLS cannot be set up")]
    Setup(#[from] Error),
}

impl From<TlsError> for io::Error {
    fn from(error: TlsError) -> Self {
        match error {
            TlsError::Timeout => Self::new(io::ErrorKind::TimedOut, error),
            TlsError::Handshake(error) => error,
            TlsError::Setup(error) => Self::other(error),
        }
    }
}

impl TlsError {
    /// The word for it in a trail.
    pub(crate) fn code(&self) -> Code {
        match self {
            Self::Timeout => Code::TlsTimeout,
            Self::Handshake(_) | Self::Setup(_) => Code::TlsFailed,
        }
    }
}

type Io = Box<dyn Transport>;

/// Makes TLS connections of one endpoint.
#[derive(Clone)]
pub(crate) struct Tls {
    provider: Arc<CryptoProvider>,
    possession: Arc<Possession>,
    time: Duration,
}

impl Tls {
    pub(crate) fn new(provider: Arc<CryptoProvider>, time: Duration) -> Self {
        let possession = Possession(HandshakeSignatures::new(&provider));
        Self { provider, possession: Arc::new(possession), time }
    }

    /// The handshake of an initiating entity: we ask for `remote` and show `identity`.
    pub(crate) async fn connect(
        &self,
        io: Io,
        remote: &Domain,
        identity: Arc<CertifiedKey>,
        security: Security,
    ) -> Result<TlsStream<Io>, TlsError> {
        let mut config = ClientConfig::builder_with_provider(self.provider.clone())
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(self.possession.clone())
            .with_client_cert_resolver(Arc::new(SingleCertAndKey::from(identity)));
        config.resumption = Resumption::disabled();
        config.alpn_protocols = protocols(security);
        let name = ServerName::DnsName(remote.to_dns().clone());
        let connect = TlsConnector::from(Arc::new(config)).connect(name, io);
        within(self.time, connect).await.map(TlsStream::Client)
    }

    /// The handshake of a receiving entity that shows `certificate`.
    pub(crate) async fn accept(
        &self,
        io: Io,
        certificate: Certificate,
        security: Security,
    ) -> Result<TlsStream<Io>, TlsError> {
        let mut config = ServerConfig::builder_with_provider(self.provider.clone())
            .with_safe_default_protocol_versions()?
            .with_client_cert_verifier(self.possession.clone())
            .with_cert_resolver(match certificate {
                Certificate::Of(identity) => Arc::new(SingleCertAndKey::from(identity)),
                Certificate::ByName(identities) => Arc::new(ByName(identities)),
            });
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        config.alpn_protocols = protocols(security);
        let accept = TlsAcceptor::from(Arc::new(config)).accept(io);
        within(self.time, accept).await.map(TlsStream::Server)
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}

/// Which certificate a receiving entity shows.
pub(crate) enum Certificate {
    /// This: with STARTTLS the header named the domain.
    Of(Arc<CertifiedKey>),
    /// That of the name the peer asks for; a peer that asks for none, or for one that is not ours,
    /// is refused.
    ByName(Arc<dyn Identities>),
}

/// What the peer showed, and proved to hold the key of.
pub(crate) fn presented<IO>(tls: &TlsStream<IO>) -> Option<Presented> {
    let (_, connection) = tls.get_ref();
    Presented::after_handshake(connection.peer_certificates()?)
}

/// The name that the peer asked for.
pub(crate) fn asked<IO>(tls: &TlsStream<IO>) -> Option<Domain> {
    match tls {
        TlsStream::Server(tls) => tls.get_ref().1.server_name()?.parse().ok(),
        TlsStream::Client(_) => None,
    }
}

/// Version and cipher, for a trail.
pub(crate) fn describe<IO>(tls: &TlsStream<IO>) -> String {
    let (_, connection): (_, &CommonState) = tls.get_ref();
    let version = match connection.protocol_version() {
        Some(ProtocolVersion::TLSv1_3) => "TLS 1.3",
        Some(ProtocolVersion::TLSv1_2) => "TLS 1.2",
        _ => "TLS",
    };
    let suite = connection.negotiated_cipher_suite().and_then(|suite| suite.suite().as_str());
    format!("{version}, {}", suite.unwrap_or("unnamed cipher suite"))
}

fn protocols(security: Security) -> Vec<Vec<u8>> {
    match security {
        Security::Direct => vec![ALPN.to_vec()],
        Security::StartTls => Vec::new(),
    }
}

async fn within<T>(
    time: Duration,
    handshake: impl Future<Output = io::Result<T>>,
) -> Result<T, TlsError> {
    match timeout(time, handshake).await {
        Ok(result) => result.map_err(TlsError::Handshake),
        Err(_) => Err(TlsError::Timeout),
    }
}

struct ByName(Arc<dyn Identities>);

impl ResolvesServerCert for ByName {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.0.identity(&hello.server_name()?.parse().ok()?)
    }
}

impl fmt::Debug for ByName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByName").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
