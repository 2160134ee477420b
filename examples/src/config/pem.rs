//! PEM files that the server's file points to.

use std::fs;
use std::path::Path;

use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{Error, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{Error as TlsError, InconsistentKeys};

use super::fault::Problem;

/// All certificates of `file`, of which there is at least one.
pub(super) fn certificates(
    key: &'static str,
    file: &Path,
) -> Result<Vec<CertificateDer<'static>>, Problem> {
    let bad = |error| Problem::pem(key, file, "certificates in PEM", error);
    let all: Vec<_> = CertificateDer::pem_file_iter(file)
        .and_then(|certificates| certificates.collect())
        .map_err(bad)?;
    if all.is_empty() { Err(bad(Error::NoItemsFound)) } else { Ok(all) }
}

/// `chain` with the private key in `file`, which has to be its own.
pub(super) fn certified_key(
    chain: Vec<CertificateDer<'static>>,
    file: &Path,
    provider: &CryptoProvider,
) -> Result<CertifiedKey, Problem> {
    let bad = |error| Problem::pem("key", file, "a private key in PEM", error);
    let text = fs::read(file).map_err(|error| bad(Error::Io(error)))?;
    if is_encrypted(&text) {
        return Err(Problem::EncryptedKey { file: file.into() });
    }
    let key = PrivateKeyDer::from_pem_slice(&text).map_err(bad)?;
    CertifiedKey::from_der(chain, key, provider).map_err(|error| match error {
        TlsError::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
            Problem::ForeignKey { file: file.into() }
        }
        error => Problem::UnusableKey { file: file.into(), error },
    })
}

/// Whether it is a key that needs a passphrase, of PKCS #8 or in the old form of RFC 1421.
fn is_encrypted(pem: &[u8]) -> bool {
    let text = String::from_utf8_lossy(pem);
    text.contains("-----BEGIN ENCRYPTED PRIVATE KEY-----")
        || text.contains("Proc-Type: 4,ENCRYPTED")
}

/// Trusts every certificate of `file`.
pub(super) fn add_anchors(
    store: &mut RootCertStore,
    key: &'static str,
    file: &Path,
) -> Result<(), Problem> {
    for certificate in certificates(key, file)? {
        store.add(certificate).map_err(|error| Problem::UnusableAnchor {
            key,
            file: file.into(),
            error,
        })?;
    }
    Ok(())
}
