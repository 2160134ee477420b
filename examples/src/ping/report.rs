//! What a ping came to, for people, programs and shells.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use xmpp_s2s::{Code, Pair, Phase, Stanza, Trail, Verdict};

use crate::print::{Page, milliseconds};

#[cfg(test)]
mod tests;

/// What a ping came to, with the trail of each stream.
#[derive(Debug)]
pub(crate) struct Report {
    /// Who pinged whom.
    pub(crate) pair: Pair,
    /// How it ended.
    pub(crate) end: End,
    /// From the first step to the end.
    pub(crate) round_trip: Duration,
    /// How our stream to the peer came about.
    pub(crate) outbound: Option<Trail>,
    /// How the peer's stream to us came about; without an answer, how the last one who called in
    /// its name failed to prove it.
    pub(crate) inbound: Option<Trail>,
}

/// How a ping ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum End {
    /// The peer answered.
    Answered(Answer),
    /// The ping could not be delivered, and came back.
    Undelivered(Box<Returned>),
    /// It was not delivered in this time.
    NoStream(Duration),
    /// It was delivered, and nothing came in this time.
    Silence(Duration),
}

/// A ping that came back.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Returned {
    /// What was tried.
    pub(crate) trail: Arc<Trail>,
    /// The error for its sender.
    pub(crate) bounce: Option<Stanza>,
}

/// What the peer answered; either shows that both streams carry stanzas.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Answer {
    /// The result.
    Result,
    /// An error: it does not know pings.
    Error,
}

/// What a ping means, in one word for each exit code.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Outcome {
    /// Each side accepted the other.
    Accepted,
    /// One side refused the other.
    Refused,
    /// It could not be found out.
    CannotTell,
}

impl Outcome {
    fn exit_code(self) -> u8 {
        match self {
            Self::Accepted => 0,
            Self::Refused => 1,
            Self::CannotTell => 4,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Accepted => "ACCEPTED",
            Self::Refused => "REFUSED",
            Self::CannotTell => "CANNOT TELL",
        }
    }

    fn verdict(self) -> Verdict {
        match self {
            Self::Accepted => Verdict::Passed,
            Self::Refused => Verdict::Refused,
            Self::CannotTell => Verdict::Unknown,
        }
    }

    /// Of a decision that did not let the ping through.
    fn of_failure(trail: &Trail) -> Self {
        match trail.conclusion().map(Code::verdict) {
            Some(Verdict::Refused) => Self::Refused,
            Some(Verdict::Passed | Verdict::Unknown) | None => Self::CannotTell,
        }
    }
}

#[derive(Serialize)]
struct Json<'a> {
    domain: String,
    from: String,
    outcome: Outcome,
    code: Option<Code>,
    round_trip_ms: Option<f64>,
    error: Option<String>,
    outbound: Option<&'a Trail>,
    inbound: Option<&'a Trail>,
}

impl Report {
    /// 0 accepted and answered, 1 refused, 4 cannot tell.
    pub(super) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.outcome().exit_code())
    }

    /// One JSON object in one line.
    pub(super) fn json(&self) -> String {
        let outcome = self.outcome();
        let answered = outcome == Outcome::Accepted;
        let json = Json {
            domain: self.pair.remote.to_string(),
            from: self.pair.local.to_string(),
            outcome,
            code: self.decisive().and_then(Trail::conclusion),
            round_trip_ms: answered.then_some(self.round_trip.as_secs_f64() * 1000.0),
            error: (!answered).then(|| self.sentence()),
            outbound: self.outbound.as_ref(),
            inbound: self.inbound.as_ref(),
        };
        serde_json::to_string(&json).expect("a report has only strings for keys")
    }

    /// The steps of both streams, then one line that says what they came to.
    pub(super) fn text(&self, page: Page) -> String {
        let Pair { local, remote } = &self.pair;
        let mut text = format!("{remote}  (pinged from {local})\n");
        for (title, trail) in
            [("our stream to it", &self.outbound), ("its stream to us", &self.inbound)]
        {
            if let Some(trail) = trail {
                text.push_str(&format!("\n{title}\n{}", page.numbered(trail)));
            }
        }
        let outcome = self.outcome();
        let word = page.paint(outcome.word(), outcome.verdict());
        text.push_str(&format!("\n{word}  {}\n", page.fit(&self.sentence())));
        text
    }

    fn outcome(&self) -> Outcome {
        match &self.end {
            End::Answered(_) => Outcome::Accepted,
            End::Undelivered(returned) => Outcome::of_failure(&returned.trail),
            End::NoStream(_) | End::Silence(_) => Outcome::CannotTell,
        }
    }

    /// The trail whose conclusion decided.
    fn decisive(&self) -> Option<&Trail> {
        match &self.end {
            End::Answered(_) => self.outbound.as_ref(),
            End::Undelivered(returned) => Some(&returned.trail),
            End::NoStream(_) | End::Silence(_) => None,
        }
    }

    pub(crate) fn sentence(&self) -> String {
        let remote = &self.pair.remote;
        match &self.end {
            End::Answered(answer) => {
                let proof = self.outbound.as_ref().and_then(proof);
                let proved = proof.map(|proof| format!("proved itself by {proof} and "));
                let how = match answer {
                    Answer::Result => "",
                    Answer::Error => "with an error, which took the same way, ",
                };
                format!(
                    "{remote} {}answered {how}in {}",
                    proved.unwrap_or_default(),
                    milliseconds(self.round_trip)
                )
            }
            End::Undelivered(returned) => with_code(&returned.trail),
            End::Silence(timeout) => {
                format!("{remote} did not answer within {} s; {}", timeout.as_secs(), self.calls())
            }
            End::NoStream(timeout) => {
                format!("there was no stream to {remote} within {} s", timeout.as_secs())
            }
        }
    }

    /// Who called while there was no answer.
    fn calls(&self) -> String {
        let Pair { local, remote } = &self.pair;
        match &self.inbound {
            Some(trail) => format!("somebody called as {remote}, unproved: {}", with_code(trail)),
            None => format!("to answer it calls {local}, which the DNS must lead to here"),
        }
    }
}

fn with_code(trail: &Trail) -> String {
    match trail.conclusion() {
        Some(code) => format!("{trail} ({code})"),
        None => trail.to_string(),
    }
}

/// The name of the proof that counted.
fn proof(trail: &Trail) -> Option<&'static str> {
    Some(if trail.proof()?.phase == Phase::Pkix { "PKIX" } else { "POSH" })
}
