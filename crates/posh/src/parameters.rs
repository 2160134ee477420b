//! Keys as the parameters of a JWK give them (RFC 7518 §6, RFC 8037 §2).

use crate::document_error::DocumentError;
use crate::encoding::from_base64url;
use crate::json::{Member, Object};
use crate::key::{Curve, PublicKey, is_exponent};

/// The key types whose members are known (RFC 7518 §6.1, RFC 8037 §2).
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Rsa,
    Ec,
    Okp,
    Symmetric,
}

impl Kind {
    pub(crate) fn of(jwk: &Object<'_>) -> Result<Self, DocumentError> {
        let kind = jwk.required("kty")?;
        match kind.text()?.as_str() {
            "RSA" => Ok(Self::Rsa),
            "EC" => Ok(Self::Ec),
            "OKP" => Ok(Self::Okp),
            "oct" => Ok(Self::Symmetric),
            _ => Err(kind.wrong(KINDS)),
        }
    }

    pub(crate) fn public_key(self, jwk: &Object<'_>) -> Result<PublicKey<'static>, DocumentError> {
        match self {
            Self::Rsa => rsa(jwk),
            Self::Ec => ec(jwk),
            Self::Okp => ed25519(jwk),
            Self::Symmetric => Err(jwk.required("kty")?.wrong(KINDS)),
        }
    }
}

fn rsa(jwk: &Object<'_>) -> Result<PublicKey<'static>, DocumentError> {
    let (modulus, exponent) = (jwk.required("n")?, jwk.required("e")?);
    let number = octets(&exponent)?;
    if !is_exponent(&number) {
        return Err(exponent.wrong("must be odd, at least 3 and of at most 64 bits"));
    }
    let key = PublicKey::rsa(octets(&modulus)?, number);
    key.ok_or_else(|| modulus.wrong("must be a modulus of 1 to 16384 bits"))
}

fn ec(jwk: &Object<'_>) -> Result<PublicKey<'static>, DocumentError> {
    let name = jwk.required("crv")?;
    let text = name.text()?;
    let curve = Curve::ALL.into_iter().find(|curve| curve.name() == text);
    let curve = curve.ok_or_else(|| name.wrong("must be P-256, P-384 or P-521"))?;
    let (x, y) = (jwk.required("x")?, jwk.required("y")?);
    let point = (coordinate(&x, curve)?, coordinate(&y, curve)?);
    PublicKey::ec(curve, point.0, point.1).ok_or_else(|| x.wrong(COORDINATE))
}

fn coordinate(member: &Member<'_>, curve: Curve) -> Result<Vec<u8>, DocumentError> {
    let octets = octets(member)?;
    let is_whole = octets.len() == curve.coordinate_length();
    is_whole.then_some(octets).ok_or_else(|| member.wrong(COORDINATE))
}

fn ed25519(jwk: &Object<'_>) -> Result<PublicKey<'static>, DocumentError> {
    let curve = jwk.required("crv")?;
    if curve.text()? != "Ed25519" {
        return Err(curve.wrong("must be Ed25519"));
    }
    let key = jwk.required("x")?;
    PublicKey::ed25519(octets(&key)?).ok_or_else(|| key.wrong("must be of 32 octets"))
}

/// Reads base64url.
pub(crate) fn octets(member: &Member<'_>) -> Result<Vec<u8>, DocumentError> {
    from_base64url(&member.text()?).ok_or_else(|| member.wrong(BASE64URL))
}

const COORDINATE: &str = "must be of the full length of the curve";
const KINDS: &str = "must be RSA, EC or OKP";
const BASE64URL: &str = "must be base64url without padding";
