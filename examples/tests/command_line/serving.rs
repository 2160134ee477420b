//! What an operator sees of `serve`: at the start, of each decision, and at the end.

mod stopping;

use serde_json::Value;
use tempfile::TempDir;
use xmpp_s2s::Code;
use xmpp_s2s_testkit::{Certificate, Failure, message};

use crate::program::{Ended, Scenery, Serving, free_address, program, run};
use crate::{HERE, THERE, echo};

/// A line of the log has these words, in this order.
fn assert_in_order(line: &str, words: &[&str]) {
    let mut rest = line;
    for word in words {
        let at = rest.find(word).unwrap_or_else(|| panic!("no {word:?} in its place in {line}"));
        rest = &rest[at + word.len()..];
    }
}

#[tokio::test]
async fn serve_tells_what_it_serves_and_with_which_certificate() {
    let scenery = Scenery::build().await;
    let config = scenery.config(THERE, ([127, 0, 0, 1], 0).into());
    let mut there = Serving::spawn(program(), &config);
    let line = there.logged(" serving ").await;
    let words = ["INFO", "domain=there.example", "names=\"there.example\"", "until=\"20"];
    assert_in_order(&line, &words);
    let [sha256, hex] = [" sha256=\"", " hex=\""]
        .map(|start| line.split_once(start).unwrap().1.split('"').next().unwrap().to_owned());
    assert_eq!((sha256.len(), hex.len()), (44, 64), "{line}");
}

#[tokio::test]
async fn serve_warns_of_a_certificate_that_has_expired() {
    let scenery = Scenery::build().await;
    let config = scenery.config(THERE, ([127, 0, 0, 1], 0).into());
    let expired = scenery.world.xmpp_authority.issue(&Certificate::new([THERE]).days(-9..-2));
    scenery.write("there.example.crt", &expired.chain_pem());
    scenery.write("there.example.key", &expired.key_pem());
    let warning = Serving::spawn(program(), &config).logged("expired").await;
    assert!(warning.contains("WARN") && warning.contains("domain=there.example"), "{warning}");
}

#[tokio::test]
async fn serve_logs_json_if_asked() {
    let scenery = Scenery::build().await;
    let config = scenery.config(THERE, ([127, 0, 0, 1], 0).into());
    let mut command = program();
    command.args(["--log-format", "json"]);
    let mut there = Serving::spawn(command, &config);
    let line = there.logged("listening").await;
    let json: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(json["fields"]["message"], "listening");
}

#[tokio::test]
async fn serve_finds_nothing_wrong_with_an_ordinary_domain() {
    let scenery = Scenery::build().await;
    let address = free_address();
    scenery.locate(THERE, address);
    let mut there = Serving::start(program(), &scenery.config(THERE, address)).await;
    for told in [
        "others can prove the domain by PKIX",
        "the DNS leads others here",
        "looked at our domains as others do domains=1 bad=0 unclear=0",
    ] {
        let line = there.logged(told).await;
        assert!(line.contains(" INFO "), "{line}");
    }
}

#[tokio::test]
async fn serve_tells_what_is_wrong_for_others_with_the_fix() {
    let scenery = Scenery::build().await;
    let config = scenery.config(THERE, ([127, 0, 0, 1], 0).into());
    let hosting = scenery.world.xmpp_authority.issue_for("s2s.hosting.example");
    scenery.write("there.example.crt", &hosting.chain_pem());
    scenery.write("there.example.key", &hosting.key_pem());
    let mut there = Serving::start(program(), &config).await;
    // Nothing in the DNS leads anywhere yet.
    let line = there.logged("others refuse the domain if they, too, cannot learn").await;
    let fix = "fix=let the web host there.example answer, and publish at \
               https://there.example/.well-known/posh/xmpp-server.json this: {\"";
    let why = "there.example does not exist (";
    assert_in_order(&line, &["WARN", "domain=there.example", "code=\"posh-", "why=", why, fix]);
    assert!(!line.contains("Query"), "{line}");
    let line = there.logged("others cannot find the domain's server in the DNS").await;
    let fix = format!(
        "fix=add the record _xmpp-server._tcp.there.example. SRV 0 0 {}",
        there.address.port()
    );
    assert_in_order(&line, &["WARN", "code=\"dns-nxdomain\"", &fix]);
    there.logged("looked at our domains as others do domains=1 bad=1").await;
}

