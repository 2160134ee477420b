//! Our own domains, as others would find them.

use std::collections::HashMap;

use end_to_end::{A, B, codes, domain, hosted, ordinary, serve};
use posh::Profile::Rfc7711;
use xmpp_s2s::{Code, Config, Endpoint, Prooftype, Standing};
use xmpp_s2s_testkit::{Identity, Reply, World};

#[tokio::test(flavor = "multi_thread")]
async fn an_ordinary_certificate_proves_our_domain_by_pkix() {
    let world = World::start().await.unwrap();
    world.open_web_host(B);
    let identity = ordinary(&world, B);
    let b = serve(&world, B, &identity).await;
    let standing = of_b(&world, &identity).await;
    assert_eq!(standing.prooftype, Some(Prooftype::Pkix));
    let told = [Code::DnsFound, Code::PoshNotPublished, Code::PkixMatch, Code::PoshNotPublished];
    assert_eq!(codes(&standing.trail), told);
    assert_eq!(standing.targets.unwrap()[0].port, b.address().port());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_our_domain_publishes_proves_it_by_posh() {
    let world = World::start().await.unwrap();
    let identity = hosted(&world, B);
    world.publish(B, Rfc7711, &[&identity]);
    let standing = of_b(&world, &identity).await;
    assert_eq!(standing.prooftype, Some(Prooftype::Posh));
    assert_eq!(standing.trail.conclusion(), Some(Code::PoshMatch));
    assert_eq!(codes(&standing.trail)[0], Code::DnsNoSrvFallback);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_our_domain_is_told_in_the_words_for_others() {
    let world = World::start().await.unwrap();
    let (shown, listed) = (hosted(&world, B), hosted(&world, B));
    let concludes = async |code| {
        let standing = of_b(&world, &shown).await;
        assert_eq!((standing.prooftype, standing.trail.conclusion()), (None, Some(code)));
    };
    world.open_web_host(B);
    concludes(Code::PoshNotPublished).await;
    world.publish(B, Rfc7711, &[&listed]);
    concludes(Code::PoshFingerprintMismatch).await;
    world.reply(B, Rfc7711, Reply::status(500));
    concludes(Code::PoshHttpStatus).await;
    world.reply(B, Rfc7711, Reply::json("{}"));
    concludes(Code::PoshInvalidDocument).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn our_own_policy_does_not_decide_how_our_domain_stands() {
    let world = World::start().await.unwrap();
    let mut config = config(&world, &ordinary(&world, B));
    config.policy.prooftypes = vec![Prooftype::Posh];
    let endpoint = Endpoint::new(config).unwrap();
    let standing = endpoint.standing(&domain(B)).await.unwrap();
    assert_eq!(standing.prooftype, Some(Prooftype::Pkix));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_is_not_served_any_more_is_told_apart_from_one_that_is() {
    let world = World::start().await.unwrap();
    let identity = hosted(&world, B);
    world.publish(B, Rfc7711, &[&identity]);
    let endpoint = Endpoint::new(config(&world, &identity)).unwrap();
    let mut looks = Vec::new();
    for _ in 0..3 {
        let standing = endpoint.standing(&domain(B)).await.unwrap();
        assert_eq!(standing.prooftype, Some(Prooftype::Posh));
        let told = codes(&standing.trail).into_iter().filter(|code| *code == Code::PoshFound);
        assert!(!codes(&standing.trail).contains(&Code::PoshMismatchUnconfirmed));
        looks.push((told.count(), standing.instead.is_some()));
        world.reply(B, Rfc7711, Reply::status(404));
    }
    // The third time we may not look again.
    assert_eq!(looks, [(1, false), (2, true), (1, false)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn domains_of_others_have_no_standing() {
    let world = World::start().await.unwrap();
    let endpoint = Endpoint::new(config(&world, &ordinary(&world, B))).unwrap();
    assert!(endpoint.standing(&domain(A)).await.is_none());
}

/// How B stands with this certificate, to an endpoint that has seen nothing before.
async fn of_b(world: &World, identity: &Identity) -> Standing {
    let endpoint = Endpoint::new(config(world, identity)).unwrap();
    endpoint.standing(&domain(B)).await.expect("the domain is ours")
}

fn config(world: &World, identity: &Identity) -> Config {
    world.config(HashMap::from([(domain(B), identity.certified_key())]))
}
