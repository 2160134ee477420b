//! Namespace declarations: those of the header, and those inside one element (XML Namespaces 1.0).

use std::borrow::Cow;
use std::sync::Arc;

use smallvec::SmallVec;

use super::attribute::Attribute;
use super::chars::{Escaped, is_same};
use super::condition::Fault;
use super::ns;

/// What the header of a stream declares, for all that it holds.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Scope {
    declared: Vec<Declared>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
struct Declared {
    prefix: String,
    name: String,
    /// The first entry of the same namespace.
    first: usize,
    /// The declaration with a space before it, for stanzas that use the prefix.
    xml: Arc<str>,
}

impl Scope {
    /// Around what stands alone.
    pub(super) const NOTHING: Self = Self { declared: Vec::new() };

    /// The namespace of a prefix; the empty one is the default.
    pub(super) fn get(&self, prefix: &str) -> Option<&str> {
        self.find(prefix).map(|declared| declared.name.as_str())
    }

    /// The declaration of a prefix, as an attribute with a space before it.
    pub(super) fn declaration(&self, prefix: &str) -> Option<&Arc<str>> {
        self.find(prefix).map(|declared| &declared.xml)
    }

    fn find(&self, prefix: &str) -> Option<&Declared> {
        self.declared.iter().find(|declared| is_same(&declared.prefix, prefix))
    }
}

/// The declarations in scope, while an element is walked through.
#[derive(Debug)]
pub(super) struct Bindings<'a, 's> {
    scope: &'s Scope,
    declared: SmallVec<[Declaration<'a>; 4]>,
    depth: usize,
    inherited: Vec<&'a str>,
    /// The attributes with prefixes of one tag.
    resolved: SmallVec<[(&'a str, Name); 4]>,
}

#[derive(Debug)]
struct Declaration<'a> {
    depth: usize,
    prefix: &'a str,
    name: Cow<'a, str>,
    same: Name,
}

/// Where a namespace was first declared: long names are compared once, and not for each attribute.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Name {
    Xml,
    Header(usize),
    Own(usize),
}

impl<'a, 's> Bindings<'a, 's> {
    pub(super) fn new(scope: &'s Scope) -> Self {
        Self {
            scope,
            declared: SmallVec::new(),
            depth: 0,
            inherited: Vec::new(),
            resolved: SmallVec::new(),
        }
    }

    /// Goes into an element with these attributes, whose tag begins at `at`.
    pub(super) fn enter(
        &mut self,
        prefix: &'a str,
        attributes: &[Attribute<'a>],
        at: usize,
        limit: usize,
    ) -> Result<(), Fault> {
        self.depth += 1;
        for attribute in attributes {
            let Some(prefix) = declared_prefix(attribute) else { continue };
            check_declaration(prefix, &attribute.value, at)?;
            if self.declared.len() + self.scope.declared.len() >= limit {
                return Err(Fault::over_limit("too many namespace declarations", at));
            }
            self.declare(prefix, attribute.value.clone());
        }
        self.note(prefix, at)?;
        self.check_attributes(attributes, at)
    }

    pub(super) fn leave(&mut self) {
        self.declared.truncate(self.declared.iter().take_while(|d| d.depth < self.depth).count());
        self.depth -= 1;
    }

    /// The namespace of an element whose prefix is declared.
    pub(super) fn namespace(&self, prefix: &str) -> &str {
        self.lookup(prefix, self.depth).unwrap_or_default()
    }

    /// The default namespace around the element.
    pub(super) fn surrounding(&self) -> &str {
        self.lookup("", self.depth - 1).unwrap_or_default()
    }

    /// The prefixes used so far that only the header declares.
    pub(super) fn into_inherited(self) -> Vec<&'a str> {
        self.inherited
    }

