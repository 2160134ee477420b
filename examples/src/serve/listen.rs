//! Listeners: how they are opened, and how they get over bad moments.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};
use tracing::{debug, warn};

/// How long nothing is accepted after the system had no descriptor or no memory for it.
const PAUSE: Duration = Duration::from_millis(250);

/// Listens on every one of `addresses`, or on none.
pub(crate) async fn bind(addresses: &[SocketAddr]) -> Result<Vec<TcpListener>, ListenError> {
    let mut listeners = Vec::with_capacity(addresses.len());
    for &address in addresses {
        let listener = TcpListener::bind(address).await;
        listeners.push(listener.map_err(|error| ListenError { address, error })?);
    }
    Ok(listeners)
}

/// An address that cannot be listened on, with what to do about it.
#[derive(Debug, Error)]
#[error("cannot listen on {address}; {}", fix(error))]
pub(crate) struct ListenError {
    address: SocketAddr,
    #[source]
    error: io::Error,
}

fn fix(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "a server is running there: stop it, or put another address into `listen`"
        }
        io::ErrorKind::AddrNotAvailable => {
            "put an address of this machine into `listen`, or 0.0.0.0 for all of them"
        }
        io::ErrorKind::PermissionDenied => {
            "low ports need a privilege: put another port into `listen`"
        }
        _ => "put another address into `listen`",
    }
}

/// The next connection, whatever happens until then.
pub(super) async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) if concerns_one_connection(&error) => debug!(%error, "connection lost"),
            Err(error) => {
                warn!(%error, "cannot take connections for a moment");
                tokio::time::sleep(PAUSE).await;
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
    use super::*;

    #[tokio::test]
    async fn an_address_in_use_is_told_with_the_fix() {
        let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = taken.local_addr().unwrap();
        assert_eq!(
            bind(&[address]).await.unwrap_err().to_string(),
            format!(
                "cannot listen on {address}; a server is running there: stop it, or put another \
                 address into `listen`"
            )
        );
    }
}
