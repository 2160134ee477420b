//! What becomes of a stanza: the answer to its sender, and its share of what may wait.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context as Task, Poll};

use thiserror::Error;
use tokio::sync::oneshot;
use xmpp_s2s_proto::{Code, Pair, Stanza, Trail};

use crate::config::Limits;
use crate::discovery::DiscoveryError;
use crate::outbound::ConnectError;

/// A stanza that was not delivered.
#[derive(Clone, Debug, Error)]
#[error("stanza to {} was not delivered", .stanza.to())]
#[non_exhaustive]
pub struct Undelivered {
    /// The stanza.
    pub stanza: Stanza,
    /// Why.
    #[source]
    pub error: Arc<ConnectError>,
    /// What was tried.
    pub trail: Arc<Trail>,
}

impl Undelivered {
    /// The error to send back to the author, with one sentence that says why; `None` for stanzas
    /// that must not be answered (RFC 6120 §8.3.1).
    ///
    /// Where the DNS led to no server, it is `remote-server-not-found`, of the type `cancel`; where
    /// it did and there was no stream, `remote-server-timeout`, of the type `wait`, also if a proof
    /// was refused: RFC 6120 §10.4.3 wants it so, and what was refused is often mended soon. The
    /// sentence says which of them it was.
    pub fn bounce(&self) -> Option<Stanza> {
        self.stanza.bounce(condition(&self.error), &self.trail.to_string())
    }
}

/// The stanza error condition (RFC 6120 §8.3.3, §10.4.3).
fn condition(error: &ConnectError) -> &'static str {
    match error {
        ConnectError::NotOurs(_) => "forbidden",
        ConnectError::QueueFull(_) | ConnectError::Overloaded => "resource-constraint",
        ConnectError::Discovery(error) => match error {
            DiscoveryError::NotOffered(_)
            | DiscoveryError::NoDomain(_)
            | DiscoveryError::NoAddress(_)
            | DiscoveryError::Forbidden(_)
            | DiscoveryError::Unresolved { .. }
            | DiscoveryError::Timeout(_) => "remote-server-not-found",
        },
        ConnectError::Rejected(_)
        | ConnectError::Stream(_)
        | ConnectError::Lost { .. }
        | ConnectError::Ended(_)
        | ConnectError::Unreachable { .. }
        | ConnectError::Timeout(_)
        | ConnectError::Stopping => "remote-server-timeout",
    }
}

/// What becomes of a stanza: written and flushed, or given back.
///
/// Dropping it gives up the answer, not the stanza.
#[must_use = "a stanza that cannot be delivered comes back here"]
#[derive(Debug)]
pub struct Delivery(Answer);

#[derive(Debug)]
enum Answer {
    Known(Option<Box<Undelivered>>),
    Awaited(oneshot::Receiver<Outcome>),
}

/// What is told of a stanza; the bad news in a box, for the good news to be small.
type Outcome = Result<(), Box<Undelivered>>;

impl Delivery {
    pub(crate) fn failed(stanza: Stanza, error: Arc<ConnectError>, trail: Arc<Trail>) -> Self {
        Self(Answer::Known(Some(Box::new(Undelivered { stanza, error, trail }))))
    }
}

impl Future for Delivery {
    type Output = Result<(), Undelivered>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Task<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            Answer::Known(known) => {
                Poll::Ready(Err(*known.take().expect("polled again after its answer")))
            }
            Answer::Awaited(answer) => Pin::new(answer).poll(cx).map(|answer| {
                let outcome = answer.expect(ANSWERED);
                outcome.map_err(|undelivered| *undelivered)
            }),
        }
    }
}

const ANSWERED: &str = "a stanza in a queue is answered at the latest when dropped";

/// A stanza in a queue. Whoever loses it gives it back.
#[derive(Debug)]
pub(crate) struct Waiting {
    /// In a box, since it changes hands many times on its way.
    pub(crate) stanza: Box<Stanza>,
    /// Taken when the answer is given.
    answer: Option<oneshot::Sender<Outcome>>,
    _share: Share,
}

impl Waiting {
    /// Takes its place, and gives the sender something to wait for. A stanza that came in on
    /// another stream lets go of what else was read with it.
    pub(crate) fn new(stanza: Stanza, share: Share) -> (Self, Delivery) {
        let (answer, awaited) = oneshot::channel();
        let stanza = Box::new(stanza.detach());
        let waiting = Self { stanza, answer: Some(answer), _share: share };
        (waiting, Delivery(Answer::Awaited(awaited)))
    }

