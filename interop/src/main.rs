//! The interop lab for people: `list`, `run` and `up`.

use std::error::Error;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser as _;
use interop::{Case, Labs, Release, Scenario, Site, with_causes};
use thiserror::Error;

use crate::cli::{Arguments, Command};

mod cli;

/// Wrong usage, or something on this machine that has to be mended first.
const LOCAL_ERROR: u8 = 2;

fn main() -> ExitCode {
    run(Arguments::parse()).unwrap_or_else(|error| {
        eprintln!("error: {}", with_causes(error.as_ref()));
        ExitCode::from(LOCAL_ERROR)
    })
}

fn run(Arguments { folder, command }: Arguments) -> Result<ExitCode, Box<dyn Error>> {
    match command {
        Command::List => {
            list();
            Ok(ExitCode::SUCCESS)
        }
        Command::Run { name } => play(folder, &name),
        Command::Up { prosody } => up(folder, prosody),
    }
}

fn list() {
    let scenarios = Scenario::all();
    let width = scenarios.iter().map(|scenario| scenario.name.len()).max().unwrap_or_default();
    for Scenario { name, from, to, .. } in scenarios {
        out(&format!("{name:width$}  {} -> {}\n", from.name, to.name));
    }
}

/// Plays the scenario of this name with each release of Prosody, or with the one that it names.
fn play(folder: Option<PathBuf>, name: &str) -> Result<ExitCode, Box<dyn Error>> {
    let cases = Case::named(name);
    if cases.is_empty() {
        return Err(NoSuchScenario::new(name).into());
    }
    let site = claim(folder)?;
    let labs = site.wait_for(Labs::build(&site, &cases))?;
    let mut code = ExitCode::SUCCESS;
    for case in cases {
        let Scenario { from, to, .. } = case.scenario;
        let played = site.wait_for(labs.play(&site, &case))?;
        out(&format!("\n{}: {} -> {}\n{}\n", case.name(), from.name, to.name, played.story));
        match played.outcome {
            Ok(()) => out("OK  all is as it should be\n"),
            Err(failure) => {
                out(&format!("FAILED  {}\n", with_causes(&failure)));
                out(&format!("logs of all machines: {}\n", played.logs.display()));
                code = ExitCode::FAILURE;
            }
        }
    }
    Ok(code)
}

/// Keeps a lab until a signal comes.
fn up(folder: Option<PathBuf>, prosody: Release) -> Result<ExitCode, Box<dyn Error>> {
    let site = claim(folder)?;
    let labs = site.wait_for(Labs::open(&site, prosody))?;
    out(&labs.guide());
    out("\nCtrl-C ends the lab.\n");
    site.stay()
}

fn claim(folder: Option<PathBuf>) -> Result<Site, Box<dyn Error>> {
    let folder = folder.map_or_else(Site::folder, Ok)?;
    Ok(Site::claim(&folder)?)
}

/// Writes to standard output. Whoever closes it early has read enough.
fn out(text: &str) {
    let mut stdout = io::stdout();
    let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
}

/// There is no scenario of the name that was given.
#[derive(Debug, Error)]
#[error("no scenario is called `{name}`; {hint}")]
struct NoSuchScenario {
    name: String,
    hint: String,
}

impl NoSuchScenario {
    /// The names that contain the given one are worth a hint.
    fn new(name: &str) -> Self {
        let near = Scenario::all().into_iter().map(|scenario| scenario.name);
        let near: Vec<&str> = near.filter(|near| near.contains(name)).collect();
        let hint = match near.is_empty() {
            true => "`cargo run -p interop -- list` lists them".to_owned(),
            false => format!("there are: {}", near.join(", ")),
        };
        Self { name: name.to_owned(), hint }
    }
}
