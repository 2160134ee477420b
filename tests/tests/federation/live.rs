//! Streams that are up when what proved their pair ends.

use std::collections::HashMap;
use std::time::Duration;

use end_to_end::{
    A, B, DEADLINE, codes, deliver, domain, establish, hosted, hoster, ordinary, serve, undelivered,
};
use posh::Profile::Rfc7711;
use posh::{HashFunction, publish};
use tokio::net::TcpListener;
use xmpp_s2s::{Code, Condition, Config, Endpoint, InboundError, Rejection, Security, Side};
use xmpp_s2s_testkit::{
    Certificate, ClientTls, Hold, Identity, Reply, ScriptedPeer, Server, World, message,
};

/// A domain that calls B, and a neighbour of it at the same hosting company.
const C: &str = "c.example";
const D: &str = "d.example";

/// What lists `identity` for a second.
fn short(identity: &Identity) -> Reply {
    let leaves = [identity.leaf().clone()];
    let second = Duration::from_secs(1);
    let document = publish::document(&leaves, Rfc7711, &[HashFunction::Sha256], second);
    Reply::json(document.unwrap())
}

fn withdrawn() -> Reply {
    Reply::json(r#"{"fingerprints":[{"sha-256":"AA"}],"expires":0}"#)
}

/// C has opened a stream to B, with a certificate that it lists for a second.
struct Inbound {
    world: World,
    identity: Identity,
    b: Server,
    c: ScriptedPeer,
}

impl Inbound {
    async fn start(configure: impl FnOnce(&mut Config)) -> Self {
        let world = World::start().await.unwrap();
        let identity = hosted(&world, C);
        world.reply(C, Rfc7711, short(&identity));
        let b = world.server(&hoster(B)).domain(B, &ordinary(&world, B));
        let b = b.configure(|config| {
            config.limits.judge_pause = Duration::from_millis(50);
            config.posh.unreachable = Duration::ZERO;
            config.posh.invalid = Duration::ZERO;
            configure(config);
        });
        let b = b.start().await.unwrap();
        let c = call(&b, C, &identity).await;
        world.web.requests().clear();
        Self { world, identity, b, c }
    }

    /// So many requests for documents were made while the stream was up.
    async fn judged(&self, requests: usize) {
        let enough = |all: &[_]| all.len() >= requests;
        self.world.web.requests().wait_for_all(enough, DEADLINE).await.unwrap();
    }

    /// B takes nothing more, and says so with an error, lest what comes be held for delivered.
    async fn ends(mut self) -> Rejection {
        let heard = self.c.expect("</stream:stream>").await.unwrap();
        self.c.send(stanza(C)).await.unwrap();
        self.c.send("</stream:stream>").await.unwrap();
        let ending = self.b.endings().wait(|_| true, DEADLINE).await.unwrap();
        assert!(self.b.stanzas().is_empty());
        assert!(self.b.endpoint().peers().is_empty());
        match ending {
            Err(InboundError::Rejected(rejection)) => {
                let condition = format!("<{} ", Condition::from(&rejection));
                assert!(heard.contains(&condition), "{heard}");
                assert!(heard.contains(&rejection.text()), "{heard}");
                rejection
            }
            other => panic!("{other:?}"),
        }
    }

    /// A stanza comes through.
    async fn lives(&mut self) {
        arrives(&mut self.c, C, &self.b).await;
        assert!(self.b.endings().is_empty());
    }
}

/// C's web host answers with `reply` for some judgements, and then with a withdrawal.
async fn stays_until_withdrawn(reply: Reply) {
    let mut stream = Inbound::start(|_| ()).await;
    stream.world.reply(C, Rfc7711, reply);
    stream.judged(6).await;
    stream.lives().await;
    stream.world.reply(C, Rfc7711, withdrawn());
    stream.b.stanzas().clear();
    assert_eq!(stream.ends().await.code, Code::PoshExpiresZero);
}

async fn call(b: &Server, from: &str, identity: &Identity) -> ScriptedPeer {
    establish(b.address(), from, &ClientTls::new(B).identity(identity)).await
}

fn stanza(from: &str) -> String {
    format!("<message from='x@{from}' to='y@{B}'/>")
}

async fn arrives(peer: &mut ScriptedPeer, from: &str, b: &Server) {
    peer.send(stanza(from)).await.unwrap();
    let from = domain(from);
    b.stanzas().wait(|stanza| *stanza.from() == from, DEADLINE).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a9_a_withdrawal_ends_a_pair_whose_stream_is_up() {
    let stream = Inbound::start(|_| ()).await;
    stream.world.reply(C, Rfc7711, withdrawn());
    let rejection = stream.ends().await;
    assert_eq!(rejection.code, Code::PoshExpiresZero);
    let codes = codes(&rejection.trail);
    let ended = [Code::PoshExpiresZero, Code::ProofEnded];
    assert!(codes.ends_with(&ended), "{codes:?}");
    assert!(codes.contains(&Code::SaslAccepted), "{codes:?}");
    assert_eq!(rejection.trail.conclusion(), Some(Code::PoshExpiresZero));
}

#[tokio::test(flavor = "multi_thread")]
async fn a9_a_certificate_that_is_not_listed_any_more_ends_its_pair() {
    let stream = Inbound::start(|_| ()).await;
    stream.world.publish(C, Rfc7711, &[&hosted(&stream.world, C)]);
    let rejection = stream.ends().await;
    assert_eq!(rejection.code, Code::PoshFingerprintMismatch);
}

#[tokio::test(flavor = "multi_thread")]
async fn a9_a_domain_that_publishes_nothing_any_more_ends_its_pair() {
    let stream = Inbound::start(|_| ()).await;
    stream.world.reply(C, Rfc7711, Reply::status(404));
    assert_eq!(stream.ends().await.code, Code::PoshNotPublished);
}

#[tokio::test(flavor = "multi_thread")]
async fn a9_a_pair_that_is_proved_again_and_again_keeps_its_stream() {
    let mut stream = Inbound::start(|_| ()).await;
    stream.judged(6).await;
    stream.lives().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a9_while_its_web_host_fails_a_pair_stays() {
    stays_until_withdrawn(Reply::status(503)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a9_while_its_web_host_answers_with_a_page_for_people_a_pair_stays() {
    let page = Reply::document("text/html", "<html>back in a minute</html>");
    stays_until_withdrawn(page).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a9_while_what_it_publishes_is_not_json_a_pair_stays() {
    stays_until_withdrawn(Reply::json("back in a minute")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a9_while_its_web_host_fails_a_pair_does_not_stay_for_ever() {
    let stream = Inbound::start(|config| config.limits.doubt = Duration::from_secs(1)).await;
    stream.world.reply(C, Rfc7711, Reply::status(503));
    assert_eq!(stream.ends().await.code, Code::PoshHttpStatus);
}

#[tokio::test(flavor = "multi_thread")]
async fn a9_a_document_that_expires_after_a_second_closes_nobody_elses_pair() {
    let stream = Inbound::start(|_| ()).await;
    stream.world.publish(D, Rfc7711, &[&stream.identity]);
    let mut neighbour = call(&stream.b, D, &stream.identity).await;
    stream.world.reply(C, Rfc7711, withdrawn());
    stream.b.peers().wait(|peer| peer.pair.remote == domain(D), DEADLINE).await.unwrap();
    let Inbound { b, mut c, .. } = stream;
    c.expect("</stream:stream>").await.unwrap();
    c.finish().await.unwrap();
    b.endings().wait(|_| true, DEADLINE).await.unwrap().unwrap_err();
    arrives(&mut neighbour, D, &b).await;
    assert_eq!(b.endings().len(), 1);
}

/// A knows of B that it lists its old certificate, while B lists another by now, which it tells
/// when it is let to.
async fn outdated(b: &str, caller: &str) -> (World, Server, Identity, Identity, Hold) {
    let world = World::start().await.unwrap();
    let (old, new) = (hosted(&world, b), hosted(&world, b));
    world.publish(b, Rfc7711, &[&old]);
    let a = world.server(&hoster(caller)).domain(caller, &ordinary(&world, caller));
    let a = a.configure(|config| config.posh.old = Duration::ZERO).start().await.unwrap();
    assert!(a.endpoint().discover(&domain(b)).await.evidence.posh.is_some());
    let hold = Hold::new();
    world.reply(b, Rfc7711, short(&new).held_by(&hold));
    (world, a, old, new, hold)
}

#[tokio::test(flavor = "multi_thread")]
async fn a16_a_pair_proved_by_what_is_old_ends_if_the_certificate_is_gone() {
    let (world, b, old, _, hold) = outdated(C, B).await;
    let mut c = call(&b, C, &old).await;
    arrives(&mut c, C, &b).await;
    b.stanzas().clear();
    hold.release();
    let stream = Inbound { world, identity: old, b, c };
    assert_eq!(stream.ends().await.code, Code::PoshFingerprintMismatch);
}

#[tokio::test(flavor = "multi_thread")]
async fn a16_what_waits_goes_to_a_new_stream_that_is_judged_afresh() {
    let (world, a, old, new, hold) = outdated(B, A).await;
    let b = serve(&world, B, &old).await;
    deliver((&a, A), (&b, B), "by what was found before").await;
    hold.release();
    // It was closed in order, so that nothing is lost.
    assert!(b.endings().wait(|_| true, DEADLINE).await.unwrap().is_ok());
    let refused = undelivered(&a).await;
    assert_eq!(refused.trail.conclusion(), Some(Code::PoshFingerprintMismatch));

    let a = world.server("s2s.a.example").domain(A, &ordinary(&world, A)).start().await.unwrap();
    let b = serve(&world, B, &new).await;
    deliver((&a, A), (&b, B), "with the new certificate").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lc05_a_stream_is_reset_when_the_certificate_of_its_peer_ends() {
    let world = World::start().await.unwrap();
    let ends = Certificate::new([C]).ends_in(Duration::from_secs(5));
    let b = serve(&world, B, &ordinary(&world, B)).await;
    let mut c = call(&b, C, &world.xmpp_authority.issue(&ends)).await;
    arrives(&mut c, C, &b).await;
    let heard = c.expect_end().await.unwrap();
    assert!(heard.contains("<reset "), "{heard}");
    let ending = b.endings().wait(|_| true, DEADLINE).await.unwrap();
    let Err(InboundError::Stream(error)) = ending else { panic!("{ending:?}") };
    assert_eq!((error.side, error.condition), (Side::Local, Condition::Reset));
    let mut renewed = call(&b, C, &ordinary(&world, C)).await;
    b.stanzas().clear();
    arrives(&mut renewed, C, &b).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lc05_a_stream_of_ours_is_reset_when_a_listed_certificate_ends() {
    let world = World::start().await.unwrap();
    let ends = Certificate::new([hoster(B)]).ends_in(Duration::from_secs(5)).self_signed();
    world.reply(B, Rfc7711, short(&ends));
    let (a, b) = (serve(&world, A, &ordinary(&world, A)).await, serve(&world, B, &ends).await);
    deliver((&a, A), (&b, B), "while it lives").await;
    let ending = b.endings().wait(|_| true, DEADLINE).await.unwrap();
    // The document has ended long before, but a minute has not passed since it was looked at.
    assert_eq!(world.web.requests().len(), 2);
    let Err(InboundError::Stream(error)) = ending else { panic!("{ending:?}") };
    assert_eq!((error.side, error.condition), (Side::Remote, Condition::Reset));
    assert_eq!(undelivered(&a).await.trail.conclusion(), Some(Code::CertExpired));
}

#[tokio::test(flavor = "multi_thread")]
async fn lc05_what_is_half_way_when_the_certificate_ends_arrives_before_the_reset() {
    let world = World::start().await.unwrap();
    let ends = Certificate::new([B, C]).ends_in(Duration::from_secs(5));
    let ends = world.xmpp_authority.issue(&ends);
    let identities = HashMap::from([(domain(B), ends.certified_key())]);
    let b = Endpoint::new(world.config(identities)).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    world.locate(B, Security::StartTls, &[listener.local_addr().unwrap()]);
    let a = world.server("s2s.example").domain(A, &ordinary(&world, A));
    let a = a.configure(|config| config.limits.queue_size = usize::MAX).start().await.unwrap();
    // More than the sockets hold.
    let large = message("juliet@a.example", "romeo@b.example", &"x".repeat(100_000));
    let deliveries: Vec<_> = (0..160).map(|_| a.endpoint().send(large.clone())).collect();
    let (tcp, from) = listener.accept().await.unwrap();
    let incoming = b.accept(tcp, Some(from)).await.unwrap();
    let mut inbound = incoming.authenticate().await.unwrap();

    // B reads nothing until the end of the certificate shows at another stream.
    let c = serve(&world, C, &ends).await;
    deliver((&a, A), (&c, C), "while it lives").await;
    c.endings().wait(|_| true, DEADLINE).await.unwrap().unwrap_err();
    let ((), ending) = tokio::join!(
        async {
            for delivery in deliveries {
                delivery.await.unwrap();
            }
        },
        async {
            loop {
                match inbound.next().await {
                    Ok(Some(_)) => {}
                    ending => return ending,
                }
            }
        }
    );
    let Err(InboundError::Stream(error)) = ending else { panic!("{ending:?}") };
    assert_eq!((error.side, error.condition), (Side::Remote, Condition::Reset));
}
