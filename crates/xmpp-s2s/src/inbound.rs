//! A peer that opened a stream: its claim before the gate, its stanzas after it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::time::{Instant, timeout_at};
use tracing::debug;
use xmpp_s2s_proto::dna::Rejection;
use xmpp_s2s_proto::stream::{Condition, Event, StreamError};
use xmpp_s2s_proto::{Code, Pair, Phase, Stanza, Step};

use crate::admission::{Admission, Permit};
use crate::arrival::{AcceptError, Arrived, transport};
use crate::clock::now;
use crate::connection::{Connection, Progress};
use crate::context::Context;
use crate::discovery::Asker;
use crate::peer::{Peer, Registered, Registry};
use crate::proof::{Newer, Proof, prove_unknown};
use crate::reason::{explain, lost_code, negotiation_code};
use crate::stop::Stop;
use crate::vigil::{End, Lapse, Vigil};

/// Why an inbound stream ended, other than with a closing tag.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum InboundError {
    /// A stream error, ours or theirs.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// The peer was proved when the stream began, and is not any more.
    #[error(transparent)]
    Rejected(#[from] Rejection),
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
    pub(crate) authenticated: Admission,
    pub(crate) stop: Stop,
    pub(crate) arrived: Arrived,
}

impl Incoming {
    pub(crate) fn new(claimed: Claimed) -> Self {
        Self(Some(claimed))
    }

    /// Finds the material, checks the proof and opens the stream.
    ///
    /// A future that is dropped half-way closes the connection without a word.
    pub async fn authenticate(mut self) -> Result<Inbound, AcceptError> {
        // In a box, so that the room for it is not kept as long as the stream is.
        Box::pin(self.0.take().expect(CONSUMED).authenticate()).await
    }

    /// Closes the stream with `condition`; the goodbye is said by a task of its own.
    pub fn refuse(mut self, condition: Condition) {
        self.0.take().expect(CONSUMED).refuse(condition);
    }

    /// Who the peer claims to be, and which of our domains it wants.
    pub fn claimed(&self) -> &Pair {
        &self.peer().pair
    }

    /// The peer as it stands: an address, perhaps, and no proof.
    pub fn peer(&self) -> &Peer {
        &self.0.as_ref().expect(CONSUMED).arrived.peer
    }
}

/// Why the parts of an [`Incoming`] are there.
const CONSUMED: &str = "only consuming it takes them out";

impl Drop for Incoming {
    fn drop(&mut self) {
        if let Some(claimed) = self.0.take() {
            claimed.refuse(Condition::PolicyViolation);
        }
    }
}

impl Claimed {
    async fn authenticate(mut self) -> Result<Inbound, AcceptError> {
        let (deadline, mut stop) = (self.arrived.deadline, self.stop.clone());
        let mut outcome = tokio::select! {
            opened = timeout_at(deadline, self.open()) => {
                opened.unwrap_or(Err(AcceptError::Timeout))
            }
            () = stop.wanted() => Err(AcceptError::Stopping),
        };
        if matches!(outcome, Err(AcceptError::Stopping)) {
            self.arrived.connection.stream.close(Some(Condition::SystemShutdown.into()));
        }

        let peer = &mut self.arrived.peer;
        let code = match &outcome {
            Ok(_) => {
                peer.established = Some(now());
                Code::StreamEstablished
            }
            Err(AcceptError::Rejected(rejection)) => rejection.code,
            Err(error) => {
                let (phase, code) = code(error);
                let step = Step::new(phase, code, explain(error), Duration::ZERO);
                peer.trail_mut().record(step);
                code
            }
        };
        peer.trail_mut().conclude(code);
        peer.log();
        if let Err(AcceptError::Rejected(rejection)) = &mut outcome {
            rejection.trail = (*peer.trail).clone();
        }
        match outcome {
            Ok((permit, newer)) => Ok(Inbound::new(self, permit, newer)),
            Err(error) => {
                self.see_off();
                Err(error)
            }
        }
    }

    /// Through the gate, and on until stanzas flow.
    async fn open(&mut self) -> Result<(Permit, Option<Newer>), AcceptError> {
        let association = self.prove().await;
        let Arrived { connection, peer, .. } = &mut self.arrived;
        match association {
            Ok(Proof { association, newer }) => {
                peer.trail_mut().append(association.trail().clone());
                peer.prooftype = Some(association.prooftype());
                peer.document = association.document().map(str::to_owned);
                let Some(permit) = self.authenticated.admit(peer.address) else {
                    connection.stream.close(Some(Condition::ResourceConstraint.into()));
                    return Err(AcceptError::OverBudget);
                };
                connection.stream.handle_association(association, now())?;
                let since = Instant::now();
                establish(connection).await?;
                let step = Step::new(Phase::Sasl, Code::SaslAccepted, "EXTERNAL", since.elapsed());
                peer.trail_mut().record(step);
                Ok((permit, newer))
            }
            Err(rejection) => {
                peer.trail_mut().append(rejection.trail.clone());
                peer.reject(&rejection);
                connection.stream.handle_rejection(&peer.pair, &rejection, now());
                Err(rejection.into())
            }
        }
    }

