//! What `demo` shows, and what its options change.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::Command;
use tokio::time::timeout;

use super::program::{DEADLINE, Ended, PROGRAM, program, run, signal};

/// How wide a page is.
const WIDTH: usize = 100;

#[tokio::test]
async fn the_demo_is_what_it_was_before() {
    let demo = run(&["demo"]).await;
    assert_eq!(demo.code, Some(0), "{}{}", demo.stdout, demo.stderr);
    assert!(demo.stdout.lines().all(|line| line.chars().count() <= WIDTH), "{}", demo.stdout);
    let shown = normalised(&demo.stdout);
    if std::env::var_os("REFRESH").is_some() {
        std::fs::write(GOLDEN, format!("{HEADER}{shown}")).unwrap();
    }
    let golden = std::fs::read_to_string(GOLDEN).unwrap();
    let golden = golden.strip_prefix(HEADER).expect("the file says how to refresh it");
    for (number, (shown, golden)) in (1..).zip(shown.lines().zip(golden.lines())) {
        assert_eq!(shown, golden, "line {number} of the demo; {HEADER}");
    }
    assert_eq!(shown, golden, "{HEADER}");
}

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/command_line/demo.txt");

const HEADER: &str = "\
# What `demo` prints, with digests, ports and times taken out. To write it anew, then look at what
# changed: REFRESH=1 cargo test -p federating-server --test command_line
";

/// `text` with a word for each digest, port and time, and no room that depends on one.
fn normalised(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("sha-256 ") {
            out += "sha-256 DIGEST";
            rest = &after[44..];
        } else if let Some(after) = rest.strip_prefix(':').and_then(port) {
            out += ":PORT";
            rest = after;
        } else if let Some(after) = rest.strip_prefix(" s2s 127.0.0.1:").and_then(port) {
            out.truncate(out.trim_end_matches(' ').len());
            out += " s2s 127.0.0.1:PORT";
            rest = after;
        } else if let Some((unit, after)) = time(rest).filter(|_| out.ends_with(' ')) {
            // It is aligned at the right.
            out.truncate(out.trim_end_matches(' ').len());
            out += " TIME ";
            out += unit;
            rest = after.trim_start_matches(' ');
            if rest.len() < after.len() {
                out.push(' ');
            }
        } else {
            out.push(character);
            rest = &rest[character.len_utf8()..];
        }
    }
    // The time to wait may be over by then.
    out.replace("with the first message after TIME s", "SOON")
        .replace("with the next message", "SOON")
}

/// What comes after a port.
fn port(text: &str) -> Option<&str> {
    let after = text.trim_start_matches(|character: char| character.is_ascii_digit());
    (4..=5).contains(&(text.len() - after.len())).then_some(after)
}

/// The unit of a time, and what comes after it.
fn time(text: &str) -> Option<(&'static str, &str)> {
    let is_number = |character: char| character.is_ascii_digit() || character == '.';
    let after = text.trim_start_matches(is_number);
    let is_empty = after.len() == text.len();
    let after = after.strip_prefix(' ').filter(|_| !is_empty)?;
    let unit = ["ms", "s"].into_iter().find(|unit| {
        let after = after.strip_prefix(unit);
        after.is_some_and(|after| !after.starts_with(char::is_alphanumeric))
    })?;
    Some((unit, &after[unit.len()..]))
}

#[test]
fn digests_ports_and_times_are_taken_out_and_nothing_else() {
    let digest = "A".repeat(44);
    let text = format!("3 scenes, 5269 at x:5269 sha-256 {digest}      0.25 ms\n  12 s   a 7 sons");
    let normal = "3 scenes, 5269 at x:PORT sha-256 DIGEST TIME ms\n TIME s a 7 sons";
    assert_eq!(normalised(&text), normal);
    for member in ["a   s2s 127.0.0.1:5269", "a  s2s 127.0.0.1:52690"] {
        assert_eq!(normalised(member), "a s2s 127.0.0.1:PORT");
    }
    for retry in ["again with the next message", "again with the first message after 5 s"] {
        assert_eq!(normalised(retry), "again SOON");
    }
}

#[tokio::test]
async fn a_plain_page_has_ascii_only() {
    let demo = Ended::of(program().arg("demo").arg("--xml").env("LC_ALL", "C")).await;
    assert_eq!(demo.code, Some(0), "{}{}", demo.stdout, demo.stderr);
    assert!(demo.stdout.is_ascii() && !demo.stdout.contains('\x1b'), "{}", demo.stdout);
    assert!(demo.stdout.lines().all(|line| line.len() <= WIDTH), "{}", demo.stdout);
    assert!(!demo.stdout.contains(" ? "), "{}", demo.stdout);
}

