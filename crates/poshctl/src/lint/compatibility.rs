//! A second reading of a document that is valid: what there is in it that others stumble over.

use std::time::Duration;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use posh::{Document, HashFunction};
use serde_json::{Map, Value};

use crate::cli::Implementation;
use crate::span::in_words;
use crate::warning::{Remark, Warning};

const SHORT: Duration = Duration::from_secs(5 * 60);
const LONG: Duration = Duration::from_secs(24 * 60 * 60);

/// Every remark on a document, whoever it concerns.
pub(super) fn remarks(json: &[u8], document: &Document) -> Vec<Remark> {
    let Ok(Value::Object(members)) = serde_json::from_slice(json) else { return Vec::new() };
    let mut remarks = unknown_members(&members);
    match document {
        Document::Fingerprints(list) => {
            remarks.extend(lifetime(list.expires()));
            remarks.extend(unusable(list.unusable().map(ToString::to_string)));
            let entries = members.get("fingerprints").and_then(Value::as_array);
            for (at, entry) in entries.into_iter().flatten().enumerate() {
                remarks.extend(
                    entry.as_object().map(|entry| descriptor(at, entry)).unwrap_or_default(),
                );
            }
        }
        Document::KeySet(keys) => {
            remarks.extend(unusable(keys.unusable().map(ToString::to_string)));
            let entries = members.get("keys").and_then(Value::as_array);
            for (at, entry) in entries.into_iter().flatten().enumerate() {
                let lacks = ["x5c", "x5t#S256"].into_iter().find(|name| entry.get(name).is_none());
                remarks.extend(lacks.map(|name| {
                    Remark::new(Warning::JwkNoCertificate, format!("`keys[{at}]` has no `{name}`"))
                }));
            }
        }
        Document::Reference(reference) => {
            remarks.extend(reference.expires.into_iter().flat_map(lifetime));
            if reference.expires.is_some() {
                let detail = "it points elsewhere with `url`";
                remarks.push(Remark::new(Warning::CompatProsody, detail));
            }
        }
        _ => {}
    }
    remarks
}

/// Whether there is a certificate that it could match. A reference may lead to one.
pub(super) fn can_match(json: &[u8], document: &Document) -> bool {
    let Document::Fingerprints(_) = document else { return true };
    let Ok(json) = serde_json::from_slice::<Value>(json) else { return false };
    let entries = json.get("fingerprints").and_then(Value::as_array).into_iter().flatten();
    entries.filter_map(Value::as_object).any(|entry| {
        // The strongest decides.
        let strongest = KNOWN.iter().rev().find(|function| entry.contains_key(function.name()));
        strongest.is_some_and(|function| {
            let text = entry[function.name()].as_str().unwrap_or_default();
            INDIFFERENT.decode(text).is_ok_and(|octets| octets.len() == function.digest(&[]).len())
        })
    })
}

const KNOWN: [HashFunction; 3] = [HashFunction::Sha256, HashFunction::Sha384, HashFunction::Sha512];

/// Base64 with or without its padding, as documents are read.
const INDIFFERENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Whether one of `peers` stumbles over it.
pub(super) fn concerns(warning: Warning, peers: &[Implementation]) -> bool {
    let stumbling: &[Implementation] = match warning {
        Warning::CompatProsody => &[Implementation::Prosody],
        Warning::CompatPadding => &[Implementation::XmppProxy, Implementation::Conversations],
        Warning::CompatSha256 => &[Implementation::Conversations],
        _ => return true,
    };
    peers.iter().any(|peer| *peer == Implementation::All || stumbling.contains(peer))
}

fn unknown_members(members: &Map<String, Value>) -> Vec<Remark> {
    let known = ["fingerprints", "keys", "url", "expires"];
    let unknown = members.keys().filter(|name| !known.contains(&name.as_str()));
    let detail = |name: &String| format!("`{}`", xmpp_s2s::printable(name));
    unknown.map(|name| Remark::new(Warning::UnknownMember, detail(name))).collect()
}

fn lifetime(expires: Duration) -> Option<Remark> {
    let warning = match expires {
        expires if expires < SHORT => Warning::ExpiresShort,
        expires if expires > LONG => Warning::ExpiresLong,
        _ => return None,
    };
    Some(Remark::new(warning, format!("`expires` is {}", in_words(expires.as_secs()))))
}

fn unusable(reason: Option<String>) -> Option<Remark> {
    reason.map(|reason| Remark::new(Warning::EntryUnusable, xmpp_s2s::printable(&reason)))
}

fn descriptor(at: usize, entry: &Map<String, Value>) -> Vec<Remark> {
    let digests: Vec<_> = KNOWN
        .iter()
        .filter_map(|function| Some((function.name(), entry.get(function.name())?.as_str()?)))
        .collect();
    let mut remarks = Vec::new();
    if digests.is_empty() {
        let detail = format!("`fingerprints[{at}]` has no digest by a hash function that counts");
        remarks.push(Remark::new(Warning::EntryUnusable, detail));
    } else if entry.get("sha-256").is_none() {
        remarks.push(Remark::new(Warning::CompatSha256, format!("`fingerprints[{at}]`")));
    }
    let unpadded = digests.iter().filter(|(_, digest)| !digest.len().is_multiple_of(4));
    remarks.extend(unpadded.map(|(name, _)| {
        Remark::new(Warning::CompatPadding, format!("`fingerprints[{at}].{name}`"))
    }));
    remarks
}
