//! The lane of one pair: brings a stream up, empties the queue into it, and answers for every
//! stanza that it took.

use std::collections::VecDeque;
use std::io;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout_at;
use xmpp_s2s_proto::stream::{Event, Stream};
use xmpp_s2s_proto::{Code, Phase, Step, Trail};

use crate::clock::{after, now};
use crate::connection::{Connection, Progress};
use crate::context::Context;
use crate::delivery::{Undelivered, Waiting};
use crate::negotiation::Proved;
use crate::outbound::{ConnectError, Outbound, establish};
use crate::peer::{Direction, Peer};
use crate::reason::{explain, lost_code, stream_code};
use crate::stop::Stop;
use crate::vigil::{End, Lapse, Vigil, expired};

/// Most stanzas that are written before they are flushed.
const BATCH: usize = 256;

/// The sending side of one pair.
pub(crate) struct Lane {
    context: Arc<Context>,
    queue: mpsc::UnboundedReceiver<Waiting>,
    peer: Arc<Mutex<Peer>>,
    stop: Stop,
    /// Taken from the queue and not written yet.
    unsent: VecDeque<Waiting>,
    /// Written and not flushed yet.
    under_way: Vec<Waiting>,
    /// What could not be sent before the end, and nobody waits for.
    abandoned: Arc<Mutex<Vec<Undelivered>>>,
}

impl Lane {
    pub(crate) fn new(
        context: Arc<Context>,
        queue: mpsc::UnboundedReceiver<Waiting>,
        peer: Arc<Mutex<Peer>>,
        stop: Stop,
        abandoned: Arc<Mutex<Vec<Undelivered>>>,
    ) -> Self {
        let (unsent, under_way) = (VecDeque::new(), Vec::new());
        Self { context, queue, peer, stop, unsent, under_way, abandoned }
    }

