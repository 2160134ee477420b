//! A peer that opened a stream: its claim before the gate, its stanzas after it.

use std::io;
use std::sync::Arc;

use thiserror::Error;
use tokio::runtime::Handle;
use tokio::time::Instant;
use xmpp_s2s_proto::dna::{Association, Evidence, Prooftype, Rejection};
use xmpp_s2s_proto::stream::{Condition, Event, StreamError};
use xmpp_s2s_proto::{Code, Pair, Phase, Stanza, Step};

use crate::admission::Permit;
use crate::arrival::AcceptError;
use crate::connection::{Connection, Progress, Stop};
use crate::context::{Context, now};
use crate::outbound::explain;
use crate::peer::{Peer, Registered, Registry};

/// Why an inbound stream ended, other than with a closing tag.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum InboundError {
    /// A stream error, ours or theirs.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// The connection was lost.
    #[error("connection was lost")]
    Lost(#[source] Arc<io::Error>),
}

/// A connection whose peer has said who it is, and has not proved it.
///
/// Dropping it refuses the peer.
#[derive(Debug)]
#[must_use = "dropping it refuses the peer"]
pub struct Incoming(Option<Claimed>);

/// What stands between a claim and its proof.
#[derive(Debug)]
pub(crate) struct Claimed {
    pub(crate) context: Arc<Context>,
    pub(crate) registry: Registry,
    pub(crate) stop: Stop,
    /// Held until the peer is authenticated, or has been told that it is not.
    pub(crate) permit: Permit,
    pub(crate) connection: Connection,
    pub(crate) peer: Peer,
}

impl Incoming {
    pub(crate) fn new(claimed: Claimed) -> Self {
        Self(Some(claimed))
    }

    /// Finds the material, checks the proof and opens the stream.
    pub async fn authenticate(mut self) -> Result<Inbound, AcceptError> {
        self.0.take().expect(CONSUMED).authenticate().await
    }

    /// Closes the stream with `condition`.
    pub async fn refuse(mut self, condition: Condition) {
        self.0.take().expect(CONSUMED).refuse(condition).await;
    }

    /// Who the peer claims to be, and which of our domains it wants.
    pub fn claimed(&self) -> &Pair {
        &self.peer().pair
    }

    /// The peer as it stands: an address, perhaps, and no proof.
    pub fn peer(&self) -> &Peer {
        &self.0.as_ref().expect(CONSUMED).peer
    }
}

/// Why the parts of an [`Incoming`] are there.
const CONSUMED: &str = "only consuming it takes them out";

impl Drop for Incoming {
    fn drop(&mut self) {
        if let Some(claimed) = self.0.take()
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn(claimed.refuse(Condition::PolicyViolation));
        }
    }
}

impl Claimed {
    async fn authenticate(mut self) -> Result<Inbound, AcceptError> {
        let mut outcome = self.open().await;
        let conclusion = match &outcome {
            Ok(()) => Code::StreamEstablished,
            Err(AcceptError::Rejected(rejection)) => rejection.code,
            Err(error) => {
                let code = code(error);
                let step = Step::new(Phase::Stream, code, explain(error), Default::default());
                self.peer.trail.record(step);
                code
            }
        };
        self.peer.trail.conclude(conclusion);
        self.peer.log();
        if let Err(AcceptError::Rejected(rejection)) = &mut outcome {
            rejection.trail.clone_from(&self.peer.trail);
        }
        match outcome {
            Ok(()) => Ok(Inbound::new(self)),
            Err(error) => {
                tokio::spawn(self.finish());
                Err(error)
            }
        }
    }

    /// Through the gate, and on until stanzas flow.
    async fn open(&mut self) -> Result<(), AcceptError> {
        match self.prove().await {
            Ok(association) => {
                self.peer.trail.append(association.trail().clone());
                self.peer.prooftype = Some(association.prooftype());
                self.connection.stream.handle_association(association, now())?;
            }
            Err(rejection) => {
                self.peer.trail.append(rejection.trail.clone());
                self.connection.stream.handle_rejection(&self.peer.pair, &rejection, now());
                return Err(rejection.into());
            }
        }
        let since = Instant::now();
        loop {
            match self.connection.progress().await {
                Progress::Event(Event::Established(_)) => {
                    let step =
                        Step::new(Phase::Sasl, Code::SaslAccepted, "EXTERNAL", since.elapsed());
                    self.peer.trail.record(step);
                    self.connection.negotiated();
                    return Ok(());
                }
                Progress::Event(Event::Closed(Some(error))) => return Err(error.into()),
                Progress::Event(Event::Closed(None)) => {
                    return Err(transport(io::ErrorKind::ConnectionAborted.into()));
                }
                Progress::Event(_) | Progress::Flushed => {}
                Progress::Lost(error) => return Err(transport(error)),
            }
        }
    }

