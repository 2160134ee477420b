//! The command line; completions and the manual page come from the same definitions.

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, CommandFactory as _, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use posh::{HashFunction, Profile, Service};
use poshctl::page::{OutputError, out};
use rustls_pki_types::UnixTime;
use url::Url;
use xmpp_s2s::{Domain, Security};

use self::help::{ALL, CHECK, EXPLAIN, GEN, LINT, REF, VERIFY};
pub(crate) use self::network::{Elsewhere, Network};
pub(crate) use self::sources::{Live, Source, Sources};
use crate::ending::Ending;
use crate::generate::hash;
use crate::output::Color;
use crate::span::{instant, span};

mod help;
mod network;
mod sources;

/// Makes, checks and explains POSH documents.
///
/// With POSH (RFC 7711) a domain says over HTTPS which certificate its XMPP server shows, so that
/// its hosting company needs no certificate for the domain.
#[derive(Debug, Parser)]
#[command(name = "poshctl", version, after_help = ALL, max_term_width = 100)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) options: Options,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make the documents that list certificates
    #[command(after_help = GEN)]
    Gen(GenArguments),
    /// Make the document that points to that of another host
    #[command(after_help = REF)]
    Ref(RefArguments),
    /// Go the whole way to a domain as another server does, and say whether it would be accepted
    #[command(after_help = CHECK)]
    Check(CheckArguments),
    /// Check one document, also for what other implementations make of it
    #[command(after_help = LINT)]
    Lint(LintArguments),
    /// Compare a certificate with documents, all from files
    #[command(after_help = VERIFY)]
    Verify(VerifyArguments),
    /// Say what a reason code means, and what to do
    #[command(after_help = EXPLAIN)]
    Explain(ExplainArguments),
    /// Print completions for a shell
    #[command(hide = true)]
    Completions {
        /// For which shell
        shell: Shell,
    },
    /// Print the manual page
    #[command(hide = true)]
    Man,
}

/// What may be said with any command.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Print one JSON object instead of text
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Print nothing but errors and documents; the exit code tells
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// Whether to use colours
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value = "auto")]
    pub(crate) color: Color,
    /// Judge dates by this time, not by that of this machine (RFC 3339)
    #[arg(long, global = true, value_name = "TIME", value_parser = instant)]
    pub(crate) clock: Option<UnixTime>,
    #[command(flatten)]
    pub(crate) network: Network,
}

#[derive(Debug, Args)]
pub(crate) struct GenArguments {
    #[command(flatten)]
    pub(crate) sources: Sources,
    #[command(flatten)]
    pub(crate) start: Start,
    /// Hash functions of the fingerprints
    #[arg(
        long = "alg", value_name = "HASH", value_delimiter = ',', default_value = "sha-256",
        value_parser = hash
    )]
    pub(crate) hashes: Vec<HashFunction>,
    /// How long others may keep the documents: seconds, or a number with s, m, h, d or w
    #[arg(long, value_name = "SPAN", default_value = "1h", value_parser = span)]
    pub(crate) expires: Duration,
    #[command(flatten)]
    pub(crate) format: Formats,
    #[command(flatten)]
    pub(crate) place: Place,
}

/// How TLS starts with the servers that are asked.
#[derive(Debug, Args)]
pub(crate) struct Start {
    /// With every --live: TLS after STARTTLS of this protocol, as it is without either option
    #[arg(long, value_name = "PROTOCOL", value_parser = ["xmpp-server"], requires = "live")]
    starttls: Option<String>,
    /// With every --live: TLS from the first byte
    #[arg(long, requires = "live", conflicts_with = "starttls")]
    direct_tls: bool,
}

impl Start {
    pub(crate) fn security(&self) -> Security {
        if self.direct_tls { Security::Direct } else { Security::StartTls }
    }
}

#[derive(Debug, Args)]
pub(crate) struct RefArguments {
    /// Where the document with the fingerprints is
    #[arg(long)]
    pub(crate) url: Url,
    /// How long others may keep the reference: seconds, or a number with s, m, h, d or w
    #[arg(long, value_name = "SPAN", default_value = "1d", value_parser = span)]
    pub(crate) expires: Duration,
    /// By which specification that document is: rfc7711 or draft02
    #[arg(long, default_value = "rfc7711", value_parser = format_of_one)]
    pub(crate) format: Specification,
    #[command(flatten)]
    pub(crate) place: Place,
}

/// Which documents are made.
#[derive(Debug, Args)]
pub(crate) struct Formats {
    /// By which specification: both with --out, else rfc7711
    #[arg(long, value_enum)]
    format: Option<Format>,
}

impl Formats {
    pub(crate) fn profiles(&self, place: &Place) -> &'static [Profile] {
        match (self.format, &place.out) {
            (Some(Format::Both), _) | (None, Some(_)) => &[Profile::Rfc7711, Profile::Draft02],
            (Some(Format::Rfc7711), _) | (None, None) => &[Profile::Rfc7711],
            (Some(Format::Draft02), _) => &[Profile::Draft02],
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// Fingerprints (RFC 7711)
    Rfc7711,
    /// Keys (draft-miller-posh-02)
    #[value(name = "draft02")]
    Draft02,
    /// Both, for which --out is needed
    Both,
}

/// Where documents go.
#[derive(Debug, Args)]
pub(crate) struct Place {
    /// The root of a web host, below which to write; without it one document is printed
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// For which services, with --out
    #[arg(
        long = "service", value_name = "SERVICE", value_delimiter = ',',
        default_value = "xmpp-server", value_parser = service
    )]
    pub(crate) services: Vec<Service>,
}

