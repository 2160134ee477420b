//! The keys of a draft-02 document (draft-miller-posh-02 §4.1, RFC 7517, RFC 7518 §6).

use std::time::Duration;

use rustls_pki_types::{CertificateDer, UnixTime};
use sha1::{Digest, Sha1};
use sha2::Sha256;

use crate::Leaf;
use crate::burnt::{Burnt, PRIVATE};
use crate::document_error::DocumentError;
use crate::encoding::from_base64;
use crate::json::{MEMBERS, Member, Object};
use crate::key::PublicKey;
use crate::parameters::{Kind, octets};

/// The usable keys of a JWK set, most relevant first.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeySet {
    keys: Vec<Jwk>,
    entries: usize,
    unusable: Option<DocumentError>,
}

impl KeySet {
    /// How many entries the document has, usable or not.
    pub fn entries(&self) -> usize {
        self.entries
    }

    /// Takes every key that can be used and is not burnt.
    ///
    /// Fails if an entry is no object with members that stand there once, or if no key can be used.
    pub(crate) fn parse(members: &[Member<'_>], burnt: &Burnt) -> Result<Self, DocumentError> {
        let mut keys = Vec::new();
        let (mut private, mut fault, mut problem) = (None, None, None);
        for (entry, member) in members.iter().enumerate() {
            let parsed = match member.object(MEMBERS) {
                Ok(jwk) => Entry::parse(entry, &jwk),
                Err(error) => {
                    fault.get_or_insert(error);
                    continue;
                }
            };
            match parsed {
                Ok(Entry::Usable(key)) => keys.push(key),
                Ok(Entry::Private(member)) => {
                    private.get_or_insert(member);
                }
                Err(error) => {
                    problem.get_or_insert(error);
                }
            }
        }
        keys.retain(|jwk| !burnt.holds(&jwk.key));
        keys.shrink_to_fit();
        match (fault, private, problem) {
            (None, _, unusable) if !keys.is_empty() => {
                Ok(Self { keys, entries: members.len(), unusable })
            }
            (_, Some(member), _) => Err(DocumentError::PrivateKey(member)),
            (Some(error), None, _) => Err(error),
            (None, None, Some(error)) => Err(DocumentError::NoUsableEntry(Box::new(error))),
            (None, None, None) => Err(DocumentError::Empty("keys")),
        }
    }

    /// What is wrong with the first entry that cannot be used; it matches nothing.
    pub fn unusable(&self) -> Option<&DocumentError> {
        self.unusable.as_ref()
    }

    /// About how many bytes of the heap it takes.
    pub(crate) fn size(&self) -> usize {
        self.keys.iter().map(|jwk| size_of::<Jwk>() + jwk.key.size()).sum()
    }

    /// The position of the first key that a certificate matches, by thumbprint *and* by key.
    pub(crate) fn find(&self, certificate: &[u8], leaf: &Leaf<'_>) -> Option<usize> {
        let key = leaf.public_key()?;
        let thumbprints = Thumbprints::of(certificate);
        self.keys.iter().find(|jwk| jwk.agrees(&thumbprints, &key)).map(|jwk| jwk.entry)
    }

    /// When the last of its certificates ends, if it gives them all.
    pub(crate) fn not_after(&self) -> Option<UnixTime> {
        let ends: Option<Vec<u64>> =
            self.keys.iter().map(|key| key.not_after.map(|end| end.as_secs())).collect();
        let last = ends?.into_iter().max()?;
        Some(UnixTime::since_unix_epoch(Duration::from_secs(last)))
    }
}

/// A public key and the thumbprint (`x5t`) of its certificate; both must agree with a leaf.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Jwk {
    entry: usize,
    key: PublicKey<'static>,
    sha1: [u8; 20],
    sha256: Option<[u8; 32]>,
    not_after: Option<UnixTime>,
}

impl Jwk {
    fn agrees(&self, thumbprints: &Thumbprints, key: &PublicKey<'_>) -> bool {
        self.sha1 == thumbprints.sha1
            && self.sha256.is_none_or(|sha256| sha256 == thumbprints.sha256)
            && self.key == *key
    }

