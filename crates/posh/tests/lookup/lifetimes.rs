//! How long what was found may be used.

use std::time::Duration;

use posh::{Limits, Lookup, Profile, Progress, Service};
use rustls_pki_types::{DnsName, UnixTime};

use crate::walk::{Answer, DAY, HOUR, NOW, certificate, found, lifetime, rfc, walk};

#[test]
fn a4_materials_end() {
    let materials = found(rfc(&[Answer::fingerprints(HOUR)]));
    let at = |seconds| UnixTime::since_unix_epoch(Duration::from_secs(NOW.as_secs() + seconds));
    assert!(materials.find(&certificate(), at(HOUR - 1)).is_ok());
    assert_eq!(materials.find(&certificate(), at(HOUR)), Err(posh::Mismatch::Ended));
}

#[test]
fn pd10_the_lesser_of_both_lifetimes_counts() {
    for (reference, fingerprints) in [(86_400, 60), (60, 86_400)] {
        let reference = Answer::reference("https://hosting.example/", reference);
        assert_eq!(lifetime(rfc(&[reference, Answer::fingerprints(fingerprints)])), 60);
    }
}

#[test]
fn pd07_no_lifetime_is_longer_than_a_day() {
    for expires in [DAY + 1, 4_294_967_295, u64::MAX] {
        assert_eq!(lifetime(rfc(&[Answer::fingerprints(expires)])), DAY);
    }
}

#[test]
fn a_key_set_lives_as_long_as_its_certificate_at_most_a_day() {
    assert_eq!(lifetime(walk(Profile::Draft02, &[Answer::key_set()])), DAY);
    let source = DnsName::try_from("im.example").unwrap();
    let (service, limits) = (Service::XMPP_SERVER, Limits::default());
    let lookup = Lookup::new(&source, &service, Profile::Draft02, limits).unwrap();
    let end = 1_665_845_372;
    let shortly_before = UnixTime::since_unix_epoch(Duration::from_secs(end - 100));
    let progress = lookup.handle(&Answer::key_set().response(), shortly_before);
    let Ok(Progress::Done(Some(materials))) = progress else { panic!("{progress:?}") };
    assert_eq!(materials.valid_until().as_secs(), end);
}

#[test]
fn a_key_set_without_its_certificates_lives_for_five_minutes() {
    let mut answer = Answer::key_set();
    let start = answer.body.find(r#""x5c""#).unwrap();
    let end = start + answer.body[start..].find(']').unwrap() + 2;
    answer.body.replace_range(start..end, "");
    assert_eq!(lifetime(walk(Profile::Draft02, &[answer])), 300);
}
