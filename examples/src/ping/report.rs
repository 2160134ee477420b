//! What a ping came to, for people, programs and shells.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use xmpp_s2s::{Code, Pair, Phase, Stanza, Trail, Verdict};

use crate::print::{Page, milliseconds};

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
    /// How the peer's stream to us came about, or why it did not.
    pub(crate) inbound: Option<Trail>,
}

/// How a ping ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum End {
    /// The peer answered.
    Answered(Answer),
    /// The ping could not be delivered, and came back.
    Undelivered(Box<Returned>),
    /// It was delivered; whoever called us in the peer's name did not prove to be it.
    NotProved,
    /// Nothing came in this time.
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
    fn of_failure(trail: Option<&Trail>) -> Self {
        match trail.and_then(Trail::conclusion).map(Code::verdict) {
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
            End::Undelivered(returned) => Outcome::of_failure(Some(&returned.trail)),
            End::NotProved => Outcome::of_failure(self.inbound.as_ref()),
            End::Silence(_) => Outcome::CannotTell,
        }
    }

    fn is_delivered(&self) -> bool {
        let conclusion = self.outbound.as_ref().and_then(Trail::conclusion);
        conclusion.map(Code::verdict) == Some(Verdict::Passed)
    }

    /// The trail whose conclusion decided.
    fn decisive(&self) -> Option<&Trail> {
        match &self.end {
            End::Answered(_) => self.outbound.as_ref(),
            End::Undelivered(returned) => Some(&returned.trail),
            End::NotProved => self.inbound.as_ref(),
            End::Silence(_) => None,
        }
    }

    pub(crate) fn sentence(&self) -> String {
        let Pair { local, remote } = &self.pair;
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
            End::NotProved => match self.inbound.as_ref().filter(|trail| is_concluded(trail)) {
                Some(trail) => format!("it called us to answer; {}", with_code(trail)),
                None => "it called us to answer, and broke off".to_owned(),
            },
            End::Silence(timeout) if self.is_delivered() => format!(
                "{remote} did not answer within {} s; to answer it calls {local}, which the DNS \
                 must lead to here",
                timeout.as_secs()
            ),
            End::Silence(timeout) => {
                format!("there was no stream to {remote} within {} s", timeout.as_secs())
            }
        }
    }
}

fn is_concluded(trail: &Trail) -> bool {
    trail.conclusion().is_some()
}

fn with_code(trail: &Trail) -> String {
    match trail.conclusion() {
        Some(code) => format!("{trail} ({code})"),
        None => trail.to_string(),
    }
}

