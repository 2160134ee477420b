//! Lets rustls take the server that POSH proves, for any protocol.

use std::sync::Arc;

use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, OtherError, SignatureScheme,
};
use rustls_pki_types::{CertificateDer, DnsName, ServerName, UnixTime};
use thiserror::Error as ThisError;

use crate::signatures::HandshakeSignatures;
use crate::{Materials, Mismatch};

/// Takes the server that a source domain vouches for, and asks another verifier about those that
/// it does not.
///
/// It is for connections to that domain, which is the server name to ask for wherever its server
/// may be. [`Self::install`] is how rustls comes to use it:
///
/// ```
/// use std::sync::Arc;
///
/// use posh::{Materials, Verifier};
/// use rustls::client::WebPkiServerVerifier;
/// use rustls::crypto::CryptoProvider;
/// use rustls::{ClientConfig, RootCertStore};
///
/// fn config(
///     materials: Arc<Materials>,
///     roots: RootCertStore,
///     provider: Arc<CryptoProvider>,
/// ) -> Result<ClientConfig, Box<dyn std::error::Error>> {
///     let pkix =
///         WebPkiServerVerifier::builder_with_provider(roots.into(), provider.clone()).build()?;
///     let config = ClientConfig::builder_with_provider(provider)
///         .with_safe_default_protocol_versions()?
///         .with_webpki_verifier(pkix.clone())
///         .with_no_client_auth();
///     Ok(Verifier::new(materials, pkix).install(config))
/// }
/// ```
///
/// Nothing is proved before the handshake has ended: the signature, which shows that the server
/// holds the key of its certificate, is verified after the certificate. In TLS 1.3 the end for the
/// client says nothing yet of what the server thinks of the client's certificate, if it asks for
/// one: a refusal comes with the first bytes that are read.
///
/// A server that is refused is so with an [`Unproved`]. Where materials [were kept for a
/// while](crate::Finding::is_cached), the certificate may be a new one: look up again, and try
/// once more.
#[derive(Debug)]
#[must_use = "it verifies nothing before it is installed"]
pub struct Verifier {
    materials: Arc<Materials>,
    otherwise: Arc<dyn ServerCertVerifier>,
}

impl Verifier {
    /// Verifies with `materials`, and what does not match them with `otherwise`: by PKIX, as a rule
    /// (RFC 7711 §3).
    ///
    /// `otherwise` is not asked about another name than the source domain, nor about a certificate
    /// whose private key is published.
    pub fn new(materials: Arc<Materials>, otherwise: Arc<dyn ServerCertVerifier>) -> Self {
        Self { materials, otherwise }
    }

    /// Makes the connections of `config` to be with servers that this takes and no others.
    ///
    /// Sessions are not resumed from then on, and must not be: a server that resumes one shows no
    /// certificate, so it would be taken after the materials and the certificate have ended. Every
    /// handshake is verified, at the time that the clock of `config` tells.
    #[must_use]
    pub fn install(self, mut config: ClientConfig) -> ClientConfig {
        let signatures = HandshakeSignatures::new(config.crypto_provider());
        let installed = Installed { verifier: self, signatures };
        config.dangerous().set_certificate_verifier(Arc::new(installed));
        config.resumption = Resumption::disabled();
        config.enable_early_data = false;
        config
    }

    fn verify(&self, certificate: &Shown<'_>) -> Result<ServerCertVerified, Unproved> {
        let source = self.materials.source();
        match certificate.server_name {
            ServerName::DnsName(name) if name == source => {}
            other => {
                let asked = other.to_str().into_owned();
                return Err(Unproved::AnotherName { vouched: source.clone(), asked });
            }
        }
        match self.materials.find(certificate.end_entity, certificate.now) {
            Ok(_) => Ok(ServerCertVerified::assertion()),
            Err(mismatch @ Mismatch::PrivateKeyPublished) => Err(Unproved::Burnt(mismatch)),
            Err(mismatch) => certificate.verified_by(&*self.otherwise).map_err(|otherwise| {
                Unproved::NoProof { domain: source.clone(), mismatch, otherwise }
            }),
        }
    }
}

/// Why a server is not taken.
#[derive(Clone, Debug, ThisError)]
#[non_exhaustive]
pub enum Unproved {
    /// Connections with these materials are to their source domain only.
    #[error("the materials are those of {}, and say nothing of {asked}", vouched.as_ref())]
    AnotherName {
        /// The source domain.
        vouched: DnsName<'static>,
        /// What the connection was to be with.
        asked: String,
    },
    /// Whoever reads the document holds the server's key.
    #[error("nothing proves a server whose private key is published; it needs a new one")]
    Burnt(#[source] Mismatch),
    /// Neither the source domain nor the other verifier vouches for the certificate.
    #[error("{} does not vouch for the certificate, and otherwise: {otherwise}", domain.as_ref())]
    NoProof {
        /// The source domain.
        domain: DnsName<'static>,
        /// Why POSH does not prove it.
        #[source]
        mismatch: Mismatch,
        /// What the other verifier says.
        otherwise: Error,
    },
}

impl Unproved {
    /// The reason in the error that ended a handshake, if that is what ended it.
    pub fn in_error(error: &Error) -> Option<&Self> {
        match error {
            Error::InvalidCertificate(CertificateError::Other(OtherError(reason))) => {
                reason.downcast_ref()
            }
            _ => None,
        }
    }
}

impl From<Unproved> for Error {
    fn from(reason: Unproved) -> Self {
        CertificateError::Other(OtherError(Arc::new(reason))).into()
    }
}

/// What a server shows, to whom, and when.
struct Shown<'a> {
    end_entity: &'a CertificateDer<'a>,
    intermediates: &'a [CertificateDer<'a>],
    server_name: &'a ServerName<'a>,
    ocsp_response: &'a [u8],
    now: UnixTime,
}

impl Shown<'_> {
    fn verified_by(&self, verifier: &dyn ServerCertVerifier) -> Result<ServerCertVerified, Error> {
        verifier.verify_server_cert(
            self.end_entity,
            self.intermediates,
            self.server_name,
            self.ocsp_response,
            self.now,
        )
    }
}

/// What rustls asks. Only [`Verifier::install`] makes it, so that none is used with resumption.
#[derive(Debug)]
struct Installed {
    verifier: Verifier,
    signatures: HandshakeSignatures,
}

impl ServerCertVerifier for Installed {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let shown = Shown { end_entity, intermediates, server_name, ocsp_response, now };
        Ok(self.verifier.verify(&shown)?)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.signatures.verify_tls12(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.signatures.verify_tls13(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.signatures.schemes()
    }
}
