//! `check`, the whole way: DNS, POSH, TCP, TLS, the proof, EXTERNAL.

use std::fs;
use std::net::TcpListener;

use posh::Profile;
use serde_json::Value;
use xmpp_s2s::Security;
use xmpp_s2s_testkit::{Failure, Service, well_known};

use crate::scenery::Scenery;

const HOSTED: &str = "hosted.example";

fn codes(json: &Value) -> Vec<&str> {
    json["steps"].as_array().unwrap().iter().map(|step| step["code"].as_str().unwrap()).collect()
}

fn warnings(json: &Value) -> Vec<&str> {
    let warnings = json["warnings"].as_array().unwrap();
    warnings.iter().map(|warning| warning["code"].as_str().unwrap()).collect()
}

/// A domain that publishes its hoster's certificate by this profile.
async fn hosted(profile: Profile) -> (Scenery, xmpp_s2s_testkit::Server) {
    let mut scenery = Scenery::build().await;
    let hosting = scenery.certificate("hosting.crt");
    scenery.publish(HOSTED, profile, &[&hosting]);
    let server = scenery.serve(HOSTED, &hosting).await;
    (scenery, server)
}

#[tokio::test]
async fn a_hosted_domain_is_accepted_by_posh() {
    let (scenery, _server) = hosted(Profile::Rfc7711).await;
    let ended = scenery.run(&["check", HOSTED, "--json", "--strict"]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let json = ended.json();
    assert_eq!(
        codes(&json),
        [
            "dns-found",
            "posh-found",
            "tcp-connected",
            "tls-secured",
            "cert-name-mismatch",
            "posh-match"
        ]
    );
    assert_eq!((&json["conclusion"], &json["outcome"]), (&"posh-match".into(), &"accepted".into()));
    assert_eq!(json["external"], "not-tested");
    assert_eq!(json["certificates"][0]["names"][0], "s2s.hosting.example");
}

#[tokio::test]
async fn a_domain_with_its_own_certificate_is_accepted_by_pkix() {
    let mut scenery = Scenery::build().await;
    let own = scenery.world.xmpp_authority.issue_for("own.example");
    scenery.open_web_host("own.example");
    let _server = scenery.serve("own.example", &own).await;
    let ended = scenery.run(&["check", "own.example", "--json"]).await;
    assert_eq!((ended.code, &ended.json()["conclusion"]), (Some(0), &"pkix-match".into()));
}

#[tokio::test]
async fn a_certificate_that_is_not_published_is_refused() {
    let (scenery, _server) = hosted(Profile::Rfc7711).await;
    let other = scenery.world.xmpp_authority.issue_for("s2s.hosting.example");
    scenery.world.publish(HOSTED, Profile::Rfc7711, &[&other]);
    let ended = scenery.run(&["check", HOSTED]).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stdout.contains("\nREFUSE  hosted.example: "), "{ended:?}");
    assert!(ended.stdout.contains("(posh-fingerprint-mismatch)"), "{ended:?}");
}

#[tokio::test]
async fn a_certificate_for_servers_alone_is_warned_of() {
    let mut scenery = Scenery::build().await;
    let public = scenery.world.xmpp_authority.issue_for("s2s.hosting.example");
    scenery.publish(HOSTED, Profile::Rfc7711, &[&public]);
    let _server = scenery.serve(HOSTED, &public).await;
    let ended = scenery.run(&["check", HOSTED, "--json"]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(warnings(&ended.json()), ["cert-no-client-auth-eku"]);
}

#[tokio::test]
async fn what_others_stumble_over_counts_if_it_is_to_be_strict() {
    let (scenery, _server) = hosted(Profile::Draft02).await;
    for (arguments, code) in
        [(&["check", HOSTED, "--json"][..], 0), (&["check", HOSTED, "--json", "--strict"], 3)]
    {
        let ended = scenery.run(arguments).await;
        assert_eq!(ended.code, Some(code), "{ended:?}");
        assert_eq!(warnings(&ended.json()), ["compat-draft-02"]);
    }
}

#[tokio::test]
async fn a_reference_is_followed_and_warned_of() {
    let mut scenery = Scenery::build().await;
    let hosting = scenery.certificate("hosting.crt");
    scenery.publish("hosting.example", Profile::Rfc7711, &[&hosting]);
    scenery.open_web_host(HOSTED);
    scenery.world.refer(HOSTED, Profile::Rfc7711, &well_known("hosting.example", Profile::Rfc7711));
    let _server = scenery.serve(HOSTED, &hosting).await;
    let ended = scenery.run(&["check", HOSTED, "--json"]).await;
    assert_eq!((ended.code, &ended.json()["conclusion"]), (Some(0), &"posh-match".into()));
    assert_eq!(warnings(&ended.json()), ["compat-prosody"]);
}

#[tokio::test]
async fn whoever_says_who_asks_is_told_whether_the_other_side_accepts() {
    let (mut scenery, _server) = hosted(Profile::Rfc7711).await;
    scenery.open_web_host("theirs.example");
    for (name, code, conclusion) in
        [("ours.example", 0, "stream-established"), ("theirs.example", 1, "stream-refused")]
    {
        let ours = scenery.world.xmpp_authority.issue_for("ours.example");
        fs::write(scenery.folder.path().join("our.crt"), ours.chain_pem()).unwrap();
        fs::write(scenery.folder.path().join("our.key"), ours.key_pem()).unwrap();
        let line = ["check", HOSTED, "--from", name, "--cert", "our.crt", "--key", "our.key"];
        let ended = scenery.run(&[&line[..], &["--json"]].concat()).await;
        assert_eq!(ended.code, Some(code), "{ended:?}");
        assert_eq!(ended.json()["external"], "tested");
        assert_eq!(ended.json()["conclusion"], conclusion, "{ended:?}");
    }
}

#[tokio::test]
async fn who_asks_is_said_wholly_or_not_at_all() {
    let scenery = Scenery::build().await;
    let ended = scenery.offline(&["check", HOSTED, "--from", "ours.example"]).await;
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("--cert") && ended.stderr.contains("--key"), "{ended:?}");
}

