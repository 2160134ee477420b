//! The lab's scenarios: the labs come up, the scenarios are played, the labs go down.

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use interop::{Case, Labs, Played, Release, Site, with_causes};
use libtest_mimic::{Arguments, Trial};

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Each lab plays one scenario at a time.
    arguments.test_threads.get_or_insert(Release::ALL.len());
    let cases = Case::all();
    let asked: Vec<Case> =
        cases.iter().filter(|case| asked_for(&arguments, &case.name())).copied().collect();
    if arguments.list || asked.is_empty() {
        let unplayed = || Err("there is no lab to play it in".into());
        let names = cases.iter().map(|case| Trial::test(case.name(), unplayed));
        return libtest_mimic::run(&arguments, names.collect()).exit_code();
    }
    match stage(&asked) {
        Ok(stage) => libtest_mimic::run(&arguments, trials(&cases, stage)).exit_code(),
        Err(error) => {
            eprintln!("lab: {}", with_causes(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

/// Labs that are up, and the place that is cleared when it is dropped.
struct Stage {
    labs: Labs,
    site: Site,
}

/// Brings up what `cases` need.
fn stage(cases: &[Case]) -> Result<Arc<Stage>, Box<dyn Error>> {
    let site = Site::claim(&Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("interop"))?;
    let labs = site.wait_for(Labs::build(&site, cases))?;
    Ok(Arc::new(Stage { labs, site }))
}

fn trials(cases: &[Case], stage: Arc<Stage>) -> Vec<Trial> {
    let trial = |case: &Case| {
        let (case, stage) = (*case, Arc::clone(&stage));
        Trial::test(case.name(), move || {
            let Stage { labs, site } = stage.as_ref();
            let Played { outcome, logs, .. } = site.wait_for(labs.play(site, &case))?;
            let told = |failure| format!("{}; logs: {}", with_causes(&failure), logs.display());
            outcome.map_err(|failure| told(failure).into())
        })
    };
    cases.iter().map(trial).collect()
}

/// As libtest-mimic decides it.
fn asked_for(arguments: &Arguments, name: &str) -> bool {
    let matches = |filter: &String| match arguments.exact {
        true => name == filter,
        false => name.contains(filter.as_str()),
    };
    arguments.filter.as_ref().is_none_or(matches) && !arguments.skip.iter().any(matches)
}
