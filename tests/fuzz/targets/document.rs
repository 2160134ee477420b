//! Documents: the first octet tells the profile, the rest is the text.
//!
//! Another, plain reading of the rules must accept the same documents, read the same in them and
//! match the same certificates; and one that is written anew, its members in another order, must say
//! the same.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use posh::{Document, Profile};
use serde_json::Value;

#[path = "../../../crates/posh/tests/properties/agreement.rs"]
mod agreement;
#[path = "../../../crates/posh/tests/properties/json.rs"]
mod json;
#[path = "../../../crates/posh/tests/properties/known.rs"]
mod known;
#[path = "../../../crates/posh/tests/properties/reading.rs"]
mod reading;
#[allow(dead_code, reason = "other targets use the rest")]
mod seeds;

static KNOWN: LazyLock<Vec<known::Known>> = LazyLock::new(known::known);

fuzz_target!(init: seeds::documents("document", framed), |data: &[u8]| {
    let Some((first, json)) = data.split_first() else { return };
    let profile = if first & 1 == 0 { Profile::Draft02 } else { Profile::Rfc7711 };
    let document = Document::parse(json, profile);
    // The plain reader calls itself for everything that nests.
    if json.len() <= LONGEST && depth(json) <= DEEPEST {
        agreement::agree(json, profile, &KNOWN);
    }
    if let (Ok(document), Ok(value)) = (&document, serde_json::from_slice::<Value>(json)) {
        let again = Document::parse(value.to_string().as_bytes(), profile);
        assert_eq!(again.as_ref(), Ok(document));
    }
});

fn framed(profile: u8, document: &str) -> Vec<u8> {
    [&[profile], document.as_bytes()].concat()
}

/// How deep arrays and objects can nest, strings not told apart.
fn depth(json: &[u8]) -> usize {
    json.iter().filter(|byte| matches!(byte, b'[' | b'{')).count()
}

const LONGEST: usize = 64 * 1024;
const DEEPEST: usize = 2000;
