use std::slice;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use posh::{Budget, FetchError, Finding, Profile, Published};
use rustls_pki_types::CertificateDer;
use sha2::{Digest as _, Sha256};
use xmpp_s2s_proto::dna::{Evidence, Policy, Presented, Prooftype, Rejection};
use xmpp_s2s_proto::stream::Condition;
use xmpp_s2s_proto::{Code, Phase, Step};

use crate::certificates::{Authority, leaf, self_signed};
use crate::documents::{knowing, listing};
use crate::{DAY, HOSTED, HOSTER, NOW, at, domain, judge, pair};

fn refused(evidence: &Evidence) -> Rejection {
    judge(&Authority::new("ca"), &[self_signed(&leaf(&[HOSTER]))], evidence, NOW).unwrap_err()
}

fn unknown(error: FetchError) -> Evidence {
    knowing(Published::Unknown(Arc::new(error)))
}

const URL: &str = "https://hosted.example/.well-known/posh/xmpp-server.json";

#[test]
fn a14_the_peer_is_told_one_code_its_well_known_url_and_its_own_digest() {
    let authority = Authority::new("ca");
    let (own, listed) = (authority.leaf(HOSTER), authority.leaf(HOSTER));
    let evidence = listing(Profile::Draft02, &listed);
    let rejection = judge(&authority, slice::from_ref(&own), &evidence, NOW).unwrap_err();
    let digest = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(&own));
    assert_eq!(
        rejection.text(),
        format!(
            "posh-fingerprint-mismatch; \
             https://hosted.example/.well-known/posh/xmpp-server.json; sha-256 {digest}"
        )
    );
}

#[test]
fn a14_a_peer_without_a_certificate_is_told_no_digest() {
    let rejection = judge(&Authority::new("ca"), &[], &Evidence::default(), NOW).unwrap_err();
    assert_eq!(
        rejection.text(),
        "tls-no-certificate; https://hosted.example/.well-known/posh/xmpp-server.json"
    );
}

#[test]
fn a14_a_peer_does_not_learn_which_addresses_are_allowed() {
    let forbidden = refused(&unknown(FetchError::Refused { url: URL.parse().unwrap() }));
    assert_eq!(forbidden.code, Code::PoshForbidden);
    let error = "no route".into();
    let unreachable =
        refused(&unknown(FetchError::Unreachable { url: URL.parse().unwrap(), error }));
    let told = |rejection: &Rejection| {
        (rejection.text().split(';').next().map(str::to_owned), Condition::from(rejection))
    };
    assert_eq!(told(&forbidden), told(&unreachable));
}

#[test]
fn a14_a_peer_does_not_learn_what_policy_wants() {
    let authority = Authority::new("ca");
    let presented = Presented::after_handshake(&[authority.leaf(HOSTED)]);
    let gate = authority.authenticator();
    let policy = Policy::new([Prooftype::Posh]);
    let evidence = Evidence::default();
    let rejection =
        gate.authenticate(presented.as_ref(), &pair(), &evidence, &policy, at(NOW)).unwrap_err();
    assert_eq!(rejection.code, Code::PkixNotAllowed);
    assert!(rejection.text().starts_with("cert-untrusted-chain; "), "{}", rejection.text());
}

#[test]
fn a14_a_peer_does_not_learn_what_was_looked_up_before() {
    let leaf = self_signed(&leaf(&[HOSTER]));
    let evidence = listing(Profile::Draft02, &leaf);
    let later = NOW + 100 * DAY;
    let rejection = judge(&Authority::new("ca"), &[leaf], &evidence, later).unwrap_err();
    assert_eq!(rejection.code, Code::PoshDocumentStale);
    assert!(rejection.text().starts_with("posh-unreachable; "), "{}", rejection.text());
    assert_eq!(Condition::from(&rejection), Condition::RemoteConnectionFailed);
}

