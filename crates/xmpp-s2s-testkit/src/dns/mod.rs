//! A DNS server on loopback whose records can be changed while it runs.

mod handler;
mod zone;

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts,
};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_server::Server;
use tokio::net::{TcpListener, UdpSocket};
use xmpp_s2s::Security;

use crate::log::Log;
use handler::Handler;
use zone::Zone;
pub use zone::{Failure, Service};

/// A DNS server over UDP and TCP that knows what it was told and nothing else. Stops when dropped.
///
/// Names are written without the final dot. What it does not know does not exist (NXDOMAIN).
pub struct Dns {
    address: SocketAddr,
    shared: Arc<Shared>,
    /// Its tasks end with it.
    _server: Server<Handler>,
}

/// A question that was asked.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Query {
    /// The name, in lower case, without the final dot.
    pub name: String,
    /// The type, for example `SRV`.
    pub record_type: String,
}

#[derive(Default)]
struct Shared {
    zone: Mutex<Zone>,
    queries: Log<Query>,
}

impl Dns {
    /// Starts on ports that are free: the same number for UDP and TCP.
    pub async fn start() -> io::Result<Self> {
        let (udp, tcp) = bind().await?;
        let address = udp.local_addr()?;
        let shared = Arc::new(Shared::default());
        let mut server = Server::new(Handler::new(shared.clone()));
        server.register_socket(udp);
        server.register_listener(tcp, Duration::from_secs(10), 64);
        Ok(Self { address, shared, _server: server })
    }

    /// Gives `host` these addresses (A and AAAA) in place of those it had.
    ///
    /// # Panics
    ///
    /// If `host` is not a name, here and in all methods that take names.
    pub fn set_addresses(&self, host: &str, addresses: impl IntoIterator<Item = IpAddr>) {
        self.zone().set_addresses(host, addresses);
    }

    /// Gives `domain` these SRV records in place of those of the same kind that it had:
    /// `_xmpp-server._tcp`, or `_xmpps-server._tcp` for [`Security::Direct`].
    pub fn set_services(
        &self,
        domain: &str,
        security: Security,
        services: impl IntoIterator<Item = Service>,
    ) {
        self.zone().set_services(&service_name(domain, security), services);
    }

    /// Makes `alias` a CNAME of `target`.
    pub fn set_alias(&self, alias: &str, target: &str) {
        self.zone().set_alias(alias, target);
    }

    /// Makes every question about exactly this name fail.
    pub fn set_failure(&self, name: &str, failure: Failure) {
        self.zone().set_failure(name, failure);
    }

    /// Makes every question about the SRV records of `domain` of one kind fail.
    pub fn set_services_failure(&self, domain: &str, security: Security, failure: Failure) {
        self.set_failure(&service_name(domain, security), failure);
    }

    /// Forgets this name and every name below it.
    pub fn remove(&self, name: &str) {
        self.zone().remove(name);
    }

    /// Whether anything was said about exactly this name.
    #[must_use]
    pub fn knows(&self, name: &str) -> bool {
        self.zone().knows(name)
    }

    /// A resolver that asks this server, waits a second for it, twice, and remembers nothing.
    #[must_use]
    pub fn resolver(&self) -> TokioResolver {
        let mut options = ResolverOpts::default();
        options.timeout = Duration::from_secs(1);
        options.attempts = 1;
        options.cache_size = 0;
        options.use_hosts_file = ResolveHosts::Never;
        self.resolver_with(options)
    }

    /// A resolver that asks this server, with options of its own.
    ///
    /// # Panics
    ///
    /// If the options contradict each other.
    #[must_use]
    pub fn resolver_with(&self, options: ResolverOpts) -> TokioResolver {
        let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut to| {
            to.port = self.address.port();
            to
        });
        let server = NameServerConfig::new(self.address.ip(), true, connections.into());
        let config = ResolverConfig::from_parts(None, vec![], vec![server]);
        TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
            .with_options(options)
            .build()
            .expect("the options are consistent")
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Every question so far, repeated ones too.
    #[must_use]
    pub fn queries(&self) -> &Log<Query> {
        &self.shared.queries
    }

    fn zone(&self) -> MutexGuard<'_, Zone> {
        self.shared.zone()
    }
}

impl Shared {
    fn zone(&self) -> MutexGuard<'_, Zone> {
        self.zone.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Dns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dns").field("address", &self.address).finish_non_exhaustive()
    }
}

fn service_name(domain: &str, security: Security) -> String {
    match security {
        Security::Direct => format!("_xmpps-server._tcp.{domain}"),
        Security::StartTls => format!("_xmpp-server._tcp.{domain}"),
    }
}

/// A UDP port whose number is free for TCP too.
async fn bind() -> io::Result<(UdpSocket, TcpListener)> {
    const ATTEMPTS: usize = 16;
    let mut last = None;
    for _ in 0..ATTEMPTS {
        let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        match TcpListener::bind(udp.local_addr()?).await {
            Ok(tcp) => return Ok((udp, tcp)),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| io::Error::other("no attempt was made")))
}
