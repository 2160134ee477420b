//! Prosody to Prosody: shows that the lab, and our plugin in it, are right without our server.

use super::Outcome::{NotProved, Proved, Refused, Unknown};
use super::check::{expect_pong, prosody_proved, prosody_refused};
use super::{ANOTHER, FINGERPRINTS, Proof, Scenario};
use crate::domain::Domain;
use crate::machine::Machine;
use crate::run::{Failure, Run};

const PROSODY: Domain = Domain::hosted(Machine::Prosody, "prosody.example", FINGERPRINTS).direct();

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario::new(
        "two_prosodys_prove_each_other_by_posh",
        Domain::hosted(Machine::Other, "other.example", FINGERPRINTS),
        PROSODY,
        Proved(Proof::Posh),
    ),
    Scenario::new(
        "a_prosody_refuses_another_whose_document_lists_another",
        Domain::hosted(Machine::Other, "other-unlisted.example", ANOTHER),
        PROSODY,
        NotProved,
    ),
];

pub(super) async fn play(run: &Run<'_>, scenario: &Scenario) -> Result<(), Failure> {
    let Scenario { from, to, outcome, .. } = scenario;
    let pinged = run.prosody_pings(from.machine, from.name, to.name).await?;
    match outcome {
        Proved(proof) => {
            expect_pong(&pinged, to, true)?;
            prosody_proved(run, to, from, *proof).await?;
            prosody_proved(run, from, to, *proof).await
        }
        NotProved => {
            expect_pong(&pinged, to, false)?;
            prosody_refused(run, scenario, to, from).await
        }
        Refused(code) | Unknown(code) => {
            Err(Failure::Unexpected(format!("no server of ours is here to say {code}")))
        }
    }
}
