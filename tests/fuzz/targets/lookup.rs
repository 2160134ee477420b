//! A walk: the first octet tells the profile; each answer is an octet for the status and one for the
//! type, and, up to the next 0, a `Location` and then a body.
//!
//! Wherever answers lead, it is to few https URLs of domains, few of them foreign, and no further than
//! one reference; and what is found lives no longer than it may.

#![no_main]

use std::collections::HashSet;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use posh::{Document, Limits, Lookup, Materials, Profile, Progress, Response, Service};
use rustls_pki_types::{DnsName, UnixTime};
use url::Url;

#[allow(dead_code, reason = "other targets use the rest")]
mod seeds;

fuzz_target!(init: seeds::documents("lookup", framed), |data: &[u8]| {
    let Some((first, answers)) = data.split_first() else { return };
    let profile = if first & 1 == 0 { Profile::Draft02 } else { Profile::Rfc7711 };
    let source = DnsName::try_from(SOURCE).expect("a domain");
    let service = Service::XMPP_SERVER;
    let lookup = Lookup::new(&source, &service, profile, Limits::default()).expect("a source");
    let first = service.url(&source, profile).expect("a source");
    assert_eq!(lookup.target(), &first);
    walk(lookup, profile, answers);
});

fn walk(mut lookup: Lookup, profile: Profile, mut answers: &[u8]) {
    let mut asked = Vec::new();
    let mut references = 0;
    while let Some(response) = next(&mut answers) {
        asked.push(lookup.target().clone());
        let is_reference = response.status == 200
            && matches!(Document::parse(response.body, profile), Ok(Document::Reference(_)));
        match lookup.handle(&response, NOW) {
            Ok(Progress::Continue(next)) => lookup = next,
            Ok(Progress::Done(Some(materials))) => {
                assert_eq!(response.status, 200);
                return judge(&materials, profile, &asked);
            }
            Ok(Progress::Done(None)) => {
                assert!(matches!(response.status, 404 | 410) && references == 0);
                return;
            }
            Err(error) => return drop(error.to_string()),
        }
        references += usize::from(is_reference);
        assert!(references <= 1 && asked.len() < 5);
        judge_target(lookup.target());
        let hosts = asked.iter().chain([lookup.target()]).filter_map(Url::host_str);
        assert!(hosts.filter(|host| *host != SOURCE).collect::<HashSet<_>>().len() <= 2);
    }
}

fn judge_target(target: &Url) {
    assert_eq!(target.scheme(), "https");
    assert!(target.username().is_empty() && target.password().is_none());
    assert!(target.port().is_none() && target.fragment().is_none());
    assert!(target.as_str().len() <= 2048);
    let domain = target.domain().expect("a domain");
    assert!(domain.contains('.') && !domain.ends_with('.'));
    DnsName::try_from(domain).expect("a name in the DNS");
}

fn judge(materials: &Materials, profile: Profile, asked: &[Url]) {
    assert_eq!(materials.source().as_ref(), SOURCE);
    assert_eq!((materials.profile(), materials.walked()), (profile, asked));
    assert!((1..=64).contains(&materials.entries()));
    let life = materials.valid_until().as_secs() - NOW.as_secs();
    assert!((1..=24 * 60 * 60).contains(&life), "{life} by {}", materials.ending());
}

/// A document behind a redirect.
fn framed(profile: u8, document: &str) -> Vec<u8> {
    const REDIRECT: u8 = 2;
    [&[profile, REDIRECT, 0], &b"/x\0\0\0\0\0"[..], document.as_bytes()].concat()
}

/// Takes one answer from what is left.
fn next<'a>(answers: &mut &'a [u8]) -> Option<Response<'a>> {
    let (&[status, kind], rest) = answers.split_first_chunk()?;
    let mut parts = rest.splitn(3, |octet| *octet == 0);
    let location = std::str::from_utf8(parts.next()?).ok();
    let body = parts.next()?;
    *answers = parts.next().unwrap_or_default();
    Some(Response {
        status: STATUS[usize::from(status) % STATUS.len()],
        location: location.filter(|_| kind & 1 == 0),
        content_type: (kind & 2 != 0).then_some("application/json"),
        body,
    })
}

const SOURCE: &str = "im.example";
const NOW: UnixTime = UnixTime::since_unix_epoch(Duration::from_secs(1_400_000_000));
const STATUS: [u16; 8] = [200, 200, 301, 302, 303, 404, 410, 500];
