//! Why a lookup failed.

use thiserror::Error;
use url::Url;

use crate::document_error::DocumentError;
#[cfg(feature = "client")]
use crate::json::{is_json, without_mark};

/// Why a lookup failed.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum LookupError {
    /// A document was not accepted.
    #[error("bad document at {url}")]
    Document {
        /// Where it was.
        url: Url,
        /// What was wrong.
        #[source]
        error: DocumentError,
    },
    /// A redirect that does not lead to an https URL of a domain (RFC 7711 §10).
    #[error("{url} redirects to \"{location}\", which {rule}")]
    Redirect {
        /// Where.
        url: Url,
        /// The `Location`, escaped and cut.
        location: String,
        /// What it has to be.
        rule: &'static str,
    },
    /// A reference that is not an https URL of a domain (RFC 7711 §3.2).
    #[error("`url` in {url} is \"{reference}\", which {rule}")]
    Reference {
        /// Where.
        url: Url,
        /// The `url` member, escaped and cut.
        reference: String,
        /// What it has to be.
        rule: &'static str,
    },
    /// A reference led to another reference.
    #[error("{0} is a reference behind a reference")]
    SecondReference(Url),
    /// A status that is neither success, redirect nor absence.
    #[error("status {status} at {url}")]
    Status {
        /// Where.
        url: Url,
        /// The status code.
        status: u16,
    },
    /// A page for people, not a document.
    #[error("{0} is a page of text/html")]
    ContentType(Url),
    /// A body in an encoding that was not asked for; it was not decoded.
    #[error("{0} is compressed")]
    ContentEncoding(Url),
    /// A head longer than [`Limits::head_size`](crate::Limits::head_size).
    #[error("the head of {0} is too large")]
    HeadTooLarge(Url),
    /// A body whose length is said in two ways, of which others may believe the other one (RFC 9112
    /// §6.3).
    #[error("{0} has both a Content-Length and a Transfer-Encoding")]
    TwoLengths(Url),
    /// A body longer than [`Limits::document_size`](crate::Limits::document_size).
    #[error("{0} is too large")]
    TooLarge(Url),
    /// More requests than [`Limits::requests`](crate::Limits::requests).
    #[error("too many redirects, the last to {0}")]
    TooManyRequests(Url),
    /// More foreign hosts than [`Limits::foreign_hosts`](crate::Limits::foreign_hosts).
    #[error("too many other hosts, the last at {0}")]
    TooManyHosts(Url),
}

#[cfg(feature = "client")]
impl LookupError {
    /// Whether the whole answer came and `body`, which it is about, is not JSON, as from a web server
    /// that answers every path with a page (A6).
    ///
    /// JSON of a wrong type, or behind a byte order mark, is refused, but is JSON all the same.
    pub(crate) fn is_not_json(&self, body: &[u8]) -> bool {
        let may_be = match self {
            Self::Document { error, .. } => matches!(error, DocumentError::NotJson(_)),
            Self::ContentType(_) => true,
            Self::Redirect { .. }
            | Self::Reference { .. }
            | Self::SecondReference(_)
            | Self::Status { .. }
            | Self::ContentEncoding(_)
            | Self::HeadTooLarge(_)
            | Self::TwoLengths(_)
            | Self::TooLarge(_)
            | Self::TooManyRequests(_)
            | Self::TooManyHosts(_) => false,
        };
        may_be && !is_json(without_mark(body))
    }
}
