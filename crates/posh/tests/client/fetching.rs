//! What is found, and how it is asked for.

use std::net::TcpListener;
use std::process::Command;

use posh::{Mismatch, Profile, Published};
use rustls_pki_types::UnixTime;
use tokio::task::JoinSet;
use xmpp_s2s_testkit::{Hold, Reply, Request, well_known};

use crate::setup::{
    BOTH, DEADLINE, SOURCE, client, client_of, fetch, find, find_again, found, world,
};

#[tokio::test]
async fn published_fingerprints_are_found() {
    let (world, identity) = world().await;
    world.publish(SOURCE, Profile::Rfc7711, &[&identity]);
    let materials = found(fetch(&client(&world), SOURCE).await);
    assert_eq!(materials.profile(), Profile::Rfc7711);
    assert!(materials.find(identity.leaf(), UnixTime::now()).is_ok());
}

#[tokio::test]
async fn a_key_set_is_found_where_no_fingerprints_are_published() {
    let (world, identity) = world().await;
    world.publish(SOURCE, Profile::Draft02, &[&identity]);
    let materials = found(fetch(&client(&world), SOURCE).await);
    assert_eq!(materials.profile(), Profile::Draft02);
    assert!(materials.find(identity.leaf(), UnixTime::now()).is_ok());
}

#[tokio::test]
async fn a6_a_reset_on_the_path_of_the_fingerprints_is_no_reason_to_use_a_key_set() {
    let (world, identity) = world().await;
    world.publish(SOURCE, Profile::Draft02, &[&identity]);
    world.reply(SOURCE, Profile::Rfc7711, Reply::reset());
    let published = fetch(&client(&world), SOURCE).await;
    assert!(matches!(published, Published::Unknown(_)), "{published:?}");
}

