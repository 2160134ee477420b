//! Who asks.

use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair};
use rustls::crypto::ring;
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::{self, PemObject as _};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use thiserror::Error;
use xmpp_s2s::Domain;

use crate::certificates::{self, CertificateError};
use crate::cli::Identity;

/// A domain, and the certificate that is shown for it.
pub(crate) struct Shown {
    pub(crate) domain: Domain,
    pub(crate) key: Arc<CertifiedKey>,
}

impl Shown {
    /// That of files.
    pub(crate) fn load(identity: &Identity) -> Result<Self, IdentityError> {
        let Identity { from, cert, key } = identity;
        let chain = certificates::chain(cert)?;
        let private = PrivateKeyDer::from_pem_file(key);
        let private = private.map_err(|error| IdentityError::Key(key.clone(), error))?;
        let pair = CertifiedKey::from_der(chain, private, &ring::default_provider());
        let pair = pair.map_err(|error| IdentityError::Pair(cert.clone(), key.clone(), error))?;
        Ok(Self { domain: from.clone(), key: Arc::new(pair) })
    }

    /// One that nobody knows: a name that no domain can have (RFC 6761 6.4), and a certificate
    /// that is made now, since some servers close the connection on whoever has none.
    pub(crate) fn made_up() -> Result<Self, IdentityError> {
        let key = KeyPair::generate()?;
        let certificate = CertificateParams::new([NOBODY.to_owned()])?.self_signed(&key)?;
        let private = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
        let chain = vec![certificate.der().clone()];
        let pair = CertifiedKey::from_der(chain, private, &ring::default_provider());
        Ok(Self {
            domain: NOBODY.parse().expect("a domain name"),
            key: Arc::new(pair.map_err(IdentityError::MadeUp)?),
        })
    }
}

const NOBODY: &str = "poshctl.invalid";

/// Why there is nothing to show.
#[derive(Debug, Error)]
pub(crate) enum IdentityError {
    /// The certificate cannot be read.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// The key cannot be read.
    #[error("cannot use {}, expected a file with a private key", .0.display())]
    Key(PathBuf, #[source] pem::Error),
    /// They do not belong together.
    #[error("cannot use {} with {}, expected a certificate and its private key", .0.display(), .1.display())]
    Pair(PathBuf, PathBuf, #[source] rustls::Error),
    /// One could not be made.
    #[error("cannot make a certificate")]
    Make(#[from] rcgen::Error),
    /// One was made that cannot be used.
    #[error("cannot use a certificate that was made")]
    MadeUp(#[source] rustls::Error),
}
