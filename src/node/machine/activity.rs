//! What is in flight at a node, and what follows it: the machine's lock.
//!
//! Invariant: whatever is in flight knows who is to be answered when it ends. It must not decide anything.

use std::sync::Arc;

use uuid::Uuid;

use super::super::order::{Adoption, Plan, StartOrder, Ticket};
use super::super::posting::Posting;
use super::super::timeline::Timeline;
use super::Input;
use crate::context::Asker;
use crate::error::{Error, Result};
use crate::node_service::Node;
use crate::store::documents::Packed;
use crate::store::transition::Transition;

/// What is in flight.
#[derive(Debug)]
pub(super) enum Activity {
    Idle,
    Committing(Box<Committing>),
    Working(Box<Working>),
    Reloading(Box<Committing>),
}

/// A commit, and what is done with its outcome.
#[derive(Debug)]
pub(super) struct Committing {
    pub(super) transition: Arc<Transition>,
    pub(super) timeline: Timeline,
    pub(super) then: Then,
    /// The first step of a flow: it is tried anew where the row turns out to be another, and given up where the
    /// database fails. Later steps are committed again until they are.
    pub(super) first: Option<First>,
    /// Why the database did not take it, while it is found out whether it did after all.
    pub(super) failure: Option<Error>,
}

/// The input that began a flow, and who is to be told that it can not be begun.
#[derive(Debug)]
pub(super) struct First {
    pub(super) input: Input,
    pub(super) ticket: Option<Ticket>,
}

/// An operation, and how it is called to those who have to wait.
#[derive(Debug)]
pub(super) struct Working {
    pub(super) reason: &'static str,
    pub(super) work: Work,
}

/// What follows a commit.
#[derive(Debug)]
pub(super) enum Then {
    /// Nothing: the callers are answered and the lock is given back.
    Unlock(Vec<(Ticket, Result<()>)>),
    Prepare(Ticket, Box<StartOrder>),
    Admit(Ticket, Box<Adoption>),
    Reboot,
    Examine(Flow, Box<Node>),
    Reprocess(Flow),
    Apply(Flow, Box<Plan>),
    PowerOff(Option<Ticket>),
}

impl Then {
    /// A caller that left while its data was committed has been told nothing.
    pub(super) fn forget(&mut self, ticket: Ticket) {
        match self {
            Self::Examine(flow, _) | Self::Reprocess(flow) | Self::Apply(flow, _)
                if flow.ticket == Some(ticket) =>
            {
                flow.ticket = None;
            }
            _ => {}
        }
    }
}

/// What an operation is done for.
#[derive(Debug)]
pub(super) enum Work {
    BootDevice,
    Turn,
    Reboot,
    Fetch(Flow),
    Process(Flow),
    Save(Flow, Box<Plan>, Box<Packed>),
    LookAfterData,
    Apply(Flow, Box<Plan>),
    PowerOff(Box<Plan>),
    AbortPowerOff,
    TimedPowerOff(Uuid),
    Power(Ticket),
}

/// The way of one document.
#[derive(Clone, Debug)]
pub(super) struct Flow {
    pub(super) ticket: Option<Ticket>,
    pub(super) posting: Option<Arc<Posting>>,
    pub(super) origin: Start,
}

/// A callback that waits for its turn.
#[derive(Debug)]
pub(super) struct Queued {
    pub(super) ticket: Ticket,
    pub(super) posting: Arc<Posting>,
    pub(super) asker: Option<Asker>,
}

/// How a flow came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// Somebody asked for it.
    Asked,
    /// It was taken up after a restart.
    Resumed,
}
