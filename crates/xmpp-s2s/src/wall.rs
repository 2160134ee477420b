//! The time of day: what it is, and waiting for it by two clocks.

use std::convert::Infallible;
use std::fmt;
use std::time::Duration;

use rustls::pki_types::UnixTime;
use tokio::sync::{Mutex, watch};
use tokio::time::{Instant, sleep, sleep_until};

use crate::clock::after;

/// The wall clock. Where something lasts until a time of day, that has come as soon as either this
/// clock or the monotonic one says so (A24): the one may be set, the other stops with a suspended
/// machine.
pub(crate) struct WallClock {
    read: Box<dyn Fn() -> UnixTime + Send + Sync>,
    /// Held by the one who looks for everybody that waits.
    looking: Mutex<()>,
    /// Tells them that the clocks have come apart.
    apart: watch::Sender<()>,
}

/// How often the clocks are compared while anybody waits.
const LOOK: Duration = Duration::from_secs(20);

/// What the wall clock cannot tell for want of parts of a second.
const BLUR: u64 = 1;

impl WallClock {
    /// A clock that is read so.
    pub(crate) fn new(read: impl Fn() -> UnixTime + Send + Sync + 'static) -> Self {
        Self { read: Box::new(read), looking: Mutex::new(()), apart: watch::Sender::new(()) }
    }

    pub(crate) fn now(&self) -> UnixTime {
        (self.read)()
    }

    /// Returns when the first of `ends` is over, none of them before its own earliest time.
    ///
    /// Between now and then nobody who waits is woken, unless the clocks come apart.
    pub(crate) async fn over(&self, ends: [(UnixTime, Instant); 2]) {
        let mut apart = self.apart.subscribe();
        let mut due = ends.map(|(end, earliest)| self.due(end).max(earliest));
        loop {
            let [one, other] = due;
            tokio::select! {
                () = sleep_until(one.min(other)) => return,
                _ = apart.changed() => for (due, (end, earliest)) in due.iter_mut().zip(ends) {
                    *due = (*due).min(self.due(end).max(earliest));
                },
                never = self.compare() => match never {},
            }
        }
    }

    /// When the second that `end` names will have passed, as it looks now.
    fn due(&self, end: UnixTime) -> Instant {
        after(Duration::from_secs((end.as_secs() + BLUR).saturating_sub(self.now().as_secs())))
    }

    /// One of those who wait compares the clocks for all, for as long as that one waits.
    async fn compare(&self) -> Infallible {
        let _looking = self.looking.lock().await;
        let mut since = (Instant::now(), self.now());
        loop {
            sleep(LOOK).await;
            let monotonic = since.0.elapsed().as_secs();
            if self.now().as_secs().abs_diff(since.1.as_secs() + monotonic) > BLUR {
                self.apart.send_replace(());
                since = (Instant::now(), self.now());
            }
        }
    }
}

impl fmt::Debug for WallClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WallClock").field(&self.now()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::pin;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

    use tokio::task::JoinSet;

    use super::*;

    /// A wall clock that goes with the monotonic one, but for what was added to it.
    fn clock() -> (Arc<WallClock>, Arc<AtomicU64>) {
        let (start, added) = (Instant::now(), Arc::new(AtomicU64::new(1_000)));
        let ahead = added.clone();
        let read = move || {
            let ahead = Duration::from_secs(ahead.load(Ordering::Relaxed));
            UnixTime::since_unix_epoch(start.elapsed() + ahead)
        };
        (Arc::new(WallClock::new(read)), added)
    }

    fn at(second: u64) -> UnixTime {
        UnixTime::since_unix_epoch(Duration::from_secs(second))
    }

    /// After how many seconds somebody wakes who waits for `ends`, and the clock is set by so much
    /// after so many seconds.
    async fn wakes(ends: [(u64, u64); 2], (set, by): (u64, i64)) -> u64 {
        let ((clock, added), start) = (clock(), Instant::now());
        let earliest = |seconds| start + Duration::from_secs(seconds);
        let ends = ends.map(|(end, seconds)| (at(1_000 + end), earliest(seconds)));
        let waiting = tokio::spawn(async move { clock.over(ends).await });
        sleep(Duration::from_secs(set)).await;
        let _ = added.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |added| {
            added.checked_add_signed(by)
        });
        waiting.await.unwrap();
        start.elapsed().as_secs()
    }

    const FAR: (u64, u64) = (1_000_000, 0);

    #[tokio::test(start_paused = true)]
    async fn a24_the_first_end_counts_and_none_before_its_time() {
        assert_eq!(wakes([(100, 0), FAR], (0, 0)).await, 101);
        assert_eq!(wakes([FAR, (100, 300)], (0, 0)).await, 300);
        assert_eq!(wakes([(200, 0), (100, 300)], (0, 0)).await, 201);
    }

    #[tokio::test(start_paused = true)]
    async fn a24_a_machine_that_was_suspended_is_not_late() {
        let woken = wakes([(7_200, 0), FAR], (50, 7_200)).await;
        assert!((50..50 + 2 * LOOK.as_secs()).contains(&woken), "{woken}");
    }

    #[tokio::test(start_paused = true)]
    async fn a24_a_clock_that_is_set_back_prolongs_nothing() {
        assert_eq!(wakes([(200, 0), FAR], (50, -500)).await, 201);
    }

    #[tokio::test(start_paused = true)]
    async fn those_who_wait_are_not_woken_in_between() {
        const WAITING: usize = 1_000;
        let (clock, _) = clock();
        let polls = Arc::new(AtomicUsize::new(0));
        let mut waiting = JoinSet::new();
        for _ in 0..WAITING {
            let (clock, polls) = (clock.clone(), polls.clone());
            waiting.spawn(async move {
                let mut over = pin!(clock.over([(at(5_000), Instant::now()); 2]));
                let counted = poll_fn(|cx| {
                    polls.fetch_add(1, Ordering::Relaxed);
                    over.as_mut().poll(cx)
                });
                counted.await;
            });
        }
        sleep(Duration::from_secs(3_900)).await;
        let looks = usize::try_from(3_900 / LOOK.as_secs()).unwrap();
        assert!(polls.load(Ordering::Relaxed) <= WAITING + looks + 1);
        waiting.join_all().await;
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_on_is_told_when_the_one_who_looks_has_gone() {
        let (clock, added) = clock();
        let wait = |end: u64| {
            let clock = clock.clone();
            let ends = [(at(1_000 + end), Instant::now()); 2];
            tokio::spawn(async move { clock.over(ends).await })
        };
        let (first, second, third) = (wait(100), wait(7_200), wait(7_200));
        first.await.unwrap();
        added.fetch_add(7_200, Ordering::Relaxed);
        let set = Instant::now();
        second.await.unwrap();
        third.await.unwrap();
        assert!(set.elapsed() < 2 * LOOK);
    }
}
