//! What an embedder does with a peer that has not proved itself yet.

use std::collections::HashMap;

use end_to_end::{B, claim, domain, ordinary};
use tokio::net::TcpListener;
use xmpp_s2s::{Condition, Endpoint, Incoming, Pair};
use xmpp_s2s_testkit::{ClientTls, World};

#[tokio::test(flavor = "multi_thread")]
async fn dropping_it_refuses_the_peer() {
    let (heard, _) = after(|incoming| async move { drop(incoming) }).await;
    assert!(heard.contains("<policy-violation "), "{heard}");
}

#[tokio::test(flavor = "multi_thread")]
async fn refusing_it_tells_the_peer_the_condition() {
    let (heard, _) = after(|incoming| async move { incoming.refuse(Condition::HostGone) }).await;
    assert!(heard.contains("<host-gone "), "{heard}");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_says_who_the_peer_claims_to_be() {
    let (_, claimed) = after(|incoming| async move { drop(incoming) }).await;
    assert_eq!((claimed.local, claimed.remote), (domain(B), domain("c.example")));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_it_keeps_no_room_for_the_whole_way() {
    let world = World::start().await.unwrap();
    let b = end_to_end::serve(&world, B, &ordinary(&world, B)).await;
    let (ours, _theirs) = tokio::io::duplex(64);
    let accepting = b.endpoint().accept(ours, None);
    assert!(size_of_val(&accepting) <= 512, "{}", size_of_val(&accepting));
}

/// What the peer hears, and who it claimed to be, if this is done with its claim.
async fn after<F>(decide: impl FnOnce(Incoming) -> F) -> (String, Pair)
where
    F: Future<Output = ()>,
{
    let world = World::start().await.unwrap();
    let identities = HashMap::from([(domain(B), ordinary(&world, B).certified_key())]);
    let endpoint = Endpoint::new(world.config(identities)).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let tls = ClientTls::new(B).identity(&ordinary(&world, "c.example"));
    tokio::join!(
        async {
            let mut peer = claim(address, "c.example", &tls).await;
            peer.expect("</stream:stream>").await.unwrap()
        },
        async {
            let (tcp, from) = listener.accept().await.unwrap();
            let incoming = endpoint.accept(tcp, Some(from)).await.unwrap();
            let claimed = incoming.claimed().clone();
            decide(incoming).await;
            claimed
        }
    )
}