    async fn prove(&mut self) -> Result<Proof, Rejection> {
        let Arrived { connection, peer, .. } = &mut self.arrived;
        let asker = Asker::Stranger(peer.address.map(|address| address.ip()));
        let (presented, pair) = (connection.stream.presented(), peer.pair.clone());
        prove_unknown(&self.context, presented, &pair, asker, peer.trail_mut()).await
    }

    fn refuse(mut self, condition: Condition) {
        self.arrived.connection.stream.close(Some(condition.into()));
        self.see_off();
    }

    fn see_off(self) {
        let closing = self.context.config.stream.closing;
        let Arrived { connection, permit, .. } = self.arrived;
        connection.see_off(closing, (self.stop, permit));
    }
}

async fn establish(connection: &mut Connection) -> Result<(), AcceptError> {
    loop {
        match connection.progress().await {
            Progress::Event(Event::Established(_)) => {
                connection.negotiated();
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

/// The word in a trail for a stream that did not come about after its claim.
fn code(error: &AcceptError) -> (Phase, Code) {
    match error {
        AcceptError::Stream(error) => (Phase::Stream, negotiation_code(error)),
        AcceptError::Rejected(rejection) => (Phase::Stream, rejection.code),
        AcceptError::Timeout => (Phase::Stream, Code::StreamTimeout),
        AcceptError::Tls(_) => (Phase::Tls, Code::TlsFailed),
        AcceptError::Io(error) => lost_code(error),
        AcceptError::OverBudget | AcceptError::Random => (Phase::Stream, Code::Overloaded),
        AcceptError::Stopping => (Phase::Stream, Code::Stopping),
    }
}

/// A stream that the peer opened: stanzas come in.
///
/// Dropping it closes the stream.
#[derive(Debug)]
pub struct Inbound {
    connection: Option<Connection>,
    closing: Duration,
    peers: [Peer; 1],
    stop: Stop,
    vigil: Vigil,
    /// What the only pair was found to be while the stream was up.
    rejection: Option<Rejection>,
    /// The place in the list of peers, for as long as the pair is proved.
    registered: Option<Registered>,
    /// Given up after the goodbye.
    permit: Option<Permit>,
}

impl Inbound {
    fn new(claimed: Claimed, permit: Permit, newer: Option<Newer>) -> Self {
        let Arrived { connection, peer, .. } = claimed.arrived;
        Self {
            vigil: Vigil::begin(&claimed.context, &connection.stream, &peer, newer),
            rejection: None,
            registered: Some(claimed.registry.register(peer.clone())),
            permit: Some(permit),
            connection: Some(connection),
            closing: claimed.context.config.stream.closing,
            peers: [peer],
            stop: claimed.stop,
        }
    }

    /// The next stanza, always of a pair that was proved when it came; `None` at the end.
    ///
    /// When the endpoint is closed, the stream is closed too; what is on its way then still comes.
    /// When what proved the pair ends, nothing more is read, the peer is told with a stream error,
    /// and after the stanzas that were read before comes the error. Cancel safe.
    pub async fn next(&mut self) -> Result<Option<Stanza>, InboundError> {
        while let Some(connection) = &mut self.connection {
            if self.vigil.is_over() {
                let lapse = self.vigil.lapse().await;
                self.lapse(lapse);
                continue;
            }
            let stopping = self.stop.is_wanted();
            if stopping {
                connection.stream.close(None);
            }
            let progress = tokio::select! {
                biased;
                progress = connection.progress() => progress,
                () = self.stop.wanted(), if !stopping => continue,
                lapse = self.vigil.lapse() => {
                    self.lapse(lapse);
                    continue;
                }
            };
            match progress {
                Progress::Event(Event::Stanza(stanza)) => return Ok(Some(stanza)),
                Progress::Event(Event::Closed(error)) => {
                    self.end(error.as_ref().map(|error| error as _));
                    let error = error.map(Into::into);
                    let error = self.rejection.take().map(Into::into).or(error);
                    return error.map_or(Ok(None), Err);
                }
                Progress::Event(_) | Progress::Flushed => {}
                Progress::Lost(error) => {
                    self.end(Some(&error));
                    let lost = || InboundError::Lost(Arc::new(error));
                    return Err(self.rejection.take().map_or_else(lost, Into::into));
                }
            }
        }
        Ok(None)
    }

    /// The other end: one entry for each pair that is proved.
    pub fn peers(&self) -> &[Peer] {
        &self.peers
    }

    /// The proof has ended while the stream is up.
    fn lapse(&mut self, lapse: Lapse) {
        let [peer] = &mut self.peers;
        lapse.note(peer);
        if let Some(connection) = &mut self.connection {
            lapse.apply(&mut connection.stream, peer.direction);
        }
        if let End::Pair(mut rejection) = lapse.end {
            rejection.trail = (*peer.trail).clone();
            self.rejection = Some(rejection);
        }
    }

    /// Leaves the goodbye to a task of its own.
    fn end(&mut self, error: Option<&dyn std::error::Error>) {
        let Some(mut connection) = self.connection.take() else { return };
        let Pair { local, remote } = &self.peers[0].pair;
        let error = error.map(explain);
        debug!(target: "xmpp_s2s", %local, %remote, error, "inbound stream ended");
        connection.stream.close(None);
        self.registered = None;
        connection.see_off(self.closing, (self.stop.clone(), self.permit.take()));
    }
}

impl Drop for Inbound {
    fn drop(&mut self) {
        self.end(None);
    }
}
