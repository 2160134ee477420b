//! TLS in both roles. What is verified here is that the peer holds the key of the certificate it
//! shows, and nothing else: who it is, the gate decides after the handshake.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls13_signature_with_raw_key,
};
use rustls::pki_types::{CertificateDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{
    CertificateError, ClientConfig, CommonState, DigitallySignedStruct, DistinguishedName, Error,
    PeerMisbehaved, ProtocolVersion, ServerConfig, SignatureScheme,
};
use thiserror::Error as ThisError;
use tokio::time::timeout;
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};
use webpki::RawPublicKeyEntity;
use xmpp_s2s_proto::dna::Presented;
use xmpp_s2s_proto::stream::Security;
use xmpp_s2s_proto::{Code, Domain};

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
        let possession = Possession(provider.signature_verification_algorithms);
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

/// Takes any certificate whose key the peer proves to hold.
#[derive(Debug)]
struct Possession(WebPkiSupportedAlgorithms);

impl Possession {
    /// rustls' own check refuses certificates that only POSH can vouch for, such as X.509 v1; the
    /// key alone is what matters here.
    fn tls12(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let key = key_of(certificate)?;
        let entity = RawPublicKeyEntity::try_from(&key)
            .map_err(|_| Error::InvalidCertificate(CertificateError::BadEncoding))?;
        let (_, algorithms) = self
            .0
            .mapping
            .iter()
            .find(|(scheme, _)| *scheme == signed.scheme)
            .ok_or(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme)?;
        let valid = algorithms.iter().any(|algorithm| {
            entity.verify_signature(*algorithm, message, signed.signature()).is_ok()
        });
        if valid {
            Ok(HandshakeSignatureValid::assertion())
        } else {
            Err(CertificateError::BadSignature.into())
        }
    }

    fn tls13(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature_with_raw_key(message, &key_of(certificate)?, signed, &self.0)
    }
}

fn key_of<'a>(certificate: &'a CertificateDer<'_>) -> Result<SubjectPublicKeyInfoDer<'a>, Error> {
    let leaf = posh::Leaf::parse(certificate).map_err(|_| CertificateError::BadEncoding)?;
    Ok(SubjectPublicKeyInfoDer::from(leaf.subject_public_key_info()))
}

