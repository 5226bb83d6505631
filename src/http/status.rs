//! The status object: what a client sees of a record.
//!
//! Invariant: only what the last committed transition says, so that it is the same alone, in a list and after a
//! restart. Members are declared by name, since they are written in that order.

use serde::Serialize;
use uuid::Uuid;

use super::links::{self, Link};
use crate::clock::Timestamp;
use crate::fsm::State;
use crate::node::Record;

/// A node's introspection.
#[derive(Debug, Serialize)]
pub(super) struct Status {
    /// When the present state ends by itself.
    deadline: Option<Timestamp>,
    error: Option<String>,
    /// Whether `finished_at` is set, whatever the state.
    finished: bool,
    finished_at: Option<Timestamp>,
    links: [Link; 1],
    /// When the present state was entered.
    since: Timestamp,
    started_at: Timestamp,
    state: State,
    uuid: Uuid,
}

impl Status {
    /// The status object of a record, with links below `root`.
    pub(super) fn new(record: Record, root: &str) -> Self {
        Self {
            deadline: record.deadline,
            error: record.error,
            finished: record.finished_at.is_some(),
            finished_at: record.finished_at,
            links: links::to_self(root, &format!("/v1/introspection/{}", record.uuid)),
            since: record.state_since,
            started_at: record.started_at,
            state: record.state,
            uuid: record.uuid,
        }
    }
}
