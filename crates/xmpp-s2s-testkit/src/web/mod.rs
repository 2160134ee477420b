//! Web hosts: one HTTPS listener on loopback, many names, each with its own certificate.

mod connection;
mod reply;
mod request;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustls::ServerConfig;
use tokio::net::TcpListener;

use crate::identity::Identity;
use crate::log::Log;
use crate::task::Task;
use crate::tls;
pub use reply::{Hold, Reply};
pub use request::Request;

/// Web hosts that say what they were told to, or misbehave. They stop when this is dropped.
///
/// All share one address; the name in TLS (SNI) tells them apart. A path that nothing was said
/// about is answered with 404, a name that nothing was said about with a TLS alert.
#[derive(Debug)]
pub struct Web {
    address: SocketAddr,
    shared: Arc<Shared>,
    _listening: Task,
}

/// How a host fails before any HTTP.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum TlsFault {
    /// It speaks nothing newer than TLS 1.1.
    OnlyTls11,
    /// It does not answer the client's hello.
    Silence,
    /// It resets the connection.
    Reset,
}

#[derive(Debug, Default)]
struct Shared {
    hosts: Mutex<HashMap<String, Host>>,
    connections: Log<SocketAddr>,
    requests: Log<Request>,
}

#[derive(Clone, Debug)]
struct Host {
    tls: Result<Arc<ServerConfig>, TlsFault>,
    paths: HashMap<String, Reply>,
}

impl Web {
    /// Starts on a port that is free.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        let serving = shared.clone();
        let listening =
            Task::serve(listener, move |stream| connection::serve(stream, serving.clone()));
        Ok(Self { address, shared, _listening: listening })
    }

    /// Opens `host`, which shows `identity` from now on: with another name, expired, or of another
    /// authority, if that is to be tested.
    pub fn host(&self, host: &str, identity: &Identity) {
        self.set_tls(host, Ok(tls::web_server(identity)));
    }

    /// Makes `host` fail before any HTTP from now on.
    pub fn host_fault(&self, host: &str, fault: TlsFault) {
        self.set_tls(host, Err(fault));
    }

    /// Makes `host` answer every request for `path` so.
    ///
    /// # Panics
    ///
    /// If the host was not opened with [`Self::host`].
    pub fn serve(&self, host: &str, path: &str, reply: Reply) {
        let mut hosts = self.shared.hosts();
        let host = hosts.get_mut(&key(host)).expect("a host that was opened before");
        host.paths.insert(path.to_owned(), reply);
    }

    /// Whether `host` was opened, or made to fail.
    #[must_use]
    pub fn is_open(&self, host: &str) -> bool {
        self.shared.hosts().contains_key(&key(host))
    }

    /// Where every host listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Every TCP connection so far, by the client's address.
    #[must_use]
    pub fn connections(&self) -> &Log<SocketAddr> {
        &self.shared.connections
    }

    /// Every request so far, of all hosts.
    #[must_use]
    pub fn requests(&self) -> &Log<Request> {
        &self.shared.requests
    }

    fn set_tls(&self, host: &str, tls: Result<Arc<ServerConfig>, TlsFault>) {
        let mut hosts = self.shared.hosts();
        match hosts.entry(key(host)) {
            Entry::Occupied(mut host) => host.get_mut().tls = tls,
            Entry::Vacant(place) => drop(place.insert(Host { tls, paths: HashMap::new() })),
        }
    }
}

/// Names are the same in upper and lower case (RFC 4343).
fn key(host: &str) -> String {
    host.to_ascii_lowercase()
}

impl Shared {
    fn hosts(&self) -> MutexGuard<'_, HashMap<String, Host>> {
        self.hosts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reply(&self, request: &Request) -> Reply {
        let hosts = self.hosts();
        let host = hosts.get(&key(&request.server_name));
        let reply = host.and_then(|host| host.paths.get(request.path())).cloned();
        reply.unwrap_or_else(|| Reply::status(404))
    }
}
