//! Making documents.

use std::time::Duration;

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use serde_json::{Map, Value, json};
use sha1::{Digest, Sha1};
use sha2::Sha256;
use thiserror::Error;
use url::Url;

use crate::document::{URI, is_uri};
use crate::encoding::{base64, base64url};
use crate::key::PublicKey;
use crate::{HashFunction, Leaf, Limits, Profile, target};

/// The document that lists `certificates`, most relevant first.
///
/// A JWK set gives each certificate's key, both its thumbprints and itself, from which readers learn
/// how long it lives; `hashes` and `expires` are for fingerprints, which always give sha-256, the
/// only digest that some readers know. Fails where a reader of the default [`Limits`] would refuse
/// the document, or could not match one of the certificates (RFC 7711 §3.1, draft-02 §4.1).
pub fn document(
    certificates: &[CertificateDer<'_>],
    profile: Profile,
    hashes: &[HashFunction],
    expires: Duration,
) -> Result<String, PublishError> {
    if certificates.is_empty() {
        return Err(PublishError::NoCertificate);
    }
    if certificates.len() > Limits::default().entries {
        return Err(PublishError::TooManyCertificates);
    }
    let leaves = certificates.iter().enumerate();
    let keys = leaves.map(|(index, leaf)| jwk(index, leaf)).collect::<Result<Vec<_>, _>>()?;
    let document = match profile {
        Profile::Draft02 => json!({ "keys": keys }),
        Profile::Rfc7711 => {
            let descriptors = certificates.iter().map(|leaf| descriptor(leaf, hashes));
            let descriptors: Vec<_> = descriptors.collect();
            json!({ "fingerprints": descriptors, "expires": seconds(expires)? })
        }
    };
    let document = document.to_string();
    if document.len() > Limits::default().document_size {
        return Err(PublishError::TooLarge);
    }
    Ok(document)
}

/// The document that points to `url` (RFC 7711 §3.2, draft-02 §4.2, which knows no `expires`).
///
/// Fails where a reader would not follow it. A fragment, which none asks for, is left out.
pub fn reference(url: &Url, profile: Profile, expires: Duration) -> Result<String, PublishError> {
    let url = target::checked(url.clone(), Limits::default().port);
    let url = url.map_err(PublishError::Reference)?;
    if !is_uri(url.as_str(), &url) {
        return Err(PublishError::Reference(URI));
    }
    let document = match profile {
        Profile::Draft02 => json!({ "url": url.as_str() }),
        Profile::Rfc7711 => json!({ "url": url.as_str(), "expires": seconds(expires)? }),
    };
    Ok(document.to_string())
}

/// The leaves in a file, in their order: in PEM any number, in DER one.
///
/// An authority that follows in PEM what it has issued, as in the chain that a server shows, is no
/// leaf. Fails if a certificate cannot be read, or if there is none.
pub fn leaves(file: &[u8]) -> Result<Vec<CertificateDer<'static>>, PublishError> {
    let is_pem = file.windows(PEM.len()).any(|text| text == PEM);
    let certificates = match is_pem {
        true => CertificateDer::pem_slice_iter(file)
            .enumerate()
            .map(|(index, read)| read.map_err(|_| PublishError::Unreadable(index)))
            .collect::<Result<Vec<_>, _>>()?,
        false => vec![CertificateDer::from(file.to_vec())],
    };
    if certificates.is_empty() {
        return Err(PublishError::NoCertificate);
    }
    let parse = |(index, certificate)| {
        Leaf::parse(certificate).map_err(|_| PublishError::Unreadable(index))
    };
    let read = certificates.iter().enumerate().map(parse).collect::<Result<Vec<_>, _>>()?;
    let is_leaf = |index: usize| index == 0 || !read[index - 1].is_issued_by(&read[index]);
    let leaves = certificates.iter().enumerate().filter(|(index, _)| is_leaf(*index));
    Ok(leaves.map(|(_, certificate)| certificate.clone()).collect())
}

/// Why a document cannot be made.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum PublishError {
    /// A document has at least one entry.
    #[error("no certificate to list")]
    NoCertificate,
    /// A document has at most 64 entries.
    #[error("more than 64 certificates to list")]
    TooManyCertificates,
    /// A document has at most 64 KiB. Fingerprints are shorter than keys with their certificates.
    #[error("the document would be longer than 64 KiB: list fewer certificates")]
    TooLarge,
    /// A document that expires at once is withdrawn.
    #[error("a document has to last for at least a second")]
    Expires,
    /// A certificate that cannot be read, by its position.
    #[error("certificate {0} cannot be read")]
    Unreadable(usize),
    /// A certificate that proves nothing: its key is of another kind than RSA, P-256, P-384, P-521
    /// and Ed25519.
    #[error("certificate {0} has no key of a known kind")]
    Key(usize),
    /// A certificate that proves nothing, because its key is too weak (RFC 9325 §4.5).
    #[error("the key of certificate {0} is too weak")]
    WeakKey(usize),
    /// A URL that nobody would follow; says which rule it breaks.
    #[error("the URL of a reference {0}")]
    Reference(&'static str),
}

/// RFC 7711 §3.1: 0 withdraws the document.
fn seconds(expires: Duration) -> Result<u64, PublishError> {
    match expires.as_secs() {
        0 => Err(PublishError::Expires),
        seconds => Ok(seconds),
    }
}

fn descriptor(certificate: &CertificateDer<'_>, hashes: &[HashFunction]) -> Value {
    let digests = [HashFunction::Sha256].iter().chain(hashes).map(|function| {
        (function.name().to_owned(), Value::String(base64(&function.digest(certificate))))
    });
    Value::Object(digests.collect::<Map<_, _>>())
}

