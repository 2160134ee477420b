//! Plays a scenario in the lab.

use super::{Means, Scenario, called, calling, checking, foreign, ours, talking};
use crate::machine::Machine;
use crate::run::{Failure, Run};

/// Plays it, and looks at what both sides have to say.
pub(crate) async fn play(run: &Run<'_>, scenario: &Scenario) -> Result<(), Failure> {
    match (scenario.means, scenario.from.machine, scenario.to.machine) {
        (Means::Look, ..) => checking::play(run).await,
        (Means::Message, ..) => talking::play(run, scenario).await,
        (Means::Ping, Machine::Caller, Machine::Server) => ours::play(run, scenario).await,
        (Means::Ping, Machine::Caller, _) => calling::play(run, scenario).await,
        (Means::Ping, _, Machine::Server) => called::play(run, scenario).await,
        (Means::Ping, ..) => foreign::play(run, scenario).await,
    }
}
