//! What was found before: whom it proves, and when it is looked up again.

use end_to_end::{
    A, B, DEADLINE, claim, codes, domain, establish, hosted, hoster, ordinary, pair, serve,
};
use posh::Profile::Rfc7711;
use xmpp_s2s::{AcceptError, Code, Phase, Prooftype, Trail};
use xmpp_s2s_testkit::{ClientTls, Identity, Reply, Server, World, well_known};

/// A domain that calls B, and that others claim to be.
const C: &str = "c.example";

/// What the trail says of each look at POSH documents.
fn lookups(trail: &Trail) -> Vec<String> {
    let steps = trail.steps().iter().filter(|step| step.phase == Phase::Posh);
    steps.map(|step| step.detail.clone()).collect()
}

#[track_caller]
fn says(detail: &str, expected: &[&str]) {
    for expected in expected {
        assert!(detail.contains(expected), "{expected} is not in {detail}");
    }
}

/// C, which publishes this; and B, which has found that when C called it.
async fn known() -> (World, Server, Identity) {
    let world = World::start().await.unwrap();
    let identity = hosted(&world, C);
    world.publish(C, Rfc7711, &[&identity]);
    let b = serve(&world, B, &ordinary(&world, B)).await;
    establish(b.address(), C, &shows(&identity)).await;
    b.peers().wait(|_| true, DEADLINE).await.unwrap();
    b.peers().clear();
    asked(&world, 2).await;
    world.web.requests().clear();
    (world, b, identity)
}

/// Waits until web hosts have been asked so many times; more often is a failure, too.
async fn asked(world: &World, times: usize) {
    world.web.requests().wait_for_all(|all| all.len() == times, DEADLINE).await.unwrap();
}

fn shows(identity: &Identity) -> ClientTls {
    ClientTls::new(B).identity(identity)
}

/// A stranger's call to B in the name of C, and what it is told.
async fn call(b: &Server, stranger: &Identity) -> String {
    let mut peer = claim(b.address(), C, &shows(stranger)).await;
    peer.expect("</stream:stream>").await.unwrap()
}

