//! How much a stranger gets.

use end_to_end::{B, DEADLINE, claim, establish, ordinary};
use xmpp_s2s::AcceptError;
use xmpp_s2s_testkit::{ClientTls, ScriptedPeer, Server, World};

#[tokio::test(flavor = "multi_thread")]
async fn a_source_with_too_many_connections_is_refused_before_any_xml() {
    let world = World::start().await.unwrap();
    let b = start(&world, |limits| limits.unauthenticated_per_source = 2).await;
    let (_one, _other) = (header(&b).await, header(&b).await);
    let mut refused = ScriptedPeer::connect(b.address()).await.unwrap();
    assert_eq!(refused.expect_end().await.unwrap(), "");
    let refusal = b.refusals().wait(|_| true, DEADLINE).await.unwrap();
    assert!(matches!(refusal, AcceptError::OverBudget), "{refusal:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_connections_in_all_are_refused() {
    let world = World::start().await.unwrap();
    let b = start(&world, |limits| limits.unauthenticated = 1).await;
    let _one = header(&b).await;
    let mut refused = ScriptedPeer::connect(b.address()).await.unwrap();
    assert_eq!(refused.expect_end().await.unwrap(), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_gone_makes_room() {
    let world = World::start().await.unwrap();
    let b = start(&world, |limits| limits.unauthenticated_per_source = 1).await;
    drop(header(&b).await);
    b.refusals().wait(|_| true, DEADLINE).await.unwrap();
    header(&b).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_is_authenticated_makes_room() {
    let world = World::start().await.unwrap();
    let b = start(&world, |limits| limits.unauthenticated_per_source = 1).await;
    let tls = ClientTls::new(B).identity(&ordinary(&world, "c.example"));
    let _proved = establish(b.address(), "c.example", &tls).await;
    b.peers().wait(|_| true, DEADLINE).await.unwrap();
    header(&b).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_asks_for_too_many_documents_is_put_off() {
    let world = World::start().await.unwrap();
    let server = world.server("s2s.example").domain(B, &ordinary(&world, B));
    // All other budgets are beyond what a test uses.
    let b = server.configure(|config| config.posh.asker_per_minute = 2).start().await.unwrap();
    let tls = ClientTls::new(B).identity(&ordinary(&world, "hosting.example"));
    for (name, condition, code) in [
        ("c-1.example", "<not-authorized ", "posh-not-published"),
        ("c-2.example", "<not-authorized ", "posh-not-published"),
        ("c-3.example", "<resource-constraint ", "posh-over-budget"),
    ] {
        world.open_web_host(name);
        let mut peer = claim(b.address(), name, &tls).await;
        let heard = peer.expect("</stream:stream>").await.unwrap();
        assert!(heard.contains(condition) && heard.contains(code), "{name}: {heard}");
    }
}

async fn start(world: &World, limit: impl Fn(&mut xmpp_s2s::Limits)) -> Server {
    let server = world.server("s2s.example").domain(B, &ordinary(world, B));
    server.configure(|config| limit(&mut config.limits)).start().await.unwrap()
}

/// A connection that has got as far as the features before TLS.
async fn header(server: &Server) -> ScriptedPeer {
    let mut peer = ScriptedPeer::connect(server.address()).await.unwrap();
    peer.open("c.example", B).await.unwrap();
    peer.expect("</stream:features>").await.unwrap();
    peer
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_being_closed_still_counts() {
    let world = World::start().await.unwrap();
    let server = world.server("s2s.example").domain(B, &ordinary(&world, B));
    let server = server.configure(|config| config.limits.unauthenticated_per_source = 1);
    let b = server.start().await.unwrap();
    let mut lingering = ScriptedPeer::connect(b.address()).await.unwrap();
    lingering.send("<no/>").await.unwrap();
    lingering.expect("</stream:stream>").await.unwrap();
    let mut other = ScriptedPeer::connect(b.address()).await.unwrap();
    assert_eq!(other.expect_end().await.unwrap(), "");
    let over = |refusal: &AcceptError| matches!(refusal, AcceptError::OverBudget);
    b.refusals().wait(over, DEADLINE).await.unwrap();
}
