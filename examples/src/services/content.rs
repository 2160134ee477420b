//! What is inside a stanza, as far as the services want to know.

use quick_xml::XmlVersion;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::name::{Namespace as Bound, ResolveResult};
use quick_xml::reader::NsReader;
use xmpp_s2s::{Namespace, Stanza};

/// A child element of a stanza.
#[derive(Debug, Default, Eq, PartialEq)]
pub(super) struct Child {
    /// Its namespace.
    pub(super) namespace: String,
    /// Its local name.
    pub(super) name: String,
    /// Its `node` attribute.
    pub(super) node: Option<String>,
    /// Its own text, without that of elements in it.
    pub(super) text: String,
}

impl Child {
    /// Whether it is what a message says to people (RFC 6121 §5.2.3), and says something.
    pub(super) fn is_body(&self) -> bool {
        self.namespace == super::SERVER && self.name == "body" && !self.text.is_empty()
    }
}

/// The child elements of `stanza`, in order.
pub(super) fn children(stanza: &Stanza) -> Vec<Child> {
    let xml = stanza.to_xml(Namespace::Server);
    read(&xml).unwrap_or_default()
}

fn read(xml: &str) -> Result<Vec<Child>, quick_xml::Error> {
    let mut reader = NsReader::from_str(xml);
    let mut children = Vec::new();
    let mut depth = 0;
    loop {
        let (namespace, event) = reader.read_resolved_event()?;
        match event {
            Event::Start(start) => {
                if depth == 1 {
                    children.push(child(namespace, &start)?);
                }
                depth += 1;
            }
            Event::Empty(start) if depth == 1 => children.push(child(namespace, &start)?),
            Event::End(_) => depth -= 1,
            Event::Eof => return Ok(children),
            event if depth == 2 => {
                if let (Some(child), Some(text)) = (children.last_mut(), text(event)?) {
                    child.text.push_str(&text);
                }
            }
            _ => {}
        }
    }
}

fn child(namespace: ResolveResult<'_>, start: &BytesStart<'_>) -> Result<Child, quick_xml::Error> {
    let node = start.try_get_attribute("node")?;
    let node = node.map(|node| node.normalized_value(XmlVersion::Implicit1_0)).transpose()?;
    Ok(Child {
        namespace: match namespace {
            ResolveResult::Bound(Bound(namespace)) => namespace.to_owned(),
            ResolveResult::Unbound | ResolveResult::Unknown(_) => String::new(),
        },
        name: start.local_name().as_ref().to_owned(),
        node: node.map(|node| node.into_owned()),
        text: String::new(),
    })
}

fn text(event: Event<'_>) -> Result<Option<String>, quick_xml::Error> {
    Ok(match event {
        Event::Text(text) => Some(text.xml10_content().into_owned()),
        Event::CData(text) => Some(text.xml10_content().into_owned()),
        Event::GeneralRef(reference) => referent(&reference)?,
        _ => None,
    })
}

fn referent(reference: &BytesRef<'_>) -> Result<Option<String>, quick_xml::Error> {
    if let Some(character) = reference.resolve_char_ref()? {
        return Ok(Some(character.into()));
    }
    Ok(resolve_xml_entity(&reference.xml10_content()).map(str::to_owned))
}
