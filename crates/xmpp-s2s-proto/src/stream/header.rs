//! Stream headers (RFC 6120 §4.7, §4.8).

use std::borrow::Cow;
use std::fmt::Write as _;

use bytes::BytesMut;

use super::attribute::{Attributes, read_tag};
use super::chars::{self, Escaped};
use super::condition::Fault;
use super::limits::Limits;
use super::scope::{Bindings, Scope};
use super::stanza::StanzaKind;
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
        let mut attributes = Attributes::new();
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
    let mut attributes = Attributes::new();
    let length = read_tag(inner, 2, &mut attributes)?;
    if &inner[..length] != "xml" {
        return Err(Fault::restricted("a processing instruction", 0));
    }
    if attributes.iter().any(|a| !a.prefix.is_empty() || matches!(a.value, Cow::Owned(_))) {
        return Err(fault);
    }
    let mut attributes = attributes.iter().map(|a| (a.local, &*a.value)).peekable();
    match attributes.next() {
        Some(("version", version)) if is_xml_1(version) => {}
        _ => return Err(fault),
    }
    if let Some((_, encoding)) = attributes.next_if(|a| a.0 == "encoding")
        && !encoding.eq_ignore_ascii_case("utf-8")
    {
        return Err(Fault::new(Condition::UnsupportedEncoding, "this server speaks UTF-8", 0));
    }
    let standalone = attributes.next_if(|a| a.0 == "standalone");
    match (standalone, attributes.next()) {
        (None | Some((_, "yes" | "no")), None) => Ok(()),
        _ => Err(fault),
    }
}

/// `VersionNum` of XML 1.0 §2.8.
fn is_xml_1(version: &str) -> bool {
    let minor = version.strip_prefix("1.").unwrap_or_default();
    !minor.is_empty() && minor.bytes().all(|b| b.is_ascii_digit())
}

/// The stream element, and `jabber:server` for what it holds: as its default namespace, or named by
/// each stanza where the stream element has no prefix.
fn check_namespaces(namespace: &str, default: &str, local: &str) -> Result<(), Fault> {
    // Somebody sends a stanza too early, and below no header (RFC 6120 §4.3.5).
    if matches!(namespace, ns::SERVER | ns::CLIENT | "") && StanzaKind::from_name(local).is_some() {
        return Err(Fault::new(Condition::NotAuthorized, "a stanza has to wait for its stream", 0));
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    const NAMESPACES: &str =
        "xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams'";

    fn parse(attributes: &str) -> Result<Header, Condition> {
        let tag = format!("<stream:stream {NAMESPACES} {attributes}>");
        Header::parse(tag.as_bytes(), &Limits::EMBEDDER).map_err(|fault| fault.condition)
    }

    #[test]
    fn a_header_is_read_in_any_order_of_attributes() {
        let header = parse("version='1.0' id='' to='b' xml:lang='en' from='&lt;a'").unwrap();
        assert_eq!(header.from.as_deref(), Some("<a"));
        assert_eq!(header.to.as_deref(), Some("b"));
        assert_eq!(header.language.as_deref(), Some("en"));
        assert_eq!(header.scope.get("stream"), Some(ns::STREAMS));
        assert_eq!(header.check_version(), Ok(()));
    }

    #[test]
    fn a_language_that_is_long_or_none_is_not_passed_on() {
        for language in ["", "de at", "x&apos;", &"x".repeat(36)] {
            assert_eq!(parse(&format!("xml:lang='{language}'")).unwrap().language, None);
        }
    }

    #[test]
    fn versions_are_numbers() {
        for (version, good) in [
            ("1.0", true),
            ("1.1", true),
            ("01.010", true),
            ("0.9", false),
            ("2.0", false),
            ("1", false),
            ("1.", false),
            ("1.+0", false),
            (" 1.0", false),
            ("1.99999999999", false),
        ] {
            let header = parse(&format!("version='{version}'")).unwrap();
            assert_eq!(header.check_version().is_ok(), good, "{version}");
        }
    }

    #[test]
    fn a_header_may_declare_no_more_than_the_limit() {
        let tag = format!("<stream:stream {NAMESPACES}>");
        let limits = Limits { namespaces: 1, ..Limits::EMBEDDER };
        let fault = Header::parse(tag.as_bytes(), &limits).unwrap_err();
        assert_eq!(fault.condition, Condition::PolicyViolation);
    }

    #[test]
    fn declarations_are_those_of_xml_1_in_utf8() {
        let check = |inner: &str| {
            check_declaration(format!("<?xml{inner}?>").as_bytes()).map_err(|f| f.condition)
        };
        for good in [
            " version='1.0'",
            " version = \"1.1\" encoding='UTF-8' ",
            "\n version='1.0'\n standalone='no'",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for (bad, condition) in [
            ("", Condition::NotWellFormed),
            (" version='2.0'", Condition::NotWellFormed),
            (" version='1.'", Condition::NotWellFormed),
            (" version='1.x'", Condition::NotWellFormed),
            (" version='1&#46;0'", Condition::NotWellFormed),
            (" x:version='1.0'", Condition::NotWellFormed),
            (" version='1.0' x:encoding='UTF-8'", Condition::NotWellFormed),
            (" encoding='UTF-8' version='1.0'", Condition::NotWellFormed),
            (" version='1.0'encoding='UTF-8'", Condition::NotWellFormed),
            (" version='1.0' standalone='maybe'", Condition::NotWellFormed),
            (" version='1.0' x='1'", Condition::NotWellFormed),
            (" version='1.0' encoding='UTF-16'", Condition::UnsupportedEncoding),
            ("-stylesheet version='1.0'", Condition::RestrictedXml),
        ] {
            assert_eq!(check(bad), Err(condition), "{bad}");
        }
    }

    #[test]
    fn our_header_is_one_that_we_read() {
        let mut out = BytesMut::new();
        let id = StreamId([0xab; 16]);
        Opening { from: "ä.example", to: Some("a'b"), id: Some(id) }.write(&mut out);
        let tag = out.strip_prefix(b"<?xml version='1.0'?>").unwrap();
        let header = Header::parse(tag, &Limits::EMBEDDER).unwrap();
        assert_eq!(header.from.as_deref(), Some("ä.example"));
        assert_eq!(header.to.as_deref(), Some("a'b"));
        assert_eq!(header.check_version(), Ok(()));
    }
}
