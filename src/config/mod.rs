//! The configuration: one TOML file.
//!
//! Options of the ancestor's `[DEFAULT]` stand at top level; every other section is a table of the same name,
//! with the same option names and defaults. Own options stand beside them.

pub mod ironic;
pub mod processing;

pub use ironic::Ironic;
pub use processing::{AddPorts, Capabilities, KeepPorts, PciDevices, Processing};
