//! Cuts the bytes of a stream into headers and first-level elements, unparsed.
//!
//! It remembers where it was: however few bytes arrive at a time, it never begins anew. All limits
//! but that of namespace declarations hold before anything is parsed. It refuses what XMPP has no use for anywhere (comments,
//! processing instructions, document types), and knows just enough of XML for its cuts to be right;
//! the rest is the strict layer's.

use bytes::{Bytes, BytesMut};
use memchr::{memchr, memchr2, memchr3, memmem};

use super::Condition;
use super::chars::is_space;
use super::condition::Fault;
use super::limits::Limits;

/// A piece of a stream, as it stood in the input.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Frame {
    /// `<?xml …?>`, which only the very first bytes can be.
    Declaration(Bytes),
    /// The start tag of the stream.
    Header(Bytes),
    /// A first-level element, from `<` to `>`.
    Element(Bytes),
    /// White space between first-level elements.
    Space,
    /// The end tag of the stream.
    End,
}

/// Where the framer is.
#[derive(Debug)]
pub(super) struct Framer {
    limits: Limits,
    place: Place,
    token: Token,
    /// Bytes of the input that have been looked at.
    scanned: usize,
    /// Open elements below the stream.
    depth: usize,
    /// Attributes of the current tag.
    attributes: usize,
    /// Bytes that may still come; `None` is without limit.
    left: Option<usize>,
    /// The name of the stream's element as written.
    root: Bytes,
}

/// What surrounds the current token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Place {
    /// Nothing was read yet.
    Start,
    /// Before the header.
    Prolog,
    /// Inside the stream.
    Content,
}

/// What the byte at `scanned` belongs to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Token {
    Text,
    /// After `<`.
    Open,
    Declaration,
    StartTag,
    /// Inside the quotes of an attribute.
    Value(u8),
    EndTag,
    /// Between `<!` and the end of `[CDATA[`.
    Bang(usize),
    /// The end is not before this byte.
    CharacterData(usize),
}

/// Why the framer stopped.
enum Cut {
    Declaration,
    Header,
    Element,
    Space,
    End,
}

const CDATA: &[u8] = b"[CDATA[";

