//! Plays a scenario in the lab.

use super::{Scenario, called, calling, foreign};
use crate::lab::Lab;
use crate::machine::Machine;
use crate::run::{Failure, Run};
use crate::site::Site;

/// Plays it, and looks at what both sides have to say.
pub async fn play(site: &Site, lab: &Lab, scenario: &Scenario) -> Result<(), Failure> {
    let run = Run::begin(site, lab, scenario.name);
    match (scenario.from.machine, scenario.to.machine) {
        (Machine::Caller, _) => calling::play(&run, scenario).await?,
        (_, Machine::Server) => called::play(&run, scenario).await?,
        _ => foreign::play(&run, scenario).await?,
    }
    run.passed();
    Ok(())
}
