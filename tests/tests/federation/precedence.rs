//! A5 and A6: which of the two documents decides, and what absence is.

use std::time::Duration;

use end_to_end::{A, B, caller, deliver, hosted, serve, undelivered};
use posh::Profile::{Draft02, Rfc7711};
use xmpp_s2s::{Code, Security};
use xmpp_s2s_testkit::{Reply, World};

#[tokio::test(flavor = "multi_thread")]
async fn a5_not_found_and_gone_are_absence() {
    for status in [404, 410] {
        draft_decides_beside(Reply::status(status)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a5_every_other_client_error_is_not_absence() {
    for status in [400, 401, 403, 429, 451] {
        let code = draft_does_not_decide_beside(Reply::status(status)).await;
        assert_eq!(code, Code::PoshHttpStatus, "{status}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a5_absence_behind_a_redirect_of_the_source_is_absence() {
    draft_decides_beside(Reply::redirect(302, "/nowhere.json")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a5_absence_behind_a_reference_is_not_absence() {
    let reference = r#"{"url":"https://b.example/nowhere.json","expires":3600}"#;
    assert_eq!(draft_does_not_decide_beside(Reply::json(reference)).await, Code::PoshHttpStatus);
}

#[tokio::test(flavor = "multi_thread")]
async fn a6_what_is_not_json_leaves_it_to_the_draft_document() {
    draft_decides_beside(Reply::document("application/json", "not here")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a6_a_reset_does_not_leave_it_to_the_draft_document() {
    assert_eq!(draft_does_not_decide_beside(Reply::reset()).await, Code::PoshUnreachable);
}

#[tokio::test(flavor = "multi_thread")]
async fn a6_silence_does_not_leave_it_to_the_draft_document() {
    assert_eq!(draft_does_not_decide_beside(Reply::hang()).await, Code::PoshTimeout);
}

#[tokio::test(flavor = "multi_thread")]
async fn a6_a_bad_document_does_not_leave_it_to_the_draft_document() {
    let code =
        draft_does_not_decide_beside(Reply::json(r#"{"fingerprints":[],"expires":1}"#)).await;
    assert_eq!(code, Code::PoshEmpty);
}

#[tokio::test(flavor = "multi_thread")]
async fn a6_a_withdrawn_document_does_not_leave_it_to_the_draft_document() {
    let document = r#"{"fingerprints":[{"sha-256":"4/mggdlVx8A3pvHAWW5sD+qJyMtUHgiRuPjVC48N0XQ="}],"expires":0}"#;
    assert_eq!(draft_does_not_decide_beside(Reply::json(document)).await, Code::PoshExpiresZero);
}

#[tokio::test(flavor = "multi_thread")]
async fn a6_an_rfc_document_that_lists_another_certificate_decides_alone() {
    let world = World::start().await.unwrap();
    let identity = hosted(&world, B);
    world.publish(B, Draft02, &[&identity]);
    world.publish(B, Rfc7711, &[&hosted(&world, B)]);
    let (a, _b) = (caller(&world).await, serve(&world, B, &identity).await);
    let trail = undelivered(&a).await.trail;
    assert_eq!(trail.conclusion(), Some(Code::PoshFingerprintMismatch));
}

/// B's draft document is right, and `rfc` is the answer where the other would be.
async fn draft_decides_beside(rfc: Reply) {
    let world = World::start().await.unwrap();
    let identity = hosted(&world, B);
    world.publish(B, Draft02, &[&identity]);
    world.reply(B, Rfc7711, rfc);
    let (a, b) = (caller(&world).await, serve(&world, B, &identity).await);
    deliver((&a, A), (&b, B), "there").await;
}

async fn draft_does_not_decide_beside(rfc: Reply) -> Code {
    let world = World::start().await.unwrap();
    let identity = hosted(&world, B);
    world.publish(B, Draft02, &[&identity]);
    world.reply(B, Rfc7711, rfc);
    let a = world.server(&end_to_end::hoster(A)).domain(A, &end_to_end::ordinary(&world, A));
    let a = a.reached_by(&[Security::StartTls]).configure(|config| {
        config.posh.timeout = Duration::from_secs(2);
    });
    let (a, b) = (a.start().await.unwrap(), serve(&world, B, &identity).await);
    let undelivered = undelivered(&a).await;
    assert!(b.stanzas().is_empty());
    undelivered.trail.conclusion().unwrap()
}
