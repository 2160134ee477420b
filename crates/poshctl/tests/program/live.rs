//! `gen --live`: documents of what servers show.

use std::fs;
use std::net::TcpListener;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use posh::HashFunction;
use xmpp_s2s::Security;
use xmpp_s2s_testkit::{Identity, Service};

use crate::scenery::{Ended, Scenery};

const HOSTED: &str = "hosted.example";

fn digest(identity: &Identity) -> String {
    STANDARD.encode(HashFunction::Sha256.digest(identity.leaf()))
}

/// The digests in the document that was printed.
fn listed(ended: &Ended) -> Vec<String> {
    let json = ended.json();
    let entries = json["fingerprints"].as_array().unwrap();
    entries.iter().map(|entry| entry["sha-256"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn what_a_server_shows_is_listed_and_said_to_be_unproved() {
    let scenery = Scenery::build().await;
    let hosting = scenery.certificate("hosting.crt");
    let _server = scenery.serve(HOSTED, &hosting).await;
    let ended = scenery.run(&["gen", "--live", HOSTED, "--starttls", "xmpp-server"]).await;
    assert_eq!((ended.code, listed(&ended)), (Some(0), vec![digest(&hosting)]), "{ended:?}");
    let note = format!("{HOSTED} is taken as shown, unproved: sha-256 {}\n", digest(&hosting));
    assert!(ended.stderr.contains(&note), "{ended:?}");
}

#[tokio::test]
async fn the_document_of_what_is_shown_lets_the_domain_be_accepted() {
    let mut scenery = Scenery::build().await;
    let hosting = scenery.certificate("hosting.crt");
    let _server = scenery.serve(HOSTED, &hosting).await;
    let made = scenery.run(&["gen", "--live", HOSTED, "--out", "www", "--quiet"]).await;
    assert!(made.code == Some(0) && made.stderr.contains("unproved"), "{made:?}");
    scenery.open_web_host(HOSTED);
    scenery.deploy(HOSTED);
    let ended = scenery.run(&["check", HOSTED, "--json"]).await;
    assert_eq!((ended.code, &ended.json()["conclusion"]), (Some(0), &"posh-match".into()));
}

#[tokio::test]
async fn a_port_is_that_of_the_domain_itself_whatever_srv_says() {
    let scenery = Scenery::build().await;
    let hosting = scenery.certificate("hosting.crt");
    let server = scenery.serve(HOSTED, &hosting).await;
    let dns = &scenery.world.dns;
    dns.set_addresses(HOSTED, [server.address().ip()]);
    dns.set_services(HOSTED, Security::StartTls, [Service::not_offered()]);
    let place = format!("{HOSTED}:{}", server.address().port());
    for start in [&[][..], &["--direct-tls"]] {
        let ended = scenery.run(&[&["gen", "--live", &place], start].concat()).await;
        assert_eq!((ended.code, listed(&ended)), (Some(0), vec![digest(&hosting)]), "{ended:?}");
    }
}

#[tokio::test]
async fn the_way_to_start_tls_chooses_the_records() {
    let scenery = Scenery::build().await;
    let [starttls, direct] = ["a.crt", "b.crt"].map(|file| scenery.certificate(file));
    let servers = [(Security::StartTls, &starttls), (Security::Direct, &direct)];
    let mut running = Vec::new();
    for (security, identity) in servers {
        let server = scenery.world.server("s2s.example").domain(HOSTED, identity);
        running.push((security, server.reached_by(&[]).start().await.unwrap()));
    }
    for (security, server) in &running {
        scenery.world.locate(HOSTED, *security, &[server.address()]);
    }
    for (start, identity) in [(&[][..], &starttls), (&["--direct-tls"], &direct)] {
        let ended = scenery.run(&[&["gen", "--live", HOSTED], start].concat()).await;
        assert_eq!(listed(&ended), [digest(identity)], "{ended:?}");
    }
}

#[tokio::test]
async fn every_server_is_asked_and_one_that_is_silent_is_told() {
    let scenery = Scenery::build().await;
    let [one, other] = ["a.crt", "b.crt"].map(|file| scenery.certificate(file));
    let servers = [scenery.serve(HOSTED, &one).await, scenery.serve(HOSTED, &other).await];
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let places = [servers[0].address(), closed, servers[1].address()];
    scenery.world.locate(HOSTED, Security::StartTls, &places);
    let ended = scenery.run(&["gen", "--live", HOSTED]).await;
    assert_eq!(listed(&ended), [digest(&one), digest(&other)], "{ended:?}");
    let silent = ended.stderr.matches(" has shown no certificate: ").count();
    assert!(ended.stderr.contains(": tcp-unreachable: ") && silent == 1, "{ended:?}");
}

#[tokio::test]
async fn what_is_shown_keeps_its_place_among_files() {
    let scenery = Scenery::build().await;
    let [next, last] = ["next.crt", "last.crt"].map(|file| scenery.certificate(file));
    let shown = scenery.certificate("shown.crt");
    let _server = scenery.serve(HOSTED, &shown).await;
    let line = ["gen", "--pem", "next.crt", "--live", HOSTED, "--pem", "last.crt"];
    let ended = scenery.run(&line).await;
    assert_eq!(listed(&ended), [&next, &shown, &last].map(digest), "{ended:?}");
}

#[tokio::test]
async fn the_address_of_a_server_can_be_given() {
    let scenery = Scenery::build().await;
    let hosting = scenery.certificate("hosting.crt");
    let server = scenery.serve(HOSTED, &hosting).await;
    let to = format!("{HOSTED}:5269:{}", server.address());
    let line = ["gen", "--live", "hosted.example:5269", "--connect-to", &to];
    assert_eq!(listed(&scenery.run(&line).await), [digest(&hosting)]);
}

#[tokio::test]
async fn nothing_is_written_where_nothing_is_shown() {
    let scenery = Scenery::build().await;
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    scenery.world.locate(HOSTED, Security::StartTls, &[silent.local_addr().unwrap()]);
    let refusing = "refusing.example";
    scenery.world.dns.set_services(refusing, Security::StartTls, [Service::not_offered()]);
    for (domain, start, code, word) in [
        (HOSTED, &[][..], 4, "stream-timeout"),
        (HOSTED, &["--direct-tls"], 1, "dns-no-address"),
        (refusing, &[], 1, "srv-service-refused"),
    ] {
        let line = ["gen", "--live", domain, "--out", "www", "--timeout", "1s"];
        let ended = scenery.run(&[&line[..], start].concat()).await;
        assert_eq!(ended.code, Some(code), "{ended:?}");
        assert!(ended.stderr.contains(&format!("({word})")), "{ended:?}");
        assert!(fs::metadata(scenery.folder.path().join("www")).is_err());
    }
}

#[tokio::test]
async fn an_address_that_is_not_public_needs_leave() {
    let scenery = Scenery::build().await;
    let _server = scenery.serve(HOSTED, &scenery.certificate("hosting.crt")).await;
    let resolver = scenery.world.dns.address().to_string();
    let ended = scenery.offline(&["gen", "--live", HOSTED, "--resolver", &resolver]).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{ended:?}");
    assert!(ended.stderr.contains("(address-forbidden)"), "{ended:?}");
}

#[tokio::test]
async fn what_cannot_be_asked_for_is_refused_with_2() {
    let scenery = Scenery::build().await;
    for (line, told) in [
        (&["gen", "--live", "hosted.example:none"][..], "port"),
        (&["gen", "--live", HOSTED, "--starttls", "smtp"], "xmpp-server"),
        (&["gen", "--live", HOSTED, "--starttls", "xmpp-server", "--direct-tls"], "--direct-tls"),
        (&["gen", "--pem", "a.crt", "--direct-tls"], "--live"),
    ] {
        let ended = scenery.offline(line).await;
        assert_eq!(ended.code, Some(2), "{line:?} {ended:?}");
        assert!(ended.stderr.contains(told) && ended.stdout.is_empty(), "{line:?} {ended:?}");
    }
}
