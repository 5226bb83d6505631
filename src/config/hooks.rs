//! `[accelerators]`, `[extra_hardware]` and `[port_physnet]`: settings of hooks that run only where named.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::forms;
use super::spec::{Kind, Section, works};

/// What stands in the file about `[accelerators]`.
pub(super) const ACCELERATORS: Section = Section {
    name: "accelerators",
    help: "The hook accelerators.",
    options: &[works(
        "known_devices",
        Kind::Text,
        None,
        "YAML file with the known devices; unset: the built-in list.",
    )],
    rest: None,
};

/// What stands in the file about `[extra_hardware]`.
pub(super) const EXTRA_HARDWARE: Section = Section {
    name: "extra_hardware",
    help: "The hook extra_hardware.",
    options: &[works("strict", Kind::Bool, Some("false"), "Whether data of another form is dropped.")],
    rest: None,
};

/// What stands in the file about `[port_physnet]`.
pub(super) const PORT_PHYSNET: Section = Section {
    name: "port_physnet",
    help: "The hook physnet_cidr_map.",
    options: &[works(
        "cidr_map",
        Kind::ListOf(forms::CIDR_MAP),
        Some("[]"),
        "Networks of addresses, each CIDR:PHYSICAL_NETWORK; the narrowest counts.",
    )],
    rest: None,
};

/// `[accelerators]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Accelerators {
    /// YAML file with the known devices; the built-in list where unset.
    pub known_devices: Option<PathBuf>,
}

/// `[extra_hardware]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ExtraHardware {
    /// Whether data of another form is dropped.
    pub strict: bool,
}

/// `[port_physnet]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PortPhysnet {
    /// Each `CIDR:PHYSICAL_NETWORK`, split at the last colon; the narrowest that holds an address counts.
    pub cidr_map: Vec<String>,
}
