//! `[inventory]`: how much one import may hold.

use serde::{Deserialize, Serialize};

use super::spec::{Kind, Section, works};
use crate::inventory::options::Limits;

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
        works(
            "max_background_systems",
            Kind::Integer(0, 1_000_000),
            Some("100000"),
            "Systems in an import that is worked on as a task, as it is larger than those above; with 0 there are none.",
        ),
        works(
            "max_background_objects",
            Kind::Integer(0, 10_000_000),
            Some("2000000"),
            "Registrations, adapters, aliases and pairs in such an import.",
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
    /// Systems in one import that is worked on as a task.
    pub max_background_systems: usize,
    /// Objects within systems in such an import.
    pub max_background_objects: usize,
}

impl Inventory {
    /// What one request may hold.
    #[must_use]
    pub fn limits(&self) -> Limits {
        Limits { systems: self.max_systems, objects: self.max_objects }
    }

    /// What one task may hold; as much as a request where there are no such tasks.
    #[must_use]
    pub fn background(&self) -> Limits {
        if self.max_background_systems == 0 || self.max_background_objects == 0 {
            return self.limits();
        }
        Limits {
            systems: self.max_background_systems.max(self.max_systems),
            objects: self.max_background_objects.max(self.max_objects),
        }
    }
}

impl Default for Inventory {
    fn default() -> Self {
        Self {
            max_systems: 10_000,
            max_objects: 200_000,
            max_background_systems: 100_000,
            max_background_objects: 2_000_000,
        }
    }
}
