//! A store whose failures are counted, so that unattended work knows when it is worth a try.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::Notify;

use super::{DataStore, Failure, Key, StoreResult};
use crate::cluster;

/// A store, and how it has been doing.
#[derive(Clone)]
pub struct Watched(Arc<Inner>);

struct Inner {
    store: Box<dyn DataStore>,
    failures: AtomicU32,
    recovered: Notify,
}

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watched").field("failures", &self.failures()).finish_non_exhaustive()
    }
}

impl Watched {
    /// Watches over a store.
    #[must_use]
    pub fn new(store: Box<dyn DataStore>) -> Self {
        Self(Arc::new(Inner { store, failures: AtomicU32::new(0), recovered: Notify::new() }))
    }

    /// Failures since the last success.
    #[must_use]
    pub fn failures(&self) -> u32 {
        self.0.failures.load(Ordering::Acquire)
    }

    /// Waits for the first success after failures.
    pub async fn recovered(&self) {
        self.0.recovered.notified().await;
    }

    fn note<T>(&self, outcome: StoreResult<T>) -> StoreResult<T> {
        if outcome.is_err() {
            self.0.failures.fetch_add(1, Ordering::AcqRel);
        } else if self.0.failures.swap(0, Ordering::AcqRel) > 0 {
            self.0.recovered.notify_one();
        }
        outcome
    }
}

/// What another process has taken over is written by that one.
async fn still_ours() -> StoreResult<()> {
    if cluster::may_write().await { Ok(()) } else { Err(Failure::lasting(cluster::NOT_OURS)) }
}

#[async_trait]
impl DataStore for Watched {
    async fn save(&self, key: &Key, document: Bytes) -> StoreResult<()> {
        still_ours().await?;
        self.note(self.0.store.save(key, document).await)
    }

    async fn get(&self, key: &Key) -> StoreResult<Option<Bytes>> {
        self.note(self.0.store.get(key).await)
    }

    async fn holds(&self, key: &Key, document: &Bytes) -> StoreResult<bool> {
        self.note(self.0.store.holds(key, document).await)
    }

    async fn remove(&self, key: &Key) -> StoreResult<()> {
        still_ours().await?;
        self.note(self.0.store.remove(key).await)
    }
}
