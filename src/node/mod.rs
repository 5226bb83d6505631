//! The nodes: what is recorded of each, and what may be asked of them.
//!
//! Invariant: everything that happens to a node goes through its actor, one thing at a time. HTTP and the
//! supervisor see only [`Introspection`] and [`Record`].

pub mod actor;
mod asking;
pub mod builds;
mod callback;
mod data;
pub mod discovery;
pub mod lookup;
pub mod machine;
pub mod matching;
pub mod observe;
mod operations;
pub mod order;
mod ports;
pub mod posting;
mod power_job;
pub mod prepare;
pub mod provision;
pub mod registry;
mod remains;
pub mod rules;
pub mod service;
pub mod shared;
pub mod step;
pub mod timeline;
pub mod token;
pub mod turns;

use async_trait::async_trait;
use uuid::Uuid;

use crate::admission::Admitted;
use crate::clock::Timestamp;
use crate::cluster::Owner;
use crate::error::Result;
use crate::fsm::{Event, State};
use crate::node_service::Object;
use crate::store::runs::RunRow;
use token::{Token, TokenDigest};

/// What the database holds of a node: its last committed transition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The node.
    pub uuid: Uuid,
    /// Counts the transitions; every write compares and raises it.
    pub version: i64,
    /// Where the node stands.
    pub state: State,
    /// When this state was entered.
    pub state_since: Timestamp,
    /// When the present state ends by itself; `None` where it does not.
    pub deadline: Option<Timestamp>,
    /// When the run began.
    pub started_at: Timestamp,
    /// When the run ended.
    pub finished_at: Option<Timestamp>,
    /// Why the run failed.
    pub error: Option<String>,
    /// Whether power and boot device are ours to set.
    pub manage_boot: ManageBoot,
    /// The run that the record belongs to.
    pub run: Uuid,
    /// The event that led to this state.
    pub last_event: Event,
    /// The data that was taken in this run.
    pub posted: Option<Posted>,
    /// The token that the callback of a run has to carry, where there is one; void once data was taken.
    pub token: Option<TokenDigest>,
    /// The process that works on the node.
    pub owner: Option<Owner>,
}

/// Data that a ramdisk posted and that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    /// SHA-256 of the document, hexadecimal.
    pub digest: String,
    /// Whether who posted it is known to have got an answer.
    pub answered: bool,
}

/// Who boots the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ManageBoot {
    /// The service sets the boot device and reboots.
    Managed,
    /// Somebody else does; the power is left alone.
    Unmanaged,
}

/// The names of look-up attributes.
pub const ATTRIBUTE_NAMES: [&str; 2] = [BMC_ADDRESS, MAC];
/// Addresses of the BMC, IPv4 and IPv6 alike.
pub const BMC_ADDRESS: &str = "bmc_address";
/// MAC addresses of ports.
pub const MAC: &str = "mac";

/// What a callback is matched by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Attribute {
    /// One of [`ATTRIBUTE_NAMES`].
    pub name: &'static str,
    /// The value in its canonical form.
    pub value: String,
}

/// A run, and what happened in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunHistory {
    /// The run.
    pub run: RunRow,
    /// What happened.
    pub timeline: timeline::Timeline,
}

/// How a run began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunKind {
    /// An operator's start.
    Start,
    /// Data processed again.
    Reapply,
    /// The callback of an unknown machine.
    Discovery,
    /// The callback of a machine in use.
    Active,
}

impl RunKind {
    /// The name in the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Reapply => "reapply",
            Self::Discovery => "discovery",
            Self::Active => "active",
        }
    }
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// With success.
    Finished,
    /// By a failure, an abort or a timeout.
    Error,
    /// By another start while it was waiting.
    Superseded,
    /// With its node, which is gone from the node service.
    Forgotten,
}

impl Outcome {
    /// The name in the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::Error => "error",
            Self::Superseded => "superseded",
            Self::Forgotten => "forgotten",
        }
    }
}

/// Which of the two documents of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Variant {
    /// As posted, without the logs.
    Raw,
    /// With what the hooks added.
    Processed,
}

/// Which records, and how many of them. Order: started last first, then by UUID descending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListQuery {
    /// The last record of the page before.
    pub marker: Option<Uuid>,
    /// How many at most.
    pub limit: usize,
    /// Only these states; all where empty.
    pub states: Vec<State>,
}

/// What a ramdisk says beside its data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallbackQuery {
    /// The node that it says it is; the data must match it.
    pub node: Option<Uuid>,
    /// The token of its run.
    pub token: Option<TokenDigest>,
}

/// What comes of a start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Started {
    /// The token that the callback has to carry, where it has to.
    pub token: Option<Token>,
}

/// What may be asked of the nodes. `ident` is a UUID in any notation or a node's name.
#[async_trait(?Send)]
pub trait Introspection {
    /// Starts an introspection; answers when it is accepted (managed boot), or done up to `waiting`.
    async fn start(&self, ident: &str, manage_boot: ManageBoot) -> Result<Started>;

    /// Gives a waiting run another token for its callback; the one before is void.
    async fn renew_token(&self, ident: &str) -> Result<Token>;

    /// Ends a waiting run; answers when it is accepted.
    async fn abort(&self, ident: &str) -> Result<()>;

    /// Processes stored data, or the given document, again; answers when it is accepted.
    async fn reapply(&self, ident: &str, document: Option<Object>) -> Result<()>;

    /// Takes the ramdisk's data; answers the node that it belongs to.
    async fn callback(&self, posted: Admitted, query: CallbackQuery) -> Result<Uuid>;

    /// The record of a node.
    async fn status(&self, ident: &str) -> Result<Record>;

    /// A page of records. An unknown marker is an error.
    async fn list(&self, query: ListQuery) -> Result<Vec<Record>>;

    /// What happened in the last runs of a node, the oldest first; also of one whose record is gone.
    async fn history(&self, ident: &str) -> Result<Vec<RunHistory>>;

    /// A stored document of a node: JSON text.
    async fn data(&self, ident: &str, variant: Variant) -> Result<Vec<u8>>;
}
