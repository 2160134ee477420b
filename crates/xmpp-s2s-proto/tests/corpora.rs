//! XML that nobody of this project wrote, against the verdicts that came with it.
//!
//! The data is no part of the project: without `POSH_CORPORA`, which names its folder, the tests
//! are ignored.

#![allow(clippy::unwrap_used, reason = "what goes wrong fails the test")]

#[path = "support/leaves.rs"]
mod leaves;
#[path = "support/receiving.rs"]
mod receiving;
mod support;

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::time::Instant;

use libtest_mimic::{Arguments, Failed, Trial};
use xmpp_s2s_proto::Stanza;
use xmpp_s2s_proto::stream::{Condition, Event, InvalidStanza, Side};

use crate::receiving::{Stage, receiving, settle};

const ENVELOPE: [&str; 2] = ["<message from='a.example' to='b.example'>", "</message>"];

fn main() {
    let folder = folder();
    let missing = folder.is_none();
    let folder = folder.unwrap_or_default();
    let trial = |name: &'static str, test: fn(&Path) -> Result<(), String>| {
        let folder = folder.clone();
        let run = move || test(&folder).map_err(Failed::from);
        Trial::test(name, run).with_ignored_flag(missing)
    };
    let trials = vec![
        trial("xs01_what_is_not_well_formed_is_refused", not_well_formed),
        trial("xs02_what_xmpp_does_not_have_is_refused", restricted),
        trial("xs04_sequences_of_bytes_are_told_apart", utf8),
        trial("valid_documents_are_taken_as_payload", valid),
        trial("stanzas_of_the_xeps_are_taken", stanzas),
        trial("tl12_a_certificate_proves_nothing_but_what_lists_it_and_within_its_dates", leaves),
        trial("xs13_streams_of_other_servers_tests_come_out_as_theirs", streams),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

/// A relative path starts at the workspace.
fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("POSH_CORPORA")?;
    Some(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(folder))
}

/// As payload, and as the start of a stream for what is wrong with the XML declaration. What is
/// wrong with a document only outside of its root is wrong with a stanza, too.
fn not_well_formed(folder: &Path) -> Result<(), String> {
    each(&folder.join("xml-not-wf"), |_, document| {
        let wrong = [Condition::NotWellFormed, Condition::UnsupportedEncoding];
        // A declaration in the wrong place looks like a processing instruction.
        let misplaced = [&wrong[..], &[Condition::RestrictedXml]].concat();
        let alone = Stanza::parse(document.to_vec());
        refused(Stage::Established, &payload(document), &misplaced)
            .or_else(|_| refused(Stage::Secured, document, &misplaced))
            .or_else(|outcome| match alone {
                Err(InvalidStanza::NotWellFormed { .. }) => Ok(()),
                _ => Err(outcome),
            })
    })
}

fn restricted(folder: &Path) -> Result<(), String> {
    // Some are not well-formed, too, before they come to what is restricted.
    let conditions =
        [Condition::RestrictedXml, Condition::NotWellFormed, Condition::UnsupportedEncoding];
    for name in ["xml-restricted", "xml-not-wf-restricted"] {
        each(&folder.join(name), |_, document| {
            refused(Stage::Established, &payload(document), &conditions)
                .or_else(|_| refused(Stage::Secured, document, &conditions))
        })?;
    }
    Ok(())
}

fn utf8(folder: &Path) -> Result<(), String> {
    let folder = folder.join("utf8");
    let verdicts = manifest(&folder);
    let conditions = [Condition::NotWellFormed, Condition::UnsupportedEncoding];
    each(&folder, |name, stream| match verdict(&verdicts, name, 2) {
        "accept" => delivered(Stage::Restarted, stream),
        _ => refused(Stage::Restarted, stream, &conditions),
    })
}

fn valid(folder: &Path) -> Result<(), String> {
    each(&folder.join("xml-valid"), |_, document| delivered(Stage::Established, &payload(document)))
}

/// They name domains of their own, so that few pass the check of the pair; all come as far as that.
fn stanzas(folder: &Path) -> Result<(), String> {
    each(&folder.join("xmpp-stanzas"), |_, stanza| match outcome(Stage::Established, stanza) {
        Outcome::Refused(condition) if is_about_xml(condition) => Err(condition.to_string()),
        Outcome::Incomplete => Err("nothing came of it".to_owned()),
        Outcome::Delivered | Outcome::Refused(_) | Outcome::Ignored => Ok(()),
    })
}

fn streams(folder: &Path) -> Result<(), String> {
    let folder = folder.join("xmpp-streams");
    let verdicts = manifest(&folder);
    each(&folder, |name, stream| {
        let stage = match name {
            _ if name.contains("unauthenticated") => Stage::Plain,
            _ if name.contains("authed") => Stage::Established,
            _ => Stage::Restarted,
        };
        let outcome = outcome(stage, addressed(name, stream).as_bytes());
        let allowed = verdict(&verdicts, name, 2);
        match (verdict(&verdicts, name, 1), outcome) {
            ("reject", Outcome::Refused(condition)) if is_stricter(name, condition) => Ok(()),
            ("reject", Outcome::Refused(condition)) => {
                match allowed.split('|').any(|name| name == condition.as_str()) {
                    true => Ok(()),
                    false => Err(format!("{condition} instead of {allowed}")),
                }
            }
            ("reject", outcome) => Err(format!("{outcome:?} instead of {allowed}")),
            ("accept", Outcome::Delivered) => Ok(()),
            ("accept", Outcome::Refused(condition)) if is_stricter(name, condition) => Ok(()),
            ("accept", outcome) => Err(format!("{outcome:?} instead of a stanza")),
            // What may be refused as well must not be called wrong XML without being it.
            (_, Outcome::Refused(condition)) if is_about_xml(condition) => {
                Err(condition.to_string())
            }
            _ => Ok(()),
        }
    })
}

