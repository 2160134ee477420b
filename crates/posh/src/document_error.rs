//! What is wrong with a document.

use thiserror::Error;

/// Why a document was not accepted.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum DocumentError {
    /// Not JSON in UTF-8.
    #[error("not JSON: {0}")]
    NotJson(String),
    /// JSON, but not a JSON object.
    #[error("not a JSON object")]
    NotAnObject,
    /// Entries and a `url` (RFC 7711 §3.1, draft-02 §4.2).
    #[error("both `{0}` and `url`: a document is either a list or a reference")]
    Both(&'static str),
    /// Neither entries nor a `url`.
    #[error("neither `{0}` nor `url`")]
    Neither(&'static str),
    /// The list has no entry (RFC 7711 §3.1, draft-02 §4.1).
    #[error("`{0}` is empty, it must have at least one entry")]
    Empty(&'static str),
    /// `expires` is missing (RFC 7711 §3.1, §3.2).
    #[error("`expires` is missing")]
    ExpiresMissing,
    /// `expires` is zero: the domain has withdrawn its document (RFC 7711 §3.1).
    #[error("`expires` is 0: the document is withdrawn")]
    Withdrawn,
    /// A member is not what the rule says; the member is named by its path.
    #[error("`{member}`: {rule}")]
    Member {
        /// Which, for example `fingerprints[0].sha-256`.
        member: String,
        /// What it has to be.
        rule: &'static str,
    },
    /// A key with private members, the first of which is named by its path, and nothing else that
    /// could be used (draft-02 §4.1).
    #[error("`{0}` is a part of a private key, which is burnt with it")]
    PrivateKey(String),
    /// No key is complete; the cause says what the first one lacks (draft-02 §4.1).
    #[error("no entry is usable")]
    NoUsableEntry(#[source] Box<Self>),
}

impl DocumentError {
    pub(crate) fn member(path: impl Into<String>, rule: &'static str) -> Self {
        let path = path.into();
        let member = if path.is_empty() { "the document".to_owned() } else { path };
        Self::Member { member, rule }
    }
}
