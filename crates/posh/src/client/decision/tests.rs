use std::future::{pending, ready};
use std::ops::ControlFlow;

use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, DnsName};

use super::super::walk::step;
use super::*;
use crate::{
    Budget, DocumentError, HashFunction, Limits, Lookup, Match, Mismatch, Profile, Response,
    Service, publish,
};

/// A time within the life of [`certificate`].
const NOW: UnixTime = UnixTime::since_unix_epoch(Duration::from_secs(1_400_000_000));
const REFERENCE: &str = r#"{"url":"https://hosting.example/x.json","expires":60}"#;

fn certificate() -> CertificateDer<'static> {
    let pem = include_bytes!("../../../tests/certificates/rfc7517-b.pem");
    CertificateDer::from_pem_slice(pem).unwrap()
}

fn document(profile: Profile) -> String {
    let hour = Duration::from_secs(3600);
    publish::document(&[certificate()], profile, &[HashFunction::Sha256], hour).unwrap()
}

/// What comes of these answers, a status and a body each.
fn answers(profile: Profile, answers: &[(u16, &str)]) -> Outcome {
    let mut lookup = lookup(profile);
    for (status, body) in answers {
        let body = body.as_bytes();
        let response = Response { status: *status, location: None, content_type: None, body };
        match step(lookup, &response, NOW) {
            ControlFlow::Continue(next) => lookup = next,
            ControlFlow::Break(outcome) => return outcome,
        }
    }
    panic!("the lookup goes on")
}

/// What comes of this answer on the path of the fingerprints.
fn answer(content_type: Option<&str>, body: &str) -> Outcome {
    let response = Response { status: 200, location: None, content_type, body: body.as_bytes() };
    match step(lookup(Profile::Rfc7711), &response, NOW) {
        ControlFlow::Continue(lookup) => panic!("{lookup:?} goes on"),
        ControlFlow::Break(outcome) => outcome,
    }
}

fn lookup(profile: Profile) -> Lookup {
    let source = DnsName::try_from("im.example").unwrap();
    Lookup::new(&source, &Service::XMPP_SERVER, profile, Limits::default()).unwrap()
}

fn fingerprints(list: &[(u16, &str)]) -> Outcome {
    answers(Profile::Rfc7711, list)
}

fn key_set() -> Outcome {
    answers(Profile::Draft02, &[(200, &document(Profile::Draft02))])
}

fn find(published: &Published) -> Result<Match, Mismatch> {
    let Published::Found(materials) = published else { panic!("not found: {published:?}") };
    materials.find(&certificate(), NOW)
}

/// What went wrong, and with which document.
fn verdict(published: &Published) -> String {
    let Published::Unknown(error) = published else { panic!("known: {published:?}") };
    let (what, url) = match &**error {
        FetchError::Invalid(LookupError::Document { url, error: DocumentError::NotJson(_) }) => {
            ("not json", url)
        }
        FetchError::Status { url, .. } => ("status", url),
        error => panic!("{error:?}"),
    };
    let is_draft = url.path().contains("posh._");
    format!("{what} of the {}", if is_draft { "draft" } else { "fingerprints" })
}

fn profile(published: &Published) -> Option<Profile> {
    match published {
        Published::Found(materials) => Some(materials.profile()),
        Published::Absent | Published::Unknown(_) => None,
    }
}

#[test]
fn published_fingerprints_decide_alone() {
    let found = fingerprints(&[(200, &document(Profile::Rfc7711))]);
    assert_eq!(profile(&decide(found, key_set())), Some(Profile::Rfc7711));
    let other = r#"{"fingerprints":[{"sha-256":"AA"}],"expires":60}"#;
    let published = decide(fingerprints(&[(200, other)]), key_set());
    assert!(matches!(find(&published), Err(Mismatch::NotListed { entries: 1, .. })));
}

#[test]
fn a6_a_key_set_decides_where_there_are_no_fingerprints() {
    for status in [404, 410] {
        let published = decide(fingerprints(&[(status, "")]), key_set());
        assert_eq!(profile(&published), Some(Profile::Draft02), "{status}");
    }
}

