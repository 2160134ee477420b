//! From a first-level element to a [`Stanza`].

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use smallvec::SmallVec;

use super::address::Address;
use super::attribute::Attribute;
use super::chars::{self, Escaped};
use super::condition::{Condition, Fault};
use super::element::{Tag, Visit, walk};
use super::framer::Framer;
use super::limits::Limits;
use super::ns;
use super::scope::{Scope, declared_prefix};
use super::stanza::{
    Contents, InvalidStanza, Namespace, Stanza, StanzaKind, Taken, Unreadable, Value,
};
use crate::{Domain, Pair};

/// What a stanza takes over from the stream around it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Inherited<'a> {
    pub(super) scope: &'a Scope,
    /// `xml:lang` with a space before it.
    pub(super) language: Option<&'a Arc<str>>,
    /// The domains that it is likely to name.
    pub(super) pair: Option<&'a Pair>,
    /// The namespaces that a stanza may be in.
    pub(super) contents: &'static [&'static str],
}

impl Inherited<'static> {
    /// For text of an embedder.
    pub(super) const NOTHING: Self = Self {
        scope: &Scope::NOTHING,
        language: None,
        pair: None,
        contents: &[ns::SERVER, ns::CLIENT, ""],
    };
}

impl Stanza {
    /// Reads one stanza, in `jabber:server`, `jabber:client` or no namespace.
    pub fn parse(xml: impl Into<Bytes>) -> Result<Self, InvalidStanza> {
        let text = xml.into();
        let span = chars::trimmed(&text);
        let (start, xml) = (span.start, text.slice(span));
        Framer::check(&xml, Limits::EMBEDDER)
            .map_err(Unreadable::from)
            .and_then(|()| Reading::stanza(xml, &Inherited::NOTHING, &Limits::EMBEDDER))
            .map_err(|unreadable| unreadable.behind(start).into())
    }
}

/// What is noted of an element on the way through it.
#[derive(Debug, Default)]
pub(super) struct Reading<'a> {
    root: Option<Root<'a>>,
    /// Declarations of a content namespace by the stanza and by what is content in it, and those
    /// that declare what was so already.
    declarations: SmallVec<[Range<usize>; 2]>,
    contents: Contents,
    /// How deep the element is that is not content, with all that is in it.
    foreign: Option<usize>,
    /// How deep the element is whose declaration of a default namespace stays.
    kept: Option<usize>,
}

impl Reading<'_> {
    /// Makes a stanza of an element, within what the framer lets through.
    ///
    /// The text is copied only if it spells its domains in another way.
    pub(super) fn stanza(
        xml: Bytes,
        inherited: &Inherited<'_>,
        limits: &Limits,
    ) -> Result<Stanza, Unreadable> {
        let mut reading = Reading::default();
        let prefixes = walk(&xml, inherited.scope, limits, &mut reading)?;
        let root = reading.root.ok_or_else(|| Fault::not_well_formed("no element", 0))?;
        let kind = root.kind(inherited.contents)?;
        let (remote, local) = inherited.pair.map(|pair| (&pair.remote, &pair.local)).unzip();
        let (sender, from) = address("from", root.from.as_ref(), remote)?;
        let (recipient, to) = address("to", root.to.as_ref(), local)?;
        let mut edits = Edits::default();
        edits.respell(sender, &from);
        edits.respell(recipient, &to);
        if let Some(mended) = edits.apply(&xml) {
            return Self::stanza(mended, inherited, limits);
        }
        let declaration = |prefix: &&str| inherited.scope.declaration(prefix).cloned();
        let taken = Taken {
            declarations: prefixes.iter().filter_map(declaration).collect(),
            language: inherited.language.filter(|_| root.language.is_none()).cloned(),
        };
        Ok(Stanza {
            kind,
            from: from.domain,
            to: to.domain,
            sender: value(sender),
            recipient: value(recipient),
            id: root.id.as_ref().map(value),
            stanza_type: root.stanza_type.as_ref().map(value),
            taken,
            declared: root.declared,
            declarations: reading.declarations,
            contents: reading.contents,
            name_end: root.name_end,
            xml,
        })
    }
}

