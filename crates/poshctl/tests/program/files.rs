//! Commands that need no network.

use std::fs;

use crate::scenery::Scenery;

const HOSTED: [&str; 3] = ["verify", "--domain", "hosted.example"];

#[tokio::test]
async fn what_gen_makes_verify_takes_in_either_form() {
    let scenery = Scenery::build().await;
    scenery.certificate("new.crt");
    scenery.certificate("old.crt");
    scenery.certificate("other.crt");
    let made =
        scenery.offline(&["gen", "--pem", "new.crt", "--pem", "old.crt", "--out", "www"]).await;
    assert_eq!(made.code, Some(0), "{made:?}");
    for document in ["posh/xmpp-server.json", "posh._xmpp-server._tcp.json"] {
        let document = format!("www/.well-known/{document}");
        for (certificate, code) in [("new.crt", 0), ("old.crt", 0), ("other.crt", 1)] {
            let arguments = ["--cert", certificate, "--doc", &document];
            let ended = scenery.offline(&[&HOSTED[..], &arguments].concat()).await;
            assert_eq!(ended.code, Some(code), "{document} {certificate} {ended:?}");
        }
    }
}

#[tokio::test]
async fn gen_writes_for_every_service_and_leaves_what_is_the_same() {
    let scenery = Scenery::build().await;
    scenery.certificate("a.crt");
    let line = ["gen", "--pem", "a.crt", "--service", "xmpp-server,xmpp-client", "--out", "www"];
    let first = scenery.offline(&line).await;
    assert_eq!(first.stdout.matches("wrote www/.well-known/posh").count(), 4, "{first:?}");
    let second = scenery.offline(&line).await;
    assert_eq!(second.stdout.matches("unchanged ").count(), 4, "{second:?}");
    let files = fs::read_dir(scenery.folder.path().join("www/.well-known")).unwrap();
    assert_eq!(files.count(), 3, "no file is left beside the documents");
}

#[cfg(unix)]
#[tokio::test]
async fn what_gen_writes_the_web_server_can_read_whatever_the_umask() {
    let scenery = Scenery::build().await;
    scenery.certificate("a.crt");
    under_umask_077(&scenery, "gen --pem a.crt --out www");
    for (path, expected) in [
        ("www", 0o755),
        ("www/.well-known", 0o755),
        ("www/.well-known/posh", 0o755),
        ("www/.well-known/posh/xmpp-server.json", 0o644),
        ("www/.well-known/posh._xmpp-server._tcp.json", 0o644),
    ] {
        assert_eq!(mode(&scenery, path), expected, "{path}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn what_was_there_keeps_its_mode() {
    use std::os::unix::fs::PermissionsExt as _;
    let scenery = Scenery::build().await;
    scenery.certificate("a.crt");
    let document = "www/.well-known/posh/xmpp-server.json";
    let modes = [("www", 0o750), ("www/.well-known", 0o755), (document, 0o664)];
    under_umask_077(&scenery, "gen --pem a.crt --out www");
    for (path, mode) in modes {
        let path = scenery.folder.path().join(path);
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }
    under_umask_077(&scenery, "gen --pem a.crt --out www --expires 2h");
    for (path, expected) in modes {
        assert_eq!(mode(&scenery, path), expected, "{path}");
    }
}

#[cfg(unix)]
fn mode(scenery: &Scenery, path: &str) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(scenery.folder.path().join(path)).unwrap().permissions().mode() & 0o7777
}

/// Runs the program where what is created is for nobody else, as by root on careful hosts.
#[cfg(unix)]
fn under_umask_077(scenery: &Scenery, line: &str) {
    let output = std::process::Command::new("sh")
        .args(["-c", &format!("umask 077 && exec \"$0\" {line}")])
        .arg(env!("CARGO_BIN_EXE_poshctl"))
        .current_dir(scenery.folder.path())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && told.contains("wrote "), "{output:?}");
}

#[tokio::test]
async fn gen_writes_nothing_where_something_is_wrong_and_exits_with_2() {
    let scenery = Scenery::build().await;
    scenery.certificate("a.crt");
    fs::write(scenery.folder.path().join("no.crt"), "nothing").unwrap();
    for (line, told) in [
        (&["gen"][..], "--pem"),
        (&["gen", "--pem", "missing.crt"], "missing.crt"),
        (&["gen", "--pem", "no.crt"], "cannot be read"),
        (&["gen", "--der", "no.crt"], "cannot be read"),
        (&["gen", "--pem", "a.crt", "--format", "both"], "--out"),
        (&["ref", "--url", "http://hosting.example/"], "https"),
        (&["ref", "--url", "https://hosting.example/x.json", "--format", "both"], "of one format"),
    ] {
        let ended = scenery.offline(line).await;
        assert_eq!(ended.code, Some(2), "{line:?} {ended:?}");
        assert!(ended.stderr.contains(told) && ended.stdout.is_empty(), "{line:?} {ended:?}");
    }
}