    /// Takes the end of the certificate's life from `x5c`, whose first entry must agree (P19).
    fn check_certificate(&mut self, chain: &Member<'_>) -> Result<(), DocumentError> {
        const RULE: &str = "must begin with the certificate of this key and thumbprint, in base64";
        let first = chain.list(CHAIN)?.first().map(Member::text).transpose()?;
        let certificate = first.as_deref().and_then(from_base64);
        let certificate = CertificateDer::from(certificate.ok_or_else(|| chain.wrong(RULE))?);
        let leaf = Leaf::parse(&certificate).map_err(|_| chain.wrong(RULE))?;
        let key = leaf.public_key().ok_or_else(|| chain.wrong(RULE))?;
        if !self.agrees(&Thumbprints::of(&certificate), &key) {
            return Err(chain.wrong(RULE));
        }
        self.not_after = Some(leaf.not_after());
        Ok(())
    }
}

/// What may match a certificate's thumbprints.
struct Thumbprints {
    sha1: [u8; 20],
    sha256: [u8; 32],
}

impl Thumbprints {
    fn of(certificate: &[u8]) -> Self {
        Self { sha1: Sha1::digest(certificate).into(), sha256: Sha256::digest(certificate).into() }
    }
}

enum Entry {
    Usable(Jwk),
    /// By the path of its first private member.
    Private(String),
}

impl Entry {
    /// What is private is so whatever else is missing or wrong.
    fn parse(entry: usize, jwk: &Object<'_>) -> Result<Self, DocumentError> {
        if let Some(member) = PRIVATE.iter().find_map(|name| jwk.member(name)) {
            return Ok(Self::Private(member.into_path()));
        }
        let key = Kind::of(jwk)?.public_key(jwk)?;
        let sha1 = digest(&jwk.required("x5t")?)?;
        let sha256 = jwk.member("x5t#S256").map(|member| digest(&member)).transpose()?;
        let mut usable = Jwk { entry, key, sha1, sha256, not_after: None };
        if let Some(chain) = jwk.member("x5c") {
            usable.check_certificate(&chain)?;
        }
        Ok(Self::Usable(usable))
    }
}

fn digest<const N: usize>(member: &Member<'_>) -> Result<[u8; N], DocumentError> {
    let octets = octets(member)?;
    octets.try_into().map_err(|_| member.wrong("is of another length than its digest"))
}

