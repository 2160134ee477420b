//! What is published is read, and matches.

use std::time::Duration;

use posh::{Document, HashFunction, Profile, publish};
use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};
use serde_json::Value;

use crate::agreement::{agree, materials};
use crate::known::{Known, Strength, known};

const HASHES: [HashFunction; 3] =
    [HashFunction::Sha256, HashFunction::Sha384, HashFunction::Sha512];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn what_is_published_is_read_and_matches_in_its_order(
        indices in prop::collection::vec(any::<Index>(), 1..20),
        hashes in subsequence(&HASHES[..], 0..=3),
        profile in select(&[Profile::Draft02, Profile::Rfc7711][..]),
        expires in 1..=u64::MAX,
    ) {
        let mut known = known();
        known.retain(|known| known.strength == Strength::Strong);
        let listed: Vec<&Known> = indices.iter().map(|index| index.get(&known)).collect();
        let leaves: Vec<_> = listed.iter().map(|known| known.der.clone()).collect();
        let json = publish::document(&leaves, profile, &hashes, Duration::from_secs(expires));
        let json = json.unwrap();

        prop_assert!(agree(json.as_bytes(), profile, &known));
        for known in &known {
            let found = materials(json.as_bytes(), profile, known.now).unwrap();
            let found = found.find(&known.der, known.now);
            let first = leaves.iter().position(|leaf| *leaf == known.der);
            prop_assert_eq!(found.ok().map(|found| found.entry), first);
        }
        prop_assert!(is_for_others(&json, leaves.len(), profile));
    }

    #[test]
    fn a_reference_that_is_published_is_read(
        path in "(/[a-zA-Z0-9._~-]{0,12}){0,3}(\\?[a-z=&%7'*]{0,8})?",
        profile in select(&[Profile::Draft02, Profile::Rfc7711][..]),
        expires in 1..=u64::MAX,
    ) {
        let url = format!("https://hosting.example{path}").parse().unwrap();
        let expires = Duration::from_secs(expires);
        let json = publish::reference(&url, profile, expires).unwrap();
        let Document::Reference(read) = Document::parse(json.as_bytes(), profile).unwrap() else {
            panic!("no reference: {json}");
        };
        prop_assert_eq!(read.url, url);
        prop_assert_eq!(read.expires, (profile == Profile::Rfc7711).then_some(expires));
    }
}

/// Whether others can read it, who know sha-256 alone, with its padding, and ask for `expires`; and
/// whether each kind of document has its own members only.
fn is_for_others(json: &str, entries: usize, profile: Profile) -> bool {
    let document: Value = serde_json::from_str(json).unwrap();
    let names: Vec<_> = document.as_object().unwrap().keys().map(String::as_str).collect();
    if profile == Profile::Draft02 {
        return names == ["keys"];
    }
    let mut names = names;
    names.sort_unstable();
    let list = document["fingerprints"].as_array().unwrap();
    let is_padded = |entry: &Value| {
        entry["sha-256"].as_str().is_some_and(|text| text.len() == 44 && text.ends_with('='))
    };
    names == ["expires", "fingerprints"] && list.len() == entries && list.iter().all(is_padded)
}
