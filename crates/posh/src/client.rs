//! Looks documents up over HTTPS.
#![allow(unused_variables, clippy::todo, dead_code)]

use std::net::IpAddr;
use std::sync::Arc;

use rustls_pki_types::DnsName;

use crate::{Limits, Profile, Published, Service};

/// Looks documents up over HTTPS.
///
/// Cheap to clone; clones share what is under way.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
}

impl Client {
    /// Builds a client that trusts the roots in `tls` and asks `resolver` for addresses.
    ///
    /// Which addresses may be connected to, redirects, proxies and sizes are this crate's to
    /// decide; `profiles` are asked for at once, and the first that is published decides.
    ///
    /// Every address that `resolver` finds is judged by `guard` before it is connected to.
    pub fn new(
        tls: rustls::ClientConfig,
        resolver: Arc<dyn reqwest::dns::Resolve>,
        guard: AddressGuard,
        profiles: impl Into<Vec<Profile>>,
        limits: Limits,
    ) -> Result<Self, reqwest::Error> {
        todo!()
    }

    /// What `source` publishes for `service`; asked for by ourselves.
    pub async fn fetch(&self, source: &DnsName<'_>, service: &Service) -> Published {
        todo!()
    }

    /// The same, because a stranger at `asker` claimed to be `source`: within the budgets of
    /// [`Limits`] for each asker, each host fetched from, and the process.
    pub async fn fetch_on_behalf(
        &self,
        source: &DnsName<'_>,
        service: &Service,
        asker: Option<IpAddr>,
    ) -> Published {
        todo!()
    }
}

/// Which addresses may be connected to: public ones, and those of networks that are allowed.
///
/// Loopback, private, link-local, CGNAT, multicast, documentation, metadata and reserved addresses
/// are refused, and the v4-mapped and NAT64 forms of them.
#[derive(Clone, Debug, Default)]
pub struct AddressGuard {
    allowed: Arc<[ipnet::IpNet]>,
}

impl AddressGuard {
    /// Allows `networks` besides what is public.
    pub fn new(networks: impl Into<Arc<[ipnet::IpNet]>>) -> Self {
        Self { allowed: networks.into() }
    }

    /// Whether `address` may be connected to.
    pub fn allows(&self, address: IpAddr) -> bool {
        todo!()
    }
}
