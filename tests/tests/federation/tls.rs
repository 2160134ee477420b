//! TLS as such: no resumption in either role, and who is let in to direct TLS.

use end_to_end::{B, DEADLINE, establish, ordinary, pair, part, secure, serve, taken};
use rustls::HandshakeKind;
use xmpp_s2s::{AcceptError, Security};
use xmpp_s2s_testkit::{ClientTls, Listener, ScriptedPeer, Server, ServerTls, World};

#[tokio::test(flavor = "multi_thread")]
async fn a18_as_receiving_entity_no_session_is_offered() {
    let (_world, b) = start().await;
    for tls in [ClientTls::new(B), ClientTls::tls_1_2(B)] {
        for _ in 0..2 {
            let mut peer = secure(b.address(), "c.example", &tls).await;
            assert_eq!(peer.secured().unwrap().handshake, HandshakeKind::Full);
            peer.open("c.example", B).await.unwrap();
            peer.expect_end().await.unwrap();
        }
        assert_eq!(tls.sessions_offered(), 0, "{:?}", tls);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a18_as_receiving_entity_of_direct_tls_no_session_is_offered() {
    let (_world, b) = start().await;
    for tls in [ClientTls::new(B), ClientTls::tls_1_2(B)] {
        let tls = tls.alpn(&["xmpp-server"]);
        for _ in 0..2 {
            let mut peer = direct(&b, &tls).await.unwrap();
            assert_eq!(peer.secured().unwrap().handshake, HandshakeKind::Full);
            peer.open("c.example", B).await.unwrap();
            peer.expect_end().await.unwrap();
        }
        assert_eq!(tls.sessions_offered(), 0, "{:?}", tls);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a18_as_initiating_entity_no_session_is_resumed() {
    let world = World::start().await.unwrap();
    let identity = ordinary(&world, B);
    let a = end_to_end::caller(&world).await;
    for tls in [ServerTls::new(&identity), ServerTls::tls_1_2(&identity)] {
        let listener = Listener::start().await.unwrap();
        world.locate(B, Security::StartTls, &[listener.address()]);
        for _ in 0..2 {
            let pair = pair();
            let (_trail, handshake) =
                tokio::join!(a.endpoint().explain(&pair), through_sasl(&listener, &tls));
            assert_eq!(handshake, HandshakeKind::Full, "{tls:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a25_direct_tls_agrees_on_xmpp_server() {
    let (_world, b) = start().await;
    let peer = direct(&b, &ClientTls::new(B).alpn(&["h2", "xmpp-server"])).await.unwrap();
    assert_eq!(peer.secured().unwrap().alpn.as_deref(), Some(b"xmpp-server".as_slice()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a25_direct_tls_takes_a_client_without_alpn() {
    let (world, b) = start().await;
    let tls = ClientTls::new(B).identity(&ordinary(&world, "c.example"));
    let mut peer = direct(&b, &tls).await.unwrap();
    peer.open("c.example", B).await.unwrap();
    peer.expect("EXTERNAL").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a25_direct_tls_refuses_other_protocols() {
    let (_world, b) = start().await;
    let refused = direct(&b, &ClientTls::new(B).alpn(&["h2", "http/1.1"])).await.unwrap_err();
    assert!(refused.to_string().contains("NoApplicationProtocol"), "{refused}");
    assert_tls_error(&b).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a25_direct_tls_refuses_names_that_are_not_ours() {
    let (_world, b) = start().await;
    for name in ["elsewhere.example", "sub.b.example", "example"] {
        let tls = ClientTls::new(name).alpn(&["xmpp-server"]);
        assert!(direct(&b, &tls).await.is_err(), "{name}");
    }
    assert_tls_error(&b).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a25_direct_tls_refuses_a_client_that_names_nobody() {
    let (world, b) = start().await;
    let tls = ClientTls::new(B).identity(&ordinary(&world, "c.example")).without_server_name();
    assert!(direct(&b, &tls).await.is_err());
    assert_tls_error(&b).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a25_starttls_takes_a_client_that_names_nobody_in_it() {
    let (world, b) = start().await;
    let tls = ClientTls::new(B).identity(&ordinary(&world, "c.example")).without_server_name();
    establish(b.address(), "c.example", &tls).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn direct_tls_asks_for_the_domain_and_for_xmpp_server() {
    let world = World::start().await.unwrap();
    let listener = Listener::start().await.unwrap();
    world.locate(B, Security::Direct, &[listener.address()]);
    let a = end_to_end::caller(&world).await;
    let pair = pair();
    let (_trail, secured) = tokio::join!(a.endpoint().explain(&pair), async {
        let mut peer = listener.accept().await.unwrap();
        let tls = ServerTls::new(&ordinary(&world, B)).alpn(&["xmpp-server"]);
        peer.secure_as_server(&tls).await.unwrap().clone()
    });
    assert_eq!(secured.server_name.as_deref(), Some(B));
    assert_eq!(secured.alpn.as_deref(), Some(b"xmpp-server".as_slice()));
    assert_eq!(secured.chain.len(), 1, "our certificate is shown");
}

async fn start() -> (World, Server) {
    let world = World::start().await.unwrap();
    let b = serve(&world, B, &ordinary(&world, B)).await;
    (world, b)
}

async fn direct(server: &Server, tls: &ClientTls) -> std::io::Result<ScriptedPeer> {
    let mut peer = ScriptedPeer::connect(server.address()).await?;
    peer.secure_as_client(tls).await?;
    Ok(peer)
}

async fn assert_tls_error(server: &Server) {
    let refusal = server.refusals().wait(|_| true, DEADLINE).await.unwrap();
    assert!(matches!(refusal, AcceptError::Tls(_)), "{refusal:?}");
}

/// A B that takes whoever calls, until the stream is open and closed again.
async fn through_sasl(listener: &Listener, tls: &ServerTls) -> HandshakeKind {
    let mut peer = taken(listener, tls).await;
    part(&mut peer).await;
    peer.secured().unwrap().handshake
}
