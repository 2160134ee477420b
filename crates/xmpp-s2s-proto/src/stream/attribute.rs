//! The attributes of one tag.

use std::borrow::Cow;
use std::ops::Range;

use smallvec::SmallVec;

use super::chars::{self, SPACE};
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

/// Reads what stands between `<` and `>` of a start tag, which begins at `at`, and returns the
/// length of its name.
pub(super) fn read_tag<'a>(
    tag: &'a str,
    at: usize,
    attributes: &mut Attributes<'a>,
) -> Result<usize, Fault> {
    let name = tag.find(SPACE).unwrap_or(tag.len());
    let mut end = name;
    loop {
        let rest = tag[end..].trim_start_matches(SPACE);
        if rest.is_empty() {
            return Ok(name);
        }
        let start = tag.len() - rest.len();
        if start == end {
            return Err(Fault::not_well_formed("attributes are not apart", at + start));
        }
        let attribute = read_attribute(tag, end, start, at)?;
        end = attribute.span.end - at;
        if attributes.iter().any(|a| a.prefix == attribute.prefix && a.local == attribute.local) {
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
    let (name, value) =
        tag[start..].split_once('=').ok_or_else(|| fault("an attribute without value"))?;
    let (prefix, local) = chars::qualified(name.trim_end_matches(SPACE))
        .ok_or_else(|| fault("not an attribute's name"))?;
    let quoted = value.trim_start_matches(SPACE);
    let quote = quoted.chars().next().filter(|c| matches!(c, '"' | '\''));
    let inner = &quoted[quote.map_or(0, char::len_utf8)..];
    let length =
        quote.and_then(|q| inner.find(q)).ok_or_else(|| fault("a value without quotes"))?;
    let raw = &inner[..length];
    if raw.contains('<') {
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