fn jwk(index: usize, certificate: &CertificateDer<'_>) -> Result<Value, PublishError> {
    let leaf = Leaf::parse(certificate).map_err(|_| PublishError::Unreadable(index))?;
    let key = leaf.public_key().ok_or(PublishError::Key(index))?;
    if !key.is_strong() {
        return Err(PublishError::WeakKey(index));
    }
    let mut jwk = match key {
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

/// What stands in every file that is PEM, and in no certificate that is DER.
const PEM: &[u8] = b"-----BEGIN ";

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(60 * 60);
    const HASHES: [HashFunction; 1] = [HashFunction::Sha256];
    const BOTH: [Profile; 2] = [Profile::Draft02, Profile::Rfc7711];

    fn certificate(pem: &[u8]) -> CertificateDer<'static> {
        CertificateDer::from_pem_slice(pem).unwrap()
    }

    fn small() -> CertificateDer<'static> {
        certificate(include_bytes!("../tests/certificates/ed25519.pem"))
    }

    fn good() -> CertificateDer<'static> {
        certificate(include_bytes!("../tests/certificates/posh.badxmpp.eu.pem"))
    }

    #[test]
    fn sixty_four_certificates_are_the_most() {
        for profile in BOTH {
            assert!(document(&vec![small(); 64], profile, &HASHES, HOUR).is_ok());
            let error = document(&vec![small(); 65], profile, &HASHES, HOUR);
            assert_eq!(error, Err(PublishError::TooManyCertificates));
        }
    }

    #[test]
    fn ph08_a_document_of_more_than_64_kib_is_not_published() {
        let large = certificate(include_bytes!("../tests/certificates/rfc7517-b.pem"));
        assert!(document(&vec![large.clone(); 32], Profile::Draft02, &HASHES, HOUR).is_ok());
        let document = document(&vec![large; 64], Profile::Draft02, &HASHES, HOUR);
        assert_eq!(document.unwrap_err(), PublishError::TooLarge);
    }

    #[test]
    fn every_descriptor_has_a_padded_sha_256() {
        let digest = r#""sha-256":"6sKZUeE0LBwbCXqeoHJsGCjpFLNrL9QF2W6NhDYnV4I=""#;
        for hashes in [&[][..], &[HashFunction::Sha512], &[HashFunction::Sha256; 2]] {
            let document = document(&[good()], Profile::Rfc7711, hashes, HOUR).unwrap();
            assert_eq!(document.matches(digest).count(), 1, "{document}");
        }
    }

    #[test]
    fn a_reference_is_published_without_its_fragment() {
        let url = "https://hosting.example/x#y".parse().unwrap();
        let document = reference(&url, Profile::Rfc7711, HOUR).unwrap();
        assert!(document.contains(r#""url":"https://hosting.example/x""#), "{document}");
    }

    #[test]
    fn a_certificate_that_would_prove_nothing_is_not_listed() {
        let weak = certificate(include_bytes!("../tests/certificates/rsa1024.pem"));
        let unknown = certificate(include_bytes!("../tests/certificates/ed448.pem"));
        let unreadable = CertificateDer::from(vec![0x30, 0]);
        for profile in BOTH {
            for (bad, expected) in [
                (&weak, PublishError::WeakKey(1)),
                (&unknown, PublishError::Key(1)),
                (&unreadable, PublishError::Unreadable(1)),
            ] {
                let list = [good(), bad.clone()];
                assert_eq!(document(&list, profile, &HASHES, HOUR), Err(expected));
            }
        }
    }

    #[test]
    fn leaves_are_read_from_pem_in_their_order_and_without_their_issuers() {
        let chain = include_bytes!("../tests/certificates/chain.pem");
        let other = include_bytes!("../tests/certificates/posh.badxmpp.eu.pem");
        let file = [&b"# with words before\n"[..], chain, other, chain].concat();
        let first = certificate(chain);
        assert_eq!(leaves(&file), Ok(vec![first.clone(), good(), first]));
    }

    #[test]
    fn t6_two_self_signed_leaves_of_one_name_are_two_leaves() {
        let old = include_bytes!("../tests/certificates/p256.pem");
        let new = include_bytes!("../tests/certificates/p521.pem");
        let file = [&old[..], new].concat();
        assert_eq!(leaves(&file), Ok(vec![certificate(old), certificate(new)]));
    }

    #[test]
    fn a_leaf_is_read_from_der() {
        assert_eq!(leaves(&good()), Ok(vec![good()]));
        assert_eq!(leaves(&good()[1..]), Err(PublishError::Unreadable(0)));
        assert_eq!(leaves(b""), Err(PublishError::Unreadable(0)));
    }

    #[test]
    fn pem_that_is_cut_is_refused() {
        let pem = include_bytes!("../tests/certificates/p256.pem");
        let file = [&pem[..], &pem[..pem.len() / 2]].concat();
        assert_eq!(leaves(&file), Err(PublishError::Unreadable(1)));
    }

    #[test]
    fn pd05_nothing_is_published_as_withdrawn() {
        let moment = Duration::from_millis(999);
        let document = document(&[good()], Profile::Rfc7711, &HASHES, moment);
        assert_eq!(document, Err(PublishError::Expires));
        let url = "https://hosting.example/".parse().unwrap();
        assert_eq!(reference(&url, Profile::Rfc7711, moment), Err(PublishError::Expires));
    }

    #[test]
    fn a_reference_that_nobody_would_follow_is_not_published() {
        for url in [
            "http://a.example/",
            "https://10.0.0.1/",
            "https://a.example:8443/",
            "https://a.example/?{x}",
        ] {
            let error = reference(&url.parse().unwrap(), Profile::Draft02, HOUR);
            assert!(matches!(error, Err(PublishError::Reference(_))), "{url}: {error:?}");
        }
    }
}
