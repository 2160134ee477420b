//! Streams that come to an end: nothing is lost that came before it, and the peer is told.

use std::time::Duration;

use end_to_end::{B, DEADLINE, caller, claim, establish, ordinary, serve};
use xmpp_s2s::{Code, Security};
use xmpp_s2s_testkit::{ClientTls, Reply, ScriptedPeer, World};

#[tokio::test(flavor = "multi_thread")]
async fn what_came_before_the_peer_went_away_is_delivered() {
    let world = World::start().await.unwrap();
    let b = serve(&world, B, &ordinary(&world, B)).await;
    let tls = ClientTls::new(B).identity(&ordinary(&world, "c.example"));
    for round in 1..=20 {
        let mut peer = establish(b.address(), "c.example", &tls).await;
        let stanza = "<message from='x@c.example' to='y@b.example'/>";
        peer.send(format!("{}</stream:stream>", stanza.repeat(5))).await.unwrap();
        // It does not wait for our closing tag, so that writing it may fail.
        drop(peer);
        b.stanzas().wait_for_all(|all| all.len() == 5 * round, DEADLINE).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tc01_a_peer_that_says_nothing_is_told_that_time_is_up() {
    let world = World::start().await.unwrap();
    let server = world.server("s2s.example").domain(B, &ordinary(&world, B));
    let limit = Duration::from_millis(300);
    let b = server.configure(|config| config.limits.inbound = limit).start().await.unwrap();
    let mut peer = ScriptedPeer::connect(b.address()).await.unwrap();
    let heard = peer.expect_end().await.unwrap();
    assert!(heard.contains("<connection-timeout "), "{heard}");
}

#[tokio::test(flavor = "multi_thread")]
async fn direct_tls_for_one_domain_is_not_taken_for_another() {
    let world = World::start().await.unwrap();
    let server = world.server("s2s.example").domain(B, &ordinary(&world, B));
    let server = server.domain("other.example", &ordinary(&world, "other.example"));
    let b = server.reached_by(&[Security::Direct]).start().await.unwrap();
    let tls = ClientTls::new("other.example").identity(&ordinary(&world, "c.example"));
    let mut peer = ScriptedPeer::connect(b.address()).await.unwrap();
    peer.secure_as_client(&tls).await.unwrap();
    peer.open("c.example", B).await.unwrap();
    let heard = peer.expect_end().await.unwrap();
    assert!(heard.contains("<host-unknown "), "{heard}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_on_its_way_when_the_endpoint_closes_still_comes() {
    let world = World::start().await.unwrap();
    let b = serve(&world, B, &ordinary(&world, B)).await;
    let tls = ClientTls::new(B).identity(&ordinary(&world, "c.example"));
    let mut peer = establish(b.address(), "c.example", &tls).await;
    let close = tokio::spawn({
        let endpoint = b.endpoint().clone();
        async move { endpoint.close(DEADLINE).await }
    });
    peer.expect("</stream:stream>").await.unwrap();
    peer.send("<message from='x@c.example' to='y@b.example'/></stream:stream>").await.unwrap();
    b.stanzas().wait(|_| true, DEADLINE).await.unwrap();
    drop(peer);
    assert!(close.await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_whose_proof_never_comes_is_told_that_time_is_up() {
    let world = World::start().await.unwrap();
    let server = world.server("s2s.example").domain(B, &ordinary(&world, B));
    let limit = Duration::from_secs(2);
    let b = server.configure(|config| config.limits.inbound = limit).start().await.unwrap();
    let tls = ClientTls::new(B).identity(&ordinary(&world, "c.example"));
    let mut peer = claim(b.address(), "c.example", &tls).await;
    let heard = peer.expect_end().await.unwrap();
    assert!(heard.contains("<connection-timeout "), "{heard}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_does_not_wait_for_strangers() {
    let world = World::start().await.unwrap();
    let server = world.server("s2s.example").domain(B, &ordinary(&world, B));
    let closing = Duration::from_millis(100);
    let b = server.configure(|config| config.stream.closing = closing).start().await.unwrap();
    let _silent = ScriptedPeer::connect(b.address()).await.unwrap();
    let tls = ClientTls::new(B).identity(&ordinary(&world, "c.example"));
    let mut claimed = claim(b.address(), "c.example", &tls).await;
    claimed.expect("EXTERNAL").await.unwrap();
    let close = b.endpoint().close(DEADLINE);
    let closed = tokio::time::timeout(DEADLINE / 2, close);
    let (closed, heard) = tokio::join!(closed, claimed.expect_end());
    assert!(closed.is_ok());
    assert!(heard.unwrap().contains("<system-shutdown "));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_close_may_be_less_patient() {
    let world = World::start().await.unwrap();
    world.reply(B, posh::Profile::Rfc7711, Reply::hang());
    let a = caller(&world).await;
    let waiting =
        a.endpoint().send(xmpp_s2s_testkit::message("x@a.example", "y@b.example", "waits"));
    let patient = tokio::spawn({
        let endpoint = a.endpoint().clone();
        async move { endpoint.close(DEADLINE * 10).await }
    });
    world.web.requests().wait(|_| true, DEADLINE).await.unwrap();
    a.endpoint().close(Duration::ZERO).await;
    let undelivered = waiting.await.unwrap_err();
    assert_eq!(undelivered.trail.conclusion(), Some(Code::Stopping));
    patient.await.unwrap();
}
