//! The pipeline: from the posted document to one Change of the node.
//!
//! Pure: it reads a document and one view of the node, and adds to one [`Change`](change::Change); it sends and
//! stores nothing itself, except that [`ramdisk_logs`] writes files. Invariant: a failing hook yields no Change.
//! It must not know actix or diesel.

pub mod bmc;
pub mod capability_list;
pub mod change;
pub mod document;
pub mod hooks;
pub mod identity;
pub mod inventory;
pub mod lldp;
pub mod nics;
pub mod pipeline;
pub mod python;
pub mod ramdisk_logs;
pub mod root_device;
pub mod rules;
mod surrogates;

pub use hooks::View;
pub use identity::Identity;
pub use pipeline::{Pipeline, ProcessingFailure};

#[cfg(test)]
mod tests;
