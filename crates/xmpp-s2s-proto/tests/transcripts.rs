//! Runs every file of `transcripts/`, with the input whole and byte by byte.
//!
//! ```text
//! # a comment
//! : receiving starttls     what the caller does: see `Run::command`
//! > <starttls …/>          what comes in; lines that follow each other are one piece
//! < <proceed …/>           what goes out then, exactly; {*} stands for anything
//! ! start-tls …            the events then, in order
//! @ 30s                    time passes; a timer that is due is handled
//! ```
//!
//! `: after NAME` does all of another file first. In all lines `{id1}` to `{id3}` are stream ids,
//! `{9*x}` is nine times `x`, `\n` a line feed and `\xff` a byte. `: whole` leaves the run byte by
//! byte out.

#![allow(clippy::unwrap_used, reason = "what goes wrong fails the test")]

mod support;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use libtest_mimic::{Arguments, Failed, Trial};
use xmpp_s2s_proto::stream::{
    Condition, Event, Security, Side, StreamConfig, StreamError, StreamId,
};
use xmpp_s2s_proto::{Namespace, Pair, Stanza, Stream};

use crate::support::{Authority, domain};

static AUTHORITY: LazyLock<Authority> = LazyLock::new(Authority::new);

fn main() {
    let mut names: Vec<_> = folder().read_dir().unwrap().map(|e| e.unwrap().path()).collect();
    names.sort();
    let trials = names.iter().flat_map(|path| {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let pieces: &[_] = match read(&name).lines().any(|line| line == ": whole") {
            true => &[usize::MAX],
            false => &[usize::MAX, 1],
        };
        pieces.iter().map(move |&size| {
            let (name, kind) = (name.clone(), if size == 1 { "byte by byte" } else { "whole" });
            let mut run = Run { stream: None, now: Instant::now(), presented: None, size };
            Trial::test(name.clone(), move || run.file(&name)).with_kind(kind)
        })
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit();
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts")
}

fn read(name: &str) -> String {
    std::fs::read_to_string(folder().join(name).with_extension("txt")).unwrap()
}

fn split(line: &str) -> (char, &str) {
    match line.chars().next() {
        None => ('#', ""),
        Some(sign) => (sign, line[sign.len_utf8()..].strip_prefix(' ').unwrap_or("")),
    }
}

fn compare(
    expected: &[(char, &str)],
    (output, events): &(String, Vec<String>),
) -> Result<(), String> {
    let of =
        |sign| expected.iter().filter(move |(s, _)| *s == sign).map(|(_, text)| unescape(text));
    let wanted = String::from_utf8(of('<').collect::<Vec<_>>().concat()).unwrap();
    let wanted_events: Vec<_> = of('!').map(|text| String::from_utf8(text).unwrap()).collect();
    if !matches(&wanted, output) {
        return Err(format!("  expected < {wanted}\n       got < {output}"));
    }
    let same = wanted_events.len() == events.len()
        && wanted_events.iter().zip(events).all(|(wanted, event)| matches(wanted, event));
    match same {
        true => Ok(()),
        false => Err(format!("  expected ! {wanted_events:#?}\n       got ! {events:#?}")),
    }
}

/// Whether `text` is `pattern`, in which `{*}` stands for anything.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once("{*}") {
        None => pattern == text,
        Some((before, after)) => text.strip_prefix(before).is_some_and(|text| {
            text.char_indices().any(|(at, _)| matches(after, &text[at..])) || after.is_empty()
        }),
    }
}

fn unescape(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("\\n") {
            out.push(b'\n');
            rest = after;
        } else if let Some(after) = rest.strip_prefix("\\x") {
            out.push(u8::from_str_radix(&after[..2], 16).unwrap());
            rest = &after[2..];
        } else if let Some((id, after)) = rest.strip_prefix("{id").and_then(|r| r.split_once('}')) {
            out.extend_from_slice(format!("0{id}").repeat(16).as_bytes());
            rest = after;
        } else if let Some((times, after)) = repetition(rest) {
            let (piece, after) = after.split_once('}').unwrap();
            out.extend_from_slice(piece.repeat(times).as_bytes());
            rest = after;
        } else {
            out.extend_from_slice(&rest.as_bytes()[..c.len_utf8()]);
            rest = &rest[c.len_utf8()..];
        }
    }
    out
}

fn repetition(text: &str) -> Option<(usize, &str)> {
    let (times, after) = text.strip_prefix('{')?.split_once('*')?;
    Some((times.parse().ok()?, after))
}

/// A stream in the middle of a transcript.
struct Run {
    stream: Option<Stream>,
    now: Instant,
    presented: Option<xmpp_s2s_proto::dna::Presented>,
    /// Of the pieces in which input comes.
    size: usize,
}

impl Run {
    /// Does one step after the other, and compares what each came to.
    fn file(&mut self, name: &str) -> Result<(), Failed> {
        let text = read(name);
        let lines: Vec<_> = text.lines().map(split).filter(|(sign, _)| *sign != '#').collect();
        let mut rest = &lines[..];
        while let Some((&(sign, first), after)) = rest.split_first() {
            let more = match sign {
                '>' => after.iter().take_while(|(sign, _)| *sign == '>').count(),
                _ => 0,
            };
            match (sign, first.strip_prefix("after ")) {
                (':', Some(earlier)) => self.file(earlier)?,
                (':', None) => self.command(first),
                ('@', _) => self.wait(first),
                ('>', _) => {
                    self.feed(&rest[..=more].iter().flat_map(|l| unescape(l.1)).collect::<Vec<_>>())
                }
                _ => return Err(format!("a step cannot begin with {sign:?}").into()),
            }
            rest = &after[more..];
            let expectations = rest.iter().take_while(|l| matches!(l.0, '<' | '!')).count();
            let (expected, next) = rest.split_at(expectations);
            rest = next;
            let came = self.drain();
            compare(expected, &came).map_err(|e| format!("{name}: after {sign} {first}:\n{e}"))?;
        }
        Ok(())
    }

