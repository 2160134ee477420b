//! Scripted peers, talking to each other.

#![allow(clippy::unwrap_used)]

use std::io;
use std::time::Duration;

use rustls::{HandshakeKind, ProtocolVersion};
use tokio::join;
use xmpp_s2s_testkit::{Authority, ClientTls, Listener, ScriptedPeer, ServerTls};

#[tokio::test]
async fn a_script_hears_what_it_expects_piece_by_piece() {
    let (mut a, mut b) = pair().await;
    a.open("a.example", "b.example").await.unwrap();
    let header = b.expect("<stream:stream").await.unwrap();
    assert_eq!(header, "<?xml version='1.0'?><stream:stream");
    assert!(b.expect(">").await.unwrap().contains("from='a.example' to='b.example' version='1.0'"));
}

#[tokio::test]
async fn an_end_in_place_of_what_is_expected_says_what_was_heard() {
    let (mut a, mut b) = pair().await;
    a.send("</stream:stream>").await.unwrap();
    drop(a);
    let error = b.expect("<message").await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    assert!(error.to_string().contains("</stream:stream>"), "{error}");
}

#[tokio::test]
async fn characters_are_not_torn() {
    let (mut a, mut b) = pair().await;
    a.send([b'x', 0xc3]).await.unwrap();
    b.expect("x").await.unwrap();
    a.send([0xa4, b'>']).await.unwrap();
    assert_eq!(b.expect(">").await.unwrap(), "ä>");
}

#[tokio::test]
async fn tls_starts_in_the_middle_and_is_kept_apart() {
    let (mut a, mut b) = pair().await;
    let identity = Authority::new("A").issue_for("b.example");
    a.send("<starttls/>").await.unwrap();
    b.expect("<starttls/>").await.unwrap();
    let (client, server) =
        (ClientTls::new("b.example").identity(&identity), ServerTls::new(&identity));
    let (a_tls, b_tls) = join!(a.secure_as_client(&client), b.secure_as_server(&server));
    let (a_tls, b_tls) = (a_tls.unwrap(), b_tls.unwrap());
    assert_eq!(a_tls.version, ProtocolVersion::TLSv1_3);
    assert_eq!(a_tls.chain, identity.chain());
    assert_eq!(b_tls.chain, identity.chain());
    assert_eq!(b_tls.server_name.as_deref(), Some("b.example"));
    a.send("after").await.unwrap();
    a.finish().await.unwrap();
    assert_eq!(b.expect_end().await.unwrap(), "after");
    assert_eq!((b.heard_before_tls(), b.heard()), ("<starttls/>", "after"));
}

#[tokio::test]
async fn scripts_would_resume_sessions() {
    for version in [ProtocolVersion::TLSv1_3, ProtocolVersion::TLSv1_2] {
        let identity = Authority::new("A").issue_for("b.example");
        let client = match version {
            ProtocolVersion::TLSv1_3 => ClientTls::new("b.example"),
            _ => ClientTls::tls_1_2("b.example"),
        };
        let server = ServerTls::new(&identity);
        let mut handshakes = Vec::new();
        for _ in 0..2 {
            let (mut a, mut b) = pair().await;
            let (secured, _) = join!(a.secure_as_client(&client), b.secure_as_server(&server));
            let secured = secured.unwrap();
            assert_eq!(secured.version, version);
            handshakes.push(secured.handshake);
            b.send("tickets come with what is read").await.unwrap();
            a.expect("read").await.unwrap();
        }
        assert!(client.sessions_offered() > 0);
        assert_eq!(handshakes, [HandshakeKind::Full, HandshakeKind::Resumed], "{version:?}");
    }
}

#[tokio::test]
async fn a_stolen_certificate_fails_the_handshake_and_ends_the_connection() {
    let (mut a, mut b) = pair().await;
    let authority = Authority::new("A");
    let stolen = authority.issue_for("b.example").with_key_of(&authority.issue_for("c.example"));
    let (client, server) = (ClientTls::new("b.example"), ServerTls::new(&stolen));
    let (secured, _) = join!(a.secure_as_client(&client), b.secure_as_server(&server));
    assert!(secured.unwrap_err().to_string().contains("BadSignature"));
    for error in [a.send("x").await.unwrap_err(), a.expect("x").await.unwrap_err()] {
        assert_eq!(error.kind(), io::ErrorKind::NotConnected, "{error}");
    }
}

#[tokio::test]
async fn what_dribbles_arrives_whole_also_under_tls_and_in_many_records() {
    let (a, mut b) = pair().await;
    let mut a = a.dribbling();
    let identity = Authority::new("A").issue_for("b.example");
    let (client, server) = (ClientTls::new("b.example").records_of(32), ServerTls::new(&identity));
    let (secured, _) = join!(a.secure_as_client(&client), b.secure_as_server(&server));
    secured.unwrap();
    a.send("in pieces").await.unwrap();
    assert_eq!(b.expect("pieces").await.unwrap(), "in pieces");
}

#[tokio::test]
async fn a_reset_is_heard_as_one() {
    let (a, mut b) = pair().await;
    a.reset().unwrap();
    let error = b.expect("anything").await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn certificates_behind_the_chain_are_shown_as_they_are() {
    let (mut a, mut b) = pair().await;
    let (authority, stranger) = (Authority::new("A"), Authority::new("B"));
    let identity = authority.issue_for("b.example").followed_by([stranger.root().clone()]);
    let (client, server) = (ClientTls::new("b.example"), ServerTls::new(&identity));
    let (secured, _) = join!(a.secure_as_client(&client), b.secure_as_server(&server));
    assert_eq!(secured.unwrap().chain, [identity.leaf().clone(), stranger.root().clone()]);
}

#[tokio::test]
async fn a_listener_that_nobody_connects_to_is_left_alone() {
    let listener = Listener::start().await.unwrap();
    assert!(listener.is_left_alone(Duration::from_millis(20)).await);
    let _peer = ScriptedPeer::connect(listener.address()).await.unwrap();
    assert!(!listener.is_left_alone(ScriptedPeer::DEADLINE).await);
}

async fn pair() -> (ScriptedPeer, ScriptedPeer) {
    let listener = Listener::start().await.unwrap();
    let (a, b) = join!(ScriptedPeer::connect(listener.address()), listener.accept());
    (a.unwrap(), b.unwrap())
}
