//! What the outside asks of a node, and what the node asks of the outside: plain data, no runtime.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::posting::Posting;
use super::token::TokenDigest;
use super::{Attribute, ManageBoot};
use crate::build_data;
use crate::error::Error;
use crate::fsm::Birth;
use crate::node_service::{Node, Persistence, PowerTarget, ServiceError};
use crate::processing::change::Change;
use crate::processing::rules::Results;
use crate::store::documents::Packed;

/// Names a caller that waits for an answer.
pub type Ticket = u64;

/// An operator's start, checked as far as it can be without the node's record.
#[derive(Clone, Debug, PartialEq)]
pub struct StartOrder {
    /// Who boots the machine.
    pub manage_boot: ManageBoot,
    /// What callbacks are to be matched by, or why that can not be told.
    pub attributes: Result<Vec<Attribute>, String>,
    /// How the boot device is set.
    pub persistence: Persistence,
    /// The token that the callback has to carry, where it has to.
    pub token: Option<TokenDigest>,
}

/// The data of a machine that has no run, and the node that it belongs to.
#[derive(Clone, Debug, PartialEq)]
pub struct Adoption {
    /// How the record comes into being.
    pub birth: Birth,
    /// By what the machine is found again while the run lasts.
    pub attributes: Vec<Attribute>,
    /// The data.
    pub posting: Arc<Posting>,
    /// The node as the node service shows it.
    pub node: Box<Node>,
}

/// What the power of a node at rest is to become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PowerOrder {
    /// What.
    pub target: PowerTarget,
    /// How long that may take.
    pub within: Duration,
}

/// Where a document for a reapply came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// It was stored.
    Stored,
    /// It came with the request, and becomes the stored one.
    Given,
}

/// What a run is about to do to the node service, and how it ends. Committed before any of it is sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// What is written.
    pub change: Change,
    /// What follows.
    pub ending: Ending,
    /// What the end of the run writes down for good.
    #[serde(default)]
    pub build: build_data::Collection,
}

/// What the hooks and rules made of a document.
#[derive(Clone, Debug, PartialEq)]
pub struct Processed {
    /// What follows from it.
    pub plan: Box<Plan>,
    /// The processed data.
    pub data: Packed,
    /// What became of the rules.
    pub rules: Results,
    /// The contents that the plan's build data refers to.
    pub contents: Vec<Packed>,
}

/// How a run ends once its Change is applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// The power is left alone.
    LeavePower,
    /// The machine is powered off; a failure fails the run.
    PowerOff,
    /// The machine is powered off; a failure is only noted (nodes in `enroll` have no power driver yet).
    TryPowerOff,
    /// The run fails with this text, and the power is left alone.
    Fail(String),
}

/// Work beside the mailbox; while it goes on, the node is locked.
#[derive(Clone, Debug, PartialEq)]
pub enum Operation {
    /// Set the boot device.
    BootDevice(Persistence),
    /// Wait for the turn to reboot.
    Turn,
    /// Reboot.
    Reboot,
    /// Get the node from the node service.
    Fetch,
    /// The same after a pause.
    FetchLater,
    /// Run the hooks over a document.
    Process(Box<Node>, std::sync::Arc<Posting>, PowerPolicy),
    /// Store the raw and the processed data in the data store.
    Save(std::sync::Arc<Posting>, Packed),
    /// Deliver documents that wait for the data store, or remove those of a node without record from it.
    LookAfterData,
    /// Send a Change.
    Apply(Box<Plan>),
    /// Power the machine off at the end of a run.
    PowerOff,
    /// Power the machine off and read the power state back, again and again within this time.
    AbortPowerOff(Duration),
    /// Switch the power of a node at rest, and read it back until it is as wanted.
    Power(PowerOrder),
}

impl Operation {
    /// The name, for points of the crash matrix.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::BootDevice(_) => "boot_device",
            Self::Turn => "turn",
            Self::Reboot => "reboot",
            Self::Fetch | Self::FetchLater => "fetch",
            Self::Process(..) => "hooks",
            Self::Save(..) => "save",
            Self::LookAfterData => "look_after_data",
            Self::Apply(_) => "apply",
            Self::PowerOff => "power_off",
            Self::AbortPowerOff(_) => "abort_power_off",
            Self::Power(_) => "power",
        }
    }

    /// What the node waits for, in words.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::BootDevice(_) => "setting the boot device",
            Self::Turn => "waiting for its turn to reboot",
            Self::Reboot => "rebooting the machine",
            Self::Fetch | Self::FetchLater => "reading the node from the node service",
            Self::Process(..) => "running the hooks",
            Self::Save(..) => "storing the data",
            Self::LookAfterData => "looking after the data of an earlier run",
            Self::Apply(_) => "updating the node",
            Self::PowerOff | Self::AbortPowerOff(_) => "powering the machine off",
            Self::Power(_) => "switching the power for a task",
        }
    }
}

/// Whether the power is ours to switch at the end of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PowerPolicy {
    /// It is switched off.
    Off,
    /// It is left alone.
    Leave,
}

/// What an operation came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Finding {
    /// Of [`Operation::BootDevice`]; the error is the text for the record.
    BootDeviceSet(Result<(), String>),
    /// Of [`Operation::Turn`].
    Turn,
    /// Of [`Operation::Reboot`]; the error is the text for the record.
    Rebooted(Result<(), String>),
    /// Of [`Operation::Fetch`].
    Fetched(Result<Box<Node>, ServiceError>),
    /// Of [`Operation::Process`].
    Processed(Result<Processed, Error>),
    /// Of [`Operation::Save`].
    Saved(Result<(), Error>),
    /// Of [`Operation::LookAfterData`].
    DataLookedAfter,
    /// Of [`Operation::Apply`].
    Applied(Result<(), Error>),
    /// Of [`Operation::PowerOff`]; the error is the node service's text.
    PoweredOff(Result<(), String>),
    /// Of [`Operation::AbortPowerOff`]; the error is why the power is not known to be off.
    AbortPoweredOff(Result<(), String>),
    /// Of [`Operation::Power`].
    Powered(Result<(), Error>),
}

/// What an interrupted run left in the database.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Remains {
    /// The plan that was committed, if it came so far.
    pub plan: Option<Box<Plan>>,
    /// The raw document, through the pre hooks again.
    pub posting: Option<std::sync::Arc<Posting>>,
}
