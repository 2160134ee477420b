use std::sync::Arc;
use std::time::{Duration, Instant};

use posh::{
    Budget, FetchError, Finding, HashFunction, Origin, Profile, Published, Response, publish,
};
use rcgen::date_time_ymd;
use xmpp_s2s_proto::dna::Prooftype;
use xmpp_s2s_proto::{Code, Phase, Step, Verdict};

use crate::certificates::{Authority, authority, leaf, self_signed};
use crate::documents::{PROFILES, answer, knowing, listing, materials, published, response};
use crate::{DAY, HOSTED, HOSTER, NOW, at, code, domain, judge};

#[test]
fn pd26_a_listed_certificate_counts_only_within_its_dates() {
    let (start, end) = (1_767_225_600, 1_798_761_600);
    let chain = [self_signed(&leaf(&[HOSTER]))];
    for (now, expected) in [
        (start - 3600, Code::CertNotYetValid),
        (start, Code::PoshMatch),
        (end, Code::PoshMatch),
        (end + 1, Code::CertExpired),
    ] {
        for profile in PROFILES {
            let evidence = knowing(published(HOSTED, profile, &chain[0], now));
            let outcome = judge(&Authority::new("ca"), &chain, &evidence, now);
            assert_eq!(code(&outcome), expected, "{now} {profile:?}");
        }
    }
}

#[test]
fn pd27_a_self_signed_certificate_of_the_hoster_proves_the_source_domain() {
    let chain = [self_signed(&leaf(&["hosting.example.net"]))];
    let evidence = listing(Profile::Rfc7711, &chain[0]);
    let association = judge(&Authority::new("ca"), &chain, &evidence, NOW).unwrap();
    assert_eq!(association.prooftype(), Prooftype::Posh);
    assert_eq!(association.pair().remote, domain(HOSTED));
}

#[test]
fn a_listed_self_signed_authority_proves_the_source_domain() {
    let chain = [self_signed(&authority(HOSTER))];
    for profile in PROFILES {
        let evidence = listing(profile, &chain[0]);
        let outcome = judge(&Authority::new("ca"), &chain, &evidence, NOW);
        assert_eq!(code(&outcome), Code::PoshMatch);
    }
}

#[test]
fn a_listed_issuer_does_not_prove_what_it_signed() {
    let root = Authority::new("root");
    let chain = [root.leaf(HOSTER), root.certificate.clone()];
    for profile in PROFILES {
        let outcome = judge(&root, &chain, &listing(profile, &root.certificate), NOW);
        assert_eq!(code(&outcome), Code::PoshFingerprintMismatch);
    }
}

#[test]
fn an_association_ends_with_what_is_published_or_with_the_certificate() {
    let mut params = leaf(&[HOSTER]);
    let long = self_signed(&params);
    params.not_after = date_time_ymd(2026, 6, 1);
    let short = self_signed(&params);
    for (leaf, end) in [(long, NOW + DAY), (short, NOW)] {
        let evidence = listing(Profile::Rfc7711, &leaf);
        let association = judge(&Authority::new("ca"), &[leaf], &evidence, NOW).unwrap();
        assert_eq!(association.valid_until(), at(end));
    }
}

#[test]
fn what_is_not_known_is_never_a_yes_and_says_why() {
    let chain = [self_signed(&leaf(&[HOSTED]))];
    for (published, expected) in failures() {
        let finding = Finding::fetched(published.clone(), Instant::now());
        let step = Step::posh(&domain(HOSTED), &finding, Duration::from_millis(3));
        assert_eq!((step.phase, step.code), (Phase::Posh, expected), "{}", step.detail);
        assert_ne!(step.code.verdict(), Verdict::Passed);
        let outcome = judge(&Authority::new("ca"), &chain, &knowing(published), NOW);
        assert_eq!(code(&outcome), expected, "{}", step.detail);
    }
}

/// Everything that can go wrong on the way to a document, with its code.
fn failures() -> Vec<(Published, Code)> {
    let url = || "https://hosted.example/.well-known/posh/xmpp-server.json".parse().unwrap();
    let mut failures: Vec<_> = [
        (FetchError::Refused { url: url() }, Code::PoshForbidden),
        (FetchError::OverBudget(Budget::Host), Code::PoshOverBudget),
        (FetchError::OverBudget(Budget::Domain), Code::PoshMismatchUnconfirmed),
        (
            FetchError::Untrusted { url: url(), error: "unknown issuer".into() },
            Code::PoshHttpsUntrusted,
        ),
        (FetchError::Status { url: url(), status: 503 }, Code::PoshHttpStatus),
        (FetchError::WrongName { url: url() }, Code::PoshHttpsNameMismatch),
        (FetchError::Timeout { url: url() }, Code::PoshTimeout),
        (FetchError::Unreachable { url: url(), error: "refused".into() }, Code::PoshUnreachable),
        (FetchError::Interrupted, Code::Stopping),
    ]
    .into_iter()
    .map(|(error, code)| (Published::Unknown(Arc::new(error)), code))
    .collect();
    failures.extend(
        bad_responses().map(|(response, code)| (answer(Profile::Rfc7711, &response), code)),
    );
    failures
}