#[test]
fn a6_a_key_set_decides_where_the_other_path_is_not_json() {
    for body in ["", "<!doctype html>", "{"] {
        let published = decide(fingerprints(&[(200, body)]), key_set());
        assert_eq!(profile(&published), Some(Profile::Draft02), "{body:?}");
    }
}

#[test]
fn a6_json_that_is_no_document_is_no_reason_to_use_a_key_set() {
    for body in ["[]", "{}", r#"{"fingerprints":[{"sha-256":"AA"}],"expires":0}"#, REFERENCE] {
        let answers: &[_] = &[(200, body), (200, body)];
        let published = decide(fingerprints(answers), key_set());
        assert_eq!(profile(&published), None, "{body}");
    }
}

#[test]
fn a6_json_that_is_refused_as_a_page_or_for_its_mark_does_not_let_a_key_set_decide() {
    let document = document(Profile::Rfc7711);
    let marked = format!("\u{feff}{document}");
    for (content_type, body) in [(Some("text/html"), &document), (None, &marked)] {
        let published = decide(answer(content_type, body), key_set());
        assert_eq!(profile(&published), None, "{body}");
    }
    let published = decide(answer(Some("text/html"), "<!doctype html>"), key_set());
    assert_eq!(profile(&published), Some(Profile::Draft02));
}

#[test]
fn a6_a_bad_reference_is_no_reason_to_use_a_key_set() {
    for answer in [(404, ""), (200, "<!doctype html>"), (503, "")] {
        let published = decide(fingerprints(&[(200, REFERENCE), answer]), key_set());
        assert_eq!(profile(&published), None, "{answer:?}");
    }
}

#[test]
fn a5_another_failure_than_404_and_410_does_not_say_absent() {
    for status in [400, 401, 403, 429, 500, 503, 204, 206, 304] {
        let published = decide(fingerprints(&[(status, "")]), key_set());
        assert_eq!(profile(&published), None, "{status}");
        assert!(matches!(published, Published::Unknown(_)), "{status}");
    }
}

#[test]
fn a5_two_absences_are_one() {
    let absent = |profile| answers(profile, &[(404, "")]);
    let published = decide(absent(Profile::Rfc7711), absent(Profile::Draft02));
    assert!(matches!(published, Published::Absent));
}

#[test]
fn a6_where_neither_is_found_the_worse_answer_decides() {
    let absent = |profile| answers(profile, &[(404, "")]);
    let page = |profile| answers(profile, &[(200, "<!doctype html>")]);
    let failed = |profile| answers(profile, &[(503, "")]);
    let (rfc, draft) = (Profile::Rfc7711, Profile::Draft02);
    for (published, expected) in [
        (decide(absent(rfc), page(draft)), "not json of the draft"),
        (decide(absent(rfc), failed(draft)), "status of the draft"),
        (decide(page(rfc), absent(draft)), "not json of the fingerprints"),
        (decide(page(rfc), page(draft)), "not json of the fingerprints"),
        (decide(page(rfc), failed(draft)), "status of the draft"),
        (decide(failed(rfc), absent(draft)), "status of the fingerprints"),
        (decide(failed(rfc), page(draft)), "status of the fingerprints"),
        (decide(failed(rfc), failed(draft)), "status of the fingerprints"),
    ] {
        assert_eq!(verdict(&published), expected);
    }
}

#[test]
fn a12_a20_over_budget_is_no_verdict() {
    let over = || Outcome::failed(FetchError::OverBudget(Budget::Host));
    let found = || fingerprints(&[(200, &document(Profile::Rfc7711))]);
    for published in [
        decide(over(), key_set()),
        decide(fingerprints(&[(404, "")]), over()),
        decide(found(), over()),
    ] {
        let Published::Unknown(error) = published else { panic!("{published:?}") };
        assert!(matches!(*error, FetchError::OverBudget(Budget::Host)));
    }
}

