use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::Arc;

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use rustls_pki_types::DnsName;
use thiserror::Error;

use crate::printable::printable;

/// The domainpart of an XMPP address (RFC 7622 §3.2): what RFC 6125 calls a source domain.
///
/// It is a domain name and not an IP address, since only names can be proved. It compares equal
/// however it was written: case, one final dot, U-labels and A-labels make no difference. Cloning
/// it is cheap.
#[derive(Clone)]
pub struct Domain(Arc<Spellings>);

/// The A-labels, and the spelling for people where it is another one.
struct Spellings {
    ascii: DnsName<'static>,
    unicode: Option<Box<str>>,
}

impl Domain {
    /// As DNS, TLS and HTTPS want it (A-labels, lower case, no final dot).
    pub fn to_dns(&self) -> &DnsName<'static> {
        &self.0.ascii
    }

    /// The one spelling that users see: U-labels where every peer reads them alike, in lower case,
    /// without a final dot.
    pub fn as_str(&self) -> &str {
        self.0.unicode.as_deref().unwrap_or_else(|| self.ascii())
    }

    /// Whether `text` names this domain, in whatever spelling.
    ///
    /// Nothing is allocated where it has the spelling of [`Self::as_str`]; compare with that alone
    /// to learn whether the spelling has to be mended.
    pub fn matches(&self, text: &str) -> bool {
        self.as_str() == text || text.parse().is_ok_and(|other: Self| *self == other)
    }

    fn ascii(&self) -> &str {
        self.0.ascii.as_ref()
    }
}

impl FromStr for Domain {
    type Err = InvalidDomain;

    /// Takes U-labels, A-labels or a mixture, with or without a final dot.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text)
            .map(|spellings| Self(Arc::new(spellings)))
            .ok_or_else(|| InvalidDomain::new(text))
    }
}

impl PartialEq for Domain {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.ascii() == other.ascii()
    }
}

impl Eq for Domain {}

impl Hash for Domain {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.ascii().hash(state);
    }
}

impl fmt::Debug for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Domain").field(&self.ascii()).finish()
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Domain {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}

/// A string that is not a domain name.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("not a domain name: \"{0}\"")]
pub struct InvalidDomain(String);

impl InvalidDomain {
    pub(crate) fn new(text: &str) -> Self {
        Self(printable(text))
    }
}

/// One of our domains and one of theirs: what a stream carries stanzas for.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[allow(clippy::exhaustive_structs)]
pub struct Pair {
    /// Ours.
    pub local: Domain,
    /// Theirs: the source domain that has to be proved.
    pub remote: Domain,
}

/// Longest domainpart, in bytes (RFC 7622 §3.2).
const LONGEST: usize = 1023;

fn parse(text: &str) -> Option<Spellings> {
    if text.len() > LONGEST {
        return None;
    }
    let text = text.strip_suffix('.').unwrap_or(text).as_bytes();
    let uts46 = Uts46::new();
    let (deny, hyphens) = (AsciiDenyList::STD3, Hyphens::Check);
    let ascii = uts46.to_ascii(text, deny, hyphens, DnsLength::Verify).ok()?;
    if ends_in_number(&ascii) {
        return None;
    }
    let (unicode, valid) =
        uts46.to_user_interface(ascii.as_bytes(), deny, hyphens, |label, _, _| is_stable(label));
    valid.ok()?;
    let unicode = (unicode != ascii).then(|| unicode.into());
    Some(Spellings { ascii: DnsName::try_from(ascii.into_owned()).ok()?, unicode })
}

/// Whether the URL standard, and `inet_aton`, would read an IPv4 address. No top-level domain looks
/// so.
fn ends_in_number(ascii: &str) -> bool {
    let last = ascii.rsplit('.').next().unwrap_or(ascii);
    let hex = last.strip_prefix("0x").is_some_and(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()));
    hex || last.bytes().all(|b| b.is_ascii_digit())
}