#[tokio::test]
async fn a_reference_needs_what_it_points_to() {
    let scenery = Scenery::build().await;
    scenery.certificate("a.crt");
    let url = "https://hosting.example/.well-known/posh/xmpp-server.json";
    let reference = scenery.offline(&["ref", "--url", url]).await;
    assert!(reference.stderr.starts_with("warning: compat-prosody: "), "{reference:?}");
    let list = scenery.offline(&["gen", "--pem", "a.crt"]).await;
    for (file, ended) in [("ref.json", &reference), ("list.json", &list)] {
        fs::write(scenery.folder.path().join(file), &ended.stdout).unwrap();
    }
    let arguments = ["--cert", "a.crt", "--profile", "rfc7711", "--doc", "ref.json"];
    let line = [&HOSTED[..], &arguments].concat();
    let alone = scenery.offline(&line).await;
    assert_eq!(alone.code, Some(2), "{alone:?}");
    assert!(alone.stderr.contains(url), "{alone:?}");
    let both = scenery.offline(&[&line[..], &["--doc", "list.json", "--json"]].concat()).await;
    assert_eq!(both.code, Some(0), "{both:?}");
    assert_eq!(both.json()["conclusion"], "posh-match");
}

#[tokio::test]
async fn a_reference_is_of_the_one_format_that_its_target_is_of() {
    for (arguments, expected) in [
        (&[][..], "posh/xmpp-server.json"),
        (&["--format", "draft02"], "posh._xmpp-server._tcp.json"),
    ] {
        let scenery = Scenery::build().await;
        let line = ["ref", "--url", "https://hosting.example/x.json", "--out", "www"];
        let ended = scenery.offline(&[&line, arguments].concat()).await;
        let wrote = format!("wrote www/.well-known/{expected}\n");
        assert_eq!((ended.code, &ended.stdout), (Some(0), &wrote), "{ended:?}");
    }
}

#[tokio::test]
async fn the_clock_decides_about_dates() {
    let scenery = Scenery::build().await;
    scenery.certificate("a.crt");
    let list = scenery.offline(&["gen", "--pem", "a.crt", "--clock", "2999-01-01T00:00:00Z"]).await;
    assert!(list.stderr.starts_with("warning: cert-out-of-date: "), "{list:?}");
    fs::write(scenery.folder.path().join("list.json"), &list.stdout).unwrap();
    let arguments = ["--cert", "a.crt", "--profile", "rfc7711", "--doc", "list.json", "--json"];
    let line = [&HOSTED[..], &arguments].concat();
    let late = scenery.offline(&[&line[..], &["--clock", "2999-01-01T00:00:00Z"]].concat()).await;
    assert_eq!((late.code, &late.json()["conclusion"]), (Some(1), &"cert-expired".into()));
    let now = scenery.offline(&line).await;
    assert_eq!((now.code, &now.json()["conclusion"]), (Some(0), &"posh-match".into()));
}

#[tokio::test]
async fn codes_are_explained_and_other_words_are_not() {
    let scenery = Scenery::build().await;
    let known = scenery.offline(&["explain", "compat-prosody", "--json"]).await;
    assert_eq!((known.code, &known.json()["severity"]), (Some(0), &"warning".into()));
    let all = scenery.offline(&["explain"]).await;
    assert!(all.stdout.contains("\nposh-fingerprint-mismatch "), "{all:?}");
    let unknown = scenery.offline(&["explain", "nonsense"]).await;
    assert_eq!(unknown.code, Some(2), "{unknown:?}");
}

#[tokio::test]
async fn what_cannot_be_written_is_told() {
    let script = "\"$0\" explain > /dev/full";
    let output = std::process::Command::new("sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_poshctl")])
        .output()
        .unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.starts_with("error: cannot write to standard output; see that"), "{told}");
}

#[tokio::test]
async fn completions_and_the_manual_page_have_every_command() {
    let scenery = Scenery::build().await;
    for line in [&["completions", "bash"][..], &["completions", "zsh"], &["man"]] {
        let ended = scenery.offline(line).await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        for command in ["gen", "ref", "lint", "verify", "check", "explain"] {
            assert!(ended.stdout.contains(command), "{line:?} {command}");
        }
    }
}

#[tokio::test]
async fn colours_are_for_terminals_unless_they_are_asked_for() {
    let scenery = Scenery::build().await;
    for (line, coloured) in [
        (&["explain", "cert-expired"][..], false),
        (&["explain", "cert-expired", "--color", "always"], true),
        (&["explain", "cert-expired", "--color", "never"], false),
    ] {
        let ended = scenery.offline(line).await;
        assert_eq!(ended.stdout.contains('\x1b'), coloured, "{ended:?}");
    }
    let quiet = scenery.offline(&["explain", "cert-expired", "--quiet"]).await;
    assert_eq!((quiet.code, quiet.stdout.as_str()), (Some(0), ""));
}
