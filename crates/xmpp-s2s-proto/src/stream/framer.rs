//! Cuts the bytes of a stream into headers and first-level elements, unparsed.
//!
//! It never begins anew, however few bytes arrive at a time, and all limits but that of namespace
//! declarations hold before anything is parsed.

use bytes::{Bytes, BytesMut};

use super::chars::is_space;
use super::condition::Fault;
use super::limits::Limits;
use super::scanner::{Cut, Scanner};

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
    scanner: Scanner,
    /// Bytes that may still come; `None` is without limit.
    left: Option<usize>,
}

impl Framer {
    /// Before the first byte of a stream.
    pub(super) fn new(limits: Limits) -> Self {
        Self { scanner: Scanner::new(limits), left: limits.total }
    }

    /// Says whether `text` is exactly one element, within `limits`.
    pub(super) fn check(text: &[u8], limits: Limits) -> Result<(), Fault> {
        let mut scanner = Scanner::inside(limits);
        match scanner.scan(text)? {
            Some(Cut::Element) if scanner.scanned == text.len() => Ok(()),
            _ => Err(Fault::not_well_formed("not one element", scanner.scanned)),
        }
    }

    /// Expects a new header (RFC 6120 §4.3.3). What was spent stays spent.
    pub(super) fn restart(&mut self) {
        self.scanner = Scanner::new(self.scanner.limits);
    }

    /// From the next frame on.
    pub(super) fn set_limits(&mut self, limits: Limits) {
        self.scanner.limits = limits;
        self.left = limits.total;
    }

    pub(super) fn limits(&self) -> Limits {
        self.scanner.limits
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
        let allowed = self.scanner.limits.element.min(self.left.unwrap_or(usize::MAX));
        let window = &input[..input.len().min(allowed)];
        let Some(cut) = self.scanner.scan(window)? else {
            return match input.len() > allowed {
                true => Err(Fault::over_limit("too many bytes", allowed)),
                false => Ok(None),
            };
        };
        let bytes = input.split_to(self.scanner.scanned).freeze();
        self.left = self.left.map(|left| left - bytes.len());
        self.scanner.scanned = 0;
        Ok(Some(match cut {
            Cut::Declaration => Frame::Declaration(bytes),
            Cut::Header => {
                let end = bytes.iter().position(|b| is_space(*b) || matches!(b, b'>' | b'/'));
                self.scanner.root = Bytes::copy_from_slice(&bytes[1..end.unwrap_or(bytes.len())]);
                Frame::Header(bytes)
            }
            Cut::Element => Frame::Element(bytes),
            Cut::Space => Frame::Space,
            Cut::End => Frame::End,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::Condition;

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
