//! Documents as lists of members, which can be spoiled before they are written.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use posh::{HashFunction, Profile};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use sha1::{Digest, Sha1};
use sha2::Sha256;

use crate::known::Known;

/// The members of an object, each with its value as JSON.
type Members = Vec<(String, String)>;

/// A document that is right, by its parts.
#[derive(Clone, Debug)]
pub(crate) struct Sketch {
    pub(crate) profile: Profile,
    /// Which certificate, and what of it is told.
    entries: Vec<(Index, [bool; 3])>,
}

/// What is done to one of its objects.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    Drop(Index),
    Repeat(Index),
    Replace(Index, &'static str),
    Rename(Index, &'static str),
    Add(&'static str, &'static str),
    Append(Index, &'static str),
}

pub(crate) fn sketch() -> impl Strategy<Value = Sketch> {
    let profile = prop_oneof![Just(Profile::Draft02), Just(Profile::Rfc7711)];
    let entries = prop::collection::vec((any::<Index>(), any::<[bool; 3]>()), 1..5);
    (profile, entries).prop_map(|(profile, entries)| Sketch { profile, entries })
}

/// Each with the object that it is done to: 0 is the document.
pub(crate) fn changes() -> impl Strategy<Value = Vec<(Index, Change)>> {
    let (name, value) = (select(NAMES), select(VALUES));
    let change = prop_oneof![
        any::<Index>().prop_map(Change::Drop),
        any::<Index>().prop_map(Change::Repeat),
        (any::<Index>(), value.clone()).prop_map(|(at, value)| Change::Replace(at, value)),
        (any::<Index>(), name.clone()).prop_map(|(at, name)| Change::Rename(at, name)),
        (name, value.clone()).prop_map(|(name, value)| Change::Add(name, value)),
        (any::<Index>(), select(&["=", "A", "-", "+", "\\u0041", "\\n", " "][..]))
            .prop_map(|(at, text)| Change::Append(at, text)),
    ];
    prop::collection::vec((any::<Index>(), change), 0..4)
}

impl Sketch {
    /// The document as JSON.
    pub(crate) fn write(&self, known: &[Known], changes: &[(Index, Change)]) -> String {
        let entries = self.entries.iter().map(|(index, told)| {
            let known = index.get(known);
            match self.profile {
                Profile::Draft02 => key(known, *told),
                _ => descriptor(known, *told),
            }
        });
        let mut objects: Vec<Members> = entries.collect();
        let mut document = Members::new();
        if self.profile == Profile::Rfc7711 {
            document.push(("expires".to_owned(), "3600".to_owned()));
        }
        for (at, change) in changes {
            match at.index(objects.len() + 1).checked_sub(1) {
                Some(entry) => apply(&mut objects[entry], change),
                None => apply(&mut document, change),
            }
        }
        let list = if self.profile == Profile::Rfc7711 { "fingerprints" } else { "keys" };
        let objects: Vec<_> = objects.iter().map(object).collect();
        document.push((list.to_owned(), format!("[{}]", objects.join(", "))));
        object(&document)
    }
}

fn key(known: &Known, [sha256, chain, escaped]: [bool; 3]) -> Members {
    let mut members: Vec<_> =
        known.key.iter().map(|(name, value)| ((*name).to_owned(), quoted(value))).collect();
    let sha1 = URL_SAFE_NO_PAD.encode(Sha1::digest(&known.der));
    members.push((if escaped { "\\u00785t" } else { "x5t" }.to_owned(), quoted(&sha1)));
    if sha256 {
        let sha256 = URL_SAFE_NO_PAD.encode(Sha256::digest(&known.der));
        members.push(("x5t#S256".to_owned(), quoted(&sha256)));
    }
    if chain {
        members.push(("x5c".to_owned(), format!("[{}]", quoted(&STANDARD.encode(&known.der)))));
    }
    members
}

fn descriptor(known: &Known, told: [bool; 3]) -> Members {
    let hashes = [HashFunction::Sha256, HashFunction::Sha384, HashFunction::Sha512];
    let digests = hashes.iter().zip(told).filter(|(_, is_told)| *is_told).map(|(hash, _)| {
        (hash.name().to_owned(), quoted(&STANDARD.encode(hash.digest(&known.der))))
    });
    digests.collect()
}

fn apply(members: &mut Members, change: &Change) {
    if let Change::Add(name, value) = change {
        members.push(((*name).to_owned(), (*value).to_owned()));
        return;
    }
    if members.is_empty() {
        return;
    }
    let length = members.len();
    match change {
        Change::Drop(at) => drop(members.remove(at.index(length))),
        Change::Repeat(at) => members.push(members[at.index(length)].clone()),
        Change::Replace(at, value) => members[at.index(length)].1 = (*value).to_owned(),
        Change::Rename(at, name) => members[at.index(length)].0 = (*name).to_owned(),
        Change::Append(at, text) => {
            let value = &mut members[at.index(length)].1;
            let end = value.rfind('"').unwrap_or(value.len());
            value.insert_str(end, text);
        }
        Change::Add(..) => {}
    }
}

fn object(members: &Members) -> String {
    let members: Vec<_> =
        members.iter().map(|(name, value)| format!("\"{name}\": {value}")).collect();
    format!("{{{}}}", members.join(",\n"))
}

fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}

pub(crate) const NAMES: &[&str] = &[
    "url",
    "keys",
    "fingerprints",
    "expires",
    "kty",
    "crv",
    "n",
    "e",
    "x",
    "y",
    "x5t",
    "x5t#S256",
    "x5c",
    "d",
    "k",
    "oth",
    "\\u0064",
    "\\ud800",
    "kid",
    "sha-1",
    "sha-256",
    "sha-384",
    "sha-512",
    "SHA-256",
    "",
];

pub(crate) const VALUES: &[&str] = &[
    "null",
    "true",
    "0",
    "-0",
    "1",
    "60",
    "1.0",
    "1e3",
    "1e400",
    "18446744073709551615",
    "18446744073709551616",
    "\"\"",
    "\"AA\"",
    "\"AA==\"",
    "\"AAEAAQ\"",
    "\"AQ\"",
    "\"Aw\"",
    "\"\\ud800\"",
    "\"RSA\"",
    "\"EC\"",
    "\"OKP\"",
    "\"oct\"",
    "\"P-256\"",
    "\"P-384\"",
    "\"Ed25519\"",
    "\"https://a.example/x\"",
    "\"https:a.example\"",
    "\"http://a.example\"",
    "\" https://a.example\"",
    "[]",
    "[[]]",
    "{}",
    "{\"a\":1,\"a\":2}",
    "[{\"n\":\"AQAB\",\"d\":1}]",
];
