//! Which of two documents decides.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use rustls_pki_types::UnixTime;
use tokio::time::timeout;

use crate::burnt::Burnt;
use crate::lookup_error::LookupError;
use crate::{FetchError, Materials, Published, Purpose};

/// How the lookup of one profile ended.
#[derive(Debug)]
pub(super) enum Outcome {
    Found(Materials),
    /// The source domain's own path answered that there is nothing (A5), which is good until then.
    Absent(UnixTime),
    /// The source domain's own path answered, but not with JSON, which is good until then.
    NotJson(LookupError, UnixTime),
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
            Self::Absent(_) => Published::Absent,
            Self::NotJson(error, _) => Published::Unknown(Arc::new(error.into())),
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
            Self::Absent(_) | Self::NotJson(..) => Burnt::default(),
        }
    }
}

/// Waits for both lookups as far as needed, and decides.
///
/// Fingerprints that were found only wait for the JWK set since it may show that a key is burnt
/// (A20). If they failed, nothing can be known any more.
///
/// Where we ask for ourselves they wait no longer than [`STRAGGLER`], and are handed to `early`: a
/// host that never answers for the JWK set would else delay every connection to its domain, and the
/// price is that a burnt key may be taken which that host could still have named. What is decided
/// in the end always knows both.
pub(super) async fn of_both(
    fingerprints: impl Future<Output = Outcome>,
    key_set: impl Future<Output = Outcome>,
    purpose: Purpose,
    early: impl FnOnce(Published),
) -> Published {
    let mut fingerprints = pin!(fingerprints);
    let mut key_set = pin!(key_set);
    let fingerprints = tokio::select! {
        biased;
        fingerprints = &mut fingerprints => fingerprints,
        key_set = &mut key_set => return decide(fingerprints.await, key_set),
    };
    match &fingerprints {
        Outcome::Failed { .. } => return fingerprints.into_published(),
        Outcome::Found(materials) if purpose == Purpose::Ourselves => {
            match timeout(STRAGGLER, &mut key_set).await {
                Ok(key_set) => return decide(fingerprints, key_set),
                Err(_) => early(Published::Found(Arc::new(materials.clone()))),
            }
        }
        Outcome::Found(_) | Outcome::Absent(_) | Outcome::NotJson(..) => {}
    }
    decide(fingerprints, key_set.await)
}

/// A JWK set decides only where the path of the fingerprints answered that there are none, or with
/// something that is not JSON, and no longer than that is good for (A6). A key that it burns is
/// refused everywhere (A20).
fn decide(fingerprints: Outcome, key_set: Outcome) -> Published {
    match (fingerprints, key_set) {
        // Whether their key is burnt cannot be told at present (A12).
        (Outcome::Found(_), Outcome::Failed { error: error @ FetchError::OverBudget(_), .. }) => {
            Published::Unknown(Arc::new(error))
        }
        (Outcome::Found(mut materials), key_set) => {
            materials.burn(key_set.into_burnt());
            Published::Found(Arc::new(materials))
        }
        (Outcome::Absent(until) | Outcome::NotJson(_, until), Outcome::Found(mut materials)) => {
            materials.end_by(until);
            Published::Found(Arc::new(materials))
        }
        (Outcome::Absent(_) | Outcome::NotJson(..), key_set @ Outcome::Failed { .. }) => {
            key_set.into_published()
        }
        (Outcome::Absent(_), key_set) => key_set.into_published(),
        (fingerprints, _) => fingerprints.into_published(),
    }
}

/// How long fingerprints that we ask for ourselves wait for the JWK set.
const STRAGGLER: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests;
