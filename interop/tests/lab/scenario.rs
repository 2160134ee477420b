//! A scenario is two domains, and what is to come of a ping from one to the other.

use interop::{Document, Domain, Failure, Lab, Machine, Run, Site};
use posh::Profile;

use crate::{called, calling, foreign};

/// What a domain publishes that Prosody has to prove: its plugin reads RFC 7711 only.
pub(crate) const FINGERPRINTS: Document = Document::Direct(Profile::Rfc7711);

/// Who pings whom, and what is to come of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) from: Domain,
    pub(crate) to: Domain,
    pub(crate) outcome: Outcome,
}

/// What is to come of a ping.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Outcome {
    /// An answer, over two streams on which either side proves itself in this way.
    Proved(Proof),
    /// A refusal, with the code that says why.
    Refused(&'static str),
    /// No way to tell whether the peer is what it says, which is as good as a refusal.
    Unknown(&'static str),
}

/// How a domain is proved.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Proof {
    Pkix,
    Posh,
}

impl Scenario {
    pub(crate) const fn new(
        name: &'static str,
        from: Domain,
        to: Domain,
        outcome: Outcome,
    ) -> Self {
        Self { name, from, to, outcome }
    }

    pub(crate) fn domains(&self) -> [Domain; 2] {
        [self.from, self.to]
    }

    /// Plays it, and looks at what both sides have to say.
    pub(crate) async fn play(self, site: &Site, lab: &Lab) -> Result<(), Failure> {
        let run = Run::begin(site, lab, self.name);
        match (self.from.machine, self.to.machine) {
            (Machine::Caller, _) => calling::play(&run, &self).await?,
            (_, Machine::Server) => called::play(&run, &self).await?,
            _ => foreign::play(&run, &self).await?,
        }
        run.passed();
        Ok(())
    }
}
