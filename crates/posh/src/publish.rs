//! Making documents.

use std::time::Duration;

use rustls_pki_types::CertificateDer;
use serde_json::{Map, Value, json};
use sha1::{Digest, Sha1};
use sha2::Sha256;
use thiserror::Error;
use url::Url;

use crate::encoding::{base64, base64url};
use crate::key::PublicKey;
use crate::{HashFunction, Leaf, Profile};

/// The document that lists `certificates`, most relevant first.
///
/// A JWK set gives each certificate's key, both its thumbprints and itself, from which readers learn
/// how long it lives; `hashes` and `expires` are for fingerprints. Fails where such a document could
/// match no certificate (RFC 7711 §3.1, draft-02 §4.1).
pub fn document(
    certificates: &[CertificateDer<'_>],
    profile: Profile,
    hashes: &[HashFunction],
    expires: Duration,
) -> Result<String, PublishError> {
    if certificates.is_empty() {
        return Err(PublishError::NoCertificate);
    }
    let document = match profile {
        Profile::Draft02 => {
            let keys = certificates.iter().enumerate().map(|(index, leaf)| jwk(index, leaf));
            json!({ "keys": keys.collect::<Result<Vec<_>, _>>()? })
        }
        Profile::Rfc7711 if hashes.is_empty() => return Err(PublishError::NoHash),
        Profile::Rfc7711 => {
            let descriptors = certificates.iter().map(|leaf| descriptor(leaf, hashes));
            json!({ "fingerprints": descriptors.collect::<Vec<_>>(), "expires": expires.as_secs() })
        }
    };
    Ok(document.to_string())
}

/// The document that points to `url` (RFC 7711 §3.2, draft-02 §4.2, which knows no `expires`).
pub fn reference(url: &Url, profile: Profile, expires: Duration) -> String {
    let document = match profile {
        Profile::Draft02 => json!({ "url": url.as_str() }),
        Profile::Rfc7711 => json!({ "url": url.as_str(), "expires": expires.as_secs() }),
    };
    document.to_string()
}

/// Why a document cannot be made.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum PublishError {
    /// A document has at least one entry.
    #[error("no certificate to list")]
    NoCertificate,
    /// A descriptor has at least one digest.
    #[error("no hash function to list certificates by")]
    NoHash,
    /// A certificate that has no JWK: it cannot be read, or its key is of another kind than RSA,
    /// P-256, P-384, P-521 and Ed25519.
    #[error("certificate {0} has no key that a JWK can give")]
    Key(usize),
}

fn descriptor(certificate: &CertificateDer<'_>, hashes: &[HashFunction]) -> Value {
    let digests = hashes.iter().map(|function| {
        (function.name().to_owned(), Value::String(base64(&function.digest(certificate))))
    });
    Value::Object(digests.collect::<Map<_, _>>())
}

fn jwk(index: usize, certificate: &CertificateDer<'_>) -> Result<Value, PublishError> {
    let leaf = Leaf::parse(certificate).map_err(|_| PublishError::Key(index))?;
    let mut jwk = match leaf.public_key().ok_or(PublishError::Key(index))? {
        PublicKey::Rsa { modulus, exponent } => {
            json!({ "kty": "RSA", "n": base64url(&modulus), "e": base64url(&exponent) })
        }
        PublicKey::Ec { curve, x, y } => {
            json!({ "kty": "EC", "crv": curve.name(), "x": base64url(&x), "y": base64url(&y) })
        }
        PublicKey::Ed25519(key) => {
            json!({ "kty": "OKP", "crv": "Ed25519", "x": base64url(&key) })
        }
    };
    jwk["x5t"] = Value::String(base64url(&Sha1::digest(certificate)));
    jwk["x5t#S256"] = Value::String(base64url(&Sha256::digest(certificate)));
    jwk["x5c"] = json!([base64(certificate)]);
    Ok(jwk)
}
