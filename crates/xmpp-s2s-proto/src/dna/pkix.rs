use posh::Leaf;
use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm, TrustAnchor, UnixTime};
use webpki::{EndEntityCert, Error, KeyUsage, VerifiedPath};

use super::Presented;
use super::identifier::{self, Identifier};
use super::policy::{NoProof, Proof};
use super::presented::fingerprint;
use crate::{Code, Domain};

/// The PKIX prooftype (RFC 6120 §13.7.1, RFC 6125): a DNS-ID, SRV-ID or XmppAddr of the certificate
/// is the domain, and a path leads to one of `anchors`.
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
    let identifier = Identifier::find(presented.end_entity(), &end_entity, domain)
        .ok_or_else(|| because(Code::CertNameMismatch, ""))?;
    let (intermediates, usage) = (presented.intermediates(), KeyUsage::server_auth());
    let path = end_entity
        .verify_for_usage(algorithms, anchors, intermediates, now, usage, None, None)
        .map_err(invalid)?;
    if identifier == Identifier::Other && constrains_names(&path) {
        let why = ": no DNS name, and its authority may not give every name";
        return Err(because(Code::CertNameMismatch, why));
    }

    let mut until = not_after(presented.end_entity());
    for certificate in path.intermediate_certificates() {
        until = until.min(not_after(&certificate.der()));
    }
    let until = until.ok_or_else(|| because(Code::CertInvalid, ": its dates cannot be read"))?;
    Ok(Proof { until, detail: describe(presented, domain, "") })
}

/// Whether any authority of a path is limited in what it may name. webpki holds it to that for
/// DNS-IDs and for nothing else, so nothing else counts then (A7).
fn constrains_names(path: &VerifiedPath<'_>) -> bool {
    let constrains = |certificate: CertificateDer<'_>| {
        Leaf::parse(&certificate).map_or(true, |authority| authority.constrains_names())
    };
    path.anchor().name_constraints.is_some()
        || path.intermediate_certificates().any(|authority| constrains(authority.der()))
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
    let names = identifier::describe(presented.end_entity());
    let wanted = domain.to_dns().as_ref();
    format!("certificate {digest} names {names}, wanted {wanted}{why}")
}
