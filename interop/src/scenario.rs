//! A scenario is two domains, and what is to come of a stanza from one to the other.

use posh::Profile;

use crate::domain::{Document, Domain};

mod called;
mod calling;
mod check;
mod checking;
mod foreign;
mod ours;
mod play;
mod talking;

pub(crate) use play::play;

/// What a domain publishes that Prosody has to prove: its plugin reads RFC 7711 only.
pub(crate) const FINGERPRINTS: Document = Document::Direct(Profile::Rfc7711);

/// Another certificate than its server shows, in the only form that Prosody's plugin reads.
pub(crate) const ANOTHER: Document = Document::Another(Profile::Rfc7711);

/// Who sends what to whom, and what is to come of it.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// A sentence about what it shows.
    pub name: &'static str,
    /// Who pings.
    pub from: Domain,
    /// Who is pinged.
    pub to: Domain,
    pub(crate) outcome: Outcome,
    means: Means,
    parent: Option<Domain>,
}

/// What is sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Means {
    /// A ping, by a server.
    Ping,
    /// A message to the echo account, by a person.
    Message,
    /// Nothing: every domain of the lab is looked at.
    Look,
}

/// What is to come of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Outcome {
    /// An answer, over two streams on which either side proves itself in this way.
    Proved(Proof),
    /// A refusal, with the code that says why.
    Refused(&'static str),
    /// No way to tell whether the peer is what it says, which is as good as a refusal.
    Unknown(&'static str),
    /// The peer refuses the domain of ours, which does not publish what would prove it.
    NotProved,
}

/// How a domain is proved.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Proof {
    Pkix,
    Posh,
}

impl Scenario {
    /// All of them, in the order in which they are played.
    pub fn all() -> Vec<Self> {
        [
            foreign::SCENARIOS,
            calling::SCENARIOS,
            called::SCENARIOS,
            ours::SCENARIOS,
            talking::SCENARIOS,
            checking::SCENARIOS,
        ]
        .concat()
    }

    pub(crate) const fn new(
        name: &'static str,
        from: Domain,
        to: Domain,
        outcome: Outcome,
    ) -> Self {
        Self { name, from, to, outcome, means: Means::Ping, parent: None }
    }

    /// The same with a message.
    const fn by_message(self) -> Self {
        Self { means: Means::Message, ..self }
    }

    /// The same without a stanza.
    const fn by_looking(self) -> Self {
        Self { means: Means::Look, ..self }
    }

    /// The same, where there is a domain above that of the receiver.
    const fn below(self, parent: Domain) -> Self {
        Self { parent: Some(parent), ..self }
    }

    /// Whether a server of others is in it.
    pub(crate) fn has_prosody(&self) -> bool {
        self.domains().iter().any(|domain| domain.machine.runs_prosody())
    }

    /// The domains that it needs.
    pub(crate) fn domains(&self) -> Vec<Domain> {
        [self.from, self.to].into_iter().chain(self.parent).collect()
    }
}
