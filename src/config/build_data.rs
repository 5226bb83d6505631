//! `[build_data]`: what is kept of every run for good, and for how long.

use serde::{Deserialize, Serialize};

use super::forms;
use super::spec::{Kind, Section, works};
use crate::build_data::Generator;
use crate::build_data::diff::VOLATILE;

const LONGEST: i64 = 1_000_000_000;

/// What stands in the file about `[build_data]`.
pub(super) const SECTION: Section = Section {
    name: "build_data",
    help: "What is kept of every run, also when the node is gone.",
    options: &[
        works(
            "generators",
            Kind::ListOf(forms::GENERATOR),
            Some("[\"inventory\", \"lldp\", \"unprocessed\", \"logs\", \"facts\", \"design-findings\"]"),
            "What is kept; facts are needed for differences and for the search for components.",
        ),
        works("keep_time", Kind::Integer(0, LONGEST), Some("0"), "Seconds that it is kept; 0 is for ever."),
        works(
            "keep_latest",
            Kind::Integer(0, 1_000_000),
            Some("0"),
            "How many of each node and generator are kept, the latest; 0 is all.",
        ),
        works(
            "volatile",
            Kind::ListOf(forms::FACT),
            Some(
                "[\"cpu.frequency\", \"nics.has_carrier\", \"nics.ipv4_address\", \"nics.ipv6_address\", \
                 \"nics.speed_mbps\"]",
            ),
            "Kinds of components, or kind.property, that are left out of differences.",
        ),
    ],
    rest: None,
};

/// `[build_data]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BuildData {
    /// What is kept.
    pub generators: Vec<String>,
    /// Seconds that it is kept; 0 for ever.
    pub keep_time: i64,
    /// How many of each node and generator are kept; 0 for all.
    pub keep_latest: i64,
    /// What is left out of differences.
    pub volatile: Vec<String>,
}

impl BuildData {
    /// What is kept.
    #[must_use]
    pub fn generators(&self) -> Vec<Generator> {
        self.generators.iter().filter_map(|name| Generator::named(name)).collect()
    }
}

impl Default for BuildData {
    fn default() -> Self {
        Self {
            generators: Generator::ALL.map(|generator| generator.name().to_owned()).to_vec(),
            keep_time: 0,
            keep_latest: 0,
            volatile: VOLATILE.map(str::to_owned).to_vec(),
        }
    }
}
