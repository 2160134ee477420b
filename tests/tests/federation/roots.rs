//! A2: two sets of roots, for two things.

use end_to_end::{A, B, caller, deliver, hosted, ordinary, serve, undelivered};
use posh::Profile::Rfc7711;
use xmpp_s2s::Code;
use xmpp_s2s_testkit::World;

#[tokio::test(flavor = "multi_thread")]
async fn a2_the_web_authority_proves_no_xmpp_server() {
    let world = World::start().await.unwrap();
    world.open_web_host(B);
    let (a, _b) = (caller(&world).await, serve(&world, B, &world.web_authority.issue_for(B)).await);
    let trail = undelivered(&a).await.trail;
    assert_eq!(trail.conclusion(), Some(Code::CertUntrustedChain));
}

#[tokio::test(flavor = "multi_thread")]
async fn a2_the_xmpp_authority_proves_no_web_host() {
    let world = World::start().await.unwrap();
    let identity = hosted(&world, B);
    world.publish(B, Rfc7711, &[&identity]);
    world.open_web_host_as(B, &ordinary(&world, B));
    let (a, _b) = (caller(&world).await, serve(&world, B, &identity).await);
    let trail = undelivered(&a).await.trail;
    assert_eq!(trail.conclusion(), Some(Code::PoshHttpsUntrusted));
}

#[tokio::test(flavor = "multi_thread")]
async fn a2_each_authority_is_good_for_its_own() {
    let world = World::start().await.unwrap();
    let identity = hosted(&world, B);
    world.publish(B, Rfc7711, &[&identity]);
    let (a, b) = (caller(&world).await, serve(&world, B, &identity).await);
    deliver((&a, A), (&b, B), "there").await;
}
