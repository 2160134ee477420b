use std::collections::HashMap;
use std::time::Instant;

use futures_util::future::join_all;

use crate::case::{Case, Played};
use crate::domain::Domain;
use crate::guide;
use crate::images::Images;
use crate::lab::{Lab, LabError, machines};
use crate::release::Release;
use crate::run::Failure;
use crate::scenario::Scenario;
use crate::site::Site;

/// The labs of a run: one for each release of Prosody, each with a network of its own.
#[derive(Debug)]
pub struct Labs(HashMap<Release, Lab>);

impl Labs {
    /// Builds what `cases` need, and waits until every machine is ready.
    pub async fn build(site: &Site, cases: &[Case]) -> Result<Self, LabError> {
        let domains = cases.iter().flat_map(|case| {
            case.scenario.domains().into_iter().map(|domain| (case.release, domain))
        });
        Self::start(site, by_lab(domains)).await
    }

    /// Builds one lab with the domains of all scenarios, and one more for whoever uses it by hand.
    pub async fn open(site: &Site, release: Release) -> Result<Self, LabError> {
        let domains = Scenario::all().into_iter().flat_map(|scenario| scenario.domains());
        let domains = domains.chain([guide::YOU]).map(|domain| (release, domain));
        Self::start(site, by_lab(domains)).await
    }

    /// What to try in them, with commands that work from the current folder.
    pub fn guide(&self) -> String {
        self.0.values().map(guide::guide).collect()
    }

    async fn start(site: &Site, domains: HashMap<Release, Vec<Domain>>) -> Result<Self, LabError> {
        let needed = domains.iter().flat_map(|(release, domains)| {
            machines(domains).map(|machine| (machine, *release)).collect::<Vec<_>>()
        });
        let images = Images::build(site, needed).await?;
        let start = Instant::now();
        // To its end, all of it: what a lab has asked the engine for is to be known before the
        // place is cleared.
        let labs = join_all(domains.iter().map(async |(release, domains)| {
            Ok::<_, LabError>((*release, Lab::start(site, &images, *release, domains).await?))
        }));
        let labs = labs.await.into_iter().collect::<Result<_, _>>()?;
        eprintln!("lab: up after {:.1?}", start.elapsed());
        Ok(Self(labs))
    }

    /// Plays a case in its lab, if that was built.
    pub async fn play(&self, site: &Site, case: &Case) -> Result<Played, Failure> {
        let lab = self.0.get(&case.release).ok_or(Failure::NoLab(case.release))?;
        Ok(case.play(site, lab).await)
    }
}

/// The domains of each lab, in the order of their names.
fn by_lab(domains: impl Iterator<Item = (Release, Domain)>) -> HashMap<Release, Vec<Domain>> {
    let mut labs: HashMap<_, Vec<_>> = HashMap::new();
    for (release, domain) in domains {
        labs.entry(release).or_default().push(domain);
    }
    for domains in labs.values_mut() {
        domains.sort_by_key(|domain| domain.name);
        domains.dedup();
    }
    labs
}