#[test]
fn a20_a_key_that_the_key_set_burns_is_refused_under_fingerprints_too() {
    let burnt = document(Profile::Draft02).replace(r#""kty""#, r#""d":"AQAB","kty""#);
    let other = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","x5t":"4pNenEBLv0JpLIdugWxQkOsZcK0"},"#;
    let among_others = burnt.replace("[{", &format!("[{other}{{"));
    for key_set in [burnt, among_others] {
        let found = fingerprints(&[(200, &document(Profile::Rfc7711))]);
        let published = decide(found, answers(Profile::Draft02, &[(200, &key_set)]));
        assert_eq!(find(&published), Err(Mismatch::PrivateKeyPublished), "{key_set}");
    }
}

#[test]
fn a20_a_key_set_that_is_refused_burns_what_it_gives_away() {
    let burnt = document(Profile::Draft02).replace(r#""kty""#, r#""d":"AQAB","kty""#);
    let both = burnt.replace(r#""keys""#, r#""url":"https://a.example/","keys""#);
    let twice = burnt.replace(r#""kty""#, r#""d":"AQAB","kty""#);
    let many = burnt.replace("[{", &format!("[{}{{", "{},".repeat(64)));
    for key_set in [both, twice, many] {
        let found = fingerprints(&[(200, &document(Profile::Rfc7711))]);
        let published = decide(found, answers(Profile::Draft02, &[(200, &key_set)]));
        assert_eq!(find(&published), Err(Mismatch::PrivateKeyPublished), "{key_set}");
    }
}

#[test]
fn a20_private_keys_beside_fingerprints_are_burnt() {
    let keys = document(Profile::Draft02).replace(r#""kty""#, r#""d":"AQAB","kty""#);
    let both =
        document(Profile::Rfc7711).replacen('{', &format!("{},", &keys[..keys.len() - 1]), 1);
    let published = decide(fingerprints(&[(200, &both)]), answers(Profile::Draft02, &[(404, "")]));
    assert_eq!(find(&published), Err(Mismatch::PrivateKeyPublished), "{both}");
}

#[tokio::test]
async fn failed_fingerprints_do_not_wait_for_the_key_set() {
    let published =
        of_both(ready(fingerprints(&[(503, "")])), pending(), Purpose::Ourselves, drop).await;
    assert!(matches!(published, Published::Unknown(_)));
}

/// Decides between fingerprints and a key set that burns their key, and comes late; says what was
/// handed out before, too.
async fn with_a_late_key_set(purpose: Purpose) -> (Option<Published>, Published) {
    let found = fingerprints(&[(200, &document(Profile::Rfc7711))]);
    let burnt = document(Profile::Draft02).replace(r#""kty""#, r#""d":"AQAB","kty""#);
    let late = async {
        tokio::time::sleep(STRAGGLER * 4).await;
        answers(Profile::Draft02, &[(200, &burnt)])
    };
    let mut early = None;
    let published = of_both(ready(found), late, purpose, |found| early = Some(found)).await;
    (early, published)
}

#[tokio::test(start_paused = true)]
async fn found_fingerprints_do_not_wait_long_for_the_key_set() {
    let (early, _) = with_a_late_key_set(Purpose::Ourselves).await;
    assert_eq!(profile(&early.unwrap()), Some(Profile::Rfc7711));
}

#[tokio::test(start_paused = true)]
async fn a20_found_fingerprints_know_in_the_end_what_a_late_key_set_burns() {
    for purpose in [Purpose::Ourselves, Purpose::Stranger] {
        let (early, published) = with_a_late_key_set(purpose).await;
        assert_eq!(find(&published), Err(Mismatch::PrivateKeyPublished));
        assert_eq!(early.is_some(), purpose == Purpose::Ourselves);
    }
}

#[test]
fn a6_a_key_set_is_good_for_no_longer_than_the_absence_of_fingerprints() {
    let limits = Limits::default();
    for (answer, lifetime) in [((404, ""), limits.absent), ((200, "{"), limits.invalid)] {
        let Published::Found(materials) = decide(fingerprints(&[answer]), key_set()) else {
            panic!("not found");
        };
        assert_eq!(materials.valid_until().as_secs(), NOW.as_secs() + lifetime.as_secs());
        assert!(materials.prolonged(UnixTime::since_unix_epoch(Duration::MAX)).is_none());
    }
}

#[tokio::test]
async fn a_key_set_that_came_first_does_not_decide_first() {
    let found = fingerprints(&[(200, &document(Profile::Rfc7711))]);
    let late = async {
        tokio::task::yield_now().await;
        found
    };
    let published = of_both(late, ready(key_set()), Purpose::Ourselves, drop).await;
    assert_eq!(profile(&published), Some(Profile::Rfc7711));
}
