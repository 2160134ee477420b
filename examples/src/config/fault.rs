//! What can be wrong with the server's file, and where.

use std::error::Error;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use rustls::pki_types::pem;
use thiserror::Error;
use toml::Spanned;
use xmpp_s2s::Domain;

/// The server's file cannot be used.
#[derive(Debug, Error)]
pub(crate) enum SettingsError {
    /// It cannot be read at all.
    #[error("cannot read {}", file.display())]
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
    /// Not TOML, an unknown or missing key, a value of another type.
    Toml(String),
    /// A string that does not say what it should.
    Value { key: &'static str, found: String, expected: &'static str },
    /// A list without entries.
    Empty { key: &'static str, expected: &'static str },
    /// A domain for the second time.
    Duplicate { domain: Domain, first: Range<usize> },
    /// A file that is not there, or holds something else.
    Pem { key: &'static str, file: PathBuf, expected: &'static str, error: pem::Error },
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
            Self::Toml(message) => message.clone(),
            Self::Value { key, found, expected } => {
                format!("`{key}` has {found:?}, expected {expected}")
            }
            Self::Empty { key, expected } => format!("`{key}` is empty, expected {expected}"),
            Self::Duplicate { domain, first } => format!(
                "`name` has {domain} again, expected each domain once; the first is on line {}",
                line(text, first.start)
            ),
            Self::Pem { key, file, expected, error: _ } => {
                format!("`{key}` has {}, expected a file with {expected}", file.display())
            }
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
            | Self::Value { .. }
            | Self::Empty { .. }
            | Self::Duplicate { .. }
            | Self::ForeignKey { .. } => None,
        }
    }
}

/// The line, from 1, of the byte at `offset`.
fn line(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
}
