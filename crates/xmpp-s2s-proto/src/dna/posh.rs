use std::error::Error;
use std::time::Duration;

use posh::{
    Budget, DocumentError, FetchError, Finding, LookupError, Materials, Mismatch, Origin, Profile,
    Published,
};
use rustls_pki_types::UnixTime;

use super::Presented;
use super::policy::{NoProof, Proof};
use super::presented::fingerprint;
use crate::{Code, Domain, Phase, Step, printable};

/// The POSH prooftype (RFC 7711 §3.3, draft-miller-posh-02 §4.3): the certificate is one of those
/// that the domain itself publishes.
///
/// What is not known proves nothing, and neither does what another domain publishes.
pub(super) fn prove(
    presented: &Presented,
    domain: &Domain,
    published: &Published,
    now: UnixTime,
) -> Result<Proof, NoProof> {
    match published {
        Published::Found(materials) if materials.source() != domain.to_dns() => {
            let source = materials.source().as_ref();
            Err(NoProof { code: Code::PoshOtherSource, detail: format!("materials of {source}") })
        }
        Published::Found(materials) => compare(presented, materials, now),
        _ => Err(NoProof {
            code: code(published),
            detail: format!("nothing to compare {} with", fingerprint(presented.digest())),
        }),
    }
}

fn compare(presented: &Presented, materials: &Materials, now: UnixTime) -> Result<Proof, NoProof> {
    let digest = fingerprint(presented.digest());
    let document = document(materials);
    match materials.find(presented.end_entity(), now) {
        Ok(found) => {
            let (entry, entries) = (found.entry + 1, materials.entries());
            let detail =
                format!("certificate {digest} is entry {entry} of {entries} by {document}");
            Ok(Proof { until: found.not_after.min(materials.valid_until()), detail })
        }
        Err(mismatch) => Err(NoProof {
            code: mismatch_code(&mismatch),
            detail: format!("certificate {digest} by {document}: {}", causes(&mismatch)),
        }),
    }
}

impl Step {
    /// What is known of the POSH documents of `domain`, and whether that was looked up or kept.
    pub fn posh(domain: &Domain, finding: &Finding, elapsed: Duration) -> Self {
        let published = &finding.published;
        let detail = match published {
            Published::Found(materials) => {
                let entries = match materials.entries() {
                    1 => "1 entry".to_owned(),
                    entries => format!("{entries} entries"),
                };
                format!("{entries} by {}", document(materials))
            }
            Published::Absent => absence(domain),
            Published::Unknown(error) => causes(&**error),
            _ => String::new(),
        };
        let detail = match published.is_withheld() {
            true => detail,
            false => format!("{detail} ({})", cache(finding)),
        };
        Self::new(Phase::Posh, code(published), detail, elapsed)
    }
}

/// That there is no document. Whoever runs a sub-domain may take that of its parent for enough, but
/// each source domain publishes under its own HTTPS name (RFC 7711 §3).
fn absence(domain: &Domain) -> String {
    let nothing = "there is no document";
    match domain.as_str().split_once('.') {
        Some((_, parent)) if parent.contains('.') => {
            let host = domain.to_dns().as_ref();
            format!("{nothing} at https://{host}/; one of {parent} does not count")
        }
        _ => nothing.to_owned(),
    }
}

/// What the cache has to do with it.
fn cache(finding: &Finding) -> String {
    match &finding.origin {
        Origin::Fetched => "cache=miss".into(),
        Origin::Refetched => "cache=miss, fetched anew".into(),
        Origin::Cached { age } => format!("cache=hit, age {} s", age.as_secs()),
        Origin::Stale { age, instead: Published::Unknown(error) } if finding.is_withheld() => {
            format!("cache=hit, age {} s, not fetched anew: {}", age.as_secs(), causes(&**error))
        }
        Origin::Stale { age, instead } => {
            let instead = match instead {
                Published::Absent => "there is no document".into(),
                Published::Unknown(error) => causes(&**error),
                _ => "another document".into(),
            };
            format!("cache=stale, age {} s, fetched anew: {instead}", age.as_secs())
        }
        _ => String::new(),
    }
}

