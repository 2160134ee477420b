//! The attributes of one tag.

use std::borrow::Cow;
use std::ops::Range;

use memchr::memchr;
use smallvec::SmallVec;

use super::chars::{self, SPACE, is_same, is_space, skip_space};
use super::condition::Fault;

/// The attributes of one tag; few have more.
pub(super) type Attributes<'a> = SmallVec<[Attribute<'a>; 8]>;

/// An attribute, or a namespace declaration.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Attribute<'a> {
    /// Empty if it has none. `xml` is always what it says.
    pub(super) prefix: &'a str,
    pub(super) local: &'a str,
    /// Normalised.
    pub(super) value: Cow<'a, str>,
    /// The whole of it in the text, with the white space before it.
    pub(super) span: Range<usize>,
    /// What stands between the quotes.
    pub(super) value_span: Range<usize>,
}

impl Attribute<'_> {
    /// Whether this is its name.
    pub(super) fn is(&self, prefix: &str, local: &str) -> bool {
        is_same(self.prefix, prefix) && self.local == local
    }
}

/// Reads what stands between `<` and `>` of a start tag, which begins at `at`, and returns the
/// length of its name.
pub(super) fn read_tag<'a>(
    tag: &'a str,
    at: usize,
    attributes: &mut Attributes<'a>,
) -> Result<usize, Fault> {
    let name = tag.bytes().position(is_space).unwrap_or(tag.len());
    let mut end = name;
    loop {
        let rest = skip_space(&tag[end..]);
        if rest.is_empty() {
            return Ok(name);
        }
        let start = tag.len() - rest.len();
        if start == end {
            return Err(Fault::not_well_formed("attributes are not apart", at + start));
        }
        let attribute = read_attribute(tag, end, start, at)?;
        end = attribute.span.end - at;
        let is_again = |a: &Attribute<'_>| a.is(attribute.prefix, attribute.local);
        if attributes.iter().any(is_again) {
            return Err(Fault::not_well_formed("an attribute comes twice", at + start));
        }
        attributes.push(attribute);
    }
}

fn read_attribute(
    tag: &str,
    before: usize,
    start: usize,
    at: usize,
) -> Result<Attribute<'_>, Fault> {
    let fault = |reason| Fault::not_well_formed(reason, at + start);
    let equals = memchr(b'=', &tag.as_bytes()[start..])
        .ok_or_else(|| fault("an attribute without value"))?;
    let (name, value) = (&tag[start..start + equals], &tag[start + equals + 1..]);
    let (prefix, local) = chars::qualified(name.trim_end_matches(SPACE))
        .ok_or_else(|| fault("not an attribute's name"))?;
    let quoted = skip_space(value);
    let quote = quoted.bytes().next().filter(|b| matches!(b, b'"' | b'\''));
    let inner = &quoted[quote.map_or(0, |_| 1)..];
    let length = quote
        .and_then(|quote| memchr(quote, inner.as_bytes()))
        .ok_or_else(|| fault("a value without quotes"))?;
    let raw = &inner[..length];
    if memchr(b'<', raw.as_bytes()).is_some() {
        return Err(fault("a tag inside an attribute"));
    }
    let from = at + tag.len() - inner.len();
    Ok(Attribute {
        prefix,
        local,
        value: chars::attribute_value(raw, from)?,
        span: at + before..from + length + 1,
        value_span: from..from + length,
    })
}
