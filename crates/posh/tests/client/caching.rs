//! What is asked for again, and what is not.

use std::time::Duration;

use posh::{Budget, Client, FetchError, Finding, Mismatch, Origin, Profile, Published, Service};
use rustls_pki_types::UnixTime;
use xmpp_s2s_testkit::{Hold, Identity, Reply, World, well_known};

use crate::setup::{
    BOTH, DEADLINE, SOURCE, client, client_of, client_within, find, find_again,
    find_again_on_behalf, find_on_behalf, found, limits, world,
};

const ASKER: &str = "192.0.2.1";

/// A world in which [`SOURCE`] publishes, and a client that has found that.
async fn published() -> (World, Identity, Client, Finding) {
    let (world, identity) = world().await;
    world.publish(SOURCE, Profile::Rfc7711, &[&identity]);
    let client = client(&world);
    let seen = find(&client, SOURCE).await;
    assert!(matches!(seen.origin, Origin::Fetched));
    world.web.requests().clear();
    (world, identity, client, seen)
}

fn matches_leaf(finding: &Finding, identity: &Identity) -> bool {
    found(finding.published.clone()).find(identity.leaf(), UnixTime::now()).is_ok()
}

#[track_caller]
fn budget(finding: &Finding) -> Budget {
    match &finding.published {
        Published::Unknown(error) => match **error {
            FetchError::OverBudget(budget) => budget,
            ref error => panic!("{error:?}"),
        },
        other => panic!("known: {other:?}"),
    }
}

#[tokio::test]
async fn ca01_what_was_found_is_not_asked_for_again() {
    let (world, identity, client, _) = published().await;
    let ours = find(&client, SOURCE).await;
    let theirs = find_on_behalf(&client, SOURCE, ASKER).await;
    for finding in [ours, theirs] {
        assert!(finding.is_cached());
        assert!(matches_leaf(&finding, &identity));
    }
    assert!(world.web.requests().is_empty());
}

#[tokio::test]
async fn ca01_absence_is_not_asked_for_again() {
    let (world, _) = world().await;
    let client = client(&world);
    for cached in [false, true, true] {
        let finding = find(&client, SOURCE).await;
        assert!(matches!(finding.published, Published::Absent));
        assert_eq!(finding.is_cached(), cached);
    }
    assert_eq!(world.web.requests().len(), 2);
}

#[tokio::test]
async fn ca09_another_spelling_is_the_same_domain() {
    let (world, identity, client, _) = published().await;
    assert!(matches_leaf(&find(&client, "IM.Example.").await, &identity));
    assert!(world.web.requests().is_empty());
}

#[tokio::test]
async fn ph15_what_is_said_of_http_caching_does_not_matter() {
    for (control, expires) in [("max-age=31536000", 60), ("no-store", 3600)] {
        let (world, identity) = world().await;
        let hashes = [posh::HashFunction::Sha256];
        let lifetime = Duration::from_secs(expires);
        let leaves = [identity.leaf().clone()];
        let document =
            posh::publish::document(&leaves, Profile::Rfc7711, &hashes, lifetime).unwrap();
        let reply = Reply::json(document).header("Cache-Control", control);
        world.reply(SOURCE, Profile::Rfc7711, reply);
        let client = client(&world);
        let start = UnixTime::now().as_secs();
        let end = found(find(&client, SOURCE).await.published).valid_until().as_secs();
        assert!((start + expires..=UnixTime::now().as_secs() + expires).contains(&end));
        assert!(find(&client, SOURCE).await.is_cached(), "{control}");
    }
}

#[tokio::test]
async fn a10_a_refetch_finds_what_is_published_now() {
    let (world, _, client, seen) = published().await;
    let new = world.xmpp_authority.issue_for("s2s.hosting.example");
    world.publish(SOURCE, Profile::Rfc7711, &[&new]);
    assert!(!matches_leaf(&find(&client, SOURCE).await, &new));
    let again = find_again(&client, &seen, SOURCE).await;
    assert!(matches!(again.origin, Origin::Refetched));
    assert!(matches_leaf(&again, &new));
    assert!(matches_leaf(&find(&client, SOURCE).await, &new));
}

#[tokio::test]
async fn a10_there_is_one_refetch_a_minute_for_us_and_one_for_strangers() {
    let (world, _, client, seen) = published().await;
    let first = find_again_on_behalf(&client, &seen, SOURCE, ASKER).await;
    assert!(matches!(first.origin, Origin::Refetched));
    let second = find_again_on_behalf(&client, &first, SOURCE, "192.0.2.2").await;
    assert_eq!(budget(&second), Budget::Domain);
    let ours = find_again(&client, &first, SOURCE).await;
    assert!(matches!(ours.origin, Origin::Refetched));
    assert_eq!(budget(&find_again(&client, &ours, SOURCE).await), Budget::Domain);
    assert_eq!(world.web.requests().len(), 4);
}

