//! The way to a remote domain: targets in order, each as far as a stream that carries stanzas.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use posh::{Finding, Published};
use rustls::pki_types::CertificateDer;
use thiserror::Error;
use tokio::time::{Instant, timeout};
use xmpp_s2s_proto::dna::{Presented, Rejection};
use xmpp_s2s_proto::stream::{Stream, StreamError};
use xmpp_s2s_proto::{Code, Domain, Phase, Step, Trail};

use crate::clock::now;
use crate::connection::Connection;
use crate::context::Context;
use crate::dial::{Haste, Socket, dial};
use crate::discovery::{DiscoveryError, Extent, Target};
use crate::negotiation::{Failure, Negotiation, Proved};
use crate::reason::explain;
use crate::stop::Stop;

/// Why there is no stream to a domain, by the phase that failed.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The sender's domain is not one that we have a certificate for.
    #[error("{0} is not a domain of ours")]
    NotOurs(Domain),
    /// Where it is, is not known.
    #[error(transparent)]
    Discovery(#[from] DiscoveryError),
    /// More is waiting than [`Limits`](crate::Limits) allow, for this pair or in all.
    #[error("queue to {0} is full")]
    QueueFull(Domain),
    /// It did not prove that it is the domain.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The stream broke, or the peer does not accept us.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// The stream ended with this stanza under way: whether it arrived is not known.
    #[error("connection to {domain} was lost")]
    Lost {
        /// The domain.
        domain: Domain,
        /// What the transport said.
        #[source]
        error: Arc<io::Error>,
    },
    /// The stream ended before this stanza was sent.
    #[error("stream to {0} ended")]
    Ended(Domain),
    /// No target could be reached; what happened at each.
    #[error("cannot reach {domain}")]
    Unreachable {
        /// The domain.
        domain: Domain,
        /// The targets and their errors.
        attempts: Vec<(Target, Arc<io::Error>)>,
    },
    /// All of it took too long.
    #[error("no stream to {0} in time")]
    Timeout(Domain),
    /// Too many streams are being brought up at once.
    #[error("this server has too many streams at once")]
    Overloaded,
    /// The endpoint was closed.
    #[error("this server is stopping")]
    Stopping,
}

/// What came of going the whole way to a domain.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Visit {
    /// What happened.
    pub trail: Trail,
    /// What was found there.
    pub sights: Sights,
}

/// What is found on the way to a domain, for whoever looks.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Sights {
    /// The certificates that its servers showed, in the order in which they were tried, each with a
    /// handshake that proved its key; no certificate twice.
    pub end_entities: Vec<CertificateDer<'static>>,
    /// What the domain publishes by POSH, if that was looked up.
    pub published: Option<Published>,
}

impl Sights {
    fn note(&mut self, presented: &Presented) {
        let end_entity = presented.end_entity();
        if !self.end_entities.contains(end_entity) {
            self.end_entities.push(end_entity.clone());
        }
    }
}

/// A stream of ours that is up.
#[derive(Debug)]
pub(crate) struct Outbound {
    pub(crate) connection: Connection,
    pub(crate) proved: Proved,
    pub(crate) address: SocketAddr,
}

/// Goes the whole way for the pair of `trail`, and records it there.
pub(crate) async fn establish(
    context: &Context,
    stop: &Stop,
    trail: &mut Trail,
) -> Result<Outbound, ConnectError> {
    explore(context, stop, trail, &mut Sights::default()).await
}

/// The same, and notes what is found on the way.
pub(crate) async fn explore(
    context: &Context,
    stop: &Stop,
    trail: &mut Trail,
    sights: &mut Sights,
) -> Result<Outbound, ConnectError> {
    let limit = context.config.limits.outbound;
    let Ok(_place) = timeout(limit, context.attempts.acquire()).await else {
        trail.conclude(Code::Overloaded);
        return Err(ConnectError::Overloaded);
    };
    let mut failures = Failures::default();
    let going = go(context, trail, sights, &mut failures, stop);
    let outcome = timeout(limit, going).await;
    let domain = trail.pair().remote.clone();
    let (error, code) = match outcome {
        Ok(Ok(outbound)) => {
            trail.conclude(Code::StreamEstablished);
            return Ok(outbound);
        }
        Ok(Err(Some((error, code)))) => (error, code),
        Ok(Err(None)) => failures.sum_up(domain),
        Err(_) if failures.say_something() => failures.sum_up(domain),
        Err(_) => (ConnectError::Timeout(domain), Code::StreamTimeout),
    };
    trail.conclude(code);
    Err(error)
}

