//! Listeners: how they get over bad moments.

use std::future::poll_fn;
use std::io;
use std::task::{Context as Task, Poll};
use std::time::Duration;

use tokio::time::sleep;
use tracing::{debug, warn};

/// How long nothing is accepted after the system had no descriptor or no memory for it.
const PAUSE: Duration = Duration::from_millis(250);

/// The next connection that `accept` gives, whatever happens until then. Cancel safe.
pub(crate) async fn next<T>(mut accept: impl FnMut(&mut Task<'_>) -> Poll<io::Result<T>>) -> T {
    loop {
        match poll_fn(&mut accept).await {
            Ok(accepted) => return accepted,
            Err(error) if concerns_one_connection(&error) => {
                debug!(target: "xmpp_s2s", %error, "connection lost before it was accepted");
            }
            Err(error) => {
                warn!(target: "xmpp_s2s", %error, "cannot take connections for a moment");
                sleep(PAUSE).await;
            }
        }
    }
}

/// All other errors come again at once until the system has what it needs.
fn concerns_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    /// How long it takes to accept after `error`.
    async fn after(error: io::Error) -> Duration {
        let (start, mut error) = (Instant::now(), Some(error));
        next(|_| Poll::Ready(error.take().map_or(Ok(()), Err))).await;
        start.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_is_lost_holds_up_no_other() {
        assert_eq!(after(io::ErrorKind::ConnectionAborted.into()).await, Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_system_that_has_no_room_is_left_alone_for_a_moment() {
        assert!(after(io::ErrorKind::OutOfMemory.into()).await >= PAUSE);
    }
}
