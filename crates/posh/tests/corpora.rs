//! Certificates and documents that nobody here wrote, from the folder that `POSH_CORPORA` names.
//!
//! Without it these tests are ignored.
#![allow(clippy::unwrap_used)]

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{env, fs};

use libtest_mimic::{Arguments, Failed, Trial};
use posh::publish::{self, PublishError};
use posh::{
    Document, DocumentError, Leaf, Limits, Lookup, Mismatch, Profile, Progress, Response, Service,
};
use rustls_pki_types::{CertificateDer, DnsName};
use serde_json::{Value, json};

fn main() {
    let corpora = env::var_os("POSH_CORPORA").map(PathBuf::from);
    let mut trials = Vec::new();
    match &corpora {
        Some(corpora) => {
            // Cargo runs tests in the folder of their package.
            let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(corpora);
            let readable = readable_leaves(&corpora.join("x509-leaf/MANIFEST.tsv"));
            for file in files(&corpora.join("x509-leaf"), "der") {
                let test =
                    if readable.contains(name(&file)) { leaf_that_is_read } else { any_leaf };
                trials.push(trial("x509-leaf", file, test));
            }
            for file in files(&corpora.join("jwk"), "json") {
                trials.push(trial("jwk", file, keys_of_others));
            }
            trials.extend(published_by_others(&corpora.join("posh-real")));
            for file in files(&corpora.join("json-accept"), "json") {
                trials.push(trial("json-accept", file, json_that_is_legal));
            }
            for file in files(&corpora.join("json-reject"), "json") {
                trials.push(trial("json-reject", file, json_that_is_not));
            }
        }
        None => {
            let missing = || Err("POSH_CORPORA is not set".into());
            trials.push(Trial::test("corpora", missing).with_ignored_flag(true));
        }
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

/// A certificate that others can read is read, and the key that we would publish for it matches it.
fn leaf_that_is_read(der: &[u8]) -> Result<(), Failed> {
    Leaf::parse(&CertificateDer::from(der))?;
    any_leaf(der)
}

fn any_leaf(der: &[u8]) -> Result<(), Failed> {
    let certificate = CertificateDer::from(der);
    let Ok(leaf) = Leaf::parse(&certificate) else { return Ok(()) };
    if leaf.dns_names().any(|name| !name.is_ascii()) {
        return Err("a dNSName is ASCII".into());
    }
    match publish::document(&[certificate], Profile::Draft02, &[], Duration::ZERO) {
        Ok(document) => Document::parse(document.as_bytes(), Profile::Draft02).map(drop)?,
        Err(PublishError::Key(0) | PublishError::WeakKey(0) | PublishError::TooLarge) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

/// Every key in a file: with a thumbprint beside it, it is taken if it is public and of a kind that
/// signs in TLS, and never if it is private.
fn keys_of_others(file: &[u8]) -> Result<(), Failed> {
    let mut keys = Vec::new();
    collect_keys(&serde_json::from_slice(file)?, &mut keys);
    if keys.is_empty() {
        return Err("no key in it".into());
    }
    for mut key in keys {
        let bare = parse_key(&key);
        key["x5t"] = "UpjRI_A3afKE8_AIeTZ5o1dECTY".into();
        let is_private = PRIVATE.iter().any(|name| key.get(name).is_some());
        let signs = signs(&key);
        let is_right = match (bare, parse_key(&key)) {
            (Err(DocumentError::PrivateKey(_)), Err(DocumentError::PrivateKey(_))) => is_private,
            (Err(DocumentError::NoUsableEntry(_)), Ok(Document::KeySet(_))) => !is_private && signs,
            (Err(DocumentError::NoUsableEntry(_)), Err(DocumentError::NoUsableEntry(_))) => {
                !is_private && !signs
            }
            _ => false,
        };
        if !is_right {
            return Err(format!("{key} gave {:?}", parse_key(&key)).into());
        }
    }
    Ok(())
}

/// Whether it is whole, and of a kind that signs in TLS: RSA with the exponent 1 does not.
fn signs(key: &Value) -> bool {
    let length = match (key["kty"].as_str(), key["crv"].as_str()) {
        (Some("RSA"), _) => return key["n"].is_string() && key["e"] == "AQAB",
        (Some("EC"), Some("P-256")) => 43,
        (Some("EC"), Some("P-384")) => 64,
        (Some("EC"), Some("P-521")) => 88,
        _ => return false,
    };
    ["x", "y"].iter().all(|name| key[*name].as_str().is_some_and(|text| text.len() == length))
}

fn parse_key(key: &Value) -> Result<Document, DocumentError> {
    let json = json!({ "keys": [key] }).to_string();
    Document::parse(json.as_bytes(), Profile::Draft02)
}

fn collect_keys(json: &Value, keys: &mut Vec<Value>) {
    match json {
        Value::Object(members) if members.contains_key("kty") => keys.push(json.clone()),
        Value::Object(members) => members.values().for_each(|value| collect_keys(value, keys)),
        Value::Array(values) => values.iter().for_each(|value| collect_keys(value, keys)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Documents that somebody has published, and what the manifest says of each.
fn published_by_others(folder: &Path) -> Vec<Trial> {
    let manifest = fs::read_to_string(folder.join("MANIFEST.tsv")).unwrap();
    let trials = manifest.lines().skip(1).map(|line| {
        let fields: Vec<_> = line.split('\t').collect();
        let (document, leaf) = (folder.join(fields[0]), folder.join(fields[1]));
        let verdict = fields[2].split(' ').next().unwrap_or_default().to_owned();
        let name = format!("posh-real/{}", fields[0]);
        Trial::test(name, move || published(&document, &leaf, &verdict))
    });
    trials.collect()
}

fn published(document: &Path, leaf: &Path, verdict: &str) -> Result<(), Failed> {
    let is_draft = name(document).starts_with("draft02");
    let profile = if is_draft { Profile::Draft02 } else { Profile::Rfc7711 };
    let json = fs::read(document)?;
    match (verdict, Document::parse(&json, profile)?) {
        ("reference", Document::Reference(_))
        | ("accept", Document::KeySet(_) | Document::Fingerprints(_)) => Ok(()),
        ("match" | "no-match", Document::Fingerprints(_)) => {
            compare(&json, &CertificateDer::from(fs::read(leaf)?), verdict == "match")
        }
        (verdict, other) => Err(format!("{verdict}, but {other:?}").into()),
    }
}

/// At a time within the certificate's life.
fn compare(json: &[u8], leaf: &CertificateDer<'_>, is_match: bool) -> Result<(), Failed> {
    let now = Leaf::parse(leaf)?.not_before();
    let (source, service) = (DnsName::try_from("posh.badxmpp.eu")?, Service::XMPP_SERVER);
    let lookup = Lookup::new(&source, &service, Profile::Rfc7711, Limits::default())?;
    let response = Response { status: 200, location: None, content_type: None, body: json };
    let Progress::Done(Some(materials)) = lookup.handle(&response, now)? else {
        return Err("no materials".into());
    };
    match materials.find(leaf, now) {
        Ok(_) if is_match => Ok(()),
        Err(Mismatch::NotListed { .. }) if !is_match => Ok(()),
        other => Err(format!("{other:?}").into()),
    }
}

fn json_that_is_legal(json: &[u8]) -> Result<(), Failed> {
    match Document::parse(json, Profile::Rfc7711) {
        Err(error @ DocumentError::NotJson(_)) => Err(error.into()),
        Ok(_) | Err(_) => Ok(()),
    }
}

fn json_that_is_not(json: &[u8]) -> Result<(), Failed> {
    match Document::parse(json, Profile::Rfc7711) {
        Err(DocumentError::NotJson(_)) => Ok(()),
        other => Err(format!("{other:?}").into()),
    }
}

/// The certificates that both other readers of the manifest can read.
fn readable_leaves(manifest: &Path) -> HashSet<String> {
    let manifest = fs::read_to_string(manifest).unwrap();
    let lines = manifest.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    let readable = lines.filter(|fields| fields[3..5] == ["parse-ok", "parse-ok"]);
    readable.map(|fields| fields[0].to_owned()).collect()
}

fn trial(folder: &str, file: PathBuf, test: fn(&[u8]) -> Result<(), Failed>) -> Trial {
    let name = format!("{folder}/{}", name(&file));
    Trial::test(name, move || test(&fs::read(&file)?))
}

fn name(file: &Path) -> &str {
    file.file_name().unwrap().to_str().unwrap()
}

fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let files = fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|other| other == extension));
    assert!(!files.is_empty(), "{folder:?} is empty");
    files.sort();
    files
}

const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
