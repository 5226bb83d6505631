//! The turn to reboot: power-on calls are spaced over the whole process, so that racks do not draw all their
//! power, and the boot servers all their requests, at once (`introspection_delay`).

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

/// Hands out turns in the order of asking.
#[derive(Debug)]
pub struct Turns {
    delay: Duration,
    next: Mutex<Option<Instant>>,
}

impl Turns {
    /// Turns at least `delay` apart.
    #[must_use]
    pub fn new(delay: Duration) -> Self {
        Self { delay, next: Mutex::new(None) }
    }

    /// Waits for the turn.
    pub async fn wait(&self) {
        if self.delay.is_zero() {
            return;
        }
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