    /// It was written and flushed.
    pub(crate) fn delivered(mut self) {
        // Nobody may want to know.
        let _ = self.answer.take().map(|answer| answer.send(Ok(())));
    }

    /// It comes back to its sender; to the caller, if nobody waits for it.
    pub(crate) fn undelivered(
        mut self,
        error: Arc<ConnectError>,
        trail: Arc<Trail>,
    ) -> Result<(), Undelivered> {
        let undelivered = Box::new(Undelivered { stanza: (*self.stanza).clone(), error, trail });
        match self.answer.take().map(|answer| answer.send(Err(undelivered))) {
            Some(Err(Err(undelivered))) => Err(*undelivered),
            _ => Ok(()),
        }
    }
}

impl Drop for Waiting {
    /// A lane that goes away without an answer, with its runtime or by a panic, has stopped.
    fn drop(&mut self) {
        let Some(answer) = self.answer.take() else { return };
        let stanza = (*self.stanza).clone();
        let pair = Pair { local: stanza.from().clone(), remote: stanza.to().clone() };
        let mut trail = Trail::new(pair);
        trail.conclude(Code::Stopping);
        let (error, trail) = (Arc::new(ConnectError::Stopping), Arc::new(trail));
        let _ = answer.send(Err(Box::new(Undelivered { stanza, error, trail })));
    }
}

/// What waits for one pair, and for all of them.
#[derive(Debug, Default)]
pub(crate) struct Load {
    stanzas: AtomicUsize,
    bytes: AtomicUsize,
    total: Arc<AtomicUsize>,
}

impl Load {
    /// A load that counts towards `total`.
    pub(crate) fn of(total: Arc<AtomicUsize>) -> Arc<Self> {
        Arc::new(Self { total, ..Self::default() })
    }

    /// Takes the place of a stanza of `size` bytes; `None` if that is more than `limits` allow.
    /// To be called by one at a time.
    pub(crate) fn take(self: &Arc<Self>, size: usize, limits: &Limits) -> Option<Share> {
        let size = size.saturating_add(OVERHEAD);
        let fits = self.stanzas.load(Ordering::Relaxed) < limits.queue_stanzas
            && self.bytes.load(Ordering::Relaxed) + size <= limits.queue_size
            && self.total.load(Ordering::Relaxed) + size <= limits.queues_size;
        if !fits {
            return None;
        }
        self.stanzas.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(size, Ordering::Relaxed);
        self.total.fetch_add(size, Ordering::Relaxed);
        Some(Share { size, load: self.clone() })
    }
}

/// What a stanza in a queue takes besides its text, in bytes, about.
const OVERHEAD: usize = 256;

/// A part of a [`Load`], given back when dropped.
#[derive(Debug)]
pub(crate) struct Share {
    size: usize,
    load: Arc<Load>,
}

impl Drop for Share {
    fn drop(&mut self) {
        self.load.stanzas.fetch_sub(1, Ordering::Relaxed);
        self.load.bytes.fetch_sub(self.size, Ordering::Relaxed);
        self.load.total.fetch_sub(self.size, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_hands_for_a_stanza_is_small() {
        assert!(size_of::<Waiting>() <= 64);
        assert!(size_of::<Outcome>() <= 16);
    }

    #[test]
    fn a_queue_is_bounded_in_stanzas_in_bytes_and_in_all() {
        let (queue_size, queues_size) = (2 * OVERHEAD + 10, 2 * OVERHEAD + 12);
        let limits = Limits { queue_stanzas: 2, queue_size, queues_size, ..Limits::default() };
        let total = Arc::default();
        let (one, other) = (Load::of(Arc::clone(&total)), Load::of(total));
        assert!(one.take(OVERHEAD + 11, &limits).is_none());
        let held = (one.take(4, &limits).unwrap(), one.take(4, &limits).unwrap());
        assert!(one.take(1, &limits).is_none());
        assert!(other.take(5, &limits).is_none());
        drop(held);
        assert!(other.take(5, &limits).is_some());
        assert!(one.take(10, &limits).is_some());
    }
}
