//! Where a domain is and what it publishes: all of it before the first socket to its server.

mod addresses;
mod srv;

use std::fmt::{self, Write as _};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use hickory_resolver::TokioResolver;
use hickory_resolver::net::NetError;
use posh::{AddressGuard, Client, Published, Service};
use thiserror::Error;
use tokio::time::{Instant, timeout};
use xmpp_s2s_proto::dna::{Evidence, Policy, Prooftype};
use xmpp_s2s_proto::stream::Security;
use xmpp_s2s_proto::{Code, Domain, Phase, Step};

use crate::config::Config;

/// Where a domain is and what proves it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Discovery {
    /// The targets, in the order to try them.
    pub targets: Result<Vec<Target>, DiscoveryError>,
    /// What was found out towards a proof.
    pub evidence: Evidence,
    /// How.
    pub steps: Vec<Step>,
}

/// A place to connect to.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Target {
    /// The host.
    pub host: String,
    /// The port.
    pub port: u16,
    /// TLS from the first byte, or after STARTTLS.
    pub security: Security,
    /// The addresses of the host that may be connected to, in the order to try them.
    pub addresses: Vec<IpAddr>,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let security = match self.security {
            Security::Direct => "direct TLS",
            Security::StartTls => "STARTTLS",
        };
        write!(f, "{}:{} {security}", self.host, self.port)
    }
}

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

/// The clients that look a domain up.
#[derive(Clone)]
pub(crate) struct Finder {
    resolver: TokioResolver,
    guard: AddressGuard,
    posh: Client,
    dns_time: Duration,
    candidates: usize,
}

impl Finder {
    /// Sets the HTTPS client up; it trusts the web roots of `config` and no other.
    pub(crate) fn new(config: &Config, resolver: TokioResolver) -> Result<Self, FinderError> {
        let tls = rustls::ClientConfig::builder_with_provider(config.provider.clone())
            .with_safe_default_protocol_versions()?
            .with_root_certificates(config.roots.web.clone())
            .with_no_client_auth();
        let guard = AddressGuard::new(config.allow_networks.clone());
        let web = Arc::new(addresses::WebResolver(resolver.clone()));
        let posh = Client::new(tls, web, guard.clone(), config.profiles.clone(), config.posh)?;
        let limits = &config.limits;
        Ok(Self { resolver, guard, posh, dns_time: limits.dns, candidates: limits.candidates })
    }

    /// Asks the DNS and the domain's web server at once.
    pub(crate) async fn discover(&self, remote: &Domain, policy: &Policy) -> Discovery {
        let (targets, posh) = tokio::join!(self.locate(remote), self.published(remote, policy));
        let (targets, dns) = targets;
        let mut discovery = Discovery { targets, evidence: Evidence::default(), steps: vec![dns] };
        if let Some((published, step)) = posh {
            discovery.evidence.posh = Some(published);
            discovery.steps.push(step);
        }
        discovery
    }

    /// What `remote` publishes, because a stranger at `asker` claimed to be it.
    pub(crate) async fn published_for(
        &self,
        remote: &Domain,
        asker: Option<IpAddr>,
    ) -> (Published, Step) {
        let start = Instant::now();
        let fetch = self.posh.fetch_on_behalf(remote.to_dns(), &Service::XMPP_SERVER, asker);
        let published = fetch.await;
        let step = Step::posh(&published, start.elapsed());
        (published, step)
    }

    async fn published(&self, remote: &Domain, policy: &Policy) -> Option<(Published, Step)> {
        if !policy.prooftypes.contains(&Prooftype::Posh) {
            return None;
        }
        let start = Instant::now();
        let published = self.posh.fetch(remote.to_dns(), &Service::XMPP_SERVER).await;
        let step = Step::posh(&published, start.elapsed());
        Some((published, step))
    }

    async fn locate(&self, remote: &Domain) -> (Result<Vec<Target>, DiscoveryError>, Step) {
        let start = Instant::now();
        let found = timeout(self.dns_time, self.resolve(remote)).await;
        let found = found.unwrap_or_else(|_| Err(DiscoveryError::Timeout(remote.clone())));
        let step = match &found {
            Ok(located) => {
                Step::new(Phase::Dns, located.code, describe(&located.targets), start.elapsed())
            }
            Err(error) => Step::new(Phase::Dns, error.code(), reason(error), start.elapsed()),
        };
        (found.map(|located| located.targets), step)
    }

