//! Keys that documents give away.

use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::encoding::from_any_base64;
use crate::json::without_mark;
use crate::key::{PublicKey, unsigned};

/// Public keys whose private parts stand in a document, for everybody to read.
///
/// Each is told by the modulus or the x coordinate alone, which belongs to one private key whatever
/// stands beside it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Burnt(HashSet<Vec<u8>>);

impl Burnt {
    /// Looks for private keys in a JSON text, however wrong it is as a document. `None` if there is
    /// none; empty if there are some, but not of which public key.
    pub(crate) fn search(json: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(without_mark(json)).ok()?;
        let document = serde_json::from_str::<Members<'_>>(text).ok()?;
        let lists = document.0.iter().filter(|(name, _)| name == "keys");
        let entries = lists.filter_map(|(_, list)| parse::<Vec<&RawValue>>(list)).flatten();
        let entries: Vec<_> = entries.filter_map(parse::<Members<'_>>).collect();
        let private = entries.iter().chain([&document]).filter(|entry| entry.is_private());
        let identities: Vec<HashSet<_>> = private.map(Members::identities).collect();
        (!identities.is_empty()).then(|| Self(identities.into_iter().flatten().collect()))
    }

    /// Adds what another document gives away.
    pub(crate) fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// About how many bytes of the heap it takes.
    pub(crate) fn size(&self) -> usize {
        self.0.iter().map(|identity| 64 + identity.len()).sum()
    }

    /// Whether the private part of this key is known.
    pub(crate) fn holds(&self, key: &PublicKey<'_>) -> bool {
        self.0.contains(&*unsigned(key.identity().into()))
    }
}

/// The members of an object, also those that stand there twice.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl Members<'_> {
    fn is_private(&self) -> bool {
        self.0.iter().any(|(name, _)| PRIVATE.contains(&name.as_str()))
    }

    /// What its public keys are told by.
    fn identities(&self) -> HashSet<Vec<u8>> {
        let named = self.0.iter().filter(|(name, _)| matches!(name.as_str(), "n" | "x"));
        let octets = named.filter_map(|(_, value)| from_any_base64(&parse::<String>(value)?));
        octets.map(|octets| unsigned(octets.into()).into_owned()).collect()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some((Name(name), value)) = map.next_entry()? {
                    members.push((name, value));
                }
                Ok(Members(members))
            }
        }

        json.deserialize_map(Object)
    }
}

/// The name of a member, in which half a surrogate pair hides nothing of what stands beside it.
struct Name(String);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        struct Text;

        impl Visitor<'_> for Text {
            type Value = Name;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_bytes<E>(self, name: &[u8]) -> Result<Self::Value, E> {
                Ok(Name(String::from_utf8_lossy(name).into_owned()))
            }
        }

        json.deserialize_bytes(Text)
    }
}

fn parse<'a, T: Deserialize<'a>>(value: &'a RawValue) -> Option<T> {
    serde_json::from_str(value.get()).ok()
}

/// The members of a private key of any kind (RFC 7518 §6.2.2, §6.3.2, §6.4.1, RFC 8037 §2).
pub(crate) const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

#[cfg(test)]
mod tests {
    use super::*;

    fn key(modulus: &[u8]) -> PublicKey<'static> {
        PublicKey::rsa(modulus.to_vec(), vec![3]).unwrap()
    }

    /// Whether the key of modulus 0xfbff is burnt.
    #[track_caller]
    fn burns(json: &str) -> bool {
        Burnt::search(json.as_bytes()).is_some_and(|burnt| burnt.holds(&key(&[0xfb, 0xff])))
    }

    #[test]
    fn p9_a_private_key_burns_its_modulus_however_it_is_spelled() {
        for members in [
            r#""kty":"RSA","n":"-_8","e":"AQAB","d":"AA""#,
            r#""kty":"RSA","n":"-_8","d":null"#,
            r#""kty":"RSA","n":"-_8","e":7,"p":"AA""#,
            r#""kty":"rsa","n":"APv_","d":"AA""#,
            r#""n":"+/8=","qi":"AA""#,
            r#""d":"AA","n":"AA","n":"-_8""#,
            r#""kty":"RSA","d":"AA","n":"-_8","d":"AA""#,
        ] {
            assert!(burns(&format!(r#"{{"keys":[{{{members}}}]}}"#)), "{members}");
        }
    }

    #[test]
    fn p9_a_private_key_burns_its_x_coordinate_without_a_curve() {
        let x = [&[0][..], &[7; 31]].concat();
        let json = format!(r#"{{"keys":[{{"x":"{}","d":""}}]}}"#, crate::encoding::base64url(&x));
        let burnt = Burnt::search(json.as_bytes()).unwrap();
        let key = PublicKey::ec(crate::key::Curve::P256, x, vec![1; 32]).unwrap();
        assert!(burnt.holds(&key));
    }

    #[test]
    fn p9_a_document_that_is_refused_burns_what_it_gives_away() {
        let private = r#"{"n":"-_8","d":"AA"}"#;
        for json in [
            format!(r#"{{"keys":[{private}],"url":"https://a.example/"}}"#),
            format!(r#"{{"keys":[],"keys":[5,{private}]}}"#),
            format!(r#"{{"keys":[{}{private}]}}"#, "{},".repeat(100)),
            format!(r#"{{"fingerprints":[{{"sha-256":"AA"}}],"expires":60,"keys":[{private}]}}"#),
            format!("\u{feff}{{\"keys\":[{private}]}}"),
            private.to_owned(),
            r#"{"keys":[{"n":"-_8","d":"AA","\ud800":1}]}"#.to_owned(),
            format!(r#"{{"\ud800":1,"keys":[{private}]}}"#),
        ] {
            assert!(burns(&json), "{json}");
        }
    }

    #[test]
    fn public_keys_are_not_burnt() {
        for json in [
            r#"{"keys":[{"n":"-_8"},{"n":"-_4","d":"AA"}]}"#,
            r#"{"keys":[{"n":"-_8","e":"AQAB"}],"d":"AA"}"#,
            r#"{"x":{"n":"-_8","d":"AA"}}"#,
            r#"[{"n":"-_8","d":"AA"}]"#,
        ] {
            assert!(!burns(json), "{json}");
        }
    }
}
