//! Looks documents up over HTTPS: drives [`Lookup`] with reqwest.
//!
//! ```text
//! Client ─► Flights ─► walk of each profile ─► decision
//!              │         └─► Transport ─► VettedResolver ─► AddressGuard
//!           Budgets ◄──────────┴───────────────┘
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
mod walk;

use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use reqwest::dns::Resolve;
use rustls_pki_types::DnsName;

pub use self::address::AddressGuard;
use self::budget::{Budgets, Charge, Network};
use self::flight::{Flights, Key, Purpose};
pub use self::nat64::InvalidNat64;
use self::transport::Transport;
use self::walk::Walker;
use crate::lookup::{Lookup, normalised};
use crate::{Budget, FetchError, Limits, Profile, Published, Service};

/// Looks documents up over HTTPS.
///
/// Cheap to clone; clones share what is under way. Nothing is kept once it has been found.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    transport: Transport,
    profiles: Vec<Profile>,
    limits: Limits,
    budgets: Arc<Mutex<Budgets>>,
    flights: Flights,
}

impl Client {
    /// Builds a client that trusts the roots in `tls` and asks `resolver` for addresses.
    ///
    /// Every address that `resolver` finds is judged by `guard` before it is connected to. Redirects,
    /// proxies and sizes are this crate's to decide, within `limits`.
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
        })))
    }

    /// What `source` publishes for `service`; asked for by ourselves, so within no budget.
    ///
    /// Ends within [`Limits::timeout`]. Whoever asks while the same is being looked up shares the
    /// result; who stops waiting harms nobody else. Has to be called within a tokio runtime.
    pub async fn fetch(&self, source: &DnsName<'_>, service: &Service) -> Published {
        self.look_up(source, service, Purpose::Ourselves, || Ok(None)).await
    }

    /// The same, because a stranger at `asker` claimed to be `source`: within the budgets of
    /// [`Limits`] for each asker, each host and address fetched from, and the process.
    ///
    /// Where the asker's address is not known, the other budgets hold. Over budget is
    /// [`FetchError::OverBudget`], which says nothing about the domain.
    pub async fn fetch_on_behalf(
        &self,
        source: &DnsName<'_>,
        service: &Service,
        asker: Option<IpAddr>,
    ) -> Published {
        let budgets = &self.0.budgets;
        let begin = || {
            let asker = asker.map(Network::from);
            Charge::begin(budgets, asker, Instant::now()).map(|charge| Some(Arc::new(charge)))
        };
        self.look_up(source, service, Purpose::Stranger, begin).await
    }

    async fn look_up(
        &self,
        source: &DnsName<'_>,
        service: &Service,
        purpose: Purpose,
        charge: impl FnOnce() -> Result<Option<Arc<Charge>>, Budget>,
    ) -> Published {
        let lookups = match self.0.lookups(source, service) {
            Ok(lookups) => lookups,
            Err(error) => return Published::Unknown(Arc::new(error)),
        };
        let key = Key { source: normalised(source), service: service.clone(), purpose };
        let waiting = self.0.flights.board(key, || {
            let inner = Arc::clone(&self.0);
            charge().map(|charge| async move { inner.fly(lookups, charge, purpose).await })
        });
        match waiting {
            Ok(waiting) => waiting.landing().await,
            Err(budget) => Published::Unknown(Arc::new(FetchError::OverBudget(budget))),
        }
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

/// The lookups of one flight, of the profiles that are asked for.
struct Lookups {
    fingerprints: Option<Lookup>,
    key_set: Option<Lookup>,
}

impl Inner {
    fn lookups(&self, source: &DnsName<'_>, service: &Service) -> Result<Lookups, FetchError> {
        let lookup = |profile| {
            let asked = self.profiles.contains(&profile);
            asked.then(|| Lookup::new(source, service, profile, self.limits)).transpose()
        };
        Ok(Lookups { fingerprints: lookup(Profile::Rfc7711)?, key_set: lookup(Profile::Draft02)? })
    }

    async fn fly(
        &self,
        lookups: Lookups,
        charge: Option<Arc<Charge>>,
        purpose: Purpose,
    ) -> Published {
        let Lookups { fingerprints, key_set } = lookups;
        let walker = Walker { transport: &self.transport, charge, start: Instant::now() };
        match (fingerprints, key_set) {
            (Some(fingerprints), Some(key_set)) => {
                decision::of_both(walker.walk(fingerprints), walker.walk(key_set), purpose).await
            }
            (Some(lookup), None) | (None, Some(lookup)) => {
                walker.walk(lookup).await.into_published()
            }
            (None, None) => Published::Absent,
        }
    }
}
