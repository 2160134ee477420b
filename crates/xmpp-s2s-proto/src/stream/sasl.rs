//! SASL EXTERNAL (RFC 6120 §6, XEP-0178): the certificate has proved all there is to prove.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::condition::StreamError;
use super::tree::Element;
use super::{Condition, ns};
use crate::{Code, Domain};

/// Why an attempt failed (RFC 6120 §6.5), as receiving entity.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Failure {
    Aborted,
    EncryptionRequired,
    IncorrectEncoding,
    InvalidAuthzid,
    InvalidMechanism,
    MalformedRequest,
}

impl Failure {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Aborted => "aborted",
            Self::EncryptionRequired => "encryption-required",
            Self::IncorrectEncoding => "incorrect-encoding",
            Self::InvalidAuthzid => "invalid-authzid",
            Self::InvalidMechanism => "invalid-mechanism",
            Self::MalformedRequest => "malformed-request",
        }
    }

    /// The element that says so.
    pub(super) fn xml(self) -> String {
        format!("<failure xmlns='{}'><{}/></failure>", ns::SASL, self.as_str())
    }
}

/// The answer to an attempt that succeeds.
pub(super) const SUCCESS: &str = "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>";

/// The attempt of an initiating entity. It names the domain, as older peers want it.
pub(super) fn auth(local: &Domain) -> String {
    let authzid = BASE64.encode(local.as_str());
    format!("<auth xmlns='{}' mechanism='EXTERNAL'>{authzid}</auth>", ns::SASL)
}

/// Judges an element of a peer who is proved to be `proved`: whether it may act as whom it says.
///
/// `Ok` only for `<auth/>` with EXTERNAL and no other identity than `proved`.
pub(super) fn judge(element: &Element, proved: &Domain) -> Result<(), Failure> {
    match element.name() {
        "auth" => {}
        "abort" => return Err(Failure::Aborted),
        _ => return Err(Failure::MalformedRequest),
    }
    match element.attribute("mechanism") {
        Some("EXTERNAL") => {}
        Some(_) => return Err(Failure::InvalidMechanism),
        None => return Err(Failure::MalformedRequest),
    }
    if !element.children().is_empty() {
        return Err(Failure::MalformedRequest);
    }
    match element.text() {
        "" => Err(Failure::MalformedRequest),
        // The empty identity: whom the certificate proves.
        "=" => Ok(()),
        encoded => {
            let authzid = BASE64.decode(encoded).map_err(|_| Failure::IncorrectEncoding)?;
            let authzid = String::from_utf8(authzid).map_err(|_| Failure::InvalidAuthzid)?;
            match proved.matches(&authzid) {
                true => Ok(()),
                false => Err(Failure::InvalidAuthzid),
            }
        }
    }
}

/// What a peer's `<failure/>` comes to: it does not accept who we are, or cannot tell at present
/// (RFC 6120 §6.5.11).
pub(super) fn refusal(failure: &Element) -> (Code, StreamError) {
    let code = match failure.child(ns::SASL, "temporary-auth-failure") {
        Some(_) => Code::SaslTemporaryFailure,
        None => Code::SaslRefused,
    };
    let text = failure.child(ns::SASL, "text").map(Element::text);
    let mut names = failure.children().iter().map(Element::name);
    let condition = names.find(|name| *name != "text").unwrap_or("not-authorized");
    let text = text.map_or_else(|| condition.to_owned(), |text| format!("{condition}: {text}"));
    (code, StreamError::remote(Condition::NotAuthorized, Some(&text)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::limits::Limits;
    use crate::stream::scope::Scope;

    fn judged(xml: &str) -> Result<(), Failure> {
        let xml = xml.replacen(' ', " xmlns='urn:ietf:params:xml:ns:xmpp-sasl' ", 1);
        let element = Element::parse(xml.as_bytes(), &Scope::NOTHING, &Limits::EMBEDDER).unwrap();
        judge(&element, &"a.example".parse().unwrap())
    }

    fn identity(text: &str) -> Result<(), Failure> {
        judged(&format!("<auth mechanism='EXTERNAL'>{text}</auth>"))
    }

    #[test]
    fn sa01_the_empty_identity_and_the_proved_one_are_good() {
        assert_eq!(identity("="), Ok(()));
        assert_eq!(identity(&BASE64.encode("a.example")), Ok(()));
        assert_eq!(identity(&BASE64.encode("A.Example.")), Ok(()));
    }

    #[test]
    fn sa02_another_identity_is_refused() {
        for other in ["b.example", "x.a.example", "x@a.example", "a.example/x", "", "a.example\0"] {
            let expected = match other {
                "" => Failure::MalformedRequest,
                _ => Failure::InvalidAuthzid,
            };
            assert_eq!(identity(&BASE64.encode(other)), Err(expected), "{other}");
        }
        assert_eq!(identity("/w=="), Err(Failure::InvalidAuthzid));
    }

    #[test]
    fn sa03_base64_is_strict() {
        for text in [
            "YQ",
            "YS5leGFtcGxl=",
            "YS5leGFt cGxl",
            " YS5leGFtcGxl",
            "YS5leGFtcGxl\n",
            "YR==",
            "-_-_",
            "YS5leGFtcGxl==",
        ] {
            assert_eq!(identity(text), Err(Failure::IncorrectEncoding), "{text:?}");
        }
    }

    #[test]
    fn sa04_other_mechanisms_are_invalid() {
        assert_eq!(judged("<auth mechanism='PLAIN'>=</auth>"), Err(Failure::InvalidMechanism));
        assert_eq!(judged("<auth mechanism='external'>=</auth>"), Err(Failure::InvalidMechanism));
        assert_eq!(judged("<auth >=</auth>"), Err(Failure::MalformedRequest));
    }

    #[test]
    fn sa06_what_is_no_attempt_is_malformed() {
        assert_eq!(judged("<response />"), Err(Failure::MalformedRequest));
        assert_eq!(judged("<abort />"), Err(Failure::Aborted));
    }
}
