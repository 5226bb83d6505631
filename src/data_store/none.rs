//! No data store: whatever is saved is gone.

use async_trait::async_trait;
use bytes::Bytes;

use super::{DataStore, Key, StoreResult};

/// Keeps nothing.
#[derive(Clone, Copy, Debug)]
pub struct Nothing;

#[async_trait]
impl DataStore for Nothing {
    async fn save(&self, _: &Key, _: Bytes) -> StoreResult<()> {
        Ok(())
    }

    async fn get(&self, _: &Key) -> StoreResult<Option<Bytes>> {
        Ok(None)
    }

    async fn holds(&self, _: &Key, _: &Bytes) -> StoreResult<bool> {
        Ok(false)
    }

    async fn remove(&self, _: &Key) -> StoreResult<()> {
        Ok(())
    }
}
