//! What an operator sees of `serve`: at the start, of each decision, and at the end.

mod stopping;

use tempfile::TempDir;
use xmpp_s2s::Code;
use xmpp_s2s_testkit::message;

use crate::program::{Ended, Scenery, program, run};
use crate::{HERE, THERE};

/// A line of the log has these words, in this order.
fn assert_in_order(line: &str, words: &[&str]) {
    let mut rest = line;
    for word in words {
        let at = rest.find(word).unwrap_or_else(|| panic!("no {word:?} in its place in {line}"));
        rest = &rest[at + word.len()..];
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
