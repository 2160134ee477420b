//! What can be wrong with the server's file, and where.

use std::error::Error;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use rustls::pki_types::pem;
use thiserror::Error;
use toml::Spanned;
use xmpp_s2s::Domain;

use super::keys::{CERTIFICATE, DOMAIN, KEY, PEER};
use super::table::Key;

/// The server's file cannot be used.
#[derive(Debug, Error)]
pub(crate) enum SettingsError {
    /// It cannot be read at all.
    #[error("cannot read {}; {}", file.display(), fix(error))]
    Unreadable {
        /// The path as it was given.
        file: PathBuf,
        /// Why.
        #[source]
        error: io::Error,
    },
    /// Something in it is wrong.
    #[error("{}:{line}: {message}", file.display())]
    Faulty {
        /// The path as it was given.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is there, and what was expected.
        message: String,
        /// What the system or the TLS library says about it.
        #[source]
        error: Option<Box<dyn Error + Send + Sync>>,
    },
}

impl SettingsError {
    pub(super) fn faulty(file: &Path, text: &str, fault: Fault) -> Self {
        Self::Faulty {
            file: file.into(),
            line: line(text, fault.span.start),
            message: fault.problem.message(text),
            error: fault.problem.cause(),
        }
    }
}

/// A problem and where in the text it is.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) span: Range<usize>,
    pub(super) problem: Problem,
}

impl Fault {
    pub(super) fn at<T>(value: &Spanned<T>, problem: Problem) -> Self {
        Self { span: value.span(), problem }
    }
}

/// What is wrong with one value.
#[derive(Debug)]
pub(super) enum Problem {
    /// Not TOML.
    Toml(String),
    /// A key for the second time.
    Repeated { name: String },
    /// A key that nobody asks for.
    Unknown { name: String, known: &'static [&'static Key] },
    /// A key in a table that belongs above it.
    Below { name: String, table: &'static str },
    /// A key that has to be there.
    Missing { key: &'static Key },
    /// A value of another type.
    Type { key: &'static Key, found: &'static str, expected: &'static str },
    /// A string that does not say what it should.
    Value { key: &'static Key, found: String },
    /// A list without entries.
    Empty { key: &'static Key },
    /// An address for the second time.
    SameAddress { found: String },
    /// A domain for the second time.
    Duplicate { domain: Domain, first: Range<usize> },
    /// A file that is not there, or holds something else.
    Pem { key: &'static str, file: PathBuf, expected: &'static str, error: pem::Error },
    /// A private key that needs a passphrase.
    EncryptedKey { file: PathBuf },
    /// A private key that belongs to another certificate.
    ForeignKey { file: PathBuf },
    /// A certificate or key that TLS cannot use.
    UnusableKey { file: PathBuf, error: rustls::Error },
    /// A certificate that cannot be a trust anchor.
    UnusableAnchor { key: &'static str, file: PathBuf, error: rustls::Error },
}

impl Problem {
    pub(super) fn pem(
        key: &'static str,
        file: &Path,
        expected: &'static str,
        error: pem::Error,
    ) -> Self {
        Self::Pem { key, file: file.into(), expected, error }
    }

    fn message(&self, text: &str) -> String {
        match self {
            Self::Toml(message) => format!(
                "not TOML: {message}; expected `key = value`, with texts in quotes, such as \
                 resolver = \"192.0.2.53:53\""
            ),
            Self::Repeated { name } if [DOMAIN.name, PEER.name].contains(&name.as_str()) => {
                format!("`{name}` for the second time, expected [[{name}]], in two brackets")
            }
            Self::Repeated { name } => {
                format!("`{name}` for the second time, expected each key once")
            }
            Self::Unknown { name, known } => {
                let known: Vec<_> = known.iter().map(|key| format!("`{}`", key.name)).collect();
                format!("unknown key `{name}`, expected one of {}", known.join(", "))
            }
            Self::Below { name, table } => {
                format!("`{name}` is below [[{table}]]; put it above the first [[{table}]]")
            }
            Self::Missing { key } => format!("`{}` is missing, expected {}", key.name, key.whole),
            Self::Type { key, found, expected } => {
                format!("`{}` has {found}, expected {expected}", key.name)
            }
            Self::Value { key, found } => {
                format!("`{}` has {found:?}, expected {}", key.name, key.item)
            }
            Self::Empty { key } => format!("`{}` is empty, expected {}", key.name, key.whole),
            Self::SameAddress { found } => {
                format!("`listen` has {found:?} again, expected each address once")
            }
            Self::Duplicate { domain, first } => format!(
                "`name` has {domain} again, expected each domain once; the first is on line {}",
                line(text, first.start)
            ),
            Self::Pem { key, file, expected, error } => no_pem(key, file, expected, error),
            Self::EncryptedKey { file } => format!(
                "`key` has {}, which is encrypted, expected a private key without a passphrase",
                file.display()
            ),
            Self::ForeignKey { file } => format!(
                "`key` has {}, expected the private key of the first certificate of `certificate`",
                file.display()
            ),
            Self::UnusableKey { file, error: _ } => format!(
                "`key` has {}, expected a private key that TLS can use with `certificate`",
                file.display()
            ),
            Self::UnusableAnchor { key, file, error: _ } => format!(
                "`{key}` has {}, expected certificates of certification authorities",
                file.display()
            ),
        }
    }

    fn cause(self) -> Option<Box<dyn Error + Send + Sync>> {
        match self {
            Self::Pem { error: pem::Error::Io(error), .. } => Some(error.into()),
            Self::Pem { error, .. } => Some(error.into()),
            Self::UnusableKey { error, .. } | Self::UnusableAnchor { error, .. } => {
                Some(error.into())
            }
            Self::Toml(_)
            | Self::Repeated { .. }
            | Self::Unknown { .. }
            | Self::Below { .. }
            | Self::Missing { .. }
            | Self::Type { .. }
            | Self::Value { .. }
            | Self::Empty { .. }
            | Self::SameAddress { .. }
            | Self::EncryptedKey { .. }
            | Self::Duplicate { .. }
            | Self::ForeignKey { .. } => None,
        }
    }
}

/// What to say of a file that `key` has, and that does not hold what is expected.
fn no_pem(key: &str, file: &Path, expected: &str, error: &pem::Error) -> String {
    let file = file.display();
    let kind = if let pem::Error::Io(error) = error { Some(error.kind()) } else { None };
    match kind {
        Some(io::ErrorKind::PermissionDenied) => {
            format!("`{key}` has {file}, expected a file that the user that runs this may read")
        }
        Some(io::ErrorKind::NotFound) if [CERTIFICATE.name, KEY.name].contains(&key) => format!(
            "`{key}` has {file}, which is not there, expected a file with {expected}; \
             `federating-server config --help` says how to make a pair for a trial"
        ),
        _ => format!("`{key}` has {file}, expected a file with {expected}"),
    }
}

/// What to do about a file that cannot be read.
fn fix(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => {
            "write one with `federating-server config > server.toml`, and name it with --config"
        }
        io::ErrorKind::PermissionDenied => "let the user that runs this read it",
        io::ErrorKind::InvalidData => "it has to be text in UTF-8",
        _ => "name a file of text with --config",
    }
}

/// The line, from 1, of the byte at `offset`.
fn line(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
}
