//! The lanes of an endpoint: one for each pair, and the memory of those that failed not long ago.

use std::collections::HashMap;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout_at};
use xmpp_s2s_proto::{Code, Pair, Stanza, Trail};

use crate::config::Limits;
use crate::connection::Stop;
use crate::context::Context;
use crate::delivery::{Delivery, Load, Undelivered, Waiting};
use crate::lane::Lane;
use crate::outbound::ConnectError;
use crate::peer::{Direction, Peer};

/// The lanes of an endpoint.
pub(crate) struct Pool {
    context: Arc<Context>,
    lanes: Mutex<HashMap<Pair, State>>,
    waiting: Arc<AtomicUsize>,
    stop: watch::Sender<Option<Instant>>,
    abandoned: Arc<Mutex<Vec<Undelivered>>>,
}

enum State {
    Open(Open),
    Failed(Failed),
}

struct Open {
    queue: mpsc::UnboundedSender<Waiting>,
    load: Arc<Load>,
    peer: Arc<Mutex<Peer>>,
}

struct Failed {
    until: Instant,
    /// How many attempts failed in a row.
    attempts: u32,
    error: Arc<ConnectError>,
    peer: Peer,
    trail: Arc<Trail>,
}

impl Pool {
    pub(crate) fn new(context: Arc<Context>) -> Arc<Self> {
        Arc::new(Self {
            context,
            lanes: Mutex::default(),
            waiting: Arc::default(),
            stop: watch::Sender::new(None),
            abandoned: Arc::default(),
        })
    }

    /// Queues `stanza` in its lane; opens the lane if there is none.
    pub(crate) fn send(self: &Arc<Self>, stanza: Stanza) -> Delivery {
        let pair = Pair { local: stanza.from().clone(), remote: stanza.to().clone() };
        let mut lanes = self.lanes();
        if self.stop.borrow().is_some() {
            return refuse(stanza, pair, ConnectError::Stopping, Code::Stopping);
        }
        let attempts = match lanes.get(&pair) {
            Some(State::Open(open)) => return self.queue(open, stanza, pair),
            Some(State::Failed(failed)) if Instant::now() < failed.until => {
                return Delivery::failed(stanza, failed.error.clone(), failed.trail.clone());
            }
            Some(State::Failed(failed)) => failed.attempts,
            None => 0,
        };
        let (open, lane) = self.open(&pair);
        let delivery = self.queue(&open, stanza, pair.clone());
        lanes.insert(pair.clone(), State::Open(open));
        tokio::spawn(self.clone().run(pair, lane, attempts));
        delivery
    }

    /// The peers of all lanes.
    pub(crate) fn peers(&self) -> Vec<Peer> {
        let peer = |state: &State| match state {
            State::Open(open) => open.peer.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            State::Failed(failed) => failed.peer.clone(),
        };
        self.lanes().values().map(peer).collect()
    }

    /// Tells when everything has to be closed.
    pub(crate) fn stop(&self) -> Stop {
        self.stop.subscribe()
    }

    /// Takes nothing new, sends what waits, and closes every stream, all by the deadline.
    pub(crate) async fn close(&self, deadline: Duration) -> Vec<Undelivered> {
        let deadline = Instant::now() + deadline;
        self.begin_to_stop(deadline);
        // Lanes give back what is left at the deadline, which takes them a moment.
        let _ = timeout_at(deadline + GRACE, self.stop.closed()).await;
        std::mem::take(&mut *self.abandoned.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn begin_to_stop(&self, deadline: Instant) {
        self.stop.send_if_modified(|stop| {
            let first = stop.is_none();
            stop.get_or_insert(deadline);
            first
        });
    }

    fn queue(&self, open: &Open, stanza: Stanza, pair: Pair) -> Delivery {
        let Some(share) = open.load.take(stanza.size(), &self.context.config.limits) else {
            let error = ConnectError::QueueFull(pair.remote.clone());
            return refuse(stanza, pair, error, Code::QueueFull);
        };
        let (waiting, delivery) = Waiting::new(stanza, share);
        // The lane holds the other end for as long as it stands in the map.
        let _ = open.queue.send(waiting);
        delivery
    }

    fn open(&self, pair: &Pair) -> (Open, Lane) {
        let (queue, queued) = mpsc::unbounded_channel();
        let peer = Arc::new(Mutex::new(Peer::new(pair.clone(), Direction::Outbound)));
        let lane = Lane::new(
            self.context.clone(),
            queued,
            peer.clone(),
            self.stop.subscribe(),
            self.abandoned.clone(),
        );
        (Open { queue, load: Load::of(self.waiting.clone()), peer }, lane)
    }

    async fn run(self: Arc<Self>, pair: Pair, mut lane: Lane, attempts: u32) {
        let mut attempts = attempts;
        loop {
            match lane.run().await {
                Ok(()) => attempts = 0,
                Err(error) => {
                    self.fail(&pair, &mut lane, error, attempts + 1);
                    return;
                }
            }
            let mut lanes = self.lanes();
            if lane.is_empty() {
                lanes.remove(&pair);
                return;
            }
        }
    }

    /// Remembers the failure and gives back what waits; under one lock, so that a stanza either
    /// goes back now or meets the memory.
    fn fail(&self, pair: &Pair, lane: &mut Lane, error: ConnectError, attempts: u32) {
        let error = Arc::new(error);
        let limits = &self.context.config.limits;
        let mut lanes = self.lanes();
        lane.give_back(&error);
        let Some(State::Open(open)) = lanes.remove(pair) else { return };
        if lanes.len() >= limits.failures {
            let now = Instant::now();
            lanes.retain(|_, state| match state {
                State::Open(_) => true,
                State::Failed(failed) => now < failed.until,
            });
        }
        if lanes.len() < limits.failures {
            let peer = open.peer.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let trail = Arc::new(peer.trail.clone());
            let until = Instant::now() + back_off(limits, attempts);
            let failed = Failed { until, attempts, error, peer, trail };
            lanes.insert(pair.clone(), State::Failed(failed));
        }
    }

    fn lanes(&self) -> MutexGuard<'_, HashMap<Pair, State>> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool").finish_non_exhaustive()
    }
}

/// What lanes have after the deadline to give back what is left.
const GRACE: Duration = Duration::from_millis(500);

fn refuse(stanza: Stanza, pair: Pair, error: ConnectError, code: Code) -> Delivery {
    let mut trail = Trail::new(pair);
    trail.conclude(code);
    Delivery::failed(stanza, Arc::new(error), Arc::new(trail))
}

/// How long stanzas fail at once: doubled with each failure, and up to a quarter shorter by
/// chance, so that many pairs do not try again together.
fn back_off(limits: &Limits, attempts: u32) -> Duration {
    let doubled = limits.failure.saturating_mul(1 << attempts.saturating_sub(1).min(16));
    let longest = doubled.min(limits.back_off);
    if attempts <= 1 {
        return longest;
    }
    let dice = getrandom::u32().unwrap_or(0);
    longest.mul_f64(1.0 - 0.25 * f64::from(dice) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn back_off_doubles_up_to_its_longest() {
        let limits = Limits::default();
        assert_eq!(back_off(&limits, 1), limits.failure);
        for (attempts, longest) in [(2, 10), (3, 20), (6, 160), (7, 300), (60, 300)] {
            let time = back_off(&limits, attempts).as_secs_f64();
            let longest = f64::from(longest);
            assert!((0.75 * longest..=longest).contains(&time), "{attempts}: {time}");
        }
    }
}
