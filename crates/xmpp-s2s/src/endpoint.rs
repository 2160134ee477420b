//! This server, as other servers meet it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::net::NetError;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use xmpp_s2s_proto::dna::{Policy, Prooftype};
use xmpp_s2s_proto::{Domain, Pair, Stanza, Trail};

use crate::admission::Admission;
use crate::arrival::{AcceptError, accept};
use crate::config::Config;
use crate::context::Context;
use crate::delivery::{Delivery, Undelivered};
use crate::discovery::{Discovery, Extent, Finder, FinderError};
use crate::inbound::{Claimed, Incoming};
use crate::listener::next_connection;
use crate::outbound::{Sights, Visit, explore};
use crate::peer::{Peer, Registry};
use crate::pool::Pool;
use crate::standing::{Standing, standing};

/// A configuration that cannot work.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// No prooftype is allowed, or POSH alone without a profile, so nobody could ever be
    /// authenticated.
    #[error("a policy allows no prooftype")]
    NoProoftype,
    /// The system's resolver configuration is unusable.
    #[error("cannot set the resolver up")]
    Resolver(#[source] NetError),
    /// rustls does not accept the configuration.
    #[error("cannot set TLS up")]
    Tls(#[from] rustls::Error),
    /// A NAT64 prefix is none.
    #[error("cannot use a NAT64 prefix")]
    Nat64(#[source] posh::InvalidNat64),
    /// The HTTPS client cannot be built.
    #[error("cannot set HTTPS up")]
    Https(#[source] reqwest::Error),
}

/// This server, as other servers meet it. Cheap to clone.
///
/// When the last clone is dropped, its streams are closed; [`close`](Self::close) also sends what
/// still waits, and tells what could not be sent.
#[derive(Clone, Debug)]
pub struct Endpoint(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    context: Arc<Context>,
    pool: Arc<Pool>,
    unauthenticated: Admission,
    authenticated: Admission,
    inbound: Registry,
}

impl Endpoint {
    /// Checks `config` and builds the TLS, HTTPS and DNS clients.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        let published = !config.profiles.is_empty();
        let proves_nobody = |policy: &Policy| {
            let counts = |prooftype: &_| *prooftype != Prooftype::Posh || published;
            !policy.prooftypes.iter().any(counts)
        };
        if proves_nobody(&config.policy) || config.policies.values().any(proves_nobody) {
            return Err(ConfigError::NoProoftype);
        }
        let resolver = match &config.resolver {
            Some(resolver) => resolver.clone(),
            None => TokioResolver::builder_tokio()
                .and_then(|builder| builder.build())
                .map_err(ConfigError::Resolver)?,
        };
        let finder = Finder::new(&config, resolver).map_err(|error| match error {
            FinderError::Tls(error) => ConfigError::Tls(error),
            FinderError::Https(error) => ConfigError::Https(error),
            FinderError::Nat64(error) => ConfigError::Nat64(error),
        })?;
        let limits = &config.limits;
        let unauthenticated =
            Admission::new(limits.unauthenticated_per_source, limits.unauthenticated);
        let authenticated = Admission::new(limits.authenticated_per_source, limits.authenticated);
        let context = Arc::new(Context::new(config, finder));
        let pool = Pool::new(context.clone());
        let inbound = Registry::default();
        Ok(Self(Arc::new(Inner { context, pool, unauthenticated, authenticated, inbound })))
    }

    /// Queues `stanza`, behind those of its pair that came before, for a stream that is up or is
    /// brought up; the answer says what became of it.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn send(&self, stanza: Stanza) -> Delivery {
        self.0.pool.send(stanza)
    }

    /// Takes connections from `listener` until the endpoint is closed, and hands every peer that
    /// has said who it is to `welcome`, in a task of its own.
    ///
    /// What `welcome` comes to is dropped, since the library has logged by then why a peer was
    /// refused or a stream has ended. Where the system has no room for another connection, the next
    /// is taken a moment later.
    ///
    /// Cancel safe: dropping it ends the listening, and what was taken before goes on.
    pub async fn serve<F>(
        &self,
        listener: TcpListener,
        welcome: impl Fn(Incoming) -> F + Send + Sync + 'static,
    ) where
        F: Future + Send + 'static,
    {
        let (welcome, mut stop) = (Arc::new(welcome), self.0.pool.stop());
        loop {
            let (tcp, address) = tokio::select! {
                accepted = next_connection(&listener) => accepted,
                () = stop.wanted() => return,
            };
            let (endpoint, welcome) = (self.clone(), welcome.clone());
            tokio::spawn(async move {
                let incoming = endpoint.accept(tcp, Some(address)).await;
                drop(endpoint);
                if let Ok(incoming) = incoming {
                    welcome(incoming).await;
                }
            });
        }
    }

    /// Takes a connection as far as the peer's claim of who it is.
    ///
    /// The first byte tells direct TLS from STARTTLS. `address` is what budgets are kept for. A
    /// [`TcpStream`](tokio::net::TcpStream) is set up for short exchanges; what is wrapped around
    /// one has to be by its owner.
    pub async fn accept<IO>(
        &self,
        io: IO,
        address: Option<SocketAddr>,
    ) -> Result<Incoming, AcceptError>
    where
        IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let inner = &*self.0;
        let permit = inner.unauthenticated.admit(address).ok_or(AcceptError::OverBudget)?;
        let (stop, mut end) = (inner.pool.stop(), inner.pool.stop());
        let arrived = tokio::select! {
            // In a box, so that the room for it is not kept as long as the stream is.
            arrived = Box::pin(accept(&inner.context, &stop, permit, io, address)) => arrived?,
            () = end.wanted() => return Err(AcceptError::Stopping),
        };
        Ok(Incoming::new(Claimed {
            context: inner.context.clone(),
            registry: inner.inbound.clone(),
            authenticated: inner.authenticated.clone(),
            stop,
            arrived,
        }))
    }

    /// Finds where `remote` is and what proves it, without connecting to it.
    pub async fn discover(&self, remote: &Domain) -> Discovery {
        let policy = self.0.context.config.policy_for(remote);
        self.0.context.finder.discover(remote, policy, Extent::Everything).await
    }

    /// Goes the whole way to `pair.remote` on a stream of its own, and tells what happened.
    pub async fn explain(&self, pair: &Pair) -> Trail {
        self.visit(pair).await.trail
    }

    /// The same, and tells what was found there: for tools that say more of a peer than whether it
    /// is accepted.
    pub async fn visit(&self, pair: &Pair) -> Visit {
        let (context, stop) = (&self.0.context, self.0.pool.stop());
        let (mut trail, mut sights) = (Trail::new(pair.clone()), Sights::default());
        if let Ok(mut outbound) = explore(context, &stop, &mut trail, &mut sights).await {
            outbound.connection.stream.close(None);
            outbound.connection.see_off(context.config.stream.closing, stop);
        }
        Visit { trail, sights }
    }

    /// Looks for `local`, one of our domains, as others do, and judges the certificate that we show
    /// for it; `None` if it is not ours.
    ///
    /// It takes as long as [`discover`](Self::discover), and harms nothing if it is dropped.
    pub async fn standing(&self, local: &Domain) -> Option<Standing> {
        standing(&self.0.context, local).await
    }

    /// The peers of today: up, being tried, failed not long ago.
    pub fn peers(&self) -> Vec<Peer> {
        let mut peers = self.0.pool.peers();
        peers.extend(self.0.inbound.peers());
        peers
    }

    /// Takes no more stanzas, sends what waits, and closes every stream, by `deadline` from now.
    ///
    /// What could not be sent comes back through its [`Delivery`]; where nobody waits for that, it
    /// is returned here.
    pub async fn close(&self, deadline: Duration) -> Vec<Undelivered> {
        self.0.pool.close(deadline).await
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.pool.abandon();
    }
}
