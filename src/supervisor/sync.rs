//! The watch over the node service's list: records of nodes that are gone are removed.
//!
//! Invariant: a record goes only after two complete listings in a row without its node, and an empty listing
//! never counts: a change of visibility rules must not wipe the records.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::node::Outcome;
use crate::node::registry::Registry;
use crate::node_service::NodeService;
use crate::store::runs::RunEnd;
use crate::store::{Job, QueryResult, Session};

/// Records removed in one job.
const BATCH: usize = 250;

/// Removes the records of nodes that are gone, with their attributes and data; their runs stay in the history.
#[derive(Clone, Debug)]
struct Forget {
    /// With the version that each had when the listing began: a record that was made anew since then stays.
    nodes: Vec<(Uuid, i64)>,
    now: Timestamp,
}

impl Job for Forget {
    type Output = usize;

    fn run(&self, session: &mut dyn Session) -> QueryResult<usize> {
        let end = RunEnd { outcome: Outcome::Forgotten, error: None, power: None, at: self.now };
        let mut count = 0_usize;
        for (node, version) in &self.nodes {
            if session.delete_node(*node, *version)? {
                session.close_runs_of(*node, &end)?;
                count = count.saturating_add(1);
            }
        }
        Ok(count)
    }
}

/// What the last complete listing did not show.
#[derive(Debug, Default)]
struct Missing(HashSet<Uuid>);

impl Missing {
    /// Takes a complete listing; answers the nodes that it and the one before did not show.
    fn after(&mut self, known: Vec<(Uuid, i64)>, listed: &HashSet<Uuid>) -> Vec<(Uuid, i64)> {
        if listed.is_empty() {
            return Vec::new();
        }
        let absent = known.into_iter().filter(|(node, _)| !listed.contains(node));
        let (again, new): (Vec<_>, HashSet<_>) = absent.fold(
            (Vec::new(), HashSet::new()),
            |(mut again, mut new), (node, version)| {
                if self.0.contains(&node) {
                    again.push((node, version));
                } else {
                    new.insert(node);
                }
                (again, new)
            },
        );
        self.0 = new;
        again
    }
}

pub(super) async fn run(registry: Arc<Registry>, period: Duration) {
    let service = registry.shared().services.local();
    let mut missing = Missing::default();
    loop {
        tokio::time::sleep(period).await;
        if let Err(error) = look(&registry, service.as_ref(), &mut missing).await {
            log::error!("The node service's list of nodes could not be followed error={error}");
        }
    }
}

async fn look(registry: &Arc<Registry>, service: &dyn NodeService, missing: &mut Missing) -> Result<()> {
    let shared = registry.shared();
    // The records are read first: a node that is made meanwhile is then not taken for one that is gone.
    let known = shared.store.read(|session| session.node_versions()).await?;
    if known.is_empty() {
        return Ok(());
    }
    let mut listed = HashSet::new();
    let mut take = |node| {
        listed.insert(node);
    };
    service.list_uuids(&mut take).await.map_err(|error| Error::unavailable(error.text))?;
    let gone = missing.after(known, &listed);
    for nodes in gone.chunks(BATCH) {
        let job = Forget { nodes: nodes.to_vec(), now: shared.now() };
        let count = shared.store.write(job).await?;
        log::info!("Records of nodes that are gone from the node service were removed count={count}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_gone_after_two_listings_without_it_and_an_empty_one_never_counts() {
        let (one, two) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let mut missing = Missing::default();
        let listed = HashSet::from([one]);
        let known = || vec![(one, 1), (two, 5)];
        let nobody: Vec<(Uuid, i64)> = Vec::new();
        assert_eq!(missing.after(known(), &listed), nobody);
        assert_eq!(missing.after(known(), &HashSet::new()), nobody);
        assert_eq!(missing.after(known(), &listed), vec![(two, 5)]);
        assert_eq!(missing.after(known(), &listed), nobody);
        assert_eq!(missing.after(known(), &HashSet::from([one, two])), nobody);
        assert_eq!(missing.after(known(), &listed), nobody);
    }
}
