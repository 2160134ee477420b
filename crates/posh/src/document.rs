//! Documents of both profiles: which kind one is, and what is wrong with it.

use std::time::Duration;

use url::Url;

use crate::burnt::Burnt;
use crate::document_error::DocumentError;
use crate::fingerprint::Fingerprints;
use crate::json::{Member, Object};
use crate::jwk::KeySet;
use crate::{Limits, Profile};

/// A POSH document: what the certificate must be, or where that is said.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Document {
    /// Fingerprints (RFC 7711 §3.1).
    Fingerprints(Fingerprints),
    /// A JWK set (draft-02 §4.1).
    KeySet(KeySet),
    /// A reference (RFC 7711 §3.2, draft-02 §4.2).
    Reference(Reference),
}

impl Document {
    /// Parses a document by the rules of `profile`; it must be one kind and not two.
    ///
    /// The error names the member that is wrong and the rule it breaks. Entries count up to the
    /// default [`Limits`].
    pub fn parse(json: &[u8], profile: Profile) -> Result<Self, DocumentError> {
        let burnt = Burnt::search(json).unwrap_or_default();
        Self::parse_within(json, profile, &Limits::default(), &burnt)
    }

    pub(crate) fn parse_within(
        json: &[u8],
        profile: Profile,
        limits: &Limits,
        burnt: &Burnt,
    ) -> Result<Self, DocumentError> {
        let document = Object::document(json)?;
        let list = match profile {
            Profile::Draft02 => "keys",
            Profile::Rfc7711 => "fingerprints",
        };
        match (document.member(list), document.member("url"), profile) {
            (Some(_), Some(_), _) => Err(DocumentError::Both(list)),
            (None, None, _) => Err(DocumentError::Neither(list)),
            (None, Some(url), Profile::Draft02) => Reference::parse(&url, None),
            (None, Some(url), Profile::Rfc7711) => {
                Reference::parse(&url, Some(expires(&document)?))
            }
            (Some(keys), None, Profile::Draft02) => {
                KeySet::parse(&keys.list(limits.entries)?, burnt).map(Self::KeySet)
            }
            (Some(descriptors), None, Profile::Rfc7711) => {
                let expires = expires(&document)?;
                let descriptors = descriptors.list(limits.entries)?;
                Fingerprints::parse(&descriptors, expires, limits).map(Self::Fingerprints)
            }
        }
    }
}

/// A reference document.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Reference {
    /// Where the fingerprints or keys are, as it stands in the document. Whether it may be fetched
    /// is judged by [`Lookup`](crate::Lookup).
    pub url: Url,
    /// How long the reference may be used; draft-02 does not say.
    pub expires: Option<Duration>,
}

impl Reference {
    /// Browsers mend what they find, and two readers could then be sent to two places.
    fn parse(member: &Member<'_>, expires: Option<Duration>) -> Result<Document, DocumentError> {
        let text = member.text()?;
        let url = Url::parse(&text).ok().filter(|url| is_uri(&text, url));
        let url = url.ok_or_else(|| member.wrong(URI))?;
        Ok(Document::Reference(Self { url, expires }))
    }
}

