//! The demo on paper.

use xmpp_s2s::{Code, Phase, Step, Trail, Verdict};

use super::cast::{ALPHA, Cast, HOSTED, HOSTING, MALLORY};
use super::scenes::{Played, Scene};
use crate::ping::{End, Returned, proof};
use crate::print::{Page, WIDTH, elapsed, milliseconds};

/// Who plays, and where they are to be found.
pub(super) fn cast(page: Page, cast: &Cast) -> String {
    let title =
        "xmpp-s2s demo · XMPP servers, DNS and web server, all in this process on loopback\n\n";
    let mut text = page.fit(title).into_owned();
    for (name, role, address) in [
        (ALPHA, "has a certificate of its own".to_owned(), None),
        (
            HOSTED,
            format!("is hosted by a company that has ONE certificate, which names only {HOSTING}"),
            Some(cast.hosting.address),
        ),
        (
            MALLORY,
            format!("has a certificate of its own too, and would like to be {HOSTED}"),
            Some(cast.mallory.address),
        ),
    ] {
        let address = address.map(|address| format!("s2s {address}")).unwrap_or_default();
        text += &page.row(&format!("  {name:17}"), 19, &role, &address);
    }
    text
}

/// A scene that is over: the steps as they were, and what they came to.
pub(super) fn scene(page: Page, number: usize, played: &Played) -> String {
    let mut text = heading(page, number, played.scene);
    let report = &played.report;
    if let Some(trail) = &report.outbound {
        text += &steps(page, trail);
    }
    if let Some(trail) = &report.inbound {
        text += &format!("   the answer comes over a stream that {HOSTED} opens to {ALPHA}\n");
        text += &steps(page, trail);
    }
    text += &outcome(page, played);
    if !played.is_as_expected() {
        text += &page.paint("   this is not how the scene has to end\n", Verdict::Refused);
    }
    text
}

fn heading(page: Page, number: usize, scene: Scene) -> String {
    let heading = format!("── {number}  {} ", scene.title());
    let rule = "─".repeat(WIDTH.saturating_sub(heading.chars().count()));
    format!("\n{}\n", page.fit(&format!("{heading}{rule}")))
}

fn steps(page: Page, trail: &Trail) -> String {
    let line = |step: &Step| {
        let phase = format!("{:10}", step.phase.as_str());
        let start = format!("   {}  ", page.paint(&phase, step.code.verdict()));
        let text = format!("{}{}", found(step), step.detail);
        page.row(&start, 15, &text, &elapsed(step))
    };
    trail.steps().iter().map(line).collect()
}

/// What a step found, where its detail does not say so.
fn found(step: &Step) -> &'static str {
    let proves = matches!(step.phase, Phase::Pkix | Phase::PoshMatch);
    match (step.code.verdict(), proves) {
        (Verdict::Passed, true) => "proof: ",
        (Verdict::Passed, false) => "",
        (Verdict::Refused | Verdict::Unknown, true) => "no proof: ",
        (Verdict::Refused, false) => "refused: ",
        (Verdict::Unknown, false) => "not known: ",
    }
}

fn outcome(page: Page, played: &Played) -> String {
    let report = &played.report;
    let (verdict, word, sentences) = match &report.end {
        End::Answered(_) => (Verdict::Passed, "✔ ACCEPTED", vec![answered(played)]),
        End::Undelivered(returned) => {
            let (verdict, word) = match returned.trail.conclusion().map(Code::verdict) {
                Some(Verdict::Refused) => (Verdict::Refused, "✘ REFUSED"),
                Some(Verdict::Passed | Verdict::Unknown) | None => {
                    (Verdict::Unknown, "✘ CANNOT TELL")
                }
            };
            (verdict, word, undelivered(played, returned))
        }
        End::NoStream(_) | End::Silence(_) => {
            (Verdict::Unknown, "✘ NO ANSWER", vec![report.sentence()])
        }
    };
    let word = page.fit(word).into_owned();
    let mut start = format!("   {}  ", page.paint(&word, verdict));
    let indent = 5 + word.chars().count();
    let mut text = String::new();
    for sentence in sentences {
        text += &page.row(&start, indent, &sentence, "");
        start = " ".repeat(indent);
    }
    text
}

fn answered(played: &Played) -> String {
    let report = &played.report;
    let proof = report.outbound.as_ref().and_then(proof).unwrap_or("no proof");
    format!("by {proof}; the ping was answered in {}", milliseconds(report.round_trip))
}

fn undelivered(played: &Played, returned: &Returned) -> Vec<String> {
    let trail = &returned.trail;
    let code = trail.conclusion().map_or("open", |code| code.as_str());
    let mut sentences = vec![format!("{code} in {}", milliseconds(played.report.round_trip))];
    if returned.bounce.is_some() {
        sentences.push(format!("the ping came back to {ALPHA}: \"{trail}\""));
    }
    if played.led_astray {
        sentences.push(format!("{MALLORY} got {} stanzas", played.stolen));
        sentences.push(format!(
            "with dialback alone this connection would have been ACCEPTED: dialback asks the \
             server that the DNS names, and the DNS names {MALLORY}"
        ));
    }
    sentences
}
