//! Documents of all nodes copied from one data store to another, also while a daemon works.
//!
//! Invariant: the source is not changed; what the target holds already is left as it is, so that a migration that was
//! interrupted goes on where it was; nothing counts as copied that the target does not say to hold. Memory is bounded
//! by what is under way at one time and by a page of UUIDs.

mod item;
mod report;
#[cfg(test)]
mod tests;

use futures_util::{StreamExt as _, stream};
use uuid::Uuid;

pub use self::item::Outcome;
pub use self::report::Report;
use super::registry::{self, Choice};
use super::{DataStore, Key};
use crate::clock::Timestamp;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::node::Variant;
use crate::node::step::KeepData;
use crate::store::Store;

/// Documents under way at one time.
const AT_A_TIME: usize = 16;
/// Records read at one time.
const PAGE: i64 = 500;

/// Whether anything is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It is.
    Write,
    /// It is only told what would be.
    DryRun,
}

/// Whether our rows tell where the documents of a store are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rows {
    /// It is the store that runs use.
    Count,
    /// It is another one.
    AreOfAnother,
}

/// One of the two stores.
struct Side {
    store: Box<dyn DataStore>,
    keeps: KeepData,
    rows: Rows,
}

/// From where to where.
pub struct Migration {
    from: Side,
    to: Side,
    store: Store,
    mode: Mode,
}

impl Migration {
    /// A migration between two stores, by their names. It may read files.
    ///
    /// # Errors
    /// Where one can not be used, or both are the same.
    pub fn new(config: &Config, store: &Store, from: &str, to: &str, mode: Mode) -> Result<Self> {
        let (from, to) = (choice("--from", from)?, choice("--to", to)?);
        if from == to {
            return Err(Error::bad_request("Source and destination can not be the same."));
        }
        let configured = registry::find(&config.processing.store_data).ok();
        let side = |choice: Choice<'_>| -> Result<Side> {
            let other = configured.filter(|configured| configured.entry.keeps == KeepData::Elsewhere);
            // Where runs use the database or nothing, rows are of the store that they used before: of a folder, it can
            // not be told which.
            let count = other.map_or(choice.entry.is_only_one(), |other| other == choice);
            let rows = if count { Rows::Count } else { Rows::AreOfAnother };
            Ok(Side { store: choice.open(config, store)?, keeps: choice.entry.keeps, rows })
        };
        Ok(Self { from: side(from)?, to: side(to)?, store: store.clone(), mode })
    }

    /// Copies the documents of all records; `done` is told after each record.
    ///
    /// # Errors
    /// Where the records can not be read. What can not be copied is in the report.
    pub async fn run(&self, mut done: impl FnMut()) -> Result<Report> {
        let mut report = Report::default();
        let mut after = None;
        loop {
            let page = self.store.read(move |session| session.settled_page(after, Timestamp(i64::MAX), PAGE));
            let nodes: Vec<Uuid> = page.await?.into_iter().map(|(node, _)| node).collect();
            let Some(last) = nodes.last() else { return Ok(report) };
            after = Some(*last);
            let copies = nodes.iter().map(|node| self.copy_node(*node));
            let mut copies = stream::iter(copies).buffer_unordered(AT_A_TIME);
            while let Some(outcomes) = copies.next().await {
                for (key, outcome) in outcomes {
                    report.add(&key, outcome);
                }
                done();
            }
        }
    }

    async fn copy_node(&self, node: Uuid) -> [(Key, Outcome); 2] {
        let processed = Key::new(node, Variant::Processed);
        let raw = Key::new(node, Variant::Raw);
        [(processed, item::copy(self, &processed).await), (raw, item::copy(self, &raw).await)]
    }
}

fn choice<'a>(option: &str, text: &'a str) -> Result<Choice<'a>> {
    let found =
        registry::find(text).map_err(|wrong| Error::bad_request(format!("{option} {text}: {wrong}")))?;
    match found.entry.keeps {
        KeepData::No => Err(Error::bad_request(format!("{option} {text}: it keeps nothing"))),
        KeepData::Yes | KeepData::Elsewhere => Ok(found),
    }
}
