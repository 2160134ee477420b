//! `serve`: answers for the domains of a file until it is told to stop.

use std::io;
use std::time::Duration;

use thiserror::Error;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{info, warn};

pub(crate) use self::listen::{ListenError, bind};
pub(crate) use self::server::{Observer, Server, Unobserved};
use crate::cli::ServeArguments;
use crate::config::{EndpointError, Settings, SettingsError};

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
    let listeners = bind(&settings.listen).await?;
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
