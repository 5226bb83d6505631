//! `[inventory]`: how much one import may hold.

use serde::{Deserialize, Serialize};

use super::spec::{Kind, Section, works};

/// What stands in the file about `[inventory]`.
pub(super) const SECTION: Section = Section {
    name: "inventory",
    help: "The operators' record of their hosts. How large a request may be is max_body_bytes.",
    options: &[
        works("max_systems", Kind::Integer(1, 1_000_000), Some("10000"), "Systems in one import."),
        works(
            "max_objects",
            Kind::Integer(1, 10_000_000),
            Some("200000"),
            "Registrations, adapters, aliases and pairs in one import.",
        ),
    ],
    rest: None,
};

/// `[inventory]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Inventory {
    /// Systems in one import.
    pub max_systems: usize,
    /// Objects within systems in one import.
    pub max_objects: usize,
}

impl Default for Inventory {
    fn default() -> Self {
        Self { max_systems: 10_000, max_objects: 200_000 }
    }
}
