//! Stream errors and their conditions (RFC 6120 §4.9).

use std::fmt;

use thiserror::Error;

use crate::dna::Rejection;
use crate::{Code, printable};

/// A stream error (RFC 6120 §4.9), ours or theirs.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub struct StreamError {
    /// The defined condition.
    pub condition: Condition,
    /// What was added for humans. Of the peer's text no more than 256 bytes are kept; it is never
    /// interpreted, and escaped where it is displayed.
    pub text: Option<String>,
    /// Who found fault.
    pub side: Side,
}

impl StreamError {
    /// Most of a peer's text that is kept, in bytes.
    const TEXT: usize = 256;

    /// An error of ours, with what to tell a human at the other end.
    pub fn new(condition: Condition, text: impl Into<String>) -> Self {
        Self { condition, text: Some(text.into()), side: Side::Local }
    }

    /// An error that the peer sent.
    pub(super) fn remote(condition: Condition, text: Option<&str>) -> Self {
        let text = text.map(|text| {
            let end = (0..=Self::TEXT).rev().find(|at| text.is_char_boundary(*at));
            text[..end.unwrap_or(text.len()).min(text.len())].to_owned()
        });
        Self { condition, text, side: Side::Remote }
    }
}

impl From<Condition> for StreamError {
    fn from(condition: Condition) -> Self {
        Self { condition, text: None, side: Side::Local }
    }
}

impl fmt::Display for StreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.side {
            Side::Local => write!(f, "we ended the stream: {}", self.condition)?,
            Side::Remote => write!(f, "the peer ended the stream: {}", self.condition)?,
        }
        match &self.text {
            Some(text) => write!(f, " ({})", printable(text)),
            None => Ok(()),
        }
    }
}

/// The two ends of a stream.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums)]
pub enum Side {
    /// This end.
    Local,
    /// The peer.
    Remote,
}

macro_rules! conditions {
    ($($name:ident $text:literal;)*) => {
        /// The defined conditions of RFC 6120 §4.9.3.
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        #[non_exhaustive]
        pub enum Condition {
            $(#[doc = concat!("`<", $text, "/>`")] $name,)*
        }

        impl Condition {
            /// The name of its element.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// Reads the name of an element; `None` where RFC 6120 does not define it.
            pub(super) fn from_name(name: &str) -> Option<Self> {
                match name {
                    $($text => Some(Self::$name),)*
                    // RFC 3920's name for it.
                    "xml-not-well-formed" => Some(Self::NotWellFormed),
                    _ => None,
                }
            }
        }
    };
}

conditions! {
    BadFormat "bad-format";
    BadNamespacePrefix "bad-namespace-prefix";
    Conflict "conflict";
    ConnectionTimeout "connection-timeout";
    HostGone "host-gone";
    HostUnknown "host-unknown";
    ImproperAddressing "improper-addressing";
    InternalServerError "internal-server-error";
    InvalidFrom "invalid-from";
    InvalidNamespace "invalid-namespace";
    InvalidXml "invalid-xml";
    NotAuthorized "not-authorized";
    NotWellFormed "not-well-formed";
    PolicyViolation "policy-violation";
    RemoteConnectionFailed "remote-connection-failed";
    Reset "reset";
    ResourceConstraint "resource-constraint";
    RestrictedXml "restricted-xml";
    SeeOtherHost "see-other-host";
    SystemShutdown "system-shutdown";
    UndefinedCondition "undefined-condition";
    UnsupportedEncoding "unsupported-encoding";
    UnsupportedFeature "unsupported-feature";
    UnsupportedStanzaType "unsupported-stanza-type";
    UnsupportedVersion "unsupported-version";
}

impl From<&Rejection> for Condition {
    /// `not-authorized`, unless trying again later may help: `resource-constraint` where the limit
    /// is ours, `remote-connection-failed` where the domain's web server is the matter (RFC 6120
    /// §4.9.3.15).
    fn from(rejection: &Rejection) -> Self {
        match rejection.told() {
            Code::PoshOverBudget => Self::ResourceConstraint,
            Code::PoshHttpsUntrusted
            | Code::PoshHttpsNameMismatch
            | Code::PoshHttpStatus
            | Code::PoshUnreachable
            | Code::PoshTimeout => Self::RemoteConnectionFailed,
            Code::Stopping => Self::SystemShutdown,
            _ => Self::NotAuthorized,
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is wrong with the XML of a peer or an embedder, and where.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Fault {
    pub(super) condition: Condition,
    /// For the peer's log; nothing in it is the peer's own text.
    pub(super) reason: &'static str,
    /// Byte of the element.
    pub(super) at: usize,
}

impl Fault {
    pub(super) fn new(condition: Condition, reason: &'static str, at: usize) -> Self {
        Self { condition, reason, at }
    }

    pub(super) fn not_well_formed(reason: &'static str, at: usize) -> Self {
        Self::new(Condition::NotWellFormed, reason, at)
    }

    pub(super) fn restricted(reason: &'static str, at: usize) -> Self {
        Self::new(Condition::RestrictedXml, reason, at)
    }

    pub(super) fn over_limit(reason: &'static str, at: usize) -> Self {
        Self::new(Condition::PolicyViolation, reason, at)
    }
}

impl From<Fault> for StreamError {
    fn from(fault: Fault) -> Self {
        Self::new(fault.condition, fault.reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for condition in [Condition::BadFormat, Condition::UnsupportedVersion] {
            assert_eq!(Condition::from_name(condition.as_str()), Some(condition));
        }
        assert_eq!(Condition::from_name("xml-not-well-formed"), Some(Condition::NotWellFormed));
        assert_eq!(Condition::from_name("surprise"), None);
    }

    #[test]
    fn a_peers_text_is_cut_when_kept_and_escaped_when_shown() {
        let error = StreamError::remote(Condition::Reset, Some(&"\u{1b}ä".repeat(1000)));
        assert!(error.text.as_ref().is_some_and(|text| text.len() <= 256));
        assert!(!error.to_string().contains('\u{1b}'));
    }
}
