//! STARTTLS with somebody in the middle, in both roles.

use std::time::Duration;

use end_to_end::{
    A, B, DEADLINE, PROCEED, STARTTLS, asked_for_starttls, auth, ordinary, pair, scripted_b, serve,
    tags, undelivered,
};
use tokio::time::{Instant, timeout};
use xmpp_s2s::{Code, Security};
use xmpp_s2s_testkit::{ScriptedPeer, ServerTls, World};

#[tokio::test(flavor = "multi_thread")]
async fn tl01_without_starttls_in_the_features_we_ask_for_it_all_the_same() {
    let (_world, a, listener) = scripted_b(Security::StartTls).await;
    let (undelivered, peer) = tokio::join!(undelivered(&a), async {
        let mut peer = listener.accept().await.unwrap();
        peer.expect("<stream:stream").await.unwrap();
        peer.answer(
            B,
            A,
            "1",
            "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>\
            <mechanism>EXTERNAL</mechanism></mechanisms>",
        )
        .await
        .unwrap();
        peer.expect("<starttls").await.unwrap();
        peer.send("<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:stream>")
            .await
            .unwrap();
        peer.expect_end().await.unwrap();
        peer
    });
    assert_eq!(undelivered.trail.conclusion(), Some(Code::TlsNoStarttls));
    let heard = tags(peer.heard());
    assert!(heard.starts_with(&["?xml", "stream:stream", "starttls"]), "{heard:?}");
    assert!(heard[3..].iter().all(|tag| *tag == "/stream:stream"), "{heard:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tl02_what_comes_with_proceed_fails_the_connection() {
    for injected in [
        "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>\
         <mechanism>EXTERNAL</mechanism></mechanisms></stream:features>",
        "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>",
        "<message from='x@b.example' to='y@a.example'/>",
        " ",
    ] {
        let (world, a, listener) = scripted_b(Security::StartTls).await;
        let pair = pair();
        let (trail, ()) = tokio::join!(a.endpoint().explain(&pair), async {
            let mut peer = asked_for_starttls(&listener).await;
            peer.send(format!("{PROCEED}{injected}")).await.unwrap();
            let tls = ServerTls::new(&ordinary(&world, B));
            assert!(peer.secure_as_server(&tls).await.is_err(), "{injected}");
        });
        assert_ne!(trail.conclusion(), Some(Code::StreamEstablished), "{injected}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tl03_what_comes_with_starttls_is_never_acted_on() {
    let world = World::start().await.unwrap();
    let b = serve(&world, B, &ordinary(&world, B)).await;
    for injected in [
        auth("="),
        "<message from='x@c.example' to='y@b.example'><body>in plain</body></message>".to_owned(),
        "<db:result xmlns:db='jabber:server:dialback' from='c.example' to='b.example'>k</db:result>"
            .to_owned(),
    ] {
        let mut peer = ScriptedPeer::connect(b.address()).await.unwrap();
        peer.open("c.example", B).await.unwrap();
        peer.expect("</stream:features>").await.unwrap();
        peer.send(format!("{STARTTLS}{injected}")).await.unwrap();
        let rest = peer.expect_end().await.unwrap();
        assert!(!rest.contains("<proceed"), "{injected}: {rest}");
    }
    assert!(b.stanzas().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn rt03_a_stanza_in_plain_text() {
    let world = World::start().await.unwrap();
    let b = serve(&world, B, &ordinary(&world, B)).await;
    let mut peer = ScriptedPeer::connect(b.address()).await.unwrap();
    peer.open("c.example", B).await.unwrap();
    peer.expect("</stream:features>").await.unwrap();
    peer.send("<message from='x@c.example' to='y@b.example'/>").await.unwrap();
    let heard = peer.expect_end().await.unwrap();
    assert!(tags(&heard).contains(&"not-authorized"), "{heard}");
    assert!(b.stanzas().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn tc02_a_header_that_drips_is_cut_at_the_deadline() {
    let world = World::start().await.unwrap();
    let server = world.server("s2s.example").domain(B, &ordinary(&world, B));
    let limit = Duration::from_millis(700);
    let server = server.configure(|config| {
        config.limits.inbound = limit;
        config.stream.closing = Duration::from_millis(100);
    });
    let b = server.start().await.unwrap();
    let start = Instant::now();
    let mut peer = ScriptedPeer::connect(b.address()).await.unwrap();
    let pause = Duration::from_millis(20);
    while timeout(pause, peer.expect_end()).await.is_err() && start.elapsed() < DEADLINE {
        // It may have been cut just now.
        let _ = peer.send(" ").await;
    }
    assert!(start.elapsed() >= limit, "{:?}", start.elapsed());
    assert!(start.elapsed() < DEADLINE);
    b.refusals().wait(|_| true, DEADLINE).await.unwrap();
}
