//! For how long this process may take itself for alive.
//!
//! Invariant: it ends before any other process can take this one for dead, by a clock that goes on while the machine
//! sleeps (`CLOCK_BOOTTIME`) and that nobody sets.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use tokio::sync::Notify;

/// Microseconds since the machine was started, its sleep included.
pub(super) fn boottime_us() -> u64 {
    let now = clock_gettime(ClockId::Boottime);
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    seconds.saturating_mul(1_000_000).saturating_add(u64::try_from(now.tv_nsec).unwrap_or(0) / 1000)
}

fn us(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// The lease of this process. It is renewed by each heartbeat.
#[derive(Debug)]
pub struct Lease {
    until_us: AtomicU64,
    unbroken_since_us: AtomicU64,
    breaks: AtomicU64,
    renewed: Notify,
    length: Duration,
}

impl Lease {
    /// One that never ends.
    #[must_use]
    pub fn permanent() -> Self {
        Self {
            until_us: AtomicU64::new(u64::MAX),
            unbroken_since_us: AtomicU64::new(0),
            breaks: AtomicU64::new(0),
            renewed: Notify::new(),
            length: Duration::MAX,
        }
    }

    /// One that was begun by what was asked at this time. A tenth of the grace period is left out for what is under
    /// way when it ends.
    pub(super) fn new(asked_us: u64, grace: Duration) -> Self {
        let length = grace.saturating_sub(grace / 10);
        Self {
            until_us: AtomicU64::new(asked_us.saturating_add(us(length))),
            unbroken_since_us: AtomicU64::new(asked_us),
            length,
            ..Self::permanent()
        }
    }

    /// Renews it by a heartbeat that was sent at this time; answers whether it had ended before.
    pub(super) fn renew(&self, asked_us: u64) -> bool {
        let until = self.until_us.load(Ordering::Acquire);
        let was_broken = boottime_us() >= until;
        if was_broken {
            self.breaks.fetch_add(1, Ordering::AcqRel);
            self.unbroken_since_us.store(asked_us, Ordering::Release);
        }
        self.until_us.fetch_max(asked_us.saturating_add(us(self.length)), Ordering::AcqRel);
        self.renewed.notify_waiters();
        was_broken
    }

    /// Whether it goes on at this moment.
    #[must_use]
    pub fn holds(&self) -> bool {
        boottime_us() < self.until_us.load(Ordering::Acquire)
    }

    /// How often it has ended and was begun anew: what was owned before may be another's since.
    #[must_use]
    pub fn breaks(&self) -> u64 {
        self.breaks.load(Ordering::Acquire)
    }

    /// For how long it has held without a break.
    #[must_use]
    pub fn unbroken(&self) -> Duration {
        if !self.holds() {
            return Duration::ZERO;
        }
        let since = self.unbroken_since_us.load(Ordering::Acquire);
        Duration::from_micros(boottime_us().saturating_sub(since))
    }

    /// Waits for the next renewal.
    pub(super) async fn renewal(&self) {
        self.renewed.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_ends_by_itself_and_counts_its_breaks() {
        let now = boottime_us();
        let lease = Lease::new(now, Duration::from_secs(10));
        assert!(lease.holds());
        assert!(!lease.renew(now));
        assert_eq!(lease.breaks(), 0);
        let over = Lease::new(now.saturating_sub(9_000_001), Duration::from_secs(10));
        assert!(!over.holds(), "a tenth is left out");
        assert_eq!(over.unbroken(), Duration::ZERO);
        assert!(over.renew(now));
        assert!(over.holds());
        assert_eq!(over.breaks(), 1);
        assert!(over.unbroken() < Duration::from_secs(5));
    }

    #[test]
    fn a_late_answer_does_not_shorten_it() {
        let now = boottime_us();
        let lease = Lease::new(now, Duration::from_secs(10));
        lease.renew(now.saturating_sub(8_000_000));
        assert!(lease.holds());
    }

    #[test]
    fn a_permanent_one_never_ends() {
        let lease = Lease::permanent();
        assert!(lease.holds() && lease.unbroken() > Duration::ZERO);
    }
}
