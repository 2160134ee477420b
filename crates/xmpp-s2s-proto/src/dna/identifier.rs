use posh::Leaf;
use rustls_pki_types::{CertificateDer, ServerName};
use webpki::EndEntityCert;

use crate::{Domain, printable};

/// A presented identifier that is the domain to be proved (RFC 6120 §13.7.1.2).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Identifier {
    /// A DNS-ID; a whole left-most label may be a wildcard.
    Dns,
    /// An SRV-ID for servers or an XmppAddr, which are never wildcards. What authorities may not
    /// name is not checked for these.
    Other,
}

impl Identifier {
    /// The one that is sure to be within what the authorities may name, before the other.
    pub(super) fn find(
        certificate: &CertificateDer<'_>,
        end_entity: &EndEntityCert<'_>,
        domain: &Domain,
    ) -> Option<Self> {
        let name = ServerName::DnsName(domain.to_dns().borrow());
        if end_entity.verify_is_valid_for_subject_name(&name).is_ok() {
            return Some(Self::Dns);
        }
        let leaf = Leaf::parse(certificate).ok()?;
        let service =
            leaf.other_names(&DNS_SRV).filter_map(served).any(|name| is_dns(name, domain));
        let address = leaf.other_names(&XMPP_ADDR).any(|name| domain.matches(name));
        (service || address).then_some(Self::Other)
    }
}

/// The presented identifiers of a certificate that could be a domain's: its DNS-IDs, SRV-IDs and
/// XmppAddrs, in this order and as they stand there (RFC 6120 §13.7.1.2).
///
/// They are a peer's text: nothing is checked or escaped.
pub fn presented_identifiers<'a>(leaf: &'a Leaf<'_>) -> impl Iterator<Item = &'a str> {
    let names = leaf.dns_names().chain(leaf.other_names(&DNS_SRV));
    names.chain(leaf.other_names(&XMPP_ADDR))
}

/// The identifiers of a certificate that could be a domain's, fit for a log line.
pub(super) fn describe(certificate: &CertificateDer<'_>) -> String {
    const MOST: usize = 16;
    let Ok(leaf) = Leaf::parse(certificate) else { return NOBODY.into() };
    let names: Vec<_> = presented_identifiers(&leaf).take(MOST).collect();
    if names.is_empty() { NOBODY.into() } else { printable(&names.join(" and ")) }
}

const NOBODY: &str = "no domain";

/// The domain of an SRV-ID (RFC 4985 §2), if it is of servers.
fn served(name: &str) -> Option<&str> {
    let (service, domain) = name.split_once('.')?;
    service.eq_ignore_ascii_case("_xmpp-server").then_some(domain)
}

fn is_dns(name: &str, domain: &Domain) -> bool {
    name.eq_ignore_ascii_case(domain.to_dns().as_ref())
}

/// id-on-dnsSRV, 1.3.6.1.5.5.7.8.7.
const DNS_SRV: [u8; 8] = [0x2b, 6, 1, 5, 5, 7, 8, 7];
/// id-on-xmppAddr, 1.3.6.1.5.5.7.8.5.
const XMPP_ADDR: [u8; 8] = [0x2b, 6, 1, 5, 5, 7, 8, 5];
