//! What is read of a certificate ourselves: its key, its dates, its names.

use std::time::Duration;

use rustls_pki_types::{CertificateDer, UnixTime};
use thiserror::Error;

use crate::der::{self, Der, Element};
use crate::key::PublicKey;

/// What is read of a certificate without judging it: any X.509 leaf, also those that PKIX path
/// building refuses to look at.
#[derive(Clone, Copy, Debug)]
pub struct Leaf<'a> {
    issuer: &'a [u8],
    subject: &'a [u8],
    subject_public_key_info: &'a [u8],
    not_before: UnixTime,
    not_after: UnixTime,
    /// `None` if they cannot be read.
    extensions: Option<Der<'a>>,
}

impl<'a> Leaf<'a> {
    /// Reads a certificate (RFC 5280 §4.1), of any version and with any extensions.
    pub fn parse(certificate: &'a CertificateDer<'_>) -> Result<Self, InvalidLeaf> {
        Self::read(certificate.as_ref()).ok_or(InvalidLeaf)
    }

    /// The whole SubjectPublicKeyInfo, DER.
    pub fn subject_public_key_info(&self) -> &'a [u8] {
        self.subject_public_key_info
    }

    /// The start of its life; a time before 1970 is 1970.
    pub fn not_before(&self) -> UnixTime {
        self.not_before
    }

    /// The end of its life; a time before 1970 is 1970.
    pub fn not_after(&self) -> UnixTime {
        self.not_after
    }

    /// The dNSNames of its subjectAltName, as they stand.
    pub fn dns_names(&self) -> impl Iterator<Item = &'a str> {
        self.alternative_names()
            .filter(|name| name.tag == DNS_NAME && name.content.is_ascii())
            .filter_map(|name| std::str::from_utf8(name.content).ok())
    }

    /// The otherNames of its subjectAltName that are of one type, an object identifier in DER
    /// without tag and length, and that are text.
    pub fn other_names(&self, type_id: &[u8]) -> impl Iterator<Item = &'a str> {
        self.alternative_names()
            .filter(|name| name.tag == OTHER_NAME)
            .filter_map(move |name| other_name(name, type_id))
    }

    /// Whether it limits what those that it vouches for may be named (RFC 5280 §4.2.1.10), or may
    /// do so: that is taken to be the case where its extensions cannot be read to their end.
    pub fn constrains_names(&self) -> bool {
        !self.extensions.is_some_and(|extensions| lacks(extensions, &NAME_CONSTRAINTS))
    }

    /// Whether a client may show it: it has no list of purposes, or one with clientAuth or
    /// anyExtendedKeyUsage in it (RFC 5280 §4.2.1.12).
    pub fn is_for_clients(&self) -> bool {
        let Some(value) = self.extension(&EXTENDED_KEY_USAGE) else { return true };
        let list = Der::new(value).expect(der::SEQUENCE);
        let mut purposes = Der::new(list.map_or(&[], |list| list.content));
        std::iter::from_fn(|| purposes.next())
            .any(|purpose| [&CLIENT_AUTH[..], &ANY_PURPOSE].contains(&purpose.content))
    }

    /// Whether it names `other` as its issuer, and not itself.
    pub(crate) fn is_issued_by(&self, other: &Self) -> bool {
        self.issuer == other.subject && self.issuer != self.subject
    }

    /// The key, if it is of a kind that POSH can name.
    pub(crate) fn public_key(&self) -> Option<PublicKey<'a>> {
        PublicKey::from_spki(self.subject_public_key_info)
    }

    fn extension(&self, kind: &[u8]) -> Option<&'a [u8]> {
        extension(self.extensions?, kind)
    }

    fn alternative_names(&self) -> impl Iterator<Item = Element<'a>> + use<'a> {
        let names = self
            .extension(&SUBJECT_ALT_NAME)
            .and_then(|value| Der::new(value).expect(der::SEQUENCE));
        let mut names = Der::new(names.map_or(&[], |names| names.content));
        std::iter::from_fn(move || names.next())
    }

    fn read(certificate: &'a [u8]) -> Option<Self> {
        let mut outer = Der::new(certificate);
        let mut certificate = outer.expect(der::SEQUENCE)?.inside();
        outer.end()?;
        let mut body = certificate.expect(der::SEQUENCE)?.inside();
        let _signature_algorithm = certificate.expect(der::SEQUENCE)?;
        let _signature = certificate.expect(der::BIT_STRING)?;

        let _version = body.optional(VERSION);
        let _serial = body.expect(der::INTEGER)?;
        let _signature_algorithm = body.expect(der::SEQUENCE)?;
        let issuer = body.expect(der::SEQUENCE)?.whole;
        let mut validity = body.expect(der::SEQUENCE)?.inside();
        let subject = body.expect(der::SEQUENCE)?.whole;
        Some(Self {
            issuer,
            subject,
            not_before: time(validity.next()?)?,
            not_after: time(validity.next()?)?,
            subject_public_key_info: body.expect(der::SEQUENCE)?.whole,
            extensions: extensions(body),
        })
    }
}

