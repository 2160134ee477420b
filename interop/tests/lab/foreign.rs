//! Prosody to Prosody: shows that the lab, and our plugin in it, are right without our server.

use interop::{Domain, Failure, Machine, Run};

use crate::check::{expect, prosody_proved};
use crate::scenario::{FINGERPRINTS, Outcome, Proof, Scenario};

pub(crate) const SCENARIOS: &[Scenario] = &[Scenario::new(
    "two_prosodys_prove_each_other_by_posh",
    Domain::hosted(Machine::Other, "other.example", FINGERPRINTS),
    Domain::hosted(Machine::Prosody, "prosody.example", FINGERPRINTS).direct(),
    Outcome::Proved(Proof::Posh),
)];

pub(crate) async fn play(run: &Run<'_>, scenario: &Scenario) -> Result<(), Failure> {
    let Scenario { from, to, .. } = scenario;
    let pinged = run.prosody_pings(from.machine, from.name, to.name).await?;
    expect(pinged.stdout.contains("pong"), || format!("no pong: {pinged:?}"))?;
    prosody_proved(run, to.machine, from, Proof::Posh).await?;
    prosody_proved(run, from.machine, to, Proof::Posh).await
}
