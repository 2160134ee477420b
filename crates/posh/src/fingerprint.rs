//! Fingerprint descriptors (RFC 7711 §3.1).

use std::time::Duration;

use sha2::{Digest, Sha256, Sha384, Sha512};

use crate::Limits;
use crate::document_error::DocumentError;
use crate::encoding;
use crate::json::{Member, Object};

/// A fingerprints document: one descriptor for each certificate, most relevant first.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fingerprints {
    descriptors: Box<[Descriptor]>,
    expires: Duration,
}

impl Fingerprints {
    /// How many descriptors there are.
    pub fn entries(&self) -> usize {
        self.descriptors.len()
    }

    /// How long the document may be used; never zero.
    pub fn expires(&self) -> Duration {
        self.expires
    }

    pub(crate) fn parse(
        descriptors: &[Member<'_>],
        expires: Duration,
        limits: &Limits,
    ) -> Result<Self, DocumentError> {
        let parse = |member: &Member<'_>| Descriptor::parse(&member.object(limits.digests)?);
        let descriptors = descriptors.iter().map(parse).collect::<Result<Box<[_]>, _>>()?;
        if descriptors.is_empty() {
            return Err(DocumentError::Empty("fingerprints"));
        }
        Ok(Self { descriptors, expires })
    }

    /// The first descriptor that certificate's DER matches, and by which hash.
    pub(crate) fn find(&self, certificate: &[u8]) -> Option<(usize, HashFunction)> {
        let mut digests = [const { None }; HashFunction::ALL.len()];
        self.descriptors.iter().enumerate().find_map(|(index, descriptor)| {
            let Descriptor::Digest(function, expected) = descriptor else { return None };
            let digest =
                digests[*function as usize].get_or_insert_with(|| function.digest(certificate));
            (expected == digest).then_some((index, *function))
        })
    }

    /// About how many bytes of the heap it takes.
    pub(crate) fn size(&self) -> usize {
        self.descriptors.len() * (size_of::<Descriptor>() + HashFunction::Sha512.length())
    }

    /// What is wrong with the first entry whose digest cannot be used; it matches nothing.
    pub fn unusable(&self) -> Option<&DocumentError> {
        self.descriptors.iter().find_map(|descriptor| match descriptor {
            Descriptor::Malformed(error) => Some(error),
            Descriptor::Digest(..) | Descriptor::Unsupported => None,
        })
    }

    /// Whether any entry could match any certificate by a hash that counts.
    pub fn has_supported_hash(&self) -> bool {
        self.descriptors.iter().any(|descriptor| *descriptor != Descriptor::Unsupported)
    }
}

/// What a descriptor says by the strongest hash function in it that counts (T30).
#[derive(Clone, Debug, Eq, PartialEq)]
enum Descriptor {
    Digest(HashFunction, Vec<u8>),
    /// Not canonical base64, or of another length: matches nothing.
    Malformed(DocumentError),
    /// Only hash functions that are unknown or too weak.
    Unsupported,
}

impl Descriptor {
    fn parse(descriptor: &Object<'_>) -> Result<Self, DocumentError> {
        let names = descriptor.names().filter_map(HashFunction::from_name);
        let Some(function) = names.max() else { return Ok(Self::Unsupported) };
        let member = descriptor.required(function.name())?;
        let digest = encoding::from_base64(&member.text()?);
        Ok(match digest.filter(|digest| digest.len() == function.length()) {
            Some(digest) => Self::Digest(function, digest),
            None => Self::Malformed(member.wrong("must be the digest in base64")),
        })
    }
}

/// A hash function by its textual name in the IANA registry; a greater one is stronger.
///
/// md5, sha-1 and sha-224 are not among them: they never count.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum HashFunction {
    /// `sha-256`
    Sha256,
    /// `sha-384`
    Sha384,
    /// `sha-512`
    Sha512,
}

impl HashFunction {
    const ALL: [Self; 3] = [Self::Sha256, Self::Sha384, Self::Sha512];

