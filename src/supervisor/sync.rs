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
    nodes: Vec<Uuid>,
    now: Timestamp,
}

impl Job for Forget {
    type Output = usize;

    fn run(&self, session: &mut dyn Session) -> QueryResult<usize> {
        let end = RunEnd { outcome: Outcome::Forgotten, error: None, power: None, at: self.now };
        session.close_runs_of(&self.nodes, &end)?;
        session.delete_nodes(&self.nodes)
    }
}

/// What the last complete listing did not show.
#[derive(Debug, Default)]
struct Missing(HashSet<Uuid>);

impl Missing {
    /// Takes a complete listing; answers the nodes that it and the one before did not show.
    fn after(&mut self, known: Vec<Uuid>, listed: &HashSet<Uuid>) -> Vec<Uuid> {
        if listed.is_empty() {
            return Vec::new();
        }
        let (again, new): (HashSet<Uuid>, HashSet<Uuid>) =
            known.into_iter().filter(|node| !listed.contains(node)).partition(|node| self.0.contains(node));
        self.0 = new;
        again.into_iter().collect()
    }
}

pub(super) async fn run(registry: Arc<Registry>, period: Duration) {
    let service = (registry.shared().services)();
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
    let known = shared.store.read(|session| session.node_uuids()).await?;
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
        assert_eq!(missing.after(vec![one, two], &listed), Vec::<Uuid>::new());
        assert_eq!(missing.after(vec![one, two], &HashSet::new()), Vec::<Uuid>::new());
        assert_eq!(missing.after(vec![one, two], &listed), vec![two]);
        assert_eq!(missing.after(vec![one, two], &listed), Vec::<Uuid>::new());
        assert_eq!(missing.after(vec![one, two], &HashSet::from([one, two])), Vec::<Uuid>::new());
        assert_eq!(missing.after(vec![one, two], &listed), Vec::<Uuid>::new());
    }
}
