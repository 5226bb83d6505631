//! The status object: what a client sees of a record.
//!
//! Invariant: only what the last committed transition says, so that it is the same alone, in a list and after a
//! restart. Members are declared by name, since they are written in that order.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::links::{self, Link};
use crate::clock::Timestamp;
use crate::fsm::{Event, State};
use crate::node::Record;

/// A node's introspection.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Introspection)]
pub(super) struct Status {
    /// When the present state ends by itself.
    #[schema(required)]
    deadline: Option<Timestamp>,
    #[schema(required)]
    error: Option<String>,
    /// Whether `finished_at` is set, whatever the state.
    finished: bool,
    #[schema(required)]
    finished_at: Option<Timestamp>,
    /// The event of the last committed transition.
    last_event: Event,
    links: [Link; 1],
    /// When the present state was entered.
    since: Timestamp,
    started_at: Timestamp,
    state: State,
    uuid: Uuid,
    /// What ends the present state; null where a run is over.
    #[schema(required)]
    waiting_for: Option<&'static str>,
}

impl Status {
    /// The status object of a record, with links below `root`.
    pub(super) fn new(record: Record, root: &str) -> Self {
        Self {
            deadline: record.deadline,
            error: record.error,
            finished: record.finished_at.is_some(),
            finished_at: record.finished_at,
            last_event: record.last_event,
            links: links::to_self(root, &format!("/v1/introspection/{}", record.uuid)),
            since: record.state_since,
            started_at: record.started_at,
            state: record.state,
            uuid: record.uuid,
            waiting_for: waiting_for(record.state),
        }
    }
}

fn waiting_for(state: State) -> Option<&'static str> {
    match state {
        State::Enrolling => Some("the node to be enrolled"),
        State::Starting => Some("the machine to be prepared and rebooted"),
        State::Waiting => Some("the ramdisk to post its data"),
        State::Processing => Some("the data to be processed and the machine to be powered off"),
        State::Reapplying => Some("the data to be processed again"),
        State::Aborting => Some("the machine to be powered off"),
        State::Finished | State::Error => None,
    }
}
