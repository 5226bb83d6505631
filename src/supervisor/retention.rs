//! What has been kept long enough goes: records (`node_status_keep_time`) and runs (`history_keep_time`).
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

/// Records of one state, or runs, removed in one job.
const BATCH: i64 = 125;

/// How long what is over is kept, in seconds; `None` for ever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keep {
    /// Records.
    pub records_s: Option<i64>,
    /// Runs in the history.
    pub runs_s: Option<i64>,
}

impl Keep {
    /// Whether everything stays.
    #[must_use]
    pub fn is_for_ever(self) -> bool {
        self == Self::default()
    }
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
        match clear(&shared.store, shared.clock.as_ref(), keep, keep_data).await {
            Ok((0, 0)) => {}
            Ok((records, runs)) => {
                log::info!("What was kept long enough is removed records={records} runs={runs}");
            }
            Err(error) => log::error!("What was kept long enough could not be removed error={error}"),
        }
    }
}

/// Removes all that is old now; answers how many records and runs that were.
async fn clear(store: &Store, clock: &dyn Clock, keep: Keep, keep_data: KeepData) -> Result<(usize, usize)> {
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
    Ok((records, runs))
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
