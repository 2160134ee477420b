//! What is known of what a source domain publishes, and why it may not be known.

use std::fmt;
use std::sync::Arc;

use thiserror::Error;
use url::Url;

use crate::lookup_error::LookupError;
use crate::materials::Materials;
use crate::service::InvalidSource;

/// What is known of what a source domain publishes. Only `Found` can prove anything.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Published {
    /// This.
    Found(Arc<Materials>),
    /// Nothing: the domain's web server said so, or no profile is asked for.
    Absent,
    /// It could not be found out, or must not be used.
    Unknown(Arc<FetchError>),
}

impl Published {
    /// Whether it is not known for reasons of our own, a budget or a shutdown: that says nothing
    /// about the domain, and takes the place of nothing that is known.
    pub fn is_withheld(&self) -> bool {
        let Self::Unknown(error) = self else { return false };
        matches!(**error, FetchError::OverBudget(_) | FetchError::Interrupted)
    }
}

/// Why it is not known what a domain publishes.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The web server said something that must not be used.
    #[error(transparent)]
    Invalid(LookupError),
    /// The web server answered with a status that is neither success, redirect nor absence, or said
    /// behind a reference that there is nothing: as good as no answer (A5).
    #[error("status {status} at {url}")]
    Status {
        /// Which URL.
        url: Url,
        /// The status code.
        status: u16,
    },
    /// The name is no domain that could have a web server.
    #[error(transparent)]
    Source(#[from] InvalidSource),
    /// Our own rules forbid the way: the host of `url` has no address that may be connected to.
    #[error("{url} has no address that may be connected to")]
    Refused {
        /// Which URL.
        url: Url,
    },
    /// A budget is used up. Says nothing about the domain.
    #[error("over the budget of {0}")]
    OverBudget(Budget),
    /// The web server's certificate is not valid (RFC 7711 §3).
    #[error("the certificate of {url} is not valid")]
    Untrusted {
        /// Which URL.
        url: Url,
        /// What is wrong with it.
        #[source]
        error: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The web server's certificate is valid for other names only (RFC 7711 §3).
    #[error("the certificate of {url} names other hosts")]
    WrongName {
        /// Which URL.
        url: Url,
    },
    /// There was no answer in time.
    #[error("{url} did not answer in time")]
    Timeout {
        /// Which URL.
        url: Url,
    },
    /// There was no answer.
    #[error("cannot reach {url}")]
    Unreachable {
        /// Which URL.
        url: Url,
        /// Why.
        #[source]
        error: Box<dyn std::error::Error + Send + Sync>,
    },
    /// We cannot connect, for want of a route or of descriptors, for example. Says nothing about the
    /// domain.
    #[error("cannot connect to {url} from here")]
    Local {
        /// Which URL.
        url: Url,
        /// Why.
        #[source]
        error: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The lookup ended without a result: the runtime is shutting down, or the lookup panicked.
    #[error("the lookup was interrupted")]
    Interrupted,
}

impl FetchError {
    /// Where there was no answer to be understood.
    pub(crate) fn unanswered(&self) -> Option<&Url> {
        match self {
            Self::Status { url, .. }
            | Self::Refused { url }
            | Self::Untrusted { url, .. }
            | Self::WrongName { url }
            | Self::Timeout { url }
            | Self::Unreachable { url, .. }
            | Self::Local { url, .. } => Some(url),
            Self::Invalid(_) | Self::Source(_) | Self::OverBudget(_) | Self::Interrupted => None,
        }
    }
}

impl From<LookupError> for FetchError {
    fn from(error: LookupError) -> Self {
        let LookupError::Status { url, status } = error else { return Self::Invalid(error) };
        Self::Status { url, status }
    }
}

/// Whose budget of lookups on behalf of strangers is used up.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Budget {
    /// Of the address that asks.
    Asker,
    /// Of the host or address fetched from.
    Host,
    /// Of the process.
    Process,
    /// Of the domain: what is known of it was looked up again not long ago.
    Domain,
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Asker => "the asking address",
            Self::Host => "the host or address fetched from",
            Self::Process => "the process",
            Self::Domain => "the domain, which was looked up again not long ago",
        })
    }
}
