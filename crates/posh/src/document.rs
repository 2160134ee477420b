//! Documents of both profiles: which kind one is, and what is wrong with it.

use std::time::Duration;

use url::Url;

use crate::burnt::Burnt;
use crate::document_error::DocumentError;
use crate::fingerprint::Fingerprints;
use crate::json::Object;
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
            (None, Some(url), Profile::Draft02) => Reference::parse(&url.text()?, None),
            (None, Some(url), Profile::Rfc7711) => {
                Reference::parse(&url.text()?, Some(expires(&document)?))
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
    fn parse(url: &str, expires: Option<Duration>) -> Result<Document, DocumentError> {
        let not_url = |_| DocumentError::member("url", "must be an absolute URL");
        let url = Url::parse(url).map_err(not_url)?;
        Ok(Document::Reference(Self { url, expires }))
    }
}

/// RFC 7711 §3.1 and §3.2: seconds, and 0 withdraws the document.
fn expires(document: &Object<'_>) -> Result<Duration, DocumentError> {
    let expires = document.member("expires").ok_or(DocumentError::ExpiresMissing)?;
    match expires.integer()? {
        0 => Err(DocumentError::Withdrawn),
        seconds => Ok(Duration::from_secs(seconds)),
    }
}

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
    fn pd06_expires_must_be_there() {
        let list = format!(r#"{{"fingerprints":[{{"sha-256":"{DIGEST}"}}]}}"#);
        assert_eq!(rfc(&list), Err(DocumentError::ExpiresMissing));
        let reference = r#"{"url":"https://a.example/"}"#;
        assert_eq!(rfc(reference), Err(DocumentError::ExpiresMissing));
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