#[tokio::test]
async fn serve_answers_and_ends_while_it_still_looks_at_its_domains() {
    let scenery = Scenery::build().await;
    // Where its web host is, it does not learn before the ten seconds for POSH are over.
    scenery.world.dns.set_failure(THERE, Failure::Silence);
    let mut there = scenery.serve(THERE).await;
    let _echoed = echo(&scenery).await;
    there.signal("TERM").await;
    let lines = there.logged_until("stopped; everything was sent").await;
    let has_looked = |line: &String| line.contains("looked at our domains");
    assert!(!lines.iter().any(has_looked), "{lines:?}");
    assert_eq!(there.ended().await, Some(0));
}

#[tokio::test]
async fn a_decision_is_one_line_that_begins_with_what_matters() {
    let scenery = Scenery::build().await;
    let mut there = scenery.serve(THERE).await;
    let _echoed = echo(&scenery).await;
    for direction in ["inbound", "outbound"] {
        let line = there.logged("s2s decision").await;
        assert_in_order(
            &line,
            &[
                "INFO xmpp_s2s: s2s decision outcome=\"accepted\" code=\"stream-established\"",
                &format!("direction=\"{direction}\" prooftype=\"pkix\""),
                "local=there.example remote=here.example peer=127.0.0.1:",
                "cert_sha256=",
                "elapsed_ms=",
                "trail=",
            ],
        );
    }
}

#[tokio::test]
async fn serve_refuses_whom_its_file_blocks() {
    let scenery = Scenery::build().await;
    let mut there = scenery.serve_with(THERE, "block = [\"here.example\"]").await;
    let identity = scenery.world.xmpp_authority.issue_for(HERE);
    let here = scenery.world.server("xmpp.here.example").domain(HERE, &identity);
    let here = here.start().await.unwrap();
    let sent = here.endpoint().send(message("x@here.example", "echo@there.example", "hello"));
    let undelivered = sent.await.unwrap_err();
    assert_eq!(undelivered.trail.conclusion(), Some(Code::StreamRefused));
    let line = there.logged(" blocked ").await;
    assert_in_order(&line, &["INFO", "local=there.example remote=here.example"]);
}

#[tokio::test]
async fn config_prints_the_file_that_serve_reads() {
    let ended = run(&["config"]).await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    for key in ["\nlisten = [", "\n#resolver = ", "\n[[domain]]\n", "\n#[[peer]]\n"] {
        assert!(ended.stdout.contains(key), "{key:?} {}", ended.stdout);
    }
}

#[tokio::test]
async fn serve_without_a_file_tells_how_to_get_one() {
    let ended = run(&["serve", "--config", "/nowhere/server.toml"]).await;
    assert_eq!(ended.code, Some(2));
    let told = "error: cannot read /nowhere/server.toml; write one with `federating-server config";
    assert!(ended.stderr.starts_with(told), "{}", ended.stderr);
}

#[tokio::test]
async fn serve_on_a_system_without_roots_tells_how_to_get_them() {
    let scenery = Scenery::build().await;
    let config = scenery.config(THERE, ([127, 0, 0, 1], 0).into());
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text.replace("roots = [\"roots.pem\"]\n", "")).unwrap();
    let nothing = TempDir::new().unwrap();
    let mut serve = program();
    serve.args(["serve", "--config", &config]);
    serve.env("SSL_CERT_FILE", nothing.path().join("none")).env("SSL_CERT_DIR", nothing.path());
    let ended = Ended::of(&mut serve).await;
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    let told = "error: cannot load the system's trust anchors; install them (Debian: \
                ca-certificates), or name PEM files with `roots` and `web-roots`";
    assert!(ended.stderr.starts_with(told), "{}", ended.stderr);
}
