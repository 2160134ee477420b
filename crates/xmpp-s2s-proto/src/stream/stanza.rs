//! Stanzas: one XML text each, and where it goes (RFC 6120 §8).

use std::borrow::Cow;
use std::iter;
use std::ops::Range;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use smallvec::SmallVec;
use thiserror::Error;

use super::condition::Fault;
use super::ns;
use crate::{Domain, InvalidDomain};

/// A `<message/>`, `<presence/>` or `<iq/>`: one self-contained XML text, and where it goes.
///
/// Its domains are spelt as [`Domain::as_str`] does, whatever the sender wrote.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Stanza {
    pub(super) kind: StanzaKind,
    pub(super) from: Domain,
    pub(super) to: Domain,
    pub(super) sender: Value,
    pub(super) recipient: Value,
    pub(super) id: Option<Value>,
    pub(super) stanza_type: Option<Value>,
    /// What the sender wrote, but for the spelling of the domains.
    pub(super) xml: Bytes,
    pub(super) taken: Taken,
    /// The content namespace that the stanza's own tag declares.
    pub(super) declared: Option<Namespace>,
    /// Where a content namespace is declared as default: in the stanza's own tag, and once more
    /// inside.
    pub(super) declarations: SmallVec<[Range<usize>; 2]>,
    pub(super) contents: Contents,
    /// Where the name of the stanza's tag ends.
    pub(super) name_end: usize,
}

/// The namespaces in which the content of a stanza is written.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum Contents {
    /// Its own.
    #[default]
    Own,
    /// Some of it in the one of another kind of stream.
    Mixed,
}

impl Stanza {
    /// Which of the three.
    pub fn kind(&self) -> StanzaKind {
        self.kind
    }

    /// The domain of the sender.
    pub fn from(&self) -> &Domain {
        &self.from
    }

    /// The domain of the recipient.
    pub fn to(&self) -> &Domain {
        &self.to
    }

    /// The whole address of the sender, its domain spelt as [`Self::from`].
    pub fn sender(&self) -> &str {
        self.sender.get(&self.xml)
    }

    /// The whole address of the recipient, its domain spelt as [`Self::to`].
    pub fn recipient(&self) -> &str {
        self.recipient.get(&self.xml)
    }

    /// The `id` attribute, unescaped.
    pub fn id(&self) -> Option<&str> {
        self.id.as_ref().map(|id| id.get(&self.xml))
    }

    /// The `type` attribute, unescaped.
    pub fn stanza_type(&self) -> Option<&str> {
        self.stanza_type.as_ref().map(|value| value.get(&self.xml))
    }

    /// The stanza as standalone XML in `namespace`.
    ///
    /// Only the namespace of the stanza itself is exchanged, also where it is declared once more;
    /// what another element holds stays as it is, such as a forwarded message. What declares the
    /// other namespace of content is content too, so that all readers see the same elements
    /// (RFC 6120 §4.8.3).
    pub fn to_xml(&self, namespace: Namespace) -> Cow<'_, str> {
        let is_declared = self.declared == Some(namespace) && self.contents == Contents::Own;
        if is_declared && self.taken.is_empty() {
            return Cow::Borrowed(utf8(&self.xml));
        }
        let (declaration, cuts) = match is_declared {
            true => ("", &[][..]),
            false => (namespace.declaration(), &self.declarations[..]),
        };
        let mut out = Vec::with_capacity(self.size() + declaration.len());
        self.pieces(declaration, cuts).for_each(|piece| out.extend_from_slice(piece));
        Cow::Owned(String::from_utf8(out).expect(UTF8))
    }

    /// Copies its text into a buffer of its own, for a stanza that is to be kept.
    ///
    /// Otherwise it is a slice of what it was read from, and keeps all of that in memory: of a
    /// peer's, the buffer of the connection, which may be many times as large.
    #[must_use]
    pub fn detach(self) -> Self {
        Self { xml: Bytes::copy_from_slice(&self.xml), ..self }
    }

    /// How many bytes it takes: on the wire, and of memory after [`Self::detach`]. Before, its
    /// text may keep a larger buffer in memory.
    pub fn size(&self) -> usize {
        let values = [Some(&self.sender), Some(&self.recipient)];
        let values = values.into_iter().chain([self.id.as_ref(), self.stanza_type.as_ref()]);
        let unescaped = values.flatten().map(Value::size).sum::<usize>();
        self.xml.len() + self.taken.iter().map(str::len).sum::<usize>() + unescaped
    }

    /// Appends it as it stands in a stream whose default namespace is `jabber:server`.
    pub(super) fn write(&self, out: &mut BytesMut) {
        self.pieces("", &self.declarations).for_each(|piece| out.extend_from_slice(piece));
    }

    /// The text without `cuts`, with `declaration` and what is taken over behind its name.
    fn pieces<'a>(
        &'a self,
        declaration: &'static str,
        cuts: &'a [Range<usize>],
    ) -> impl Iterator<Item = &'a [u8]> {
        let starts = iter::once(self.name_end).chain(cuts.iter().map(|cut| cut.end));
        let ends = cuts.iter().map(|cut| cut.start).chain(iter::once(self.xml.len()));
        let added = iter::once(declaration).chain(self.taken.iter()).map(str::as_bytes);
        let rest = starts.zip(ends).map(|(start, end)| &self.xml[start..end]);
        iter::once(&self.xml[..self.name_end]).chain(added).chain(rest)
    }
}

