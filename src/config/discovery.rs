//! `[discovery]`: how machines that nobody knows become nodes.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::forms;
use super::spec::{Kind, Section, works};

/// What stands in the file about `[discovery]`.
pub(super) const SECTION: Section = Section {
    name: "discovery",
    help: "Nodes that are not known, with processing.node_not_found_hook.",
    options: &[
        works("enroll_node_driver", Kind::Text, Some("\"fake-hardware\""), "The driver of new nodes."),
        works("enroll_node_fields", Kind::Dict, Some("{}"), "More fields of new nodes."),
        works(
            "enabled_bmc_address_version",
            Kind::ListOf(forms::IP_VERSION),
            Some("[\"4\", \"6\"]"),
            "Versions of IP, in the order of preference, of the BMC address of new nodes.",
        ),
        works(
            "bmc_address_members",
            Kind::Dict,
            Some("{}"),
            "Driver, and the member of driver_info that its BMC address goes to; ipmi_address for all others.",
        ),
        works(
            "max_per_hour",
            Kind::Integer(0, 1_000_000),
            Some("0"),
            "New nodes per hour at most; those beyond are told to come later. 0 sets no limit.",
        ),
    ],
    rest: None,
};

/// `[discovery]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Discovery {
    /// The driver of new nodes.
    pub enroll_node_driver: String,
    /// More fields of new nodes.
    pub enroll_node_fields: IndexMap<String, String>,
    /// `4` and `6`, in the order of preference.
    pub enabled_bmc_address_version: Vec<String>,
    /// Driver to member of `driver_info`; `ipmi_address` for those that are not named.
    pub bmc_address_members: IndexMap<String, String>,
    /// New nodes per hour at most; 0 sets no limit.
    pub max_per_hour: usize,
}

impl Default for Discovery {
    fn default() -> Self {
        Self {
            enroll_node_driver: "fake-hardware".to_owned(),
            enroll_node_fields: IndexMap::new(),
            enabled_bmc_address_version: vec!["4".to_owned(), "6".to_owned()],
            bmc_address_members: IndexMap::new(),
            max_per_hour: 0,
        }
    }
}
