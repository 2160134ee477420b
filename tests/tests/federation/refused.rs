//! What cannot be proved is refused, each time with its own code, and comes back to its sender.

use std::time::Instant;

use end_to_end::{A, B, caller, domain, hosted, peer, serve, undelivered};
use posh::Profile::{Draft02, Rfc7711};
use xmpp_s2s::{
    Code, ConnectError, Direction, Limits, Namespace, Rejection, Security, Undelivered,
};
use xmpp_s2s_testkit::{Certificate, Identity, Listener, ServerTls, World};

#[tokio::test(flavor = "multi_thread")]
async fn fingerprints_of_another_certificate() {
    let world = World::start().await.unwrap();
    world.publish(B, Rfc7711, &[&hosted(&world, B)]);
    assert_eq!(refusal(&world).await, Code::PoshFingerprintMismatch);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_set_with_another_key() {
    let world = World::start().await.unwrap();
    world.publish(B, Draft02, &[&hosted(&world, B)]);
    assert_eq!(refusal(&world).await, Code::PoshFingerprintMismatch);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_document() {
    let world = World::start().await.unwrap();
    world.open_web_host(B);
    assert_eq!(refusal(&world).await, Code::PoshNotPublished);
}

#[tokio::test(flavor = "multi_thread")]
async fn ph02_an_untrusted_web_host() {
    let identity = Certificate::new([B]).self_signed();
    assert_eq!(refusal_of_web_host(&identity).await, Code::PoshHttpsUntrusted);
}

#[tokio::test(flavor = "multi_thread")]
async fn ph02_a_web_host_with_an_expired_certificate() {
    let world = World::start().await.unwrap();
    let expired = world.web_authority.issue(&Certificate::new([B]).days(-10..-1));
    assert_eq!(refusal_in(&world, &expired).await, Code::PoshHttpsUntrusted);
}

#[tokio::test(flavor = "multi_thread")]
async fn ph02_a_web_host_with_another_name() {
    let world = World::start().await.unwrap();
    let other = world.web_authority.issue_for("other.example");
    assert_eq!(refusal_in(&world, &other).await, Code::PoshHttpsNameMismatch);
}

#[tokio::test(flavor = "multi_thread")]
async fn a4_pd26_a_listed_certificate_that_has_expired() {
    assert_eq!(refusal_of_listed(-10..-1).await, Code::CertExpired);
}

#[tokio::test(flavor = "multi_thread")]
async fn a4_pd26_a_listed_certificate_that_is_not_valid_yet() {
    assert_eq!(refusal_of_listed(1..10).await, Code::CertNotYetValid);
}

#[tokio::test(flavor = "multi_thread")]
async fn a4_a_listed_certificate_in_the_hands_of_somebody_else() {
    let world = World::start().await.unwrap();
    let listed = hosted(&world, B);
    world.publish(B, Rfc7711, &[&listed]);
    let stolen = listed.with_key_of(&hosted(&world, B));
    let a = caller(&world).await;
    let listener = Listener::start().await.unwrap();
    world.locate(B, Security::Direct, &[listener.address()]);
    let (undelivered, ()) = tokio::join!(undelivered(&a), async {
        let mut peer = listener.accept().await.unwrap();
        peer.secure_as_server(&ServerTls::new(&stolen)).await.unwrap_err();
    });
    assert_eq!(undelivered.trail.conclusion(), Some(Code::TlsFailed));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stanza_comes_back_with_a_condition_and_one_sentence() {
    let world = World::start().await.unwrap();
    world.publish(B, Rfc7711, &[&hosted(&world, B)]);
    let (a, _b) = (caller(&world).await, serve(&world, B, &hosted(&world, B)).await);
    let undelivered = undelivered(&a).await;
    assert_eq!(undelivered.stanza.recipient(), "romeo@b.example");
    let bounce = undelivered.bounce().unwrap();
    assert_eq!((bounce.sender(), bounce.recipient()), ("romeo@b.example", "juliet@a.example"));
    assert_eq!(bounce.stanza_type(), Some("error"));
    let xml = bounce.to_xml(Namespace::Server);
    assert!(xml.contains("<remote-server-timeout "), "{xml}");
    let sentence = "b.example: its server's certificate is none of those that it publishes by POSH";
    assert_eq!(end_to_end::text(&xml).replace("&apos;", "'"), sentence);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_a_moment_ago_fails_at_once_with_the_same_trail() {
    let world = World::start().await.unwrap();
    world.publish(B, Rfc7711, &[&hosted(&world, B)]);
    let (a, _b) = (caller(&world).await, serve(&world, B, &hosted(&world, B)).await);
    let first = undelivered(&a).await;
    let asked = world.web.requests().len();
    let second = undelivered(&a).await;
    assert_eq!(first.trail, second.trail);
    assert_eq!(world.web.requests().len(), asked);
    let failing = peer(&a, B, Direction::Outbound);
    let left = failing.failing_until.unwrap().saturating_duration_since(Instant::now());
    assert!(!left.is_zero() && left <= Limits::default().failure, "{left:?}");
    assert_eq!(failing.established, None);
}

/// B shows a certificate of its hosting company; A calls it.
async fn refusal(world: &World) -> Code {
    let a = caller(world).await;
    let b = serve(world, B, &hosted(world, B)).await;
    let rejection = rejection(undelivered(&a).await);
    assert_eq!(rejection.source_domain, domain(B));
    assert_eq!(rejection.trail.conclusion(), Some(rejection.code));
    assert!(b.stanzas().is_empty());
    assert!(b.peers().all().iter().all(|peer| peer.pair.remote != domain(A)));
    rejection.code
}

/// The code for a B that lists its certificate, which is valid on these days from now.
async fn refusal_of_listed(days: std::ops::Range<i64>) -> Code {
    let world = World::start().await.unwrap();
    let hoster = Certificate::new([end_to_end::hoster(B)]).days(days);
    let identity = world.xmpp_authority.issue(&hoster);
    world.publish(B, Rfc7711, &[&identity]);
    let (a, _b) = (caller(&world).await, serve(&world, B, &identity).await);
    rejection(undelivered(&a).await).code
}

/// B publishes the right document, on a web host that shows `identity`.
async fn refusal_in(world: &World, web: &Identity) -> Code {
    let identity = hosted(world, B);
    world.publish(B, Rfc7711, &[&identity]);
    world.open_web_host_as(B, web);
    let (a, _b) = (caller(world).await, serve(world, B, &identity).await);
    let rejection = rejection(undelivered(&a).await);
    assert!(world.web.requests().is_empty(), "nothing is asked before the certificate is checked");
    rejection.code
}

async fn refusal_of_web_host(web: &Identity) -> Code {
    refusal_in(&World::start().await.unwrap(), web).await
}

fn rejection(undelivered: Undelivered) -> Rejection {
    match &*undelivered.error {
        ConnectError::Rejected(rejection) => rejection.clone(),
        other => panic!("{other:?}"),
    }
}
