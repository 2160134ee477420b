//! Characters, names and references of XML 1.0, as RFC 6120 §11 narrows them.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use memchr::{memchr, memchr_iter};

use super::condition::Fault;

/// White space as XML has it; nothing else separates attributes.
pub(super) const SPACE: [char; 4] = [' ', '\t', '\r', '\n'];

pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// The text without the white space that it begins with.
pub(super) fn skip_space(text: &str) -> &str {
    let start = text.bytes().position(|b| !is_space(b));
    &text[start.unwrap_or(text.len())..]
}

/// Where the text is that has white space around it.
pub(super) fn trimmed(text: &[u8]) -> Range<usize> {
    let start = text.iter().position(|b| !is_space(*b)).unwrap_or(text.len());
    let end = text.iter().rposition(|b| !is_space(*b)).map_or(start, |last| last + 1);
    start..end
}

/// Takes bytes as text that has only characters of XML, wherever they stand.
pub(super) fn text(bytes: &[u8]) -> Result<&str, Fault> {
    let text = std::str::from_utf8(bytes).map_err(|e| {
        let condition = super::Condition::UnsupportedEncoding;
        Fault::new(condition, "not UTF-8", e.valid_up_to())
    })?;
    match first_forbidden(bytes) {
        Some(at) => Err(Fault::not_well_formed("a character that XML does not have", at)),
        None => Ok(text),
    }
}

/// Splits a name at its colon; `None` if it is no name with at most one prefix.
pub(super) fn qualified(name: &str) -> Option<(&str, &str)> {
    match memchr(b':', name.as_bytes()) {
        None => is_ncname(name).then_some(("", name)),
        Some(colon) => {
            let (prefix, local) = (&name[..colon], &name[colon + 1..]);
            (is_ncname(prefix) && is_ncname(local)).then_some((prefix, local))
        }
    }
}

/// Whether two prefixes are the same, where most are empty.
///
/// `memcmp` must not be shown those: an empty text has no address, and what reads it all the same,
/// on vector registers under a mask, is slowed down by a fault that nobody sees.
pub(super) fn is_same(one: &str, other: &str) -> bool {
    one.len() == other.len() && (one.is_empty() || one == other)
}

/// The value of an attribute, with references replaced and white space normalised (XML 1.0 §3.3.3).
pub(super) fn attribute_value(raw: &str, at: usize) -> Result<Cow<'_, str>, Fault> {
    let bytes = raw.as_bytes();
    if !bytes.iter().any(|b| matches!(b, b'&' | b'\t' | b'\r' | b'\n')) {
        return Ok(Cow::Borrowed(raw));
    }
    let mut value = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(next) = rest.find(['&', '\t', '\r', '\n']) {
        value.push_str(&rest[..next]);
        let offset = raw.len() - rest.len() + next;
        rest = &rest[next..];
        let taken = match rest.as_bytes()[0] {
            b'&' => {
                let end = memchr(b';', rest.as_bytes())
                    .ok_or_else(|| Fault::not_well_formed("a lone ampersand", at + offset))?;
                value.push(reference(&rest[1..end], at + offset)?);
                end + 1
            }
            _ => {
                value.push(' ');
                if rest.starts_with("\r\n") { 2 } else { 1 }
            }
        };
        rest = &rest[taken..];
    }
    value.push_str(rest);
    Ok(Cow::Owned(value))
}

/// Text with the line ends of XML 1.0 §2.11.
pub(super) fn line_ends(raw: &str) -> Cow<'_, str> {
    match memchr(b'\r', raw.as_bytes()) {
        None => Cow::Borrowed(raw),
        Some(_) => Cow::Owned(raw.replace("\r\n", "\n").replace('\r', "\n")),
    }
}

/// What stands between `&` and `;`: one of the five predefined entities or a character.
pub(super) fn reference(name: &str, at: usize) -> Result<char, Fault> {
    if let Some(number) = name.strip_prefix('#') {
        return character(number)
            .ok_or_else(|| Fault::not_well_formed("a reference to no character of XML", at));
    }
    match name {
        "amp" => Ok('&'),
        "apos" => Ok('\''),
        "gt" => Ok('>'),
        "lt" => Ok('<'),
        "quot" => Ok('"'),
        _ if is_ncname(name) => Err(Fault::restricted("an entity that is not predefined", at)),
        _ => Err(Fault::not_well_formed("a reference without a name", at)),
    }
}

/// Text for an element or an attribute.
#[derive(Clone, Copy, Debug)]
pub(super) struct Escaped<'a>(pub(super) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut written = 0;
        for (at, c) in self.0.char_indices() {
            let replacement = match c {
                '&' => "&amp;",
                '\'' => "&apos;",
                '>' => "&gt;",
                '<' => "&lt;",
                '"' => "&quot;",
                '\t' => "&#9;",
                '\n' => "&#10;",
                '\r' => "&#13;",
                c if is_char(c) => continue,
                _ => "\u{fffd}",
            };
            f.write_str(&self.0[written..at])?;
            f.write_str(replacement)?;
            written = at + c.len_utf8();
        }
        f.write_str(&self.0[written..])
    }
}