#[tokio::test]
async fn a10_what_others_found_since_is_shared() {
    let (world, _, client, seen) = published().await;
    find_again(&client, &seen, SOURCE).await;
    let shared = find_again_on_behalf(&client, &seen, SOURCE, ASKER).await;
    assert!(shared.is_cached());
    assert_eq!(world.web.requests().len(), 2);
}

#[tokio::test]
async fn a10_a_refetch_that_began_before_is_not_the_last_word() {
    let (world, identity, client, seen) = published().await;
    let hold = Hold::new();
    world.reply(SOURCE, Profile::Draft02, Reply::status(404).held_by(&hold));
    let refetch = || {
        let (client, seen) = (client.clone(), seen.clone());
        tokio::spawn(async move { find_again(&client, &seen, SOURCE).await })
    };
    let first = refetch();
    let both = |requests: &[_]| requests.len() == 2;
    world.web.requests().wait_for_all(both, DEADLINE).await.unwrap();
    let second = refetch();
    tokio::task::yield_now().await;
    hold.release();
    assert!(matches!(first.await.unwrap().origin, Origin::Refetched));
    let second = second.await.unwrap();
    assert!(second.is_cached() && matches_leaf(&second, &identity));
    assert_eq!(world.web.requests().len(), 2);
}

#[tokio::test]
async fn a10_who_joins_a_lookup_that_began_before_may_look_again() {
    let (world, identity) = world().await;
    world.publish(SOURCE, Profile::Rfc7711, &[&identity]);
    let (client, hold) = (client(&world), Hold::new());
    world.reply(SOURCE, Profile::Draft02, Reply::status(404).held_by(&hold));
    let fetch = || {
        let client = client.clone();
        tokio::spawn(async move { find_on_behalf(&client, SOURCE, ASKER).await })
    };
    let first = fetch();
    let both = |requests: &[_]| requests.len() == 2;
    world.web.requests().wait_for_all(both, DEADLINE).await.unwrap();
    let second = fetch();
    tokio::task::yield_now().await;
    hold.release();
    assert!(matches!(first.await.unwrap().origin, Origin::Fetched));
    assert!(second.await.unwrap().is_cached());
    assert_eq!(world.web.requests().len(), 2);
}

#[tokio::test]
async fn a10_a_budget_that_is_used_up_does_not_use_up_that_of_the_domain() {
    let (world, identity) = world().await;
    world.publish(SOURCE, Profile::Rfc7711, &[&identity]);
    let mut limits = limits(&world);
    limits.asker_per_minute = 1;
    let client = client_within(&world, limits);
    let seen = find_on_behalf(&client, SOURCE, ASKER).await;
    let refused = find_again_on_behalf(&client, &seen, SOURCE, ASKER).await;
    assert_eq!(budget(&refused), Budget::Asker);
    let other = find_again_on_behalf(&client, &seen, SOURCE, "192.0.2.2").await;
    assert!(matches!(other.origin, Origin::Refetched));
}

#[tokio::test]
async fn ca04_ph12_where_a_refetch_fails_what_is_live_stands() {
    for reply in [Reply::status(503), Reply::status(404), Reply::reset(), Reply::json("{}")] {
        let (world, identity, client, seen) = published().await;
        world.reply(SOURCE, Profile::Rfc7711, reply.clone());
        let again = find_again(&client, &seen, SOURCE).await;
        assert!(matches!(again.origin, Origin::Stale { .. }), "{reply:?}: {again:?}");
        assert!(matches_leaf(&again, &identity));
        assert!(find(&client, SOURCE).await.is_cached());
    }
}

#[tokio::test]
async fn a10_a_withdrawal_is_believed() {
    let (world, _, client, seen) = published().await;
    let withdrawn = r#"{"fingerprints":[{"sha-256":"AA"}],"expires":0}"#;
    world.reply(SOURCE, Profile::Rfc7711, Reply::json(withdrawn));
    for _ in 0..2 {
        let finding = find_again(&client, &seen, SOURCE).await;
        assert!(matches!(finding.published, Published::Unknown(_)), "{finding:?}");
    }
    let path = well_known(SOURCE, Profile::Rfc7711);
    let asked = world.web.requests().all().into_iter().filter(|r| r.path() == path.path());
    assert_eq!(asked.count(), 1);
}

#[tokio::test]
async fn a11_ca06_we_look_behind_absence_once_a_minute_and_strangers_do_not() {
    let (world, identity) = world().await;
    let client = client(&world);
    let seen = find_on_behalf(&client, SOURCE, ASKER).await;
    world.publish(SOURCE, Profile::Rfc7711, &[&identity]);
    world.web.requests().clear();
    let theirs = find_again_on_behalf(&client, &seen, SOURCE, ASKER).await;
    assert!(matches!(theirs.published, Published::Absent) && !theirs.is_cached());
    assert!(world.web.requests().is_empty());
    assert!(matches_leaf(&find_again(&client, &seen, SOURCE).await, &identity));
    assert!(matches_leaf(&find_on_behalf(&client, SOURCE, ASKER).await, &identity));
    assert_eq!(world.web.requests().len(), 2);
}

