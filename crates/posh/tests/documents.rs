//! Documents and certificates against what must come of them: one file in `documents` a case.
#![allow(clippy::unwrap_used)]

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use libtest_mimic::{Arguments, Failed, Trial};
use posh::{Document, Limits, Lookup, LookupError, Profile, Progress, Response, Service};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, DnsName, UnixTime};
use serde_json::Value;

fn main() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/documents");
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let trials = files.map(|file| {
        let name = file.file_stem().unwrap().to_str().unwrap().to_owned();
        Trial::test(name, move || run(&file))
    });
    let arguments = Arguments::from_args();
    libtest_mimic::run(&arguments, trials.collect()).exit();
}

fn run(file: &PathBuf) -> Result<(), Failed> {
    let case: Value = serde_json::from_str(&fs::read_to_string(file)?)?;
    let profile = match case["profile"].as_str() {
        Some("draft-02") => Profile::Draft02,
        Some("rfc7711") => Profile::Rfc7711,
        other => return Err(format!("no profile: {other:?}").into()),
    };
    let text = document(&fs::read_to_string(file)?, &case["document"]);
    let now = UnixTime::since_unix_epoch(Duration::from_secs(case["now"].as_u64().unwrap_or(1)));
    let came = outcome(&text, profile, case["certificate"].as_str(), now);
    let expected = case["expected"].as_str().unwrap();
    if came != expected {
        return Err(format!("expected {expected:?}, there came {came:?}").into());
    }
    Ok(())
}

/// A document that is not JSON, or has a member twice, stands in the case as a string; others as
/// they are.
fn document(case: &str, document: &Value) -> String {
    if let Some(text) = document.as_str() {
        return text.to_owned();
    }
    let start = case.find("\"document\": ").unwrap() + "\"document\": ".len();
    let end = case.rfind(",\n  \"expected\"").unwrap();
    case[start..end].to_owned()
}

fn outcome(text: &str, profile: Profile, certificate: Option<&str>, now: UnixTime) -> String {
    let source = DnsName::try_from("im.example").unwrap();
    let limits = Limits::default();
    let lookup = Lookup::new(&source, &Service::XMPP_SERVER, profile, limits).unwrap();
    let body = text.as_bytes();
    let response = Response { status: 200, location: None, content_type: None, body };
    let materials = match lookup.handle(&response, now) {
        Ok(Progress::Continue(lookup)) => return format!("reference: {}", lookup.target()),
        Ok(Progress::Done(materials)) => materials.unwrap(),
        Err(LookupError::Document { error, .. }) => return format!("invalid: {}", chain(&error)),
        Err(error) => return format!("failed: {}", chain(&error)),
    };
    assert!(Document::parse(body, profile).is_ok());
    let Some(certificate) = certificate else {
        return format!("readable: {} entries", materials.entries());
    };
    match materials.find(&pem(certificate), now) {
        Ok(found) => {
            let hash = found.hash.map_or("its key", |hash| hash.name());
            format!("match: entry {} by {hash}", found.entry)
        }
        Err(error) => format!("mismatch: {}", chain(&error)),
    }
}

fn pem(name: &str) -> CertificateDer<'static> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/certificates");
    CertificateDer::from_pem_file(folder.join(format!("{name}.pem"))).unwrap()
}

fn chain(error: &dyn Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", chain(source)),
        None => error.to_string(),
    }
}
