use std::path::PathBuf;

use crate::lab::Lab;
use crate::release::Release;
use crate::run::{Failure, Run};
use crate::scenario::{Scenario, play};
use crate::site::Site;
use crate::story::story;

/// What is played: a scenario, with a release of Prosody on the machines that run one.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// The scenario.
    pub scenario: Scenario,
    /// The release.
    pub release: Release,
}

impl Case {
    /// Every scenario with every release of Prosody, if there is a Prosody in it. Neighbours are
    /// of different releases, so that their labs are busy at the same time.
    pub fn all() -> Vec<Self> {
        let releases = |scenario: Scenario| {
            let releases = Release::ALL.into_iter();
            let releases = releases.skip(if scenario.has_prosody() { 0 } else { 1 });
            releases.map(move |release| Self { scenario, release })
        };
        Scenario::all().into_iter().flat_map(releases).collect()
    }

    /// Its name: the scenario's, and the release.
    pub fn name(&self) -> String {
        match self.scenario.has_prosody() {
            true => format!("{}_on_{}", self.scenario.name, self.release.slug()),
            false => self.scenario.name.to_owned(),
        }
    }

    /// Those with this name: one, or one for each release if it is the name of a scenario.
    pub fn named(name: &str) -> Vec<Self> {
        let named = |case: &Self| case.scenario.name == name || case.name() == name;
        Self::all().into_iter().filter(named).collect()
    }

    /// Plays it, and looks at what both sides have to say.
    pub(crate) async fn play(&self, site: &Site, lab: &Lab) -> Played {
        let _turn = lab.turn.lock().await;
        let run = Run::begin(site, lab, &self.name());
        let outcome = play(&run, &self.scenario).await;
        let (story, logs) = (story(&run), run.folder().to_owned());
        if outcome.is_ok() {
            run.passed();
        }
        Played { outcome, story, logs }
    }
}

/// How a case went.
#[derive(Debug)]
pub struct Played {
    /// Whether all that it is about came true.
    pub outcome: Result<(), Failure>,
    /// What happened, for people.
    pub story: String,
    /// The folder with its trail and the log of every machine, unless all came true.
    pub logs: PathBuf,
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_cases_have_the_same_name() {
        let names: Vec<String> = Case::all().iter().map(Case::name).collect();
        assert_eq!(names.iter().collect::<HashSet<_>>().len(), names.len());
    }

    #[test]
    fn a_scenario_with_a_prosody_is_played_with_each_release() {
        for scenario in Scenario::all().into_iter().filter(Scenario::has_prosody) {
            for release in Release::ALL {
                let name = Case { scenario, release }.name();
                assert!(Case::all().iter().any(|case| case.name() == name), "{name}");
            }
        }
    }
}