    /// What is declared here alone, as the scope of what this holds.
    pub(super) fn into_scope(self) -> Scope {
        let own = |(index, d): (usize, Declaration<'_>)| Declared {
            prefix: d.prefix.to_owned(),
            xml: format!(" xmlns:{}='{}'", d.prefix, Escaped(&d.name)).into(),
            name: d.name.into_owned(),
            first: match d.same {
                Name::Own(first) => first,
                Name::Xml | Name::Header(_) => index,
            },
        };
        Scope { declared: self.declared.into_iter().enumerate().map(own).collect() }
    }

    fn declare(&mut self, prefix: &'a str, name: Cow<'a, str>) {
        let header = || self.scope.declared.iter().position(|other| other.name == name);
        let own = || self.declared.iter().position(|other| other.name == name);
        let same = match (name == ns::XML, header()) {
            (true, _) => Name::Xml,
            (false, Some(first)) => Name::Header(first),
            (false, None) => Name::Own(own().unwrap_or(self.declared.len())),
        };
        self.declared.push(Declaration { depth: self.depth, prefix, name, same });
    }

    fn lookup(&self, prefix: &str, depth: usize) -> Option<&str> {
        if prefix == "xml" {
            return Some(ns::XML);
        }
        let own =
            self.declared.iter().rev().find(|d| d.depth <= depth && is_same(d.prefix, prefix));
        own.map(|d| &*d.name).or_else(|| self.scope.get(prefix))
    }

    /// Notes that a prefix is used.
    fn note(&mut self, prefix: &'a str, at: usize) -> Result<(), Fault> {
        if prefix.is_empty() || prefix == "xml" || self.declared.iter().any(|d| d.prefix == prefix)
        {
            return Ok(());
        }
        if self.scope.get(prefix).is_none() {
            return Err(Fault::not_well_formed("a prefix that is not declared", at));
        }
        if !self.inherited.contains(&prefix) {
            self.inherited.push(prefix);
        }
        Ok(())
    }

    /// No two attributes of one namespace have the same name.
    fn check_attributes(&mut self, attributes: &[Attribute<'a>], at: usize) -> Result<(), Fault> {
        self.resolved.clear();
        for Attribute { prefix, local, .. } in attributes {
            if prefix.is_empty() || *prefix == "xmlns" {
                continue;
            }
            self.note(prefix, at)?;
            let Some(name) = self.resolve(prefix) else { continue };
            if self.resolved.iter().any(|(l, n)| *n == name && l == local) {
                return Err(Fault::not_well_formed("an attribute comes twice", at));
            }
            self.resolved.push((local, name));
        }
        Ok(())
    }

    /// The namespace of a prefix of an attribute.
    fn resolve(&self, prefix: &str) -> Option<Name> {
        if prefix == "xml" {
            return Some(Name::Xml);
        }
        let own = self.declared.iter().rev().find(|d| d.prefix == prefix);
        let header = || self.scope.find(prefix).map(|declared| Name::Header(declared.first));
        own.map(|d| d.same).or_else(header)
    }
}

/// The prefix that an attribute declares, empty for the default; `None` if it is none that does.
pub(super) fn declared_prefix<'a>(attribute: &Attribute<'a>) -> Option<&'a str> {
    match (attribute.prefix, attribute.local) {
        ("", "xmlns") => Some(""),
        ("xmlns", prefix) => Some(prefix),
        _ => None,
    }
}

/// What XML Namespaces 1.0 §3 reserves stays as it is.
fn check_declaration(prefix: &str, name: &str, at: usize) -> Result<(), Fault> {
    let fault = |reason| Err(Fault::not_well_formed(reason, at));
    match prefix {
        "xmlns" => fault("xmlns is no prefix to declare"),
        "xml" if name != ns::XML => fault("xml is no prefix to declare"),
        "xml" => Ok(()),
        _ if name == ns::XML || name == ns::XMLNS => fault("a namespace that has its own prefix"),
        "" => Ok(()),
        _ if name.is_empty() => fault("a prefix without namespace"),
        _ => Ok(()),
    }
}
