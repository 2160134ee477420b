//! The operator's program for POSH: makes documents, checks them, checks domains, explains.

use std::error::Error;
use std::process::ExitCode;

use clap::Parser as _;

use crate::cli::{Arguments, Command};
use crate::ending::{Ending, LOCAL_ERROR};

mod certificates;
mod check;
mod cli;
mod ending;
mod explain;
mod generate;
mod identity;
mod lint;
mod live;
mod network;
mod output;
mod profile;
mod reference;
mod report;
mod span;
mod verify;
mod warning;

#[tokio::main]
async fn main() -> ExitCode {
    let ending = run(Arguments::parse()).await.map(ExitCode::from);
    ending.unwrap_or_else(|error| {
        eprintln!("error: {}", with_causes(error.as_ref()));
        ExitCode::from(LOCAL_ERROR)
    })
}

async fn run(arguments: Arguments) -> Result<Ending, Box<dyn Error>> {
    let Arguments { options, command } = arguments;
    Ok(match command {
        Command::Gen(arguments) => generate::run(&arguments, &options).await?,
        Command::Ref(arguments) => reference::run(&arguments, &options)?,
        Command::Check(arguments) => check::run(&arguments, &options).await?,
        Command::Lint(arguments) => lint::run(&arguments, &options).await?,
        Command::Verify(arguments) => verify::run(&arguments, &options)?,
        Command::Explain(arguments) => explain::run(&arguments, &options)?,
        Command::Completions { shell } => cli::completions(shell)?,
        Command::Man => cli::man()?,
    })
}

/// The error and its causes in one line.
fn with_causes(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        line = format!("{line}: {error}");
        cause = error.source();
    }
    line
}
