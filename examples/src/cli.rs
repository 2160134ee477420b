//! The command line.

use std::io::{self, IsTerminal as _};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use thiserror::Error;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;
use xmpp_s2s::Domain;

use crate::demo::scenes;

/// An XMPP server that does nothing but federate.
///
/// It holds no accounts. To other servers it answers pings (XEP-0199), service discovery (XEP-0030)
/// and software version (XEP-0092), and sends messages to echo@its.domain back to their sender.
#[derive(Debug, Parser)]
#[command(version, after_help = ALL)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) log: Log,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve the domains of a configuration file until Ctrl-C or SIGTERM
    #[command(after_help = SERVE)]
    Serve(ServeArguments),
    /// Ping another domain, and tell how each side proved itself to the other
    #[command(after_help = PING)]
    Ping(PingArguments),
    /// Print a configuration file with every key explained
    #[command(after_help = CONFIG)]
    Config,
    /// Show POSH at work: hosted domains that are proved, and a forged one that is refused
    #[command(after_help = demo_help())]
    Demo(DemoArguments),
}

#[derive(Debug, Args)]
pub(crate) struct ServeArguments {
    /// The configuration file (TOML)
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct PingArguments {
    /// The domain to ping
    pub(crate) domain: Domain,
    /// The configuration file (TOML); its `listen` addresses are bound while the ping lasts
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,
    /// Which of our domains asks; the first of the file if absent
    #[arg(long, value_name = "LOCAL")]
    pub(crate) from: Option<Domain>,
    /// Print one JSON object instead of text
    #[arg(long)]
    pub(crate) json: bool,
    /// Longest wait for the answer, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    pub(crate) timeout: Duration,
}

#[derive(Debug, Args)]
pub(crate) struct DemoArguments {
    /// Wait for Enter between scenes
    #[arg(long)]
    pub(crate) step: bool,
    /// Play only this scene; may be given several times
    #[arg(long, value_name = "N", value_parser = scenes::number)]
    pub(crate) scene: Vec<usize>,
    /// Print one JSON object and nothing else
    #[arg(long, conflicts_with_all = ["step", "xml", "keep"])]
    pub(crate) json: bool,
    /// Show the stanzas, too
    #[arg(long)]
    pub(crate) xml: bool,
    /// Stay up until Ctrl-C or SIGTERM, with commands to try meanwhile
    #[arg(long)]
    pub(crate) keep: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Log {
    /// What to log to stderr, in the form of RUST_LOG, for example "info,xmpp_s2s=debug"
    #[arg(long, global = true, value_name = "FILTER")]
    log: Option<String>,
    /// How to write the log
    #[arg(long, global = true, value_enum, default_value = "human")]
    log_format: LogFormat,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LogFormat {
    Human,
    Json,
}

impl Log {
    /// Starts logging to stderr: what `--log` says, else RUST_LOG, else `default`.
    pub(crate) fn start(&self, default: &str) -> Result<(), BadFilter> {
        let environment = std::env::var("RUST_LOG").ok().filter(|filter| !filter.is_empty());
        let filter = self.log.clone().or(environment).unwrap_or_else(|| default.to_owned());
        let filter = EnvFilter::try_new(&filter).map_err(|error| BadFilter { filter, error })?;
        let builder = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_ansi(io::stderr().is_terminal())
            .with_writer(io::stderr);
        match self.log_format {
            LogFormat::Human => builder.init(),
            LogFormat::Json => builder.json().init(),
        }
        Ok(())
    }
}

/// A filter for the log that does not say what to log.
#[derive(Debug, Error)]
#[error("--log or RUST_LOG has {filter:?}, expected a filter such as \"info,xmpp_s2s=debug\"")]
pub(crate) struct BadFilter {
    filter: String,
    #[source]
    error: ParseError,
}

fn seconds(text: &str) -> Result<Duration, &'static str> {
    match text.parse() {
        Ok(seconds @ 1..=3600) => Ok(Duration::from_secs(seconds)),
        Ok(_) | Err(_) => Err("expected whole seconds, from 1 to 3600"),
    }
}

const ALL: &str = "\
Examples:
  federating-server demo                                        what POSH is for, in seconds
  federating-server config > server.toml                        a configuration to begin with
  federating-server serve --config server.toml                  serves the domains in it
  federating-server ping jabber.example --config server.toml    goes to a domain and back

In a checkout, begin with: cargo run -q -p federating-server -- demo";

const CONFIG: &str = "\
Examples:
  federating-server config > server.toml
  federating-server config | less

It names hosting.crt and hosting.key. A pair for a trial, which POSH can prove:
  openssl req -x509 -nodes -days 90 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 \\
      -subj /CN=s2s.hosting.example -addext subjectAltName=DNS:s2s.hosting.example \\
      -keyout hosting.key -out hosting.crt";

const SERVE: &str = "\
Examples:
  federating-server serve --config server.toml
  federating-server serve --config server.toml --log info,xmpp_s2s=debug
  federating-server serve --config server.toml --log-format json

`federating-server config` prints a file with every key explained.

Once the server listens, it looks at its own domains as others do, and logs what would be wrong for
them with the fix: the certificate, the POSH document, the DNS. Each peer that is accepted or
refused is one line, \"s2s decision\", with its reason in `code` and all steps in `trail`.

Ctrl-C or SIGTERM ends it within 5 seconds: what waits is sent, and every stream is closed. A second
signal ends it at once.

Exit code: 0 after Ctrl-C or SIGTERM, 2 if something is wrong with the file or an address cannot be
listened on, 130 or 143 after a second signal.";

const PING: &str = "\
Examples:
  federating-server ping jabber.example --config server.toml
  federating-server ping jabber.example --config server.toml --from hosted.example --json

The answer comes over a stream that the other server opens to us. So the DNS must lead it to the
addresses in `listen`, and no other server may be running on them.

Exit code: 0 accepted and answered, 1 refused, 2 wrong usage or configuration, 4 cannot tell (for
example a time-out).";

fn demo_help() -> String {
    format!(
        "\
Everything runs in this process on 127.0.0.1: servers, DNS, web server. It needs no network, no root
and no files, and takes a few seconds. Exit code: 0 if each scene ends as it says, 1 if not.

Scenes:
{}

Examples:
  federating-server demo
  federating-server demo --scene 4 --xml
  federating-server demo --keep",
        scenes::list()
    )
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_definition_of_the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }

