//! `serve`: takes connections, and answers what comes in over them.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tracing::{debug, info, warn};
use xmpp_s2s::{AcceptError, Endpoint, Inbound, Pair, Peer, Stanza, Undelivered};

use crate::cli::ServeArguments;
use crate::config::{EndpointError, Settings, SettingsError};
use crate::services;

/// How long streams may take to close at the end.
pub(crate) const CLOSING: Duration = Duration::from_secs(5);

/// Most answers of one stream that wait for their delivery; over it, the stream is not read.
const ANSWERS: usize = 256;

/// How long nothing is accepted after the system had no descriptor or memory for it.
const PAUSE: Duration = Duration::from_millis(250);

/// Serves until the process is told to stop.
pub(crate) async fn run(arguments: &ServeArguments) -> Result<(), ServeError> {
    let settings = Settings::load(&arguments.config)?;
    let endpoint = settings.endpoint()?;
    let listeners = bind(&settings.listen).await?;
    let mut stop = Stop::new().map_err(ServeError::Signals)?;
    announce(&settings, &listeners);
    let accepting = accept(&endpoint, listeners, Unobserved);
    stop.requested().await;
    info!("stopping");
    drop(accepting);
    for undelivered in endpoint.close(CLOSING).await {
        log_undelivered(&undelivered);
    }
    Ok(())
}

fn announce(settings: &Settings, listeners: &[TcpListener]) {
    for network in &settings.allow_networks {
        warn!(%network, "network allowed although it may not be public");
    }
    for (domain, _) in &settings.domains {
        info!(%domain, "serving");
    }
    for address in listeners.iter().filter_map(|listener| listener.local_addr().ok()) {
        info!(%address, "listening");
    }
}

/// Why there is nothing to serve.
#[derive(Debug, Error)]
pub(crate) enum ServeError {
    /// The file is not right.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// What the file asks for cannot be had here.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// An address of `listen` cannot be had.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The process cannot be told when to stop.
    #[error("cannot handle signals")]
    Signals(#[source] io::Error),
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
            "ports below 1024 need a privilege: put another port into `listen`"
        }
        _ => "put another address into `listen`",
    }
}

/// Listens on every one of `addresses`, or on none.
pub(crate) async fn bind(addresses: &[SocketAddr]) -> Result<Vec<TcpListener>, ListenError> {
    let mut listeners = Vec::with_capacity(addresses.len());
    for &address in addresses {
        let listener = TcpListener::bind(address).await;
        listeners.push(listener.map_err(|error| ListenError { address, error })?);
    }
    Ok(listeners)
}

/// Is told what comes in, besides the services that answer it.
pub(crate) trait Observer: Clone + Send + Sync + 'static {
    /// A stanza came over a stream to `peers`.
    fn stanza(&self, stanza: &Stanza, peers: &[Peer]);

    /// A connection that claimed to be of `claimed` did not become a stream.
    fn refused(&self, claimed: &Pair, error: &AcceptError);
}

/// Nobody.
#[derive(Clone, Copy, Debug)]
struct Unobserved;

impl Observer for Unobserved {
    fn stanza(&self, _: &Stanza, _: &[Peer]) {}

    fn refused(&self, _: &Pair, _: &AcceptError) {}
}

/// Takes connections from all `listeners` until the answer is dropped; streams that are up by then
/// live on.
pub(crate) fn accept(
    endpoint: &Endpoint,
    listeners: Vec<TcpListener>,
    observer: impl Observer,
) -> JoinSet<()> {
    listeners
        .into_iter()
        .map(|listener| accept_from(endpoint.clone(), listener, observer.clone()))
        .collect()
}

async fn accept_from(endpoint: Endpoint, listener: TcpListener, observer: impl Observer) {
    loop {
        match listener.accept().await {
            Ok((tcp, address)) => {
                tokio::spawn(converse(endpoint.clone(), tcp, address, observer.clone()));
            }
            Err(error) if concerns_one_connection(&error) => debug!(%error, "connection lost"),
            Err(error) => {
                warn!(%error, "cannot take connections for a moment");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// All other errors of `accept` come again at once: no descriptors, no memory.
fn concerns_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}

/// One connection, from the first byte to the last.
async fn converse(
    endpoint: Endpoint,
    tcp: TcpStream,
    address: SocketAddr,
    observer: impl Observer,
) {
    if let Err(error) = tcp.set_nodelay(true) {
        debug!(%address, %error, "connection lost");
        return;
    }
    let incoming = match endpoint.accept(tcp, Some(address)).await {
        Ok(incoming) => incoming,
        Err(error) => {
            debug!(%address, %error, "connection without a claim");
            return;
        }
    };
    let claimed = incoming.claimed().clone();
    match incoming.authenticate().await {
        Ok(inbound) => answer_all(&endpoint, inbound, observer).await,
        Err(error) => {
            debug!(%address, local = %claimed.local, remote = %claimed.remote, %error, "refused");
            observer.refused(&claimed, &error);
        }
    }
}

async fn answer_all(endpoint: &Endpoint, mut inbound: Inbound, observer: impl Observer) {
    let mut deliveries = JoinSet::new();
    loop {
        tokio::select! {
            stanza = inbound.next(), if deliveries.len() < ANSWERS => {
                let stanza = match stanza {
                    Ok(Some(stanza)) => stanza,
                    Ok(None) => break,
                    Err(error) => {
                        debug!(%error, "stream ended with an error");
                        break;
                    }
                };
                observer.stanza(&stanza, inbound.peers());
                if let Some(answer) = services::answer(&stanza) {
                    deliveries.spawn(deliver(endpoint.send(answer)));
                }
            }
            Some(_) = deliveries.join_next() => {}
        }
    }
    while deliveries.join_next().await.is_some() {}
}

/// An answer that cannot be delivered ends here: an error about it would be an answer to an answer.
async fn deliver(delivery: xmpp_s2s::Delivery) {
    if let Err(undelivered) = delivery.await {
        log_undelivered(&undelivered);
    }
}

fn log_undelivered(undelivered: &Undelivered) {
    let Undelivered { stanza, trail, .. } = undelivered;
    warn!(
        local = %stanza.from(),
        remote = %stanza.to(),
        code = trail.conclusion().map(|code| code.as_str()),
        trail = serde_json::to_string(trail).unwrap_or_default(),
        "answer not delivered: {trail}",
    );
}

/// What tells a server to stop.
struct Stop {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

impl Stop {
    fn new() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn requested(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
