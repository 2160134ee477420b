//! The lanes of an endpoint: one for each pair, and the memory of those that failed not long ago.

use std::collections::HashMap;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::Instant;
use xmpp_s2s_proto::{Code, Pair, Stanza, Trail};

use crate::clock::{after, now};
use crate::config::Limits;
use crate::context::Context;
use crate::delivery::{Delivery, Load, Share, Undelivered, Waiting};
use crate::lane::Lane;
use crate::outbound::ConnectError;
use crate::peer::{Direction, Peer};
use crate::stop::{Stop, Stopper};

/// The lanes of an endpoint.
pub(crate) struct Pool {
    context: Arc<Context>,
    lanes: Mutex<Lanes>,
    /// Bytes that wait in all lanes.
    waiting: Arc<AtomicUsize>,
    stopper: Stopper,
    abandoned: Arc<Mutex<Vec<Undelivered>>>,
}

#[derive(Default)]
struct Lanes {
    open: HashMap<Pair, Open>,
    failed: HashMap<Pair, Failed>,
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
}

impl Pool {
    pub(crate) fn new(context: Arc<Context>) -> Arc<Self> {
        Arc::new(Self {
            context,
            lanes: Mutex::default(),
            waiting: Arc::default(),
            stopper: Stopper::new(),
            abandoned: Arc::default(),
        })
    }

    /// Queues `stanza` in its lane; opens the lane if there is none.
    pub(crate) fn send(self: &Arc<Self>, stanza: Stanza) -> Delivery {
        let runtime = Handle::current();
        let pair = Pair { local: stanza.from().clone(), remote: stanza.to().clone() };
        let limits = &self.context.config.limits;
        let mut lanes = self.lanes();
        if self.stopper.is_wanted() {
            return refuse(stanza, pair, ConnectError::Stopping, Code::Stopping);
        }
        // A queue is closed if its lane went away with another runtime.
        if let Some(open) = lanes.open.get(&pair)
            && !open.queue.is_closed()
        {
            return match open.load.take(stanza.size(), limits) {
                Some(share) => open.queue(stanza, share),
                None => refuse_full(stanza, pair),
            };
        }
        let attempts = match lanes.failed.get(&pair) {
            Some(failed) if Instant::now() < failed.until => {
                let (error, trail) = (failed.error.clone(), failed.peer.trail.clone());
                return Delivery::failed(stanza, error, trail);
            }
            Some(failed) if failed.until.elapsed() < limits.back_off => failed.attempts,
            Some(_) | None => 0,
        };
        let (open, lane) = self.open(&pair);
        let share = open.load.take(stanza.size(), limits);
        let Some(share) = share.filter(|_| lanes.open.len() < limits.pairs) else {
            return refuse_full(stanza, pair);
        };
        let delivery = open.queue(stanza, share);
        lanes.open.insert(pair.clone(), open);
        runtime.spawn(self.clone().run(pair, lane, attempts));
        delivery
    }

    /// The peers of all lanes, and of those that fail at once.
    pub(crate) fn peers(&self) -> Vec<Peer> {
        let now = Instant::now();
        let lanes = self.lanes();
        let open = lanes.open.values().map(|open| lock(&open.peer).clone());
        let failed = lanes.failed.values().filter(|failed| now < failed.until);
        open.chain(failed.map(|failed| failed.peer.clone())).collect()
    }

    pub(crate) fn stop(&self) -> Stop {
        self.stopper.stop()
    }

    /// Takes nothing new, sends what waits, and closes every stream, all within `time`.
    pub(crate) async fn close(&self, time: Duration) -> Vec<Undelivered> {
        let deadline = self.want(time);
        // Lanes give back what is left at the deadline, which takes them a moment.
        self.stopper.done(deadline + GRACE).await;
        std::mem::take(&mut *lock(&self.abandoned))
    }

    /// The same, at once and without waiting.
    pub(crate) fn abandon(&self) {
        self.want(Duration::ZERO);
    }

    /// Under the lock, so that a stanza either has its lane by then or is refused.
    fn want(&self, time: Duration) -> Instant {
        let _lanes = self.lanes();
        self.stopper.want(time)
    }

    fn open(&self, pair: &Pair) -> (Open, Lane) {
        let (queue, queued) = mpsc::unbounded_channel();
        let peer = Arc::new(Mutex::new(Peer::new(pair.clone(), Direction::Outbound, now())));
        let abandoned = self.abandoned.clone();
        let lane = Lane::new(self.context.clone(), queued, peer.clone(), self.stop(), abandoned);
        (Open { queue, load: Load::of(self.waiting.clone()), peer }, lane)
    }

    async fn run(self: Arc<Self>, pair: Pair, mut lane: Lane, mut attempts: u32) {
        loop {
            if let Err(error) = lane.run().await {
                self.fail(&pair, &mut lane, error, attempts + 1);
                return;
            }
            attempts = 0;
            let mut lanes = self.lanes();
            if lane.is_empty() {
                lanes.open.remove(&pair);
                lanes.failed.remove(&pair);
                return;
            }
        }
    }

    /// Gives back what waits and remembers the failure; under one lock, so that a stanza either
    /// goes back now or meets the memory.
    fn fail(&self, pair: &Pair, lane: &mut Lane, error: ConnectError, attempts: u32) {
        let error = Arc::new(error);
        let limits = &self.context.config.limits;
        let mut lanes = self.lanes();
        lane.give_back(&error);
        let Some(open) = lanes.open.remove(pair) else { return };
        // These are no fault of the peer, and may be over with the next stanza.
        if matches!(
            *error,
            ConnectError::NotOurs(_) | ConnectError::Overloaded | ConnectError::Stopping
        ) {
            return;
        }
        let now = Instant::now();
        if lanes.failed.len() >= limits.failures {
            lanes.failed.retain(|_, failed| now < failed.until);
        }
        if lanes.failed.len() < limits.failures {
            let until = after(back_off(limits, attempts));
            let mut peer = lock(&open.peer).clone();
            peer.failing_until = Some(until.into_std());
            lanes.failed.insert(pair.clone(), Failed { until, attempts, error, peer });
        }
    }

    fn lanes(&self) -> MutexGuard<'_, Lanes> {
        lock(&self.lanes)
    }
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool").finish_non_exhaustive()
    }
}

impl Open {
    fn queue(&self, stanza: Stanza, share: Share) -> Delivery {
        let (waiting, delivery) = Waiting::new(stanza, share);
        // Should the lane be gone, the stanza is given back when it is dropped here.
        let _ = self.queue.send(waiting);
        delivery
    }
}

/// What lanes have after the deadline to give back what is left.
const GRACE: Duration = Duration::from_millis(500);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn refuse_full(stanza: Stanza, pair: Pair) -> Delivery {
    let error = ConnectError::QueueFull(pair.remote.clone());
    refuse(stanza, pair, error, Code::QueueFull)
}

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
