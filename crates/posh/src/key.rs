//! Public keys, compared by their numbers and not by their encoding.

use std::borrow::Cow;

use crate::der::{self, Der};

/// A public key of a kind that a draft-02 key can name.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) enum PublicKey<'a> {
    /// Modulus and exponent without leading zeros.
    Rsa { modulus: Cow<'a, [u8]>, exponent: Cow<'a, [u8]> },
    /// A point, each coordinate of the curve's full length.
    Ec { curve: Curve, x: Cow<'a, [u8]>, y: Cow<'a, [u8]> },
    /// Ed25519.
    Ed25519(Cow<'a, [u8]>),
}

/// The curves that TLS signs with.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Curve {
    P256,
    P384,
    P521,
}

impl<'a> PublicKey<'a> {
    /// Reads a SubjectPublicKeyInfo (RFC 5280 §4.1.2.7); `None` if it is of another kind.
    pub(crate) fn from_spki(spki: &'a [u8]) -> Option<Self> {
        let mut info = Der::new(spki).expect(der::SEQUENCE)?.inside();
        let mut algorithm = info.expect(der::SEQUENCE)?.inside();
        let key = info.expect(der::BIT_STRING)?.content.strip_prefix(&[0])?;
        match algorithm.expect(der::OBJECT_IDENTIFIER)?.content {
            RSA_ENCRYPTION => {
                let mut numbers = Der::new(key).expect(der::SEQUENCE)?.inside();
                let modulus = numbers.expect(der::INTEGER)?.content;
                Self::rsa(modulus, numbers.expect(der::INTEGER)?.content)
            }
            EC_PUBLIC_KEY => {
                let name = algorithm.expect(der::OBJECT_IDENTIFIER)?.content;
                let curve = Curve::ALL.into_iter().find(|curve| curve.identifier() == name)?;
                let point = key.strip_prefix(&[UNCOMPRESSED])?;
                let (x, y) = point.split_at_checked(curve.coordinate_length())?;
                Self::ec(curve, x, y)
            }
            ED25519 => Self::ed25519(key),
            _ => None,
        }
    }

    /// About how many bytes of the heap it takes, if it borrows nothing.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Rsa { modulus, exponent } => modulus.len() + exponent.len(),
            Self::Ec { x, y, .. } => x.len() + y.len(),
            Self::Ed25519(x) => x.len(),
        }
    }

    /// Takes a modulus and an exponent, most significant octet first.
    pub(crate) fn rsa(
        modulus: impl Into<Cow<'a, [u8]>>,
        exponent: impl Into<Cow<'a, [u8]>>,
    ) -> Option<Self> {
        let modulus = unsigned(modulus.into());
        let exponent = unsigned(exponent.into());
        let fits = (1..=RSA_MODULUS).contains(&modulus.len())
            && (1..=RSA_EXPONENT).contains(&exponent.len());
        fits.then_some(Self::Rsa { modulus, exponent })
    }

    /// Takes the coordinates of a point, each of the curve's full length.
    pub(crate) fn ec(
        curve: Curve,
        x: impl Into<Cow<'a, [u8]>>,
        y: impl Into<Cow<'a, [u8]>>,
    ) -> Option<Self> {
        let (x, y) = (x.into(), y.into());
        let length = curve.coordinate_length();
        (x.len() == length && y.len() == length).then_some(Self::Ec { curve, x, y })
    }

    /// Takes the octets of an Ed25519 key.
    pub(crate) fn ed25519(key: impl Into<Cow<'a, [u8]>>) -> Option<Self> {
        let key = key.into();
        (key.len() == 32).then_some(Self::Ed25519(key))
    }

    /// What belongs to one private key alone: the modulus, or the x coordinate.
    pub(crate) fn identity(&self) -> &[u8] {
        match self {
            Self::Rsa { modulus: identity, .. }
            | Self::Ec { x: identity, .. }
            | Self::Ed25519(identity) => identity,
        }
    }

    /// Whether it is strong enough to prove anything (RFC 9325 §4.5).
    pub(crate) fn is_strong(&self) -> bool {
        match self {
            Self::Rsa { modulus, exponent } => bits(modulus) >= RSA_BITS && is_exponent(exponent),
            Self::Ec { .. } | Self::Ed25519(_) => true,
        }
    }
}

