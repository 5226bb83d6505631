//! What a process that is gone was working on is brought to its end.
//!
//! Invariant: each node is taken over by compare-and-set before anything is done for it, so once by one process; the
//! process that was taken for dead changes nothing any more, should it come back.

use std::sync::Arc;

use crate::cluster::{Sharing, TakeOver};
use crate::crash;
use crate::error::Result;
use crate::metrics;
use crate::node::actor::Notice;
use crate::node::registry::Registry;
use crate::store::Store;

/// Nodes taken over in one job.
const BATCH: i64 = 250;

/// Takes up what a process of this one's name has left, or on an embedded database whoever did; answers how much.
///
/// # Errors
/// Where the database can not be used.
pub async fn recover(registry: &Arc<Registry>) -> Result<usize> {
    take_over(registry, &registry.shared().store).await
}

/// Takes up what dead processes have left, as long as this one leads.
pub(super) async fn run(registry: Arc<Registry>) {
    let shared = registry.shared();
    if shared.cluster.sharing() == Sharing::Sole {
        return;
    }
    loop {
        tokio::time::sleep(shared.cluster.timing().claim).await;
        let store = shared.cluster.lead(&shared.store).await;
        if let Err(error) = take_over(&registry, &store).await {
            log::error!("What dead instances have left could not be taken up error={error}");
        }
    }
}

async fn take_over(registry: &Arc<Registry>, store: &Store) -> Result<usize> {
    let shared = registry.shared();
    let mut count = 0_usize;
    loop {
        let cluster = Arc::clone(&shared.cluster);
        let orphans = store.read(move |session| session.orphans(cluster.dead(), BATCH)).await?;
        if orphans.is_empty() {
            return Ok(count);
        }
        crash::point("recovery.found");
        let me = shared.cluster.me().clone();
        let taken = store.write(TakeOver { orphans: orphans.clone(), me }).await?;
        for orphan in orphans.iter().filter(|orphan| taken.contains(&orphan.node)) {
            log::info!("An interrupted run is taken up node={} from={}", orphan.node, orphan.owner);
            metrics::get().takeovers.inc();
            registry.wake(orphan.node, Notice::Resume);
            crash::point("recovery.woken");
        }
        count = count.saturating_add(taken.len());
        if taken.is_empty() {
            return Ok(count);
        }
    }
}
