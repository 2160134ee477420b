//! A bounds-checked walk over DER, as lenient as certificates in the wild need.

/// What is left to read of the content of one element.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Der<'a>(&'a [u8]);

/// A tag of one octet and the content that it stands for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Element<'a> {
    pub(crate) tag: u8,
    pub(crate) content: &'a [u8],
    /// Tag, length and content.
    pub(crate) whole: &'a [u8],
}

pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(crate) const UTC_TIME: u8 = 0x17;
pub(crate) const GENERALIZED_TIME: u8 = 0x18;
pub(crate) const SEQUENCE: u8 = 0x30;

impl<'a> Der<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Reads the next element, whatever it is.
    pub(crate) fn next(&mut self) -> Option<Element<'a>> {
        let (&tag, rest) = self.0.split_first()?;
        let is_long_tag = tag & 0x1f == 0x1f;
        if is_long_tag {
            return None;
        }
        let (length, rest) = length(rest)?;
        let (content, rest) = rest.split_at_checked(length)?;
        let whole = &self.0[..self.0.len() - rest.len()];
        self.0 = rest;
        Some(Element { tag, content, whole })
    }

    /// Reads the next element, which must have this tag.
    pub(crate) fn expect(&mut self, tag: u8) -> Option<Element<'a>> {
        self.next().filter(|element| element.tag == tag)
    }

    /// Reads the next element if it has this tag.
    pub(crate) fn optional(&mut self, tag: u8) -> Option<Element<'a>> {
        let mut ahead = *self;
        let element = ahead.expect(tag)?;
        *self = ahead;
        Some(element)
    }

    /// Ends the walk, unless there is more.
    pub(crate) fn end(self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}

impl<'a> Element<'a> {
    /// A walk over the content.
    pub(crate) fn inside(self) -> Der<'a> {
        Der(self.content)
    }
}

/// Of at most four octets, and definite; what DER asks beyond that does not change the meaning.
fn length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    if first < 0x80 {
        return Some((usize::from(first), rest));
    }
    let count = usize::from(first & 0x7f);
    if !(1..=4).contains(&count) {
        return None;
    }
    let (octets, rest) = rest.split_at_checked(count)?;
    let length = octets.iter().fold(0u32, |length, &octet| length << 8 | u32::from(octet));
    Some((usize::try_from(length).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_come_one_after_the_other() {
        let mut der = Der::new(&[0x02, 1, 5, 0x04, 0x81, 2, 8, 9]);
        assert_eq!(der.expect(INTEGER).unwrap().content, [5]);
        let element = der.next().unwrap();
        assert_eq!((element.content, element.whole.len()), (&[8, 9][..], 5));
        assert!(der.end().is_some());
    }

    #[test]
    fn what_is_cut_indefinite_or_too_long_is_not_read() {
        for bytes in [
            &[][..],
            &[0x30],
            &[0x30, 2, 0],
            &[0x30, 0x80, 0, 0],
            &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 0],
            &[0x30, 0x85, 0, 0, 0, 0, 0],
            &[0x1f, 0x20, 0],
        ] {
            assert!(Der::new(bytes).next().is_none(), "{bytes:?}");
        }
    }

    #[test]
    fn an_optional_element_that_is_not_there_costs_nothing() {
        let mut der = Der::new(&[0x02, 1, 5]);
        assert!(der.optional(SEQUENCE).is_none());
        assert!(der.optional(INTEGER).is_some());
    }
}
