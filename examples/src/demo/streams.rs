//! The streams of a server, in a table like that of Prosody's `s2s:show()`.

use std::time::{Duration, Instant};

use serde::Serialize;
use xmpp_s2s::{Code, Direction, Peer, Phase, Prooftype, Trail, Verdict};

use super::cast::Member;
use super::letter::Letter;
use crate::print::Page;

/// A stream that is up, or one that did not come about.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    stream: String,
    local: String,
    direction: &'static str,
    remote: String,
    proof: Option<String>,
    /// What PKIX says of the certificate, in Prosody's words.
    certificate: Option<&'static str>,
    tls: Option<String>,
    #[serde(rename = "age_ms", serialize_with = "milliseconds")]
    age: Option<Duration>,
    stanzas_in: usize,
    stanzas_out: usize,
    /// Why there is no stream.
    code: Option<Code>,
    #[serde(rename = "retry_ms", serialize_with = "milliseconds")]
    retry: Option<Duration>,
}

/// What was seen of the streams of a server: a failure is not remembered for long, and the audience
/// takes its time.
#[derive(Debug, Default)]
pub(super) struct Streams(Vec<Peer>);

impl Streams {
    /// Notes how the streams of `member` stand now.
    pub(super) fn look(&mut self, member: &Member) {
        let mut peers = member.endpoint().peers();
        peers.sort_by_key(|peer| (peer.established, peer.failing_until));
        for peer in peers {
            match self.0.iter_mut().find(|known| is_same(known, &peer)) {
                Some(known) => *known = peer,
                None => self.0.push(peer),
            }
        }
    }

    /// Those of `member` that are up, and those that did not come about, in the order in which they
    /// were seen. What went out over them is counted from `letters`.
    pub(super) fn rows<'a>(
        &self,
        member: &Member,
        letters: impl Iterator<Item = &'a Letter>,
    ) -> Vec<Row> {
        let sent: Vec<_> = letters.filter(|letter| letter.is_sent()).map(Letter::pair).collect();
        let now = member.endpoint().peers();
        let is_there =
            |peer: &&Peer| peer.established.is_none() || now.iter().any(|now| is_same(now, peer));
        let row = |(number, peer): (usize, &Peer)| {
            let (incoming, outgoing) = match (peer.direction, peer.established) {
                (Direction::Inbound, _) => (member.mailbox.count_of(&peer.pair), 0),
                (Direction::Outbound, Some(_)) => {
                    (0, sent.iter().filter(|pair| **pair == peer.pair).count())
                }
                (Direction::Outbound, None) => (0, 0),
            };
            Row::new(number, peer, incoming, outgoing)
        };
        (1..).zip(self.0.iter().filter(is_there)).map(row).collect()
    }
}

/// Whether both are of one stream, or of attempts at one.
fn is_same(one: &Peer, other: &Peer) -> bool {
    (&one.pair, one.direction, one.established) == (&other.pair, other.direction, other.established)
}

impl Row {
    fn new(number: usize, peer: &Peer, stanzas_in: usize, stanzas_out: usize) -> Self {
        let now = Instant::now();
        let is_up = peer.established.is_some();
        Self {
            stream: format!("s2s-{number:02}"),
            local: peer.pair.local.to_string(),
            direction: match (peer.direction, is_up) {
                (_, false) => "-x-",
                (Direction::Outbound, true) => "-->",
                (Direction::Inbound, true) => "<--",
            },
            remote: peer.pair.remote.to_string(),
            proof: proof(peer),
            certificate: certificate(&peer.trail),
            tls: tls(&peer.trail),
            age: peer.established.map(|since| now.saturating_duration_since(since)),
            stanzas_in,
            stanzas_out,
            code: if is_up { None } else { peer.trail.conclusion() },
            retry: peer.failing_until.map(|until| until.saturating_duration_since(now)),
        }
    }
}

/// All rows on paper, if there are any.
pub(super) fn table(page: Page, rows: &[Row]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let mut text =
        line(["stream", "local", "dir", "remote", "proof", "cert", "tls", "age", "in/out"]);
    for row in rows {
        let Row { stanzas_in, stanzas_out, .. } = row;
        let none = || "–".to_owned();
        text += &line([
            &row.stream,
            &row.local,
            row.direction,
            &row.remote,
            &row.proof.clone().unwrap_or_else(none),
            row.certificate.unwrap_or("–"),
            &row.tls.clone().unwrap_or_else(none),
            &row.age.map_or_else(none, |age| format!("{:.1} s", age.as_secs_f64())),
            &row.age.map_or_else(none, |_| format!("{stanzas_in}/{stanzas_out}")),
        ]);
        if let Some(code) = row.code {
            let code = page.paint(code.as_str(), code.verdict());
            let retry = retry(row.retry);
            text += &format!("{:10}{code}, {retry}\n", "");
        }
    }
    page.fit(&text).into_owned() + "\n"
}