    /// What stands before a redirection or a pipe in each line of `help` that can be pasted.
    fn examples(help: &str) -> Vec<Vec<&str>> {
        let lines = help.lines().filter(|line| line.starts_with("  federating-server "));
        let commands = lines.map(|line| line.split("   ").next().unwrap_or(line).trim());
        let is_word = |word: &&str| ![">", "|"].contains(word);
        commands.map(|line| line.split_whitespace().take_while(is_word).collect()).collect()
    }

    #[test]
    fn the_examples_in_every_help_are_commands() {
        let program = Arguments::command();
        let commands = program.get_subcommands().filter(|command| command.get_name() != "help");
        for command in commands.chain([&program]) {
            let help = command.get_after_help().unwrap().to_string();
            let examples = examples(&help);
            assert!(!examples.is_empty(), "{help}");
            for example in examples {
                let parsed = Arguments::try_parse_from(&example);
                assert!(parsed.is_ok(), "{example:?}: {parsed:?}");
            }
        }
    }

    #[test]
    fn the_files_for_a_trial_are_those_of_the_sample() {
        for file in ["hosting.key", "hosting.crt"] {
            assert!(CONFIG.contains(&format!("out {file}")), "{file}");
            assert!(crate::config::sample().contains(&format!("\"{file}\"")), "{file}");
        }
    }

    #[test]
    fn a_time_out_is_whole_seconds_within_an_hour() {
        assert_eq!(seconds("7"), Ok(Duration::from_secs(7)));
        for text in ["", "0", "-1", "1.5", "3601", "soon"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }
}