/// What a stanza takes over from the header of its stream, as attributes with a space before each:
/// with them it stands alone.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Taken {
    /// Those of the prefixes that it uses and does not declare.
    pub(super) declarations: Vec<Arc<str>>,
    /// `xml:lang`, where it has none.
    pub(super) language: Option<Arc<str>>,
}

impl Taken {
    fn is_empty(&self) -> bool {
        self.declarations.is_empty() && self.language.is_none()
    }

    fn iter(&self) -> impl Iterator<Item = &str> {
        self.declarations.iter().chain(&self.language).map(|attribute| &**attribute)
    }
}

/// The value of an attribute.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Value {
    /// It stands in the stanza's text as it is.
    Slice(Range<usize>),
    /// It does not: something in it is escaped.
    Unescaped(Box<str>),
}

impl Value {
    fn get<'a>(&'a self, xml: &'a [u8]) -> &'a str {
        match self {
            Self::Slice(span) => utf8(&xml[span.clone()]),
            Self::Unescaped(value) => value,
        }
    }

    /// What it takes besides the stanza's text.
    fn size(&self) -> usize {
        match self {
            Self::Slice(_) => 0,
            Self::Unescaped(value) => value.len(),
        }
    }
}

/// The content namespaces of XMPP.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[allow(clippy::exhaustive_enums)]
pub enum Namespace {
    /// `jabber:client`
    Client,
    /// `jabber:server`
    Server,
}

impl Namespace {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Client => ns::CLIENT,
            Self::Server => ns::SERVER,
        }
    }

    /// Its declaration as default, with a space before it.
    fn declaration(self) -> &'static str {
        match self {
            Self::Client => " xmlns='jabber:client'",
            Self::Server => " xmlns='jabber:server'",
        }
    }
}

/// The three stanzas of RFC 6120 §8.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[allow(clippy::exhaustive_enums)]
pub enum StanzaKind {
    /// `<iq/>`
    Iq,
    /// `<message/>`
    Message,
    /// `<presence/>`
    Presence,
}

impl StanzaKind {
    /// The name of its element.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Iq => "iq",
            Self::Message => "message",
            Self::Presence => "presence",
        }
    }

    pub(super) fn from_name(name: &str) -> Option<Self> {
        match name {
            "iq" => Some(Self::Iq),
            "message" => Some(Self::Message),
            "presence" => Some(Self::Presence),
            _ => None,
        }
    }
}

/// XML that is not one addressed stanza.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum InvalidStanza {
    /// One of `from` and `to` is no address.
    #[error("{attribute} is not an address")]
    #[non_exhaustive]
    Addressing {
        /// Which.
        attribute: &'static str,
        /// What is wrong with its domain, or with the whole.
        source: InvalidDomain,
    },
    /// One of `from` and `to` is missing.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// Not one of the three.
    #[error("not a stanza: {0}")]
    NotAStanza(String),
    /// Not XML as RFC 6120 §11 wants it, or more than is taken of peers.
    #[error("{reason} at byte {at}")]
    #[non_exhaustive]
    NotWellFormed {
        /// Why.
        reason: &'static str,
        /// Where, from the first byte of the text.
        at: usize,
    },
}