/// Most certificates in an `x5c`.
const CHAIN: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Document, Profile};

    /// The coordinates of RFC 7517 A.1.
    const POINT: &str = r#""kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM""#;
    const OTHER: &str = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","x5t":"4pNenEBLv0JpLIdugWxQkOsZcK0"}"#;
    const X5T: &str = r#""x5t":"4pNenEBLv0JpLIdugWxQkOsZcK0""#;

    fn parse(keys: &str) -> Result<KeySet, DocumentError> {
        let json = format!(r#"{{"keys":[{keys}]}}"#);
        match Document::parse(json.as_bytes(), Profile::Draft02)? {
            Document::KeySet(keys) => Ok(keys),
            document => panic!("not a key set: {document:?}"),
        }
    }

    fn problem(key: &str) -> String {
        match parse(key) {
            Err(DocumentError::NoUsableEntry(problem)) => problem.to_string(),
            other => panic!("{key} gave {other:?}"),
        }
    }

    #[test]
    fn a_key_of_every_kind_is_taken() {
        let rsa = format!(r#"{{"kty":"RSA","n":"AQAB","e":"AQAB",{X5T}}}"#);
        let keys = parse(&format!("{{{POINT},{X5T}}},{rsa},{OTHER}")).unwrap();
        assert_eq!(keys.keys.len(), 3);
    }

    #[test]
    fn p8_without_a_right_x5t_a_key_is_not_usable() {
        for (x5t, expected) in [
            ("", "`keys[0].x5t`: is missing"),
            (r#","x5t":5"#, "`keys[0].x5t`: must be a string"),
            (r#","x5t":"AAAA""#, "`keys[0].x5t`: is of another length than its digest"),
            (
                r#","x5t":"4pNenEBLv0JpLIdugWxQkOsZcK0=""#,
                "`keys[0].x5t`: must be base64url without padding",
            ),
            (
                r#","x5t":"+pNenEBLv0JpLIdugWxQkOsZcK0""#,
                "`keys[0].x5t`: must be base64url without padding",
            ),
        ] {
            assert_eq!(problem(&format!("{{{POINT}{x5t}}}")), expected);
        }
    }

    #[test]
    fn p7_each_kind_needs_all_its_members() {
        for (key, expected) in [
            (r#""kty":"RSA","n":"AQAB""#, "`keys[0].e`: is missing"),
            (r#""kty":"RSA","e":"AQAB""#, "`keys[0].n`: is missing"),
            (r#""kty":"EC","crv":"P-256","x":"AQAB""#, "`keys[0].y`: is missing"),
            (r#""kty":"EC","crv":"secp256k1""#, "`keys[0].crv`: must be P-256, P-384 or P-521"),
            (
                r#""kty":"EC","crv":"P-256","x":"AQAB","y":"AQAB""#,
                "`keys[0].x`: must be of the full length of the curve",
            ),
            (
                r#""kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"AQAB""#,
                "`keys[0].y`: must be of the full length of the curve",
            ),
            (
                r#""kty":"RSA","n":"AQAB","e":"AQ""#,
                "`keys[0].e`: must be odd, at least 3 and of at most 64 bits",
            ),
            (
                r#""kty":"RSA","n":"AA","e":"Aw""#,
                "`keys[0].n`: must be a modulus of 1 to 16384 bits",
            ),
            (r#""kty":"OKP","crv":"Ed448","x":"AQAB""#, "`keys[0].crv`: must be Ed25519"),
            (r#""kty":"XYZ""#, "`keys[0].kty`: must be RSA, EC or OKP"),
            (r#""kty":"oct""#, "`keys[0].kty`: must be RSA, EC or OKP"),
            (r#""kid":"x""#, "`keys[0].kty`: is missing"),
        ] {
            assert_eq!(problem(&format!("{{{key},{X5T}}}")), expected);
        }
    }

    #[test]
    fn n7_a_key_that_is_not_usable_does_not_spoil_the_next() {
        let keys = parse(&format!("{{{POINT}}},{{\"kty\":7}},{OTHER}")).unwrap();
        assert_eq!((keys.keys[0].entry, keys.entries()), (2, 3));
        assert_eq!(keys.unusable().unwrap().to_string(), "`keys[0].x5t`: is missing");
    }

    #[test]
    fn pd12_a_member_that_stands_twice_in_a_key_spoils_the_document() {
        let twice = format!(r#"{{{POINT},"kty":"RSA"}}"#);
        let error = parse(&format!("{OTHER},{twice}")).unwrap_err();
        assert_eq!(error.to_string(), "`keys[1].kty`: stands there twice");
    }

    #[test]
    fn p9_a_private_member_is_named_and_its_value_is_not() {
        let error = parse(&format!(r#"{{{POINT},"d":"c2VjcmV0",{X5T}}}"#)).unwrap_err();
        let expected = "`keys[0].d` is a part of a private key, which is burnt with it";
        assert_eq!(error.to_string(), expected);
        assert!(!format!("{error:?}").contains("c2VjcmV0"));
    }

    #[test]
    fn p9_a_private_member_burns_the_twin_of_its_key_too() {
        let burnt = format!(r#"{{{POINT},"d":null}}"#);
        let twin = format!("{{{POINT},{X5T}}}");
        let error = parse(&format!("{twin},{burnt}"));
        assert!(matches!(error, Err(DocumentError::PrivateKey(_))), "{error:?}");
        assert_eq!(parse(&format!("{twin},{burnt},{OTHER}")).unwrap().keys.len(), 1);
    }

    #[test]
    fn p9_a_private_member_is_seen_before_anything_else_is_judged() {
        for kind in [r#""kty":"rsa","#, r#""kty":7,"#, ""] {
            let error = parse(&format!(r#"{{{kind}"n":"AQAB","d":"AA"}}"#));
            assert!(matches!(error, Err(DocumentError::PrivateKey(_))), "{kind}: {error:?}");
        }
    }

    #[test]
    fn p9_a_modulus_is_burnt_with_any_exponent() {
        let twin = format!(r#"{{"kty":"RSA","n":"AQAB","e":"AQAB",{X5T}}}"#);
        let keys = format!(r#"{{"kty":"RSA","n":"AQAB","e":"Aw","d":"AA"}},{twin},{OTHER}"#);
        assert_eq!(parse(&keys).unwrap().keys.len(), 1);
    }

    #[test]
    fn a_symmetric_key_is_refused() {
        let error = parse(r#"{"kty":"oct","k":"GawgguFyGrWKav7AX4VKUg"}"#);
        assert!(matches!(error, Err(DocumentError::PrivateKey(_))), "{error:?}");
    }

    #[test]
    fn x5c_must_begin_with_the_certificate_of_the_key() {
        for chain in ["[]", "[7]", r#""AA==""#, r#"["AA=="]"#, r#"["!"]"#] {
            let problem = problem(&format!(r#"{{{POINT},{X5T},"x5c":{chain}}}"#));
            assert!(problem.starts_with("`keys[0].x5c"), "{problem}");
        }
    }
}
