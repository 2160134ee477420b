//! The end of everything: wanted once, with a deadline, and over when nobody holds a [`Stop`].

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::clock::after;

/// What whoever has something to finish holds. It says until when that has to be done.
#[derive(Clone, Debug)]
pub(crate) struct Stop(watch::Receiver<Option<Instant>>);

impl Stop {
    pub(crate) fn is_wanted(&self) -> bool {
        self.0.borrow().is_some()
    }

    /// Returns when the end is wanted.
    pub(crate) async fn wanted(&mut self) {
        // Without a sender there is nobody left to want it in any other way.
        let _ = self.0.wait_for(Option::is_some).await;
    }

    /// Returns when the deadline has passed, the latest one that was given.
    pub(crate) async fn deadline(&mut self) {
        loop {
            let Ok(Some(deadline)) = self.0.wait_for(Option::is_some).await.map(|wanted| *wanted)
            else {
                return;
            };
            tokio::select! {
                () = sleep_until(deadline) => return,
                changed = self.0.changed() => if changed.is_err() { return },
            }
        }
    }
}

/// Whoever can want the end.
#[derive(Debug)]
pub(crate) struct Stopper(watch::Sender<Option<Instant>>);

impl Stopper {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(None))
    }

    pub(crate) fn stop(&self) -> Stop {
        Stop(self.0.subscribe())
    }

    pub(crate) fn is_wanted(&self) -> bool {
        self.0.borrow().is_some()
    }

    /// Wants the end within `time`; an earlier deadline stands.
    pub(crate) fn want(&self, time: Duration) -> Instant {
        let mut deadline = after(time);
        self.0.send_modify(|wanted| {
            deadline = wanted.map_or(deadline, |earlier| earlier.min(deadline));
            *wanted = Some(deadline);
        });
        deadline
    }

    /// Returns when everybody is done, or at the deadline.
    pub(crate) async fn done(&self, deadline: Instant) {
        let _ = timeout_at(deadline, self.0.closed()).await;
    }
}
