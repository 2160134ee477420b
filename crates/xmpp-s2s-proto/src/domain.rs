use std::fmt;
use std::str::FromStr;

use rustls_pki_types::DnsName;
use thiserror::Error;

/// The domainpart of an XMPP address: what RFC 6125 calls a source domain.
///
/// Compares equal however it was written.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Domain {
    ascii: DnsName<'static>,
}

impl Domain {
    /// As DNS, TLS and HTTPS want it (A-labels, lower case, no final dot).
    pub fn to_dns(&self) -> &DnsName<'static> {
        &self.ascii
    }
}

impl FromStr for Domain {
    type Err = InvalidDomain;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        todo!()
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        todo!()
    }
}

/// A string that is not a domain name.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("not a domain name: {0:?}")]
pub struct InvalidDomain(String);

/// One of our domains and one of theirs: what a stream carries stanzas for.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[allow(clippy::exhaustive_structs)]
pub struct Pair {
    /// Ours.
    pub local: Domain,
    /// Theirs: the source domain that has to be proved.
    pub remote: Domain,
}

#[cfg(feature = "serde")]
impl serde::Serialize for Domain {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}
