//! Plays a scenario in the lab.

use super::{Scenario, called, calling, foreign, ours};
use crate::machine::Machine;
use crate::run::{Failure, Run};

/// Plays it, and looks at what both sides have to say.
pub(crate) async fn play(run: &Run<'_>, scenario: &Scenario) -> Result<(), Failure> {
    match (scenario.from.machine, scenario.to.machine) {
        (Machine::Caller, Machine::Server) => ours::play(run, scenario).await,
        (Machine::Caller, _) => calling::play(run, scenario).await,
        (_, Machine::Server) => called::play(run, scenario).await,
        _ => foreign::play(run, scenario).await,
    }
}