#[tokio::test]
async fn a_domain_without_a_server_is_refused() {
    let scenery = Scenery::build().await;
    scenery.world.dns.set_services(HOSTED, Security::StartTls, [Service::not_offered()]);
    let ended = scenery.run(&["check", HOSTED, "--json"]).await;
    assert_eq!((ended.code, &ended.json()["conclusion"]), (Some(1), &"srv-service-refused".into()));
}

#[tokio::test]
async fn a_failing_dns_cannot_be_judged() {
    let scenery = Scenery::build().await;
    for security in [Security::StartTls, Security::Direct] {
        scenery.world.dns.set_services_failure(HOSTED, security, Failure::ServFail);
    }
    let ended = scenery.run(&["check", HOSTED]).await;
    assert_eq!(ended.code, Some(4), "{ended:?}");
    assert!(ended.stdout.contains("\nCANNOT TELL  hosted.example: "), "{ended:?}");
}

#[tokio::test]
async fn a_silent_server_cannot_be_judged_after_the_time_out() {
    let scenery = Scenery::build().await;
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    scenery.world.locate(HOSTED, Security::Direct, &[silent.local_addr().unwrap()]);
    let ended = scenery.run(&["check", HOSTED, "--timeout", "1s", "--json"]).await;
    assert_eq!((ended.code, &ended.json()["outcome"]), (Some(4), &"cannot-tell".into()));
}

#[tokio::test]
async fn a_server_can_be_taken_for_another_and_still_has_to_prove_the_domain() {
    let (scenery, server) = hosted(Profile::Rfc7711).await;
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    scenery.world.locate(HOSTED, Security::StartTls, &[free]);
    let to = format!("target-0.{HOSTED}:{}:{}", free.port(), server.address());
    let ended = scenery.run(&["check", HOSTED, "--connect-to", &to, "--json"]).await;
    assert_eq!((ended.code, &ended.json()["conclusion"]), (Some(0), &"posh-match".into()));
}

#[tokio::test]
async fn addresses_are_those_of_the_family_that_was_asked_for() {
    let (scenery, _server) = hosted(Profile::Rfc7711).await;
    for (family, code, conclusion) in [("-4", 0, "posh-match"), ("-6", 1, "dns-no-address")] {
        let ended = scenery.run(&["check", HOSTED, family, "--json"]).await;
        let found = (ended.code, &ended.json()["conclusion"]);
        assert_eq!(found, (Some(code), &conclusion.into()), "{ended:?}");
    }
}

#[tokio::test]
async fn the_way_is_that_of_servers_alone() {
    let (scenery, _server) = hosted(Profile::Rfc7711).await;
    let server = scenery.run(&["check", HOSTED, "--service", "xmpp-server"]).await;
    assert_eq!(server.code, Some(0), "{server:?}");
    for (service, told) in [("xmpp-client", "one server to another"), ("no/service", "--service")] {
        let ended = scenery.run(&["check", HOSTED, "--service", service]).await;
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stderr.contains(told) && ended.stdout.is_empty(), "{ended:?}");
    }
}
