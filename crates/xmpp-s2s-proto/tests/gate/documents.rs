use std::sync::Arc;
use std::time::Duration;

use posh::{
    FetchError, HashFunction, Limits, Lookup, LookupError, Materials, Profile, Progress, Published,
    Response, Service, publish,
};
use rustls_pki_types::{CertificateDer, DnsName};
use xmpp_s2s_proto::dna::Evidence;

use crate::{DAY, HOSTED, NOW, at};

pub(crate) const PROFILES: [Profile; 2] = [Profile::Rfc7711, Profile::Draft02];

/// That the domain publishes `leaf`, for a day from [`NOW`] on.
pub(crate) fn listing(profile: Profile, leaf: &CertificateDer<'_>) -> Evidence {
    knowing(published(HOSTED, profile, leaf, NOW))
}

/// That `source` publishes `leaf`, for a day from `now` on.
pub(crate) fn published(
    source: &str,
    profile: Profile,
    leaf: &CertificateDer<'_>,
    now: u64,
) -> Published {
    let (leaf, expires) = (std::slice::from_ref(leaf), Duration::from_secs(DAY));
    let json = publish::document(leaf, profile, &[HashFunction::Sha256], expires).unwrap();
    Published::Found(Arc::new(materials(source, profile, &json, now)))
}

pub(crate) fn materials(source: &str, profile: Profile, json: &str, now: u64) -> Materials {
    match respond(source, profile, &response(200, json), now) {
        Ok(Progress::Done(Some(materials))) => materials,
        other => panic!("{other:?} of {json}"),
    }
}

/// What becomes known if the domain's web server gives this response.
pub(crate) fn answer(profile: Profile, response: &Response<'_>) -> Published {
    match respond(HOSTED, profile, response, NOW) {
        Ok(Progress::Done(Some(materials))) => Published::Found(Arc::new(materials)),
        Ok(Progress::Done(None)) => Published::Absent,
        Ok(Progress::Continue(lookup)) => panic!("wants {}", lookup.target()),
        Err(error) => Published::Unknown(Arc::new(FetchError::from(error))),
    }
}

pub(crate) fn response(status: u16, body: &str) -> Response<'_> {
    let content_type = Some("application/json");
    Response { status, location: None, content_type, body: body.as_bytes() }
}

pub(crate) fn knowing(posh: Published) -> Evidence {
    let mut evidence = Evidence::default();
    evidence.posh = Some(posh);
    evidence
}

fn respond(
    source: &str,
    profile: Profile,
    response: &Response<'_>,
    now: u64,
) -> Result<Progress, LookupError> {
    let source = DnsName::try_from(source).unwrap();
    let lookup = Lookup::new(&source, &Service::XMPP_SERVER, profile, Limits::default()).unwrap();
    lookup.handle(response, at(now))
}
