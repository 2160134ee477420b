//! Finds where headers and first-level elements end, one byte after the other.
//!
//! It remembers where it was, and goes on there when more arrive. It refuses what XMPP has no use
//! for anywhere (comments, processing instructions, document types), and knows just enough of XML
//! for its cuts to be right; the rest is the strict layer's.

use bytes::Bytes;
use memchr::{memchr, memchr2, memchr3, memmem};

use super::Condition;
use super::chars::is_space;
use super::condition::Fault;
use super::limits::Limits;

/// Where the scanner is.
#[derive(Debug)]
pub(super) struct Scanner {
    pub(super) limits: Limits,
    place: Place,
    token: Token,
    /// Bytes of the input that have been looked at.
    pub(super) scanned: usize,
    /// Open elements below the stream.
    depth: usize,
    /// Attributes of the current tag.
    attributes: usize,
    /// The name of the stream's element as written.
    pub(super) root: Bytes,
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

/// Why the scanner stopped.
#[derive(Debug)]
pub(super) enum Cut {
    Declaration,
    Header,
    Element,
    Space,
    End,
}

const CDATA: &[u8] = b"[CDATA[";

impl Scanner {
    /// Before the first byte of a stream.
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            place: Place::Start,
            token: Token::Text,
            scanned: 0,
            depth: 0,
            attributes: 0,
            root: Bytes::new(),
        }
    }

    /// Behind a header that nobody saw.
    pub(super) fn inside(limits: Limits) -> Self {
        Self { place: Place::Content, ..Self::new(limits) }
    }

    /// Looks at bytes until a frame ends; then `scanned` is its length.
    pub(super) fn scan(&mut self, window: &[u8]) -> Result<Option<Cut>, Fault> {
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
