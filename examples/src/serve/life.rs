//! How much of a certificate's life is left.

use posh::Leaf;
use rustls::pki_types::UnixTime;

const DAY: u64 = 24 * 60 * 60;

/// So many days before its end, a certificate is to be renewed.
const SOON: u64 = 14;

/// Where a certificate is in its life.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Life {
    NotBegun,
    Going,
    Ending { days: u64 },
    Over,
}

impl Life {
    pub(super) fn of(leaf: &Leaf<'_>, now: UnixTime) -> Self {
        Self::between(leaf.not_before(), leaf.not_after(), now)
    }

    fn between(start: UnixTime, end: UnixTime, now: UnixTime) -> Self {
        let [start, end, now] = [start, end, now].map(|time| time.as_secs());
        match end.checked_sub(now) {
            None => Self::Over,
            Some(_) if now < start => Self::NotBegun,
            Some(left) if left < SOON * DAY => Self::Ending { days: left / DAY },
            Some(_) => Self::Going,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn on_day(day: u64) -> Life {
        let [start, end, now] =
            [100, 200, day].map(|day| UnixTime::since_unix_epoch(Duration::from_secs(day * DAY)));
        Life::between(start, end, now)
    }

    #[test]
    fn a_certificate_is_valid_from_its_first_day_to_its_last() {
        let days = [99, 100, 186, 200, 201].map(on_day);
        let ending = Life::Ending { days: 0 };
        assert_eq!(days, [Life::NotBegun, Life::Going, Life::Going, ending, Life::Over]);
    }

    #[test]
    fn its_end_is_told_two_weeks_before() {
        assert_eq!(on_day(187), Life::Ending { days: 13 });
    }
}
