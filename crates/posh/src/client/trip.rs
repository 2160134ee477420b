//! One lookup in all profiles, from the leave to make it to what is kept of it.

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use rustls_pki_types::{DnsName, UnixTime};

use super::budget::{Charge, Network};
use super::flight::Early;
use super::lock::lock;
use super::walk::Walker;
use super::{Inner, decision};
use crate::lookup::Lookup;
use crate::{
    Asked, Budget, CacheKey, FetchError, Finding, Moment, Profile, Published, Purpose, Reason,
    Service,
};

/// Who asks, as far as budgets go.
#[derive(Clone, Copy, Debug)]
pub(super) enum Asker {
    Ourselves,
    Stranger(Option<IpAddr>),
}

impl Asker {
    pub(super) fn purpose(self) -> Purpose {
        match self {
            Self::Ourselves => Purpose::Ourselves,
            Self::Stranger(_) => Purpose::Stranger,
        }
    }
}

/// A lookup that may be made, and has not begun.
pub(super) struct Trip {
    inner: Arc<Inner>,
    key: CacheKey,
    fingerprints: Option<Lookup>,
    key_set: Option<Lookup>,
    charge: Option<Arc<Charge>>,
    asked: Asked,
}

impl Trip {
    /// Asks the budgets; that of the domain last, so that what others forbid does not use it up.
    pub(super) fn prepare(
        inner: &Arc<Inner>,
        key: &CacheKey,
        (source, service): (&DnsName<'_>, &Service),
        asker: Asker,
        reason: Option<Reason>,
    ) -> Result<Self, FetchError> {
        let lookup = |profile| {
            let asked = inner.profiles.contains(&profile);
            asked.then(|| Lookup::new(source, service, profile, inner.limits)).transpose()
        };
        let (fingerprints, key_set) = (lookup(Profile::Rfc7711)?, lookup(Profile::Draft02)?);
        let began = moment();
        let charge = match asker {
            Asker::Ourselves => None,
            Asker::Stranger(address) => {
                let network = address.map(Network::from);
                let charge = Charge::begin(&inner.budgets, network, began.monotonic);
                Some(Arc::new(charge.map_err(FetchError::OverBudget)?))
            }
        };
        if reason.is_some_and(|reason| !lock(&inner.cache).may_replace(key, reason, began)) {
            return Err(FetchError::OverBudget(Budget::Domain));
        }
        let asked = Asked { purpose: asker.purpose(), began, reason };
        let (inner, key) = (Arc::clone(inner), key.clone());
        Ok(Self { inner, key, fingerprints, key_set, charge, asked })
    }

    /// Looks up, and keeps what is found; ourselves it may let go `early`.
    pub(super) async fn fly(self, early: Early) -> Finding {
        let Self { inner, key, fingerprints, key_set, charge, asked } = self;
        let walker = Walker { transport: &inner.transport, charge, start: Instant::now() };
        let published = match (fingerprints, key_set) {
            (Some(fingerprints), Some(key_set)) => {
                let (fingerprints, key_set) = (walker.walk(fingerprints), walker.walk(key_set));
                let began = asked.began.monotonic;
                let early = |published| early.bring(Finding::fetched(published, began));
                decision::of_both(fingerprints, key_set, asked.purpose, early).await
            }
            (Some(lookup), None) | (None, Some(lookup)) => {
                walker.walk(lookup).await.into_published()
            }
            (None, None) => Published::Absent,
        };
        lock(&inner.cache).keep(&key, published, asked, moment(), dice())
    }
}

/// Now.
pub(super) fn moment() -> Moment {
    Moment { monotonic: Instant::now(), wall: UnixTime::now() }
}

/// Random bits, of which nothing depends on being secret.
fn dice() -> u64 {
    RandomState::new().hash_one(())
}
