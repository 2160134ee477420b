//! How long what was found may be used.

use std::time::Duration;

use posh::{Ending, Limits, Lookup, Mismatch, Profile, Progress, Service};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, DnsName, UnixTime};

use crate::walk::{Answer, DAY, HOUR, NOW, certificate, found, lifetime, rfc, walk};

#[test]
fn a4_materials_end() {
    let materials = found(rfc(&[Answer::fingerprints(HOUR)]));
    let at = |seconds| UnixTime::since_unix_epoch(Duration::from_secs(NOW.as_secs() + seconds));
    assert!(materials.find(&certificate(), at(HOUR - 1)).is_ok());
    assert_eq!(materials.find(&certificate(), at(HOUR)), Err(Mismatch::Ended));
}

#[test]
fn what_cannot_be_used_is_no_question_of_what_is_listed() {
    let at = |seconds| UnixTime::since_unix_epoch(Duration::from_secs(seconds));
    let materials = found(rfc(&[Answer::fingerprints(HOUR)]));
    let garbage = CertificateDer::from(vec![0x30, 0]);
    assert_eq!(materials.find(&garbage, NOW), Err(Mismatch::Unreadable));
    assert!(materials.find(&garbage, NOW).unwrap_err().is_unusable());
    assert!(materials.find(&certificate(), at(0)).unwrap_err().is_unusable());
    let other = CertificateDer::from_pem_slice(include_bytes!("../certificates/p256.pem")).unwrap();
    assert!(!materials.find(&other, NOW).unwrap_err().is_unusable());
}

#[test]
fn pd10_r26_the_lesser_of_both_lifetimes_counts() {
    for (reference, fingerprints, expected, ending) in [
        (86_400, 60, 60, Ending::Expires),
        (60, 86_400, 60, Ending::ReferenceExpires),
        (86_400, 604_800, 86_400, Ending::Limit),
        (86_399, 604_800, 86_399, Ending::ReferenceExpires),
        (86_400, 3_600, 3_600, Ending::Expires),
    ] {
        let reference = Answer::reference("https://hosting.example/", reference);
        let materials = found(rfc(&[reference, Answer::fingerprints(fingerprints)]));
        assert_eq!(materials.valid_until().as_secs() - NOW.as_secs(), expected);
        assert_eq!(materials.ending(), ending);
    }
}

#[test]
fn pd07_r25_no_lifetime_is_longer_than_a_day() {
    for expires in [DAY + 1, 4_294_967_295, u64::MAX] {
        let materials = found(rfc(&[Answer::fingerprints(expires)]));
        assert_eq!(materials.valid_until().as_secs() - NOW.as_secs(), DAY);
        assert_eq!(materials.ending(), Ending::Limit);
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
    assert_eq!(materials.ending(), Ending::Certificate);
}

#[test]
fn a_key_set_without_its_certificates_lives_for_five_minutes() {
    let mut answer = Answer::key_set();
    let start = answer.body.find(r#""x5c""#).unwrap();
    let end = start + answer.body[start..].find(']').unwrap() + 2;
    answer.body.replace_range(start..end, "");
    let materials = found(walk(Profile::Draft02, &[answer]));
    assert_eq!(materials.valid_until().as_secs() - NOW.as_secs(), 300);
    assert_eq!(materials.ending(), Ending::Unmatched);
}
