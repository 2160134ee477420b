//! Which stanzas pass, in which order, and what becomes of those on streams that break.

use std::cell::Cell;
use std::collections::HashSet;
use std::iter;
use std::sync::Arc;
use std::time::Duration;

use end_to_end::{A, B, DEADLINE, establish, ordinary, part, serve, taken};
use tokio::task::JoinSet;
use xmpp_s2s::{ConnectError, InboundError, Security, Stanza};
use xmpp_s2s_testkit::{ClientTls, Listener, ScriptedPeer, Server, ServerTls, World, message};

const MALLORY: &str = "c.example";

#[tokio::test(flavor = "multi_thread")]
async fn rt02_a_stanza_without_an_address() {
    for stanza in [
        "<message to='y@b.example'/>",
        "<message from='x@c.example'/>",
        "<presence from='' to='y@b.example'/>",
        "<iq type='get' id='1' from='x@c.example' to='@b.example'/>",
    ] {
        assert_refused(stanza, "<improper-addressing ").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rt04_a_stanza_to_a_domain_that_is_not_hosted() {
    let stanza = "<message from='x@c.example' to='y@elsewhere.example'/>";
    assert_refused(stanza, "<host-unknown ").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rt04_a_stanza_to_a_hosted_domain_of_another_pair() {
    let stanza = "<message from='x@c.example' to='y@also.example'/>";
    assert_refused(stanza, "<invalid-from ").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rt08_over_streams_that_close_every_stanza_has_one_end() {
    over_twenty_streams(End::Close).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rt08_over_streams_that_break_every_stanza_has_one_end() {
    over_twenty_streams(End::Reset).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rt09_a_further_pair_that_is_refused_does_not_harm_the_valid_one() {
    let (world, b) = start().await;
    let mut peer = establish(b.address(), MALLORY, &mallory(&world)).await;
    let good = "<message from='x@c.example' to='y@b.example'/>";
    let result = "<db:result xmlns:db='jabber:server:dialback' from='d.example' to='b.example'>\
                  key</db:result>";
    peer.send(format!("{good}{result}{good}")).await.unwrap();
    b.stanzas().wait_for_all(|all| all.len() == 2, DEADLINE).await.unwrap();
    peer.send("<message from='x@d.example' to='y@b.example'/>").await.unwrap();
    let heard = peer.expect("</stream:stream>").await.unwrap();
    assert!(heard.contains("<invalid-from "), "{heard}");
    assert_eq!(b.stanzas().len(), 2);
    assert_eq!(b.peers().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn tc04_after_a_reset_at_any_byte_of_a_stanza_only_whole_ones_are_delivered() {
    const LENGTH: usize = 500;
    const WORKERS: usize = 20;
    let (world, b) = start().await;
    let (b, tls) = (Arc::new(b), mallory(&world));
    let mut workers = JoinSet::new();
    for worker in 0..WORKERS {
        let (b, tls) = (b.clone(), tls.clone());
        workers.spawn(async move {
            for length in (worker..LENGTH).step_by(WORKERS) {
                reset_inside(&b, &tls, length).await;
            }
        });
    }
    workers.join_all().await;
    let ended = |endings: &[_]| endings.len() == LENGTH;
    let endings = b.endings().wait_for_all(ended, DEADLINE).await.unwrap();
    assert!(endings.iter().all(|end| matches!(end, Err(InboundError::Lost(_)))), "{endings:?}");
    let mut ids: Vec<_> = b.stanzas().all().iter().map(|s| s.id().unwrap().to_owned()).collect();
    ids.sort();
    let mut whole: Vec<_> = (0..LENGTH).map(|length| format!("whole-{length}")).collect();
    whole.sort();
    assert_eq!(ids, whole);
}

/// Sends a whole stanza, and so many bytes of another.
async fn reset_inside(server: &Server, tls: &ClientTls, length: usize) {
    let mut peer = establish(server.address(), MALLORY, tls).await;
    let whole = format!("<message id='whole-{length}' from='x@c.example' to='y@b.example'/>");
    let head = "<message id='part' from='x@c.example' to='y@b.example'><body>";
    let tail = "</body></message>";
    let body = "x".repeat(500 - head.len() - tail.len());
    let part = &format!("{head}{body}{tail}")[..length];
    peer.send(whole + part).await.unwrap();
    let id = format!("whole-{length}");
    server.stanzas().wait(|stanza| stanza.id() == Some(&id), DEADLINE).await.unwrap();
    peer.reset().unwrap();
}

/// Stanzas in a wave. A wave or two go by on each of the streams: some 50,000 in all.
const WAVE: usize = 2_000;

/// How a peer ends a stream.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum End {
    Close,
    Reset,
}

/// A sends wave after wave, and waits for what becomes of each; B ends twenty streams in the middle
/// of one.
async fn over_twenty_streams(end: End) {
    let world = World::start().await.unwrap();
    world.open_web_host(B);
    let listener = Listener::start().await.unwrap();
    world.locate(B, Security::StartTls, &[listener.address()]);
    let a = world.server("s2s.example").domain(A, &ordinary(&world, A));
    let a = a.configure(|config| config.limits.failure = Duration::ZERO).start().await.unwrap();

    let enough = Cell::new(false);
    let tls = ServerTls::new(&ordinary(&world, B));
    let (fates, heard) = tokio::join!(waves(&a, &enough), streams(&listener, &tls, end, &enough));

    let received: Vec<_> = heard.iter().flatten().collect();
    assert!(received.is_sorted(), "in the order in which they were sent: {received:?}");
    let received: HashSet<_> = received.into_iter().collect();
    assert_eq!(received.len(), heard.iter().flatten().count(), "none came twice");
    for (stanza, fate) in &fates {
        let came = received.contains(&stanza.id().unwrap().to_owned());
        match fate {
            Ok(()) => assert!(came || end == End::Reset, "delivered, and did not come: {stanza:?}"),
            // It may have come, and the sender is told that nobody knows.
            Err(ConnectError::Lost { .. }) => {}
            Err(error) => assert!(!came, "came, and was given back with {error:?}"),
        }
    }
}

type Fates = Vec<(Stanza, Result<(), ConnectError>)>;

async fn waves(from: &Server, enough: &Cell<bool>) -> Fates {
    let mut fates = Vec::new();
    loop {
        let last = enough.get();
        let wave = || message("juliet@a.example", "romeo@b.example", "wave");
        let stanzas = iter::repeat_with(wave).take(WAVE);
        let deliveries = stanzas.map(|sent| (sent.clone(), from.endpoint().send(sent)));
        for (stanza, delivery) in deliveries.collect::<Vec<_>>() {
            let fate = delivery.await.map_err(|undelivered| (*undelivered.error).clone());
            fates.push((stanza, fate));
        }
        if last {
            from.endpoint().close(DEADLINE).await;
            return fates;
        }
    }
}

/// The ids of the stanzas on each stream that B takes: twenty that it ends, and the last.
async fn streams(
    listener: &Listener,
    tls: &ServerTls,
    end: End,
    enough: &Cell<bool>,
) -> Vec<Vec<String>> {
    let mut heard = Vec::new();
    for round in 1..=20 {
        let mut peer = taken(listener, tls).await;
        for _ in 0..50 * round {
            peer.expect("</message>").await.unwrap();
        }
        // The last is closed in any case, so that A knows that it has to open another.
        if end == End::Close || round == 20 {
            peer.send("</stream:stream>").await.unwrap();
            peer.expect_end().await.unwrap();
            heard.push(ids(&peer));
        } else {
            heard.push(ids(&peer));
            peer.reset().unwrap();
        }
    }
    enough.set(true);
    let mut peer = taken(listener, tls).await;
    part(&mut peer).await;
    heard.push(ids(&peer));
    heard
}

/// The ids of all messages that came whole.
fn ids(peer: &ScriptedPeer) -> Vec<String> {
    let (whole, _) = peer.heard().rsplit_once("</message>").unwrap_or_default();
    let ids = whole.split(" id='").skip(1).filter_map(|text| text.split('\'').next());
    ids.filter(|id| id.starts_with("message-")).map(str::to_owned).collect()
}

async fn assert_refused(stanza: &str, condition: &str) {
    let world = World::start().await.unwrap();
    let server = world.server("s2s.example").domain(B, &ordinary(&world, B));
    let server = server.domain("also.example", &ordinary(&world, "also.example"));
    let b = server.start().await.unwrap();
    let mut peer = establish(b.address(), MALLORY, &mallory(&world)).await;
    peer.send(stanza).await.unwrap();
    let heard = peer.expect("</stream:stream>").await.unwrap();
    assert!(heard.contains(condition), "{stanza}: {heard}");
    let ending = b.endings().wait(|_| true, DEADLINE).await.unwrap();
    assert!(ending.is_err(), "{stanza}");
    assert!(b.stanzas().is_empty());
}

async fn start() -> (World, Server) {
    let world = World::start().await.unwrap();
    let b = serve(&world, B, &ordinary(&world, B)).await;
    (world, b)
}

/// TLS with a certificate that is good for the domain.
fn mallory(world: &World) -> ClientTls {
    ClientTls::new(B).identity(&ordinary(world, MALLORY))
}
