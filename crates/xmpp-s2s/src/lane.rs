//! The lane of one pair: brings a stream up, empties the queue into it, and answers for every
//! stanza that it took.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::sleep_until;
use xmpp_s2s_proto::stream::{Event, Stream};
use xmpp_s2s_proto::{Code, Phase, Step, Trail};

use crate::connection::{Connection, Progress, Stop};
use crate::context::Context;
use crate::delivery::{Undelivered, Waiting};
use crate::outbound::{ConnectError, code, establish, explain};
use crate::peer::Peer;

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
            let connection = self.connect().await?;
            self.drive(connection).await?;
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
        let trail = Arc::new(self.peer().trail.clone());
        let mut all = std::mem::take(&mut self.under_way);
        all.extend(self.unsent.drain(..));
        all.extend(std::iter::from_fn(|| self.queue.try_recv().ok()));
        for waiting in all {
            self.answer(waiting, error.clone(), trail.clone());
        }
    }

    async fn connect(&mut self) -> Result<Connection, ConnectError> {
        let mut trail = Trail::new(self.peer().pair.clone());
        let mut stop = self.stop.clone();
        let outcome = tokio::select! {
            outcome = establish(&self.context, &self.stop, &mut trail) => outcome,
            () = end(&mut stop) => Err(ConnectError::Stopping),
        };
        if matches!(outcome, Err(ConnectError::Stopping)) {
            trail.conclude(Code::Stopping);
        }
        let mut peer = self.peer();
        peer.trail = trail;
        if let Ok(outbound) = &outcome {
            peer.prooftype = Some(outbound.prooftype);
            peer.address = Some(outbound.address);
        }
        peer.log();
        outcome.map(|outbound| outbound.connection)
    }

    /// Sends until the stream is over. It is an error only if nothing ever went over it: then
    /// another stream would fare no better.
    async fn drive(&mut self, mut connection: Connection) -> Result<(), ConnectError> {
        let mut useful = false;
        let error = loop {
            self.write(&mut connection.stream);
            let idle = self.under_way.is_empty() && self.unsent.is_empty();
            let stopping = self.stop.borrow().is_some();
            if stopping && idle && self.queue.is_empty() {
                connection.stream.close(None);
            }
            let (mut begin, mut deadline) = (self.stop.clone(), self.stop.clone());
            let mut batch = Vec::new();
            tokio::select! {
                progress = connection.progress() => match progress {
                    Progress::Flushed => {
                        useful |= !self.under_way.is_empty();
                        self.under_way.drain(..).for_each(Waiting::delivered);
                    }
                    Progress::Event(Event::Closed(error)) => break error.map(ConnectError::Stream),
                    Progress::Event(_) => {}
                    Progress::Lost(error) => break Some(self.lost(error)),
                },
                _ = self.queue.recv_many(&mut batch, BATCH), if idle => self.unsent.extend(batch),
                _ = begin.wait_for(Option::is_some), if !stopping => {}
                () = end(&mut deadline), if stopping => break Some(ConnectError::Stopping),
            }
        };
        connection.stream.close(None);
        connection.see_off(self.context.config.stream.closing, self.stop.clone());
        let error = error.unwrap_or_else(|| self.lost(io::ErrorKind::ConnectionAborted.into()));
        self.conclude(&error);
        if useful || self.is_empty() && self.under_way.is_empty() {
            self.lose(error);
            return Ok(());
        }
        Err(error)
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

    /// Gives back what was under way when the stream ended.
    fn lose(&mut self, error: ConnectError) {
        let (error, trail) = (Arc::new(error), Arc::new(self.peer().trail.clone()));
        for waiting in std::mem::take(&mut self.under_way) {
            self.answer(waiting, error.clone(), trail.clone());
        }
    }

    fn answer(&self, waiting: Waiting, error: Arc<ConnectError>, trail: Arc<Trail>) {
        if let Err(undelivered) = waiting.undelivered(error, trail)
            && self.stop.borrow().is_some()
        {
            self.abandoned.lock().unwrap_or_else(PoisonError::into_inner).push(undelivered);
        }
    }

    fn lost(&self, error: io::Error) -> ConnectError {
        let domain = self.peer().pair.remote.clone();
        ConnectError::Lost { domain, error: Arc::new(error) }
    }

    /// Adds to the trail how the stream ended.
    fn conclude(&self, error: &ConnectError) {
        let code = match error {
            ConnectError::Stopping => Code::Stopping,
            ConnectError::Stream(error) => code(error),
            _ => Code::StreamClosed,
        };
        let mut peer = self.peer();
        let step = Step::new(Phase::Stream, code, explain(error), Duration::ZERO);
        peer.trail.record(step);
        peer.trail.conclude(code);
    }

    fn peer(&self) -> MutexGuard<'_, Peer> {
        self.peer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns when everything has to be closed.
pub(crate) async fn end(stop: &mut Stop) {
    let deadline = stop.wait_for(Option::is_some).await.ok().and_then(|deadline| *deadline);
    if let Some(deadline) = deadline {
        sleep_until(deadline).await;
    }
}
