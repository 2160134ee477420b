//! Looks documents up over HTTPS: drives [`Lookup`] with reqwest.
//!
//! ```text
//! Client ─► Cache ─► Flights ─► Trip: walk of each profile ─► decision ─► Cache
//!                               │       └─► Transport ─► VettedResolver ─► AddressGuard
//!                            Budgets ◄──────────┴───────────────┘
//! ```

mod address;
mod budget;
mod decision;
mod failure;
mod flight;
mod lock;
mod nat64;
mod resolver;
mod transport;
mod trip;
mod walk;

use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use reqwest::dns::Resolve;
use rustls_pki_types::{CertificateDer, DnsName};

pub use self::address::AddressGuard;
use self::budget::Budgets;
use self::flight::{Flight, Flights, Ticket, Waiting};
use self::lock::lock;
pub use self::nat64::InvalidNat64;
use self::transport::Transport;
use self::trip::{Asker, Trip, moment};
use crate::{
    Cache, CacheKey, Finding, Limits, Materials, Profile, Published, Purpose, Reason, Service,
};

/// Looks documents up over HTTPS, and keeps what it finds for as long as that may be used.
///
/// Cheap to clone; clones share what is under way and what is kept.
///
/// A certificate that does not match what [was found before](Finding::is_cached) may be a new one,
/// so it is compared again with what [`refetch`](Self::refetch) finds, and only then refused. One
/// that does match is [told](Self::matched).
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    transport: Transport,
    profiles: Vec<Profile>,
    limits: Limits,
    budgets: Arc<Mutex<Budgets>>,
    flights: Flights,
    cache: Mutex<Cache>,
}

impl Client {
    /// Builds a client that trusts the roots in `tls` and asks `resolver` for addresses.
    ///
    /// Every address that `resolver` finds is judged by `guard` before it is connected to; a port
    /// that it gives, other than 0, is taken in place of that of `limits`. Redirects, proxies and
    /// sizes are this crate's to decide, within `limits`; a certificate that `tls` would show is not
    /// shown.
    ///
    /// `profiles` are asked for at once. Their order does not matter: the fingerprints decide where
    /// both are published, and a JWK set where only that is. Where no profile is asked for,
    /// everything is [`Published::Absent`].
    ///
    /// Fails if `tls` cannot be used.
    pub fn new(
        tls: rustls::ClientConfig,
        resolver: Arc<dyn Resolve>,
        guard: AddressGuard,
        profiles: impl Into<Vec<Profile>>,
        limits: Limits,
    ) -> Result<Self, reqwest::Error> {
        let transport = Transport::new(tls, resolver, guard, limits);
        let _can_be_built = transport.open(None)?;
        Ok(Self(Arc::new(Inner {
            transport,
            profiles: profiles.into(),
            limits,
            budgets: Arc::new(Mutex::new(Budgets::new(limits))),
            flights: Flights::default(),
            cache: Mutex::new(Cache::new(limits)),
        })))
    }

    /// What `source` publishes for `service`; asked for by ourselves, so within no budget.
    ///
    /// Ends within [`Limits::timeout`]. Whoever asks while the same is being looked up shares the
    /// result, which [is cached](Finding::is_cached) then, since it may be from before; who stops waiting harms nobody else. Has to be called within a tokio runtime.
    pub async fn fetch(&self, source: &DnsName<'_>, service: &Service) -> Finding {
        self.look_up(source, service, Asker::Ourselves, None).await
    }

    /// The same, because a stranger at `asker` claimed to be `source`: within the budgets of
    /// [`Limits`] for each asker, each host and address fetched from, and the process.
    ///
    /// Where the asker's address is not known, the other budgets hold. Over budget is
    /// [`OverBudget`](crate::FetchError::OverBudget), which says nothing about the domain.
    pub async fn fetch_on_behalf(
        &self,
        source: &DnsName<'_>,
        service: &Service,
        asker: Option<IpAddr>,
    ) -> Finding {
        self.look_up(source, service, Asker::Stranger(asker), None).await
    }

