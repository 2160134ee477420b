//! The strict layer: everything that RFC 6120 §11 and XML with namespaces want of one element.
//!
//! quick-xml finds the tokens. What it does not check, and that is most, is checked here.

use std::ops::Range;

use memchr::memchr_iter;
use quick_xml::Reader;
use quick_xml::events::Event;
use smallvec::SmallVec;

use super::attribute::{Attribute, Attributes, read_tag};
use super::chars::{self, SPACE};
use super::condition::Fault;
use super::limits::Limits;
use super::scope::{Bindings, Scope};

/// Told of each token of an element that has passed every check so far.
pub(super) trait Visit<'a> {
    /// A start tag.
    fn start(&mut self, tag: &Tag<'a, '_>) -> Result<(), Fault>;

    /// Some of the text between two tags; line ends as they were.
    fn text(&mut self, text: &str);

    /// An end tag, or the end of an empty element.
    fn end(&mut self);
}

/// A start tag, or the tag of an empty element.
#[derive(Debug)]
pub(super) struct Tag<'a, 't> {
    /// One for the outermost element.
    pub(super) depth: usize,
    pub(super) prefix: &'a str,
    pub(super) local: &'a str,
    pub(super) namespace: &'t str,
    /// What an element without prefix and declaration would be in here.
    pub(super) surrounding: &'t str,
    /// Where the name ends, from the start of the text.
    pub(super) name_end: usize,
    pub(super) attributes: &'t [Attribute<'a>],
}

/// Checks that `text` is exactly one element as it may stand in `scope`, and shows it to `visit`.
///
/// Returns the prefixes it uses that only `scope` declares.
pub(super) fn walk<'a>(
    text: &'a [u8],
    scope: &Scope,
    limits: &Limits,
    visit: &mut impl Visit<'a>,
) -> Result<Vec<&'a str>, Fault> {
    let text = chars::text(text)?;
    let mut reader = Reader::from_str(text);
    // End tags are compared with start tags here, where it is known what is wrong.
    reader.config_mut().check_end_names = false;
    reader.config_mut().allow_unmatched_ends = true;
    let mut walk = Walk::new(text, scope, limits, visit);
    loop {
        let start = position(reader.buffer_position());
        let event = reader
            .read_event()
            .map_err(|_| Fault::not_well_formed("not XML", position(reader.error_position())))?;
        let span = start..position(reader.buffer_position());
        match event {
            Event::Start(_) => walk.start(span)?,
            Event::Empty(_) => {
                walk.start(span.start..span.end - 1)?;
                walk.close();
            }
            Event::End(_) => walk.end(span)?,
            Event::Text(_) => walk.text(span)?,
            Event::CData(data) => walk.character_data(&data, start)?,
            Event::GeneralRef(name) => walk.reference(&name, start)?,
            Event::Comment(_) | Event::PI(_) | Event::DocType(_) | Event::Decl(_) => {
                return Err(Fault::restricted("markup that XMPP does not have", start));
            }
            Event::Eof => return walk.finish(),
        }
    }
}

struct Walk<'a, 's, V> {
    text: &'a str,
    bindings: Bindings<'a, 's>,
    limits: &'s Limits,
    visit: &'s mut V,
    attributes: Attributes<'a>,
    /// Names of open elements as written.
    open: SmallVec<[&'a str; 8]>,
    /// The element was closed.
    done: bool,
}

impl<'a, 's, V: Visit<'a>> Walk<'a, 's, V> {
    fn new(text: &'a str, scope: &'s Scope, limits: &'s Limits, visit: &'s mut V) -> Self {
        Self {
            text,
            bindings: Bindings::new(scope),
            limits,
            visit,
            attributes: Attributes::new(),
            open: SmallVec::new(),
            done: false,
        }
    }

    /// `span` ends with the last byte before `>` or `/>`, and one.
    fn start(&mut self, span: Range<usize>) -> Result<(), Fault> {
        let at = span.start + 1;
        if self.done {
            return Err(Fault::not_well_formed("a second element", span.start));
        }
        if self.open.len() >= self.limits.depth {
            return Err(Fault::over_limit("nested too deeply", span.start));
        }
        let tag = self.slice(at..span.end.saturating_sub(1))?;
        self.attributes.clear();
        let name_length = read_tag(tag, at, &mut self.attributes)?;
        let name = &tag[..name_length];
        let (prefix, local) = chars::qualified(name)
            .ok_or_else(|| Fault::not_well_formed("not an element's name", at))?;
        if self.attributes.len() > self.limits.attributes {
            return Err(Fault::over_limit("too many attributes", at));
        }
        self.bindings.enter(prefix, &self.attributes, at, self.limits.namespaces)?;
        self.open.push(name);
        self.visit.start(&Tag {
            depth: self.open.len(),
            prefix,
            local,
            namespace: self.bindings.namespace(prefix),
            surrounding: self.bindings.surrounding(),
            name_end: at + name_length,
            attributes: &self.attributes,
        })
    }

