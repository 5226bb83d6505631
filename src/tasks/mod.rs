//! Tasks: work on many nodes as one thing that can be asked for, watched, stopped and tried again.
//!
//! Invariant: a task only observes runs; the state machine stays the authority on every node. What a task does, and
//! what is told of it, is in the database at every moment. It must not know HTTP.

mod bulk;
mod designs;
pub mod dispatcher;
mod drive;
pub mod filter;
mod imports;
mod jobs;
pub mod model;
mod observe;
mod requests;
mod selection;
pub mod service;

use std::time::Duration;

pub use self::requests::Propagate;

/// How much is done at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Tasks.
    pub tasks: usize,
    /// Nodes of one task.
    pub children: usize,
    /// Nodes of all tasks.
    pub all_children: usize,
    /// Nodes of one rack, where the filter names racks; 0 is no limit.
    pub per_rack: usize,
    /// How long a power state may take to be reached.
    pub power_timeout: Duration,
}