impl ServerCertVerifier for Possession {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.tls12(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.tls13(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}

impl ClientCertVerifier for Possession {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.tls12(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.tls13(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use rustls::HandshakeKind;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
    use xmpp_s2s_testkit::{Authority, Certificate as Spec, Identity, provider};

    use super::*;

    type Ends = (TlsStream<Io>, TlsStream<Io>);

    fn domain(name: &str) -> Domain {
        name.parse().unwrap()
    }

    fn tls(provider: Arc<CryptoProvider>) -> Tls {
        Tls::new(provider, Duration::from_secs(5))
    }

    fn one_version(tls13: bool) -> Arc<CryptoProvider> {
        let mut provider = (*provider()).clone();
        provider.cipher_suites.retain(|suite| suite.tls13().is_some() == tls13);
        Arc::new(provider)
    }

    /// A handshake, and a byte each way, since some alerts come after it.
    async fn meet(
        tls: &Tls,
        client: &Identity,
        server: Certificate,
        security: Security,
    ) -> Result<Ends, TlsError> {
        let (near, far) = duplex(64 * 1024);
        let remote = domain("b.example");
        let connect = tls.connect(Box::new(near), &remote, client.certified_key(), security);
        let accept = tls.accept(Box::new(far), server, security);
        let (mut near, mut far) = tokio::try_join!(connect, accept)?;
        let exchange = async {
            near.write_all(b"x").await?;
            near.flush().await?;
            far.read_u8().await?;
            far.write_all(b"y").await?;
            far.flush().await?;
            near.read_u8().await
        };
        exchange.await.map_err(TlsError::Handshake)?;
        Ok((near, far))
    }

    fn identities() -> (Identity, Identity) {
        let authority = Authority::new("authority");
        (authority.issue_for("a.example"), authority.issue_for("b.example"))
    }

    #[tokio::test]
    async fn any_certificate_passes_whose_key_is_held() {
        let odd = [
            Spec::new(["elsewhere.example"]).self_signed(),
            Spec::new(["elsewhere.example"]).marked_as_authority().self_signed(),
            Spec::new(["elsewhere.example"]).unknown_critical_extension().self_signed(),
            Spec::new(["elsewhere.example"]).days(-9..-2).self_signed(),
            Identity::x509_version_1(),
        ];
        for (number, odd) in odd.iter().enumerate() {
            for tls13 in [false, true] {
                let server = Certificate::Of(odd.certified_key());
                let met = meet(&tls(one_version(tls13)), odd, server, Security::StartTls).await;
                let (near, far) = met.unwrap_or_else(|error| {
                    panic!("certificate {number}, TLS 1.3 {tls13}: {error:?}")
                });
                assert_eq!(presented(&near).unwrap().end_entity(), odd.leaf());
                assert_eq!(presented(&far).unwrap().end_entity(), odd.leaf());
            }
        }
    }

    #[tokio::test]
    async fn a_certificate_without_its_key_passes_in_neither_role() {
        let (a, b) = identities();
        let (stolen, other) = (a.with_key_of(&b), b.with_key_of(&a));
        for tls13 in [false, true] {
            let tls = tls(one_version(tls13));
            let honest = Certificate::Of(b.certified_key());
            assert!(meet(&tls, &stolen, honest, Security::StartTls).await.is_err());
            let thief = Certificate::Of(other.certified_key());
            assert!(meet(&tls, &a, thief, Security::StartTls).await.is_err());
        }
    }

    #[tokio::test]
    async fn a18_no_session_is_ever_resumed() {
        let (a, b) = identities();
        for tls13 in [false, true] {
            let tls = tls(one_version(tls13));
            for _ in 0..3 {
                let server = Certificate::Of(b.certified_key());
                let (near, far) = meet(&tls, &a, server, Security::Direct).await.unwrap();
                for end in [near, far] {
                    let (_, connection): (_, &CommonState) = end.get_ref();
                    assert_eq!(connection.handshake_kind(), Some(HandshakeKind::Full));
                }
            }
        }
    }

    #[tokio::test]
    async fn a25_direct_tls_wants_a_name_that_is_ours() {
        let (a, b) = identities();
        let hosting = |name| {
            let identities = HashMap::from([(domain(name), b.certified_key())]);
            Certificate::ByName(Arc::new(identities))
        };
        let tls = tls(provider());
        assert!(meet(&tls, &a, hosting("b.example"), Security::Direct).await.is_ok());
        assert!(meet(&tls, &a, hosting("c.example"), Security::Direct).await.is_err());
    }

    #[tokio::test]
    async fn a25_direct_tls_refuses_other_protocols_and_takes_silence() {
        let (_, b) = identities();
        for (protocols, accepted) in [
            (vec![], true),
            (vec!["xmpp-server"], true),
            (vec!["http/1.1", "xmpp-server"], true),
            (vec!["http/1.1"], false),
            (vec!["xmpp-client"], false),
        ] {
            let (near, far) = duplex(64 * 1024);
            let mut config = ClientConfig::builder_with_provider(provider())
                .with_safe_default_protocol_versions()
                .unwrap()
                .dangerous()
                .with_custom_certificate_verifier(tls(provider()).possession)
                .with_no_client_auth();
            config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().into()).collect();
            let name = ServerName::try_from("b.example").unwrap();
            let connect = TlsConnector::from(Arc::new(config)).connect(name, near);
            let ours = tls(provider());
            let server = Certificate::Of(b.certified_key());
            let accept = ours.accept(Box::new(far), server, Security::Direct);
            let (_, result) = tokio::join!(connect, accept);
            assert_eq!(result.is_ok(), accepted, "{protocols:?}");
        }
    }
}
