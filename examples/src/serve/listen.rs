//! Listeners, and what to do where one cannot be had.

use std::io;
use std::net::SocketAddr;

use socket2::{Domain, Protocol, Socket, Type};
use thiserror::Error;
use tokio::net::TcpListener;

/// How many connections wait to be accepted.
const BACKLOG: i32 = 1024;

/// Listens on every one of `addresses`, or on none.
pub(crate) fn bind(addresses: &[SocketAddr]) -> Result<Vec<TcpListener>, ListenError> {
    let mut listeners = Vec::with_capacity(addresses.len());
    for &address in addresses {
        listeners.push(listen(address).map_err(|error| ListenError { address, error })?);
    }
    Ok(listeners)
}

/// An IPv6 socket takes no IPv4: that is for an address of its own, which could not be had else.
fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // A server that starts again does not wait for connections of the one before.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
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
            "ports below 1024 need a privilege (CAP_NET_BIND_SERVICE): grant it, or put another \
             port into `listen`"
        }
        _ => "put another address into `listen`",
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpStream;

    use super::*;

    #[tokio::test]
    async fn an_address_in_use_is_told_with_the_fix() {
        let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = taken.local_addr().unwrap();
        assert_eq!(
            bind(&[address]).unwrap_err().to_string(),
            format!(
                "cannot listen on {address}; a server is running there: stop it, or put another \
                 address into `listen`"
            )
        );
    }

    #[test]
    fn a_port_that_needs_a_privilege_is_told_with_the_fix() {
        let error = io::Error::from(io::ErrorKind::PermissionDenied);
        let error = ListenError { address: ([0; 4], 79).into(), error };
        assert_eq!(
            error.to_string(),
            "cannot listen on 0.0.0.0:79; ports below 1024 need a privilege \
             (CAP_NET_BIND_SERVICE): grant it, or put another port into `listen`"
        );
    }

    #[tokio::test]
    async fn all_addresses_of_both_families_share_a_port() {
        let free = TcpListener::bind("[::]:0").await.unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let both = ["0.0.0.0", "[::]"].map(|ip| format!("{ip}:{port}").parse().unwrap());
        let listeners = bind(&both).unwrap();
        for (listener, target) in listeners.iter().zip(["127.0.0.1", "::1"]) {
            let connecting = TcpStream::connect((target, port));
            let (connected, accepted) = tokio::join!(connecting, listener.accept());
            assert!(connected.is_ok() && accepted.is_ok());
        }
    }
}
