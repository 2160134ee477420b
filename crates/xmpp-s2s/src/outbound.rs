//! The way to a remote domain: targets in order, each as far as a stream that carries stanzas.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use thiserror::Error;
use tokio::time::{Instant, timeout};
use xmpp_s2s_proto::dna::{Evidence, Prooftype, Rejection};
use xmpp_s2s_proto::stream::{Condition, Event, Side, Stream, StreamError};
use xmpp_s2s_proto::{Code, Domain, Pair, Phase, Step, Trail};

use crate::connection::{Connection, Progress, Stop};
use crate::context::{Context, now};
use crate::dial::{Haste, Socket, dial};
use crate::discovery::{DiscoveryError, Target};

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
    /// More is waiting than [`Limits`](crate::Limits) allow.
    #[error("queue to {0} is full")]
    QueueFull(Domain),
    /// It did not prove that it is the domain.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The stream broke, or the peer does not accept us.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// The stream broke, with this stanza under way: whether it arrived is not known.
    #[error("connection to {domain} was lost")]
    Lost {
        /// The domain.
        domain: Domain,
        /// What the transport said.
        #[source]
        error: Arc<io::Error>,
    },
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
    /// The endpoint was closed.
    #[error("this server is stopping")]
    Stopping,
}

/// A stream of ours that is up.
#[derive(Debug)]
pub(crate) struct Outbound {
    pub(crate) connection: Connection,
    pub(crate) prooftype: Prooftype,
    pub(crate) address: SocketAddr,
}

/// Goes the whole way for the pair of `trail`, and records it there; `stop` is held by whatever
/// still says goodbye.
pub(crate) async fn establish(
    context: &Context,
    stop: &Stop,
    trail: &mut Trail,
) -> Result<Outbound, ConnectError> {
    let remote = trail.pair().remote.clone();
    match timeout(context.config.limits.outbound, go(context, stop, trail)).await {
        Ok(outcome) => outcome,
        Err(_) => {
            trail.conclude(Code::StreamTimeout);
            Err(ConnectError::Timeout(remote))
        }
    }
}

async fn go(context: &Context, stop: &Stop, trail: &mut Trail) -> Result<Outbound, ConnectError> {
    let pair = trail.pair().clone();
    if context.identity(&pair.local).is_none() {
        trail.conclude(Code::NotOurDomain);
        return Err(ConnectError::NotOurs(pair.local));
    }
    let policy = context.config.policy_for(&pair.remote);
    let discovery = context.finder.discover(&pair.remote, policy).await;
    discovery.steps.into_iter().for_each(|step| trail.record(step));
    let targets = discovery.targets.inspect_err(|error| trail.conclude(error.code()))?;

    let mut failures = Failures::default();
    for target in targets {
        match attempt(context, stop, &pair, &target, &discovery.evidence, trail).await {
            Ok(outbound) => {
                trail.conclude(Code::StreamEstablished);
                return Ok(outbound);
            }
            Err(failure) => failures.add(target, failure),
        }
    }
    let (error, code) = failures.sum_up(pair.remote);
    trail.conclude(code);
    Err(error)
}

/// Why one target did not come to a stream.
enum Failure {
    Transport(io::Error, Code),
    Rejected(Rejection),
    Stream(StreamError, Code),
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
    fn add(&mut self, target: Target, failure: Failure) {
        match failure {
            Failure::Rejected(rejection) => {
                self.rejection.get_or_insert(rejection);
            }
            Failure::Stream(error, code) => {
                self.stream.get_or_insert((error, code));
            }
            Failure::Transport(error, code) => {
                self.transport.push((target, Arc::new(error)));
                self.last = Some(code);
            }
        }
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

async fn attempt(
    context: &Context,
    stop: &Stop,
    pair: &Pair,
    target: &Target,
    evidence: &Evidence,
    trail: &mut Trail,
) -> Result<Outbound, Failure> {
    let limits = &context.config.limits;
    let start = Instant::now();
    let (tcp, address) = match dial(target, limits.tcp, limits.write).await {
        Ok(dialled) => dialled,
        Err(error) => {
            trail.record(Step::new(Phase::Tcp, error.code(), target.to_string(), start.elapsed()));
            let code = error.code();
            return Err(Failure::Transport(io::Error::other(error), code));
        }
    };
    let detail = format!("{target} at {address}");
    trail.record(Step::new(Phase::Tcp, Code::TcpConnected, detail, start.elapsed()));

    let config = context.initiating.clone();
    let stream = Stream::initiate(pair.clone(), target.security, config, now());
    let haste = Haste::default();
    let socket = Socket::new(tcp, haste.clone());
    let connection = Connection::new(stream, Box::new(socket), haste, limits.write);
    Negotiation { context, stop, target, evidence, trail, since: Instant::now(), secured: false }
        .drive(connection, address)
        .await
}

/// One connection on its way from TCP to stanzas.
struct Negotiation<'a> {
    context: &'a Context,
    stop: &'a Stop,
    target: &'a Target,
    evidence: &'a Evidence,
    trail: &'a mut Trail,
    /// When the phase began that the next step ends.
    since: Instant,
    secured: bool,
}

impl Negotiation<'_> {
    async fn drive(
        mut self,
        mut connection: Connection,
        address: SocketAddr,
    ) -> Result<Outbound, Failure> {
        match self.negotiate(&mut connection).await {
            Ok(prooftype) => {
                connection.negotiated();
                Ok(Outbound { connection, prooftype, address })
            }
            Err(failure) => {
                // The next target does not wait for the goodbye.
                connection.see_off(self.context.config.stream.closing, self.stop.clone());
                Err(failure)
            }
        }
    }