/// Whether the text, which was read as this URL, is a URI (RFC 3986 §2, §3), so that it needed no
/// mending.
pub(crate) fn is_uri(text: &str, url: &Url) -> bool {
    let is_written_so = text.bytes().all(|byte| {
        byte.is_ascii_graphic()
            && !matches!(byte, b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{'..=b'}')
    });
    let authority = text.get(url.scheme().len()..).and_then(|rest| rest.strip_prefix("://"));
    is_written_so
        && (!url.has_authority() || authority.is_some_and(|authority| !authority.starts_with('/')))
}

/// RFC 7711 §3.1 and §3.2: seconds, and 0 withdraws the document.
fn expires(document: &Object<'_>) -> Result<Duration, DocumentError> {
    let expires = document.member("expires").ok_or(DocumentError::ExpiresMissing)?;
    match expires.integer()? {
        0 => Err(DocumentError::Withdrawn),
        seconds => Ok(Duration::from_secs(seconds)),
    }
}

pub(crate) const URI: &str = "must be an absolute URI";

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "4/mggdlVx8A3pvHAWW5sD+qJyMtUHgiRuPjVC48N0XQ=";

    fn rfc(json: &str) -> Result<Document, DocumentError> {
        Document::parse(json.as_bytes(), Profile::Rfc7711)
    }

    fn draft(json: &str) -> Result<Document, DocumentError> {
        Document::parse(json.as_bytes(), Profile::Draft02)
    }

    #[test]
    fn pd08_url_and_fingerprints_is_refused() {
        let json = r#"{"url":"https://a.example/","fingerprints":[],"expires":1}"#;
        assert_eq!(rfc(json), Err(DocumentError::Both("fingerprints")));
        let json = r#"{"url":"https://a.example/","keys":[]}"#;
        assert_eq!(draft(json), Err(DocumentError::Both("keys")));
    }

    #[test]
    fn a_document_of_the_other_profile_is_refused() {
        assert_eq!(rfc(r#"{"keys":[]}"#), Err(DocumentError::Neither("fingerprints")));
        assert_eq!(draft(r#"{"fingerprints":[]}"#), Err(DocumentError::Neither("keys")));
    }

    #[test]
    fn pd05_expires_0_withdraws_a_list_and_a_reference() {
        let list = format!(r#"{{"fingerprints":[{{"sha-256":"{DIGEST}"}}],"expires":0}}"#);
        assert_eq!(rfc(&list), Err(DocumentError::Withdrawn));
        let reference = r#"{"url":"https://a.example/","expires":0}"#;
        assert_eq!(rfc(reference), Err(DocumentError::Withdrawn));
    }

    #[test]
    fn pd06_expires_must_be_there_and_a_non_negative_integer() {
        let list = format!(r#""fingerprints":[{{"sha-256":"{DIGEST}"}}]"#);
        for rest in [list.as_str(), r#""url":"https://a.example/""#] {
            assert_eq!(rfc(&format!("{{{rest}}}")), Err(DocumentError::ExpiresMissing));
            for expires in [
                "-1",
                "-0",
                "1.5",
                "1e3",
                "1.0",
                r#""60""#,
                "null",
                "[]",
                "18446744073709551616",
                "1e400",
            ] {
                let error = rfc(&format!(r#"{{{rest},"expires":{expires}}}"#)).unwrap_err();
                assert_eq!(error.to_string(), "`expires`: must be a non-negative integer");
            }
        }
    }

    #[test]
    fn expires_is_no_member_of_a_draft_reference() {
        let Ok(Document::Reference(reference)) =
            draft(r#"{"url":"https://a.example/","expires":0}"#)
        else {
            panic!("a reference was expected");
        };
        assert_eq!(reference.expires, None);
    }

    #[test]
    fn pd11_a_reference_that_is_no_absolute_uri_is_refused() {
        for url in [
            "",
            "//h/x",
            "/x",
            "x",
            "#x",
            "https:",
            "https://",
            "https:a.example/",
            "https:/a.example/",
            "https:///a.example/",
            r"https:\\a.example/",
            r"https:/\a.example/",
            " https://a.example/",
            "https://a.example/ ",
            "https://a.exam\tple/",
            "https://a.example/\nx",
            "https://straße.example/",
            "https://a.example/{x}",
        ] {
            let json = serde_json::json!({ "url": url, "expires": 60 }).to_string();
            for parse in [rfc, draft] {
                let error = parse(&json).unwrap_err();
                assert_eq!(error.to_string(), "`url`: must be an absolute URI", "{json}");
            }
        }
        for url in ["https://a.example", "HTTPS://A.example:443/%7e?x#y", "https://[::1]/"] {
            assert!(draft(&format!(r#"{{"url":"{url}"}}"#)).is_ok(), "{url}");
        }
    }

    #[test]
    fn a_url_that_is_no_string_is_named() {
        for value in ["null", "7", "[]", "{}", "true"] {
            let error = draft(&format!(r#"{{"url":{value}}}"#)).unwrap_err();
            assert_eq!(error.to_string(), "`url`: must be a string");
        }
    }

    #[test]
    fn pd17_an_empty_list_and_one_of_65_entries_are_refused() {
        assert_eq!(
            rfc(r#"{"fingerprints":[],"expires":1}"#),
            Err(DocumentError::Empty("fingerprints"))
        );
        assert_eq!(draft(r#"{"keys":[]}"#), Err(DocumentError::Empty("keys")));
        let list = |entries| {
            let entries = vec![format!(r#"{{"sha-256":"{DIGEST}"}}"#); entries].join(",");
            format!(r#"{{"fingerprints":[{entries}],"expires":1}}"#)
        };
        assert!(rfc(&list(64)).is_ok());
        let error = rfc(&list(65)).unwrap_err();
        assert_eq!(error.to_string(), "`fingerprints`: has too many entries");
    }
}