#[tokio::test]
async fn a_plain_list_of_scenes_has_ascii_only() {
    for arguments in [["--help"].as_slice(), &["--scene", "9"]] {
        let demo = Ended::of(program().arg("demo").args(arguments).env("LC_ALL", "C")).await;
        let shown = format!("{}{}", demo.stdout, demo.stderr);
        assert!(shown.is_ascii() && shown.contains("1  alpha.example -> hosted"), "{shown}");
    }
}

#[tokio::test]
async fn what_cannot_be_written_exits_with_2_and_a_closed_pipe_with_0() {
    for arguments in ["config", "demo --scene 5", "demo --scene 5 --json"] {
        for (target, code) in [("> /dev/full", 2), ("| true", 0)] {
            // The code of the program, not that of the last one in the pipe.
            let script = format!("{{ \"$0\" {arguments}; echo $? >&2; }} {target}");
            let shell = Command::new("sh").args(["-c", &script, PROGRAM]).output();
            let stderr = text(&timeout(DEADLINE, shell).await.unwrap().unwrap().stderr);
            let exit = stderr.lines().last().unwrap_or_default();
            assert_eq!(exit, code.to_string(), "{arguments} {target}: {stderr}");
            let is_told = stderr.starts_with("error: cannot write to standard output");
            assert_eq!(is_told, code == 2, "{arguments} {target}: {stderr}");
        }
    }
}

#[tokio::test]
async fn scenes_can_be_chosen() {
    let demo = run(&["demo", "--scene", "5", "--scene", "1", "--scene", "5"]).await;
    assert_eq!(demo.code, Some(0), "{}{}", demo.stdout, demo.stderr);
    assert_eq!(headings(&demo.stdout), ["1", "5"]);
    assert!(demo.stdout.contains("\n2 scenes, 2 as expected, "), "{}", demo.stdout);
}

/// The numbers of the scenes that were played.
fn headings(stdout: &str) -> Vec<&str> {
    let headings = stdout.lines().filter_map(|line| line.strip_prefix("── "));
    headings.filter_map(|heading| heading.split(' ').next()).collect()
}

#[tokio::test]
async fn a_scene_that_is_not_there_exits_with_2_and_tells_which_are() {
    let demo = run(&["demo", "--scene", "9"]).await;
    assert_eq!(demo.code, Some(2), "{}", demo.stderr);
    assert_eq!(demo.stdout, "");
    assert!(demo.stderr.contains("\n  1  alpha.example → hosted.example"), "{}", demo.stderr);
    assert!(demo.stderr.contains("\n  5  alpha.example → third.example"), "{}", demo.stderr);
}

#[tokio::test]
async fn json_is_one_object_with_scenes_trails_and_streams() {
    let demo = run(&["demo", "--json", "--scene", "2", "--scene", "4"]).await;
    assert_eq!((demo.code, demo.stderr.as_str()), (Some(0), ""));
    let json: Value = serde_json::from_str(&demo.stdout).unwrap();
    assert_eq!(json["as_expected"], true);
    let [inbound, forged] = json["scenes"].as_array().unwrap().as_slice() else {
        panic!("two scenes: {json}")
    };
    assert_eq!(inbound["outcome"], inbound["expected"]);
    assert_eq!(inbound["outcome"]["outcome"], "accepted");
    assert_eq!(inbound["trails"][0]["remote"], "second.example");
    assert_eq!(forged["number"], 4);
    assert_eq!(forged["outcome"]["code"], "posh-fingerprint-mismatch");
    assert_eq!(forged["trails"][0]["conclusion"], "posh-fingerprint-mismatch");
    assert!(forged["facts"].as_array().unwrap().iter().all(|fact| fact["holds"] == true));
    let stanzas = forged["stanzas"].as_array().unwrap();
    assert!(stanzas[1].as_str().unwrap().contains("type='error'"), "{stanzas:?}");
    let directions: Vec<_> =
        json["streams"].as_array().unwrap().iter().map(|row| &row["direction"]).collect();
    assert_eq!(directions, ["<--", "-x-"]);
}

