//! The lab's scenarios: the lab comes up, they run one after the other, the lab goes down.

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use interop::{Lab, Scenario, Site, play};
use libtest_mimic::{Arguments, Trial};

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // They share the ports on which a ping waits for its answer.
    arguments.test_threads = Some(1);
    let scenarios = Scenario::all();
    let asked: Vec<Scenario> =
        scenarios.iter().filter(|scenario| asked_for(&arguments, scenario)).copied().collect();
    if arguments.list || asked.is_empty() {
        let unplayed = || Err("there is no lab to play it in".into());
        let names = scenarios.iter().map(|scenario| Trial::test(scenario.name, unplayed));
        return libtest_mimic::run(&arguments, names.collect()).exit_code();
    }
    match stage(&asked) {
        Ok(stage) => libtest_mimic::run(&arguments, trials(&scenarios, stage)).exit_code(),
        Err(error) => {
            eprintln!("lab: {}", with_causes(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

/// A lab that is up, and the place that is cleared when it is dropped.
struct Stage {
    lab: Lab,
    site: Site,
}

/// Brings up what `scenarios` need.
fn stage(scenarios: &[Scenario]) -> Result<Arc<Stage>, Box<dyn Error>> {
    let site = Site::claim(&Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("interop"))?;
    let mut domains: Vec<_> = scenarios.iter().flat_map(Scenario::domains).collect();
    domains.sort_by_key(|domain| domain.name);
    domains.dedup();
    let lab = site.wait_for(Lab::build(&site, &domains))?;
    Ok(Arc::new(Stage { lab, site }))
}

fn trials(scenarios: &[Scenario], stage: Arc<Stage>) -> Vec<Trial> {
    let trial = |scenario: &Scenario| {
        let (scenario, stage) = (*scenario, Arc::clone(&stage));
        Trial::test(scenario.name, move || {
            let Stage { lab, site } = stage.as_ref();
            Ok(site.wait_for(play(site, lab, &scenario))?)
        })
    };
    scenarios.iter().map(trial).collect()
}

/// As libtest-mimic decides it.
fn asked_for(arguments: &Arguments, scenario: &Scenario) -> bool {
    let matches = |filter: &String| match arguments.exact {
        true => scenario.name == filter,
        false => scenario.name.contains(filter.as_str()),
    };
    arguments.filter.as_ref().is_none_or(matches) && !arguments.skip.iter().any(matches)
}

/// The error and its causes in one line.
fn with_causes(error: &dyn Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {}", with_causes(cause)),
        None => error.to_string(),
    }
}
