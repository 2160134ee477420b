//! SASL EXTERNAL in both roles: what is wrong with an attempt, and what an answer comes to.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use end_to_end::{
    A, B, DEADLINE, asked_for_auth, auth, claim, domain, ordinary, part, serve, taken, undelivered,
};
use xmpp_s2s::{Code, Namespace, Security};
use xmpp_s2s_testkit::{ClientTls, Listener, ScriptedPeer, Server, ServerTls, World, message};

const MALLORY: &str = "c.example";

#[tokio::test(flavor = "multi_thread")]
async fn sa01_the_proved_identity_may_be_named_or_not() {
    let (world, b) = start().await;
    for content in [BASE64.encode(MALLORY), "=".to_owned()] {
        let mut peer = offered(&world, &b).await;
        peer.send(auth(&content)).await.unwrap();
        peer.expect("<success").await.unwrap();
        peer.open(MALLORY, B).await.unwrap();
        peer.expect("<stream:features").await.unwrap();
    }
    let all = b.peers().wait_for_all(|all| all.len() == 2, DEADLINE).await.unwrap();
    assert!(all.iter().all(|peer| peer.pair.remote == domain(MALLORY)), "{all:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sa03_what_is_not_base64_fails_and_may_be_mended() {
    let (world, b) = start().await;
    let good = BASE64.encode(MALLORY);
    let stray = BASE64.encode("c.exampl") + "Z=";
    for bad in ["?", &good[1..], &good.replacen('x', "x ", 1), &stray] {
        let mut peer = offered(&world, &b).await;
        peer.send(auth(bad)).await.unwrap();
        let heard = peer.expect("</failure>").await.unwrap();
        assert!(heard.contains("<incorrect-encoding"), "{bad:?}: {heard}");
        peer.send(auth(&good)).await.unwrap();
        peer.expect("<success").await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sa03_an_identity_with_nul_in_it_is_nobody() {
    let (world, b) = start().await;
    let mut peer = offered(&world, &b).await;
    peer.send(auth(&BASE64.encode("c.example\0.d.example"))).await.unwrap();
    let heard = peer.expect("</failure>").await.unwrap();
    assert!(heard.contains("<invalid-authzid"), "{heard}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sa04_external_in_the_clear_wants_encryption() {
    let (_world, b) = start().await;
    let mut peer = ScriptedPeer::connect(b.address()).await.unwrap();
    peer.open(MALLORY, B).await.unwrap();
    peer.expect("</stream:features>").await.unwrap();
    peer.send(auth("=")).await.unwrap();
    let heard = peer.expect("</stream:stream>").await.unwrap();
    assert!(heard.contains("<encryption-required"), "{heard}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sa04_mechanisms_with_passwords_are_not_spoken() {
    let (world, b) = start().await;
    for mechanism in ["PLAIN", "SCRAM-SHA-256", "external"] {
        let mut peer = offered(&world, &b).await;
        peer.send(auth("AGEAYg==").replace("EXTERNAL", mechanism)).await.unwrap();
        let heard = peer.expect("</failure>").await.unwrap();
        assert!(heard.contains("<invalid-mechanism"), "{mechanism}: {heard}");
    }
    assert!(b.peers().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn sa06_steps_out_of_order_lead_nowhere() {
    let (world, b) = start().await;
    let stanza = "<message xmlns='jabber:server' from='x@c.example' to='y@b.example'/>";
    for (said, answered) in [
        ("<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>".to_owned(), "<malformed-request"),
        (auth("YQ==") + &auth("YQ=="), "<invalid-authzid/></failure><failure"),
        (auth("=") + &auth("="), "<stream:error><invalid-namespace"),
        (auth("=") + stanza, "<stream:error><not-authorized"),
    ] {
        let mut peer = offered(&world, &b).await;
        peer.send(&said).await.unwrap();
        peer.expect(answered).await.unwrap_or_else(|error| panic!("{said}: {error}"));
    }
    assert!(b.peers().is_empty());
    assert!(b.stanzas().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn sa08_five_failures_end_the_stream() {
    let (world, b) = start().await;
    let mut peer = offered(&world, &b).await;
    for _ in 0..5 {
        peer.send(auth("?")).await.unwrap();
        peer.expect("</failure>").await.unwrap();
    }
    let heard = peer.expect_end().await.unwrap();
    assert!(heard.contains("<policy-violation"), "{heard}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sa07_a_refusal_comes_back_to_the_sender_and_the_next_stanza_tries_again() {
    for (condition, code) in [
        ("not-authorized", Code::SaslRefused),
        ("temporary-auth-failure", Code::SaslTemporaryFailure),
        ("an-unknown-one", Code::SaslRefused),
    ] {
        let (world, a, listener) = impatient().await;
        let tls = ServerTls::new(&ordinary(&world, B));
        let (first, ()) = tokio::join!(undelivered(&a), refuse(&listener, &tls, condition));
        assert_eq!(first.trail.conclusion(), Some(code), "{condition}");
        let bounce = first.bounce().unwrap().to_xml(Namespace::Server).into_owned();
        assert!(bounce.contains("<remote-server-timeout "), "{condition}: {bounce}");

        let again = a.endpoint().send(message("juliet@a.example", "romeo@b.example", "again"));
        let (again, heard) = tokio::join!(again, async {
            taken(&listener, &tls).await.expect("</message>").await.unwrap()
        });
        assert!(again.is_ok() && heard.contains("again"), "{condition}: {again:?} {heard}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sa07_after_a_refusal_the_peer_is_left_alone_for_a_while() {
    let (world, a, listener) = end_to_end::scripted_b(Security::StartTls).await;
    let tls = ServerTls::new(&ordinary(&world, B));
    let refuse = refuse(&listener, &tls, "temporary-auth-failure");
    let (first, ()) = tokio::join!(undelivered(&a), refuse);
    let second = undelivered(&a).await;
    assert_eq!(first.trail, second.trail);
    assert!(listener.is_left_alone(Duration::from_millis(20)).await);
}

async fn start() -> (World, Server) {
    let world = World::start().await.unwrap();
    let b = serve(&world, B, &ordinary(&world, B)).await;
    (world, b)
}

/// A peer with a good certificate that has been offered EXTERNAL.
async fn offered(world: &World, server: &Server) -> ScriptedPeer {
    let tls = ClientTls::new(B).identity(&ordinary(world, MALLORY));
    let mut peer = claim(server.address(), MALLORY, &tls).await;
    peer.expect("</stream:features>").await.unwrap();
    peer
}

/// An A that tries again at once after a failure, and a scripted B.
async fn impatient() -> (World, Server, Listener) {
    let world = World::start().await.unwrap();
    world.open_web_host(B);
    let listener = Listener::start().await.unwrap();
    world.locate(B, Security::StartTls, &[listener.address()]);
    let a = world.server("s2s.example").domain(A, &ordinary(&world, A));
    let a = a.configure(|config| config.limits.failure = Duration::ZERO).start().await.unwrap();
    (world, a, listener)
}

/// B does not take the next caller for whom it says it is.
async fn refuse(listener: &Listener, tls: &ServerTls, condition: &str) {
    let mut peer = asked_for_auth(listener, tls).await;
    let failure = "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>";
    peer.send(format!("{failure}<{condition}/></failure>")).await.unwrap();
    part(&mut peer).await;
}
