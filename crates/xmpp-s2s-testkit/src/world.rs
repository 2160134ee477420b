//! The whole federation: two authorities, the DNS, the web, and servers to start in it.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use posh::{HashFunction, Profile, Service as PoshService};
use rustls_pki_types::DnsName;
use url::Url;
use xmpp_s2s::{Config, Identities, Roots, Security};

use crate::authority::Authority;
use crate::dns::{Dns, Service};
use crate::identity::Identity;
use crate::server::ServerBuilder;
use crate::tls::provider;
use crate::web::{Reply, Web};

/// A federation on loopback. Everything in it stops when it is dropped.
///
/// Its two authorities are strangers to each other, so that nothing is trusted by accident.
#[derive(Debug)]
#[non_exhaustive]
pub struct World {
    /// Issues certificates for XMPP servers.
    pub xmpp_authority: Authority,
    /// Issues certificates for web hosts.
    pub web_authority: Authority,
    /// Knows where everything is.
    pub dns: Dns,
    /// Publishes.
    pub web: Web,
}

impl World {
    /// Starts the DNS and the web; there are no domains yet.
    pub async fn start() -> io::Result<Self> {
        Ok(Self {
            xmpp_authority: Authority::new("XMPP authority"),
            web_authority: Authority::new("Web authority"),
            dns: Dns::start().await?,
            web: Web::start().await?,
        })
    }

    /// A server at `host`, the name that SRV records will point to: add domains, then start it.
    pub fn server(&self, host: &str) -> ServerBuilder<'_> {
        ServerBuilder::new(self, host)
    }

    /// What an endpoint needs to live here: roots, resolver, the port of the web, and leave to
    /// connect to loopback.
    ///
    /// Everybody here has the same address. So the budgets for one source and for one web host,
    /// of connections and of lookups, are raised until they are never used up; a test of such a
    /// budget sets it.
    pub fn config(&self, identities: impl Identities + 'static) -> Config {
        let roots = Roots::new(self.xmpp_authority.roots(), self.web_authority.roots());
        let mut config = Config::new(identities, roots, provider());
        config.allow_networks =
            ["127.0.0.0/8", "::1/128"].map(|network| network.parse().expect("a network")).into();
        config.limits.unauthenticated_per_source = config.limits.unauthenticated;
        config.limits.authenticated_per_source = config.limits.authenticated;
        let posh = &mut config.posh;
        posh.port = self.web.address().port();
        (posh.asker_at_once, posh.asker_per_minute) = (PLENTY, PLENTY);
        (posh.host_at_once, posh.host_per_minute) = (PLENTY, PLENTY);
        config.resolver = Some(self.dns.resolver());
        config
    }

    /// Opens the web host of `domain`, with a certificate of [`Self::web_authority`].
    ///
    /// # Panics
    ///
    /// If `domain` is not a DNS name, here and in all methods that take a domain or a host.
    pub fn open_web_host(&self, domain: &str) {
        self.open_web_host_as(domain, &self.web_authority.issue_for(domain));
    }

    /// Opens the web host of `domain` with this certificate, in place of an earlier one.
    pub fn open_web_host_as(&self, domain: &str, identity: &Identity) {
        self.dns.set_addresses(domain, [LOOPBACK]);
        self.web.host(domain, identity);
    }

    /// Makes `domain` publish that its XMPP server shows one of `identities`, for an hour. Opens
    /// its web host, unless that is open or was made to fail.
    pub fn publish(&self, domain: &str, profile: Profile, identities: &[&Identity]) {
        self.ensure_web_host(domain);
        self.publish_at(domain, well_known(domain, profile).path(), profile, identities);
    }

    /// Puts the same document at any path of a host that is open.
    pub fn publish_at(&self, host: &str, path: &str, profile: Profile, identities: &[&Identity]) {
        let leaves: Vec<_> = identities.iter().map(|identity| identity.leaf().clone()).collect();
        let hashes = [HashFunction::Sha256];
        let document = posh::publish::document(&leaves, profile, &hashes, HOUR)
            .expect("certificates that can be published");
        self.web.serve(host, path, Reply::document(content_type(profile), document));
    }

    /// Makes `domain` refer to the document at `to`, for an hour. Opens its web host as
    /// [`Self::publish`] does.
    ///
    /// # Panics
    ///
    /// If nobody would follow a reference to `to`.
    pub fn refer(&self, domain: &str, profile: Profile, to: &Url) {
        self.ensure_web_host(domain);
        let document =
            posh::publish::reference(to, profile, HOUR).expect("a URL that may be referred to");
        self.web.serve(domain, well_known(domain, profile).path(), Reply::json(document));
    }

    /// Makes the web host of `domain` answer so where its document of `profile` would be. Opens
    /// it as [`Self::publish`] does.
    pub fn reply(&self, domain: &str, profile: Profile, reply: Reply) {
        self.ensure_web_host(domain);
        self.web.serve(domain, well_known(domain, profile).path(), reply);
    }

    /// Points the SRV records of `domain` to these addresses, to be tried in this order.
    pub fn locate(&self, domain: &str, security: Security, targets: &[SocketAddr]) {
        let services = targets.iter().zip(0..).map(|(target, priority)| {
            let host = format!("target-{priority}.{domain}");
            self.dns.set_addresses(&host, [target.ip()]);
            Service::at(&host, target.port()).priority(priority)
        });
        self.dns.set_services(domain, security, services.collect::<Vec<_>>());
    }

    fn ensure_web_host(&self, domain: &str) {
        if !self.web.is_open(domain) {
            self.open_web_host(domain);
        } else if !self.dns.knows(domain) {
            self.dns.set_addresses(domain, [LOOPBACK]);
        }
    }
}

/// Where `domain` publishes its document of `profile`.
///
/// # Panics
///
/// If `domain` is not a DNS name.
#[must_use]
pub fn well_known(domain: &str, profile: Profile) -> Url {
    let source = DnsName::try_from(domain).expect("a domain name");
    PoshService::XMPP_SERVER.url(&source, profile).expect("a domain of the public DNS")
}

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// More than any test uses.
const PLENTY: usize = 100_000;

const HOUR: Duration = Duration::from_secs(60 * 60);

fn content_type(profile: Profile) -> &'static str {
    match profile {
        Profile::Draft02 => "application/jwk-set+json",
        _ => "application/json",
    }
}
