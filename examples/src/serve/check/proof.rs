//! Whether others can prove that our server speaks for a domain.

use posh::{DocumentError, FetchError, LookupError, Published};
use rustls::pki_types::CertificateDer;
use xmpp_s2s::{Code, Phase, Prooftype, Standing, Verdict};

use super::finding::{Finding, Severity, details, step};
use super::fix::fix;

/// What is to be told of the proof of a domain that shows `leaf`.
pub(super) fn findings(standing: &Standing, leaf: &CertificateDer<'_>) -> Vec<Finding> {
    match standing.prooftype {
        Some(Prooftype::Pkix) => {
            let mut findings = vec![proved(standing, "others can prove the domain by PKIX")];
            findings.extend(unlisted(standing, leaf));
            findings
        }
        Some(_) => vec![proved(standing, "others can prove the domain by POSH")],
        None => vec![unproved(standing, leaf)],
    }
}

fn proved(standing: &Standing, what: &'static str) -> Finding {
    let (code, phase) = match standing.prooftype {
        Some(Prooftype::Posh) => (Code::PoshMatch, Phase::PoshMatch),
        _ => (Code::PkixMatch, Phase::Pkix),
    };
    let why = details(&standing.trail, &[phase]);
    Finding { severity: Severity::Good, code: code.as_str(), what, why, fix: String::new() }
}

/// PKIX is enough for most; a domain that publishes all the same means its document to be looked
/// at. Where nobody could read one, there may be none, which is no fault.
fn unlisted(standing: &Standing, leaf: &CertificateDer<'_>) -> Option<Finding> {
    let step = step(&standing.trail, Phase::PoshMatch)?;
    if step.code.verdict() != Verdict::Refused || !is_published(standing) {
        return None;
    }
    Some(Finding {
        severity: Severity::Bad,
        code: step.code.as_str(),
        what: "others that go by POSH alone refuse the domain",
        why: details(&standing.trail, &[Phase::Posh, Phase::PoshMatch]),
        fix: fix(step.code, standing, leaf),
    })
}

/// Whether there is a document, be it a bad one. Many web hosts have a page or a redirect for every
/// path, which is none.
fn is_published(standing: &Standing) -> bool {
    match &standing.evidence.posh {
        Some(Published::Found(_)) => true,
        Some(Published::Unknown(error)) => match &**error {
            FetchError::Invalid(LookupError::Document { error, .. }) => {
                !matches!(error, DocumentError::NotJson(_))
            }
            _ => false,
        },
        _ => false,
    }
}

fn unproved(standing: &Standing, leaf: &CertificateDer<'_>) -> Finding {
    let code = standing.trail.conclusion().unwrap_or(Code::PoshUnreachable);
    let (severity, what) = match code {
        // What is private from here may be public from elsewhere: a name can lead to each in turn.
        Code::PoshForbidden
        | Code::PoshMismatchUnconfirmed
        | Code::PoshOverBudget
        | Code::Stopping => (Severity::Unclear, "cannot tell whether others can prove the domain"),
        _ if code.verdict() == Verdict::Unknown => {
            (Severity::Bad, "others refuse the domain if they, too, cannot learn what it publishes")
        }
        _ => (Severity::Bad, "others refuse the domain: nothing proves it"),
    };
    let mut why = match step(&standing.trail, Phase::Posh).map(|step| step.code) {
        Some(Code::PoshFound) => details(&standing.trail, &[Phase::Pkix, Phase::PoshMatch]),
        _ => details(&standing.trail, &[Phase::Pkix, Phase::Posh]),
    };
    if code == Code::PoshNotPublished {
        why += ", and that of no other domain counts, not even of the domain above it";
    }
    Finding { severity, code: code.as_str(), what, why, fix: fix(code, standing, leaf) }
}
