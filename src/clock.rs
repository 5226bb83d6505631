//! The time: where it comes from and how it is written.
//!
//! Invariant: nothing else in the crate reads the wall clock, so that a test can move time by hand.

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, NaiveDateTime, Timelike, Utc};
use serde::{Serialize, Serializer};

/// A moment: microseconds since the epoch, UTC. The form in which the database keeps times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// This moment moved by a number of seconds, which may be negative.
    #[must_use]
    pub fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1_000_000)))
    }

    /// Microseconds from `earlier` to this moment; negative where `earlier` is later.
    #[must_use]
    pub fn since_us(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The calendar form; the epoch where the number is out of the calendar's range.
    #[must_use]
    pub fn to_utc(self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.0).unwrap_or_default()
    }
}

impl fmt::Display for Timestamp {
    /// ISO 8601, UTC, no zone; six fractional digits unless they are zero (introspection API 1.5.4).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = self.to_utc();
        let pattern = if time.nanosecond() == 0 { "%Y-%m-%dT%H:%M:%S" } else { "%Y-%m-%dT%H:%M:%S%.6f" };
        write!(f, "{}", time.format(pattern))
    }
}

impl FromStr for Timestamp {
    type Err = chrono::ParseError;

    /// As it is shown, or with a zone.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let zoned = DateTime::parse_from_rfc3339(text).map(|time| time.timestamp_micros());
        let plain = || {
            let time = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f")?;
            Ok(time.and_utc().timestamp_micros())
        };
        zoned.or_else(|_| plain()).map(Self)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A source of time.
pub trait Clock: Send + Sync {
    /// The present moment.
    fn now(&self) -> Timestamp;
}

/// The machine's wall clock.
#[derive(Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp(Utc::now().timestamp_micros())
    }
}

/// A clock that stands still until it is moved; for tests.
#[derive(Debug, Default)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that shows `now`.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self(AtomicI64::new(now.0))
    }

    /// Moves the clock forward.
    pub fn advance_seconds(&self, seconds: i64) {
        self.0.fetch_add(seconds.saturating_mul(1_000_000), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_second_has_no_fraction() {
        assert_eq!(Timestamp(1_767_232_740_000_000).to_string(), "2026-01-01T01:59:00");
        assert_eq!(Timestamp(1_767_232_740_000_070).to_string(), "2026-01-01T01:59:00.000070");
    }

    #[test]
    fn a_manual_clock_moves_only_by_hand() {
        let clock = ManualClock::at(Timestamp(5));
        assert_eq!(clock.now(), Timestamp(5));
        clock.advance_seconds(2);
        assert_eq!(clock.now().since_us(Timestamp(5)), 2_000_000);
    }
}