impl Framer {
    /// Before the first byte of a stream.
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            place: Place::Start,
            token: Token::Text,
            scanned: 0,
            depth: 0,
            attributes: 0,
            left: limits.total,
            root: Bytes::new(),
        }
    }

    /// Says whether `text` is exactly one element, within `limits`.
    pub(super) fn check(text: &[u8], limits: Limits) -> Result<(), Fault> {
        let mut framer = Self { place: Place::Content, ..Self::new(limits) };
        match framer.scan(text)? {
            Some(Cut::Element) if framer.scanned == text.len() => Ok(()),
            _ => Err(Fault::not_well_formed("not one element", framer.scanned)),
        }
    }

    /// Expects a new header (RFC 6120 §4.3.3). What was spent stays spent.
    pub(super) fn restart(&mut self) {
        *self = Self { left: self.left, ..Self::new(self.limits) };
    }

    /// From the next frame on.
    pub(super) fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
        self.left = limits.total;
    }

    pub(super) fn limits(&self) -> Limits {
        self.limits
    }

    /// Whether that many bytes may wait to be cut.
    pub(super) fn check_backlog(&self, bytes: usize) -> Result<(), Fault> {
        match self.left.is_some_and(|left| bytes > left) {
            true => Err(Fault::over_limit("too many bytes", bytes)),
            false => Ok(()),
        }
    }

    /// Cuts the next frame off `input`; `None` if it is not complete.
    pub(super) fn next(&mut self, input: &mut BytesMut) -> Result<Option<Frame>, Fault> {
        let allowed = self.limits.element.min(self.left.unwrap_or(usize::MAX));
        let window = &input[..input.len().min(allowed)];
        let Some(cut) = self.scan(window)? else {
            return match input.len() > allowed {
                true => Err(Fault::over_limit("too many bytes", allowed)),
                false => Ok(None),
            };
        };
        let bytes = input.split_to(self.scanned).freeze();
        self.left = self.left.map(|left| left - bytes.len());
        self.scanned = 0;
        Ok(Some(match cut {
            Cut::Declaration => Frame::Declaration(bytes),
            Cut::Header => {
                let end = bytes.iter().position(|b| is_space(*b) || matches!(b, b'>' | b'/'));
                self.root = Bytes::copy_from_slice(&bytes[1..end.unwrap_or(bytes.len())]);
                Frame::Header(bytes)
            }
            Cut::Element => Frame::Element(bytes),
            Cut::Space => Frame::Space,
            Cut::End => Frame::End,
        }))
    }

    /// Looks at bytes until a frame ends; then `scanned` is its length.
    fn scan(&mut self, window: &[u8]) -> Result<Option<Cut>, Fault> {
        while let Some(&byte) = window.get(self.scanned) {
            let rest = &window[self.scanned..];
            let cut = match self.token {
                Token::Text if self.depth == 0 => self.outer_text(rest, byte)?,
                Token::Text => self.inner_text(rest),
                Token::Open => self.open(byte)?,
                Token::Declaration => self.declaration(window),
                Token::StartTag => self.start_tag(window)?,
                Token::Value(quote) => self.value(rest, quote)?,
                Token::EndTag => self.end_tag(window)?,
                Token::Bang(matched) => self.bang(byte, matched)?,
                Token::CharacterData(from) => self.character_data(window, from),
            };
            if cut.is_some() {
                return Ok(cut);
            }
        }
        Ok(None)
    }

    fn outer_text(&mut self, rest: &[u8], byte: u8) -> Result<Option<Cut>, Fault> {
        if byte == b'<' {
            self.advance(1, Token::Open);
            return Ok(None);
        }
        if !is_space(byte) {
            return Err(self.stray(byte));
        }
        self.scanned += rest.iter().position(|b| !is_space(*b)).unwrap_or(rest.len());
        if self.place == Place::Start {
            self.place = Place::Prolog;
        }
        Ok(Some(Cut::Space))
    }

    fn inner_text(&mut self, rest: &[u8]) -> Option<Cut> {
        match memchr(b'<', rest) {
            Some(at) => self.advance(at + 1, Token::Open),
            None => self.scanned += rest.len(),
        }
        None
    }

    fn open(&mut self, byte: u8) -> Result<Option<Cut>, Fault> {
        match (byte, self.place) {
            (b'?', Place::Start) => self.advance(1, Token::Declaration),
            (b'?', _) => return Err(Fault::restricted("a processing instruction", self.scanned)),
            (b'!', _) => self.advance(1, Token::Bang(0)),
            (b'/', Place::Content) => self.advance(1, Token::EndTag),
            (0, Place::Start | Place::Prolog) => return Err(self.stray(byte)),
            (b'/' | b'>' | b'<' | b'=' | b'"' | b'\'' | b'&' | 0..=b' ', _) => {
                return Err(Fault::not_well_formed("a tag without a name", self.scanned));
            }
            _ => {
                self.attributes = 0;
                self.advance(1, Token::StartTag);
            }
        }
        Ok(None)
    }

    fn declaration(&mut self, window: &[u8]) -> Option<Cut> {
        // The end may have come in two pieces.
        let from = self.scanned.saturating_sub(1).max(2);
        match memmem::find(&window[from..], b"?>") {
            None => {
                self.scanned = window.len();
                None
            }
            Some(at) => {
                self.scanned = from + at;
                self.advance(2, Token::Text);
                self.place = Place::Prolog;
                Some(Cut::Declaration)
            }
        }
    }

    fn start_tag(&mut self, window: &[u8]) -> Result<Option<Cut>, Fault> {
        let rest = &window[self.scanned..];
        let end = memchr3(b'>', b'"', b'\'', rest);
        if memchr(b'<', &rest[..end.unwrap_or(rest.len())]).is_some() {
            return Err(Fault::not_well_formed("a tag inside a tag", self.scanned));
        }
        let Some(end) = end else {
            self.scanned += rest.len();
            return Ok(None);
        };
        if rest[end] != b'>' {
            self.attributes += 1;
            if self.attributes > self.limits.attributes {
                return Err(Fault::over_limit("too many attributes", self.scanned));
            }
            self.advance(end + 1, Token::Value(rest[end]));
            return Ok(None);
        }
        self.advance(end + 1, Token::Text);
        if self.place != Place::Content {
            self.place = Place::Content;
            return Ok(Some(Cut::Header));
        }
        self.descend(window)
    }

    /// At the end of a start tag of an element.
    fn descend(&mut self, window: &[u8]) -> Result<Option<Cut>, Fault> {
        if self.depth == self.limits.depth {
            return Err(Fault::over_limit("nested too deeply", self.scanned));
        }
        if window[..self.scanned].ends_with(b"/>") {
            return Ok((self.depth == 0).then_some(Cut::Element));
        }
        if self.depth == 0 && self.names_root(&window[1..self.scanned - 1]) {
            let reason = "a stream inside the stream";
            return Err(Fault::new(Condition::BadFormat, reason, self.scanned));
        }
        self.depth += 1;
        Ok(None)
    }

    fn value(&mut self, rest: &[u8], quote: u8) -> Result<Option<Cut>, Fault> {
        match memchr2(quote, b'<', rest) {
            None => self.scanned += rest.len(),
            Some(at) if rest[at] == quote => self.advance(at + 1, Token::StartTag),
            Some(_) => {
                return Err(Fault::not_well_formed("a tag inside an attribute", self.scanned));
            }
        }
        Ok(None)
    }

    fn end_tag(&mut self, window: &[u8]) -> Result<Option<Cut>, Fault> {
        let rest = &window[self.scanned..];
        let Some(end) = memchr2(b'>', b'<', rest) else {
            self.scanned += rest.len();
            return Ok(None);
        };
        if rest[end] == b'<' {
            return Err(Fault::not_well_formed("a tag inside a tag", self.scanned));
        }
        self.advance(end + 1, Token::Text);
        if self.depth > 0 {
            self.depth -= 1;
            return Ok((self.depth == 0).then_some(Cut::Element));
        }
        let name = &window[2..self.scanned - 1];
        match self.names_root(name) && name[self.root.len()..].iter().all(|b| is_space(*b)) {
            true => Ok(Some(Cut::End)),
            false => Err(Fault::not_well_formed("an end tag of another name", self.scanned)),
        }
    }

    fn bang(&mut self, byte: u8, matched: usize) -> Result<Option<Cut>, Fault> {
        if byte != CDATA[matched] {
            return Err(match matched {
                0 => Fault::restricted("a comment or a document type", self.scanned),
                _ => Fault::not_well_formed("an unknown declaration", self.scanned),
            });
        }
        if self.depth == 0 {
            return Err(self.stray(byte));
        }
        match matched + 1 == CDATA.len() {
            true => self.advance(1, Token::CharacterData(self.scanned + 1)),
            false => self.advance(1, Token::Bang(matched + 1)),
        }
        Ok(None)
    }

    fn character_data(&mut self, window: &[u8], from: usize) -> Option<Cut> {
        match memmem::find(&window[from..], b"]]>") {
            None => {
                // The end may come in up to three pieces.
                let unfinished = window.len().saturating_sub(2);
                self.scanned = window.len();
                self.token = Token::CharacterData(from.max(unfinished));
            }
            Some(at) => {
                self.scanned = from + at;
                self.advance(3, Token::Text);
            }
        }
        None
    }

    fn advance(&mut self, bytes: usize, token: Token) {
        self.scanned += bytes;
        self.token = token;
    }

    /// Whether a tag has the name of the stream's element.
    fn names_root(&self, tag: &[u8]) -> bool {
        !self.root.is_empty()
            && tag
                .strip_prefix(&self.root[..])
                .is_some_and(|rest| rest.first().is_none_or(|b| is_space(*b)))
    }

    /// What is neither markup nor white space, outside of elements.
    fn stray(&self, byte: u8) -> Fault {
        match (self.place, byte) {
            (Place::Content, _) => {
                Fault::new(Condition::BadFormat, "text between elements", self.scanned)
            }
            // How UTF-16 and UTF-32 begin.
            (Place::Start | Place::Prolog, 0 | 0xfe | 0xff) => {
                Fault::new(Condition::UnsupportedEncoding, "not UTF-8", self.scanned)
            }
            (Place::Start | Place::Prolog, _) => {
                Fault::not_well_formed("text before the stream", self.scanned)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "<?xml version='1.0'?><stream:stream to='a>b'>";

    fn limits() -> Limits {
        Limits { element: 100, total: Some(1000), depth: 3, attributes: 4, namespaces: 4 }
    }

    /// All frames of `text` in pieces of `size` bytes, and how it ended.
    fn frames(text: &[u8], size: usize) -> (Vec<Frame>, Option<Condition>) {
        let (mut framer, mut input, mut frames) =
            (Framer::new(limits()), BytesMut::new(), Vec::new());
        for piece in text.chunks(size) {
            input.extend_from_slice(piece);
            loop {
                match framer.next(&mut input) {
                    Ok(Some(Frame::Space)) => {}
                    Ok(Some(frame)) => frames.push(frame),
                    Ok(None) => break,
                    Err(fault) => return (frames, Some(fault.condition)),
                }
            }
        }
        (frames, None)
    }

    #[test]
    fn frames_are_the_same_however_the_bytes_arrive() {
        let elements = [
            "<a/>",
            "<a x='/>' y=\">\"><b/>text</a >",
            "<a><![CDATA[</a>]] >]]]]></a>",
            "<a><![CDATA[]]></a>",
            "<a><b><c/></b></a>",
        ];
        let text = format!("{HEADER} {}\n</stream:stream >", elements.join("\n "));
        let (whole, fault) = frames(text.as_bytes(), text.len());
        assert_eq!(fault, None);
        assert_eq!(whole.len(), elements.len() + 3);
        for (frame, element) in whole[2..].iter().zip(elements) {
            assert_eq!(*frame, Frame::Element(element.into()));
        }
        for size in [1, 2, 3, 7] {
            assert_eq!(frames(text.as_bytes(), size).0, whole, "{size}");
        }
    }

    #[test]
    fn what_is_refused_has_the_same_condition_however_it_arrives() {
        let long = format!("<a>{}", "x".repeat(98));
        let cases: [(&str, Condition); 19] = [
            ("<!-- -->", Condition::RestrictedXml),
            ("<a><!-- --></a>", Condition::RestrictedXml),
            ("<!DOCTYPE a>", Condition::RestrictedXml),
            ("<?php ?>", Condition::RestrictedXml),
            ("<a><![CDATB[", Condition::NotWellFormed),
            ("<![CDATA[x]]>", Condition::BadFormat),
            ("text", Condition::BadFormat),
            ("<>", Condition::NotWellFormed),
            ("< a>", Condition::NotWellFormed),
            ("<a <b>", Condition::NotWellFormed),
            ("<a b='<'>", Condition::NotWellFormed),
            ("</stream>", Condition::NotWellFormed),
            ("</stream:stream a=''>", Condition::NotWellFormed),
            ("</stream:stream/>", Condition::NotWellFormed),
            ("<stream:stream to='b'>", Condition::BadFormat),
            ("<a><a><a><a>", Condition::PolicyViolation),
            ("<a><a><a><a/>", Condition::PolicyViolation),
            ("<a a='' b='' c='' d='' e=''", Condition::PolicyViolation),
            (&long, Condition::PolicyViolation),
        ];
        for (text, condition) in cases {
            let text = format!("{HEADER}{text}");
            for size in [text.len(), 1] {
                assert_eq!(frames(text.as_bytes(), size).1, Some(condition), "{text}");
            }
        }
    }

    #[test]
    fn xs12_other_encodings_are_told_by_their_first_bytes() {
        for bytes in [&b"\xff\xfe<\0"[..], b"\xfe\xff\0<", b"<\0?\0", b"\0<\0?"] {
            assert_eq!(frames(bytes, 1).1, Some(Condition::UnsupportedEncoding), "{bytes:?}");
        }
        assert_eq!(frames(b"\xef\xbb\xbf<a>", 1).1, Some(Condition::NotWellFormed));
    }

    #[test]
    fn xs10_what_is_over_the_total_is_refused_white_space_too() {
        for filler in [" ", "<a/>"] {
            let text = format!("{HEADER}{}", filler.repeat(1000));
            assert_eq!(frames(text.as_bytes(), text.len()).1, Some(Condition::PolicyViolation));
            assert_eq!(frames(text.as_bytes(), 1).1, Some(Condition::PolicyViolation));
        }
    }

    #[test]
    fn xs10_exactly_the_total_passes_and_one_byte_more_does_not() {
        for (spaces, fault) in [(1000, None), (1001, Some(Condition::PolicyViolation))] {
            let text = format!("{HEADER}{}", " ".repeat(spaces - HEADER.len()));
            assert_eq!(frames(text.as_bytes(), 1).1, fault);
        }
    }

    #[test]
    fn what_was_spent_does_not_count_after_negotiation() {
        let (mut framer, mut input) = (Framer::new(limits()), BytesMut::from(HEADER));
        while let Ok(Some(_)) = framer.next(&mut input) {}
        framer.set_limits(Limits { total: None, ..limits() });
        input.extend_from_slice("<a/>".repeat(1000).as_bytes());
        let cut = std::iter::from_fn(|| framer.next(&mut input).unwrap());
        assert_eq!(cut.count(), 1000);
    }

    #[test]
    fn an_element_of_the_limit_passes_and_one_byte_more_does_not() {
        for (length, fault) in [(100, None), (101, Some(Condition::PolicyViolation))] {
            let text = format!("{HEADER}<a>{}</a>", "x".repeat(length - 7));
            assert_eq!(frames(text.as_bytes(), 1).1, fault);
            assert_eq!(frames(text.as_bytes(), 1000).1, fault);
        }
    }

    #[test]
    fn a_restart_forgets_all_but_what_was_spent() {
        let mut framer = Framer::new(Limits { total: Some(60), ..limits() });
        let mut input = BytesMut::from(format!("{HEADER}<a>").as_bytes());
        while let Ok(Some(_)) = framer.next(&mut input) {}
        input.clear();
        framer.restart();
        input.extend_from_slice(HEADER.as_bytes());
        assert!(matches!(framer.next(&mut input), Err(fault)
            if fault.condition == Condition::PolicyViolation));
    }
}