/// Whether nameprep (RFC 3491), which older peers apply to a U-label, leaves this one as it is.
///
/// UTS 46 keeps what nameprep folds into other names (`ß`, `ς`, the joiners, Cherokee), refuses
/// or does not know (what is newer than Unicode 3.2), and its own rule for labels that run from
/// right to left is laxer. So this answers yes only for letters and marks that Unicode 3.2 had,
/// that nameprep's tables do not change and that normalise in one way in every version, of the
/// scripts that domains are most often written in. Other labels stay A-labels, which mean the same
/// to everybody.
fn is_stable(label: &[char]) -> bool {
    label.iter().all(|&c| is_right_to_left(c) || is_left_to_right(c) || c.is_ascii())
        && (!label.iter().copied().any(is_right_to_left)
            || label.last().copied().is_some_and(is_right_to_left))
}

fn is_right_to_left(c: char) -> bool {
    matches!(c,
        'א'..='ת' // Hebrew
        | '\u{621}'..='\u{63a}' | '\u{641}'..='\u{64a}' | '\u{671}'..='\u{6d3}' // Arabic
    )
}

fn is_left_to_right(c: char) -> bool {
    matches!(c,
        '\u{e0}'..='\u{f6}' | '\u{f8}'..='\u{220}' | '\u{222}'..='\u{233}' // Latin
        | '\u{250}'..='\u{2ad}' | '\u{1e00}'..='\u{1e99}' | '\u{1ea0}'..='\u{1ef9}'
        | '\u{390}'..='\u{3c1}' | '\u{3c3}'..='\u{3ce}' | '\u{1f00}'..='\u{1ff6}' // Greek
        | '\u{430}'..='\u{481}' | '\u{48a}'..='\u{4ce}' | '\u{4d0}'..='\u{4f5}' // Cyrillic
        | '\u{4f8}'..='\u{4f9}' | '\u{500}'..='\u{50f}'
        | '\u{561}'..='\u{586}' // Armenian
        | '\u{901}'..='\u{903}' | '\u{905}'..='\u{939}' | '\u{93c}'..='\u{94d}' // Devanagari
        | '\u{950}'..='\u{954}' | '\u{960}'..='\u{963}' | '\u{966}'..='\u{96f}'
        | '\u{e01}'..='\u{e3a}' | '\u{e40}'..='\u{e4e}' | '\u{e50}'..='\u{e59}' // Thai
        | '\u{10d0}'..='\u{10f8}' // Georgian
        | '\u{3005}'..='\u{3007}' | '\u{3041}'..='\u{3096}' | '\u{309d}'..='\u{309e}' // Kana
        | '\u{30a1}'..='\u{30fa}' | '\u{30fc}'..='\u{30fe}'
        | '\u{3400}'..='\u{4db5}' | '\u{4e00}'..='\u{9fa5}' | '\u{20000}'..='\u{2a6d6}' // Han
        | '\u{ac00}'..='\u{d7a3}' // Hangul
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn domain(text: &str) -> Domain {
        text.parse().unwrap()
    }

    #[test]
    fn a_domain_is_the_same_however_it_was_written() {
        let dns = domain("münchen.example").to_dns().clone();
        assert_eq!(dns.as_ref(), "xn--mnchen-3ya.example");
        for text in [
            "MÜNCHEN.example",
            "münchen.EXAMPLE.",
            "mu\u{308}nchen.example",
            "XN--mnchen-3ya.example",
            "münchen。example",
        ] {
            assert_eq!(domain(text), domain("münchen.example"), "{text}");
            assert!(domain("münchen.example").matches(text), "{text}");
        }
        assert!(!domain("münchen.example").matches("munchen.example"));
        assert!(!domain("münchen.example").matches("münchen..example"));
    }

    #[test]
    fn ca09_spellings_of_one_name_are_one_key() {
        let spellings = ["EXAMPLE.com", "example.com.", "ｅxample.com", "example.com"];
        let keys: std::collections::HashSet<_> = spellings.into_iter().map(domain).collect();
        assert_eq!(keys.len(), 1);
    }

    #[test]
    fn a1_u_labels_are_shown_where_nameprep_agrees() {
        for (wire, shown) in [
            ("EVIL.com.", "evil.com"),
            ("xn--mnchen-3ya.example", "münchen.example"),
            ("пример.испытание", "пример.испытание"),
            ("例え.テスト", "例え.テスト"),
            ("उदाहरण.परीक्षा", "उदाहरण.परीक्षा"),
            ("מבחן.example", "מבחן.example"),
        ] {
            assert_eq!(domain(wire).to_string(), shown);
        }
    }

    #[test]
    fn a1_labels_that_nameprep_changes_or_refuses_stay_a_labels() {
        for (wire, shown) in [
            ("straße.example", "xn--strae-oqa.example"),
            ("münchen.straße.example", "münchen.xn--strae-oqa.example"),
            ("βόλος.example", "xn--nxasmm1c.example"),
            ("نامه\u{200c}ای.example", "xn--mgba3gch31f060k.example"),
            ("\u{13a0}\u{13a1}.example", "xn--58dc.example"),
            ("\u{5d0}1.example", "xn--1-zhc.example"),
            ("💩.example", "xn--ls8h.example"),
        ] {
            assert_eq!(domain(wire).to_string(), shown);
        }
        assert_ne!(domain("straße.example"), domain("strasse.example"));
    }

    #[test]
    fn dn08_malformed_domains_are_refused() {
        let long_label = format!("{}.example", "a".repeat(64));
        let long_name = vec!["a".repeat(63); 4].join(".");
        let endless = "ü".repeat(100_000);
        for text in [
            "",
            ".",
            "..",
            ".example.com",
            "a..example",
            "example.com..",
            &long_label,
            &long_name,
            &endless,
            "a_b.example",
            "-a.example",
            "a-.example",
            "a b.example",
            "a\0.example",
            "a\n.example",
            "a\u{7f}.example",
            "a\u{80}.example",
            "\u{202e}a.example",
            "a\u{200e}.example",
            "\u{5d0}a.example",
            "a\u{fffd}.example",
            "user@a.example",
            "a.example/x",
            "a.example:5269",
            "a%2e.example",
            "xn--a.example",
            "xn--.example",
            "xn--ls8h=.example",
            "xn--mnchen-3y.example",
        ] {
            assert!(text.parse::<Domain>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn dn09_addresses_are_refused() {
        for text in [
            "192.0.2.1",
            "192.0.2.1.",
            "１９２.0.2.1",
            "2130706433",
            "127.1",
            "0x7f.1",
            "a.0x7f",
            "a.0x",
            "[2001:db8::1]",
            "2001:db8::1",
            "::1",
            "[::ffff:192.0.2.1]",
        ] {
            assert!(text.parse::<Domain>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn what_is_no_domain_is_quoted_escaped_and_cut() {
        let error = "a\u{202e}b c".parse::<Domain>().unwrap_err();
        assert_eq!(error.to_string(), "not a domain name: \"a\\u{202e}b c\"");
        let long = " ".repeat(5000).parse::<Domain>().unwrap_err();
        assert!(long.to_string().len() < 300);
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_without_panic_and_stays_what_it_is(text in any::<String>()) {
            stays_what_it_is(&text)?;
        }

        #[test]
        fn what_is_shown_is_the_same_domain(
            text in "([a-zA-Z0-9ßςüÉσд中アक्אب\u{200c}\u{200d}\u{300}\u{ad}Ა-]{1,9}[.。]){1,3}(xn--)?[a-z0-9]{1,8}"
        ) {
            stays_what_it_is(&text)?;
        }
    }

    fn stays_what_it_is(text: &str) -> Result<(), TestCaseError> {
        let Ok(domain) = text.parse::<Domain>() else { return Ok(()) };
        for spelling in [domain.to_string(), domain.to_dns().as_ref().to_owned()] {
            let again: Domain =
                spelling.parse().map_err(|e| TestCaseError::fail(format!("{e}")))?;
            prop_assert_eq!(&again, &domain);
            prop_assert_eq!(again.as_str(), domain.as_str());
        }
        prop_assert_eq!(domain.as_str().to_lowercase(), domain.as_str());
        Ok(())
    }
}
