//! Listeners: how they get over bad moments.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::task::{Context as Task, Poll};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;
use tracing::{debug, warn};

/// Takes the next connection, whatever happens until then: those that are lost before they are
/// taken are passed over, and where the system has no room for another, it is left alone for a
/// moment.
///
/// [`Endpoint::serve`](crate::Endpoint::serve) goes by it; it is for whoever listens without that.
/// Cancel safe.
pub async fn next_connection(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    next(|cx| listener.poll_accept(cx)).await
}

/// The next connection that `accept` gives, whatever happens until then. Cancel safe.
async fn next<T>(mut accept: impl FnMut(&mut Task<'_>) -> Poll<io::Result<T>>) -> T {
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

/// What the network has against a connection comes with accepting it (`man 2 accept`). All other
/// errors come again at once until the system has what it needs.
fn concerns_one_connection(error: &io::Error) -> bool {
    let has_no_kind = || error.raw_os_error().is_some_and(|code| NETWORK_ERRORS.contains(&code));
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::Interrupted
            | io::ErrorKind::NetworkDown
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::TimedOut
    ) || has_no_kind()
}

/// How long nothing is accepted after the system had no descriptor or no memory for it.
const PAUSE: Duration = Duration::from_millis(250);

/// `ENONET`, `EPROTO`, `ENOPROTOOPT` and `EHOSTDOWN` of Linux, which have no kind.
const NETWORK_ERRORS: &[i32] = if cfg!(target_os = "linux") { &[64, 71, 92, 112] } else { &[] };

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
        for kind in [
            io::ErrorKind::ConnectionAborted,
            io::ErrorKind::HostUnreachable,
            io::ErrorKind::NetworkDown,
            io::ErrorKind::NetworkUnreachable,
            io::ErrorKind::TimedOut,
        ] {
            assert_eq!(after(kind.into()).await, Duration::ZERO, "{kind}");
        }
        for &code in NETWORK_ERRORS {
            let error = io::Error::from_raw_os_error(code);
            assert_eq!(after(error).await, Duration::ZERO, "{code}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_system_that_has_no_room_is_left_alone_for_a_moment() {
        const EMFILE: i32 = 24;
        for error in [io::ErrorKind::OutOfMemory.into(), io::Error::from_raw_os_error(EMFILE)] {
            assert!(after(error).await >= PAUSE);
        }
    }
}
