//! A certificate chain with its key: who a server or a web host says it is.

use std::fmt;
use std::sync::Arc;

use rcgen::KeyPair;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use sha2::{Digest, Sha256};

/// A certificate chain and the key of its end entity. Cheap to clone.
#[derive(Clone)]
pub struct Identity(Arc<Parts>);

struct Parts {
    chain: Vec<CertificateDer<'static>>,
    key: PrivatePkcs8KeyDer<'static>,
}

impl Identity {
    pub(crate) fn new(chain: Vec<CertificateDer<'static>>, key: &KeyPair) -> Self {
        Self(Arc::new(Parts { chain, key: key.serialize_der().into() }))
    }

    /// A self-signed certificate of X.509 version 1, valid until 2126: it has no extensions, so it
    /// names no domain, and PKIX path building does not take it.
    #[must_use]
    pub fn x509_version_1() -> Self {
        let certificate = CertificateDer::from_pem_slice(include_bytes!("../keys/version-1.crt"));
        let key = PrivatePkcs8KeyDer::from_pem_slice(include_bytes!("../keys/version-1.pem"));
        Self(Arc::new(Parts {
            chain: vec![certificate.expect("a certificate")],
            key: key.expect("a key"),
        }))
    }

    /// This chain with the key of `other`: a stolen certificate, whose key the thief does not have.
    #[must_use]
    pub fn with_key_of(&self, other: &Self) -> Self {
        Self(Arc::new(Parts { chain: self.0.chain.clone(), key: other.0.key.clone_key() }))
    }

    /// This chain with `certificates` behind it, whatever they are.
    #[must_use]
    pub fn followed_by(
        &self,
        certificates: impl IntoIterator<Item = CertificateDer<'static>>,
    ) -> Self {
        let chain = self.0.chain.iter().cloned().chain(certificates).collect();
        Self(Arc::new(Parts { chain, key: self.0.key.clone_key() }))
    }

    /// The chain, end entity first, without the root.
    #[must_use]
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.0.chain
    }

    /// The certificate of the end entity.
    #[must_use]
    pub fn leaf(&self) -> &CertificateDer<'static> {
        &self.0.chain[0]
    }

    /// SHA-256 of [`Self::leaf`].
    #[must_use]
    pub fn sha256(&self) -> [u8; 32] {
        Sha256::digest(self.leaf()).into()
    }

    /// As rustls wants it. Chain and key need not belong together.
    #[must_use]
    pub fn certified_key(&self) -> Arc<CertifiedKey> {
        let key = any_supported_type(&self.key()).expect("ring signs with the keys of this crate");
        Arc::new(CertifiedKey::new(self.0.chain.clone(), key))
    }

    /// The key, PKCS #8.
    #[must_use]
    pub fn key(&self) -> PrivateKeyDer<'static> {
        self.0.key.clone_key().into()
    }

    /// The chain in PEM.
    #[must_use]
    pub fn chain_pem(&self) -> String {
        self.0.chain.iter().map(|certificate| pem("CERTIFICATE", certificate)).collect()
    }

    /// The key in PEM.
    #[must_use]
    pub fn key_pem(&self) -> String {
        pem("PRIVATE KEY", self.0.key.secret_pkcs8_der())
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digest: String = self.sha256().iter().map(|byte| format!("{byte:02x}")).collect();
        f.debug_struct("Identity").field("sha256", &digest).finish_non_exhaustive()
    }
}

/// RFC 7468, in lines of 64 characters.
pub(crate) fn pem(label: &str, der: &[u8]) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let mut out = format!("-----BEGIN {label}-----\n");
    for line in text.as_bytes().chunks(64) {
        out.extend(line.iter().map(|byte| char::from(*byte)));
        out.push('\n');
    }
    out + &format!("-----END {label}-----\n")
}
