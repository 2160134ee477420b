//! The time, and points in it that no limit of an embedder can carry beyond reach.

use std::time::Duration;

use tokio::time::Instant;

/// The time as the protocol wants it.
pub(crate) fn now() -> std::time::Instant {
    Instant::now().into_std()
}

/// The time when `duration` will have passed; a year from now for any that is longer.
pub(crate) fn after(duration: Duration) -> Instant {
    const YEAR: Duration = Duration::from_secs(366 * 24 * 60 * 60);
    Instant::now() + duration.min(YEAR)
}
