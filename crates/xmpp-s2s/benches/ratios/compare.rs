//! Two ways to do the same, in turns.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::support::table::{Figures, Row, Table};

/// What both sides took, in seconds of the processor.
pub(crate) struct Comparison {
    bare: Vec<f64>,
    ours: Vec<f64>,
}

/// Does both so many times, after once that does not count; who is first changes each time.
pub(crate) async fn compare(
    rounds: usize,
    mut bare: impl AsyncFnMut(),
    mut ours: impl AsyncFnMut(),
) -> Comparison {
    bare().await;
    ours().await;
    let mut comparison = Comparison { bare: Vec::new(), ours: Vec::new() };
    for round in 0..rounds {
        if round % 2 == 0 {
            comparison.bare.push(timed(&mut bare).await);
            comparison.ours.push(timed(&mut ours).await);
        } else {
            comparison.ours.push(timed(&mut ours).await);
            comparison.bare.push(timed(&mut bare).await);
        }
    }
    comparison
}

/// How long this thread had a processor for it, in seconds.
pub(crate) async fn timed(work: &mut impl AsyncFnMut()) -> f64 {
    let start = thread_time();
    work().await;
    (thread_time() - start).as_secs_f64()
}

fn thread_time() -> Duration {
    clock_gettime(ClockId::ThreadCPUTime).try_into().unwrap()
}

impl Comparison {
    /// Prints how much of the bare speed is left; each round did `amount` of `unit`.
    pub(crate) fn print(&self, table: &Table, what: &str, amount: f64, unit: &str, wanted: Wanted) {
        let speed = |times: &[f64]| {
            let speed = Figures::new(times.iter().map(|time| amount / time)).median();
            format!("{speed:.0} {unit}")
        };
        let pairs = self.bare.iter().zip(&self.ours);
        let ratio = Figures::new(pairs.map(|(bare, ours)| bare / ours));
        table.print(&Row {
            what,
            bare: &speed(&self.bare),
            ours: &speed(&self.ours),
            figure: &format_args!("{:.2}", ratio.median()),
            half: &ratio.half(2),
            first: wanted.first,
            goal: wanted.goal,
        });
    }
}

/// What the design wants.
pub(crate) struct Wanted {
    pub(crate) first: &'static str,
    pub(crate) goal: &'static str,
}
