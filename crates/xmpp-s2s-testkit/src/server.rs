//! XMPP servers: endpoints with a listener, that note what comes in.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use rustls::sign::CertifiedKey;
use tokio::net::{TcpListener, TcpStream};
use xmpp_s2s::{AcceptError, Config, Domain, Endpoint, InboundError, Peer, Security, Stanza};

use crate::dns::Service;
use crate::identity::Identity;
use crate::log::Log;
use crate::task::Task;
use crate::world::World;

/// A server that is not started yet.
#[must_use = "a server has to be started"]
pub struct ServerBuilder<'a> {
    world: &'a World,
    host: String,
    identities: HashMap<Domain, Arc<CertifiedKey>>,
    securities: Vec<Security>,
    configure: Box<dyn FnOnce(&mut Config) + 'a>,
}

impl<'a> ServerBuilder<'a> {
    pub(crate) fn new(world: &'a World, host: &str) -> Self {
        Self {
            world,
            host: host.to_owned(),
            identities: HashMap::new(),
            securities: vec![Security::StartTls],
            configure: Box::new(|_| ()),
        }
    }

    /// Hosts `domain`, and shows `identity` for it.
    ///
    /// # Panics
    ///
    /// If `domain` is not a domain name.
    pub fn domain(mut self, domain: &str, identity: &Identity) -> Self {
        let domain = domain.parse().expect("a domain name");
        self.identities.insert(domain, identity.certified_key());
        self
    }

    /// Which SRV records its domains get: STARTTLS alone if this is not called. The listener takes
    /// both in any case.
    pub fn reached_by(self, securities: &[Security]) -> Self {
        Self { securities: securities.to_vec(), ..self }
    }

    /// Changes the configuration that [`World::config`] gives, and earlier calls have changed.
    pub fn configure(self, change: impl FnOnce(&mut Config) + 'a) -> Self {
        let earlier = self.configure;
        let configure = Box::new(move |config: &mut Config| {
            earlier(config);
            change(config);
        });
        Self { configure, ..self }
    }

    /// Starts to listen on a port that is free, and points the SRV records of its domains there.
    pub async fn start(self) -> io::Result<Server> {
        let domains: Vec<_> =
            self.identities.keys().map(|domain| domain.to_dns().clone()).collect();
        let mut config = self.world.config(self.identities);
        (self.configure)(&mut config);
        let server = Server::start(config).await?;
        let dns = &self.world.dns;
        dns.set_addresses(&self.host, [server.address.ip()]);
        for domain in &domains {
            for security in &self.securities {
                let service = Service::at(&self.host, server.address.port());
                dns.set_services(domain.as_ref(), *security, [service]);
            }
        }
        Ok(server)
    }
}

impl fmt::Debug for ServerBuilder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerBuilder").field("host", &self.host).finish_non_exhaustive()
    }
}

/// An XMPP server. It takes every peer that proves itself, and stops when it is dropped.
#[derive(Debug)]
pub struct Server {
    endpoint: Endpoint,
    address: SocketAddr,
    events: Arc<Events>,
    _listening: Task,
}

#[derive(Debug, Default)]
struct Events {
    stanzas: Log<Stanza>,
    peers: Log<Peer>,
    refusals: Log<AcceptError>,
    endings: Log<Result<(), InboundError>>,
}

impl Server {
    async fn start(config: Config) -> io::Result<Self> {
        let listener = TcpListener::bind((IpAddr::V4(Ipv4Addr::LOCALHOST), 0)).await?;
        let address = listener.local_addr()?;
        let endpoint = Endpoint::new(config).map_err(io::Error::other)?;
        let events = Arc::new(Events::default());
        let (accepting, noting) = (endpoint.clone(), events.clone());
        let listening =
            Task::serve(listener, move |stream| accept(accepting.clone(), stream, noting.clone()));
        Ok(Self { endpoint, address, events, _listening: listening })
    }

    /// The endpoint.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Where it listens, for STARTTLS and for direct TLS.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Every stanza that came in.
    #[must_use]
    pub fn stanzas(&self) -> &Log<Stanza> {
        &self.events.stanzas
    }

    /// Every peer that proved itself to us.
    #[must_use]
    pub fn peers(&self) -> &Log<Peer> {
        &self.events.peers
    }

    /// Every connection that did not become a stream.
    #[must_use]
    pub fn refusals(&self) -> &Log<AcceptError> {
        &self.events.refusals
    }

    /// How every inbound stream that carried stanzas ended.
    #[must_use]
    pub fn endings(&self) -> &Log<Result<(), InboundError>> {
        &self.events.endings
    }
}

async fn accept(endpoint: Endpoint, stream: TcpStream, events: Arc<Events>) {
    let address = stream.peer_addr().ok();
    let incoming = match endpoint.accept(stream, address).await {
        Ok(incoming) => incoming,
        Err(error) => return events.refusals.push(error),
    };
    let mut inbound = match incoming.authenticate().await {
        Ok(inbound) => inbound,
        Err(error) => return events.refusals.push(error),
    };
    for peer in inbound.peers() {
        events.peers.push(peer.clone());
    }
    let ending = loop {
        match inbound.next().await {
            Ok(Some(stanza)) => events.stanzas.push(stanza),
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    events.endings.push(ending);
}
