//! The library's reading of a document against the other one.

use std::time::Duration;

use posh::{
    Document, Limits, Lookup, Match, Materials, Mismatch, Profile, Progress, Response, Service,
};
use rustls_pki_types::{DnsName, UnixTime};

use crate::known::Known;
use crate::reading::{self, Reading, Verdict};

/// Compares both readings of a document, and what comes of every certificate; says whether it was
/// accepted.
///
/// # Panics
///
/// If they differ.
pub(crate) fn agree(json: &[u8], profile: Profile, known: &[Known]) -> bool {
    let ours = Document::parse(json, profile);
    let other = reading::read(json, profile, known);
    let text = String::from_utf8_lossy(json);
    match (&ours, &other) {
        (Err(_), Reading::Refused) => return false,
        (Ok(Document::Reference(reference)), Reading::Reference { url, expires }) => {
            assert_eq!(reference.url.as_str(), url, "{text}");
            assert_eq!(reference.expires, expires.map(Duration::from_secs), "{text}");
            return true;
        }
        (Ok(Document::Fingerprints(list)), Reading::Fingerprints { expires, descriptors, .. }) => {
            assert_eq!(list.expires(), Duration::from_secs(*expires), "{text}");
            assert_eq!(list.entries(), descriptors.len(), "{text}");
        }
        (Ok(Document::KeySet(keys)), Reading::Keys { entries, .. }) => {
            assert_eq!(keys.entries(), *entries, "{text}");
        }
        _ => panic!("{profile:?} {text}: {ours:?}, but {other:?}"),
    }
    for known in known {
        let verdict = find(json, profile, known);
        assert_eq!(verdict, other.verdict(known), "{profile:?} {text}: {:?}", known.key);
    }
    true
}

fn find(json: &[u8], profile: Profile, known: &Known) -> Option<Verdict> {
    let materials = materials(json, profile, known.now)?;
    Some(match materials.find(&known.der, known.now) {
        Ok(Match { entry, hash, profile: matched, .. }) => {
            assert_eq!(matched, profile);
            Verdict::Match(entry, hash.map(|hash| hash.name()))
        }
        Err(Mismatch::NotListed { .. }) => Verdict::NotListed,
        Err(Mismatch::NoSupportedHash) => Verdict::NoSupportedHash,
        Err(Mismatch::PrivateKeyPublished) => Verdict::Burnt,
        Err(Mismatch::WeakKey) => Verdict::Weak,
        Err(Mismatch::UnknownKey) => Verdict::Unknown,
        Err(other) => panic!("{:?}: {other:?}", known.key),
    })
}

/// What comes of a document at the source; `None` if it is over the limit of its size.
pub(crate) fn materials(json: &[u8], profile: Profile, now: UnixTime) -> Option<Materials> {
    let source = DnsName::try_from("im.example").unwrap();
    let limits = Limits::default();
    let lookup = Lookup::new(&source, &Service::XMPP_SERVER, profile, limits).unwrap();
    let response = Response { status: 200, location: None, content_type: None, body: json };
    match lookup.handle(&response, now) {
        Ok(Progress::Done(materials)) => materials,
        other => panic!("{other:?}"),
    }
}