    /// Brings streams up as long as something waits. After an error there is no stream, and what
    /// waits has to go back.
    pub(crate) async fn run(&mut self) -> Result<(), ConnectError> {
        loop {
            let (connection, vigil) = self.connect().await?;
            self.drive(connection, vigil).await?;
            if self.is_empty() {
                return Ok(());
            }
        }
    }

    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.unsent.is_empty() && self.queue.is_empty()
    }

    /// Gives back everything that waits.
    pub(crate) fn give_back(&mut self, error: &Arc<ConnectError>) {
        let trail = self.peer().trail.clone();
        let mut all: Vec<_> = self.unsent.drain(..).collect();
        all.extend(std::iter::from_fn(|| self.queue.try_recv().ok()));
        for waiting in all {
            self.answer(waiting, error.clone(), trail.clone());
        }
    }

    async fn connect(&mut self) -> Result<(Connection, Vigil), ConnectError> {
        let pair = self.peer().pair.clone();
        let mut peer = Peer::new(pair, Direction::Outbound, now());
        self.peer().clone_from(&peer);
        let mut stop = self.stop.clone();
        // In a box, so that the room for it is not kept as long as the stream is.
        let establishing = Box::pin(establish(&self.context, &self.stop, peer.trail_mut()));
        let outcome = tokio::select! {
            outcome = establishing => outcome,
            () = stop.deadline() => Err(ConnectError::Stopping),
        };
        match &outcome {
            Ok(outbound) => {
                let Proved { prooftype, end_entity, document, .. } = &outbound.proved;
                peer.prooftype = Some(*prooftype);
                peer.end_entity = Some(*end_entity);
                peer.document.clone_from(document);
                peer.address = Some(outbound.address);
                peer.established = Some(now());
            }
            Err(ConnectError::Rejected(rejection)) => peer.reject(rejection),
            Err(ConnectError::Stopping) => peer.trail_mut().conclude(Code::Stopping),
            Err(_) => {}
        }
        self.peer().clone_from(&peer);
        peer.log();
        outcome.map(|Outbound { connection, proved, .. }| {
            let vigil = Vigil::begin(&self.context, &connection.stream, &peer, proved.newer);
            (connection, vigil)
        })
    }

    /// Sends until the stream is over. It is an error only if nothing ever went over it: then
    /// another stream would fare no better.
    async fn drive(
        &mut self,
        mut connection: Connection,
        vigil: Vigil,
    ) -> Result<(), ConnectError> {
        let (error, used) = self.send(&mut connection, vigil).await;
        let trail = match used {
            Used::Lapsed => self.peer().trail.clone(),
            Used::Yes | Used::No => self.conclude(&error),
        };
        if self.under_way.is_empty() {
            connection.stream.close(None);
            connection.see_off(self.context.config.stream.closing, self.stop.clone());
        } else {
            // What is given back must not be sent any more.
            drop(connection);
            let error = Arc::new(error.clone());
            for waiting in std::mem::take(&mut self.under_way) {
                self.answer(waiting, error.clone(), trail.clone());
            }
        }
        match (used, error) {
            (Used::Yes | Used::Lapsed, _) => Ok(()),
            (Used::No, _) if self.is_empty() => Ok(()),
            (Used::No, ConnectError::Lost { domain, .. }) => Err(ConnectError::Ended(domain)),
            (Used::No, error) => Err(error),
        }
    }

    /// Sends until the stream is over, and says how that came.
    async fn send(
        &mut self,
        connection: &mut Connection,
        mut vigil: Vigil,
    ) -> (ConnectError, Used) {
        let (mut begin, mut end) = (self.stop.clone(), self.stop.clone());
        let (mut begin, mut end) = (pin!(begin.wanted()), pin!(end.deadline()));
        let mut stopping = self.stop.is_wanted();
        let mut used = Used::No;
        let mut batch = Vec::new();
        let error = loop {
            if vigil.is_over() {
                let lapse = vigil.lapse().await;
                break self.lapse(lapse, connection, &mut used).await;
            }
            self.write(&mut connection.stream);
            let idle = self.under_way.is_empty() && self.unsent.is_empty();
            if stopping && idle && self.queue.is_empty() {
                connection.stream.close(None);
            }
            // In this order: a peer that has closed the stream gets nothing more.
            tokio::select! {
                biased;
                progress = connection.progress() => match progress {
                    Progress::Flushed if self.under_way.is_empty() => {}
                    Progress::Flushed => {
                        used = Used::Yes;
                        self.under_way.drain(..).for_each(Waiting::delivered);
                    }
                    Progress::Event(Event::Closed(Some(error))) => break error.into(),
                    Progress::Event(Event::Closed(None)) => {
                        break self.lost(io::ErrorKind::ConnectionAborted.into());
                    }
                    Progress::Event(_) => {}
                    Progress::Lost(error) => break self.lost(error),
                },
                () = &mut end => break ConnectError::Stopping,
                lapse = vigil.lapse() => {
                    break self.lapse(lapse, connection, &mut used).await;
                }
                () = &mut begin, if !stopping => stopping = true,
                _ = self.queue.recv_many(&mut batch, BATCH), if idle => {
                    self.unsent.extend(batch.drain(..));
                }
            }
        };
        (error, used)
    }

    /// The proof has ended while the stream is up. What waits goes to another one, whose peer is
    /// judged afresh.
    async fn lapse(
        &mut self,
        lapse: Lapse,
        connection: &mut Connection,
        used: &mut Used,
    ) -> ConnectError {
        // Only the certificate's time is over, so what is half-way is for the one it was meant for.
        if matches!(lapse.end, End::Certificate) {
            Box::pin(self.flush(connection)).await;
        }
        lapse.note(&mut self.peer());
        lapse.apply(&mut connection.stream, Direction::Outbound);
        *used = Used::Lapsed;
        match lapse.end {
            End::Pair(rejection) => rejection.into(),
            End::Certificate => expired().into(),
        }
    }

    /// Waits until what is under way is with the operating system, if the peer takes it in time.
    async fn flush(&mut self, connection: &mut Connection) {
        let mut stop = self.stop.clone();
        let deadline = after(self.context.config.limits.write);
        while !self.under_way.is_empty() {
            let progress = tokio::select! {
                progress = timeout_at(deadline, connection.progress()) => progress,
                () = stop.deadline() => return,
            };
            match progress {
                Ok(Progress::Flushed) => self.under_way.drain(..).for_each(Waiting::delivered),
                Ok(Progress::Event(Event::Closed(_)) | Progress::Lost(_)) | Err(_) => return,
                Ok(Progress::Event(_)) => {}
            }
        }
    }

    fn write(&mut self, stream: &mut Stream) {
        while let Some(waiting) = self.unsent.pop_front() {
            if stream.send(&waiting.stanza).is_err() {
                // It is closing; the next stream takes it.
                self.unsent.push_front(waiting);
                return;
            }
            self.under_way.push(waiting);
        }
    }

    fn answer(&self, waiting: Waiting, error: Arc<ConnectError>, trail: Arc<Trail>) {
        if let Err(undelivered) = waiting.undelivered(error, trail)
            && self.stop.is_wanted()
        {
            self.abandoned.lock().unwrap_or_else(PoisonError::into_inner).push(undelivered);
        }
    }

    fn lost(&self, error: io::Error) -> ConnectError {
        let domain = self.peer().pair.remote.clone();
        ConnectError::Lost { domain, error: Arc::new(error) }
    }

    /// Adds to the trail how the stream ended.
    fn conclude(&self, error: &ConnectError) -> Arc<Trail> {
        let (phase, code) = match error {
            ConnectError::Stopping => (Phase::Stream, Code::Stopping),
            ConnectError::Stream(error) => (Phase::Stream, stream_code(error)),
            ConnectError::Lost { error, .. } => lost_code(error),
            ConnectError::NotOurs(_)
            | ConnectError::Discovery(_)
            | ConnectError::QueueFull(_)
            | ConnectError::Overloaded
            | ConnectError::Rejected(_)
            | ConnectError::Ended(_)
            | ConnectError::Unreachable { .. }
            | ConnectError::Timeout(_) => (Phase::Stream, Code::StreamClosed),
        };
        let mut peer = self.peer();
        peer.established = None;
        let trail = peer.trail_mut();
        trail.record(Step::new(phase, code, explain(error), Duration::ZERO));
        trail.conclude(code);
        peer.trail.clone()
    }

    fn peer(&self) -> MutexGuard<'_, Peer> {
        self.peer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether anything went over a stream.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Used {
    No,
    Yes,
    /// It would go on if the peer were still proved.
    Lapsed,
}
