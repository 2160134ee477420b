//! Where a domain is and what it publishes: all of it before the first socket to its server.

mod addresses;
mod error;
mod srv;
mod target;

use std::collections::HashMap;
use std::fmt::{self, Write as _};
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, join_all};
use hickory_resolver::TokioResolver;
use hickory_resolver::net::NetError;
use posh::{AddressGuard, Client, Finding, Published, Service};
use rustls::pki_types::CertificateDer;
use thiserror::Error;
use tokio::time::{Instant, timeout_at};
use xmpp_s2s_proto::dna::{Evidence, Policy, Prooftype};
use xmpp_s2s_proto::stream::Security;
use xmpp_s2s_proto::{Code, Domain, Phase, Step};

pub use self::error::DiscoveryError;
use self::error::{addresses_of, gravest, unresolved};
pub use self::target::Target;
use crate::clock::after;
use crate::config::{Config, Families, Route};
use crate::reason::explain;

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
    /// What the domain publishes, and since when that is known.
    pub(crate) finding: Option<Finding>,
}

/// How much has to be found out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Extent {
    /// All that can be.
    Everything,
    /// What a stream needs: where there is no server to connect to, what the web server says does
    /// not matter any more.
    ForStream,
}

/// Who wants to know.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Asker {
    /// We do, to connect to the domain.
    Ourselves,
    /// A peer at this address, if one is known, claims to be the domain.
    Stranger(Option<IpAddr>),
}

/// The clients that look a domain up.
#[derive(Clone)]
pub(crate) struct Finder {
    resolver: TokioResolver,
    guard: AddressGuard,
    posh: Client,
    dns_time: Duration,
    candidates: usize,
    families: Families,
    connect_to: HashMap<(String, u16), SocketAddr>,
    routes: HashMap<Domain, Route>,
}

impl Finder {
    /// Sets the HTTPS client up; it trusts the web roots of `config` and no other.
    pub(crate) fn new(config: &Config, resolver: TokioResolver) -> Result<Self, FinderError> {
        let tls = rustls::ClientConfig::builder_with_provider(config.provider.clone())
            .with_safe_default_protocol_versions()?
            .with_root_certificates(config.roots.web.clone())
            .with_no_client_auth();
        let guard = AddressGuard::new(config.allow_networks.clone())
            .with_nat64(config.nat64_prefixes.iter().copied())?;
        let (families, connect_to) = (config.families, config.connect_to.clone());
        let port = config.posh.port;
        let elsewhere = connect_to.iter().filter(|((_, from), _)| *from == port);
        let web = Arc::new(addresses::WebResolver {
            resolver: resolver.clone(),
            families,
            connect_to: elsewhere.map(|((host, _), &to)| (host.clone(), to)).collect(),
        });
        let posh = Client::new(tls, web, guard.clone(), config.profiles.clone(), config.posh)?;
        let limits = &config.limits;
        let (dns_time, candidates) = (limits.dns, limits.candidates);
        let routes = config.routes.clone();
        Ok(Self { resolver, guard, posh, dns_time, candidates, families, connect_to, routes })
    }

    /// Asks the DNS and the domain's web server at once.
    pub(crate) async fn discover(
        &self,
        remote: &Domain,
        policy: &Policy,
        extent: Extent,
    ) -> Discovery {
        let mut published = pin!(self.published(remote, policy));
        let mut early = None;
        let (targets, dns) = {
            let mut located = pin!(self.locate(remote));
            loop {
                tokio::select! {
                    located = &mut located => break located,
                    posh = &mut published, if early.is_none() => early = Some(posh),
                }
            }
        };
        let posh = match early {
            Some(posh) => posh,
            None if targets.is_ok() || extent == Extent::Everything => published.await,
            None => None,
        };
        let (evidence, steps) = (Evidence::default(), vec![dns]);
        let mut discovery = Discovery { targets, evidence, steps, finding: None };
        if let Some((finding, step)) = posh {
            discovery.evidence.posh = Some(finding.published.clone());
            discovery.steps.push(step);
            discovery.finding = Some(finding);
        }
        discovery
    }

    /// What `remote` publishes.
    pub(crate) async fn look_up(&self, remote: &Domain, asker: Asker) -> (Finding, Step) {
        let (start, source) = (Instant::now(), remote.to_dns());
        let finding = match asker {
            Asker::Ourselves => self.posh.fetch(source, &Service::XMPP_SERVER).await,
            Asker::Stranger(address) => {
                self.posh.fetch_on_behalf(source, &Service::XMPP_SERVER, address).await
            }
        };
        let step = Step::posh(remote, &finding, start.elapsed());
        (finding, step)
    }

    /// The same, since what was `seen` before proves nothing.
    pub(crate) async fn look_again(
        &self,
        seen: &Finding,
        remote: &Domain,
        asker: Asker,
    ) -> (Finding, Step) {
        let (start, source) = (Instant::now(), remote.to_dns());
        let finding = match asker {
            Asker::Ourselves => self.posh.refetch(seen, source, &Service::XMPP_SERVER).await,
            Asker::Stranger(address) => {
                self.posh.refetch_on_behalf(seen, source, &Service::XMPP_SERVER, address).await
            }
        };
        let step = Step::posh(remote, &finding, start.elapsed());
        (finding, step)
    }

