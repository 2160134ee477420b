//! Which of two documents decides.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::flight::Purpose;
use crate::burnt::Burnt;
use crate::lookup_error::LookupError;
use crate::{FetchError, Materials, Published};

/// How the lookup of one profile ended.
#[derive(Debug)]
pub(super) enum Outcome {
    Found(Materials),
    /// The source domain's own path answered that there is nothing (A5).
    Absent,
    /// The source domain's own path answered, but not with JSON.
    NotJson(LookupError),
    Failed {
        error: FetchError,
        burnt: Burnt,
    },
}

impl Outcome {
    /// What it says alone.
    pub(super) fn into_published(self) -> Published {
        match self {
            Self::Found(materials) => Published::Found(Arc::new(materials)),
            Self::Absent => Published::Absent,
            Self::NotJson(error) => Published::Unknown(Arc::new(error.into())),
            Self::Failed { error, .. } => Published::Unknown(Arc::new(error)),
        }
    }

    /// Failed before any document came.
    pub(super) fn failed(error: FetchError) -> Self {
        Self::Failed { error, burnt: Burnt::default() }
    }

    /// Keys whose private part the documents give away.
    fn into_burnt(self) -> Burnt {
        match self {
            Self::Found(materials) => materials.into_burnt(),
            Self::Failed { burnt, .. } => burnt,
            Self::Absent | Self::NotJson(_) => Burnt::default(),
        }
    }
}

/// Waits for both lookups as far as needed, and decides.
///
/// Fingerprints that were found only wait for the JWK set since it may show that a key is burnt
/// (A20). If they failed, nothing can be known any more.
///
/// Where we ask for ourselves they wait no longer than [`STRAGGLER`]: a host that never answers for
/// the JWK set would else delay every connection to its domain, and the price is that a burnt key
/// may be taken which that host could still have named. A stranger waits until the lookup of the
/// JWK set ends: whoever makes us look must not win by a slow answer.
pub(super) async fn of_both(
    fingerprints: impl Future<Output = Outcome>,
    key_set: impl Future<Output = Outcome>,
    purpose: Purpose,
) -> Published {
    let mut fingerprints = pin!(fingerprints);
    let mut key_set = pin!(key_set);
    let fingerprints = tokio::select! {
        biased;
        fingerprints = &mut fingerprints => fingerprints,
        key_set = &mut key_set => return decide(fingerprints.await, key_set),
    };
    match fingerprints {
        Outcome::Found(_) => match purpose {
            Purpose::Stranger => decide(fingerprints, key_set.await),
            Purpose::Ourselves => match timeout(STRAGGLER, key_set).await {
                Ok(key_set) => decide(fingerprints, key_set),
                Err(_) => fingerprints.into_published(),
            },
        },
        Outcome::Absent | Outcome::NotJson(_) => decide(fingerprints, key_set.await),
        Outcome::Failed { .. } => fingerprints.into_published(),
    }
}

/// A JWK set decides only where the path of the fingerprints answered that there are none, or with
/// something that is not JSON (A6). A key that it burns is refused everywhere (A20).
fn decide(fingerprints: Outcome, key_set: Outcome) -> Published {
    match (fingerprints, key_set) {
        (Outcome::Found(mut materials), key_set) => {
            materials.burn(key_set.into_burnt());
            Published::Found(Arc::new(materials))
        }
        (
            Outcome::Absent | Outcome::NotJson(_),
            key_set @ (Outcome::Found(_) | Outcome::Failed { .. }),
        ) => key_set.into_published(),
        (Outcome::Absent, key_set) => key_set.into_published(),
        (fingerprints, _) => fingerprints.into_published(),
    }
}

/// How long fingerprints that we ask for ourselves wait for the JWK set.
const STRAGGLER: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests;
