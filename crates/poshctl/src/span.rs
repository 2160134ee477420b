//! Spans and points of time, as they stand on a command line and in a report.

use std::time::Duration;

use rustls_pki_types::UnixTime;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const WEEK: u64 = 7 * DAY;

/// Reads a span such as `3600`, `90s`, `30m`, `1h`, `7d`, `2w`.
pub(crate) fn span(text: &str) -> Result<Duration, &'static str> {
    const RULE: &str = "expected a number of seconds, or one with s, m, h, d or w behind it";
    let digits = text.trim_end_matches(|character: char| character.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "" | "s" => 1,
        "m" => MINUTE,
        "h" => HOUR,
        "d" => DAY,
        "w" => WEEK,
        _ => return Err(RULE),
    };
    let count: u64 = digits.parse().map_err(|_| RULE)?;
    count.checked_mul(unit).map(Duration::from_secs).ok_or(RULE)
}

/// Reads a span of one second to an hour.
pub(crate) fn patience(text: &str) -> Result<Duration, &'static str> {
    match span(text) {
        Ok(span) if (1..=HOUR).contains(&span.as_secs()) => Ok(span),
        Ok(_) | Err(_) => Err("expected a span from 1s to 1h"),
    }
}

/// Reads a point of time of RFC 3339, not before 1970.
pub(crate) fn instant(text: &str) -> Result<UnixTime, &'static str> {
    const RULE: &str = "expected a time such as 2026-11-23T12:04:07Z";
    let time = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| RULE)?;
    let seconds = u64::try_from(time.unix_timestamp()).map_err(|_| RULE)?;
    Ok(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
}

/// A span in its largest unit that leaves little out.
pub(crate) fn in_words(seconds: u64) -> String {
    for (unit, name) in [(DAY, "d"), (HOUR, "h"), (MINUTE, "min")] {
        if seconds >= 2 * unit || seconds == unit {
            return format!("{} {name}", seconds / unit);
        }
    }
    format!("{seconds} s")
}

/// The day of a point of time.
pub(crate) fn day(time: UnixTime) -> String {
    let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    OffsetDateTime::from_unix_timestamp(seconds)
        .map_or_else(|_| "the end of time".to_owned(), |time| time.date().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_a_number_with_a_unit() {
        for (text, seconds) in [("3600", 3600), ("90s", 90), ("30m", 1800), ("1h", HOUR)] {
            assert_eq!(span(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        assert_eq!(span("2w"), Ok(Duration::from_secs(14 * DAY)));
        for text in ["", "h", "-1", "1.5h", "1y", "1 h", "99999999999999999999", "ü"] {
            assert!(span(text).is_err(), "{text}");
        }
        assert!(span(&format!("{}w", u64::MAX)).is_err());
    }

    #[test]
    fn patience_is_an_hour_at_most() {
        assert_eq!(patience("1h"), Ok(Duration::from_secs(HOUR)));
        for text in ["0", "3601", "soon"] {
            assert!(patience(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_time_is_that_of_its_zone() {
        let time = instant("2026-11-23T12:04:07+02:00").unwrap();
        assert_eq!(time, instant("2026-11-23T10:04:07Z").unwrap());
        assert_eq!(day(time), "2026-11-23");
        for text in ["2026-11-23", "1969-12-31T23:59:59Z", "now"] {
            assert!(instant(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_span_is_said_in_a_unit_that_fits() {
        let said: Vec<_> = [0, 60, 90, HOUR, 2 * DAY - 1, 14 * DAY].map(in_words).into();
        assert_eq!(said, ["0 s", "1 min", "90 s", "1 h", "47 h", "14 d"]);
    }
}