/// Which document it is: its profile, and the way to it.
fn document(materials: &Materials) -> String {
    let profile = match materials.profile() {
        Profile::Draft02 => "draft-02",
        Profile::Rfc7711 => "rfc7711",
        _ => "posh",
    };
    let way: Vec<_> = materials.walked().iter().map(|url| url.as_str()).collect();
    format!("{profile} at {}", printable(&way.join(" → ")))
}

/// An error and its causes, in one line that is fit for a log.
fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    printable(&text)
}

fn code(published: &Published) -> Code {
    match published {
        Published::Found(_) => Code::PoshFound,
        Published::Absent => Code::PoshNotPublished,
        Published::Unknown(error) => Code::from(&**error),
        _ => Code::PoshUnreachable,
    }
}

impl From<&FetchError> for Code {
    fn from(error: &FetchError) -> Self {
        match error {
            FetchError::Invalid(error) => Self::from(error),
            FetchError::Status { .. } => Self::PoshHttpStatus,
            FetchError::Refused { .. } => Self::PoshForbidden,
            // Only what did not match is looked up again.
            FetchError::OverBudget(Budget::Domain) => Self::PoshMismatchUnconfirmed,
            FetchError::OverBudget(_) => Self::PoshOverBudget,
            FetchError::Untrusted { .. } => Self::PoshHttpsUntrusted,
            FetchError::WrongName { .. } => Self::PoshHttpsNameMismatch,
            FetchError::Timeout { .. } => Self::PoshTimeout,
            FetchError::Interrupted => Self::Stopping,
            // Such a name has no web server, so there is nothing that it could publish.
            FetchError::Source(_) => Self::PoshNotPublished,
            _ => Self::PoshUnreachable,
        }
    }
}

impl From<&LookupError> for Code {
    fn from(error: &LookupError) -> Self {
        match error {
            LookupError::Document { error, .. } => Self::from(error),
            LookupError::Redirect { .. } => Self::PoshRedirectDowngrade,
            LookupError::Reference { .. } => Self::PoshReferenceNotHttps,
            LookupError::SecondReference(_) => Self::PoshReferenceLoop,
            LookupError::Status { .. } => Self::PoshHttpStatus,
            LookupError::ContentType(_) | LookupError::ContentEncoding(_) => {
                Self::PoshBadContentType
            }
            LookupError::HeadTooLarge(_) | LookupError::TooLarge(_) => Self::PoshTooLarge,
            LookupError::TooManyRequests(_) | LookupError::TooManyHosts(_) => {
                Self::PoshTooManyRequests
            }
            _ => Self::PoshInvalidDocument,
        }
    }
}

impl From<&DocumentError> for Code {
    fn from(error: &DocumentError) -> Self {
        match error {
            DocumentError::NotJson(_) => Self::PoshInvalidJson,
            DocumentError::Both(_) => Self::PoshUrlAndFingerprints,
            DocumentError::Empty(_) | DocumentError::NoUsableEntry(_) => Self::PoshEmpty,
            DocumentError::ExpiresMissing => Self::PoshExpiresMissing,
            DocumentError::Withdrawn => Self::PoshExpiresZero,
            DocumentError::PrivateKey(_) => Self::JwkPrivateMaterial,
            _ => Self::PoshInvalidDocument,
        }
    }
}

fn mismatch_code(mismatch: &Mismatch) -> Code {
    match mismatch {
        Mismatch::Expired => Code::CertExpired,
        Mismatch::NotYetValid => Code::CertNotYetValid,
        Mismatch::WeakKey | Mismatch::UnknownKey | Mismatch::Unreadable => Code::CertInvalid,
        Mismatch::PrivateKeyPublished => Code::JwkPrivateMaterial,
        Mismatch::NoSupportedHash => Code::PoshNoSupportedHash,
        Mismatch::Ended => Code::PoshDocumentStale,
        _ => Code::PoshFingerprintMismatch,
    }
}
