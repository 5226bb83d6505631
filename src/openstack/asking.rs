//! One asks on behalf of all who want to know the same at the same time.
//!
//! Invariant: those who wait share the outcome, good or bad, so that a server that hangs costs each of them one
//! deadline and not a queue of them. Where the one who asks gives up, the next in line asks.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Mutex;

/// The asking for one thing. What is learnt is kept elsewhere.
#[derive(Debug)]
pub struct Asking<E> {
    /// How many times somebody has asked and got an outcome.
    rounds: AtomicU64,
    /// Held by the one who asks; the failure of the last round.
    last: Mutex<Option<E>>,
}

impl<E> Default for Asking<E> {
    fn default() -> Self {
        Self { rounds: AtomicU64::new(0), last: Mutex::new(None) }
    }
}

impl<E: Clone> Asking<E> {
    /// What is `known`; where nothing is, the outcome of `ask`, which also has to make it known.
    ///
    /// # Errors
    /// The failure of `ask`, or of the one who asked meanwhile.
    pub async fn ask<T, F, Fut>(&self, known: impl Fn() -> Option<T>, ask: F) -> Result<T, E>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        let rounds = self.rounds.load(Ordering::Acquire);
        let mut last = self.last.lock().await;
        if let Some(known) = known() {
            return Ok(known);
        }
        if let Some(failure) = last.as_ref().filter(|_| self.rounds.load(Ordering::Acquire) != rounds) {
            return Err(failure.clone());
        }
        let outcome = ask().await;
        *last = outcome.as_ref().err().cloned();
        self.rounds.fetch_add(1, Ordering::AcqRel);
        outcome
    }
}