    /// PKIX costs nothing after the handshake; POSH is asked for only where that is no proof, and
    /// only for a peer that showed a certificate.
    async fn prove(&mut self) -> Result<Association, Rejection> {
        let presented = self.connection.stream.presented();
        let pair = &self.peer.pair;
        let mut evidence = Evidence::default();
        let first = self.context.authenticate(presented, pair, &evidence);
        let policy = self.context.config.policy_for(&pair.remote);
        if first.is_ok() || presented.is_none() || !policy.prooftypes.contains(&Prooftype::Posh) {
            return first;
        }
        let asker = self.peer.address.map(|address| address.ip());
        let (published, step) = self.context.finder.published_for(&pair.remote, asker).await;
        self.peer.trail.record(step);
        evidence.posh = Some(published);
        self.context.authenticate(presented, pair, &evidence)
    }

    async fn refuse(mut self, condition: Condition) {
        self.connection.stream.close(Some(condition.into()));
        self.finish().await;
    }

    async fn finish(self) {
        let (_permit, _stop) = (self.permit, self.stop);
        self.connection.finish(self.context.config.stream.closing).await;
    }
}

fn transport(error: io::Error) -> AcceptError {
    AcceptError::Io(Arc::new(error))
}

/// The word in a trail for a stream that did not come about after its claim.
fn code(error: &AcceptError) -> Code {
    match error {
        AcceptError::Stream(error) => crate::outbound::code(error),
        AcceptError::Rejected(rejection) => rejection.code,
        AcceptError::Timeout => Code::StreamTimeout,
        AcceptError::Tls(_) => Code::TlsFailed,
        AcceptError::Io(_) | AcceptError::OverBudget | AcceptError::Random => Code::StreamClosed,
    }
}

/// A stream that the peer opened: stanzas come in.
///
/// Dropping it closes the stream.
#[derive(Debug)]
pub struct Inbound {
    connection: Option<Connection>,
    context: Arc<Context>,
    peers: [Peer; 1],
    stop: Stop,
    _registered: Registered,
}

impl Inbound {
    fn new(claimed: Claimed) -> Self {
        Self {
            _registered: claimed.registry.register(claimed.peer.clone()),
            connection: Some(claimed.connection),
            context: claimed.context,
            peers: [claimed.peer],
            stop: claimed.stop,
        }
    }

    /// The next stanza, always of a pair that is proved; `None` at the end.
    ///
    /// Cancel safe.
    pub async fn next(&mut self) -> Result<Option<Stanza>, InboundError> {
        while let Some(connection) = &mut self.connection {
            let stopping = self.stop.borrow().is_some();
            if stopping {
                connection.stream.close(Some(Condition::SystemShutdown.into()));
            }
            let progress = tokio::select! {
                progress = connection.progress() => progress,
                _ = self.stop.wait_for(Option::is_some), if !stopping => continue,
            };
            match progress {
                Progress::Event(Event::Stanza(stanza)) => return Ok(Some(stanza)),
                Progress::Event(Event::Closed(error)) => {
                    self.close();
                    return error.filter(|_| !stopping).map_or(Ok(None), |error| Err(error.into()));
                }
                Progress::Event(_) | Progress::Flushed => {}
                Progress::Lost(error) => {
                    self.connection = None;
                    return Err(InboundError::Lost(Arc::new(error)));
                }
            }
        }
        Ok(None)
    }

    /// The other end: one entry for each pair that is proved.
    pub fn peers(&self) -> &[Peer] {
        &self.peers
    }

    /// Leaves the goodbye to a task of its own.
    fn close(&mut self) {
        if let Some(mut connection) = self.connection.take()
            && let Ok(runtime) = Handle::try_current()
        {
            connection.stream.close(None);
            let _guard = runtime.enter();
            connection.see_off(self.context.config.stream.closing, self.stop.clone());
        }
    }
}

impl Drop for Inbound {
    fn drop(&mut self) {
        self.close();
    }
}