#[derive(Debug, Args)]
pub(crate) struct CheckArguments {
    /// The domain to check
    pub(crate) domain: Domain,
    /// The service to check, of which there is one
    #[arg(long, default_value = "xmpp-server", value_parser = walkable)]
    service: Service,
    #[command(flatten)]
    pub(crate) identity: Option<Identity>,
    /// Let warnings count: exit with 3
    #[arg(long)]
    pub(crate) strict: bool,
}

/// Who asks.
#[derive(Debug, Args)]
#[group(requires_all = ["from", "cert", "key"])]
pub(crate) struct Identity {
    /// A domain of ours, to be told whether it would be accepted there
    #[arg(long, value_name = "DOMAIN", required = false)]
    pub(crate) from: Domain,
    /// A PEM file with the certificate that our server shows, and its chain
    #[arg(long, value_name = "FILE", required = false)]
    pub(crate) cert: PathBuf,
    /// A PEM file with the private key of the certificate
    #[arg(long, value_name = "FILE", required = false)]
    pub(crate) key: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct LintArguments {
    /// A file, or an https URL
    #[arg(value_name = "FILE|URL")]
    pub(crate) document: String,
    /// The specification that it follows; told by its name if absent
    #[arg(long, value_enum)]
    pub(crate) profile: Option<Specification>,
    /// Which other implementations have to be able to use it
    #[arg(
        long = "for",
        value_name = "PEER",
        value_delimiter = ',',
        value_enum,
        default_value = "all"
    )]
    pub(crate) peers: Vec<Implementation>,
    /// Let warnings count: exit with 3
    #[arg(long)]
    pub(crate) strict: bool,
}

/// What other implementations there are.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Implementation {
    Prosody,
    XmppProxy,
    Conversations,
    All,
}

/// By which specification a document is read.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Specification {
    /// Fingerprints (RFC 7711)
    Rfc7711,
    /// Keys (draft-miller-posh-02)
    #[value(name = "draft02")]
    Draft02,
}

impl From<Specification> for Profile {
    fn from(specification: Specification) -> Self {
        match specification {
            Specification::Rfc7711 => Self::Rfc7711,
            Specification::Draft02 => Self::Draft02,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct VerifyArguments {
    /// The domain that publishes the document
    #[arg(long)]
    pub(crate) domain: Domain,
    /// A PEM file, whose first certificate is that of the XMPP server
    #[arg(long, value_name = "FILE")]
    pub(crate) cert: PathBuf,
    /// The document; given a second time, the one that the first points to
    #[arg(long = "doc", value_name = "FILE", required = true)]
    pub(crate) documents: Vec<PathBuf>,
    /// The specification that they follow; told by the name of the first if absent
    #[arg(long, value_enum)]
    pub(crate) profile: Option<Specification>,
    /// Let warnings count: exit with 3
    #[arg(long)]
    pub(crate) strict: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ExplainArguments {
    /// The code, as it stands in a report, a log or a bounce; all are listed without one
    pub(crate) code: Option<String>,
}

/// What a document at one URL follows.
fn format_of_one(word: &str) -> Result<Specification, &'static str> {
    const BOTH: &str = "a document is of one format, so run ref for each, with a URL of its own";
    match word {
        "both" => Err(BOTH),
        _ => Specification::from_str(word, false).map_err(|_| "expected rfc7711 or draft02"),
    }
}

fn service(name: &str) -> Result<Service, posh::InvalidService> {
    Service::new(name.to_owned())
}

fn walkable(name: &str) -> Result<Service, String> {
    match service(name) {
        Ok(service) if service == Service::XMPP_SERVER => Ok(service),
        Ok(_) => Err("check goes the way of one server to another, which is xmpp-server alone; \
                      lint checks the document of any service"
            .to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// Prints completions.
pub(crate) fn completions(shell: Shell) -> Result<Ending, OutputError> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "poshctl", &mut script);
    out(&String::from_utf8_lossy(&script))?;
    Ok(Ending::Accepted)
}

/// Prints the manual page: that of the program, then what each command takes.
pub(crate) fn man() -> Result<Ending, Box<dyn Error>> {
    let mut program = Arguments::command().disable_help_subcommand(true);
    program.build();
    let mut pages = Vec::new();
    clap_mangen::Man::new(program.clone()).render(&mut pages)?;
    for command in program.get_subcommands().filter(|command| !command.is_hide_set()) {
        clap_mangen::Man::new(command.clone()).render(&mut pages)?;
    }
    out(&String::from_utf8_lossy(&pages))?;
    Ok(Ending::Accepted)
}

#[cfg(test)]
mod tests;
