//! What may be asked of all that runs have found: build data, differences, where components are, and what the
//! hooks and rules of today would make of it.

mod replay;
mod service;
mod snapshot;

pub use self::replay::{Replayed, Source};
pub use self::service::StoredBuilds;

use async_trait::async_trait;
use uuid::Uuid;

use crate::build_data::diff::Difference;
use crate::error::{Error, Result};
use crate::fsm::State;
use crate::store::build_data::{Build, Of, Selection, SightingRow, Sought};

/// A row, and its content where that was asked for.
pub type WithContent = (Build, Option<Vec<u8>>);

/// A component, the name that its node had, and when the node was looked at last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The component.
    pub row: SightingRow,
    /// The node's name, as far as it had one.
    pub node_name: Option<String>,
    /// When it was there last, in microseconds since the epoch.
    pub last_us: i64,
}

/// Which snapshot of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Snapshot {
    /// That of this run.
    Run(Uuid),
    /// That row of build data.
    Row(i64),
}

impl Snapshot {
    /// As it is written in a request: the UUID of a run, or the number of a row.
    ///
    /// # Errors
    /// Where it is neither.
    pub fn parse(text: &str) -> Result<Self> {
        let number = || text.parse().ok().map(Self::Row);
        let run = Uuid::try_parse(text).ok().map(Self::Run);
        let wrong = || {
            Error::bad_request(format!(
                "Invalid snapshot {text}: the UUID of a run or the id of build data is expected"
            ))
        };
        run.or_else(number).ok_or_else(wrong)
    }
}

/// Two snapshots and what differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diff {
    /// The earlier one.
    pub from: Build,
    /// The later one.
    pub to: Build,
    /// What differs.
    pub differences: Vec<Difference>,
}

/// The nodes whose data is to be processed again: those of this page of records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Among {
    /// Only these, by UUID or name; all where there are none.
    pub nodes: Vec<String>,
    /// Only those in one of these states; all where there are none.
    pub states: Vec<State>,
}

/// What may be asked.
#[async_trait(?Send)]
pub trait Builds {
    /// Rows, with their contents where they are wanted: then there may be fewer than the limit.
    async fn select(
        &self,
        selection: Selection,
        limit: usize,
        contents: Contents,
    ) -> Result<Vec<WithContent>>;

    /// One row with its content.
    async fn one(&self, id: i64) -> Result<WithContent>;

    /// What differs between two snapshots of a node; the latest where `to` is not given, the one before it where
    /// `from` is not.
    async fn diff(&self, of: Of, from: Option<Snapshot>, to: Option<Snapshot>) -> Result<Diff>;

    /// Where components are, or were.
    async fn sightings(&self, sought: Sought, limit: usize) -> Result<Vec<Seen>>;

    /// What the hooks and rules of today would make of stored data. Touches nothing.
    async fn replay(&self, ident: &str, source: Source) -> Result<Replayed>;

    /// A page of the nodes that are meant, after this one; empty at the end.
    async fn among(&self, among: &Among, after: Option<Uuid>) -> Result<Vec<Uuid>>;
}

/// Whether contents are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contents {
    /// They are.
    Wanted,
    /// The rows are enough.
    Left,
}

/// The UUID or the name of a node, as it is asked for.
#[must_use]
pub fn of(ident: &str) -> Of {
    Uuid::try_parse(ident).map_or_else(|_| Of::Name(ident.to_owned()), Of::Node)
}
