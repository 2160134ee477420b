//! `ping`: goes to another domain and back, and tells how each side proved itself.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use thiserror::Error;
use tokio::time;
use tracing::debug;
use xmpp_s2s::{Direction, Domain, Endpoint, Pair, Peer, Trail};

pub(crate) use self::report::{Answer, End, Report, Returned};
use self::watch::News;
pub(crate) use self::watch::{Awaited, Watch};
use crate::cli::PingArguments;
use crate::config::{EndpointError, Settings, SettingsError};
use crate::print::{self, OutputError, Page};
use crate::serve::{self, ListenError, Server};

mod report;
mod watch;

/// How long streams may take to close once the outcome is known.
const CLOSING: Duration = Duration::from_secs(1);

/// Pings, prints the report to standard output, and gives the exit code that goes with it.
pub(crate) async fn run(arguments: &PingArguments) -> Result<ExitCode, PingError> {
    let settings = Settings::load(&arguments.config)?;
    let pair = Pair { local: sender(&settings, arguments)?, remote: arguments.domain.clone() };
    let endpoint = settings.endpoint()?;
    let (watch, awaited) = Watch::new(pair).map_err(PingError::Random)?;
    let listeners = serve::bind(&settings.listen)?;
    let server = Server::start(endpoint, listeners, watch);
    let report = ping(&server, awaited, arguments.timeout).await;
    let _ = server.close(CLOSING).await;
    print::out(&match arguments.json {
        true => report.json() + "\n",
        false => report.text(Page::of_stdout()),
    })?;
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
    /// The ping could not have an id that nobody guesses.
    #[error("the system has no random numbers")]
    Random(#[source] getrandom::Error),
    /// Nobody can read what it came to.
    #[error(transparent)]
    Output(#[from] OutputError),
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

/// Pings within `timeout`, from a server whose observer is the [`Watch`] of what is `awaited`.
pub(crate) async fn ping(server: &Server, mut awaited: Awaited, timeout: Duration) -> Report {
    let (start, endpoint) = (Instant::now(), server.endpoint());
    let deadline = start + timeout;
    let sending = time::timeout_at(deadline.into(), endpoint.send(awaited.request())).await;
    // The peer may end the stream before it answers.
    let mut outbound = outbound(endpoint, &awaited.pair);
    let mut inbound = None;
    let end = match sending {
        Ok(Ok(())) => {
            let Pair { local, remote } = &awaited.pair;
            debug!(%local, %remote, "the ping is delivered");
            let answer = time::timeout_at(deadline.into(), answer(&mut awaited, &mut inbound));
            answer.await.map_or(End::Silence(timeout), End::Answered)
        }
        Ok(Err(undelivered)) => {
            let bounce = undelivered.bounce();
            outbound = Some(Trail::clone(&undelivered.trail));
            End::Undelivered(Box::new(Returned { trail: undelivered.trail, bounce }))
        }
        Err(_) => End::NoStream(timeout),
    };
    Report { pair: awaited.pair, end, round_trip: start.elapsed(), outbound, inbound }
}

/// Waits for the answer. The trail of who gave it goes to `inbound`, or that of who called last.
///
/// Whoever calls in the peer's name and does not prove it ends nothing, since anybody can do that.
async fn answer(awaited: &mut Awaited, inbound: &mut Option<Trail>) -> Answer {
    loop {
        match awaited.news.recv().await {
            Some(News::Answer(answer, trail)) => {
                *inbound = trail;
                return answer;
            }
            Some(News::Refused(trail)) => *inbound = Some(trail),
            None => std::future::pending().await,
        }
    }
}

/// How our own stream to the peer comes about at this moment.
fn outbound(endpoint: &Endpoint, pair: &Pair) -> Option<Trail> {
    let ours = |peer: &Peer| peer.direction == Direction::Outbound && peer.pair == *pair;
    endpoint.peers().into_iter().find(ours).map(|peer| Arc::unwrap_or_clone(peer.trail))
}