/// Bytes that are not an X.509 certificate.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("not an X.509 certificate")]
#[non_exhaustive]
pub struct InvalidLeaf;

/// The extensions, from what follows the key; none where nothing does.
fn extensions(mut body: Der<'_>) -> Option<Der<'_>> {
    let _issuer_unique_id = body.optional(ISSUER_UNIQUE_ID);
    let _subject_unique_id = body.optional(SUBJECT_UNIQUE_ID);
    if body.end().is_some() {
        return Some(body);
    }
    let mut explicit = body.expect(EXTENSIONS)?.inside();
    let extensions = explicit.expect(der::SEQUENCE)?.inside();
    explicit.end()?;
    body.end()?;
    Some(extensions)
}

/// Whether all extensions can be read, and none is of a kind.
fn lacks(mut extensions: Der<'_>, kind: &[u8]) -> bool {
    while extensions.end().is_none() {
        let extension = extensions.expect(der::SEQUENCE).map(Element::inside);
        let own = extension.and_then(|mut extension| extension.expect(der::OBJECT_IDENTIFIER));
        if own.is_none_or(|own| own.content == kind) {
            return false;
        }
    }
    true
}

/// The value of the first extension of a kind.
fn extension<'a>(mut extensions: Der<'a>, kind: &[u8]) -> Option<&'a [u8]> {
    while let Some(extension) = extensions.optional(der::SEQUENCE) {
        let mut extension = extension.inside();
        if extension.expect(der::OBJECT_IDENTIFIER)?.content != kind {
            continue;
        }
        let _critical = extension.optional(BOOLEAN);
        return Some(extension.expect(der::OCTET_STRING)?.content);
    }
    None
}

/// The text of an otherName, if it is of this type.
fn other_name<'a>(name: Element<'a>, type_id: &[u8]) -> Option<&'a str> {
    let mut name = name.inside();
    if name.expect(der::OBJECT_IDENTIFIER)?.content != type_id {
        return None;
    }
    let value = name.expect(OTHER_NAME_VALUE)?.inside().next()?;
    match value.tag {
        UTF8_STRING => std::str::from_utf8(value.content).ok(),
        IA5_STRING if value.content.is_ascii() => std::str::from_utf8(value.content).ok(),
        _ => None,
    }
}

/// UTCTime or GeneralizedTime in the form that RFC 5280 §4.1.2.5 asks for.
fn time(element: Element<'_>) -> Option<UnixTime> {
    let (year, rest) = match element.tag {
        der::UTC_TIME => {
            let (year, rest) = number(element.content, 2)?;
            (if year < 50 { 2000 + year } else { 1900 + year }, rest)
        }
        der::GENERALIZED_TIME => number(element.content, 4)?,
        _ => return None,
    };
    let (month, rest) = number(rest, 2)?;
    let (day, rest) = number(rest, 2)?;
    let (hour, rest) = number(rest, 2)?;
    let (minute, rest) = number(rest, 2)?;
    let (second, rest) = number(rest, 2)?;
    let is_date = (1..=12).contains(&month) && (1..=days_in(year, month)).contains(&day);
    if rest != b"Z" || !is_date || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let days = days_before(year) + days_before_month(year, month) + day - 1;
    let seconds = ((days * 24 + hour) * 60 + minute) * 60 + second;
    let since_epoch = seconds.saturating_sub(days_before(1970) * 24 * 60 * 60);
    Some(UnixTime::since_unix_epoch(Duration::from_secs(since_epoch)))
}

fn number(text: &[u8], digits: usize) -> Option<(u64, &[u8])> {
    let (text, rest) = text.split_at_checked(digits)?;
    if !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some((text.iter().fold(0, |value, digit| value * 10 + u64::from(digit - b'0')), rest))
}

/// Days from the first of January of year 0 to that of `year`, in the Gregorian calendar.
fn days_before(year: u64) -> u64 {
    let Some(last) = year.checked_sub(1) else { return 0 };
    let leap_days = last / 4 - last / 100 + last / 400 + 1;
    year * 365 + leap_days
}

fn days_before_month(year: u64, month: u64) -> u64 {
    (1..month).map(|month| days_in(year, month)).sum()
}

