//! What has been kept long enough goes: records (`node_status_keep_time`), runs (`history_keep_time`), build data
//! (`[build_data] keep_time`, `keep_latest`), and documents that nothing refers to any more.
//!
//! Invariant: in batches, between which the writer is free for callbacks; a record that has moved since it was judged
//! stays.

use std::sync::Arc;
use std::time::Duration;

use super::sync::Forget;
use crate::clock::{Clock, Timestamp};
use crate::error::Result;
use crate::node::registry::Registry;
use crate::node::step::KeepData;
use crate::store::{Job, QueryResult, Session, Store};
use crate::tasks::service::{Purge, purge};

/// Records of one state, or runs, removed in one job.
const BATCH: i64 = 125;
/// The same of what is found by a longer search.
const MANY: i64 = 1000;
/// What of it is removed in one job.
const CHUNK: usize = 125;
/// A document that was not used for so long, in seconds, and that nothing refers to, is not about to be used.
const UNUSED_S: i64 = 24 * 3600;

/// How long what is over is kept, in seconds; `None` for ever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keep {
    /// Records.
    pub records_s: Option<i64>,
    /// Runs in the history.
    pub runs_s: Option<i64>,
    /// Build data.
    pub builds_s: Option<i64>,
    /// How many of the latest of each node and generator; `None` for all.
    pub builds_each: Option<i64>,
    /// Tasks, in days; `None` for ever.
    pub tasks_days: Option<i64>,
}

/// What goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gone {
    /// Records.
    pub records: usize,
    /// Runs.
    pub runs: usize,
    /// Build data.
    pub builds: usize,
    /// Documents.
    pub documents: usize,
    /// Tasks, those below others counted as well.
    pub tasks: usize,
}

/// Removes runs.
#[derive(Clone, Debug)]
struct DropRuns(Vec<String>);

impl Job for DropRuns {
    type Output = usize;

    fn run(&self, session: &mut dyn Session) -> QueryResult<usize> {
        session.delete_runs(&self.0)
    }
}

pub(super) async fn run(registry: Arc<Registry>, keep: Keep, period: Duration) {
    let shared = registry.shared();
    let keep_data = shared.settings.keep_data;
    loop {
        tokio::time::sleep(period).await;
        match clear(&shared.cluster.lead(&shared.store).await, shared.clock.as_ref(), keep, keep_data).await {
            Ok(gone) if gone == Gone::default() => {}
            Ok(Gone { records, runs, builds, documents, tasks }) => log::info!(
                "What was kept long enough is removed records={records} runs={runs} build_data={builds} \
                 documents={documents} tasks={tasks}"
            ),
            Err(error) => log::error!("What was kept long enough could not be removed error={error}"),
        }
    }
}

/// Removes build data.
#[derive(Clone, Debug)]
struct DropBuilds(Vec<i64>);

impl Job for DropBuilds {
    type Output = usize;

    fn run(&self, session: &mut dyn Session) -> QueryResult<usize> {
        session.delete_builds(&self.0)
    }
}

/// Removes documents that nothing refers to.
#[derive(Clone, Debug)]
struct DropDocuments(Vec<i64>, Timestamp);

impl Job for DropDocuments {
    type Output = usize;

    fn run(&self, session: &mut dyn Session) -> QueryResult<usize> {
        session.drop_unreferenced(&self.0, self.1)
    }
}

/// Removes all that is old now; answers how much that was.
async fn clear(store: &Store, clock: &dyn Clock, keep: Keep, keep_data: KeepData) -> Result<Gone> {
    let now = clock.now();
    let before = |seconds: i64| now.plus_seconds(seconds.saturating_neg());
    let records = match keep.records_s.map(before) {
        Some(before) => clear_records(store, now, before, keep_data).await?,
        None => 0,
    };
    let runs = match keep.runs_s.map(before) {
        Some(before) => clear_runs(store, before).await?,
        None => 0,
    };
    let builds = clear_builds(store, keep.builds_s.map(before), keep.builds_each).await?;
    let documents = clear_documents(store, before(UNUSED_S)).await?;
    let tasks = match keep.tasks_days {
        Some(days) => purge(store, now, days, Purge::Remove).await?,
        None => 0,
    };
    Ok(Gone { records, runs, builds, documents, tasks })
}

/// Removes build data, in batches; answers how much.
///
/// # Errors
/// Any error of the database; what was removed before stays removed.
pub async fn clear_builds(store: &Store, before: Option<Timestamp>, each: Option<i64>) -> Result<usize> {
    let mut removed = 0_usize;
    loop {
        let old = store
            .read(move |session| {
                let mut ids = match before {
                    Some(before) => session.old_builds(before, BATCH)?,
                    None => Vec::new(),
                };
                if let Some(each) = each.filter(|_| ids.is_empty()) {
                    ids = session.surplus_builds(each, MANY)?;
                }
                Ok(ids)
            })
            .await?;
        if old.is_empty() {
            return Ok(removed);
        }
        for ids in old.chunks(CHUNK) {
            removed = removed.saturating_add(store.write(DropBuilds(ids.to_vec())).await?);
        }
    }
}

async fn clear_documents(store: &Store, before: Timestamp) -> Result<usize> {
    let (mut removed, mut after) = (0_usize, (0, 0));
    loop {
        let (last, unused) = store.read(move |session| session.unreferenced(after, before, MANY)).await?;
        for ids in unused.chunks(CHUNK) {
            removed = removed.saturating_add(store.write(DropDocuments(ids.to_vec(), before)).await?);
        }
        match last {
            Some(last) => after = last,
            None => return Ok(removed),
        }
    }
}

async fn clear_records(
    store: &Store,
    now: Timestamp,
    before: Timestamp,
    keep_data: KeepData,
) -> Result<usize> {
    let mut removed = 0_usize;
    loop {
        let nodes = store.read(move |session| session.ended_before(before, BATCH)).await?;
        let gone = store.write(Forget { nodes, now, keep_data }).await?;
        removed = removed.saturating_add(gone);
        // What has moved since it was judged is not old any more.
        if gone == 0 {
            return Ok(removed);
        }
    }
}

async fn clear_runs(store: &Store, before: Timestamp) -> Result<usize> {
    let mut removed = 0_usize;
    loop {
        let old = store.read(move |session| session.old_runs(before, BATCH)).await?;
        let gone = store.write(DropRuns(old)).await?;
        removed = removed.saturating_add(gone);
        if gone == 0 {
            return Ok(removed);
        }
    }
}

#[cfg(test)]
mod tests;
