//! Elements that are not stanzas, as a small tree: negotiation, SASL, stream errors.

use super::chars;
use super::condition::{Condition, Fault, StreamError};
use super::element::{Tag, Visit, walk};
use super::limits::Limits;
use super::ns;
use super::scope::Scope;

/// An element with what negotiation needs of it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Element {
    namespace: String,
    name: String,
    /// Those without prefix.
    attributes: Vec<(String, String)>,
    /// Its own, without that of its children.
    text: String,
    children: Vec<Self>,
}

impl Element {
    /// Reads a frame.
    pub(super) fn parse(frame: &[u8], scope: &Scope, limits: &Limits) -> Result<Self, Fault> {
        let mut tree = Tree::default();
        walk(frame, scope, limits, &mut tree)?;
        tree.root.ok_or_else(|| Fault::not_well_formed("no element", 0))
    }

    pub(super) fn is(&self, namespace: &str, name: &str) -> bool {
        self.namespace == namespace && self.name == name
    }

    pub(super) fn is_stanza(&self) -> bool {
        matches!(self.namespace.as_str(), ns::SERVER | ns::CLIENT)
            && matches!(self.name.as_str(), "iq" | "message" | "presence")
    }

    /// The error that a peer says it is; `None` if it is another element. What RFC 6120 does not
    /// define is undefined.
    pub(super) fn stream_error(&self) -> Option<StreamError> {
        if !self.is(ns::STREAMS, "error") {
            return None;
        }
        let defined = self.children.iter().filter(|c| c.namespace == ns::STREAM_ERRORS);
        let condition = defined.filter_map(|c| Condition::from_name(&c.name)).next();
        let text = self.child(ns::STREAM_ERRORS, "text").map(Self::text);
        Some(StreamError::remote(condition.unwrap_or(Condition::UndefinedCondition), text))
    }

    /// What an element comes to that no established stream of ours asked for (RFC 6120 §4.8.4).
    ///
    /// Dialback is ignored, questions and answers alike (XEP-0220 §2): it may be that a third
    /// server makes the peer ask, and what others do must not end the peer's stream.
    pub(super) fn ignore(&self) -> Result<(), StreamError> {
        match self.namespace == ns::DIALBACK {
            true => Ok(()),
            false => Err(self.unexpected()),
        }
    }

    /// The error for an element that has no place here.
    pub(super) fn unexpected(&self) -> StreamError {
        StreamError::new(Condition::UnsupportedStanzaType, "an element that has no place here")
    }

    pub(super) fn namespace(&self) -> &str {
        &self.namespace
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn children(&self) -> &[Self] {
        &self.children
    }

    pub(super) fn child(&self, namespace: &str, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.is(namespace, name))
    }

    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }
}

/// Builds a tree of limited size.
#[derive(Default)]
struct Tree {
    open: Vec<Element>,
    root: Option<Element>,
    nodes: usize,
}

impl Tree {
    /// A node takes many times the bytes that its tag did.
    const NODES: usize = 256;
}

impl<'a> Visit<'a> for Tree {
    fn start(&mut self, tag: &Tag<'a, '_>) -> Result<(), Fault> {
        self.nodes += 1;
        if self.nodes > Self::NODES {
            return Err(Fault::over_limit("too many elements", tag.name_end));
        }
        let plain = tag.attributes.iter().filter(|a| a.prefix.is_empty());
        self.open.push(Element {
            namespace: tag.namespace.to_owned(),
            name: tag.local.to_owned(),
            attributes: plain.map(|a| (a.local.to_owned(), a.value.to_string())).collect(),
            ..Element::default()
        });
        Ok(())
    }

    fn text(&mut self, text: &str) {
        if let Some(element) = self.open.last_mut() {
            element.text.push_str(&chars::line_ends(text));
        }
    }

    fn end(&mut self) {
        let Some(element) = self.open.pop() else { return };
        match self.open.last_mut() {
            Some(parent) => parent.children.push(element),
            None => self.root = Some(element),
        }
    }
}
