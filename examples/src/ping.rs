//! `ping`: goes to another domain and back, and tells how each side proved itself.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use thiserror::Error;
use tokio::sync::mpsc;
use tokio::time;
use xmpp_s2s::{Direction, Domain, Endpoint, Pair, Peer, Trail};

pub(crate) use self::report::{Answer, End, Report, Returned, proof};
pub(crate) use self::watch::Watch;
use self::watch::{News, request};
use crate::cli::PingArguments;
use crate::config::{EndpointError, Settings, SettingsError};
use crate::print::{self, Page};
use crate::serve::{self, ListenError, Server};

mod report;
mod watch;

/// How long an answer may still come after the peer called us and did not prove itself: it may be
/// somebody else who called, and the peer may have another server.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long streams may take to close once the outcome is known.
const CLOSING: Duration = Duration::from_secs(1);

/// Pings, prints the report to standard output, and gives the exit code that goes with it.
pub(crate) async fn run(arguments: &PingArguments) -> Result<ExitCode, PingError> {
    let settings = Settings::load(&arguments.config)?;
    let pair = Pair { local: sender(&settings, arguments)?, remote: arguments.domain.clone() };
    let endpoint = settings.endpoint()?;
    let (watch, news) = Watch::new(pair.clone());
    let listeners = serve::bind(&settings.listen).await?;
    let server = Server::start(endpoint, listeners, watch);
    let report = ping(&server, pair, arguments.timeout, news).await;
    let _ = server.close(CLOSING).await;
    print::out(&match arguments.json {
        true => report.json() + "\n",
        false => report.text(Page::of_stdout()),
    });
    Ok(report.exit_code())
}

/// Why there was no ping.
#[derive(Debug, Error)]
pub(crate) enum PingError {
    /// The file is not right.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// What the file asks for cannot be had here.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// The answer could not come in.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The ping was to come from a domain that is not ours.
    #[error("--from names {0}, expected a domain of the configuration file")]
    NotOurs(Domain),
    /// The ping was to go to a domain that is ours.
    #[error("{0} is a domain of the configuration file, expected one of another server")]
    Ours(Domain),
}

fn sender(settings: &Settings, arguments: &PingArguments) -> Result<Domain, PingError> {
    let ours = |domain: &Domain| settings.domains.iter().any(|(own, _)| own == domain);
    if ours(&arguments.domain) {
        return Err(PingError::Ours(arguments.domain.clone()));
    }
    match &arguments.from {
        Some(from) if !ours(from) => Err(PingError::NotOurs(from.clone())),
        Some(from) => Ok(from.clone()),
        None => Ok(settings.domains[0].0.clone()),
    }
}

/// Pings within `timeout`, from a server whose observer is the [`Watch`] of these `news`.
pub(crate) async fn ping(
    server: &Server,
    pair: Pair,
    timeout: Duration,
    news: mpsc::Receiver<News>,
) -> Report {
    let (start, endpoint) = (Instant::now(), server.endpoint());
    let mut inbound = None;
    let exchange = exchange(endpoint, &pair, news, &mut inbound);
    let end = time::timeout(timeout, exchange).await.unwrap_or(End::Silence(timeout));
    Report {
        outbound: outbound(endpoint, &pair, &end),
        round_trip: start.elapsed(),
        pair,
        end,
        inbound,
    }
}

/// Sends the ping and waits for what ends it; the trail of the peer's own stream goes to `inbound`.
async fn exchange(
    endpoint: &Endpoint,
    pair: &Pair,
    mut news: mpsc::Receiver<News>,
    inbound: &mut Option<Trail>,
) -> End {
    if let Err(undelivered) = endpoint.send(request(pair)).await {
        let bounce = undelivered.bounce();
        return End::Undelivered(Box::new(Returned { trail: undelivered.trail, bounce }));
    }
    let mut refused = None;
    loop {
        let next = match refused {
            None => news.recv().await,
            Some(until) => match time::timeout_at(until, news.recv()).await {
                Ok(next) => next,
                Err(_) => return End::NotProved,
            },
        };
        match next {
            Some(News::Answer(answer, trail)) => {
                *inbound = trail;
                return End::Answered(answer);
            }
            Some(News::Refused(trail)) => {
                *inbound = Some(trail);
                refused.get_or_insert_with(|| time::Instant::now() + PATIENCE);
            }
            None => std::future::pending().await,
        }
    }
}

/// How our own stream to the peer came about, or did not.
fn outbound(endpoint: &Endpoint, pair: &Pair, end: &End) -> Option<Trail> {
    if let End::Undelivered(returned) = end {
        return Some(Trail::clone(&returned.trail));
    }
    let ours = |peer: &Peer| peer.direction == Direction::Outbound && peer.pair == *pair;
    endpoint.peers().into_iter().find(ours).map(|peer| Arc::unwrap_or_clone(peer.trail))
}