/// Why a first-level element is no stanza.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Unreadable {
    /// Of the attribute of this name.
    Addressing(&'static str, InvalidDomain),
    Missing(&'static str),
    Xml(Fault),
    /// It is another element, of this name.
    Other(String),
}

impl Unreadable {
    /// The same in a text with that many bytes before it.
    pub(super) fn behind(self, bytes: usize) -> Self {
        match self {
            Self::Xml(fault) => Self::Xml(Fault { at: fault.at + bytes, ..fault }),
            Self::Addressing(..) | Self::Missing(_) | Self::Other(_) => self,
        }
    }
}

impl From<Fault> for Unreadable {
    fn from(fault: Fault) -> Self {
        Self::Xml(fault)
    }
}

impl From<Unreadable> for InvalidStanza {
    fn from(unreadable: Unreadable) -> Self {
        match unreadable {
            Unreadable::Addressing(attribute, source) => Self::Addressing { attribute, source },
            Unreadable::Missing(attribute) => Self::Missing(attribute),
            Unreadable::Xml(Fault { reason, at, .. }) => Self::NotWellFormed { reason, at },
            Unreadable::Other(name) => Self::NotAStanza(crate::printable(&name)),
        }
    }
}

fn utf8(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect(UTF8)
}

const UTF8: &str = "a stanza is read as UTF-8, and cut between characters";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::header::Header;
    use crate::stream::limits::Limits;
    use crate::stream::reading::{Inherited, Reading};

    fn parse(xml: &str) -> Stanza {
        Stanza::parse(xml.to_owned()).unwrap()
    }

    fn wire(stanza: &Stanza) -> String {
        let mut out = BytesMut::new();
        stanza.write(&mut out);
        utf8(&out).to_owned()
    }

    #[test]
    fn routing_is_read_from_the_stanzas_tag() {
        let stanza = parse(
            " <iq xmlns='jabber:client' from='a@a.example/x' to='b.example' id='&lt;1' type='get'>\
             <ping xmlns='urn:xmpp:ping' to='c.example'/></iq>\n",
        );
        assert_eq!(stanza.kind(), StanzaKind::Iq);
        assert_eq!((stanza.from().as_str(), stanza.to().as_str()), ("a.example", "b.example"));
        assert_eq!((stanza.sender(), stanza.recipient()), ("a@a.example/x", "b.example"));
        assert_eq!((stanza.id(), stanza.stanza_type()), (Some("<1"), Some("get")));
    }

    #[test]
    fn what_is_not_an_addressed_stanza_says_why() {
        let not_a_stanza =
            |xml: &str| matches!(Stanza::parse(xml.to_owned()), Err(InvalidStanza::NotAStanza(_)));
        assert!(not_a_stanza("<body from='a.example' to='b.example'/>"));
        assert!(not_a_stanza(
            "<iq xmlns='jabber:component:accept' from='a.example' to='b.example'/>"
        ));
        for (addresses, text) in [
            ("from='a.example'", "to is missing"),
            ("to='a.example'", "from is missing"),
            ("from='' to='a.example'", "from is not an address"),
            ("from='a.example' to='@a.example'", "to is not an address"),
        ] {
            let error = Stanza::parse(format!("<iq {addresses}/>")).unwrap_err();
            assert_eq!(error.to_string(), text, "{addresses}");
        }
        let error = Stanza::parse("  <iq a='b' a='c'/>").unwrap_err();
        assert_eq!(error.to_string(), "an attribute comes twice at byte 12");
        let all = "from='a.example' to='b.example'";
        for xml in [
            format!("<iq {all}>"),
            format!("<iq {all}/><iq {all}/>"),
            format!("<iq {all}/> text"),
            format!("<!-- --><iq {all}/>"),
            format!("<s:iq {all} xmlns:s='jabber:server'/>"),
            String::new(),
        ] {
            let error = Stanza::parse(xml.clone()).unwrap_err();
            assert!(matches!(error, InvalidStanza::NotWellFormed { .. }), "{xml} {error}");
        }
    }

    #[test]
    fn text_of_an_embedder_has_the_limits_that_a_peers_has() {
        let all = "from='a.example' to='b.example'";
        let attributes = |n| (0..n).map(|n| format!(" a{n}=''")).collect::<String>();
        let declarations = |n| (0..n).map(|n| format!(" xmlns:a{n}='u'")).collect::<String>();
        let deep = |n| format!("{}{}", "<a>".repeat(n), "</a>".repeat(n));
        for (xml, good) in [
            (format!("<iq {all}{}/>", attributes(62)), true),
            (format!("<iq {all}{}/>", attributes(63)), false),
            (format!("<iq {all}{}/>", declarations(32)), true),
            (format!("<iq {all}{}/>", declarations(33)), false),
            (format!("<iq {all}>{}</iq>", deep(63)), true),
            (format!("<iq {all}>{}</iq>", deep(64)), false),
        ] {
            assert_eq!(Stanza::parse(xml.clone()).is_ok(), good, "{xml}");
        }
    }

    #[test]
    fn a1_domains_are_respelt_and_nothing_else() {
        let stanza = parse("<message to='r&amp;j@B.Example./x&apos;y' from='A.EXAMPLE' id='1'/>");
        assert_eq!(stanza.recipient(), "r&j@b.example/x'y");
        assert_eq!(
            wire(&stanza),
            "<message to='r&amp;j@b.example/x&apos;y' from='a.example' id='1'/>"
        );
    }

    #[test]
    fn a1_text_that_needs_no_mending_is_not_copied() {
        let xml = Bytes::from_static(b"<message to='b.example' from='a.example'/>");
        assert_eq!(Stanza::parse(xml.clone()).unwrap().xml.as_ptr(), xml.as_ptr());
    }

    #[test]
    fn what_the_header_says_goes_along_without_a_copy_of_the_text() {
        let header = b"<s:stream xmlns='jabber:server' xmlns:s='http://etherx.jabber.org/streams' \
                       xmlns:p='a&amp;b' xmlns:q='u' xml:lang='en'>";
        let scope = Header::parse(header, &Limits::EMBEDDER).unwrap().scope;
        let language = Arc::from(" xml:lang='en'");
        let around = Inherited { scope: &scope, language: Some(&language), ..Inherited::NOTHING };
        let xml = Bytes::from_static(b"<iq from='a.example' to='b.example'><p:x/></iq>");
        let stanza = Reading::stanza(xml.clone(), &around, &Limits::EMBEDDER).unwrap();
        assert_eq!(stanza.xml.as_ptr(), xml.as_ptr());
        let alone = "<iq xmlns:p='a&amp;b' xml:lang='en' from='a.example' to='b.example'>\
                     <p:x/></iq>";
        assert_eq!(wire(&stanza), alone);
        assert_eq!(stanza.size(), alone.len());
        let xml = "<iq xmlns='jabber:server' xml:lang='de' from='a.example' to='b.example'>\
                   <x p:y=''><x xmlns='jabber:server'/></x></iq>";
        let stanza = Reading::stanza(xml.into(), &around, &Limits::EMBEDDER).unwrap();
        assert_eq!(
            stanza.to_xml(Namespace::Server),
            xml.replacen("<iq", "<iq xmlns:p='a&amp;b'", 1)
        );
    }

    #[test]
    fn a_detached_stanza_lets_the_buffer_go() {
        let buffer = Bytes::from(format!("<iq from='a.example' to='b.example'/>{:9000}", ""));
        let stanza = Stanza::parse(buffer.slice(..)).unwrap();
        assert!(!buffer.is_unique());
        let detached = stanza.clone().detach();
        assert_eq!(detached, stanza);
        drop(stanza);
        assert!(buffer.is_unique());
    }

    #[test]
    fn the_size_of_a_stanza_has_all_that_it_holds() {
        let xml = "<iq from='a.example' to='b.example' id='1'/>";
        assert_eq!(parse(xml).size(), xml.len());
        let xml = "<iq from='a.example/&lt;' to='b.example' id='&lt;&lt;'/>";
        assert_eq!(parse(xml).size(), xml.len() + "a.example/<".len() + "<<".len());
    }

    #[test]
    fn to_xml_exchanges_the_stanzas_namespace_only() {
        let forwarded = "<forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client'/>\
                         <x xmlns='jabber:server'/></forwarded>";
        let inside = |body: &str| format!("{forwarded}<body{body}>xmlns='jabber:server'</body>");
        let attributes = "from='a.example' to='b.example'";
        for own in ["", " xmlns='jabber:server'"] {
            let stanza = parse(&format!(
                "<message xmlns='jabber:server' {attributes}>{}</message>",
                inside(own)
            ));
            assert_eq!(
                stanza.to_xml(Namespace::Client),
                format!("<message xmlns='jabber:client' {attributes}>{}</message>", inside(""))
            );
            assert!(matches!(stanza.to_xml(Namespace::Server), Cow::Borrowed(_)));
            assert_eq!(wire(&stanza), format!("<message {attributes}>{}</message>", inside("")));
        }
    }

    #[test]
    fn content_in_another_namespace_is_content_for_everybody() {
        let attributes = "from='a.example' to='b.example'";
        let text = |own: &str, inner: &str| {
            format!("<message{own} {attributes}><body{inner}/><e{inner}><t/></e></message>")
        };
        let namespaces = ["", " xmlns='jabber:server'", " xmlns='jabber:client'"];
        for own in namespaces {
            for inner in namespaces[1..].iter().filter(|inner| **inner != own) {
                let stanza = parse(&text(own, inner));
                assert_eq!(stanza.to_xml(Namespace::Server), text(namespaces[1], ""));
                assert_eq!(stanza.to_xml(Namespace::Client), text(namespaces[2], ""));
                assert_eq!(wire(&stanza), text("", ""));
            }
        }
    }

    #[test]
    fn what_another_element_holds_is_no_content_and_stays() {
        for held in [
            "<x xmlns='u'><message xmlns='jabber:client'/><message xmlns='jabber:server'/></x>",
            "<u:x xmlns:u='u'><message xmlns='jabber:client'/></u:x>",
            "<u:x xmlns='jabber:client' xmlns:u='u'><message/></u:x>",
            "<x xmlns=''><message xmlns='jabber:client'/></x>",
        ] {
            let xml = |own| format!("<iq{own} from='a.example' to='b.example'>{held}<e/></iq>");
            let stanza = parse(&xml(" xmlns='jabber:server'"));
            assert_eq!(stanza.to_xml(Namespace::Client), xml(" xmlns='jabber:client'"));
            assert_eq!(wire(&stanza), xml(""));
        }
    }

    #[test]
    fn content_with_a_prefix_is_refused() {
        for payload in [
            "<c:body xmlns:c='jabber:client'/>",
            "<x xmlns='u' xmlns:c='jabber:client'><c:body/></x>",
            "<c:body xmlns:c='jabber:server'/>",
        ] {
            let xml = format!("<iq from='a.example' to='b.example'>{payload}</iq>");
            assert!(Stanza::parse(xml).is_err(), "{payload}");
        }
    }

    #[test]
    fn to_xml_finds_the_namespace_however_it_is_written() {
        let stanza = parse("<iq from='a.example' xmlns = \"jabber&#58;client\" to='b.example'/>");
        assert_eq!(wire(&stanza), "<iq from='a.example' to='b.example'/>");
        let stanza = parse("<iq from='a.example' to='b.example'><a/></iq>");
        assert_eq!(
            stanza.to_xml(Namespace::Server),
            "<iq xmlns='jabber:server' from='a.example' to='b.example'><a/></iq>"
        );
    }

    #[test]
    fn a_bounce_goes_back_with_the_reason() {
        let bounce = parse("<message from='a@a.example/&lt;' to='b@b.example' id='&amp;1'/>")
            .bounce("remote-server-timeout", "b.example: <no>")
            .unwrap();
        assert_eq!(
            wire(&bounce),
            "<message from='b@b.example' to='a@a.example/&lt;' type='error' id='&amp;1'>\
             <error type='wait'>\
             <remote-server-timeout xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>\
             <text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='en'>\
             b.example: &lt;no&gt;</text></error></message>"
        );
        assert_eq!(bounce.from().as_str(), "b.example");
    }

    #[test]
    fn a_bounce_of_an_unknown_condition_is_undefined() {
        let stanza = parse("<iq from='a.example' to='b.example' type='get' id='1'/>");
        let bounce = stanza.bounce("x/><evil", "").unwrap();
        assert!(wire(&bounce).contains("<undefined-condition "));
    }

    #[test]
    fn a14_the_text_of_a_bounce_has_no_controls() {
        let stanza = parse("<iq from='a.example' to='b.example' type='get' id='1'/>");
        let bounce = wire(&stanza.bounce("gone", "a\u{1b}\u{9b}\u{202e}\n<").unwrap());
        assert!(bounce.contains(">a\\u{1b}\\u{9b}\\u{202e}\\u{a}&lt;</text>"), "{bounce}");
    }

    #[test]
    fn errors_and_results_are_not_answered() {
        for stanza in ["message type='error'", "presence type='error'", "iq type='result'"] {
            let stanza = parse(&format!("<{stanza} from='a.example' to='b.example'/>"));
            assert_eq!(stanza.bounce("gone", ""), None);
        }
    }
}
