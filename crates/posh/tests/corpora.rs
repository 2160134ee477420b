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
use posh::{Document, DocumentError, Leaf, Profile};
use rustls_pki_types::CertificateDer;

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
        Err(PublishError::Key(0) | PublishError::WeakKey(0)) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(())
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
