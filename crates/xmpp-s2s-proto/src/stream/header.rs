//! Stream headers (RFC 6120 §4.7, §4.8).

use std::fmt::Write as _;

use bytes::BytesMut;

use super::chars::{self, Escaped};
use super::condition::Fault;
use super::element::read_tag;
use super::limits::Limits;
use super::scope::{Bindings, Scope};
use super::{Condition, StreamId, ns};

/// What the header of a peer says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Header {
    pub(super) from: Option<String>,
    pub(super) to: Option<String>,
    /// The language of every stanza that does not say otherwise.
    pub(super) language: Option<String>,
    pub(super) scope: Scope,
    version: Version,
}

/// `None` for RFC 3920's predecessors, which send none.
type Version = Option<(u32, u32)>;

impl Header {
    /// Reads a start tag. What no stream of ours can be is an error: its namespaces.
    pub(super) fn parse(tag: &[u8], limits: &Limits) -> Result<Self, Fault> {
        let text = chars::text(tag)?;
        let inner = text.strip_prefix('<').and_then(|text| text.strip_suffix('>'));
        let inner = inner.ok_or_else(|| Fault::not_well_formed("not a tag", 0))?;
        let (inner, empty) = match inner.strip_suffix('/') {
            Some(inner) => (inner, true),
            None => (inner, false),
        };
        let mut attributes = Vec::new();
        let length = read_tag(inner, 1, &mut attributes)?;
        let (prefix, local) = chars::qualified(&inner[..length])
            .ok_or_else(|| Fault::not_well_formed("not an element's name", 1))?;
        let nothing = Scope::default();
        let mut bindings = Bindings::new(&nothing);
        bindings.enter(prefix, &attributes, 1, limits.namespaces)?;
        let namespace = bindings.namespace(prefix).to_owned();
        check_namespaces(&namespace, bindings.namespace(""), local)?;
        if empty {
            return Err(Fault::new(Condition::BadFormat, "an empty stream", 0));
        }
        let value = |prefix: &str, local: &str| {
            let found = attributes.iter().find(|a| a.prefix == prefix && a.local == local);
            found.map(|a| a.value.to_string())
        };
        Ok(Self {
            from: value("", "from"),
            to: value("", "to"),
            language: value("xml", "lang").filter(|lang| is_language(lang)),
            version: value("", "version").and_then(|version| read_version(&version)),
            scope: bindings.into_scope(),
        })
    }

    /// We speak 1.0 with every 1.x, and with nothing else (RFC 6120 §4.7.5).
    pub(super) fn check_version(&self) -> Result<(), Fault> {
        match self.version {
            Some((1, _)) => Ok(()),
            _ => Err(Fault::new(Condition::UnsupportedVersion, "this server speaks 1.0", 0)),
        }
    }
}

/// What our own header says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Opening<'a> {
    pub(super) from: &'a str,
    /// `None` where the peer did not say who it is.
    pub(super) to: Option<&'a str>,
    /// Of a receiving entity.
    pub(super) id: Option<StreamId>,
}

impl Opening<'_> {
    /// Appends the header.
    ///
    /// The initiating entity's has no `xml:lang`: it would say of every stanza that names no
    /// language that it is in ours.
    pub(super) fn write(&self, out: &mut BytesMut) {
        let _ = write!(
            out,
            "<?xml version='1.0'?><stream:stream xmlns='{}' xmlns:stream='{}' from='{}'",
            ns::SERVER,
            ns::STREAMS,
            Escaped(self.from)
        );
        if let Some(to) = self.to {
            let _ = write!(out, " to='{}'", Escaped(to));
        }
        if let Some(StreamId(bits)) = self.id {
            let _ = write!(out, " id='{:032x}' xml:lang='en'", u128::from_be_bytes(bits));
        }
        out.extend_from_slice(b" version='1.0'>");
    }
}

/// Checks `<?xml …?>`: XML 1.0, and no encoding but UTF-8 (RFC 6120 §11.5, §11.6).
pub(super) fn check_declaration(declaration: &[u8]) -> Result<(), Fault> {
    let fault = Fault::not_well_formed("not an XML declaration", 0);
    let text = chars::text(declaration)?;
    let inner = text.strip_prefix("<?").and_then(|text| text.strip_suffix("?>")).ok_or(fault)?;
    let mut attributes = Vec::new();
    let length = read_tag(inner, 2, &mut attributes)?;
    if &inner[..length] != "xml" {
        return Err(Fault::restricted("a processing instruction", 0));
    }
    let mut attributes = attributes.iter().map(|a| (a.prefix, a.local, &*a.value)).peekable();
    match attributes.next() {
        Some(("", "version", version)) if version.starts_with("1.") => {}
        _ => return Err(fault),
    }
    if let Some((_, _, encoding)) = attributes.next_if(|a| a.1 == "encoding")
        && !encoding.eq_ignore_ascii_case("utf-8")
    {
        return Err(Fault::new(Condition::UnsupportedEncoding, "this server speaks UTF-8", 0));
    }
    let standalone = attributes.next_if(|a| a.1 == "standalone");
    match (standalone, attributes.next()) {
        (None | Some((_, _, "yes" | "no")), None) => Ok(()),
        _ => Err(fault),
    }
}

/// The stream element, and `jabber:server` for what it holds: as its default namespace, or named by
/// each stanza where the stream element has no prefix.
fn check_namespaces(namespace: &str, default: &str, local: &str) -> Result<(), Fault> {
    if namespace != ns::STREAMS {
        return Err(Fault::new(Condition::InvalidNamespace, "not an XMPP stream", 0));
    }
    if local != "stream" {
        return Err(Fault::new(Condition::BadFormat, "not a stream element", 0));
    }
    match default {
        ns::SERVER | ns::STREAMS => Ok(()),
        _ => Err(Fault::new(Condition::InvalidNamespace, "not a stream of servers", 0)),
    }
}

/// Two numbers, which may have zeros before them.
fn read_version(version: &str) -> Version {
    let number = |digits: &str| {
        digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
    };
    let (major, minor) = version.split_once('.')?;
    Some((number(major)?, number(minor)?))
}

/// Short enough for each stanza to carry it.
fn is_language(text: &str) -> bool {
    (1..=35).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}