#[tokio::test]
async fn a20_a_key_that_the_key_set_burns_is_refused_under_fingerprints_too() {
    let (world, identity) = world().await;
    world.publish(SOURCE, Profile::Rfc7711, &[&identity]);
    let leaves = [identity.leaf().clone()];
    let keys = posh::publish::document(&leaves, Profile::Draft02, &[], DEADLINE).unwrap();
    let burnt = keys.replace(r#""kty""#, r#""d":"AA","kty""#);
    world.reply(SOURCE, Profile::Draft02, Reply::json(burnt));
    let materials = found(fetch(&client(&world), SOURCE).await);
    let mismatch = materials.find(identity.leaf(), UnixTime::now()).unwrap_err();
    assert_eq!(mismatch, Mismatch::PrivateKeyPublished);
}

#[tokio::test]
async fn nothing_published_is_absent() {
    let (world, _) = world().await;
    assert!(matches!(fetch(&client(&world), SOURCE).await, Published::Absent));
}

#[tokio::test]
async fn one_profile_alone_is_asked_for_alone() {
    for profile in BOTH {
        let (world, identity) = world().await;
        world.publish(SOURCE, profile, &[&identity]);
        let client = client_of(&world, &[profile]);
        assert_eq!(found(fetch(&client, SOURCE).await).profile(), profile);
        assert_eq!(world.web.requests().len(), 1);
    }
}

#[tokio::test]
async fn no_profile_asks_for_nothing() {
    let (world, _) = world().await;
    let published = fetch(&client_of(&world, &[]), SOURCE).await;
    assert!(matches!(published, Published::Absent));
    assert!(world.web.connections().is_empty());
}

#[tokio::test]
async fn both_paths_are_asked_for_at_once() {
    let (world, identity) = world().await;
    world.publish(SOURCE, Profile::Rfc7711, &[&identity]);
    let hold = Hold::new();
    for profile in BOTH {
        world.reply(SOURCE, profile, Reply::status(404).held_by(&hold));
    }
    let client = client(&world);
    let fetching = tokio::spawn(async move { fetch(&client, SOURCE).await });
    let both = |requests: &[_]| requests.len() == 2;
    world.web.requests().wait_for_all(both, DEADLINE).await.unwrap();
    hold.release();
    assert!(matches!(fetching.await.unwrap(), Published::Absent));
}

#[tokio::test]
async fn ph17_a_request_says_no_more_than_it_must() {
    let (world, _) = world().await;
    fetch(&client_of(&world, &[Profile::Draft02]), "IM.Example.").await;
    let request = &world.web.requests().all()[0];
    assert_eq!(request.server_name, SOURCE);
    assert_eq!(request.line, "GET /.well-known/posh._xmpp-server._tcp.json HTTP/1.1");
    says_no_more_than_it_must(request, SOURCE);
}

#[tokio::test]
async fn ph17_a_request_after_a_redirect_or_reference_says_no_more_either() {
    let (world, _) = world().await;
    world.open_web_host("www.im.example");
    for leading in [
        Reply::redirect(302, "https://www.im.example/x.json"),
        Reply::json(r#"{"url":"https://www.im.example/x.json"}"#),
    ] {
        let leading = leading.header("Set-Cookie", "a=b; Domain=im.example; Path=/");
        world.reply(SOURCE, Profile::Draft02, leading.header("Alt-Svc", "h2=\":443\""));
        world.web.requests().clear();
        fetch(&client_of(&world, &[Profile::Draft02]), SOURCE).await;
        let request = &world.web.requests().all()[1];
        assert_eq!(request.line, "GET /x.json HTTP/1.1");
        says_no_more_than_it_must(request, "www.im.example");
    }
}

#[track_caller]
fn says_no_more_than_it_must(request: &Request, host: &str) {
    let mut headers = request.headers.clone();
    headers.sort();
    let expected = [
        ("accept", "application/jwk-set+json, application/json"),
        ("accept-encoding", "identity"),
        ("host", host),
    ];
    assert_eq!(headers, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

#[tokio::test]
async fn ph03_a_redirect_is_followed_and_not_remembered() {
    let (world, identity) = world().await;
    let target = "https://www.im.example/posh.json";
    world.open_web_host("www.im.example");
    world.publish_at("www.im.example", "/posh.json", Profile::Rfc7711, &[&identity]);
    world.reply(SOURCE, Profile::Rfc7711, Reply::redirect(301, target));
    let client = client_of(&world, &[Profile::Rfc7711]);
    let first = find(&client, SOURCE).await;
    let second = find_again(&client, &first, SOURCE).await;
    for finding in [first, second] {
        assert_eq!(found(finding.published).walked().last().unwrap().as_str(), target);
    }
    let hosts: Vec<_> =
        world.web.requests().all().into_iter().map(|request| request.server_name).collect();
    assert_eq!(hosts, [SOURCE, "www.im.example", SOURCE, "www.im.example"]);
}

#[tokio::test]
async fn a_reference_is_followed() {
    for profile in BOTH {
        let (world, identity) = world().await;
        world.publish("hosting.example", profile, &[&identity]);
        world.refer(SOURCE, profile, &well_known("hosting.example", profile));
        let materials = found(fetch(&client(&world), SOURCE).await);
        assert_eq!(materials.source().as_ref(), SOURCE);
        assert!(materials.find(identity.leaf(), UnixTime::now()).is_ok());
    }
}

#[tokio::test]
async fn ca03_ten_thousand_that_ask_meanwhile_share_one_lookup() {
    let (world, identity) = world().await;
    let hold = Hold::new();
    world.publish(SOURCE, Profile::Rfc7711, &[&identity]);
    world.reply(SOURCE, Profile::Draft02, Reply::status(404).held_by(&hold));
    let client = client(&world);
    let mut fetching = JoinSet::new();
    for _ in 0..10_000 {
        let client = client.clone();
        fetching.spawn(async move { fetch(&client, SOURCE).await });
    }
    let both = |requests: &[_]| requests.len() == 2;
    world.web.requests().wait_for_all(both, DEADLINE).await.unwrap();
    hold.release();
    for published in fetching.join_all().await {
        found(published);
    }
    assert_eq!(world.web.requests().len(), 2);
}

#[tokio::test]
async fn ca13_who_stops_waiting_harms_nobody() {
    let (world, identity) = world().await;
    let hold = Hold::new();
    world.publish(SOURCE, Profile::Rfc7711, &[&identity]);
    world.reply(SOURCE, Profile::Draft02, Reply::status(404).held_by(&hold));
    let client = client(&world);
    let impatient = tokio::spawn({
        let client = client.clone();
        async move { fetch(&client, SOURCE).await }
    });
    let both = |requests: &[_]| requests.len() == 2;
    world.web.requests().wait_for_all(both, DEADLINE).await.unwrap();
    impatient.abort();
    assert!(impatient.await.unwrap_err().is_cancelled());
    let patient = tokio::spawn(async move { fetch(&client, SOURCE).await });
    hold.release();
    found(patient.await.unwrap());
    assert_eq!(world.web.requests().len(), 2);
}

/// Runs another test of this binary as a program of its own, with a proxy in its environment.
#[test]
fn ph17_proxies_of_the_environment_are_not_asked() {
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    proxy.set_nonblocking(true).unwrap();
    let url = format!("http://{}", proxy.local_addr().unwrap());
    let names =
        ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "fetching::published_fingerprints_are_found"])
        .envs(names.map(|name| (name, &url)))
        .output()
        .unwrap();
    assert!(output.status.success());
    let report = String::from_utf8(output.stdout).unwrap();
    assert!(report.contains("1 passed"), "the other test did not run: {report}");
    assert!(proxy.accept().is_err(), "the proxy was asked");
}
