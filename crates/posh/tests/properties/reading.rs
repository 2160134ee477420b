//! The rules for documents once more: slow, plain, and written for these tests alone.

use std::collections::{HashMap, HashSet};

use posh::Profile;
use sha1::{Digest, Sha1};
use sha2::{Sha256, Sha384, Sha512};
use url::Url;

use crate::json::{self, Json, Text};
use crate::known::{Known, Strength};

/// What a document says.
#[derive(Debug)]
pub(crate) enum Reading {
    Refused,
    Reference { url: String, expires: Option<u64> },
    Fingerprints { expires: u64, descriptors: Vec<Option<(&'static str, Vec<u8>)>>, burnt: Burnt },
    Keys { entries: usize, keys: Vec<(usize, Jwk)>, burnt: Burnt },
}

/// What becomes of a certificate.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Verdict {
    Match(usize, Option<&'static str>),
    NotListed,
    NoSupportedHash,
    Burnt,
    Weak,
    Unknown,
}

/// The moduli and x coordinates of private keys.
type Burnt = HashSet<Vec<u8>>;
type Members = HashMap<String, Json>;

/// Kind or curve, and then the numbers.
#[derive(Debug, Eq, PartialEq)]
struct Numbers(String, Vec<Vec<u8>>);

#[derive(Debug)]
pub(crate) struct Jwk {
    numbers: Numbers,
    sha1: Vec<u8>,
    sha256: Option<Vec<u8>>,
}

pub(crate) fn read(json: &[u8], profile: Profile, known: &[Known]) -> Reading {
    read_document(json, profile, known).unwrap_or(Reading::Refused)
}

fn read_document(json: &[u8], profile: Profile, known: &[Known]) -> Option<Reading> {
    let document = json::read(json)?;
    let burnt = burnt(&document);
    let members = members(&document, 256)?;
    let list = if profile == Profile::Rfc7711 { "fingerprints" } else { "keys" };
    let expires = match profile {
        Profile::Rfc7711 => Some(expires(members.get("expires")?)?),
        _ => None,
    };
    match (members.get(list), members.get("url")) {
        (None, Some(url)) => Some(Reading::Reference { url: uri(url)?, expires }),
        (Some(Json::List(entries)), None) if (1..=64).contains(&entries.len()) => match expires {
            Some(expires) => {
                let descriptors = entries.iter().map(descriptor).collect::<Option<_>>()?;
                Some(Reading::Fingerprints { expires, descriptors, burnt })
            }
            None => {
                let all = entries.iter().map(|entry| self::members(entry, 256));
                let all = all.collect::<Option<Vec<_>>>()?;
                let keys = all.iter().map(|entry| jwk(entry, known)).enumerate();
                let keys = keys.filter_map(|(index, key)| Some((index, key?)));
                let keys: Vec<_> = keys.filter(|(_, key)| !is_burnt(key, &burnt)).collect();
                let entries = entries.len();
                (!keys.is_empty()).then_some(Reading::Keys { entries, keys, burnt })
            }
        },
        _ => None,
    }
}

impl Reading {
    /// What becomes of a certificate at a time within its life.
    pub(crate) fn verdict(&self, known: &Known) -> Option<Verdict> {
        let (burnt, found) = match self {
            Self::Refused | Self::Reference { .. } => return None,
            Self::Fingerprints { descriptors, burnt, .. } => {
                (burnt, fingerprint(descriptors, known))
            }
            Self::Keys { keys, burnt, .. } => (burnt, key(keys, known)),
        };
        let own = known.key.iter().find(|(name, _)| matches!(*name, "n" | "x")).unwrap().1;
        let is_burnt = burnt.contains(&stripped(&base64(own, URL_SAFE)?));
        Some(match (is_burnt && known.strength != Strength::Unknown, found, known.strength) {
            (true, ..) => Verdict::Burnt,
            (false, Verdict::Match(..), Strength::Weak) => Verdict::Weak,
            (false, Verdict::Match(..), Strength::Unknown) => Verdict::Unknown,
            (false, found, _) => found,
        })
    }
}

fn fingerprint(descriptors: &[Option<(&'static str, Vec<u8>)>], known: &Known) -> Verdict {
    if descriptors.iter().all(Option::is_none) {
        return Verdict::NoSupportedHash;
    }
    let is_match = |(name, expected): &(&str, Vec<u8>)| *expected == digest(name, &known.der);
    let index = descriptors.iter().position(|descriptor| descriptor.as_ref().is_some_and(is_match));
    index.map_or(Verdict::NotListed, |index| {
        Verdict::Match(index, descriptors[index].as_ref().map(|(name, _)| *name))
    })
}

fn key(keys: &[(usize, Jwk)], known: &Known) -> Verdict {
    let found = keys.iter().find(|(_, key)| key.is_of(known));
    found.map_or(Verdict::NotListed, |(index, _)| Verdict::Match(*index, None))
}

impl Jwk {
    fn is_of(&self, known: &Known) -> bool {
        let own: Members = known
            .key
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Json::Text(Some((*value).to_owned()))))
            .collect();
        self.sha1 == digest("sha-1", &known.der)
            && self.sha256.as_ref().is_none_or(|sha256| *sha256 == digest("sha-256", &known.der))
            && numbers(&own).is_some_and(|own| own == self.numbers)
    }
}

/// The strongest digest that counts; `Some(None)` if there is none. A digest that is none matches
/// nothing.
fn descriptor(entry: &Json) -> Option<Option<(&'static str, Vec<u8>)>> {
    let members = members(entry, 16)?;
    for name in ["sha-512", "sha-384", "sha-256"] {
        if let Some(value) = members.get(name) {
            let digest = padded(text(value)?).unwrap_or_default();
            return Some(Some((name, digest)));
        }
    }
    Some(None)
}

/// A key that can be used. Its certificate, if it gives one, has to be one that we know.
fn jwk(members: &Members, known: &[Known]) -> Option<Jwk> {
    if PRIVATE.iter().any(|name| members.contains_key(*name)) {
        return None;
    }
    let octets = |name: &str, length: usize| {
        let octets = base64(text(members.get(name)?)?, URL_SAFE)?;
        (octets.len() == length).then_some(octets)
    };
    let sha256 = match members.contains_key("x5t#S256") {
        true => Some(octets("x5t#S256", 32)?),
        false => None,
    };
    let jwk = Jwk { numbers: numbers(members)?, sha1: octets("x5t", 20)?, sha256 };
    if let Some(chain) = members.get("x5c") {
        let Json::List(chain) = chain else { return None };
        let first = padded(text(chain.first()?)?)?;
        let known = known.iter().find(|known| *known.der == *first)?;
        let fits = chain.len() <= 16 && known.strength != Strength::Unknown && jwk.is_of(known);
        return fits.then_some(jwk);
    }
    Some(jwk)
}

fn numbers(members: &Members) -> Option<Numbers> {
    let octets = |name: &str| base64(text(members.get(name)?)?, URL_SAFE);
    let kind = text(members.get("kty")?)?;
    if kind == "RSA" {
        let (modulus, exponent) = (stripped(&octets("n")?), stripped(&octets("e")?));
        let is_odd = exponent.last()? % 2 == 1 && exponent != [1];
        let fits = (1..=2048).contains(&modulus.len()) && exponent.len() <= 8;
        return (is_odd && fits).then(|| Numbers(kind.to_owned(), vec![modulus, exponent]));
    }
    let curve = text(members.get("crv")?)?;
    let lengths: &[usize] = match (kind, curve) {
        ("EC", "P-256") => &[32, 32],
        ("EC", "P-384") => &[48, 48],
        ("EC", "P-521") => &[66, 66],
        ("OKP", "Ed25519") => &[32],
        _ => return None,
    };
    let coordinates = ["x", "y"].iter().zip(lengths).map(|(name, _)| octets(name));
    let coordinates = coordinates.collect::<Option<Vec<_>>>()?;
    let fits = coordinates.iter().map(Vec::len).eq(lengths.iter().copied());
    fits.then(|| Numbers(curve.to_owned(), coordinates))
}

/// The members of an object, none of which stands there twice.
fn members(json: &Json, most: usize) -> Option<Members> {
    let Json::Object(all) = json else { return None };
    let mut members = Members::new();
    for (name, value) in all {
        if members.insert(name.clone()?, value.clone()).is_some() {
            return None;
        }
    }
    (members.len() <= most).then_some(members)
}

/// What every private key in a document is told by, whatever else is wrong.
fn burnt(document: &Json) -> Burnt {
    let Json::Object(all) = document else { return Burnt::new() };
    let lists = all.iter().filter(|(name, _)| named(name, &["keys"]));
    let entries = lists.filter_map(|(_, list)| match list {
        Json::List(entries) => Some(entries),
        _ => None,
    });
    let mut burnt = Burnt::new();
    for entry in entries.flatten().chain([document]) {
        let Json::Object(members) = entry else { continue };
        if members.iter().any(|(name, _)| named(name, &PRIVATE)) {
            let public = members.iter().filter(|(name, _)| named(name, &["n", "x"]));
            burnt.extend(public.filter_map(|(_, value)| Some(stripped(&lenient(text(value)?)?))));
        }
    }
    burnt
}

fn is_burnt(key: &Jwk, burnt: &Burnt) -> bool {
    burnt.contains(&stripped(&key.numbers.1[0]))
}

fn named(name: &Text, names: &[&str]) -> bool {
    name.as_ref().is_some_and(|name| names.contains(&name.as_str()))
}

fn text(json: &Json) -> Option<&str> {
    match json {
        Json::Text(text) => text.as_deref(),
        _ => None,
    }
}

/// Only digits, of a number that 64 bits hold, and not zero.
fn expires(json: &Json) -> Option<u64> {
    match json {
        Json::Number(digits) if digits.bytes().all(|digit| digit.is_ascii_digit()) => {
            digits.parse().ok().filter(|seconds| *seconds > 0)
        }
        _ => None,
    }
}

/// A URL with nothing in it that a URI has not.
fn uri(json: &Json) -> Option<String> {
    let text = text(json)?;
    let url = Url::parse(text).ok()?;
    let is_uri = text.chars().all(|character| {
        character.is_ascii_alphanumeric() || "-._~:/?#[]@!$&'()*+,;=%".contains(character)
    });
    let (_, rest) = text.split_once(':')?;
    let has_slashes = rest.starts_with("//") && !rest.starts_with("///");
    (is_uri && (has_slashes || !url.has_authority())).then(|| url.into())
}

fn digest(name: &str, data: &[u8]) -> Vec<u8> {
    match name {
        "sha-1" => Sha1::digest(data).to_vec(),
        "sha-256" => Sha256::digest(data).to_vec(),
        "sha-384" => Sha384::digest(data).to_vec(),
        _ => Sha512::digest(data).to_vec(),
    }
}

fn stripped(octets: &[u8]) -> Vec<u8> {
    octets.iter().copied().skip_while(|octet| *octet == 0).collect()
}

/// Base64 with all its padding, or with none.
fn padded(text: &str) -> Option<Vec<u8>> {
    let bare = text.trim_end_matches('=');
    let padding = text.len() - bare.len();
    let octets = base64(bare, STANDARD)?;
    (padding == 0 || padding == (4 - bare.len() % 4) % 4).then_some(octets)
}

/// Base64 without padding, and with zeros where the last character has bits to spare.
fn base64(text: &str, last: [char; 2]) -> Option<Vec<u8>> {
    let octets = loose(text, last)?;
    let spare = text.len() * 6 % 8;
    let end = text.chars().last().and_then(|character| sextet(character, last)).unwrap_or(0);
    (end & ((1 << spare) - 1) == 0).then_some(octets)
}

/// Base64 of either alphabet, whatever the bits to spare are.
fn lenient(text: &str) -> Option<Vec<u8>> {
    loose(&text.trim_end_matches('=').replace('+', "-").replace('/', "_"), URL_SAFE)
}

fn loose(text: &str, last: [char; 2]) -> Option<Vec<u8>> {
    let sextets = text.chars().map(|character| sextet(character, last));
    let sextets = sextets.collect::<Option<Vec<_>>>()?;
    let bits: Vec<_> =
        sextets.iter().flat_map(|sextet| (0..6).rev().map(move |bit| sextet >> bit & 1)).collect();
    let octets =
        bits.chunks_exact(8).map(|bits| bits.iter().fold(0, |octet, bit| octet << 1 | bit));
    (sextets.len() % 4 != 1).then(|| octets.collect())
}

fn sextet(character: char, last: [char; 2]) -> Option<u8> {
    let alphabet = ('A'..='Z').chain('a'..='z').chain('0'..='9').chain(last);
    u8::try_from(alphabet.into_iter().position(|other| other == character)?).ok()
}

const STANDARD: [char; 2] = ['+', '/'];
const URL_SAFE: [char; 2] = ['-', '_'];
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
