//! The demo on paper.

use xmpp_s2s::{Code, Namespace, Phase, Step, Trail, Verdict};

use super::cast::{ALPHA, BETA, Cast, HOSTED, HOSTING, MALLORY, Member, SECOND, THIRD};
use super::letter::{Fate, Letter};
use super::scenes::{Act, Ending};
use crate::print::{Page, WIDTH, elapsed, milliseconds};

/// Who plays, and where they are to be found.
pub(super) fn cast(page: Page, cast: &Cast) -> String {
    let title = "xmpp-s2s demo · 4 servers, 1 DNS, 1 web server, all in this process on loopback";
    let one = format!("domains of one hosting company, which has ONE certificate: {HOSTING}");
    let (own, hers) = ("a certificate of its own", "a valid certificate of her own, too");
    let mut text = format!("{}\n\n", page.fit(title));
    for (name, bracket, role, member) in [
        (ALPHA, " ", own, Some(&cast.alpha)),
        (BETA, " ", own, Some(&cast.beta)),
        (HOSTED, "┐", &*one, None),
        (SECOND, "│", "", Some(&cast.hosting)),
        (THIRD, "┘", "", None),
        (MALLORY, " ", hers, Some(&cast.mallory)),
    ] {
        let address = member.map(|Member { address, .. }| format!("s2s {address}"));
        let start = format!("  {name:15} {bracket}  ");
        text += &page.row(&page.fit(&start), 21, role, &address.unwrap_or_default());
    }
    text
}

/// A scene that is over: the steps as they were, and what they came to.
pub(super) fn act(page: Page, act: &Act) -> String {
    let mut text = heading(page, act);
    for decision in &act.played.decisions {
        if let Some(caption) = &decision.caption {
            text += &page.row("   ", 3, &format!("{caption}:"), "");
        }
        text += &steps(page, &decision.trail);
    }
    text += &outcome(page, act);
    for fact in &act.played.facts {
        let start = if fact.holds { "     " } else { "     NOT SO: " };
        let row = page.row(start, 5, &fact.sentence, "");
        text += &match fact.holds {
            true => row,
            false => page.paint(&row, Verdict::Refused).into_owned(),
        };
    }
    if !act.is_as_expected() {
        let expected = words(act.scene.expected).1;
        let line = format!("   this scene has to end otherwise: {expected}\n");
        text += &page.paint(&page.fit(&line), Verdict::Refused);
    }
    text
}

/// The stanzas of a scene, as they came out at the other end or came back.
pub(super) fn xml(page: Page, act: &Act) -> String {
    act.played.letters.iter().flat_map(went).map(|xml| page.row("   xml  ", 8, &xml, "")).collect()
}

/// What went over a stream, or what came back in its place.
pub(super) fn went(letter: &Letter) -> Vec<String> {
    match &letter.fate {
        Fate::Arrived(arrived) => vec![arrived.stanza.to_xml(Namespace::Server).into_owned()],
        Fate::Vanished | Fate::Waiting => vec![letter.sent.to_xml(Namespace::Server).into_owned()],
        Fate::Returned(undelivered) => {
            let bounce = undelivered.bounce();
            [Some(&letter.sent), bounce.as_ref()]
                .into_iter()
                .flatten()
                .map(|stanza| stanza.to_xml(Namespace::Server).into_owned())
                .collect()
        }
    }
}

fn heading(page: Page, act: &Act) -> String {
    let heading = format!("── {}  {} ", act.number, act.scene.title);
    let heading = page.fit(&heading);
    let rule = "─".repeat(WIDTH.saturating_sub(heading.chars().count()));
    format!("\n{heading}{}\n", page.fit(&rule))
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
        (Verdict::Refused, false) if step.code == Code::PoshNotPublished => "",
        (Verdict::Refused, false) => "refused: ",
        (Verdict::Unknown, false) => "not known: ",
    }
}

fn outcome(page: Page, act: &Act) -> String {
    let ending = act.ending();
    let (sign, words) = words(ending);
    let line = format!("{sign} {words}");
    let painted = page.paint(&page.fit(&line), ending.verdict()).into_owned();
    format!("   {painted} in {}\n", milliseconds(act.elapsed()))
}

fn words(ending: Ending) -> (char, String) {
    match ending {
        Ending::Accepted(Code::PoshMatch) => ('✔', "ACCEPTED by POSH".to_owned()),
        Ending::Accepted(_) => ('✔', "ACCEPTED by PKIX".to_owned()),
        Ending::Refused(code) => ('✘', format!("REFUSED  {code}")),
        Ending::Unknown(Some(code)) => ('✘', format!("CANNOT TELL  {code}")),
        Ending::Unknown(None) => ('✘', "CANNOT TELL".to_owned()),
    }
}