    fn end(&mut self, span: Range<usize>) -> Result<(), Fault> {
        let name = self.slice(span.start + 2..span.end.saturating_sub(1))?;
        if self.open.last() != Some(&name.trim_end_matches(SPACE)) {
            return Err(Fault::not_well_formed("an end tag of another name", span.start));
        }
        self.close();
        Ok(())
    }

    fn close(&mut self) {
        self.open.pop();
        self.bindings.leave();
        self.done = self.open.is_empty();
        self.visit.end();
    }

    fn text(&mut self, span: Range<usize>) -> Result<(), Fault> {
        let text = self.slice(span.clone())?;
        if self.open.is_empty() {
            return Err(Fault::not_well_formed("text outside of the element", span.start));
        }
        let bytes = text.as_bytes();
        if memchr_iter(b'>', bytes).any(|at| bytes[..at].ends_with(b"]]")) {
            return Err(Fault::not_well_formed("]]> in text", span.start));
        }
        self.visit.text(text);
        Ok(())
    }

    fn character_data(&mut self, data: &str, at: usize) -> Result<(), Fault> {
        if self.open.is_empty() {
            return Err(Fault::not_well_formed("text outside of the element", at));
        }
        self.visit.text(data);
        Ok(())
    }

    fn reference(&mut self, name: &str, at: usize) -> Result<(), Fault> {
        let c = chars::reference(name, at)?;
        self.character_data(c.encode_utf8(&mut [0; 4]), at)
    }

    fn finish(self) -> Result<Vec<&'a str>, Fault> {
        match self.done {
            true => Ok(self.bindings.into_inherited()),
            false => Err(Fault::not_well_formed("an element is not closed", self.text.len())),
        }
    }

    fn slice(&self, span: Range<usize>) -> Result<&'a str, Fault> {
        let at = span.start;
        self.text.get(span).ok_or_else(|| Fault::not_well_formed("not XML", at))
    }
}

