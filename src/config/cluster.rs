//! `[cluster]`: this process among those that share its database.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::draft::Draft;
use super::spec::{Kind, Section, works};
use crate::cluster::Timing;

/// What stands in the file about `[cluster]`.
pub(super) const SECTION: Section = Section {
    name: "cluster",
    help: "This process among those that share its PostgreSQL database.",
    options: &[
        works(
            "name",
            Kind::Text,
            None,
            "Name of the instance, the same at each start; by default the host name and the port.",
        ),
        works("address", Kind::Text, None, "Where the instance can be reached, as the others show it."),
        works("ping_interval", Kind::Integer(1, 3600), Some("2"), "Seconds between two heartbeats."),
        works(
            "grace_period",
            Kind::Integer(3, 86_400),
            Some("10"),
            "Seconds without a heartbeat after which an instance is dead; more than twice ping_interval.",
        ),
        works("claim_interval", Kind::Integer(1, 3600), Some("2"), "Seconds between two attempts to lead."),
    ],
    rest: None,
};

/// `[cluster]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Cluster {
    /// Name of the instance.
    pub name: Option<String>,
    /// Where it can be reached.
    pub address: Option<String>,
    /// Seconds between two heartbeats.
    pub ping_interval: u64,
    /// Seconds without a heartbeat after which an instance is dead.
    pub grace_period: u64,
    /// Seconds between two attempts to lead.
    pub claim_interval: u64,
}

impl Cluster {
    /// When what is done.
    #[must_use]
    pub fn timing(&self) -> Timing {
        Timing {
            ping: Duration::from_secs(self.ping_interval),
            grace: Duration::from_secs(self.grace_period),
            claim: Duration::from_secs(self.claim_interval),
        }
    }

    /// Adds what is wrong in the options together.
    pub(super) fn check(&self, draft: &mut Draft) {
        if self.grace_period <= self.ping_interval.saturating_mul(2) {
            draft.problem("cluster.grace_period", "has to be more than twice ping_interval");
        }
        if self.name.as_ref().is_some_and(|name| name.trim().is_empty() || name.len() > 255) {
            draft.problem("cluster.name", "has to have 1 to 255 characters");
        }
    }
}

impl Default for Cluster {
    fn default() -> Self {
        Self { name: None, address: None, ping_interval: 2, grace_period: 10, claim_interval: 2 }
    }
}
