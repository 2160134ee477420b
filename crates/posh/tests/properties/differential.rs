//! Both readings of documents that are right, nearly right, and neither.

use std::fs;
use std::path::Path;

use posh::Profile;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::agreement::agree;
use crate::known::known;
use crate::sketch::{NAMES, VALUES, changes, sketch};

const PROFILES: [Profile; 2] = [Profile::Draft02, Profile::Rfc7711];

#[test]
fn both_readings_agree_on_the_documents_of_the_cases() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/documents");
    let mut accepted = 0;
    for file in fs::read_dir(folder).unwrap() {
        let case = fs::read_to_string(file.unwrap().path()).unwrap();
        let start = case.find("\"document\": ").unwrap() + "\"document\": ".len();
        let end = case.rfind(",\n  \"expected\"").unwrap();
        let document = match serde_json::from_str::<String>(&case[start..end]) {
            Ok(text) => text,
            Err(_) => case[start..end].to_owned(),
        };
        for profile in PROFILES {
            accepted += usize::from(agree(document.as_bytes(), profile, &known()));
        }
    }
    assert!(accepted > 50, "{accepted}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn both_readings_agree_on_documents_that_are_spoiled(
        sketch in sketch(),
        changes in changes(),
    ) {
        let document = sketch.write(&known(), &changes);
        agree(document.as_bytes(), sketch.profile, &known());
    }

    #[test]
    fn both_readings_agree_on_documents_at_the_wrong_path(
        sketch in sketch(),
        changes in changes(),
        profile in select(&PROFILES[..]),
    ) {
        agree(sketch.write(&known(), &changes).as_bytes(), profile, &known());
    }

    #[test]
    fn both_readings_agree_on_texts_that_are_spoiled(
        sketch in sketch(),
        changes in prop::collection::vec((any::<Index>(), 0..3_u8, select(&BYTES[..])), 1..4),
    ) {
        let mut document = sketch.write(&known(), &[]).into_bytes();
        for (at, kind, byte) in changes {
            let at = at.index(document.len());
            match kind {
                0 => document[at] = byte,
                1 => document.insert(at, byte),
                _ => drop(document.remove(at)),
            }
        }
        agree(&document, sketch.profile, &known());
    }

    #[test]
    fn both_readings_agree_on_anything_made_of_the_same_pieces(
        pieces in prop::collection::vec(select(&PIECES[..]), 0..24),
        names in prop::collection::vec((select(NAMES), select(VALUES)), 0..3),
        profile in select(&PROFILES[..]),
    ) {
        let mut text = pieces.concat();
        for (name, value) in names {
            text += &format!(r#","{name}":{value}}}"#);
        }
        agree(text.as_bytes(), profile, &known());
        agree(format!(r#"{{"keys":[{{{text}"#).as_bytes(), profile, &known());
    }
}

const BYTES: [u8; 16] = *b"\"\\{}[]:,=-+_A0\n\xff";
const PIECES: [&str; 12] =
    ["{", "}", "[", "]", ":", ",", "\"a\"", "\"keys\"", "\"d\"", "0", "-1.5e+7", "\\u12"];
