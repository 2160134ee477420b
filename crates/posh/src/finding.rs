//! What is known of a source domain, and from when.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls_pki_types::UnixTime;

use crate::Published;

/// What is known of what a source domain publishes, and how it became known.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Finding {
    /// What is known.
    pub published: Published,
    /// How it became known.
    pub origin: Origin,
    /// When the lookup began that it came from.
    pub(crate) began: Instant,
}

impl Finding {
    /// What a lookup that began at `began` came to.
    pub fn fetched(published: Published, began: Instant) -> Self {
        Self { published, origin: Origin::Fetched, began }
    }

    /// Whether it was found before it was asked for, and may be out of date: a certificate that
    /// does not match it is to be compared again with what another lookup finds.
    pub fn is_cached(&self) -> bool {
        matches!(self.origin, Origin::Cached { .. })
    }

    /// Whether the last look was not made, or not to its end, for reasons of our own.
    pub fn is_withheld(&self) -> bool {
        match &self.origin {
            Origin::Stale { instead, .. } => instead.is_withheld(),
            Origin::Fetched | Origin::Refetched | Origin::Cached { .. } => {
                self.published.is_withheld()
            }
        }
    }

    /// The same for someone who began to ask when it was being looked up already: what it does not
    /// prove may have come up since (A10).
    #[cfg(feature = "client")]
    pub(crate) fn before(self, now: Instant) -> Self {
        match self.origin {
            Origin::Fetched | Origin::Refetched => {
                let age = now.saturating_duration_since(self.began);
                Self { origin: Origin::Cached { age }, ..self }
            }
            Origin::Cached { .. } | Origin::Stale { .. } => self,
        }
    }

    /// What there is to say where another lookup may not be made: that a certificate does not match
    /// is not believed then, and that there is nothing stands (A10, A11).
    #[cfg(feature = "client")]
    pub(crate) fn refused(&self, refusal: Published, now: Instant) -> Self {
        match self.published {
            Published::Found(_) => Self::fetched(refusal, now),
            Published::Absent | Published::Unknown(_) => {
                let age = now.saturating_duration_since(self.began);
                let origin = Origin::Stale { age, instead: refusal };
                Self { origin, ..self.clone() }
            }
        }
    }
}

/// How something became known.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Origin {
    /// It was looked up when it was asked for, or was to be.
    Fetched,
    /// It was looked up anew, since what had been found before proved nothing.
    Refetched,
    /// It was found before.
    Cached {
        /// How long ago its lookup began.
        age: Duration,
    },
    /// It was found before, and a lookup to replace it came to nothing that could.
    Stale {
        /// How long ago its own lookup began.
        age: Duration,
        /// What the other came to.
        instead: Published,
    },
}

/// A point in time by both clocks: the monotonic one, which a suspended machine may stop, and the
/// wall clock, which may be set.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_structs, reason = "made by whoever has the clocks")]
pub struct Moment {
    /// The monotonic time.
    pub monotonic: Instant,
    /// The time of day.
    pub wall: UnixTime,
}

impl Moment {
    /// How long ago `earlier` was, by the clock that says more.
    pub(crate) fn since(&self, earlier: &Self) -> Duration {
        let wall = self.wall.as_secs().saturating_sub(earlier.wall.as_secs());
        let monotonic = self.monotonic.saturating_duration_since(earlier.monotonic);
        monotonic.max(Duration::from_secs(wall))
    }
}

impl Published {
    /// About how many bytes of the heap it holds.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Found(materials) => materials.size(),
            Self::Absent => 0,
            // Its URLs and excerpts stand in its text, and causes that hyper has are small.
            Self::Unknown(error) => 512 + 2 * error.to_string().len(),
        }
    }

    /// Whether it is just this one.
    pub(crate) fn is(&self, materials: &Arc<crate::Materials>) -> bool {
        matches!(self, Self::Found(found) if Arc::ptr_eq(found, materials))
    }
}
