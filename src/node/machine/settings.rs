//! What the machine has to know of the configuration.

use super::super::provision::InUse;
use super::super::step::{KeepData, TimeoutPower};
use super::super::token::Tokens;
use crate::build_data::Generator;
use crate::cluster::Owner;

/// What the machine has to know of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// This process, which owns a node as long as it works on it.
    pub me: Owner,
    /// Seconds from `waiting` to the timeout; `None` for never.
    pub timeout_s: Option<i64>,
    /// Seconds that `starting` may take from its turn.
    pub starting_timeout_s: i64,
    /// Seconds that `processing` and `reapplying` may take.
    pub processing_timeout_s: i64,
    /// Seconds that `aborting` may take.
    pub aborting_timeout_s: i64,
    /// Whether introspection data stays in the database.
    pub keep_data: KeepData,
    /// Whether machines are powered off when their data is processed.
    pub power_off: bool,
    /// Whether the ramdisk's logs are stored of successful runs too.
    pub always_store_logs: bool,
    /// Callbacks that may wait for their turn at one node.
    pub queue_length: usize,
    /// What becomes of the power of machines whose run has timed out.
    pub timeout_power: TimeoutPower,
    /// Whether reboots are spaced, so that a start has to wait for its turn.
    pub spacing: Spacing,
    /// Whether nodes in use may be introspected.
    pub in_use: InUse,
    /// What becomes of callbacks that match no node.
    pub unknown: Unknown,
    /// Whether callbacks have to carry the token of their run.
    pub tokens: Tokens,
    /// What is kept of each run for good.
    pub generators: Vec<Generator>,
}

/// What becomes of callbacks that match no node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// They are refused, so a start must leave something to match by.
    Refused,
    /// They may become nodes.
    Enrolled,
}

/// Whether reboots are spaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spacing {
    /// A start waits for its turn (`introspection_delay`).
    Spaced,
    /// It does not.
    Free,
}
