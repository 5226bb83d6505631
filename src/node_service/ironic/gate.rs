//! The breaker at its place: calls wait here while Ironic can not be reached.
//!
//! Invariant: a held call holds no permit and does not fail; how long it waits is for its caller to bound.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::Instant;

use super::breaker::{Admission, Breaker, Change};
use crate::metrics;

/// Where calls wait.
#[derive(Debug, Default)]
pub struct Gate {
    breaker: Mutex<Breaker>,
    closed: Notify,
}

impl Gate {
    /// Waits until a call may be sent.
    pub async fn pass(&self) {
        loop {
            // Made before the question, so that no closing in between is missed.
            let closed = self.closed.notified();
            let admission = self.breaker().admit(Instant::now());
            match admission {
                Admission::Go => return,
                Admission::Wait(pause) => {
                    tokio::select! { () = closed => {}, () = tokio::time::sleep(pause) => {} }
                }
            }
        }
    }

    /// No answer came to a call about `node`, where it was about one.
    pub fn failed(&self, node: Option<&str>) {
        let change = self.breaker().failed(Instant::now(), node);
        if change == Change::Opened {
            metrics::get().breaker_open.set(1);
            log::error!("Ironic can not be reached: calls are held, and one is tried each second");
        }
    }

    /// An answer came.
    pub fn answered(&self) {
        let change = self.breaker().answered();
        if change == Change::Closed {
            metrics::get().breaker_open.set(0);
            log::info!("Ironic answers again: held calls go on");
            self.closed.notify_waiters();
        }
    }

    /// Whether calls are held.
    pub fn is_open(&self) -> bool {
        self.breaker().is_open()
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