#[test]
fn a_rejection_is_reconsidered_by_other_evidence_for_the_same_certificate_only() {
    let authority = Authority::new("ca");
    let (own, other) = (authority.leaf(HOSTER), authority.leaf(HOSTER));
    let lists = |leaf| listing(Profile::Rfc7711, leaf);
    let present =
        |leaf: &CertificateDer<'static>| Presented::after_handshake(slice::from_ref(leaf)).unwrap();
    let rejected = || judge(&authority, slice::from_ref(&own), &lists(&other), NOW).unwrap_err();
    let policy = Policy::default();
    let proved = rejected().reconsider(&present(&own), &lists(&own), &policy, at(NOW)).unwrap();
    assert_eq!(proved.prooftype(), Prooftype::Posh);
    assert_eq!(proved.pair(), &pair());
    let codes: Vec<_> = proved.trail().steps().iter().map(|step| step.code).collect();
    assert_eq!(codes, [Code::CertNameMismatch, Code::PoshMatch]);
    for (leaf, listed) in [(&own, &other), (&other, &other)] {
        let again = rejected().reconsider(&present(leaf), &lists(listed), &policy, at(NOW));
        assert_eq!(again.unwrap_err().code, Code::PoshFingerprintMismatch);
    }
}

#[test]
fn a10_a14_who_is_put_off_is_not_told_that_we_have_looked_before() {
    let authority = Authority::new("ca");
    let evidence = listing(Profile::Rfc7711, &authority.leaf(HOSTER));
    let rejection = judge(&authority, &[authority.leaf(HOSTER)], &evidence, NOW).unwrap_err();
    let denial = Arc::new(FetchError::OverBudget(Budget::Domain));
    let denial = Finding::fetched(Published::Unknown(denial), Instant::now());
    let denial = Step::posh(&domain(HOSTED), &denial, Duration::ZERO);
    let rejection = rejection.unconfirmed(denial);
    assert_eq!(rejection.code, Code::PoshMismatchUnconfirmed);
    assert_eq!(rejection.trail.conclusion(), Some(rejection.code));
    let codes: Vec<_> = rejection.trail.steps().iter().map(|step| step.code).collect();
    let expected =
        [Code::CertNameMismatch, Code::PoshFingerprintMismatch, Code::PoshMismatchUnconfirmed];
    assert_eq!(codes, expected);
    assert!(rejection.text().starts_with("posh-over-budget; "), "{}", rejection.text());
    assert_eq!(Condition::from(&rejection), Condition::ResourceConstraint);
}

#[test]
fn a12_what_may_pass_later_is_not_called_not_authorized() {
    for (evidence, expected) in [
        (knowing(Published::Absent), Condition::NotAuthorized),
        (unknown(FetchError::OverBudget(Budget::Asker)), Condition::ResourceConstraint),
        (
            unknown(FetchError::Timeout { url: URL.parse().unwrap() }),
            Condition::RemoteConnectionFailed,
        ),
        (
            unknown(FetchError::WrongName { url: URL.parse().unwrap() }),
            Condition::RemoteConnectionFailed,
        ),
        (unknown(FetchError::Interrupted), Condition::SystemShutdown),
    ] {
        assert_eq!(Condition::from(&refused(&evidence)), expected);
    }
}

#[test]
fn the_trail_has_a_step_for_each_prooftype_with_names_and_whole_digests() {
    let authority = Authority::new("ca");
    let own = authority.leaf(HOSTER);
    let evidence = listing(Profile::Rfc7711, &authority.leaf(HOSTER));
    let rejection = judge(&authority, slice::from_ref(&own), &evidence, NOW).unwrap_err();
    let digest = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(&own));
    let steps: Vec<_> =
        rejection.trail.steps().iter().map(|step| (step.phase, step.code, &*step.detail)).collect();
    let pkix = format!("certificate sha-256 {digest} names {HOSTER}, wanted {HOSTED}");
    let posh = format!(
        "certificate sha-256 {digest} by rfc7711 at \
         https://hosted.example/.well-known/posh/xmpp-server.json: \
         certificate is not listed (entries: 1)"
    );
    assert_eq!(
        steps,
        [
            (Phase::Pkix, Code::CertNameMismatch, &*pkix),
            (Phase::PoshMatch, Code::PoshFingerprintMismatch, &*posh),
        ]
    );
    assert_eq!(
        rejection.to_string(),
        "no proof that the peer is hosted.example: its server's certificate is none of those that \
         it publishes by POSH"
    );
}
