//! `[callback]`: what narrows the way of the ramdisk's data.

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::forms;
use super::spec::{Kind, Section, works};

/// What stands in the file about `[callback]`.
pub(super) const SECTION: Section = Section {
    name: "callback",
    help: "Who may post data to /v1/continue, which needs no credentials.",
    options: &[works(
        "allowed_cidrs",
        Kind::ListOf(forms::CIDR),
        Some("[]"),
        "Networks from which callbacks are taken, by the address of the connection; none here means all.",
    )],
    rest: None,
};

/// `[callback]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Callback {
    /// Networks from which callbacks are taken, as written; empty: all.
    pub allowed_cidrs: Vec<String>,
}

impl Callback {
    /// The networks of `allowed_cidrs`.
    #[must_use]
    pub fn networks(&self) -> Vec<IpNet> {
        // The reader has refused what is no network.
        self.allowed_cidrs.iter().filter_map(|text| forms::network(text).ok()).collect()
    }
}
