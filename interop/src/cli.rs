//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use interop::Release;

/// The interop lab: our server in a container against Prosody in others.
///
/// A lab has its own DNS (BIND), web hosts (nginx), Prosody and our server, on a network that
/// nothing gets out of. It needs Docker's engine and the right to use it. Our server is built on
/// this system and runs on Debian 12: where glibc is newer than that, set CARGO_BUILD_TARGET to this
/// system's target, and RUSTFLAGS='-C target-feature=+crt-static'.
#[derive(Debug, Parser)]
#[command(name = "interop", after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Where a lab works; of those in different places each leaves the others alone
    #[arg(long, global = true, value_name = "FOLDER", help_heading = "Everywhere")]
    pub(crate) folder: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the scenarios, one a line: the name, and who pings whom
    List,
    /// Play one scenario and show what happened, with our trails
    Run {
        /// As `list` has it; with `_on_prosody_13` or `_on_prosody_0_12` behind it that one alone
        name: String,
    },
    /// Bring a lab up, with the domains of all scenarios, and keep it until Ctrl-C
    ///
    /// It prints what to try in it, with commands that can be pasted.
    Up {
        /// Which release of Prosody it has
        #[arg(long, value_enum, value_name = "RELEASE", default_value = "13")]
        prosody: Release,
    },
}

const EXAMPLES: &str = "\
Examples:
  cargo run -p interop -- list
  cargo run -p interop -- run fingerprints_prove_it
  cargo run -p interop -- run a_listed_other_key_is_refused_on_prosody_13
  cargo run -p interop -- up --prosody 0.12
  cargo test -p interop                            # all scenarios

Exit code: 0 all is as it should be, or Ctrl-C ended `up`; 1 a scenario failed; 2 wrong usage, or
there can be no lab (no Docker, another lab in the same place, no image).";

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_definition_of_the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }
}