    /// Takes note that a certificate was proved by what was `seen`; if that is old, it is looked up
    /// again.
    pub(crate) fn matched(
        &self,
        seen: &Finding,
        certificate: &CertificateDer<'_>,
    ) -> Option<BoxFuture<'static, Finding>> {
        let Published::Found(materials) = &seen.published else { return None };
        let look = self.posh.matched(materials, &Service::XMPP_SERVER, certificate)?;
        Some(look.boxed())
    }

    async fn published(&self, remote: &Domain, policy: &Policy) -> Option<(Finding, Step)> {
        if !policy.prooftypes.contains(&Prooftype::Posh) {
            return None;
        }
        Some(self.look_up(remote, Asker::Ourselves).await)
    }

    async fn locate(&self, remote: &Domain) -> (Result<Vec<Target>, DiscoveryError>, Step) {
        let start = Instant::now();
        match self.resolve(remote).await {
            Ok(located) => {
                let Located { targets, code, detail } = located;
                (Ok(targets), Step::new(Phase::Dns, code, detail, start.elapsed()))
            }
            Err(error) => {
                let step = Step::new(Phase::Dns, error.code(), explain(&error), start.elapsed());
                (Err(error), step)
            }
        }
    }

    /// SRV records have half of the time, so that addresses have the other half at least.
    async fn resolve(&self, remote: &Domain) -> Result<Located, DiscoveryError> {
        let (half, end) = (after(self.dns_time / 2), after(self.dns_time));
        let (mut targets, code) = self.candidates(remote, half).await?;
        targets.truncate(self.candidates);
        let answers = join_all(targets.iter_mut().map(|target| self.addresses(target, end))).await;

        let mut room = self.candidates;
        let mut detail = String::new();
        let mut faults = Vec::new();
        for (target, answer) in targets.iter_mut().zip(answers) {
            let separator = if detail.is_empty() { "" } else { ", " };
            let _ = write!(detail, "{separator}{target} ");
            match addresses_of(remote, answer) {
                Ok(mut found) => {
                    found.truncate(room);
                    room -= found.len();
                    let _ = write!(detail, "{found:?}");
                    target.addresses = found;
                }
                Err(fault) => {
                    let _ = write!(detail, "({})", fault.code());
                    faults.push(fault);
                }
            }
        }
        targets.retain(|target| !target.addresses.is_empty());
        if targets.is_empty() {
            return Err(gravest(remote, faults, code));
        }
        Ok(Located { targets, code, detail })
    }

    /// The addresses of `target`, which itself is changed where another is to be connected to.
    async fn addresses(
        &self,
        target: &mut Target,
        deadline: Instant,
    ) -> Result<addresses::Answer, NetError> {
        if let Some(to) = self.connect_to.get(&(target.host.to_ascii_lowercase(), target.port)) {
            target.port = to.port();
            return Ok(match self.guard.allows(to.ip()) {
                true => addresses::Answer::Addresses(vec![to.ip()]),
                false => addresses::Answer::Forbidden,
            });
        }
        let found = addresses::of(&self.resolver, self.families, &self.guard, &target.host);
        within(deadline, found).await
    }

    /// Where SRV records point; the domain itself if there is none (RFC 6120 §3.2, XEP-0368 §5).
    async fn candidates(
        &self,
        remote: &Domain,
        deadline: Instant,
    ) -> Result<(Vec<Target>, Code), DiscoveryError> {
        let name = remote.to_dns().as_ref();
        let only = match self.routes.get(remote) {
            Some(&Route::Port(port, security)) => {
                return Ok((vec![Target::new(name, port, security)], Code::DnsFound));
            }
            Some(&Route::Services(security)) => Some(security),
            None => None,
        };
        let records = async |security| match only {
            Some(only) if only != security => Ok(srv::Answer::None),
            _ => within(deadline, srv::records(&self.resolver, name, security)).await,
        };
        let (direct, starttls) =
            tokio::join!(records(Security::Direct), records(Security::StartTls));

        let mut found = Vec::new();
        for answer in [&direct, &starttls] {
            if let Ok(srv::Answer::Records(records)) = answer {
                found.extend(records.iter().cloned());
            }
        }
        if !found.is_empty() {
            return Ok((srv::order(found, random), Code::DnsFound));
        }
        match (direct, starttls) {
            (_, Ok(srv::Answer::NotOffered)) => Err(DiscoveryError::NotOffered(remote.clone())),
            (_, Err(error)) | (Err(error), _) => Err(unresolved(remote, error)),
            (Ok(srv::Answer::NotOffered), _) => Err(DiscoveryError::NotOffered(remote.clone())),
            (Ok(_), Ok(_)) if only == Some(Security::Direct) => {
                Err(DiscoveryError::NoAddress(remote.clone()))
            }
            (Ok(_), Ok(_)) => {
                Ok((vec![Target::new(name, 5269, Security::StartTls)], Code::DnsNoSrvFallback))
            }
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
    #[error(transparent)]
    Nat64(#[from] posh::InvalidNat64),
}

struct Located {
    targets: Vec<Target>,
    code: Code,
    detail: String,
}

async fn within<T>(
    deadline: Instant,
    lookup: impl Future<Output = Result<T, NetError>>,
) -> Result<T, NetError> {
    timeout_at(deadline, lookup).await.unwrap_or(Err(NetError::Timeout))
}

/// A number in `0..=most`, for choosing among SRV records. Where the system has no random numbers
/// the first record is chosen, which is a fair order too.
fn random(most: u32) -> u32 {
    let dice = getrandom::u64().unwrap_or(0);
    u32::try_from(dice % (u64::from(most) + 1)).unwrap_or(0)
}