    /// Its name in a descriptor.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha-256",
            Self::Sha384 => "sha-384",
            Self::Sha512 => "sha-512",
        }
    }

    /// The digest of `data`.
    pub fn digest(self, data: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => Sha256::digest(data).to_vec(),
            Self::Sha384 => Sha384::digest(data).to_vec(),
            Self::Sha512 => Sha512::digest(data).to_vec(),
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|function| function.name() == name)
    }

    fn length(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CERTIFICATE: &[u8] = b"any octets";

    fn digest(function: HashFunction) -> String {
        encoding::base64(&function.digest(CERTIFICATE))
    }

    fn fingerprints(descriptors: &str) -> Result<Fingerprints, DocumentError> {
        let json = format!(r#"{{"fingerprints":[{descriptors}]}}"#);
        let document = Object::document(json.as_bytes())?;
        let limits = Limits::default();
        let list = document.required("fingerprints")?.list(limits.entries)?;
        Fingerprints::parse(&list, Duration::from_secs(60), &limits)
    }

    fn entry(function: HashFunction) -> String {
        format!(r#"{{"{}":"{}"}}"#, function.name(), digest(function))
    }

    #[test]
    fn pd02_any_descriptor_is_enough() {
        let other = r#"{"sha-256":"4/mggdlVx8A3pvHAWW5sD+qJyMtUHgiRuPjVC48N0XQ="}"#;
        let list = format!("{other},{}", entry(HashFunction::Sha384));
        let found = fingerprints(&list).unwrap().find(CERTIFICATE);
        assert_eq!(found, Some((1, HashFunction::Sha384)));
    }

    #[test]
    fn n14_the_strongest_hash_of_a_descriptor_decides() {
        let good = digest(HashFunction::Sha256);
        let bad = encoding::base64(&[0; 64]);
        let list = format!(r#"{{"sha-256":"{good}","sha-512":"{bad}"}}"#);
        assert_eq!(fingerprints(&list).unwrap().find(CERTIFICATE), None);
    }

    #[test]
    fn pd20_unknown_names_beside_a_good_digest_do_no_harm() {
        let good = digest(HashFunction::Sha256);
        let list = format!(r#"{{"sha3-999":[1],"comment":"x","sha-256":"{good}"}}"#);
        let found = fingerprints(&list).unwrap().find(CERTIFICATE);
        assert_eq!(found, Some((0, HashFunction::Sha256)));
    }

    #[test]
    fn pd04_weak_hashes_and_other_spellings_do_not_count() {
        let good = digest(HashFunction::Sha256);
        for name in ["sha-1", "md5", "sha-224", "SHA-256", "sha256"] {
            let fingerprints = fingerprints(&format!(r#"{{"{name}":"{good}"}}"#)).unwrap();
            assert!(!fingerprints.has_supported_hash(), "{name}");
        }
    }

    #[test]
    fn pd14_a_digest_that_is_not_canonical_base64_matches_nothing() {
        let good = digest(HashFunction::Sha256);
        let hex: String = HashFunction::Sha256
            .digest(CERTIFICATE)
            .iter()
            .map(|octet| format!("{octet:02x}"))
            .collect();
        for bad in [good.replace('=', "=="), format!("{good}\\n"), format!(" {good}"), hex] {
            let fingerprints = fingerprints(&format!(r#"{{"sha-256":"{bad}"}}"#)).unwrap();
            assert_eq!(fingerprints.find(CERTIFICATE), None, "{bad}");
        }
    }

    #[test]
    fn a_digest_that_is_no_string_is_named() {
        let error = fingerprints(r#"{"sha-256":"AA"},{"sha-256":5}"#).unwrap_err();
        assert_eq!(error.to_string(), "`fingerprints[1].sha-256`: must be a string");
    }

    #[test]
    fn pd17_a_descriptor_of_17_members_is_refused() {
        let members: Vec<String> = (0..17).map(|n| format!(r#""x{n}":"""#)).collect();
        let error = fingerprints(&format!("{{{}}}", members.join(","))).unwrap_err();
        assert_eq!(error.to_string(), "`fingerprints[0]`: has too many members");
    }
}