fn leaves(folder: &Path) -> Result<(), String> {
    let (total, accepted) = (Cell::new(0), Cell::new(0));
    each(&folder.join("x509-leaf"), |_, der| {
        total.set(total.get() + 1);
        accepted.set(accepted.get() + usize::from(leaves::judge(der)?));
        Ok(())
    })?;
    // Most are good certificates, so that their being accepted is what is tested.
    match accepted.get() * 2 > total.get() {
        true => Ok(()),
        false => Err(format!("only {} of {} were ever accepted", accepted.get(), total.get())),
    }
}

/// Makes a stream one of servers: those that are about something else have no addresses.
fn addressed(name: &str, stream: &[u8]) -> String {
    let stream = String::from_utf8_lossy(stream).replace("jabber:client", "jabber:server");
    let end = "etherx.jabber.org/streams'";
    match stream.contains(" to=") || name.contains("missing-to") {
        true => stream,
        false => {
            let addresses = format!("{end} from='a.example' to='b.example' version='1.0'");
            stream.replacen(end, &addresses, 1)
        }
    }
}

/// Whether we see another fault first: a header without `to` is no stanza without it, elements that
/// are no stanzas are refused before what follows them is looked at, stanzas between servers have
/// addresses, and a stream has an end tag.
fn is_stricter(name: &str, condition: Condition) -> bool {
    matches!(
        (name, condition),
        ("ejabberd-missing-to.bin", Condition::HostUnknown)
            | ("fastxml-invalid-attr.bin", Condition::UnsupportedStanzaType)
            | ("prosody-01.bin" | "prosody-09.bin", Condition::BadFormat)
            | ("prosody-05.bin", Condition::ImproperAddressing)
    )
}

/// What came of some input.
#[derive(Clone, Copy, Debug)]
enum Outcome {
    Delivered,
    Refused(Condition),
    /// It was read, and nothing came of it.
    Ignored,
    Incomplete,
}

/// Feeds a stream whole; an element that is not closed is, so that there is a verdict.
fn outcome(stage: Stage, input: &[u8]) -> Outcome {
    let now = Instant::now();
    let mut stream = receiving(stage, now);
    let closing = format!("]]>{}", "</x>".repeat(70));
    for input in [input, closing.as_bytes()] {
        stream.input().extend_from_slice(input);
        let _ = stream.handle_input(now);
        for event in settle(&mut stream, now) {
            match event {
                Event::Stanza(_) => return Outcome::Delivered,
                Event::Closed(Some(error)) if error.side == Side::Local => {
                    return Outcome::Refused(error.condition);
                }
                _ => {}
            }
        }
        if stream.input().is_empty() {
            return Outcome::Ignored;
        }
    }
    Outcome::Incomplete
}

fn delivered(stage: Stage, input: &[u8]) -> Result<(), String> {
    match outcome(stage, input) {
        Outcome::Delivered => Ok(()),
        outcome => Err(format!("{outcome:?}")),
    }
}

fn refused(stage: Stage, input: &[u8], conditions: &[Condition]) -> Result<(), String> {
    match outcome(stage, input) {
        Outcome::Refused(condition) if conditions.contains(&condition) => Ok(()),
        outcome => Err(format!("{outcome:?}")),
    }
}

fn is_about_xml(condition: Condition) -> bool {
    [Condition::NotWellFormed, Condition::RestrictedXml, Condition::UnsupportedEncoding]
        .contains(&condition)
}

/// A document as the payload of a stanza, without its XML declaration.
fn payload(document: &[u8]) -> Vec<u8> {
    let declaration = document
        .starts_with(b"<?xml")
        .then(|| document.windows(2).position(|end| end == b"?>").map_or(0, |end| end + 2));
    let document = &document[declaration.unwrap_or(0)..];
    [ENVELOPE[0].as_bytes(), document, ENVELOPE[1].as_bytes()].concat()
}

/// Does `test` with each file that is data, and names those that fail.
fn each(folder: &Path, test: impl Fn(&str, &[u8]) -> Result<(), String>) -> Result<(), String> {
    let mut failures = Vec::new();
    let mut count = 0;
    for entry in folder.read_dir().unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if name.ends_with(".tsv") || name.ends_with(".txt") {
            continue;
        }
        count += 1;
        if let Err(error) = test(name, &std::fs::read(&path).unwrap()) {
            failures.push(format!("{name}: {error}"));
        }
    }
    match (count, failures.is_empty()) {
        (0, _) => Err(format!("{} is empty", folder.display())),
        (_, true) => Ok(()),
        (_, false) => Err(failures.join("\n")),
    }
}

fn manifest(folder: &Path) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(folder.join("MANIFEST.tsv")).unwrap();
    text.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

/// A column of the line of a file.
fn verdict<'a>(manifest: &'a [Vec<String>], name: &str, column: usize) -> &'a str {
    manifest.iter().find(|line| line[0] == name).map_or("", |line| &line[column])
}