/// The proof that counted.
pub(crate) fn proof(trail: &Trail) -> Option<&'static str> {
    trail.steps().iter().rev().find_map(|step| match (step.phase, step.code.verdict()) {
        (Phase::Pkix, Verdict::Passed) => Some("PKIX"),
        (Phase::PoshMatch, Verdict::Passed) => Some("POSH"),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::print::{Charset, Ink};
    use xmpp_s2s::Step;

    const PAGE: Page = Page { ink: Ink::Black, charset: Charset::Unicode };

    fn pair() -> Pair {
        Pair { local: "here.example".parse().unwrap(), remote: "there.example".parse().unwrap() }
    }

    fn trail(phase: Phase, code: Code) -> Trail {
        let mut trail = Trail::new(pair());
        trail.record(Step::new(phase, code, "particulars", Duration::from_millis(3)));
        trail.conclude(code);
        trail
    }

    fn report(end: End) -> Report {
        let round_trip = Duration::from_millis(14);
        Report { pair: pair(), end, round_trip, outbound: None, inbound: None }
    }

    fn undelivered(trail: Trail) -> End {
        End::Undelivered(Box::new(Returned { trail: trail.into(), bounce: None }))
    }

    fn last_line(report: &Report) -> String {
        report.text(PAGE).lines().last().unwrap().to_owned()
    }

    #[test]
    fn an_answer_is_accepted_and_names_the_proof() {
        let mut report = report(End::Answered(Answer::Result));
        report.outbound = Some(trail(Phase::PoshMatch, Code::PoshMatch));
        assert_eq!(report.outcome().exit_code(), 0);
        assert_eq!(
            last_line(&report),
            "ACCEPTED  there.example proved itself by POSH and answered in 14 ms"
        );
    }

    #[test]
    fn an_error_for_an_answer_is_accepted_too() {
        assert_eq!(report(End::Answered(Answer::Error)).outcome(), Outcome::Accepted);
    }

    #[test]
    fn a_refusing_code_is_exit_code_1() {
        let trail = trail(Phase::PoshMatch, Code::PoshFingerprintMismatch);
        let report = report(undelivered(trail));
        assert_eq!(report.outcome().exit_code(), 1);
        assert_eq!(
            last_line(&report),
            "REFUSED  there.example: its server's certificate is none of those that it publishes \
             by POSH (posh-fingerprint-mismatch)"
        );
    }

    #[test]
    fn an_unknown_code_is_exit_code_4() {
        let report = report(undelivered(trail(Phase::Dns, Code::DnsTimeout)));
        assert_eq!(report.outcome().exit_code(), 4);
        assert_eq!(
            last_line(&report),
            "CANNOT TELL  there.example: the DNS did not answer in time (dns-timeout)"
        );
    }

    #[test]
    fn a_trail_without_conclusion_is_exit_code_4() {
        let report = report(undelivered(Trail::new(pair())));
        assert_eq!(report.outcome().exit_code(), 4);
    }

    #[test]
    fn silence_is_exit_code_4_and_says_what_an_answer_needs() {
        let mut report = report(End::Silence(Duration::from_secs(30)));
        report.outbound = Some(trail(Phase::Stream, Code::StreamEstablished));
        assert_eq!(report.outcome().exit_code(), 4);
        assert_eq!(
            last_line(&report),
            "CANNOT TELL  there.example did not answer within 30 s; to answer it calls \
             here.example, which the DNS must lead to here"
        );
    }

    #[test]
    fn silence_on_the_way_out_is_told_as_that() {
        let mut report = report(End::Silence(Duration::from_secs(2)));
        report.outbound = Some(Trail::new(pair()));
        assert_eq!(
            last_line(&report),
            "CANNOT TELL  there was no stream to there.example within 2 s"
        );
    }

    #[test]
    fn a_peer_that_calls_and_proves_nothing_is_refused_by_its_own_trail() {
        let mut report = report(End::NotProved);
        report.inbound = Some(trail(Phase::Pkix, Code::CertExpired));
        assert_eq!(report.outcome().exit_code(), 1);
        assert!(last_line(&report).contains("it called us to answer; "));
    }

    #[test]
    fn json_has_both_trails_and_the_time() {
        let mut report = report(End::Answered(Answer::Result));
        report.outbound = Some(trail(Phase::Pkix, Code::PkixMatch));
        let json: serde_json::Value = serde_json::from_str(&report.json()).unwrap();
        assert_eq!(json["domain"], "there.example");
        assert_eq!(json["outcome"], "accepted");
        assert_eq!(json["round_trip_ms"], 14.0);
        assert_eq!(json["outbound"]["steps"][0]["code"], "pkix-match");
        assert!(json["inbound"].is_null() && json["error"].is_null());
    }

    #[test]
    fn json_of_a_failure_has_code_and_sentence_and_no_time() {
        let report = report(undelivered(trail(Phase::Dns, Code::SrvServiceRefused)));
        let json: serde_json::Value = serde_json::from_str(&report.json()).unwrap();
        assert_eq!(json["outcome"], "refused");
        assert_eq!(json["code"], "srv-service-refused");
        assert!(json["error"].as_str().unwrap().starts_with("there.example: "));
        assert!(json["round_trip_ms"].is_null());
    }
}
