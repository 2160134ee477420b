//! `lint`, of files and of web hosts.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, TcpListener};

use posh::Profile;
use serde_json::Value;
use xmpp_s2s_testkit::Reply;

use crate::scenery::{Ended, Scenery};

const HOSTED: &str = "hosted.example";
const URL: &str = "https://hosted.example/.well-known/posh/xmpp-server.json";
const DIGEST: &str = "4/mggdlVx8A3pvHAWW5sD+qJyMtUHgiRuPjVC48N0XQ";

/// Lints a document of this text.
async fn lint(text: &str, arguments: &[&str]) -> Ended {
    let scenery = Scenery::build().await;
    fs::write(scenery.folder.path().join("xmpp-server.json"), text).unwrap();
    let line = [&["lint", "xmpp-server.json", "--json"], arguments].concat();
    scenery.offline(&line).await
}

fn warnings(ended: &Ended) -> Vec<String> {
    let warnings = ended.json()["warnings"].as_array().cloned().unwrap_or_default();
    warnings.iter().map(|warning| warning["code"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_document_that_breaks_a_rule_is_bad() {
    for (text, code) in [
        ("{", "posh-invalid-json"),
        (r#"{"fingerprints":[{"sha-256":"x"}]}"#, "posh-expires-missing"),
        (r#"{"fingerprints":[],"expires":3600}"#, "posh-empty"),
        (r#"{"fingerprints":[{"sha-256":"x"}],"expires":3600}"#, "posh-empty"),
        (r#"{"fingerprints":[{"sha-1":"x"}],"expires":3600}"#, "posh-no-supported-hash"),
        (
            r#"{"fingerprints":[],"url":"https://a.example/","expires":1}"#,
            "posh-url-and-fingerprints",
        ),
        (r#"{"url":"http://a.example/","expires":3600}"#, "posh-reference-not-https"),
        (r#"{"keys":[]}"#, "posh-invalid-document"),
    ] {
        let ended = lint(text, &[]).await;
        assert_eq!(ended.code, Some(1), "{text} {ended:?}");
        assert_eq!(ended.json()["code"], code, "{text}");
    }
}

#[tokio::test]
async fn warnings_are_for_those_who_are_asked_for() {
    let text = format!(r#"{{"fingerprints":[{{"sha-256":"{DIGEST}"}}],"expires":3600}}"#);
    for (arguments, expected, code) in [
        (&[][..], &["compat-padding"][..], 0),
        (&["--strict"], &["compat-padding"], 3),
        (&["--for", "conversations", "--strict"], &["compat-padding"], 3),
        (&["--for", "prosody", "--strict"], &[], 0),
    ] {
        let ended = lint(&text, arguments).await;
        assert_eq!(
            (warnings(&ended).as_slice(), ended.code),
            (&expected.iter().map(ToString::to_string).collect::<Vec<_>>()[..], Some(code)),
            "{arguments:?}"
        );
    }
}

#[tokio::test]
async fn what_others_stumble_over_is_warned_of() {
    let padded = format!("{DIGEST}=");
    for (text, expected) in [
        (format!(r#"{{"fingerprints":[{{"sha-256":"{padded}"}}],"expires":3600}}"#), &[][..]),
        (
            format!(
                r#"{{"fingerprints":[{{"sha-256":"{padded}"}},{{"md5":"x"}}],"expires":60,"x":1}}"#
            ),
            &["unknown-member", "expires-short", "entry-unusable"],
        ),
        (
            r#"{"url":"https://hosting.example/posh.json","expires":604800}"#.to_owned(),
            &["expires-long", "compat-prosody"],
        ),
    ] {
        assert_eq!(warnings(&lint(&text, &[]).await), expected, "{text}");
    }
}

#[tokio::test]
async fn a_name_that_does_not_tell_needs_a_profile() {
    let scenery = Scenery::build().await;
    let ended = scenery.offline(&["lint", "keys.json"]).await;
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("--profile"), "{ended:?}");
}

/// What is said of what the web host answers.
async fn answered(reply: Reply) -> (Option<i32>, Value) {
    let mut scenery = Scenery::build().await;
    scenery.open_web_host(HOSTED);
    scenery.world.reply(HOSTED, Profile::Rfc7711, reply);
    let ended = scenery.run(&["lint", URL, "--json"]).await;
    (ended.code, ended.json())
}

#[tokio::test]
async fn a_published_document_is_fetched() {
    let mut scenery = Scenery::build().await;
    let identity = scenery.certificate("a.crt");
    scenery.publish(HOSTED, Profile::Rfc7711, &[&identity]);
    let ended = scenery.run(&["lint", URL, "--strict"]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.contains("GOOD  1 entry, may be kept for 1 h"), "{ended:?}");
}

#[tokio::test]
async fn answers_without_a_document_are_told_apart() {
    for (reply, code, word) in [
        (Reply::status(404), 1, "posh-not-published"),
        (Reply::status(500), 4, "posh-http-status"),
        (Reply::document("text/html", "<html>"), 1, "posh-bad-content-type"),
        (Reply::oversized(100_000), 1, "posh-too-large"),
    ] {
        let (ended, json) = answered(reply).await;
        assert_eq!((ended, &json["code"]), (Some(code), &word.into()), "{json}");
    }
}

#[tokio::test]
async fn a_document_of_another_type_is_warned_of() {
    let text = format!(r#"{{"fingerprints":[{{"sha-256":"{DIGEST}="}}],"expires":3600}}"#);
    let (code, json) = answered(Reply::document("text/plain", text)).await;
    assert_eq!((code, &json["warnings"][0]["code"]), (Some(0), &"posh-content-type".into()));
}

#[tokio::test]
async fn a_web_host_that_is_not_who_it_should_be_is_found_out() {
    let mut scenery = Scenery::build().await;
    scenery.open_web_host(HOSTED);
    let other = scenery.world.web_authority.issue_for("other.example");
    scenery.world.open_web_host_as(HOSTED, &other);
    let ended = scenery.run(&["lint", URL, "--json"]).await;
    assert_eq!((ended.code, &ended.json()["code"]), (Some(4), &"posh-https-name-mismatch".into()));
    let unknown = scenery.world.xmpp_authority.issue_for(HOSTED);
    scenery.world.open_web_host_as(HOSTED, &unknown);
    fs::write(scenery.folder.path().join("ca.pem"), scenery.world.web_authority.root_pem())
        .unwrap();
    let ended = scenery.run(&["lint", URL, "--json"]).await;
    assert_eq!((ended.code, &ended.json()["code"]), (Some(4), &"posh-https-untrusted".into()));
}

#[tokio::test]
async fn a_web_host_that_does_not_answer_cannot_be_judged() {
    let scenery = Scenery::build().await;
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let to = format!("{HOSTED}:443:{free}");
    let ended = scenery.run(&["lint", URL, "--json", "--connect-to", &to]).await;
    assert_eq!((ended.code, &ended.json()["code"]), (Some(4), &"posh-unreachable".into()));
}

#[tokio::test]
async fn what_is_connected_to_in_place_of_a_host_is_so_for_its_port_alone() {
    let scenery = Scenery::build().await;
    let identity = scenery.certificate("a.crt");
    scenery.world.publish(HOSTED, Profile::Rfc7711, &[&identity]);
    let web = scenery.world.web.address();
    let url = URL.replace(HOSTED, &format!("{HOSTED}:{}", web.port()));
    let nowhere = Ipv4Addr::new(127, 0, 0, 2);
    let to = format!("{HOSTED}:443:{nowhere}:443");
    let ended = scenery.run(&["lint", &url, "--connect-to", &to]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    scenery.world.dns.set_addresses(HOSTED, [IpAddr::from(nowhere)]);
    let to = format!("{HOSTED}:{}:{web}", web.port());
    let ended = scenery.run(&["lint", &url, "--connect-to", &to]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

#[tokio::test]
async fn what_cannot_be_connected_to_in_place_of_a_host_is_told() {
    let scenery = Scenery::build().await;
    for (host, to) in [
        ("127.0.0.1", "127.0.0.1:443:127.0.0.2:443"),
        ("hosted.example:8443", "hosted.example:8443:127.0.0.2:443"),
    ] {
        let url = URL.replace(HOSTED, host);
        let ended = scenery.run(&["lint", &url, "--connect-to", to]).await;
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stderr.contains(to), "{ended:?}");
    }
}