fn bad_responses() -> impl Iterator<Item = (Response<'static>, Code)> {
    let bodies = [
        ("not JSON", Code::PoshInvalidJson),
        ("{}", Code::PoshInvalidDocument),
        (r#"{"fingerprints":[],"expires":60}"#, Code::PoshEmpty),
        (
            r#"{"fingerprints":[{}],"url":"https://a.example/","expires":60}"#,
            Code::PoshUrlAndFingerprints,
        ),
        (r#"{"url":"https://a.example/"}"#, Code::PoshExpiresMissing),
        (r#"{"url":"https://a.example/","expires":0}"#, Code::PoshExpiresZero),
        (r#"{"url":"https://a.example/","expires":-1}"#, Code::PoshInvalidDocument),
        (r#"{"url":"https://192.0.2.1/","expires":60}"#, Code::PoshReferenceNotHttps),
    ];
    let bodies = bodies.into_iter().map(|(body, code)| (response(200, body), code));
    let page = Response { content_type: Some("text/html"), ..response(200, "<html>") };
    let downgrade = Response { location: Some("http://hosted.example/"), ..response(302, "") };
    bodies.chain([
        (response(403, ""), Code::PoshHttpStatus),
        (page, Code::PoshBadContentType),
        (downgrade, Code::PoshRedirectDowngrade),
    ])
}

#[test]
fn a_step_names_the_profile_the_way_and_the_number_of_entries() {
    let leaves = [self_signed(&leaf(&[HOSTER])), self_signed(&leaf(&[HOSTER]))];
    let hashes = [HashFunction::Sha256];
    let json = publish::document(&leaves, Profile::Draft02, &hashes, Duration::ZERO).unwrap();
    let found = Arc::new(materials(HOSTED, Profile::Draft02, &json, NOW));
    let finding = Finding::fetched(Published::Found(found), Instant::now());
    let step = Step::posh(&domain(HOSTED), &finding, Duration::from_millis(3));
    assert_eq!(step.code, Code::PoshFound);
    assert_eq!(
        step.detail,
        "2 entries by draft-02 at \
         https://hosted.example/.well-known/posh._xmpp-server._tcp.json (cache=miss)"
    );
    assert_eq!(step.elapsed, Duration::from_millis(3));
}

#[test]
fn a_step_about_no_document_is_not_a_failure_to_look() {
    let step = Step::posh(
        &domain(HOSTED),
        &Finding::fetched(Published::Absent, Instant::now()),
        Duration::ZERO,
    );
    assert_eq!((step.code, step.code.verdict()), (Code::PoshNotPublished, Verdict::Refused));
}

#[test]
fn a_step_about_no_document_of_a_sub_domain_says_that_its_parents_does_not_count() {
    for (name, expected) in [
        (
            "conference.hosted.example",
            "there is no document at https://conference.hosted.example/; \
             one of hosted.example does not count (cache=miss)",
        ),
        (
            "räume.münchen.example",
            "there is no document at https://xn--rume-loa.xn--mnchen-3ya.example/; \
             one of münchen.example does not count (cache=miss)",
        ),
    ] {
        let finding = Finding::fetched(Published::Absent, Instant::now());
        assert_eq!(Step::posh(&domain(name), &finding, Duration::ZERO).detail, expected);
    }
}

#[test]
fn the_document_that_a_certificate_was_compared_with_is_told() {
    let [listed, other] = [(); 2].map(|()| self_signed(&leaf(&[HOSTER])));
    let evidence = listing(Profile::Rfc7711, &listed);
    let url = "https://hosted.example/.well-known/posh/xmpp-server.json";
    let ca = Authority::new("ca");
    let association = judge(&ca, &[listed], &evidence, NOW).unwrap();
    assert_eq!(association.document(), Some(url));
    let rejection = judge(&ca, &[other], &evidence, NOW).unwrap_err();
    assert_eq!(rejection.document.as_deref(), Some(url));

    let own = ca.leaf(HOSTED);
    assert_eq!(judge(&ca, &[own], &evidence, NOW).unwrap().document(), None);
    let absent = knowing(Published::Absent);
    let stranger = self_signed(&leaf(&[HOSTER]));
    assert_eq!(judge(&ca, &[stranger], &absent, NOW).unwrap_err().document, None);
}

#[test]
fn a_step_says_what_was_kept_and_for_how_long_and_what_was_fetched_anew() {
    let age = Duration::from_secs(90);
    let timeout = FetchError::Timeout { url: "https://hosted.example/x".parse().unwrap() };
    let instead = Published::Unknown(Arc::new(timeout));
    for (origin, expected) in [
        (Origin::Refetched, "cache=miss, fetched anew"),
        (Origin::Cached { age }, "cache=hit, age 90 s"),
        (
            Origin::Stale { age, instead: Published::Absent },
            "cache=stale, age 90 s, fetched anew: there is no document",
        ),
        (
            Origin::Stale { age, instead },
            "cache=stale, age 90 s, fetched anew: https://hosted.example/x did not answer in time",
        ),
    ] {
        let mut finding = Finding::fetched(Published::Absent, Instant::now());
        finding.origin = origin;
        let step = Step::posh(&domain(HOSTED), &finding, Duration::ZERO);
        assert_eq!(step.detail, format!("there is no document ({expected})"));
    }
}
