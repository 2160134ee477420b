//! The command line.

use std::io::{self, IsTerminal as _};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use thiserror::Error;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;
use xmpp_s2s::Domain;

/// An XMPP server that does nothing but federate.
///
/// It holds no accounts. To other servers it answers pings (XEP-0199), service discovery (XEP-0030)
/// and software version (XEP-0092), and sends messages to echo@its.domain back to their sender.
#[derive(Debug, Parser)]
#[command(version, after_help = "Start with: federating-server demo")]
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
    /// Show POSH at work: a hosted domain that is proved, and a forged one that is refused
    #[command(after_help = DEMO)]
    Demo,
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

const SERVE: &str = r#"Example: federating-server serve --config server.toml, where the file says:

  listen = ["0.0.0.0:5269", "[::]:5269"]     # IPv4 and IPv6; direct TLS and STARTTLS on each
  resolver = "192.0.2.53:53"                 # the system's if absent
  roots = ["xmpp-ca.pem"]                    # whom to trust for XMPP servers, and for web servers
  web-roots = ["web-ca.pem"]                 # that publish by POSH; the system's if absent
  allow-networks = ["172.28.0.0/24"]         # networks to connect to although they are not public

  [[domain]]
  name = "hosted.example"
  certificate = "hosting.crt"                # PEM, the server's own certificate first
  key = "hosting.key"                        # PEM

Paths are relative to the file. Exit code: 0 after Ctrl-C or SIGTERM, 2 if something is wrong with
the file or an address cannot be listened on."#;

const PING: &str = "\
Example: federating-server ping jabber.example --config server.toml

The answer comes over a stream that the other server opens to us. So the DNS must lead it to the
addresses in `listen`, and no other server may be running on them.

Exit code: 0 accepted and answered, 1 refused, 2 wrong usage or configuration, 4 cannot tell (for
example a time-out).";

const DEMO: &str = "\
Everything runs in this process on 127.0.0.1: servers, DNS, web server. It needs no network, no root
and no files, and takes a few seconds. Exit code: 0 if each scene ends as it says, 1 if not.

Example: cargo run -p federating-server -- demo";

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_definition_of_the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_time_out_is_whole_seconds_within_an_hour() {
        assert_eq!(seconds("7"), Ok(Duration::from_secs(7)));
        for text in ["", "0", "-1", "1.5", "3601", "soon"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }
}
