//! Why a domain's location is not known.

use std::net::IpAddr;
use std::sync::Arc;

use hickory_resolver::net::NetError;
use thiserror::Error;
use xmpp_s2s_proto::{Code, Domain};

use super::addresses;

/// Why a domain's location is not known.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum DiscoveryError {
    /// The domain says that it has no XMPP server (RFC 2782, target `.`).
    #[error("{0} has no XMPP server")]
    NotOffered(Domain),
    /// There is no such domain.
    #[error("{0} does not exist")]
    NoDomain(Domain),
    /// No target has an address.
    #[error("no server of {0} has an address")]
    NoAddress(Domain),
    /// Every address is one that may not be connected to, for example a private one.
    #[error("no server of {0} has an address that may be connected to")]
    Forbidden(Domain),
    /// The DNS answered with a failure.
    #[error("cannot resolve {domain}")]
    Unresolved {
        /// The domain.
        domain: Domain,
        /// What the resolver said.
        #[source]
        error: Arc<NetError>,
    },
    /// The DNS did not answer in time.
    #[error("the DNS does not answer for {0}")]
    Timeout(Domain),
}

impl DiscoveryError {
    /// The word for it in a trail.
    pub fn code(&self) -> Code {
        match self {
            Self::NotOffered(_) => Code::SrvServiceRefused,
            Self::NoDomain(_) => Code::DnsNxdomain,
            Self::NoAddress(_) => Code::DnsNoAddress,
            Self::Forbidden(_) => Code::AddressForbidden,
            Self::Unresolved { .. } => Code::DnsFailed,
            Self::Timeout(_) => Code::DnsTimeout,
        }
    }
}

pub(super) fn addresses_of(
    remote: &Domain,
    answer: Result<addresses::Answer, NetError>,
) -> Result<Vec<IpAddr>, DiscoveryError> {
    let domain = || remote.clone();
    match answer {
        Ok(addresses::Answer::Addresses(found)) => Ok(found),
        Ok(addresses::Answer::Forbidden) => Err(DiscoveryError::Forbidden(domain())),
        Ok(addresses::Answer::NoDomain) => Err(DiscoveryError::NoDomain(domain())),
        Ok(addresses::Answer::None) => Err(DiscoveryError::NoAddress(domain())),
        Err(error) => Err(unresolved(remote, error)),
    }
}

/// The fault to tell of several targets: what is not known may still be right, and what is
/// forbidden is there at least. That a target does not exist says so of the domain only if it is
/// the domain.
pub(super) fn gravest(remote: &Domain, faults: Vec<DiscoveryError>, code: Code) -> DiscoveryError {
    let rank = |fault: &DiscoveryError| match fault {
        DiscoveryError::Unresolved { .. } => 0,
        DiscoveryError::Timeout(_) => 1,
        DiscoveryError::Forbidden(_) => 2,
        DiscoveryError::NoDomain(_) if code == Code::DnsNoSrvFallback => 3,
        DiscoveryError::NoAddress(_)
        | DiscoveryError::NoDomain(_)
        | DiscoveryError::NotOffered(_) => 4,
    };
    match faults.into_iter().min_by_key(rank) {
        Some(fault) if rank(&fault) < 4 => fault,
        _ => DiscoveryError::NoAddress(remote.clone()),
    }
}

pub(super) fn unresolved(remote: &Domain, error: NetError) -> DiscoveryError {
    match error {
        NetError::Timeout => DiscoveryError::Timeout(remote.clone()),
        error => DiscoveryError::Unresolved { domain: remote.clone(), error: Arc::new(error) },
    }
}
