//! What the machine takes and what it answers: inputs and effects.

use std::sync::Arc;

use uuid::Uuid;

use super::super::Record;
use super::super::order::{Adoption, Finding, Operation, PowerOrder, Remains, Source, StartOrder, Ticket};
use super::super::posting::Posting;
use super::super::timeline::{Entry, Timeline};
use super::super::token::TokenDigest;
use crate::error::{Error, Result};
use crate::node_service::recorded::Call;
use crate::store::transition::{Transition, Written};

/// What happens to a node.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// An operator starts an introspection.
    Start(Ticket, Box<StartOrder>),
    /// An operator ends it.
    Abort(Ticket),
    /// An operator has data processed again.
    Reapply(Ticket, Arc<Posting>, Source),
    /// An operator gives the waiting run another token.
    Token(Ticket, TokenDigest),
    /// An operator's task wants the power switched.
    Power(Ticket, PowerOrder),
    /// The ramdisk posted.
    Callback(Ticket, Arc<Posting>),
    /// The ramdisk of a machine without a run posted.
    Adopt(Ticket, Box<Adoption>),
    /// A caller is gone; what it asked for is not begun any more.
    Withdrawn(Ticket),
    /// The commit that was asked for is done, or met another row than expected.
    Committed(Written),
    /// The commit that was asked for failed; nothing was written.
    CommitFailed(Error),
    /// The row, and what happened in its run, were read again.
    Reloaded(Option<Record>, Timeline),
    /// The operation that was begun has ended.
    Done(Finding),
    /// Calls of the node service that the operation in flight has made.
    Called(Vec<Call>),
    /// A callback that matches only a run that is over; the line that refuses it.
    Late(Ticket, Arc<Posting>, String),
    /// The deadline of the state may have passed.
    Deadline,
    /// The machine is to be powered off because this run has timed out.
    PowerJob(Uuid),
    /// Documents wait to be delivered to the data store, or to be removed from it.
    LookAfterData,
    /// The process that worked on the node is gone; this is what it left.
    Resume(Remains),
}

/// What the actor is to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Answer a caller.
    Answer(Ticket, Result<()>),
    /// The caller's data is committed: it may be told so whatever follows.
    Accepted(Ticket),
    /// Commit, and report it.
    Commit(Arc<Transition>),
    /// Commit again after a pause, and report it.
    CommitLater(Arc<Transition>),
    /// Begin an operation, and report its end.
    Begin(Operation),
    /// Drop the operation in flight.
    Cancel,
    /// Read the row again, and report it.
    Reload,
    /// Store the ramdisk's logs.
    StoreLogs(Arc<Posting>),
    /// Add to the history of a run that is over.
    File(Uuid, Box<Entry>),
    /// The power job of a run was tried; the error is why the power is not known to be off.
    PowerJobTried(Uuid, Result<(), String>),
}