impl<'a> Visit<'a> for Reading<'a> {
    fn start(&mut self, tag: &Tag<'a, '_>) -> Result<(), Fault> {
        refuse_prefix(tag)?;
        if tag.depth == 1 {
            self.root = Some(Root::new(tag));
        }
        let Some(content) = self.root.as_ref().and_then(|root| root.content) else { return Ok(()) };
        for outer in [&mut self.foreign, &mut self.kept] {
            outer.take_if(|depth| tag.depth <= *depth);
        }
        let is_content = tag.namespace == content || is_content(tag.namespace);
        if !is_content {
            self.foreign.get_or_insert(tag.depth);
        }
        let default = tag.attributes.iter().find(|a| declared_prefix(a) == Some(""));
        let Some(declaration) = default.filter(|_| self.kept.is_none()) else { return Ok(()) };
        let in_vain = tag.depth > 1 && declaration.value == tag.surrounding;
        if in_vain || self.foreign.is_none() {
            self.declarations.push(declaration.span.clone());
            if declaration.value != content {
                self.contents = Contents::Mixed;
            }
        } else {
            self.kept = Some(tag.depth);
        }
        Ok(())
    }

    fn text(&mut self, _text: &str) {}

    fn end(&mut self) {}
}

/// An element of a content namespace must not have a prefix (RFC 6120 §4.8.5): what it is would
/// change with the namespace of the stanza around it.
fn refuse_prefix(tag: &Tag<'_, '_>) -> Result<(), Fault> {
    match !tag.prefix.is_empty() && is_content(tag.namespace) {
        true => {
            Err(Fault::new(Condition::BadNamespacePrefix, "a prefix for content", tag.name_end))
        }
        false => Ok(()),
    }
}

fn is_content(namespace: &str) -> bool {
    matches!(namespace, ns::SERVER | ns::CLIENT)
}

/// The tag of a first-level element.
#[derive(Debug)]
struct Root<'a> {
    name: &'a str,
    /// Its namespace, if that is one of stanzas.
    content: Option<&'static str>,
    declared: Option<Namespace>,
    name_end: usize,
    from: Option<Attribute<'a>>,
    to: Option<Attribute<'a>>,
    id: Option<Attribute<'a>>,
    stanza_type: Option<Attribute<'a>>,
    language: Option<Attribute<'a>>,
}

impl<'a> Root<'a> {
    fn new(tag: &Tag<'a, '_>) -> Self {
        let find = |prefix: &str, local: &str| {
            tag.attributes.iter().find(|a| a.is(prefix, local)).cloned()
        };
        let declared = find("", "xmlns").and_then(|declaration| match &*declaration.value {
            ns::SERVER => Some(Namespace::Server),
            ns::CLIENT => Some(Namespace::Client),
            _ => None,
        });
        Self {
            name: tag.local,
            content: [ns::SERVER, ns::CLIENT, ""].into_iter().find(|name| *name == tag.namespace),
            declared,
            name_end: tag.name_end,
            from: find("", "from"),
            to: find("", "to"),
            id: find("", "id"),
            stanza_type: find("", "type"),
            language: find("xml", "lang"),
        }
    }

    fn kind(&self, contents: &[&str]) -> Result<StanzaKind, Unreadable> {
        self.content
            .filter(|content| contents.contains(content))
            .and_then(|_| StanzaKind::from_name(self.name))
            .ok_or_else(|| Unreadable::Other(self.name.to_owned()))
    }
}

/// Reads an attribute that has to be an address.
fn address<'t, 'a>(
    name: &'static str,
    attribute: Option<&'t Attribute<'a>>,
    expected: Option<&Domain>,
) -> Result<(&'t Attribute<'a>, Address<'t>), Unreadable> {
    let attribute = attribute.ok_or(Unreadable::Missing(name))?;
    let address = Address::parse(&attribute.value, expected);
    Ok((attribute, address.map_err(|error| Unreadable::Addressing(name, error))?))
}

fn value(attribute: &Attribute<'_>) -> Value {
    match &attribute.value {
        Cow::Borrowed(_) => Value::Slice(attribute.value_span.clone()),
        Cow::Owned(value) => Value::Unescaped(value.as_str().into()),
    }
}

/// What has to be changed in the text of a stanza, in any order.
#[derive(Debug, Default)]
struct Edits(Vec<(Range<usize>, String)>);

impl Edits {
    /// Domains have one spelling (A1).
    fn respell(&mut self, attribute: &Attribute<'_>, address: &Address<'_>) {
        if let Some(respelt) = address.respelt() {
            self.0.push((attribute.value_span.clone(), Escaped(&respelt).to_string()));
        }
    }

    /// The text with all changes made; `None` if there are none.
    fn apply(mut self, text: &[u8]) -> Option<Bytes> {
        if self.0.is_empty() {
            return None;
        }
        self.0.sort_by_key(|(span, _)| span.start);
        let mut out = Vec::with_capacity(text.len() + 64);
        let mut done = 0;
        for (span, replacement) in self.0 {
            out.extend_from_slice(&text[done..span.start]);
            out.extend_from_slice(replacement.as_bytes());
            done = span.end;
        }
        out.extend_from_slice(&text[done..]);
        Some(out.into())
    }
}