/// An element is shorter than memory.
fn position(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::Condition;
    use crate::stream::tree::Element;

    fn condition(xml: &str) -> Option<Condition> {
        let limits = Limits { depth: 4, attributes: 4, namespaces: 4, ..Limits::EMBEDDER };
        let scope = Scope::NOTHING;
        Element::parse(xml.as_bytes(), &scope, &limits).err().map(|fault| fault.condition)
    }

    #[test]
    fn what_quick_xml_lets_pass_is_not_well_formed() {
        for xml in [
            "<a>\u{1}</a>",
            "<a b='\u{0}'/>",
            "<a>\u{ffff}</a>",
            "<a>&#1;</a>",
            "<a b='&#xFFFE;'/>",
            "<a>]]></a>",
            "<a b='<'/>",
            "<a b='1'c='2'/>",
            "<a\u{c}b='1'/>",
            "<a\u{a0}b='1'/>",
            "<1/>",
            "<a;/>",
            "<a/b/>",
            "<:a/>",
            "<a:/>",
            "<a b='1' b='2'/>",
            "<a xmlns:p='u' xmlns:q='u' p:b='1' q:b='2'/>",
            "<p:a/>",
            "<a p:b='1'/>",
            "<a xmlns:p=''/>",
            "<a xmlns='http://www.w3.org/XML/1998/namespace'/>",
            "<a xmlns='http://www.w3.org/2000/xmlns/'/>",
            "<a xmlns:p='http://www.w3.org/2000/xmlns/'/>",
            "<a xmlns:xmlns='u'/>",
            "<a xmlns:xml='u'/>",
            "<xmlns:a/>",
            "text<a/>",
            "<a/>text",
            " <a/>",
            "<a/><b/>",
            "<a>",
            "<a></b>",
            "<a></a b='1'>",
            "<a></ a>",
            "<a b/>",
            "<a b=1/>",
            "<a ='1'/>",
            "<a>&</a>",
            "<a>&;</a>",
            "<a b='&lt'/>",
            "</a>",
            "",
        ] {
            assert_eq!(condition(xml), Some(Condition::NotWellFormed), "{xml}");
        }
    }

    #[test]
    fn what_xmpp_does_not_have_is_restricted() {
        for xml in [
            "<a><!-- --></a>",
            "<a><?b?></a>",
            "<!DOCTYPE a><a/>",
            "<?xml version='1.0'?><a/>",
            "<a>&nbsp;</a>",
            "<a b='&nbsp;'/>",
        ] {
            assert_eq!(condition(xml), Some(Condition::RestrictedXml), "{xml}");
        }
    }

    #[test]
    fn limits_hold_without_the_framer() {
        for xml in [
            "<a><a><a><a><a/></a></a></a></a>",
            "<a b='' c='' d='' e='' f=''/>",
            "<a xmlns='u' xmlns:p='u'><a xmlns:q='u' xmlns:r='u' xmlns:s='u'/></a>",
        ] {
            assert_eq!(condition(xml), Some(Condition::PolicyViolation), "{xml}");
        }
        assert_eq!(
            condition("<a><b xmlns:p='u' xmlns:q='u'/><b xmlns:p='u' xmlns:q='u'/></a>"),
            None
        );
    }

    #[test]
    fn attributes_of_one_name_are_told_apart_by_namespaces_wherever_declared() {
        let header = b"<s:stream xmlns='jabber:server' xmlns:s='http://etherx.jabber.org/streams' \
                       xmlns:p='u' xmlns:q='u' xmlns:r='v'>";
        let scope = super::super::header::Header::parse(header, &Limits::EMBEDDER).unwrap().scope;
        for (xml, good) in [
            ("<a p:b='' r:b='' b=''/>", true),
            ("<a p:b='' q:b=''/>", false),
            ("<a p:b='' o:b='' xmlns:o='u'/>", false),
            ("<a p:b='' o:b='' xmlns:o='w'/>", true),
            ("<a r:b='' p:b='' xmlns:p='v'/>", false),
            ("<c xmlns:m='w'><a m:b='' o:b='' xmlns:o='w'/></c>", false),
            ("<c xmlns:m='w'><a m:b='' o:b='' xmlns:m='x' xmlns:o='w'/></c>", true),
            ("<c><c xmlns:m='w'/><a m:b='' o:b='' xmlns:m='x' xmlns:o='w'/></c>", true),
            ("<a xml:b='' m:b='' xmlns:m='w'/>", true),
        ] {
            let read = Element::parse(xml.as_bytes(), &scope, &Limits::EMBEDDER);
            assert_eq!(read.is_ok(), good, "{xml}");
        }
    }

    #[test]
    fn xs06_namespaces_are_compared_as_they_are_meant() {
        let parse =
            |xml: &str| Element::parse(xml.as_bytes(), &Scope::NOTHING, &Limits::EMBEDDER).unwrap();
        assert!(parse("<a xmlns='jabber&#58;server'/>").is("jabber:server", "a"));
        assert!(parse("<a xmlns='b&#xA;c'/>").is("b\nc", "a"));
        assert!(parse("<p:a xmlns:p = \"u\"/>").is("u", "a"));
    }

    #[test]
    fn text_is_read_with_its_references() {
        let xml = "<a>1\r\n&lt;<b>no</b><![CDATA[<&]]>&#x1F600;</a>";
        let element = Element::parse(xml.as_bytes(), &Scope::NOTHING, &Limits::EMBEDDER).unwrap();
        assert_eq!(element.text(), "1\n<<&😀");
    }

    #[test]
    fn prefixes_of_the_header_are_reported_and_no_others() {
        struct Nothing;
        impl<'a> Visit<'a> for Nothing {
            fn start(&mut self, _: &Tag<'a, '_>) -> Result<(), Fault> {
                Ok(())
            }
            fn text(&mut self, _: &str) {}
            fn end(&mut self) {}
        }
        let header = b"<s:stream xmlns='jabber:server' xmlns:s='http://etherx.jabber.org/streams' \
                       xmlns:p='u' xmlns:q='u'>";
        let scope = super::super::header::Header::parse(header, &Limits::EMBEDDER).unwrap().scope;
        let xml = b"<a><p:b/><b xmlns:q='v' q:c=''/><b p:c='' xml:lang='en'/></a>";
        let inherited = walk(xml, &scope, &Limits::EMBEDDER, &mut Nothing).unwrap();
        assert_eq!(inherited, ["p"]);
    }
}