#[tokio::test]
async fn json_of_a_roll_over_has_the_proof_that_changed_and_what_became_of_the_messages() {
    let demo = run(&["demo", "--json", "--scene", "6"]).await;
    assert_eq!((demo.code, demo.stderr.as_str()), (Some(0), ""));
    let json: Value = serde_json::from_str(&demo.stdout).unwrap();
    let scene = &json["scenes"][0];
    let steps = scene["trails"][0]["steps"].as_array().unwrap().iter();
    let steps = steps.filter(|step| step["phase"] == "posh-match");
    let codes: Vec<_> = steps.map(|step| &step["code"]).collect();
    assert_eq!(codes, ["posh-fingerprint-mismatch", "posh-match"]);
    let facts = scene["facts"].as_array().unwrap();
    assert!(facts.iter().any(|fact| fact["fact"].as_str().unwrap().starts_with("200 of 200 ")));
    assert!(facts.iter().all(|fact| fact["holds"] == true), "{facts:?}");
}

#[tokio::test]
async fn json_goes_with_nothing_that_writes_for_people() {
    for other in ["--step", "--xml", "--keep"] {
        assert_eq!(run(&["demo", "--json", other]).await.code, Some(2), "{other}");
    }
}

#[tokio::test]
async fn xml_shows_what_was_sent_and_what_came_back() {
    let demo = run(&["demo", "--xml", "--scene", "4"]).await;
    assert_eq!(demo.code, Some(0), "{}{}", demo.stdout, demo.stderr);
    let words = demo.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("<body>Nurse? What says my love?</body></message>"), "{words}");
    let bounce = "from='nurse@second.example' to='juliet@alpha.example' type='error'";
    assert_eq!(words.matches(bounce).count(), 2, "{words}");
}

#[tokio::test]
async fn steps_wait_for_enter() {
    let mut demo = program()
        .args(["demo", "--step", "--scene", "1", "--scene", "5"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut stdin, mut prompt) = (demo.stdin.take().unwrap(), [0; 31]);
    let reading = demo.stderr.as_mut().unwrap().read_exact(&mut prompt).await;
    reading.expect("it says what it waits for");
    assert_eq!(&prompt, b"\npress Enter for the next scene");
    let over = timeout(Duration::from_millis(500), demo.wait()).await;
    assert!(over.is_err(), "it does not go on by itself");
    stdin.write_all(b"\n").await.unwrap();
    let output = timeout(DEADLINE, demo.wait_with_output()).await.expect("it ends").unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert_eq!((output.status.code(), headings(&stdout)), (Some(0), vec!["1", "5"]));
}

/// Needs curl and openssl, as whoever pastes the commands does.
#[tokio::test]
async fn what_there_is_to_try_works_when_it_is_pasted() {
    let mut demo =
        program().args(["demo", "--keep", "--scene", "1"]).stdout(Stdio::piped()).spawn().unwrap();
    let commands = timeout(DEADLINE, commands(demo.stdout.take().unwrap())).await.unwrap();
    let shell = Command::new("sh").args(["-ec", &commands]).output().await.unwrap();
    let (stdout, stderr) = (text(&shell.stdout), text(&shell.stderr));
    assert!(shell.status.success(), "are curl and openssl installed? {commands}{stdout}{stderr}");
    let folder = folder(&commands);
    assert!(folder.is_dir(), "{folder:?}");

    assert_eq!(stdout.matches("HTTP/1.1 200 OK").count(), 3, "{stdout}");
    assert_eq!(stdout.matches("HTTP/1.1 404 Not Found").count(), 1, "{stdout}");
    assert!(stdout.contains("\"keys\":["), "{stdout}");
    assert!(stdout.contains("DNS:s2s.hosting.example"), "{stdout}");
    assert!(stdout.contains("DNS:mallory.example"), "{stdout}");
    let (_, listed) = stdout.split_once("{\"sha-256\":\"").unwrap();
    let (listed, _) = listed.split_once('"').unwrap();
    assert!(stdout.lines().any(|line| line == listed), "{listed} {stdout}");

    signal(&demo, "TERM").await;
    let status = timeout(DEADLINE, demo.wait()).await.expect("it ends in time").unwrap();
    assert_eq!(status.code(), Some(0));
    assert!(!folder.exists(), "{folder:?}");
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What is printed to be pasted.
async fn commands(stdout: impl tokio::io::AsyncRead + Unpin) -> String {
    let mut lines = BufReader::new(stdout).lines();
    let mut commands = String::new();
    while !commands.contains("# Ctrl-C") {
        let line = lines.next_line().await.unwrap().expect("it stays up");
        if !commands.is_empty() || line.starts_with("# ") {
            commands += &format!("{line}\n");
        }
    }
    commands
}

/// The folder that the commands take certificates from.
fn folder(commands: &str) -> PathBuf {
    let (_, file) = commands.split_once("--cacert '").unwrap();
    Path::new(file.split('\'').next().unwrap()).parent().unwrap().to_owned()
}
