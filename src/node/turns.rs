//! The turn to reboot: power-on calls are spaced over the whole process, so that racks do not draw all their
//! power, and the boot servers all their requests, at once (`introspection_delay`).

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

/// Hands out turns in the order of asking.
#[derive(Debug)]
pub struct Turns {
    delay: Duration,
    next: Mutex<Option<Instant>>,
    waiting: AtomicI64,
}

/// A place in the queue; given back when dropped.
#[derive(Debug)]
struct Place<'a>(&'a AtomicI64);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Turns {
    /// Turns at least `delay` apart.
    #[must_use]
    pub fn new(delay: Duration) -> Self {
        Self { delay, next: Mutex::new(None), waiting: AtomicI64::new(0) }
    }

    /// About how many seconds a newcomer would have to wait.
    #[must_use]
    pub fn expected_wait_s(&self) -> i64 {
        let delay = i64::try_from(self.delay.as_secs()).unwrap_or(i64::MAX);
        self.waiting.load(Ordering::Relaxed).saturating_mul(delay)
    }

    /// Waits for the turn.
    pub async fn wait(&self) {
        if self.delay.is_zero() {
            return;
        }
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let _place = Place(&self.waiting);
        // The lock is fair: who asked first is served first, and holds it through its own wait.
        let mut next = self.next.lock().await;
        if let Some(at) = *next {
            tokio::time::sleep_until(at).await;
        }
        *next = Some(Instant::now() + self.delay);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn turns_are_spaced_and_the_first_does_not_wait() {
        let turns = Turns::new(Duration::from_secs(5));
        let start = Instant::now();
        turns.wait().await;
        assert_eq!(start.elapsed().as_secs(), 0);
        turns.wait().await;
        turns.wait().await;
        assert_eq!(start.elapsed().as_secs(), 10);
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_delay_nobody_waits() {
        let turns = Turns::new(Duration::ZERO);
        let start = Instant::now();
        for _ in 0..100 {
            turns.wait().await;
        }
        assert_eq!(start.elapsed().as_secs(), 0);
    }
}
