//! The two alphabets of base64, each canonical and neither taken for the other.

use base64::Engine;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{
    GeneralPurpose, GeneralPurposeConfig, STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD,
};

/// RFC 4648 §4, with all of its padding or without any: RFC 7711 prints both.
pub(crate) fn from_base64(text: &str) -> Option<Vec<u8>> {
    match text.ends_with('=') {
        true => STANDARD.decode(text).ok(),
        false => STANDARD_NO_PAD.decode(text).ok(),
    }
}

/// RFC 4648 §5, without padding.
pub(crate) fn from_base64url(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// Either alphabet, canonical or not; for what is refused, never for what is trusted.
pub(crate) fn from_any_base64(text: &str) -> Option<Vec<u8>> {
    LENIENT.decode(text.trim_end_matches('=').replace('+', "-").replace('/', "_")).ok()
}

pub(crate) fn base64(octets: &[u8]) -> String {
    STANDARD.encode(octets)
}

pub(crate) fn base64url(octets: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(octets)
}

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pd15_padding_may_be_there_or_not() {
        assert_eq!(from_base64("+/8="), Some(vec![0xfb, 0xff]));
        assert_eq!(from_base64("+/8"), Some(vec![0xfb, 0xff]));
        assert_eq!(from_base64("+w=="), Some(vec![0xfb]));
    }

    #[test]
    fn pd14_what_is_not_canonical_is_refused() {
        for text in ["+w=", "+x==", "+/9", "-_8=", "+/\n8=", "+/ 8", "+/8==", "=", "+"] {
            assert_eq!(from_base64(text), None, "{text:?}");
        }
    }

    #[test]
    fn base64url_has_no_padding_and_its_own_alphabet() {
        assert_eq!(from_base64url("-_8"), Some(vec![0xfb, 0xff]));
        for text in ["-_8=", "+/8", "-_9", "-_ 8"] {
            assert_eq!(from_base64url(text), None, "{text:?}");
        }
    }
}