/// When a domain that failed is tried again.
pub(super) fn retry(left: Option<Duration>) -> String {
    match left {
        Some(left) if !left.is_zero() => {
            format!("tried again with the first message after {:.0} s", left.as_secs_f64())
        }
        Some(_) | None => "tried again with the next message".to_owned(),
    }
}

fn line(cells: [&str; 9]) -> String {
    const WIDTHS: [usize; 9] = [8, 15, 5, 16, 13, 12, 9, 7, 0];
    let cells = cells.iter().zip(WIDTHS).map(|(cell, width)| format!("{cell:width$}"));
    format!("  {}", cells.collect::<String>()).trim_end().to_owned() + "\n"
}

/// Which proof it was, with the entry of the document if that is what matched.
fn proof(peer: &Peer) -> Option<String> {
    match peer.prooftype? {
        Prooftype::Pkix => Some("PKIX".to_owned()),
        Prooftype::Posh => {
            let document = peer.document.as_deref().unwrap_or_default();
            let own = format!("https://{}/", peer.pair.remote.to_dns().as_ref());
            let referred = if document.starts_with(&own) { "" } else { " ref" };
            let steps = peer.trail.steps().iter();
            let mut entries = steps.filter(|step| step.code == Code::PoshMatch);
            let entry = entries.next().and_then(|step| step.detail.split_once(" is entry "));
            let entry = entry.and_then(|(_, rest)| rest.split(' ').next()).unwrap_or("?");
            Some(format!("POSH{referred} #{entry}"))
        }
        other => Some(other.as_str().to_owned()),
    }
}

/// Prosody's words for what became of a certificate.
fn certificate(trail: &Trail) -> Option<&'static str> {
    let mut steps = trail.steps().iter().rev();
    let step = steps.find(|step| step.phase == Phase::Pkix)?;
    match (step.code, step.code.verdict()) {
        (_, Verdict::Passed) => Some("valid"),
        (Code::CertNameMismatch, _) => Some("mismatched"),
        (Code::CertUntrustedChain, _) => Some("untrusted"),
        (Code::CertExpired, _) => Some("expired"),
        (Code::CertNotYetValid, _) => Some("not yet valid"),
        _ => Some("invalid"),
    }
}

fn tls(trail: &Trail) -> Option<String> {
    let mut steps = trail.steps().iter().rev();
    let step = steps.find(|step| step.code == Code::TlsSecured)?;
    step.detail.split(',').next().map(str::to_owned)
}

fn milliseconds<S: serde::Serializer>(time: &Option<Duration>, to: S) -> Result<S::Ok, S::Error> {
    time.map(|time| time.as_secs_f64() * 1000.0).serialize(to)
}

#[cfg(test)]
mod tests {
    use std::iter;

    use super::super::cast::Cast;
    use super::super::scenes::Act;
    use super::*;

    #[tokio::test]
    async fn failures_stay_in_the_table_and_streams_only_while_they_are_up() {
        let cast = Cast::assemble().await.unwrap();
        let mut seen = Streams::default();
        for number in [1, 5] {
            assert!(Act::play(number, &cast).await.unwrap().is_as_expected());
            seen.look(&cast.alpha);
        }
        let directions = |member| {
            let rows = seen.rows(member, iter::empty());
            rows.iter().map(|row| row.direction).collect::<Vec<_>>()
        };
        assert_eq!(directions(&cast.alpha), ["-->", "-x-"]);
        // It knows of neither, as alpha itself will after a while.
        assert_eq!(directions(&cast.beta), ["-x-"]);
        cast.dismiss().await;
    }

    #[test]
    fn what_is_over_is_tried_again_with_the_next_message() {
        assert_eq!(retry(Some(Duration::ZERO)), "tried again with the next message");
        let soon = retry(Some(Duration::from_millis(4_900)));
        assert_eq!(soon, "tried again with the first message after 5 s");
    }
}