fn days_in(year: u64, month: u64) -> u64 {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

const BOOLEAN: u8 = 0x01;
const VERSION: u8 = 0xa0;
const ISSUER_UNIQUE_ID: u8 = 0x81;
const SUBJECT_UNIQUE_ID: u8 = 0x82;
const EXTENSIONS: u8 = 0xa3;
const DNS_NAME: u8 = 0x82;
const OTHER_NAME: u8 = 0xa0;
const OTHER_NAME_VALUE: u8 = 0xa0;
const UTF8_STRING: u8 = 0x0c;
const IA5_STRING: u8 = 0x16;
/// id-ce-subjectAltName, 2.5.29.17.
const SUBJECT_ALT_NAME: [u8; 3] = [0x55, 0x1d, 0x11];
/// id-ce-extKeyUsage, 2.5.29.37.
const EXTENDED_KEY_USAGE: [u8; 3] = [0x55, 0x1d, 0x25];
/// id-kp-clientAuth, 1.3.6.1.5.5.7.3.2.
const CLIENT_AUTH: [u8; 8] = [0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02];
/// anyExtendedKeyUsage, 2.5.29.37.0.
const ANY_PURPOSE: [u8; 4] = [0x55, 0x1d, 0x25, 0x00];
/// id-ce-nameConstraints, 2.5.29.30.
const NAME_CONSTRAINTS: [u8; 3] = [0x55, 0x1d, 0x1e];

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(tag: u8, text: &str) -> Option<u64> {
        let content = text.as_bytes();
        time(Element { tag, content, whole: content }).map(|time| time.as_secs())
    }

    #[test]
    fn utc_time_covers_1950_to_2049() {
        assert_eq!(seconds(der::UTC_TIME, "700101000000Z"), Some(0));
        assert_eq!(seconds(der::UTC_TIME, "211015144932Z"), Some(1_634_309_372));
        assert_eq!(seconds(der::UTC_TIME, "491231235959Z"), Some(2_524_607_999));
        assert_eq!(seconds(der::UTC_TIME, "500101000000Z"), Some(0));
    }

    #[test]
    fn generalized_time_reaches_the_year_9999() {
        assert_eq!(seconds(der::GENERALIZED_TIME, "20000229000000Z"), Some(951_782_400));
        assert_eq!(seconds(der::GENERALIZED_TIME, "99991231235959Z"), Some(253_402_300_799));
        assert_eq!(seconds(der::GENERALIZED_TIME, "00000101000000Z"), Some(0));
    }

    #[test]
    fn what_is_no_date_is_not_read() {
        for text in [
            "",
            "Z",
            "210229000000Z",
            "211301000000Z",
            "210100000000Z",
            "210101240000Z",
            "210101006000Z",
            "210101000061Z",
            "210101000000",
            "210101000000+0000",
            "21010100000éZ",
        ] {
            assert_eq!(seconds(der::UTC_TIME, text), None, "{text:?}");
        }
    }

    #[test]
    fn other_names_are_text_of_one_type() {
        const TYPE: [u8; 2] = [0x2b, 6];
        for (value, expected) in [
            (&[0x0c, 2, 0xc3, 0xa4][..], Some("ä")),
            (&[0x16, 1, b'a'], Some("a")),
            (&[0x16, 2, 0xc3, 0xa4], None),
            (&[0x0c, 1, 0xff], None),
            (&[0x02, 1, 5], None),
            (&[0x0c, 9, b'a'], None),
        ] {
            let explicit = [&[0xa0, u8::try_from(value.len()).unwrap()], value].concat();
            let name = [&[0x06, 2], &TYPE[..], &explicit].concat();
            let name = Element { tag: OTHER_NAME, content: &name, whole: &name };
            assert_eq!(other_name(name, &TYPE), expected, "{value:?}");
            assert_eq!(other_name(name, &[0x2b, 7]), None);
        }
    }

    #[test]
    fn a07_extensions_that_cannot_be_read_may_constrain_names() {
        let constraints = [0x30, 9, 0x06, 3, 0x55, 0x1d, 0x1e, 0x04, 2, 0x30, 0];
        let other = [0x30, 8, 0x06, 3, 0x55, 0x1d, 0x11, 0x04, 1, 7];
        assert!(lacks(Der::new(&[]), &NAME_CONSTRAINTS));
        assert!(lacks(Der::new(&other), &NAME_CONSTRAINTS));
        let long_tag = [0x3f, 0x20, 0];
        let nameless = [0x30, 3, 0x04, 1, 7];
        for before in [&[][..], &other, &long_tag, &nameless] {
            let extensions = [before, &constraints].concat();
            assert!(!lacks(Der::new(&extensions), &NAME_CONSTRAINTS), "{before:?}");
        }
        assert!(!lacks(Der::new(&constraints[..5]), &NAME_CONSTRAINTS));

        let wrapped = [&[EXTENSIONS, 12, 0x30, 10][..], &other].concat();
        assert!(extensions(Der::new(&[])).is_some());
        assert!(extensions(Der::new(&wrapped)).is_some());
        for unreadable in [&wrapped[..9], &[&long_tag, &wrapped[..]].concat(), &[0x05, 0]] {
            assert!(extensions(Der::new(unreadable)).is_none(), "{unreadable:?}");
        }
    }

    #[test]
    fn an_extension_is_found_by_its_kind() {
        let critical = [0x30, 10, 0x06, 3, 0x55, 0x1d, 0x1e, 0x01, 1, 0xff, 0x04, 0];
        let other = [0x30, 8, 0x06, 3, 0x55, 0x1d, 0x11, 0x04, 1, 7];
        let both = [&other[..], &critical].concat();
        assert_eq!(extension(Der::new(&both), &NAME_CONSTRAINTS), Some(&[][..]));
        assert_eq!(extension(Der::new(&both), &SUBJECT_ALT_NAME), Some(&[7][..]));
        assert_eq!(extension(Der::new(&other), &NAME_CONSTRAINTS), None);
    }
}
