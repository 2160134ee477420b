use posh::Leaf;
use rustls_pki_types::{
    CertificateDer, ServerName, SignatureVerificationAlgorithm, TrustAnchor, UnixTime,
};
use webpki::{EndEntityCert, Error, KeyUsage};

use super::Presented;
use super::policy::{NoProof, Proof};
use super::presented::fingerprint;
use crate::{Code, Domain, printable};

/// The PKIX prooftype (RFC 6120 §13.7.1, RFC 6125): a DNS-ID of the certificate is the domain, and
/// a path leads to one of `anchors`.
///
/// Whoever opened the connection, the certificate must be good for a server: public authorities
/// issue no others (`clientAuth` is neither needed nor enough).
pub(super) fn prove(
    presented: &Presented,
    domain: &Domain,
    anchors: &[TrustAnchor<'_>],
    algorithms: &[&dyn SignatureVerificationAlgorithm],
    now: UnixTime,
) -> Result<Proof, NoProof> {
    let because = |code, why: &str| NoProof { code, detail: describe(presented, domain, why) };
    let invalid = |error: Error| because(code(&error), &format!(": {error}"));

    let end_entity = EndEntityCert::try_from(presented.end_entity()).map_err(invalid)?;
    let name = ServerName::DnsName(domain.to_dns().borrow());
    if end_entity.verify_is_valid_for_subject_name(&name).is_err() {
        return Err(because(Code::CertNameMismatch, ""));
    }
    let (intermediates, usage) = (presented.intermediates(), KeyUsage::server_auth());
    let path = end_entity
        .verify_for_usage(algorithms, anchors, intermediates, now, usage, None, None)
        .map_err(invalid)?;

    let mut until = not_after(presented.end_entity());
    for certificate in path.intermediate_certificates() {
        until = until.min(not_after(&certificate.der()));
    }
    let until = until.ok_or_else(|| because(Code::CertInvalid, ": its dates cannot be read"))?;
    Ok(Proof { until, detail: describe(presented, domain, "") })
}

/// The end of a certificate; `None`, which is earlier than any, if it cannot be read.
fn not_after(certificate: &CertificateDer<'_>) -> Option<UnixTime> {
    Leaf::parse(certificate).ok().map(|leaf| leaf.not_after())
}

fn code(error: &Error) -> Code {
    match error {
        Error::CertExpired { .. } => Code::CertExpired,
        Error::CertNotValidYet { .. } => Code::CertNotYetValid,
        // A self-signed certificate is often an authority's, too.
        Error::CaUsedAsEndEntity
        | Error::UnknownIssuer
        | Error::InvalidSignatureForPublicKey
        | Error::EndEntityUsedAsCa
        | Error::NameConstraintViolation
        | Error::PathLenConstraintViolated
        | Error::MaximumNameConstraintComparisonsExceeded
        | Error::MaximumPathBuildCallsExceeded
        | Error::MaximumPathDepthExceeded
        | Error::MaximumSignatureChecksExceeded => Code::CertUntrustedChain,
        _ => Code::CertInvalid,
    }
}

fn describe(presented: &Presented, domain: &Domain, why: &str) -> String {
    let digest = fingerprint(presented.digest());
    let names = names(presented.end_entity());
    let wanted = domain.to_dns().as_ref();
    format!("certificate {digest} names {names}, wanted {wanted}{why}")
}

/// The DNS-IDs of a certificate, fit for a log line.
fn names(certificate: &CertificateDer<'_>) -> String {
    let names = match Leaf::parse(certificate) {
        Ok(leaf) => leaf.dns_names().take(16).collect::<Vec<_>>().join(" and "),
        Err(_) => String::new(),
    };
    if names.is_empty() { "no domain".into() } else { printable(&names) }
}