/// Without an error of its own, what happened at the targets says why there is no stream.
async fn go(
    context: &Context,
    trail: &mut Trail,
    sights: &mut Sights,
    failures: &mut Failures,
    stop: &Stop,
) -> Result<Outbound, Option<(ConnectError, Code)>> {
    let pair = trail.pair().clone();
    if context.identity(&pair.local).is_none() {
        return Err(Some((ConnectError::NotOurs(pair.local), Code::NotOurDomain)));
    }
    let policy = context.config.policy_for(&pair.remote);
    let discovery = context.finder.discover(&pair.remote, policy, Extent::ForStream).await;
    discovery.steps.into_iter().for_each(|step| trail.record(step));
    sights.published = discovery.evidence.posh;
    let targets = discovery.targets.map_err(|error| {
        let code = error.code();
        Some((error.into(), code))
    })?;

    let mut finding = discovery.finding;
    let mut targets = targets.into_iter().peekable();
    while let Some(mut target) = targets.next() {
        let time = context.config.limits.tcp;
        let time = if targets.peek().is_some() { time / 5 * 2 } else { time };
        // A failed proof at one address is none at the others.
        while !target.addresses.is_empty() {
            let (target, finding) = (&mut target, &mut finding);
            let attempt = Attempt { context, target, finding, trail, sights, stop };
            let outcome = attempt.run(time).await;
            if let Some(finding) = finding {
                sights.published = Some(finding.published.clone());
            }
            match outcome {
                Ok(outbound) => return Ok(outbound),
                Err((failure, met)) => {
                    failures.add(target, failure);
                    target.addresses.retain(|&ip| met.is_some_and(|met| met.ip() != ip));
                }
            }
        }
    }
    Err(None)
}

/// What happened at the targets. A failed proof says more than a broken stream, and that more
/// than a connection that did not come about.
#[derive(Default)]
struct Failures {
    rejection: Option<Rejection>,
    stream: Option<(StreamError, Code)>,
    transport: Vec<(Target, Arc<io::Error>)>,
    last: Option<Code>,
}

impl Failures {
    fn add(&mut self, target: &Target, failure: Failure) {
        match failure {
            Failure::Rejected(rejection) => {
                self.rejection.get_or_insert(rejection);
            }
            Failure::Stream(error, code) => {
                self.stream.get_or_insert((error, code));
            }
            Failure::Transport(error, code) => {
                self.transport.push((target.clone(), Arc::new(error)));
                self.last = Some(code);
            }
        }
    }

    fn say_something(&self) -> bool {
        self.rejection.is_some() || self.stream.is_some()
    }

    fn sum_up(self, domain: Domain) -> (ConnectError, Code) {
        if let Some(rejection) = self.rejection {
            let code = rejection.code;
            return (rejection.into(), code);
        }
        if let Some((error, code)) = self.stream {
            return (error.into(), code);
        }
        let code = self.last.unwrap_or(Code::TcpUnreachable);
        (ConnectError::Unreachable { domain, attempts: self.transport }, code)
    }
}

/// One target.
struct Attempt<'a> {
    context: &'a Context,
    target: &'a Target,
    finding: &'a mut Option<Finding>,
    trail: &'a mut Trail,
    sights: &'a mut Sights,
    stop: &'a Stop,
}

impl Attempt<'_> {
    /// Goes from TCP to stanzas; a failure comes with the address where it happened, if one
    /// answered.
    async fn run(self, time: Duration) -> Result<Outbound, (Failure, Option<SocketAddr>)> {
        let Self { context, target, finding, trail, sights, stop } = self;
        let patience = context.config.limits.write;
        let start = Instant::now();
        let (tcp, address) = match dial(target, time, patience).await {
            Ok(dialled) => dialled,
            Err(error) => {
                let code = error.code();
                let detail = format!("{target} {:?}: {}", target.addresses, explain(&error));
                trail.record(Step::new(Phase::Tcp, code, detail, start.elapsed()));
                return Err((Failure::Transport(error.into(), code), None));
            }
        };
        let detail = format!("{target} at {address}");
        trail.record(Step::new(Phase::Tcp, Code::TcpConnected, detail, start.elapsed()));

        let (pair, config) = (trail.pair().clone(), context.initiating.clone());
        let stream = Stream::initiate(pair, target.security, config, now());
        let haste = Haste::default();
        let socket = Box::new(Socket::new(tcp, haste.clone()));
        let mut connection = Connection::new(stream, socket, haste, patience);
        let mut negotiation = Negotiation::new(context, target, finding, trail);
        let negotiated = negotiation.run(&mut connection).await;
        connection.stream.presented().into_iter().for_each(|presented| sights.note(presented));
        match negotiated {
            Ok(proved) => {
                connection.negotiated();
                Ok(Outbound { connection, proved, address })
            }
            Err(failure) => {
                // The next target does not wait for the goodbye.
                connection.see_off(context.config.stream.closing, stop.clone());
                Err((failure, Some(address)))
            }
        }
    }
}