    /// What `source` publishes now: for when a certificate is not proved by what was `seen` before.
    ///
    /// Only a document, or its withdrawal, takes the place of one that may still be used: where
    /// another lookup fails, that one stands (RFC 7711 §6). What others looked up since is shared;
    /// it [is cached](Finding::is_cached), and a certificate that it does not prove either may ask
    /// once more.
    ///
    /// A domain is looked up again once in [`Limits::replace_pause`] at most. Until then the budget
    /// [of the domain](crate::Budget::Domain) is used up where a document was `seen`, and otherwise
    /// `seen` stands.
    pub async fn refetch(
        &self,
        seen: &Finding,
        source: &DnsName<'_>,
        service: &Service,
    ) -> Finding {
        self.look_up(source, service, Asker::Ourselves, Some(seen)).await
    }

    /// The same, for a stranger at `asker`, within all budgets.
    pub async fn refetch_on_behalf(
        &self,
        seen: &Finding,
        source: &DnsName<'_>,
        service: &Service,
        asker: Option<IpAddr>,
    ) -> Finding {
        self.look_up(source, service, Asker::Stranger(asker), Some(seen)).await
    }

    /// Takes note that `leaf` matched what was `seen`, which is then kept before what strangers
    /// claim, and looked up again in the background where it is older than [`Limits::old`].
    ///
    /// What comes of that other look is for whoever goes on relying on the match: where `leaf` is
    /// not in it any more, the match is over. The look is made whether anybody waits or not.
    ///
    /// Has to be called within a tokio runtime.
    pub fn matched(
        &self,
        seen: &Arc<Materials>,
        service: &Service,
        leaf: &CertificateDer<'_>,
    ) -> Option<impl Future<Output = Finding> + Send + use<>> {
        let key = CacheKey::new(seen.source(), service, &self.0.profiles);
        let now = moment();
        // Compared before the cache is locked, which others wait for.
        let found = seen.find(leaf, now.wall).ok()?;
        if !lock(&self.0.cache).matched(&key, seen, &found, now) {
            return None;
        }
        // Where it may not be made now, the next match asks again.
        let (asker, reason) = (Asker::Stranger(None), Some(Reason::Age));
        let under_way = self.0.board(&key, (seen.source(), service), asker, None, reason);
        Some(under_way.ok()?.landing())
    }

    async fn look_up(
        &self,
        source: &DnsName<'_>,
        service: &Service,
        asker: Asker,
        seen: Option<&Finding>,
    ) -> Finding {
        let inner = &self.0;
        let key = CacheKey::new(source, service, &inner.profiles);
        if let Some(known) = inner.known(&key, asker.purpose(), seen) {
            return known;
        }
        let reason = seen.map(|_| Reason::NoProof(asker.purpose()));
        match inner.board(&key, (source, service), asker, seen, reason) {
            Ok(waiting) if waiting.ticket == Ticket::Joined => {
                waiting.landing().await.before(Instant::now())
            }
            Ok(waiting) => waiting.landing().await,
            Err(finding) => finding,
        }
    }
}

impl Inner {
    /// What is at hand, and newer than what was `seen`.
    fn known(&self, key: &CacheKey, purpose: Purpose, seen: Option<&Finding>) -> Option<Finding> {
        let mut cache = lock(&self.cache);
        match seen {
            Some(seen) => cache.newer(key, seen, moment()),
            None => cache.find(key, purpose, moment()),
        }
    }

    /// Joins a flight or starts one, unless there is an answer without one.
    fn board(
        self: &Arc<Self>,
        key: &CacheKey,
        question: (&DnsName<'_>, &Service),
        asker: Asker,
        seen: Option<&Finding>,
        reason: Option<Reason>,
    ) -> Result<Waiting, Finding> {
        let purpose = asker.purpose();
        let prepare = || {
            // What has landed meanwhile is not on the list any more.
            let known =
                if reason == Some(Reason::Age) { None } else { self.known(key, purpose, seen) };
            if let Some(known) = known {
                return Err(known);
            }
            Trip::prepare(self, key, question, asker, reason).map_err(|error| {
                let refusal = Published::Unknown(Arc::new(error));
                match seen {
                    Some(seen) => seen.refused(refusal, Instant::now()),
                    None => Finding::fetched(refusal, Instant::now()),
                }
            })
        };
        let flight = Flight { key: key.clone(), purpose };
        self.flights.board(flight, prepare, Trip::fly)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("profiles", &self.0.profiles)
            .field("limits", &self.0.limits)
            .finish_non_exhaustive()
    }
}
