//! What a refused peer gets to see, byte by byte.

use base64::Engine as _;
use end_to_end::{
    B, PROCEED, asked_for_starttls, claim, hosted, ordinary, part, scripted_b, tags, text,
    undelivered,
};
use posh::Profile::Rfc7711;
use xmpp_s2s::{AcceptError, Code, Security};
use xmpp_s2s_testkit::{
    ClientTls, Hold, Identity, Listener, Reply, ScriptedPeer, Server, ServerTls, World, message,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_target_sees_header_starttls_and_closing_tag() {
    let (world, a, listener) = scripted_b(Security::StartTls).await;
    let (undelivered, peer) = tokio::join!(undelivered(&a), async {
        let mut peer = answer_starttls(&listener, &hosted(&world, B)).await;
        part(&mut peer).await;
        peer
    });
    assert_eq!(undelivered.trail.conclusion(), Some(Code::PoshNotPublished));
    assert_eq!(tags(peer.heard_before_tls()), ["?xml", "stream:stream", "starttls"]);
    assert_eq!(tags(peer.heard()), ["?xml", "stream:stream", "/stream:stream"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_target_of_direct_tls_sees_header_and_closing_tag() {
    let (world, a, listener) = scripted_b(Security::Direct).await;
    let (_undelivered, peer) = tokio::join!(undelivered(&a), async {
        let mut peer = listener.accept().await.unwrap();
        peer.secure_as_server(&ServerTls::new(&hosted(&world, B))).await.unwrap();
        part(&mut peer).await;
        peer
    });
    assert_eq!(peer.heard_before_tls(), "");
    assert_eq!(tags(peer.heard()), ["?xml", "stream:stream", "/stream:stream"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_socket_is_opened_before_posh_is_settled() {
    let (world, a, listener) = scripted_b(Security::StartTls).await;
    let hold = Hold::new();
    world.reply(B, Rfc7711, Reply::status(404).held_by(&hold));
    let _delivery = a.endpoint().send(message("juliet@a.example", "romeo@b.example", "hello"));
    world
        .web
        .requests()
        .wait(|request| request.server_name == B, end_to_end::DEADLINE)
        .await
        .unwrap();
    assert!(listener.is_left_alone(std::time::Duration::from_millis(200)).await);
    hold.release();
    listener.accept().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a14_a_refused_caller_is_told_its_code_its_url_and_its_digest() {
    let world = World::start().await.unwrap();
    let b = end_to_end::serve(&world, B, &ordinary(&world, B)).await;
    let stranger = hosted(&world, "c.example");
    world.publish("c.example", Rfc7711, &[&hosted(&world, "c.example")]);
    let peer = refused_caller(&b, "c.example", &ClientTls::new(B).identity(&stranger)).await;

    assert_eq!(
        tags(peer.heard()),
        [
            "?xml",
            "stream:stream",
            "stream:error",
            "not-authorized",
            "text",
            "/text",
            "/stream:error",
            "/stream:stream"
        ]
    );
    let digest = base64::engine::general_purpose::STANDARD.encode(stranger.sha256());
    let url = "https://c.example/.well-known/posh/xmpp-server.json";
    let wanted = format!("posh-fingerprint-mismatch; {url}; sha-256 {digest}");
    assert_eq!(text(peer.heard()), wanted);
    assert_rejected(&b, Code::PoshFingerprintMismatch).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a14_a_caller_does_not_learn_that_its_web_host_is_forbidden() {
    let world = World::start().await.unwrap();
    let b = end_to_end::serve(&world, B, &ordinary(&world, B)).await;
    world.dns.set_addresses("c.example", ["10.0.0.1".parse().unwrap()]);
    let tls = ClientTls::new(B).identity(&hosted(&world, "c.example"));
    let peer = refused_caller(&b, "c.example", &tls).await;
    assert!(text(peer.heard()).starts_with("posh-unreachable; "), "{}", peer.heard());
    assert_rejected(&b, Code::PoshForbidden).await;
}

/// The receiving side of STARTTLS: takes what an honest initiator says, and shows `identity`.
async fn answer_starttls(listener: &Listener, identity: &Identity) -> ScriptedPeer {
    let mut peer = asked_for_starttls(listener).await;
    peer.send(PROCEED).await.unwrap();
    peer.secure_as_server(&ServerTls::new(identity)).await.unwrap();
    peer
}

async fn refused_caller(server: &Server, from: &str, tls: &ClientTls) -> ScriptedPeer {
    let mut peer = claim(server.address(), from, tls).await;
    peer.expect("</stream:stream>").await.unwrap();
    peer
}

async fn assert_rejected(server: &Server, code: Code) {
    let refusal = server.refusals().wait(|_| true, end_to_end::DEADLINE).await.unwrap();
    assert!(
        matches!(&refusal, AcceptError::Rejected(rejection) if rejection.code == code),
        "{refusal:?}"
    );
}
