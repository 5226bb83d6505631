//! The records of an ironic-inspector, taken over.
//!
//! Invariants: it may be done again at any time and then changes only what is newer there; a run that began here
//! is never touched; every batch is one short transaction. What an ironic-inspector was working on is not taken
//! up: it ends as an error that says so.

mod batch;
mod node;
mod report;
mod rules;
#[cfg(test)]
mod tests;
mod times;
mod verdict;

pub use self::report::{Counts, Left, Report};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::store::Store;
use crate::store::ancestor::Ancestor;

use self::batch::{Batch, TakeOver};
use self::verdict::Verdict;

/// Nodes read at one time.
const PAGE: i64 = 100;

/// How it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The present moment.
    pub now: Timestamp,
    /// Seconds from its start that a node may be `waiting`; `None` is for ever.
    pub timeout_s: Option<i64>,
    /// Whether documents are kept here.
    pub documents: Documents,
    /// Whether anything is written.
    pub mode: Mode,
}

/// What becomes of the documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Documents {
    /// They are taken over.
    Taken,
    /// They are counted and left, since none are kept here.
    Left,
}

/// Whether anything is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It is.
    Write,
    /// Nothing; it is only told what would be.
    DryRun,
}

/// Takes everything over; `progress` is told how many nodes are done. Blocks.
///
/// # Errors
/// Where one of the databases can not be used; what was done until then stays.
pub fn take_over(
    ancestor: &mut Ancestor,
    store: &Store,
    settings: &Settings,
    progress: &mut dyn FnMut(u64),
) -> Result<Report> {
    let mut report = Report::default();
    rules::take_over(ancestor, store, settings, &mut report)?;
    let mut marker = String::new();
    loop {
        let page = ancestor.nodes(&marker, PAGE)?;
        let Some(last) = page.last() else { break };
        marker.clone_from(&last.uuid);
        let mut batch = Batch::default();
        for row in &page {
            match node::read(ancestor, row, settings)? {
                node::Read::Whole(incoming, extent) => {
                    report.add_extent(extent);
                    batch.push(*incoming);
                }
                node::Read::Left(reason) => report.leave(format!("node {}", row.uuid), reason),
            }
            if batch.is_full() {
                write(store, std::mem::take(&mut batch), settings, &mut report)?;
            }
        }
        write(store, batch, settings, &mut report)?;
        progress(u64::try_from(page.len()).unwrap_or(0));
    }
    report.orphans = ancestor.orphan_count()?;
    Ok(report)
}

fn write(store: &Store, batch: Batch, settings: &Settings, report: &mut Report) -> Result<()> {
    if batch.is_empty() {
        return Ok(());
    }
    let job = TakeOver::new(batch, *settings);
    let verdicts: Vec<Verdict> = store.write_blocking(job)?;
    verdicts.into_iter().for_each(|verdict| report.add_node(verdict));
    Ok(())
}
