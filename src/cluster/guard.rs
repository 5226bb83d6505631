//! The check before each write to the outside: does the node still belong to this process?
//!
//! Set around an operation, and read right before each call that changes something. Invariant: where the lease has
//! ended nothing is begun; where it was begun anew, nothing before the database has told that the node is still ours.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::{Cluster, Hold, Lease, Release};
use crate::error::Result;
use crate::store::Store;

tokio::task_local! {
    static GUARD: Guard;
}

/// How long is waited before the database, or the lease, is looked at again.
const AGAIN: Duration = Duration::from_millis(500);

/// What an operation was begun with.
pub struct Guard {
    cluster: Arc<Cluster>,
    store: Store,
    node: Uuid,
    version: i64,
    breaks: Cell<u64>,
}

impl Guard {
    /// For an operation on a node whose record was known to have this version when the lease had been broken so often.
    #[must_use]
    pub fn new(cluster: &Arc<Cluster>, store: &Store, (node, version): (Uuid, i64), breaks: u64) -> Self {
        let (cluster, store) = (Arc::clone(cluster), store.clone());
        Self { cluster, store, node, version, breaks: Cell::new(breaks) }
    }

    /// Does `work` under this guard.
    pub async fn scope<F: Future>(self, work: F) -> F::Output {
        GUARD.scope(self, work).await
    }

    fn allows(&self) -> bool {
        let lease = self.lease();
        lease.holds() && lease.breaks() == self.breaks.get()
    }

    fn lease(&self) -> &Arc<Lease> {
        self.cluster.lease()
    }

    async fn is_ours(look: Look) -> Result<bool> {
        let Look { store, node, version, cluster } = look;
        let record = store.read_for_run(move |session| session.node(node)).await?;
        let owner = Some(cluster.me());
        Ok(record.is_some_and(|record| record.version == version && record.owner.as_ref() == owner))
    }

    fn look(&self) -> Look {
        let (store, cluster) = (self.store.clone(), Arc::clone(&self.cluster));
        Look { store, node: self.node, version: self.version, cluster }
    }
}

/// A node at rest that this process owns while this lives.
pub struct Held {
    hold: Hold,
    breaks: u64,
    cluster: Arc<Cluster>,
    store: Store,
}

impl Held {
    /// Owns the node, if its record has this version still and nobody else does.
    ///
    /// # Errors
    /// Where the database can not be written.
    pub async fn take(
        cluster: &Arc<Cluster>,
        store: &Store,
        node: Uuid,
        version: i64,
    ) -> Result<Option<Self>> {
        let hold = Hold { node, version, me: cluster.me().clone() };
        let breaks = cluster.lease().breaks();
        let is_taken = store.write(hold.clone()).await?;
        Ok(is_taken.then(|| Self { hold, breaks, cluster: Arc::clone(cluster), store: store.clone() }))
    }

    /// The guard of what is done meanwhile.
    #[must_use]
    pub fn guard(&self) -> Guard {
        let Hold { node, version, .. } = self.hold;
        Guard::new(&self.cluster, &self.store, (node, version.saturating_add(1)), self.breaks)
    }
}

/// Also where the work is dropped in the middle.
impl Drop for Held {
    fn drop(&mut self) {
        let (store, release) = (self.store.clone(), Release(self.hold.clone()));
        actix_rt::spawn(async move {
            if let Err(error) = store.write(release).await {
                log::warn!("A node that was held could not be given back error={error}");
            }
        });
    }
}

struct Look {
    store: Store,
    node: Uuid,
    version: i64,
    cluster: Arc<Cluster>,
}

/// Whether the present operation may change something outside at this very moment. Without a guard it may.
#[must_use]
pub fn allows() -> bool {
    GUARD.try_with(Guard::allows).unwrap_or(true)
}

/// Waits until the present operation may change something outside; `false` where it never may again.
pub async fn may_write() -> bool {
    loop {
        if allows() {
            return true;
        }
        let Ok((lease, look)) = GUARD.try_with(|guard| (Arc::clone(guard.lease()), guard.look())) else {
            return true;
        };
        if !lease.holds() {
            drop(tokio::time::timeout(AGAIN, lease.renewal()).await);
            continue;
        }
        let breaks = lease.breaks();
        match Guard::is_ours(look).await {
            Ok(true) => drop(GUARD.try_with(|guard| guard.breaks.set(breaks))),
            Ok(false) => return false,
            Err(error) => {
                log::warn!("It is not known whose the node is error={error}");
                tokio::time::sleep(AGAIN).await;
            }
        }
    }
}