/// Decimal, or hexadecimal behind an `x`.
fn character(number: &str) -> Option<char> {
    let (digits, radix) = match number.strip_prefix('x') {
        Some(digits) => (digits, 16),
        None => (number, 10),
    };
    if !digits.bytes().all(|b| char::from(b).is_digit(radix)) {
        return None;
    }
    let code = u32::from_str_radix(digits, radix).ok()?;
    char::from_u32(code).filter(|c| is_char(*c))
}

/// `Char` of XML 1.0 §2.2.
fn is_char(c: char) -> bool {
    match c {
        '\t' | '\n' | '\r' => true,
        '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => false,
        _ => true,
    }
}

/// The first byte of a character that is no `Char`, in what is UTF-8.
fn first_forbidden(bytes: &[u8]) -> Option<usize> {
    let forbidden = |b: u8| b < 0x20 && !is_space(b);
    // Without a branch for each byte this runs on vector registers.
    let control = bytes.iter().fold(false, |seen, b| seen | forbidden(*b));
    let control = control.then(|| bytes.iter().position(|b| forbidden(*b))).flatten();
    let noncharacter = memchr_iter(0xef, bytes)
        .find(|at| matches!(bytes.get(at + 1..at + 3), Some([0xbf, 0xbe | 0xbf])));
    control.into_iter().chain(noncharacter).min()
}

fn is_ncname(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(is_name_start) && chars.all(is_name)
}

/// `NameStartChar` of XML 1.0 §2.3 without the colon.
fn is_name_start(c: char) -> bool {
    matches!(c,
        'A'..='Z' | '_' | 'a'..='z' | '\u{c0}'..='\u{d6}' | '\u{d8}'..='\u{f6}'
        | '\u{f8}'..='\u{2ff}' | '\u{370}'..='\u{37d}' | '\u{37f}'..='\u{1fff}'
        | '\u{200c}'..='\u{200d}' | '\u{2070}'..='\u{218f}' | '\u{2c00}'..='\u{2fef}'
        | '\u{3001}'..='\u{d7ff}' | '\u{f900}'..='\u{fdcf}' | '\u{fdf0}'..='\u{fffd}'
        | '\u{10000}'..='\u{effff}')
}

/// `NameChar`, likewise.
fn is_name(c: char) -> bool {
    is_name_start(c)
        || matches!(c, '-' | '.' | '0'..='9' | '\u{b7}' | '\u{300}'..='\u{36f}'
            | '\u{203f}'..='\u{2040}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::Condition;

    #[test]
    fn characters_that_xml_does_not_have_are_found_where_they_are() {
        assert_eq!(first_forbidden("a\t\u{fffd}\u{ffff}\0".as_bytes()), Some(5));
        assert_eq!(first_forbidden("a\u{1f}\u{fffe}".as_bytes()), Some(1));
        assert_eq!(first_forbidden("é\u{7f}\u{85}\u{feff}".as_bytes()), None);
    }

    #[test]
    fn bytes_that_are_not_utf8_are_another_encoding() {
        let fault = text(b"ab\xff").unwrap_err();
        assert_eq!((fault.condition, fault.at), (Condition::UnsupportedEncoding, 2));
    }

    #[test]
    fn references_are_the_five_or_characters() {
        for (name, c) in [("amp", '&'), ("#60", '<'), ("#x1F600", '😀'), ("#0000065", 'A')] {
            assert_eq!(reference(name, 0), Ok(c), "{name}");
        }
        for name in ["#0", "#1", "#x1F", "#xFFFE", "#xD800", "#X41", "#", "#x", "#+65", "", "1a"] {
            assert_eq!(
                reference(name, 0).unwrap_err().condition,
                Condition::NotWellFormed,
                "{name}"
            );
        }
        assert_eq!(reference("nbsp", 0).unwrap_err().condition, Condition::RestrictedXml);
    }

    #[test]
    fn values_of_attributes_are_normalised() {
        assert_eq!(attribute_value("a\r\n\tb&#10;&lt;", 0).unwrap(), "a  b\n<");
        assert!(matches!(attribute_value("plain", 0), Ok(Cow::Borrowed("plain"))));
        assert_eq!(attribute_value("ab&c", 10).unwrap_err().at, 12);
    }

    #[test]
    fn names_have_at_most_one_prefix() {
        assert_eq!(qualified("stream:features"), Some(("stream", "features")));
        assert_eq!(qualified("µ"), None);
        assert_eq!(qualified("été-1.a"), Some(("", "été-1.a")));
        for name in ["", ":", "a:", ":a", "a:b:c", "1a", "-a", "a;b", "a/b", "a\u{a0}"] {
            assert_eq!(qualified(name), None, "{name}");
        }
    }

    #[test]
    fn escaped_text_is_read_as_it_was() {
        let text = "a<b>&'\"\t\r\n\u{1}";
        let escaped = Escaped(text).to_string();
        assert_eq!(attribute_value(&escaped, 0).unwrap(), text.replace('\u{1}', "\u{fffd}"));
    }
}