    fn stream(&mut self) -> &mut Stream {
        self.stream.as_mut().expect("a transcript begins with the role")
    }

    fn feed(&mut self, bytes: &[u8]) {
        let (now, size) = (self.now, self.size);
        for piece in bytes.chunks(size) {
            let stream = self.stream();
            stream.input().extend_from_slice(piece);
            if let Err(error) = stream.handle_input(now) {
                assert_eq!(error.side, Side::Local, "{error}");
            }
        }
    }

    fn wait(&mut self, time: &str) {
        let seconds = time.strip_suffix('s').and_then(|time| time.parse().ok()).unwrap();
        self.now += Duration::from_secs(seconds);
        let now = self.now;
        while self.stream().poll_timeout().is_some_and(|due| due <= now) {
            self.stream().handle_timeout(now);
        }
    }

    fn command(&mut self, command: &str) {
        let now = self.now;
        let (word, rest) = command.split_once(' ').unwrap_or((command, ""));
        match word {
            "whole" => {}
            "initiating" => {
                self.stream = Some(Stream::initiate(pair(), security(rest), config(), now));
            }
            "receiving" => {
                let ids = [1, 2, 3].map(|n| StreamId::from_random([n; 16]));
                let hosted = |domain: &xmpp_s2s_proto::Domain| {
                    matches!(domain.as_str(), "local.example" | "second.example")
                };
                self.stream = Some(Stream::receive(ids, hosted, security(rest), config(), now));
            }
            // The handshake is over; the peer's certificate names this domain, or there is none.
            "secured" => {
                self.presented = (!rest.is_empty()).then(|| AUTHORITY.presented(rest));
                let presented = self.presented.clone();
                self.stream().handle_secured(presented, now);
            }
            // What the gate says of the certificate.
            "judge" => match AUTHORITY.judge(self.presented.as_ref(), &pair()) {
                Ok(proof) => self.associate(proof),
                Err(rejection) => self.stream().handle_rejection(&pair(), &rejection, now),
            },
            // What the gate says of another handshake with the same name.
            "judge-another-handshake" => {
                let other = AUTHORITY.presented("remote.example");
                self.associate(AUTHORITY.judge(Some(&other), &pair()).unwrap());
            }
            // What the gate says of another pair on this handshake.
            "judge-another-pair" => {
                let other = Pair { local: domain("second.example"), ..pair() };
                self.associate(AUTHORITY.judge(self.presented.as_ref(), &other).unwrap());
            }
            "send" => {
                let stanza = Stanza::parse(rest.to_owned()).unwrap();
                self.stream().send(&stanza).unwrap();
            }
            "cannot-send" => {
                let stanza = Stanza::parse(rest.to_owned()).unwrap();
                assert!(self.stream().send(&stanza).is_err());
            }
            "remove" => self.stream().remove_pair(&pair()),
            "remove-another-pair" => {
                let other = Pair { local: domain("second.example"), ..pair() };
                self.stream().remove_pair(&other);
            }
            "close" => self.stream().close(None),
            "reset" => self.stream().close(Some(Condition::Reset.into())),
            "shut-down" => {
                let error = StreamError::from(Condition::SystemShutdown);
                self.stream().close(Some(error));
            }
            _ => panic!("unknown command {command}"),
        }
    }

    fn associate(&mut self, proof: xmpp_s2s_proto::dna::Association) {
        let now = self.now;
        if let Err(error) = self.stream().handle_association(proof, now) {
            assert_eq!(error.side, Side::Local, "{error}");
        }
    }

    fn drain(&mut self) -> (String, Vec<String>) {
        let Some(stream) = &mut self.stream else { return Default::default() };
        let mut output = BytesMut::new();
        stream.poll_transmit(&mut output);
        let events = std::iter::from_fn(|| stream.poll_event().map(|event| describe(&event)));
        (String::from_utf8(output.to_vec()).unwrap(), events.collect())
    }
}

fn describe(event: &Event) -> String {
    match event {
        Event::Authenticate(pair) => format!("authenticate {} {}", pair.local, pair.remote),
        Event::Closed(None) => "closed".to_owned(),
        Event::Closed(Some(error)) => format!("closed {}", describe_error(error)),
        Event::Established(pair) => format!("established {} {}", pair.local, pair.remote),
        Event::Refused(_, code, error) => format!("refused {code} {}", describe_error(error)),
        Event::Removed(pair) => format!("removed {} {}", pair.local, pair.remote),
        Event::Stanza(stanza) => format!("stanza {}", stanza.to_xml(Namespace::Server)),
        Event::StartTls(domain) => format!("start-tls {domain}"),
        other => panic!("unknown event {other:?}"),
    }
}

fn describe_error(error: &StreamError) -> String {
    let side = match error.side {
        Side::Local => "local",
        Side::Remote => "remote",
    };
    let mut text = format!("{side} {}", error.condition);
    if let (Side::Remote, Some(added)) = (error.side, &error.text) {
        let _ = write!(text, " {added}");
    }
    text
}

fn pair() -> Pair {
    Pair { local: domain("local.example"), remote: domain("remote.example") }
}

fn security(word: &str) -> Security {
    match word {
        "starttls" => Security::StartTls,
        "direct" => Security::Direct,
        _ => panic!("unknown security {word}"),
    }
}

fn config() -> Arc<StreamConfig> {
    Arc::new(StreamConfig::default())
}