/// The trail of the last call that was refused, of so many.
async fn refusal(b: &Server, calls: usize) -> Trail {
    let enough = |refusals: &[_]| refusals.len() == calls;
    let refusals = b.refusals().wait_for_all(enough, DEADLINE).await.unwrap();
    match refusals.last() {
        Some(AcceptError::Rejected(rejection)) => rejection.trail.clone(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ca01_another_stream_to_a_domain_asks_nobody_and_the_trail_says_so() {
    let world = World::start().await.unwrap();
    let identity = hosted(&world, B);
    world.publish(B, Rfc7711, &[&identity]);
    let (a, _b) = (serve(&world, A, &ordinary(&world, A)).await, serve(&world, B, &identity).await);
    for (cache, requests) in [("cache=miss", 2), ("cache=hit, age ", 2)] {
        let trail = a.endpoint().explain(&pair()).await;
        assert_eq!(trail.conclusion(), Some(Code::StreamEstablished));
        let [lookup] = &lookups(&trail)[..] else { panic!("{trail:?}") };
        says(lookup, &[cache]);
        asked(&world, requests).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ca01_another_stream_from_a_domain_asks_nobody_and_the_trail_says_so() {
    let (world, b, identity) = known().await;
    establish(b.address(), C, &shows(&identity)).await;
    assert!(world.web.requests().is_empty());
    let peer = b.peers().wait(|_| true, DEADLINE).await.unwrap();
    let [lookup] = &lookups(&peer.trail)[..] else { panic!("{peer:?}") };
    says(lookup, &["1 entry", "cache=hit"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a10_a_stranger_makes_us_look_once_more_and_is_then_put_off() {
    let (world, b, identity) = known().await;
    let stranger = hosted(&world, C);
    let heard = call(&b, &stranger).await;
    says(&heard, &["<not-authorized ", "posh-fingerprint-mismatch"]);
    let trail = refusal(&b, 1).await;
    let [cached, anew] = &lookups(&trail)[..] else { panic!("{trail:?}") };
    says(cached, &["cache=hit"]);
    says(anew, &["cache=miss, fetched anew"]);
    let mismatches = codes(&trail).into_iter().filter(|c| *c == Code::PoshFingerprintMismatch);
    assert_eq!(mismatches.count(), 2);

    for calls in 2..5 {
        let heard = call(&b, &stranger).await;
        says(&heard, &["<resource-constraint ", "posh-over-budget"]);
        let trail = refusal(&b, calls).await;
        assert_eq!(trail.conclusion(), Some(Code::PoshMismatchUnconfirmed));
        assert!(codes(&trail).contains(&Code::PoshFingerprintMismatch), "{trail:?}");
        let [cached, denied] = &lookups(&trail)[..] else { panic!("{trail:?}") };
        says(cached, &["cache=hit"]);
        assert!(!denied.contains("cache="), "{denied}");
    }
    asked(&world, 2).await;
    establish(b.address(), C, &shows(&identity)).await;
    asked(&world, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a10_who_rolls_over_just_after_a_stranger_called_is_put_off_and_not_refused() {
    let (world, b, _) = known().await;
    call(&b, &hosted(&world, C)).await;
    let new = hosted(&world, C);
    world.publish(C, Rfc7711, &[&new]);
    says(&call(&b, &new).await, &["<resource-constraint "]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a10_a12_who_rolls_over_while_its_web_host_is_over_budget_is_put_off() {
    let world = World::start().await.unwrap();
    let (old, new) = (hosted(&world, C), hosted(&world, C));
    world.publish(C, Rfc7711, &[&old]);
    let b = world.server(&hoster(B)).domain(B, &ordinary(&world, B));
    let b = b.configure(|config| config.posh.host_per_minute = 1).start().await.unwrap();
    establish(b.address(), C, &shows(&old)).await;
    world.publish(C, Rfc7711, &[&new]);
    let heard = call(&b, &new).await;
    says(&heard, &["<resource-constraint ", "posh-over-budget"]);
    let trail = refusal(&b, 1).await;
    assert_eq!(trail.conclusion(), Some(Code::PoshOverBudget));
    assert!(codes(&trail).contains(&Code::PoshFingerprintMismatch), "{trail:?}");
    establish(b.address(), C, &shows(&old)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ca12_ca04_while_a_document_lives_its_web_host_may_fail() {
    for reply in [Reply::status(503), Reply::status(404), Reply::reset()] {
        let (world, b, identity) = known().await;
        world.reply(C, Rfc7711, reply.clone());
        let heard = call(&b, &hosted(&world, C)).await;
        says(&heard, &["<not-authorized ", "posh-fingerprint-mismatch"]);
        let trail = refusal(&b, 1).await;
        let [_, anew] = &lookups(&trail)[..] else { panic!("{trail:?}") };
        says(anew, &["1 entry", "cache=stale", "fetched anew: "]);
        establish(b.address(), C, &shows(&identity)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a10_a_document_that_is_withdrawn_is_so_for_everybody_from_then_on() {
    let (world, b, identity) = known().await;
    let withdrawn = r#"{"fingerprints":[{"sha-256":"AA"}],"expires":0}"#;
    world.reply(C, Rfc7711, Reply::json(withdrawn));
    says(&call(&b, &hosted(&world, C)).await, &["<not-authorized ", "posh-expires-zero"]);
    says(&call(&b, &identity).await, &["<not-authorized ", "posh-expires-zero"]);
    let path = well_known(C, Rfc7711);
    let asked = world.web.requests().all().into_iter().filter(|r| r.path() == path.path());
    assert_eq!(asked.count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a11_ca06_a_stranger_does_not_make_us_look_behind_absence() {
    let world = World::start().await.unwrap();
    world.open_web_host(C);
    let b = serve(&world, B, &ordinary(&world, B)).await;
    for _ in 0..3 {
        says(&call(&b, &hosted(&world, C)).await, &["<not-authorized ", "posh-not-published"]);
    }
    asked(&world, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a11_ca06_we_look_behind_absence_before_we_refuse() {
    let world = World::start().await.unwrap();
    let identity = hosted(&world, B);
    world.open_web_host(B);
    let (a, _b) = (serve(&world, A, &ordinary(&world, A)).await, serve(&world, B, &identity).await);
    let trail = a.endpoint().explain(&pair()).await;
    assert_eq!(trail.conclusion(), Some(Code::PoshNotPublished));
    world.publish(B, Rfc7711, &[&identity]);
    let trail = a.endpoint().explain(&pair()).await;
    assert_eq!(trail.conclusion(), Some(Code::StreamEstablished));
    let [cached, anew] = &lookups(&trail)[..] else { panic!("{trail:?}") };
    says(cached, &["there is no document", "cache=hit"]);
    says(anew, &["1 entry", "fetched anew"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn our_own_domain_is_judged_by_what_it_publishes_now() {
    let world = World::start().await.unwrap();
    let identity = hosted(&world, B);
    world.publish(B, Rfc7711, &[&hosted(&world, B)]);
    let b = serve(&world, B, &identity).await;
    let standing = async || b.endpoint().standing(&domain(B)).await.unwrap();
    assert_eq!(standing().await.prooftype, None);
    world.publish(B, Rfc7711, &[&identity]);
    assert_eq!(standing().await.prooftype, Some(Prooftype::Posh));
}
