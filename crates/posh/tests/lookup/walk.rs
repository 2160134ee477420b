//! A walk through canned answers.

use std::time::Duration;

use posh::{
    HashFunction, Limits, Lookup, LookupError, Materials, Profile, Progress, Response, Service,
    publish,
};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, DnsName, UnixTime};

pub(crate) const NOW: UnixTime = UnixTime::since_unix_epoch(Duration::from_secs(1_650_000_000));
pub(crate) const HOUR: u64 = 60 * 60;
pub(crate) const DAY: u64 = 24 * HOUR;

/// Walks until the end, or through all the answers, which must then be too few.
pub(crate) struct Walk {
    pub(crate) asked: Vec<String>,
    pub(crate) end: Result<Option<Materials>, LookupError>,
}

pub(crate) fn walk(profile: Profile, answers: &[Answer]) -> Walk {
    let source = DnsName::try_from("im.example").unwrap();
    let mut lookup =
        Lookup::new(&source, &Service::XMPP_SERVER, profile, Limits::default()).unwrap();
    let mut asked = Vec::new();
    for answer in answers {
        asked.push(lookup.target().to_string());
        match lookup.handle(&answer.response(), NOW) {
            Ok(Progress::Continue(next)) => lookup = next,
            Ok(Progress::Done(materials)) => return Walk { asked, end: Ok(materials) },
            Err(error) => return Walk { asked, end: Err(error) },
        }
    }
    panic!("after {asked:?} it goes on to {}", lookup.target());
}

pub(crate) fn rfc(answers: &[Answer]) -> Walk {
    walk(Profile::Rfc7711, answers)
}

pub(crate) fn found(walk: Walk) -> Materials {
    walk.end.unwrap().unwrap()
}

pub(crate) fn lifetime(walk: Walk) -> u64 {
    found(walk).valid_until().as_secs() - NOW.as_secs()
}

#[derive(Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) location: Option<String>,
    pub(crate) content_type: Option<&'static str>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn status(status: u16) -> Self {
        Self { status, location: None, content_type: None, body: String::new() }
    }

    pub(crate) fn redirect(location: &str) -> Self {
        Self { location: Some(location.to_owned()), ..Self::status(302) }
    }

    pub(crate) fn document(body: impl Into<String>) -> Self {
        Self { body: body.into(), content_type: Some("application/json"), ..Self::status(200) }
    }

    pub(crate) fn fingerprints(expires: u64) -> Self {
        let expires = Duration::from_secs(expires);
        let hashes = [HashFunction::Sha256];
        let document = publish::document(&[certificate()], Profile::Rfc7711, &hashes, expires);
        Self::document(document.unwrap())
    }

    pub(crate) fn key_set() -> Self {
        let document = publish::document(&[certificate()], Profile::Draft02, &[], Duration::ZERO);
        Self::document(document.unwrap())
    }

    pub(crate) fn reference(url: &str, expires: u64) -> Self {
        Self::document(format!(r#"{{"url":"{url}","expires":{expires}}}"#))
    }

    pub(crate) fn response(&self) -> Response<'_> {
        Response {
            status: self.status,
            location: self.location.as_deref(),
            content_type: self.content_type,
            body: self.body.as_bytes(),
        }
    }
}

/// Valid until half a year after [`NOW`].
pub(crate) fn certificate() -> CertificateDer<'static> {
    let pem = include_bytes!("../certificates/posh.badxmpp.eu.pem");
    CertificateDer::from_pem_slice(pem).unwrap()
}