    async fn negotiate(&mut self, connection: &mut Connection) -> Result<Prooftype, Failure> {
        let mut proof = None;
        loop {
            let event = match connection.progress().await {
                Progress::Event(event) => event,
                Progress::Flushed => continue,
                Progress::Lost(error) => return Err(self.lost(error)),
            };
            match (event, proof) {
                (Event::StartTls(local), _) => self.secure(connection, &local).await?,
                (Event::Authenticate(pair), _) => {
                    proof = Some(self.authenticate(connection, &pair)?);
                }
                (Event::Established(_), Some(prooftype)) => {
                    self.record(Phase::Sasl, Code::SaslAccepted, "EXTERNAL");
                    return Ok(prooftype);
                }
                (Event::Refused(_, code, error), _) => {
                    self.record(Phase::Sasl, code, error.to_string());
                    return Err(Failure::Stream(error, code));
                }
                (Event::Closed(error), _) => return Err(self.closed(error)),
                (_, _) => {}
            }
        }
    }

    async fn secure(&mut self, connection: &mut Connection, local: &Domain) -> Result<(), Failure> {
        let remote = &self.trail.pair().remote.clone();
        let Some(identity) = self.context.identity(local) else {
            let error = io::Error::new(io::ErrorKind::NotFound, "certificate is gone");
            return Err(Failure::Transport(error, Code::NotOurDomain));
        };
        let tls = &self.context.tls;
        match connection.connect(tls, remote, identity, self.target.security).await {
            Ok(agreed) => {
                self.record(Phase::Tls, Code::TlsSecured, agreed);
                self.secured = true;
                Ok(())
            }
            Err(error) => {
                let code = error.code();
                let error = io::Error::other(error);
                self.record(Phase::Tls, code, explain(&error));
                Err(Failure::Transport(error, code))
            }
        }
    }

    fn authenticate(
        &mut self,
        connection: &mut Connection,
        pair: &Pair,
    ) -> Result<Prooftype, Failure> {
        let presented = connection.stream.presented();
        match self.context.authenticate(presented, pair, self.evidence) {
            Ok(association) => {
                self.trail.append(association.trail().clone());
                let prooftype = association.prooftype();
                connection
                    .stream
                    .handle_association(association, now())
                    .map_err(|error| Failure::Stream(error, Code::StreamLocalError))?;
                self.since = Instant::now();
                Ok(prooftype)
            }
            Err(rejection) => {
                self.trail.append(rejection.trail.clone());
                connection.stream.handle_rejection(pair, &rejection, now());
                Err(Failure::Rejected(rejection))
            }
        }
    }

    fn closed(&mut self, error: Option<StreamError>) -> Failure {
        let code = match &error {
            Some(error) => code(error),
            None if self.secured => Code::StreamClosed,
            None => Code::TlsNoStarttls,
        };
        let detail = error.as_ref().map_or_else(|| "closed".to_owned(), ToString::to_string);
        self.record(Phase::Stream, code, detail);
        match error {
            Some(error) => Failure::Stream(error, code),
            None => Failure::Transport(io::ErrorKind::ConnectionAborted.into(), code),
        }
    }

    fn lost(&mut self, error: io::Error) -> Failure {
        let tls = error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>());
        let (phase, code) = match (tls, error.kind()) {
            (true, _) => (Phase::Tls, Code::TlsFailed),
            (false, io::ErrorKind::TimedOut) => (Phase::Stream, Code::StreamTimeout),
            (false, _) => (Phase::Stream, Code::StreamClosed),
        };
        self.record(phase, code, explain(&error));
        Failure::Transport(error, code)
    }

    fn record(&mut self, phase: Phase, code: Code, detail: impl AsRef<str>) {
        self.trail.record(Step::new(phase, code, detail, self.since.elapsed()));
        self.since = Instant::now();
    }
}

/// The word in a trail for a stream that ended with an error.
pub(crate) fn code(error: &StreamError) -> Code {
    match (error.side, error.condition) {
        (Side::Remote, _) => Code::StreamError,
        (Side::Local, Condition::ConnectionTimeout) => Code::StreamTimeout,
        (Side::Local, _) => Code::StreamLocalError,
    }
}

/// An error and its causes, in one line.
pub(crate) fn explain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
