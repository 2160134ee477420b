use std::time::Duration;

use serde_json::Value;

use crate::container::Output;

/// What our `ping` came to.
#[derive(Clone, Debug)]
pub struct Ping {
    /// Its exit code.
    pub status: i64,
    report: Value,
}

/// One of the two streams of a ping.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Side {
    /// Ours, on which the ping goes out.
    Outbound,
    /// The peer's, on which the answer comes.
    Inbound,
}

impl Ping {
    /// Reads its report; gives back an output that has none.
    pub(crate) fn new(output: Output) -> Result<Self, Output> {
        let report = serde_json::from_str(&output.stdout);
        match (output.status, report) {
            (Some(status), Ok(report)) => Ok(Self { status, report }),
            _ => Err(output),
        }
    }

    /// What our decision about the peer came to.
    pub fn conclusion(&self, side: Side) -> Option<&str> {
        self.trail(side)["conclusion"].as_str()
    }

    /// The particulars of the steps with `code`.
    pub fn details(&self, side: Side, code: &str) -> Vec<&str> {
        let steps = self.steps(side).filter(|step| step["code"] == code);
        steps.filter_map(|step| step["detail"].as_str()).collect()
    }

    /// How long the steps of `phase` took.
    pub fn elapsed(&self, side: Side, phase: &str) -> Duration {
        let steps = self.steps(side).filter(|step| step["phase"] == phase);
        Duration::from_micros(steps.filter_map(|step| step["elapsed_us"].as_u64()).sum())
    }

    /// The steps of a trail.
    pub(crate) fn steps(&self, side: Side) -> impl Iterator<Item = &Value> {
        self.trail(side)["steps"].as_array().into_iter().flatten()
    }

    fn trail(&self, side: Side) -> &Value {
        match side {
            Side::Outbound => &self.report["outbound"],
            Side::Inbound => &self.report["inbound"],
        }
    }
}
