//! What happens, and how it has to end. A further scene is a file here and an entry in [`SCENES`].

use std::pin::Pin;
use std::time::Duration;

use xmpp_s2s::{Code, Peer, Prooftype, Trail, Verdict};

use super::DemoError;
use super::cast::Cast;
use super::letter::Letter;
use crate::print::Page;

mod forged;
mod hosted;
mod pkix;
mod premature;
mod reference;
mod rollover;
mod unpublished;

/// All of them, in their order.
pub(super) const SCENES: &[Scene] = &[
    hosted::SCENE,
    reference::SCENE,
    pkix::SCENE,
    forged::SCENE,
    unpublished::SCENE,
    rollover::SCENE,
    premature::SCENE,
];

/// A scene as it is planned.
#[derive(Clone, Copy)]
pub(super) struct Scene {
    /// What it shows.
    pub(super) title: &'static str,
    /// How it has to end.
    pub(super) expected: Ending,
    /// Plays it from the start, whatever was played before.
    pub(super) play: for<'a> fn(&'a Cast) -> Playing<'a>,
}

/// A scene that is being played.
pub(super) type Playing<'a> = Pin<Box<dyn Future<Output = Result<Played, DemoError>> + Send + 'a>>;

/// What a scene came to.
pub(super) struct Played {
    /// Decisions as they were made; the first is the one that the scene is about.
    pub(super) decisions: Vec<Decision>,
    /// What else there is to see.
    pub(super) facts: Vec<Fact>,
    /// The messages that were sent; where they are very many, those that the decisions are about.
    pub(super) letters: Vec<Letter>,
}

/// A decision, and who made it.
pub(super) struct Decision {
    /// Said above its steps, where the title of the scene does not say it.
    pub(super) caption: Option<String>,
    pub(super) trail: Trail,
}

/// Something that has to be so for the scene to be what it says, and whether it is.
pub(super) struct Fact {
    pub(super) sentence: String,
    pub(super) holds: bool,
}

impl Fact {
    pub(super) fn new(holds: bool, sentence: impl Into<String>) -> Self {
        Self { sentence: sentence.into(), holds }
    }

    /// That a message came out at the other end as it was sent.
    pub(super) fn arrival(letter: &Letter, text: &str) -> Self {
        let (from, to) = (letter.sent.sender(), letter.sent.recipient());
        let holds = letter.text().as_deref() == Some(text);
        Self::new(holds, format!("{from} → {to}: “{text}” arrived"))
    }

    /// That every one of these messages came back with the reason.
    pub(super) fn return_of(letters: &[Letter], reason: Code) -> Self {
        let complaints: Vec<_> = letters.iter().filter_map(Letter::complaint).collect();
        let holds = complaints.len() == letters.len()
            && complaints.iter().all(|complaint| complaint.ends_with(reason.sentence()));
        let all = match letters.len() {
            1 => "the message".to_owned(),
            number => format!("the {number} messages"),
        };
        let author = letters.first().map_or("its author", |letter| letter.sent.sender());
        let complaint = complaints.first().map_or("without a reason", String::as_str);
        Self::new(holds, format!("{all} came back to {author}: “{complaint}”"))
    }
}

/// How a decision ended, or has to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Ending {
    /// The peer proved itself, by this.
    Accepted(Code),
    /// It did not, for this reason.
    Refused(Code),
    /// It could not be found out, for this reason if that much is known.
    Unknown(Option<Code>),
}

impl Ending {
    pub(super) fn of(trail: &Trail) -> Self {
        let Some(code) = trail.conclusion() else { return Self::Unknown(None) };
        match (code.verdict(), trail.proof()) {
            (Verdict::Passed, Some(proof)) => Self::Accepted(proof.code),
            (Verdict::Refused, _) => Self::Refused(code),
            (Verdict::Passed, None) | (Verdict::Unknown, _) => Self::Unknown(Some(code)),
        }
    }

    pub(super) fn code(self) -> Option<Code> {
        match self {
            Self::Accepted(code) | Self::Refused(code) => Some(code),
            Self::Unknown(code) => code,
        }
    }

    pub(super) fn verdict(self) -> Verdict {
        match self {
            Self::Accepted(_) => Verdict::Passed,
            Self::Refused(_) => Verdict::Refused,
            Self::Unknown(_) => Verdict::Unknown,
        }
    }
}

/// Whether it was POSH that counted, and the document that decided is this one.
fn is_proved_by(peer: Option<&Peer>, document: &str) -> bool {
    peer.is_some_and(|peer| {
        peer.prooftype == Some(Prooftype::Posh) && peer.document.as_deref() == Some(document)
    })
}

/// A scene that is over.
pub(super) struct Act {
    /// Its place in [`SCENES`], from 1.
    pub(super) number: usize,
    pub(super) scene: Scene,
    pub(super) played: Played,
}

impl Act {
    /// Plays the scene of this number.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub(super) async fn play(number: usize, cast: &Cast) -> Result<Self, DemoError> {
        let scene = SCENES[number - 1];
        let played = (scene.play)(cast).await?;
        Ok(Self { number, scene, played })
    }

    pub(super) fn ending(&self) -> Ending {
        let decision = self.played.decisions.first();
        decision.map_or(Ending::Unknown(None), |decision| Ending::of(&decision.trail))
    }

    /// How long it took to find that out: until the first message was there, or back.
    pub(super) fn elapsed(&self) -> Duration {
        self.played.letters.first().map(|letter| letter.elapsed).unwrap_or_default()
    }

    /// Whether it ended as it has to.
    pub(super) fn is_as_expected(&self) -> bool {
        self.ending() == self.scene.expected && self.played.facts.iter().all(|fact| fact.holds)
    }
}

/// The number of a scene on the command line.
pub(crate) fn number(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number) if (1..=SCENES.len()).contains(&number) => Ok(number),
        Ok(_) | Err(_) => Err(format!("expected one of these scenes:\n{}", list())),
    }
}

/// Every scene with its number, a line each, in what the terminal can show.
pub(crate) fn list() -> String {
    let lines = (1..).zip(SCENES).map(|(number, scene)| format!("  {number}  {}", scene.title));
    Page::of_stdout().fit(&lines.collect::<Vec<_>>().join("\n")).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scene_that_is_not_there_is_answered_with_those_that_are() {
        assert_eq!(number("1"), Ok(1));
        for text in ["0", "-1", "99", "one", ""] {
            let error = number(text).unwrap_err();
            let page = Page::of_stdout();
            let is_told = |scene: &Scene| error.contains(&*page.fit(scene.title));
            assert!(SCENES.iter().all(is_told), "{error}");
        }
    }

    #[tokio::test]
    async fn each_scene_ends_as_it_says_without_those_before_it() {
        for number in 1..=SCENES.len() {
            let cast = Cast::assemble().await.unwrap();
            let act = Act::play(number, &cast).await.unwrap();
            let facts = act.played.facts.iter();
            let wrong: Vec<_> = facts.filter(|fact| !fact.holds).map(|f| &f.sentence).collect();
            assert!(act.is_as_expected(), "{number}: {:?} {wrong:?}", act.ending());
            cast.dismiss().await;
        }
    }

    #[tokio::test]
    async fn every_scene_ends_as_it_says_in_any_order() {
        let cast = Cast::assemble().await.unwrap();
        for number in (1..=SCENES.len()).rev() {
            let act = Act::play(number, &cast).await.unwrap();
            assert!(act.is_as_expected(), "{number}");
        }
        cast.dismiss().await;
    }
}
