//! The demo for programs.

use serde::Serialize;
use xmpp_s2s::{Code, Trail, Verdict};

use super::pages::went;
use super::scenes::{Act, Decision, Ending, Fact};
use super::streams::Row;

#[derive(Serialize)]
struct Document<'a> {
    scenes: Vec<Scene<'a>>,
    streams: &'a [Row],
    as_expected: bool,
}

#[derive(Serialize)]
struct Scene<'a> {
    number: usize,
    title: &'a str,
    expected: Outcome,
    outcome: Outcome,
    as_expected: bool,
    elapsed_ms: f64,
    trails: Vec<&'a Trail>,
    facts: Vec<Statement<'a>>,
    stanzas: Vec<String>,
}

#[derive(Serialize)]
struct Outcome {
    outcome: &'static str,
    code: Option<Code>,
}

#[derive(Serialize)]
struct Statement<'a> {
    fact: &'a str,
    holds: bool,
}

/// One JSON object in one line.
pub(super) fn document(acts: &[Act], streams: &[Row]) -> String {
    let document = Document {
        scenes: acts.iter().map(scene).collect(),
        streams,
        as_expected: acts.iter().all(Act::is_as_expected),
    };
    serde_json::to_string(&document).expect("the demo has only strings for keys")
}

fn scene(act: &Act) -> Scene<'_> {
    let played = &act.played;
    Scene {
        number: act.number,
        title: act.scene.title,
        expected: outcome(act.scene.expected),
        outcome: outcome(act.ending()),
        as_expected: act.is_as_expected(),
        elapsed_ms: act.elapsed().as_secs_f64() * 1000.0,
        trails: played.decisions.iter().map(|Decision { trail, .. }| trail).collect(),
        facts: played.facts.iter().map(statement).collect(),
        stanzas: played.letters.iter().flat_map(went).collect(),
    }
}

fn statement(fact: &Fact) -> Statement<'_> {
    Statement { fact: &fact.sentence, holds: fact.holds }
}

fn outcome(ending: Ending) -> Outcome {
    let outcome = match ending.verdict() {
        Verdict::Passed => "accepted",
        Verdict::Refused => "refused",
        Verdict::Unknown => "unknown",
    };
    Outcome { outcome, code: ending.code() }
}
