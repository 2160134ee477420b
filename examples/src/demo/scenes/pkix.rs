//! Two domains with certificates of their own, which need no POSH.

use xmpp_s2s::Code;

use super::{Decision, Ending, Fact, Played, Scene};
use crate::demo::DemoError;
use crate::demo::cast::{ALPHA, BETA, Cast};
use crate::demo::letter::Letter;

pub(super) const SCENE: Scene = Scene {
    title: "alpha.example ↔ beta.example, with a certificate for each domain (PKIX alone)",
    expected: EXPECTED,
    play: |cast| Box::pin(play(cast)),
};

const EXPECTED: Ending = Ending::Accepted(Code::PkixMatch);
const TEXT: &str = "O Romeo, Romeo! wherefore art thou Romeo?";
const ANSWER: &str = "Call me but love, and I'll be new baptized.";

async fn play(cast: &Cast) -> Result<Played, DemoError> {
    let (juliet, romeo) = ("juliet@alpha.example", "romeo@beta.example");
    let letter = Letter::send((&cast.alpha, juliet), (&cast.beta, romeo), TEXT).await;
    let there = letter.decision(&cast.alpha);
    let answer = Letter::send((&cast.beta, romeo), (&cast.alpha, juliet), ANSWER).await;
    let back = answer.decision_about_sender(&cast.alpha);
    let facts = vec![
        Fact::arrival(&letter, TEXT),
        Fact::arrival(&answer, ANSWER),
        Fact::new(Ending::of(&back) == EXPECTED, format!("{BETA} is proved both ways")),
    ];
    let decisions = vec![
        Decision { caption: None, trail: there },
        Decision {
            caption: Some(format!("and when {BETA} calls back, {ALPHA} finds out")),
            trail: back,
        },
    ];
    Ok(Played { decisions, facts, letters: vec![letter, answer] })
}
