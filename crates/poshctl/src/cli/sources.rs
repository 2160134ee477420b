//! Where certificates come from, in the order of the command line.

use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, value_parser};

/// The files, in order; at least one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sources(pub(crate) Vec<PathBuf>);

/// The options, and what they are for.
const KINDS: [(&str, &str); 2] = [
    ("pem", "A PEM file with the certificates to list; may be given several times"),
    ("der", "A DER file with a certificate to list; may be given several times"),
];

impl FromArgMatches for Sources {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut found = Vec::new();
        for (name, _) in KINDS {
            let places = matches.indices_of(name).into_iter().flatten();
            let paths = matches.get_many::<PathBuf>(name).into_iter().flatten();
            found.extend(places.zip(paths.cloned()));
        }
        found.sort_by_key(|(place, _)| *place);
        if found.is_empty() {
            let missing = "no certificate to list, expected --pem or --der";
            return Err(clap::Error::raw(ErrorKind::MissingRequiredArgument, missing));
        }
        Ok(Self(found.into_iter().map(|(_, path)| path).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for Sources {
    fn augment_args(command: Command) -> Command {
        KINDS.into_iter().fold(command, |command, (name, help)| {
            command.arg(
                Arg::new(name)
                    .long(name)
                    .value_name("FILE")
                    .action(ArgAction::Append)
                    .value_parser(value_parser!(PathBuf))
                    .help(help),
            )
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}
