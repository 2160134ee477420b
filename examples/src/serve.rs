//! `serve`: answers for the domains of a file until it is told to stop.

use std::io;
use std::time::Duration;

use posh::Leaf;
use rustls::pki_types::UnixTime;
use rustls::sign::CertifiedKey;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{info, warn};
use xmpp_s2s::Domain;

use self::life::Life;
pub(crate) use self::listen::{ListenError, bind};
pub(crate) use self::server::{Observer, Server, Unobserved};
use crate::cli::ServeArguments;
use crate::config::{EndpointError, Settings, SettingsError};

mod life;
mod listen;
mod server;
mod stream;

/// How long streams may take to close at the end.
const CLOSING: Duration = Duration::from_secs(5);

/// Serves until the process is told to stop.
pub(crate) async fn run(arguments: &ServeArguments) -> Result<(), ServeError> {
    let settings = Settings::load(&arguments.config)?;
    let endpoint = settings.endpoint()?;
    let mut stop = Stop::new().map_err(ServeError::Signals)?;
    let listeners = bind(&settings.listen)?;
    announce(&settings, &listeners);
    let server = Server::start(endpoint, listeners, Unobserved);
    stop.requested().await;
    info!("stopping");
    let undelivered = server.close(CLOSING).await.len();
    info!(undelivered, "stopped");
    Ok(())
}

fn announce(settings: &Settings, listeners: &[TcpListener]) {
    for network in &settings.allow_networks {
        warn!(%network, "network allowed although it may not be public");
    }
    for (domain, identity) in &settings.domains {
        info!(%domain, "serving");
        warn_of_dates(domain, identity);
    }
    for address in listeners.iter().filter_map(|listener| listener.local_addr().ok()) {
        info!(%address, "listening");
    }
}

fn warn_of_dates(domain: &Domain, identity: &CertifiedKey) {
    let Some(Ok(leaf)) = identity.cert.first().map(Leaf::parse) else { return };
    match Life::of(&leaf, UnixTime::now()) {
        Life::Going => {}
        Life::NotBegun => warn!(%domain, "the certificate is not valid yet: peers refuse it"),
        Life::Ending { days } => warn!(%domain, days, "the certificate ends soon: renew it"),
        Life::Over => warn!(%domain, "the certificate has expired: peers refuse it; renew it"),
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

/// What tells the process to stop: Ctrl-C or SIGTERM.
struct Stop {
    interrupt: Signal,
    terminate: Signal,
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