#[tokio::test]
async fn a11_absence_stands_where_we_have_looked_a_moment_ago() {
    let (world, _) = world().await;
    let client = client(&world);
    let seen = find(&client, SOURCE).await;
    let again = find_again(&client, &seen, SOURCE).await;
    assert!(matches!(again.origin, Origin::Refetched));
    let third = find_again(&client, &again, SOURCE).await;
    assert!(matches!(third.published, Published::Absent));
    assert!(matches!(third.origin, Origin::Stale { .. }));
    assert_eq!(world.web.requests().len(), 4);
}

#[tokio::test]
async fn a16_a_match_on_an_old_document_looks_again_in_the_background() {
    let (world, identity) = world().await;
    world.publish(SOURCE, Profile::Rfc7711, &[&identity]);
    let mut limits = limits(&world);
    limits.old = Duration::ZERO;
    let client = client_within(&world, limits);
    let seen = find(&client, SOURCE).await;
    let new = world.xmpp_authority.issue_for("s2s.hosting.example");
    world.publish(SOURCE, Profile::Rfc7711, &[&new]);
    let materials = found(seen.published.clone());
    let look = client.matched(&materials, &Service::XMPP_SERVER, identity.leaf());
    // This shares what is under way, or has come of it.
    let again = find_again_on_behalf(&client, &seen, SOURCE, ASKER).await;
    assert!(again.is_cached());
    assert!(matches_leaf(&again, &new));
    let mismatch = found(again.published).find(identity.leaf(), UnixTime::now()).unwrap_err();
    assert!(matches!(mismatch, Mismatch::NotListed { .. }));
    assert!(matches_leaf(&look.unwrap().await, &new));
    assert_eq!(world.web.requests().len(), 4);
}

#[tokio::test]
async fn a16_a_document_is_looked_at_for_its_age_once_a_minute() {
    let (world, identity) = world().await;
    world.publish(SOURCE, Profile::Rfc7711, &[&identity]);
    let mut limits = limits(&world);
    limits.old = Duration::ZERO;
    let client = client_within(&world, limits);
    let matched = |seen: &Finding| {
        let materials = found(seen.published.clone());
        client.matched(&materials, &Service::XMPP_SERVER, identity.leaf())
    };
    let look = matched(&find(&client, SOURCE).await);
    let again = look.unwrap().await;
    assert!(matched(&again).is_none());
    assert_eq!(world.web.requests().len(), 4);
}

/// Two domains that refer to one document, and where that is.
async fn sharing() -> (World, Identity, [&'static str; 2], String) {
    let (world, identity) = world().await;
    let (sources, path) = (["a.example", "b.example"], "/posh.json".to_owned());
    let mut shared = well_known(HOSTING, Profile::Rfc7711);
    shared.set_path(&path);
    world.open_web_host(HOSTING);
    sources.iter().for_each(|source| world.refer(source, Profile::Rfc7711, &shared));
    (world, identity, sources, path)
}

const HOSTING: &str = "hosting.example";

#[tokio::test]
async fn a15_each_sources_own_hop_is_fetched() {
    let (world, identity, sources, path) = sharing().await;
    world.publish_at(HOSTING, &path, Profile::Rfc7711, &[&identity]);
    let client = client(&world);
    for source in sources {
        assert!(matches_leaf(&find(&client, source).await, &identity));
        let own = well_known(source, Profile::Rfc7711);
        let asked = world.web.requests().all().into_iter();
        let asked = asked.filter(|r| r.server_name == source && r.path() == own.path());
        assert_eq!(asked.count(), 1, "{source}");
    }
}

#[tokio::test]
async fn a15_a_failure_behind_a_shared_reference_is_not_another_sources() {
    let (world, identity, [one, other], path) = sharing().await;
    let client = client(&world);
    let failed = find(&client, one).await.published;
    assert!(matches!(failed, Published::Unknown(_)), "{failed:?}");
    world.publish_at(HOSTING, &path, Profile::Rfc7711, &[&identity]);
    assert!(matches_leaf(&find(&client, other).await, &identity));
    assert!(find(&client, one).await.is_cached());
}

#[tokio::test]
async fn one_profile_and_both_are_asked_for_by_clients_of_their_own() {
    let (world, identity) = world().await;
    for profile in BOTH {
        world.publish(SOURCE, profile, &[&identity]);
    }
    for profile in BOTH {
        let client = client_of(&world, &[profile]);
        for _ in 0..2 {
            let materials = found(find(&client, SOURCE).await.published);
            assert_eq!(materials.profile(), profile);
        }
    }
    assert_eq!(world.web.requests().len(), 2);
}
