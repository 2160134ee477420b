//! An XMPP server that does nothing but federate: `serve`, `ping`, `config` and `demo`.

use std::error::Error;
use std::process::ExitCode;

use clap::Parser as _;

use crate::cli::{Arguments, Command};

mod cli;
mod config;
mod demo;
mod ping;
mod print;
mod serve;
mod services;

/// Wrong usage, or something on this machine that has to be mended first.
const LOCAL_ERROR: u8 = 2;

#[tokio::main]
async fn main() -> ExitCode {
    run(Arguments::parse()).await.unwrap_or_else(|error| {
        eprintln!("error: {}", with_causes(error.as_ref()));
        ExitCode::from(LOCAL_ERROR)
    })
}

async fn run(arguments: Arguments) -> Result<ExitCode, Box<dyn Error>> {
    let Arguments { log, command } = arguments;
    match command {
        Command::Serve(arguments) => {
            log.start("info")?;
            Ok(serve::run(&arguments).await?)
        }
        Command::Ping(arguments) => {
            log.start("off")?;
            Ok(ping::run(&arguments).await?)
        }
        Command::Config => {
            print::out(&config::sample())?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Demo(arguments) => {
            log.start("off")?;
            Ok(demo::run(&arguments).await?)
        }
    }
}

/// The error and its causes in one line.
fn with_causes(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        line.push_str(": ");
        line.push_str(&error.to_string());
        cause = error.source();
    }
    line
}
