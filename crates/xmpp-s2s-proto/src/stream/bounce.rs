//! Stanza errors (RFC 6120 §8.3).

use std::fmt::Write as _;

use super::chars::Escaped;
use super::ns;
use super::stanza::{Stanza, StanzaKind};
use crate::printable::readable;

impl Stanza {
    /// The error to send back to the author (RFC 6120 §8.3); `None` for errors and IQ results,
    /// which must not be answered.
    ///
    /// `condition` is one of RFC 6120 §8.3.3, anything else becomes `undefined-condition`; `text`
    /// is for a human, in English.
    pub fn bounce(&self, condition: &str, text: &str) -> Option<Self> {
        write(self, condition, text).and_then(|xml| Self::parse(xml).ok())
    }
}

/// The text of the error that answers `stanza`; `None` if it must not be answered.
fn write(stanza: &Stanza, condition: &str, text: &str) -> Option<String> {
    let kind = stanza.kind();
    match (kind, stanza.stanza_type()) {
        (_, Some("error")) | (StanzaKind::Iq, Some("result")) => return None,
        (StanzaKind::Iq | StanzaKind::Message | StanzaKind::Presence, _) => {}
    }
    let (condition, error_type) = find(condition);
    let mut xml = format!(
        "<{} from='{}' to='{}' type='error'",
        kind.as_str(),
        Escaped(stanza.recipient()),
        Escaped(stanza.sender())
    );
    if let Some(id) = stanza.id() {
        let _ = write!(xml, " id='{}'", Escaped(id));
    }
    let _ = write!(
        xml,
        "><error type='{error_type}'><{condition} xmlns='{ns}'/>\
         <text xmlns='{ns}' xml:lang='en'>{}</text></error></{}>",
        Escaped(&readable(text)),
        kind.as_str(),
        ns = ns::STANZA_ERRORS,
    );
    Some(xml)
}

/// A condition and the error type that RFC 6120 §8.3.3 gives it.
fn find(condition: &str) -> (&'static str, &'static str) {
    let found = TYPES.iter().find(|(name, _)| *name == condition);
    found.copied().unwrap_or(("undefined-condition", "cancel"))
}

/// Where several types are right: what the sender can do about it at another server.
const TYPES: [(&str, &str); 22] = [
    ("bad-request", "modify"),
    ("conflict", "cancel"),
    ("feature-not-implemented", "cancel"),
    ("forbidden", "auth"),
    ("gone", "cancel"),
    ("internal-server-error", "cancel"),
    ("item-not-found", "cancel"),
    ("jid-malformed", "modify"),
    ("not-acceptable", "modify"),
    ("not-allowed", "cancel"),
    ("not-authorized", "auth"),
    ("policy-violation", "modify"),
    ("recipient-unavailable", "wait"),
    ("redirect", "modify"),
    ("registration-required", "auth"),
    ("remote-server-not-found", "cancel"),
    ("remote-server-timeout", "wait"),
    ("resource-constraint", "wait"),
    ("service-unavailable", "cancel"),
    ("subscription-required", "auth"),
    ("undefined-condition", "cancel"),
    ("unexpected-request", "wait"),
];
