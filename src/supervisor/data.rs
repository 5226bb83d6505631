//! Documents that wait: for the data store to take them, or to be removed from it.
//!
//! Invariant: the node's actor does it, under its lock; here it is only asked for. Where the data store has failed,
//! one node is tried at a time, with growing pauses, until it goes well again.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use crate::error::Result;
use crate::node::actor::Notice;
use crate::node::registry::Registry;
use crate::store::Store;

/// How often it is looked for documents that wait.
const LOOK: Duration = Duration::from_secs(2);
/// The pause while there is more to do.
const BUSY: Duration = Duration::from_millis(250);
/// The longest pause while the data store does not answer.
const PAUSE_AT_MOST: Duration = Duration::from_secs(60);
/// Nodes at one time.
const BATCH: i64 = 100;

pub(super) async fn run(registry: Arc<Registry>) {
    let shared = registry.shared();
    let Some(data_store) = shared.data_store.clone() else { return };
    loop {
        let failures = data_store.failures();
        let found = match waiting(&shared.cluster.lead(&shared.store).await).await {
            Ok(nodes) => {
                chosen(&nodes, failures).iter().for_each(|node| registry.wake(*node, Notice::LookAfterData));
                nodes.len()
            }
            Err(error) => {
                log::error!("The documents that wait for the data store could not be read error={error}");
                0
            }
        };
        let pause = pause(failures, found);
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = data_store.recovered() => {}
        }
    }
}

fn pause(failures: u32, found: usize) -> Duration {
    match (failures, found) {
        (_, 0) => LOOK,
        (0, _) => BUSY,
        (failures, _) => {
            let doubled = 2_u32.saturating_pow(failures.saturating_sub(1).min(10));
            Duration::from_secs(1).saturating_mul(doubled).min(PAUSE_AT_MOST)
        }
    }
}

/// All, or where it has failed before, one: each time another, as it may be only one that can not be stored.
fn chosen(nodes: &[Uuid], failures: u32) -> &[Uuid] {
    let turn = usize::try_from(failures).unwrap_or_default().checked_rem(nodes.len()).unwrap_or_default();
    if failures == 0 { nodes } else { nodes.get(turn..=turn).unwrap_or_default() }
}

/// Nodes with documents that wait.
async fn waiting(store: &Store) -> Result<Vec<Uuid>> {
    let found = store.read(|session| Ok((session.spooled(BATCH)?, session.data_removals(BATCH)?)));
    let (spooled, removals) = found.await?;
    let nodes: BTreeSet<Uuid> = spooled.into_iter().map(|(node, _)| node).chain(removals).collect();
    Ok(nodes.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_can_not_be_stored_does_not_keep_the_others_waiting() {
        let nodes = [1, 2, 3].map(Uuid::from_u128);
        assert_eq!(chosen(&nodes, 0), nodes);
        let turns: Vec<&[Uuid]> = (1..=3).map(|failures| chosen(&nodes, failures)).collect();
        assert_eq!(turns, [&nodes[1..2], &nodes[2..3], &nodes[0..1]]);
        assert!(chosen(&[], 1).is_empty());
    }

    #[test]
    fn pauses_grow_while_it_fails_and_are_short_while_there_is_work() {
        assert_eq!(pause(0, 0), LOOK);
        assert_eq!(pause(3, 0), LOOK);
        assert_eq!(pause(0, 5), BUSY);
        assert_eq!([1, 2, 3].map(|failures| pause(failures, 1).as_secs()), [1, 2, 4]);
        assert_eq!(pause(u32::MAX, 1), PAUSE_AT_MOST);
    }
}
