//! What is said to a node's actor: requests with who waits for them, and word from the supervisor.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actix::prelude::*;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::order::{Adoption, PowerOrder, Source, StartOrder};
use super::posting::Posting;
use super::token::TokenDigest;
use crate::context::Asker;
use crate::error::Result;

/// What is asked of a node.
#[derive(Clone, Debug)]
pub enum Request {
    /// Start an introspection.
    Start(Box<StartOrder>),
    /// End it.
    Abort,
    /// Process data again.
    Reapply(Arc<Posting>, Source),
    /// Give the waiting run another token.
    Token(TokenDigest),
    /// Switch the power of the node at rest; answered when it is as wanted.
    Power(PowerOrder),
    /// Take the ramdisk's data.
    Callback(Arc<Posting>),
    /// Begin a run with its data.
    Adopt(Box<Adoption>),
    /// File a callback that matches only a run that is over; the line that refuses it.
    Late(Arc<Posting>, String),
}

/// How far a caller's data has come, as the caller and the node tell each other.
#[derive(Debug, Default)]
pub struct Progress {
    accepted: AtomicBool,
    told: AtomicBool,
}

impl Progress {
    /// Whether the data is committed.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        self.accepted.load(Ordering::Acquire)
    }

    /// Notes that the client was answered before the node has.
    pub fn tell(&self) {
        self.told.store(true, Ordering::Release);
    }
}

/// Who asked, and waits.
#[derive(Debug)]
pub struct Caller {
    /// Where the answer goes.
    pub reply: oneshot::Sender<Result<()>>,
    /// How far the data has come.
    pub progress: Arc<Progress>,
    /// Who it is.
    pub asker: Option<Asker>,
}

/// A request with its caller.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Ask {
    /// What is asked.
    pub request: Request,
    /// By whom.
    pub caller: Caller,
}

/// Word from the supervisor.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub enum Notice {
    /// The deadline of `waiting` may have passed.
    Deadline,
    /// The process that worked on the node is gone.
    Resume,
    /// The machine is to be powered off because this run has timed out.
    PowerJob(Uuid),
    /// Documents wait to be delivered to the data store, or to be removed from it.
    LookAfterData,
    /// Somebody who waits for an answer may be gone.
    Withdrawn,
    /// Nobody asked for a while: stop, if nothing is in flight.
    Passivate,
}

impl Caller {
    /// Whether the client was answered before the node has.
    pub(super) fn is_told(&self) -> bool {
        self.progress.told.load(Ordering::Acquire)
    }
}

impl Progress {
    /// Notes that the data is committed.
    pub(super) fn accept(&self) {
        self.accepted.store(true, Ordering::Release);
    }
}