impl Curve {
    pub(crate) const ALL: [Self; 3] = [Self::P256, Self::P384, Self::P521];

    /// Its `crv` (RFC 7518 §6.2.1.1).
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::P521 => "P-521",
        }
    }

    /// Octets in a coordinate.
    pub(crate) fn coordinate_length(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }

    /// Its object identifier, as it stands in a SubjectPublicKeyInfo.
    fn identifier(self) -> &'static [u8] {
        match self {
            Self::P256 => &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07],
            Self::P384 => &[0x2b, 0x81, 0x04, 0x00, 0x22],
            Self::P521 => &[0x2b, 0x81, 0x04, 0x00, 0x23],
        }
    }
}

/// Drops leading zeros.
pub(crate) fn unsigned(octets: Cow<'_, [u8]>) -> Cow<'_, [u8]> {
    let zeros = octets.iter().take_while(|&&octet| octet == 0).count();
    match octets {
        Cow::Borrowed(octets) => Cow::Borrowed(&octets[zeros..]),
        Cow::Owned(mut octets) => {
            octets.drain(..zeros);
            Cow::Owned(octets)
        }
    }
}

/// Whether RSA takes it: odd, and at least 3 (RFC 8017 §3.1).
pub(crate) fn is_exponent(number: &[u8]) -> bool {
    let number = unsigned(number.into());
    let is_odd = number.last().is_some_and(|last| last & 1 == 1);
    is_odd && bits(&number) > 1 && number.len() <= RSA_EXPONENT
}

fn bits(number: &[u8]) -> usize {
    number.len() * 8 - number.first().map_or(0, |first| first.leading_zeros() as usize)
}

/// Bits in the shortest modulus that proves anything.
const RSA_BITS: usize = 2048;
/// Octets in the longest modulus that is read: 16,384 bits.
const RSA_MODULUS: usize = 2048;
/// Octets in the longest exponent that is read.
const RSA_EXPONENT: usize = 8;
const UNCOMPRESSED: u8 = 0x04;
const RSA_ENCRYPTION: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];

#[cfg(test)]
mod tests {
    use super::*;

    fn rsa(modulus: &[u8], exponent: &[u8]) -> PublicKey<'static> {
        PublicKey::rsa(modulus.to_vec(), exponent.to_vec()).unwrap()
    }

    #[test]
    fn rsa_numbers_are_compared_as_numbers() {
        assert_eq!(rsa(&[0, 0, 5, 7], &[0, 1, 0, 1]), rsa(&[5, 7], &[1, 0, 1]));
        assert_ne!(rsa(&[5, 7], &[1, 0, 1]), rsa(&[5, 7], &[3]));
    }

    #[test]
    fn a_coordinate_that_is_cut_is_no_key() {
        assert!(PublicKey::ec(Curve::P256, vec![1; 31], vec![1; 33]).is_none());
        assert!(PublicKey::ec(Curve::P521, vec![1; 66], vec![1; 66]).is_some());
    }

    #[test]
    fn rsa_of_2047_bits_is_too_weak() {
        let modulus = |first| [&[first][..], &[0; 255]].concat();
        assert!(!rsa(&modulus(0x7f), &[3]).is_strong());
        assert!(rsa(&modulus(0x80), &[3]).is_strong());
    }

    #[test]
    fn an_exponent_that_is_even_or_one_is_too_weak() {
        let modulus = [0x80; 256];
        for (exponent, is_strong) in [
            (&[1][..], false),
            (&[2], false),
            (&[0, 1], false),
            (&[1, 0], false),
            (&[3], true),
            (&[1, 0, 1], true),
        ] {
            assert_eq!(rsa(&modulus, exponent).is_strong(), is_strong, "{exponent:?}");
        }
    }

    #[test]
    fn zero_is_no_modulus() {
        assert!(PublicKey::rsa(vec![0, 0], vec![3]).is_none());
    }
}
