//! What waits for a domain: in order, within bounds, and back to its sender in the end.

use std::time::Duration;

use end_to_end::{A, B, DEADLINE, caller, hosted, serve};
use posh::Profile::Rfc7711;
use xmpp_s2s::{Code, ConnectError, Limits, Namespace, Stanza, Undelivered};
use xmpp_s2s_testkit::{Hold, Reply, Server, World, message};

#[tokio::test(flavor = "multi_thread")]
async fn stanzas_arrive_in_the_order_in_which_they_were_sent() {
    let world = World::start().await.unwrap();
    let identity = hosted(&world, B);
    world.publish(B, Rfc7711, &[&identity]);
    let (a, b) = (caller(&world).await, serve(&world, B, &identity).await);
    let sent: Vec<_> = (0..500).map(|_| to_b("in order")).collect();
    let deliveries: Vec<_> = sent.iter().map(|sent| a.endpoint().send(sent.clone())).collect();
    for delivery in deliveries {
        delivery.await.unwrap();
    }
    let all = b.stanzas().wait_for_all(|all| all.len() == sent.len(), DEADLINE).await.unwrap();
    assert!(all.iter().map(Stanza::id).eq(sent.iter().map(Stanza::id)), "{all:#?}");
    assert_eq!(b.peers().len(), 1, "one stream for the pair");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_stanza_too_many_comes_back_at_once() {
    let world = World::start().await.unwrap();
    let identity = hosted(&world, B);
    world.publish(B, Rfc7711, &[&identity]);
    let hold = Hold::new();
    world.reply(B, posh::Profile::Draft02, Reply::status(404).held_by(&hold));
    let a = world.server("s2s.example").domain(A, &end_to_end::ordinary(&world, A));
    let a = a.configure(|config| config.limits.queue_stanzas = 3).start().await.unwrap();
    let b = serve(&world, B, &identity).await;
    let waiting = ["1", "2", "3"].map(|body| send(&a, body));
    assert_queue_full(send(&a, "4").await.unwrap_err());
    hold.release();
    for delivery in waiting {
        delivery.await.unwrap();
    }
    assert_eq!(b.stanzas().wait_for_all(|all| all.len() == 3, DEADLINE).await.unwrap().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_byte_too_many_comes_back_at_once() {
    for limit in [pair_size as fn(&mut Limits, usize), total_size] {
        let world = World::start().await.unwrap();
        let identity = hosted(&world, B);
        world.publish(B, Rfc7711, &[&identity]);
        let hold = Hold::new();
        world.reply(B, posh::Profile::Draft02, Reply::status(404).held_by(&hold));
        let stanza = to_b("1");
        let a = world.server("s2s.example").domain(A, &end_to_end::ordinary(&world, A));
        let a = a.configure(|config| limit(&mut config.limits, 2 * (stanza.size() + 256)));
        let (a, b) = (a.start().await.unwrap(), serve(&world, B, &identity).await);
        let waiting = ["1", "2"].map(|body| send(&a, body));
        assert_queue_full(send(&a, "3").await.unwrap_err());
        hold.release();
        for delivery in waiting {
            delivery.await.unwrap();
        }
        b.stanzas().wait_for_all(|all| all.len() == 2, DEADLINE).await.unwrap();
    }
}

fn pair_size(limits: &mut Limits, size: usize) {
    limits.queue_size = size;
}

fn total_size(limits: &mut Limits, size: usize) {
    limits.queues_size = size;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stanza_that_waits_at_the_end_comes_back() {
    let world = World::start().await.unwrap();
    world.reply(B, Rfc7711, Reply::hang());
    let a = caller(&world).await;
    let waiting = send(&a, "1");
    world.web.requests().wait(|_| true, DEADLINE).await.unwrap();
    a.endpoint().close(Duration::from_millis(50)).await;
    let undelivered = waiting.await.unwrap_err();
    assert_eq!(undelivered.trail.conclusion(), Some(Code::Stopping));
    assert!(undelivered.bounce().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stanza_that_nobody_waits_for_comes_back_from_close() {
    let world = World::start().await.unwrap();
    world.reply(B, Rfc7711, Reply::hang());
    let a = caller(&world).await;
    let sent = to_b("1");
    drop(a.endpoint().send(sent.clone()));
    let back = a.endpoint().close(Duration::from_millis(50)).await;
    assert_eq!(back.iter().map(|back| &back.stanza).collect::<Vec<_>>(), [&sent]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sender_has_to_be_ours() {
    let world = World::start().await.unwrap();
    let a = caller(&world).await;
    let stanza = message("juliet@elsewhere.example", "romeo@b.example", "1");
    let undelivered = a.endpoint().send(stanza).await.unwrap_err();
    assert_eq!(undelivered.trail.conclusion(), Some(Code::NotOurDomain));
    assert!(world.dns.queries().is_empty());
}

fn send(from: &Server, body: &str) -> xmpp_s2s::Delivery {
    from.endpoint().send(to_b(body))
}

fn to_b(body: &str) -> Stanza {
    message("juliet@a.example", "romeo@b.example", body)
}

fn assert_queue_full(undelivered: Undelivered) {
    assert!(matches!(&*undelivered.error, ConnectError::QueueFull(_)), "{:?}", undelivered.error);
    let bounce = undelivered.bounce().unwrap().to_xml(Namespace::Server).into_owned();
    assert!(bounce.contains("<resource-constraint "), "{bounce}");
}