    async fn resolve(&self, remote: &Domain) -> Result<Located, DiscoveryError> {
        let (mut targets, code) = self.candidates(remote).await?;
        targets.truncate(self.candidates);
        let lookups = targets.iter().map(|t| addresses::of(&self.resolver, &self.guard, &t.host));
        let answers = join_all(lookups).await;

        let mut error = DiscoveryError::NoAddress(remote.clone());
        for (target, answer) in targets.iter_mut().zip(answers) {
            match answer {
                Ok(addresses::Answer::Addresses(mut found)) => {
                    found.truncate(self.candidates);
                    target.addresses = found;
                }
                Ok(addresses::Answer::Forbidden) => {
                    error = DiscoveryError::Forbidden(remote.clone());
                }
                Ok(addresses::Answer::NoDomain) if code == Code::DnsNoSrvFallback => {
                    error = DiscoveryError::NoDomain(remote.clone());
                }
                Ok(addresses::Answer::NoDomain | addresses::Answer::None) => {}
                Err(failure) => error = unresolved(remote, failure),
            }
        }
        targets.retain(|target| !target.addresses.is_empty());
        if targets.is_empty() { Err(error) } else { Ok(Located { targets, code }) }
    }

    /// Where SRV records point; the domain itself if there is none (RFC 6120 §3.2).
    async fn candidates(&self, remote: &Domain) -> Result<(Vec<Target>, Code), DiscoveryError> {
        let name = remote.to_dns().as_ref();
        let (direct, starttls) = tokio::join!(
            srv::records(&self.resolver, name, Security::Direct),
            srv::records(&self.resolver, name, Security::StartTls),
        );
        let mut records = Vec::new();
        let mut refused = false;
        let mut failure = None;
        for answer in [direct, starttls] {
            match answer {
                Ok(srv::Answer::Records(found)) => records.extend(found),
                Ok(srv::Answer::NotOffered) => refused = true,
                Ok(srv::Answer::None) => {}
                Err(error) => failure = Some(error),
            }
        }
        match (records.is_empty(), refused, failure) {
            (false, _, _) => Ok((srv::order(records, random), Code::DnsFound)),
            (true, true, _) => Err(DiscoveryError::NotOffered(remote.clone())),
            (true, false, Some(error)) => Err(unresolved(remote, error)),
            (true, false, None) => Ok((vec![itself(name)], Code::DnsNoSrvFallback)),
        }
    }
}

impl fmt::Debug for Finder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Finder").finish_non_exhaustive()
    }
}

/// Why the clients could not be set up.
#[derive(Debug, Error)]
pub(crate) enum FinderError {
    #[error(transparent)]
    Tls(#[from] rustls::Error),
    #[error(transparent)]
    Https(#[from] reqwest::Error),
}

struct Located {
    targets: Vec<Target>,
    code: Code,
}

fn itself(name: &str) -> Target {
    let security = Security::StartTls;
    Target { host: name.to_owned(), port: 5269, security, addresses: Vec::new() }
}

fn unresolved(remote: &Domain, error: NetError) -> DiscoveryError {
    match error {
        NetError::Timeout => DiscoveryError::Timeout(remote.clone()),
        error => DiscoveryError::Unresolved { domain: remote.clone(), error: Arc::new(error) },
    }
}

fn describe(targets: &[Target]) -> String {
    let mut text = String::new();
    for target in targets {
        let separator = if text.is_empty() { "" } else { ", " };
        let _ = write!(text, "{separator}{target} {:?}", target.addresses);
    }
    text
}

fn reason(error: &DiscoveryError) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// A number in `0..=most`, for choosing among SRV records. Where the system has no random numbers
/// the first record is chosen, which is a fair order too.
fn random(most: u32) -> u32 {
    let dice = getrandom::u64().unwrap_or(0);
    u32::try_from(dice % (u64::from(most) + 1)).unwrap_or(0)
}
