//! The watch over the node service's list: records of nodes that are gone are removed.
//!
//! Invariant: a record goes only after two complete listings in a row without its node, and an empty listing
//! never counts: a change of visibility rules must not wipe the records. Of a listing only the UUIDs are kept, of the
//! records one page.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use crate::clock::{Clock, Timestamp};
use crate::error::{Error, Result};
use crate::node::Outcome;
use crate::node::registry::Registry;
use crate::node::step::KeepData;
use crate::node_service::NodeService;
use crate::store::housekeeping::Judged;
use crate::store::runs::RunEnd;
use crate::store::{Job, QueryResult, Session, Store};

/// Records removed in one job.
const BATCH: usize = 250;
/// Records read at one time.
const PAGE: i64 = 5000;

/// Removes records, with their attributes and data; their runs stay in the history.
#[derive(Clone, Debug)]
pub(super) struct Forget {
    /// With the version that each was judged by: one that was made anew since then stays.
    pub(super) nodes: Vec<Judged>,
    pub(super) now: Timestamp,
    /// Where their documents are.
    pub(super) keep_data: KeepData,
}

impl Job for Forget {
    type Output = usize;

    fn nodes(&self) -> Vec<Uuid> {
        self.nodes.iter().map(|(node, _)| *node).collect()
    }

    fn run(&self, session: &mut dyn Session) -> QueryResult<usize> {
        let end = RunEnd { outcome: Outcome::Forgotten, error: None, power: None, at: self.now };
        let mut count = 0_usize;
        for (node, version) in &self.nodes {
            let is_elsewhere = self.keep_data == KeepData::Elsewhere || session.has_data_elsewhere(*node)?;
            if session.delete_node(*node, *version)? {
                session.close_runs_of(*node, &end)?;
                session.drop_power_job(*node)?;
                if is_elsewhere {
                    session.put_data_removal(*node, self.now)?;
                }
                count = count.saturating_add(1);
            }
        }
        Ok(count)
    }
}

/// A complete listing, in order.
struct Listing(Vec<Uuid>);

impl Listing {
    /// Reads the list to its end; nothing where it is empty, which tells nothing.
    async fn read(service: &dyn NodeService) -> Result<Option<Self>> {
        let mut listed = Vec::new();
        let mut take = |node| listed.push(node);
        service.list_uuids(&mut take).await.map_err(|error| Error::unavailable(error.text))?;
        listed.sort_unstable();
        Ok((!listed.is_empty()).then_some(Self(listed)))
    }

    fn shows(&self, node: Uuid) -> bool {
        self.0.binary_search(&node).is_ok()
    }
}

/// What the last complete listing did not show.
#[derive(Debug, Default)]
struct Missing(HashSet<Uuid>);

/// What a listing does not show.
#[derive(Debug, Default)]
struct Absent {
    /// Now for the first time.
    new: HashSet<Uuid>,
    /// Now as the time before.
    again: Vec<Judged>,
}

impl Absent {
    /// Adds a page of the records.
    fn add(&mut self, page: &[Judged], listing: &Listing, before: &Missing) {
        for (node, version) in page.iter().filter(|(node, _)| !listing.shows(*node)) {
            if before.0.contains(node) {
                self.again.push((*node, *version));
            } else {
                self.new.insert(*node);
            }
        }
    }
}

pub(super) async fn run(registry: Arc<Registry>, period: Duration) {
    let service = registry.shared().services.local();
    let mut missing = Missing::default();
    loop {
        tokio::time::sleep(period).await;
        let shared = registry.shared();
        let keep_data = shared.settings.keep_data;
        let store = shared.cluster.lead(&shared.store).await;
        let looked = look(&store, shared.clock.as_ref(), service.as_ref(), keep_data, &mut missing);
        if let Err(error) = looked.await {
            log::error!("The node service's list of nodes could not be followed error={error}");
        }
    }
}

async fn look(
    store: &Store,
    clock: &dyn Clock,
    service: &dyn NodeService,
    keep_data: KeepData,
    missing: &mut Missing,
) -> Result<()> {
    // Records that move while the list is read are left to the next look.
    let began = clock.now();
    if store.read(move |session| session.settled_page(None, began, 1)).await?.is_empty() {
        return Ok(());
    }
    let Some(listing) = Listing::read(service).await? else { return Ok(()) };
    let absent = compare(store, began, &listing, missing).await?;
    missing.0 = absent.new;
    for nodes in absent.again.chunks(BATCH) {
        let count = store.write(Forget { nodes: nodes.to_vec(), now: clock.now(), keep_data }).await?;
        log::info!("Records of nodes that are gone from the node service were removed count={count}");
    }
    Ok(())
}

/// Goes through all records, page by page.
async fn compare(store: &Store, began: Timestamp, listing: &Listing, before: &Missing) -> Result<Absent> {
    let mut absent = Absent::default();
    let mut after = None;
    loop {
        let page = store.read(move |session| session.settled_page(after, began, PAGE)).await?;
        let Some((last, _)) = page.last() else { return Ok(absent) };
        after = Some(*last);
        absent.add(&page, listing, before);
    }
}

#[cfg(test)]
mod tests;
