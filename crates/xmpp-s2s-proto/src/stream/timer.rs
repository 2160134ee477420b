//! The one deadline that a stream has at a time.

use std::time::{Duration, Instant};

use super::StreamConfig;

/// What is waited for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Timer {
    /// The end of negotiation, at the latest then.
    Negotiation(Instant),
    /// Anything to happen.
    Idle {
        until: Instant,
        /// Something was sent, at a time that nobody told.
        sent: bool,
    },
    /// The peer's closing tag; `None` until the time of ours is known.
    Closing(Option<Instant>),
}

/// What has not come in time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Missed {
    Negotiation,
    SignOfLife,
    ClosingTag,
}

impl Timer {
    pub(super) fn negotiation(config: &StreamConfig, now: Instant) -> Self {
        Self::Negotiation(after(now, config.negotiation))
    }

    pub(super) fn idle(config: &StreamConfig, now: Instant) -> Self {
        Self::Idle { until: after(now, config.idle), sent: false }
    }

    pub(super) fn closing(config: &StreamConfig, now: Instant) -> Self {
        Self::Closing(Some(after(now, config.closing)))
    }

    /// Notes that something came.
    pub(super) fn received(&mut self, config: &StreamConfig, now: Instant) {
        if let Self::Idle { until, .. } = self {
            *until = after(now, config.idle);
        }
    }

    /// Notes that something was sent.
    pub(super) fn sent(&mut self) {
        if let Self::Idle { sent, .. } = self {
            *sent = true;
        }
    }

    /// Takes the passing of time.
    pub(super) fn expire(&mut self, config: &StreamConfig, now: Instant) -> Option<Missed> {
        match *self {
            Self::Negotiation(until) => (until <= now).then_some(Missed::Negotiation),
            Self::Idle { until, sent: true } if until <= now => {
                *self = Self::idle(config, now);
                None
            }
            Self::Idle { until, .. } => (until <= now).then_some(Missed::SignOfLife),
            Self::Closing(None) => {
                *self = Self::closing(config, now);
                None
            }
            Self::Closing(Some(until)) => (until <= now).then_some(Missed::ClosingTag),
        }
    }

    /// When to [`Self::expire`]; `now`, where that alone will tell.
    pub(super) fn deadline(&self, now: Instant) -> Instant {
        match *self {
            Self::Negotiation(until) | Self::Idle { until, .. } => until,
            Self::Closing(until) => until.unwrap_or(now),
        }
    }
}

/// A time that is no time, if an embedder wants no deadline, is far away.
fn after(now: Instant, duration: Duration) -> Instant {
    const FAR: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);
    now + duration.min(FAR)
}
