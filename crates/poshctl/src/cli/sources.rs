//! Where certificates come from, in the order of the command line.

use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, value_parser};
use xmpp_s2s::Domain;

/// Where certificates come from, in order; at least one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sources(pub(crate) Vec<Source>);

/// Where certificates come from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Source {
    /// A file.
    File(PathBuf),
    /// The server of a domain, as it is running.
    Live(Live),
}

/// A domain whose server is asked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Live {
    pub(crate) domain: Domain,
    /// Its own; SRV records say where its server is without one.
    pub(crate) port: Option<u16>,
}

/// The options for files, and what they are for.
const FILES: [(&str, &str); 2] = [
    ("pem", "A PEM file with the certificates to list; may be given several times"),
    ("der", "A DER file with a certificate to list; may be given several times"),
];

const LIVE: &str = "live";

const LIVE_HELP: &str = "A domain whose server's certificate to list, taken as shown, which proves \
                         nothing; may be given several times";

impl FromArgMatches for Sources {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let places = |name| matches.indices_of(name).into_iter().flatten();
        let mut found = Vec::new();
        for (name, _) in FILES {
            let paths = matches.get_many(name).into_iter().flatten().cloned();
            found.extend(places(name).zip(paths.map(Source::File)));
        }
        let servers = matches.get_many(LIVE).into_iter().flatten().cloned();
        found.extend(places(LIVE).zip(servers.map(Source::Live)));
        found.sort_by_key(|(place, _)| *place);
        if found.is_empty() {
            let missing = "no certificate to list, expected --pem, --der or --live";
            return Err(clap::Error::raw(ErrorKind::MissingRequiredArgument, missing));
        }
        Ok(Self(found.into_iter().map(|(_, source)| source).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for Sources {
    fn augment_args(command: Command) -> Command {
        let option = |name| Arg::new(name).long(name).action(ArgAction::Append);
        let files = FILES.map(|(name, help)| {
            option(name).value_name("FILE").value_parser(value_parser!(PathBuf)).help(help)
        });
        let live = option(LIVE).value_name("DOMAIN[:PORT]").value_parser(live).help(LIVE_HELP);
        command.args(files).arg(live)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

fn live(text: &str) -> Result<Live, &'static str> {
    const RULE: &str = "expected a domain name, or one with a port from 1 to 65535";
    let (domain, port) = match text.rsplit_once(':') {
        Some((domain, port)) => (domain, Some(port.parse().map_err(|_| RULE)?)),
        None => (text, None),
    };
    if port == Some(0) {
        return Err(RULE);
    }
    Ok(Live { domain: domain.parse().map_err(|_| RULE)?, port })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_that_of_a_domain_or_of_its_port() {
        for (text, port) in [("im.example", None), ("im.example:5270", Some(5270))] {
            assert_eq!(live(text), Ok(Live { domain: "im.example".parse().unwrap(), port }));
        }
        for text in ["", ":5269", "im.example:", "im.example:0", "im.example:65536", "a:1:2"] {
            assert!(live(text).is_err(), "{text}");
        }
    }
}
