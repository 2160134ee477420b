//! What to do so that others can prove a domain.

use std::slice;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use posh::{FetchError, HashFunction, Profile, Published, Service};
use rustls::pki_types::CertificateDer;
use xmpp_s2s::{Code, Domain, Standing, Verdict, printable};

/// How long a document may be kept that we propose.
const EXPIRES: Duration = Duration::from_secs(60 * 60);

/// What to do about `code`, which is what the proof of a domain that shows `leaf` came to.
pub(super) fn fix(code: Code, standing: &Standing, leaf: &CertificateDer<'_>) -> String {
    let domain = &standing.trail.pair().remote;
    match code {
        Code::CertExpired => "renew the certificate".to_owned(),
        Code::CertNotYetValid => "set the clock, or use another certificate until then".to_owned(),
        Code::CertInvalid => "use a certificate whose key is RSA of 2048 bits or more, P-256, \
                              P-384, P-521 or Ed25519"
            .to_owned(),
        Code::CertUntrustedChain => format!(
            "let `certificate` hold the whole chain of an authority that others trust, or {}",
            publish(domain, leaf)
        ),
        Code::PoshFingerprintMismatch | Code::PoshNoSupportedHash => list(standing, leaf),
        Code::PoshHttpsUntrusted | Code::PoshHttpsNameMismatch => format!(
            "give the web host {} a certificate for that name, of an authority that others trust",
            host(standing)
        ),
        Code::PoshForbidden => format!(
            "see that others find a public address of the web host {}, or name its network in \
             `allow-networks`, to have it looked at from here",
            host(standing)
        ),
        Code::JwkPrivateMaterial => "the private key is public now: replace it and its \
                                     certificate, and publish no private keys"
            .to_owned(),
        Code::PoshMismatchUnconfirmed | Code::PoshOverBudget | Code::Stopping => {
            "start the server again to look again".to_owned()
        }
        Code::PoshNotPublished => publish(domain, leaf),
        _ if code.verdict() == Verdict::Unknown => {
            format!("let the web host {} answer, and {}", host(standing), publish(domain, leaf))
        }
        _ => format!("correct the document: {}", publish(domain, leaf)),
    }
}

/// A document that proves the domain, and where it belongs.
fn publish(domain: &Domain, leaf: &CertificateDer<'_>) -> String {
    let (leaves, hashes) = (slice::from_ref(leaf), [HashFunction::Sha256]);
    let document = posh::publish::document(leaves, Profile::Rfc7711, &hashes, EXPIRES);
    let url = Service::XMPP_SERVER.url(domain.to_dns(), Profile::Rfc7711);
    match (document, url) {
        (Ok(document), Ok(url)) => format!("publish at {url} this: {document}"),
        (Err(error), _) => format!("use another certificate, since {error}"),
        (_, Err(error)) => format!("use a domain that can have a web host, since {error}"),
    }
}

/// How to add `leaf` to a document that lists others.
fn list(standing: &Standing, leaf: &CertificateDer<'_>) -> String {
    let domain = &standing.trail.pair().remote;
    let Some(Published::Found(materials)) = &standing.evidence.posh else {
        return publish(domain, leaf);
    };
    let at = materials.walked().last().map(|url| printable(url.as_str())).unwrap_or_default();
    if materials.profile() == Profile::Draft02 {
        return format!(
            "add the key of the certificate to `keys` at {at}, or {}",
            publish(domain, leaf)
        );
    }
    let sha256 = STANDARD.encode(HashFunction::Sha256.digest(leaf));
    format!("add to `fingerprints` at {at} this: {{\"sha-256\":\"{sha256}\"}}")
}

/// The web host that a lookup failed at.
fn host(standing: &Standing) -> String {
    let failed = match &standing.evidence.posh {
        Some(Published::Unknown(error)) => match &**error {
            FetchError::Status { url, .. }
            | FetchError::Refused { url }
            | FetchError::Untrusted { url, .. }
            | FetchError::WrongName { url }
            | FetchError::Timeout { url }
            | FetchError::Unreachable { url, .. } => url.host_str().map(printable),
            _ => None,
        },
        _ => None,
    };
    failed.unwrap_or_else(|| standing.trail.pair().remote.to_string())
}
