//! What strangers can make us fetch.

use posh::{Budget, Client, FetchError, Published};
use tokio::task::JoinHandle;
use xmpp_s2s_testkit::{Hold, Reply, World};

use crate::setup::{
    BOTH, DEADLINE, client, client_within, fetch, fetch_on_behalf, limits, unknown, world,
};

/// The source domain of this number, whose answers are held back.
fn held(world: &World, number: usize, hold: &Hold) -> String {
    let source = format!("im{number}.example");
    for profile in BOTH {
        world.reply(&source, profile, Reply::status(404).held_by(hold));
    }
    source
}

/// Starts a lookup, and waits until it has sent both requests.
async fn start(world: &World, client: &Client, source: &str, asker: &str) -> JoinHandle<Published> {
    let (client, own) = (client.clone(), (source.to_owned(), asker.to_owned()));
    let task = tokio::spawn(async move { fetch_on_behalf(&client, &own.0, &own.1).await });
    let is_under_way = |requests: &[xmpp_s2s_testkit::Request]| {
        requests.iter().filter(|request| request.server_name == source).count() == 2
    };
    world.web.requests().wait_for_all(is_under_way, DEADLINE).await.unwrap();
    task
}

#[track_caller]
fn over_budget(published: Published) -> Budget {
    match &*unknown(published) {
        FetchError::OverBudget(budget) => *budget,
        error => panic!("{error:?}"),
    }
}

#[tokio::test]
async fn a12_an_asker_has_so_many_lookups_at_once() {
    let (world, _) = world().await;
    let mut limits = limits(&world);
    limits.asker_at_once = 2;
    let (client, hold) = (client_within(&world, limits), Hold::new());
    let sources = [0, 1, 2].map(|number| held(&world, number, &hold));
    let first = start(&world, &client, &sources[0], "192.0.2.1").await;
    let second = start(&world, &client, &sources[1], "192.0.2.1").await;
    let third = fetch_on_behalf(&client, &sources[2], "192.0.2.1").await;
    assert_eq!(over_budget(third), Budget::Asker);
    hold.release();
    for lookup in [first, second] {
        assert!(matches!(lookup.await.unwrap(), Published::Absent));
    }
    let again = fetch_on_behalf(&client, &sources[2], "192.0.2.1").await;
    assert!(matches!(again, Published::Absent));
}

#[tokio::test]
async fn a12_an_asker_has_so_many_lookups_a_minute() {
    let (world, _) = world().await;
    let mut limits = limits(&world);
    limits.asker_per_minute = 1;
    let client = client_within(&world, limits);
    world.open_web_host("a.example");
    world.open_web_host("b.example");
    let first = fetch_on_behalf(&client, "a.example", "2001:db8::1").await;
    assert!(matches!(first, Published::Absent));
    let second = fetch_on_behalf(&client, "b.example", "2001:db8::2").await;
    assert_eq!(over_budget(second), Budget::Asker);
}

#[tokio::test]
async fn a12_four_lookups_at_once_fetch_from_one_address() {
    let (world, _) = world().await;
    let (client, hold) = (client(&world), Hold::new());
    let sources = [0, 1, 2, 3, 4].map(|number| held(&world, number, &hold));
    for (number, source) in sources[..4].iter().enumerate() {
        start(&world, &client, source, &format!("192.0.2.{number}")).await;
    }
    let connections = world.web.connections().len();
    let fifth = fetch_on_behalf(&client, &sources[4], "192.0.2.99").await;
    assert_eq!(over_budget(fifth), Budget::Host);
    assert_eq!(world.web.connections().len(), connections);
}

#[tokio::test]
async fn a12_the_process_has_so_many_lookups_at_once() {
    let (world, _) = world().await;
    let mut limits = limits(&world);
    limits.at_once = 1;
    let (client, hold) = (client_within(&world, limits), Hold::new());
    let sources = [0, 1].map(|number| held(&world, number, &hold));
    start(&world, &client, &sources[0], "192.0.2.1").await;
    let second = fetch_on_behalf(&client, &sources[1], "192.0.2.2").await;
    assert_eq!(over_budget(second), Budget::Process);
}

#[tokio::test]
async fn a12_who_joins_a_flight_costs_nothing() {
    let (world, _) = world().await;
    let mut limits = limits(&world);
    limits.at_once = 1;
    let (client, hold) = (client_within(&world, limits), Hold::new());
    let source = held(&world, 0, &hold);
    let first = start(&world, &client, &source, "192.0.2.1").await;
    let second = tokio::spawn({
        let (client, source) = (client.clone(), source.clone());
        async move { fetch_on_behalf(&client, &source, "192.0.2.1").await }
    });
    tokio::task::yield_now().await;
    hold.release();
    for lookup in [first, second] {
        assert!(matches!(lookup.await.unwrap(), Published::Absent));
    }
    assert_eq!(world.web.requests().len(), 2);
}

#[tokio::test]
async fn what_strangers_use_up_does_not_limit_ourselves() {
    let (world, _) = world().await;
    let mut limits = limits(&world);
    limits.at_once = 1;
    limits.host_at_once = 1;
    let (client, hold) = (client_within(&world, limits), Hold::new());
    let source = held(&world, 0, &hold);
    start(&world, &client, &source, "192.0.2.1").await;
    world.open_web_host("ours.example");
    assert!(matches!(fetch(&client, "ours.example").await, Published::Absent));
}

#[tokio::test]
async fn a12_a_lookup_that_has_ended_leaves_its_place_at_once() {
    let (world, _) = world().await;
    let mut limits = limits(&world);
    limits.host_at_once = 1;
    let client = client_within(&world, limits);
    for number in 0..20 {
        let source = format!("im{number}.example");
        world.open_web_host(&source);
        let published = fetch_on_behalf(&client, &source, "192.0.2.1").await;
        assert!(matches!(published, Published::Absent), "{number}: {published:?}");
    }
}
