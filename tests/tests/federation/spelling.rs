//! A1: the embedder sees every domain in one spelling, whatever stood on the wire.

use end_to_end::{B, DEADLINE, auth, ordinary, secure, serve};
use xmpp_s2s_testkit::{ClientTls, World};

#[tokio::test(flavor = "multi_thread")]
async fn a1_case_and_the_final_dot_are_gone() {
    assert_eq!(sender("c.example", "x@C.Example.").await, "x@c.example");
}

#[tokio::test(flavor = "multi_thread")]
async fn a1_an_a_label_is_shown_as_its_u_label() {
    let sender = sender("xn--bcher-kva.example", "x@xn--bcher-kva.example").await;
    assert_eq!(sender, "x@bücher.example");
}

#[tokio::test(flavor = "multi_thread")]
async fn a1_a_u_label_that_older_servers_would_fold_is_shown_as_its_a_label() {
    let sender = sender("xn--strae-oqa.example", "x@straße.example").await;
    assert_eq!(sender, "x@xn--strae-oqa.example");
}

/// The sender of a stanza that says `from`, on a stream that is proved for `domain`.
async fn sender(domain: &str, from: &str) -> String {
    let world = World::start().await.unwrap();
    let b = serve(&world, B, &ordinary(&world, B)).await;
    let wire = from.strip_prefix("x@").unwrap();
    let tls = ClientTls::new(B).identity(&ordinary(&world, domain));
    let mut peer = secure(b.address(), wire, &tls).await;
    peer.open(wire, B).await.unwrap();
    peer.expect("EXTERNAL").await.unwrap();
    peer.send(auth("=")).await.unwrap();
    peer.expect("<success").await.unwrap();
    peer.open(wire, B).await.unwrap();
    peer.expect("<stream:features").await.unwrap();
    peer.send(format!("<message from='{from}' to='romeo@B.example'><body/></message>"))
        .await
        .unwrap();
    let stanza = b.stanzas().wait(|_| true, DEADLINE).await.unwrap();
    assert_eq!(stanza.recipient(), "romeo@b.example");
    stanza.sender().to_owned()
}
