//! `serve`: answers for the domains of a file until it is told to stop.

use std::collections::HashSet;
use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::UnixTime;
use thiserror::Error;
use tokio::net::TcpListener;
use tracing::{info, warn};
use xmpp_s2s::{AcceptError, Domain, Peer, Stanza};

use self::check::Check;
pub(crate) use self::listen::{ListenError, bind};
pub(crate) use self::server::{Observer, Server};
pub(crate) use self::stop::Stop;
use crate::cli::ServeArguments;
use crate::config::{EndpointError, Settings, SettingsError};

mod certificate;
mod check;
mod life;
mod listen;
mod reach;
mod server;
mod stop;
mod stream;

/// How long what waits may take to be sent, and streams to close, at the end.
const CLOSING: Duration = Duration::from_secs(5);

/// Serves until the process is told to stop. Exit code: 0, or that of a signal that came while the
/// server was stopping.
pub(crate) async fn run(arguments: &ServeArguments) -> Result<ExitCode, ServeError> {
    let settings = Settings::load(&arguments.config)?;
    let endpoint = settings.endpoint()?;
    let mut stop = Stop::new().map_err(ServeError::Signals)?;
    let listeners = bind(&settings.listen)?;
    let listening = announce(&settings, &listeners);
    let guard = Guard { blocked: Arc::new(settings.block) };
    let server = Server::start(endpoint.clone(), listeners, guard);
    let check = tokio::spawn(Check { endpoint, domains: settings.domains, listening }.run());
    let signal = stop.requested().await;
    check.abort();
    info!(signal = signal.name(), "stopping; a second signal stops at once");
    Ok(close(server, stop).await)
}

/// Tells what is served, where, and with which certificates.
fn announce(settings: &Settings, listeners: &[TcpListener]) -> Vec<SocketAddr> {
    for network in &settings.allow_networks {
        warn!(%network, "network allowed although it may not be public");
    }
    for (domain, identity) in &settings.domains {
        if let Some(leaf) = identity.cert.first() {
            certificate::announce(domain, leaf, UnixTime::now());
        }
    }
    let addresses = listeners.iter().filter_map(|listener| listener.local_addr().ok());
    let listening: Vec<_> = addresses.collect();
    for address in &listening {
        info!(%address, "listening");
    }
    listening
}

/// Sends what waits; whoever cannot wait for that says so with a second signal.
async fn close(server: Server, mut stop: Stop) -> ExitCode {
    tokio::select! {
        undelivered = server.close(CLOSING) => {
            match undelivered {
                0 => info!("stopped; everything was sent"),
                _ => warn!(undelivered, "stopped; not everything could be sent in time"),
            }
            ExitCode::SUCCESS
        }
        signal = stop.requested() => {
            warn!(signal = signal.name(), "stopped at once; what waited was not sent");
            signal.exit_code()
        }
    }
}

/// Keeps those out whom the file blocks.
#[derive(Clone, Debug)]
struct Guard {
    blocked: Arc<HashSet<Domain>>,
}

impl Observer for Guard {
    fn welcomes(&self, peer: &Peer) -> bool {
        !self.blocked.contains(&peer.pair.remote)
    }

    fn stanza(&self, _: &Stanza, _: &[Peer]) {}

    fn refused(&self, _: &Peer, _: &AcceptError) {}
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
