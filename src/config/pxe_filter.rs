//! `[pxe_filter]` and the sections of its drivers: who may boot from the network.

use serde::{Deserialize, Serialize};

use super::spec::{Kind, Section, lacks, no_effect, only};

/// What stands in the file about `[pxe_filter]`.
pub(super) const SECTION: Section = Section {
    name: "pxe_filter",
    help: "Who may boot from the network.",
    options: &[
        only(
            "driver",
            &["noop", "iptables", "dnsmasq"],
            &["noop"],
            "\"noop\"",
            "What keeps other machines out; noop: nothing.",
        ),
        lacks(
            "deny_unknown_macs",
            Kind::Bool,
            Some("false"),
            "a PXE filter that denies anything",
            "Whether unknown machines are kept out while nodes are introspected.",
        ),
        no_effect("sync_period", "the driver noop has nothing to bring up to date"),
    ],
    rest: None,
};

/// What stands in the file about `[iptables]`.
pub(super) const IPTABLES: Section = Section {
    name: "iptables",
    help: "The PXE filter iptables.",
    options: &[
        no_effect("dnsmasq_interface", ABSENT),
        no_effect("firewall_chain", ABSENT),
        no_effect("ethoib_interfaces", ABSENT),
        no_effect("ip_version", ABSENT),
    ],
    rest: None,
};

/// What stands in the file about `[dnsmasq_pxe_filter]`.
pub(super) const DNSMASQ: Section = Section {
    name: "dnsmasq_pxe_filter",
    help: "The PXE filter dnsmasq.",
    options: &[
        no_effect("dhcp_hostsdir", ABSENT),
        no_effect("purge_dhcp_hostsdir", ABSENT),
        no_effect("dnsmasq_start_command", ABSENT),
        no_effect("dnsmasq_stop_command", ABSENT),
    ],
    rest: None,
};

const ABSENT: &str = "this PXE filter is not there yet";

/// `[pxe_filter]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PxeFilter {
    /// What keeps other machines out.
    pub driver: PxeFilterDriver,
}

impl Default for PxeFilter {
    fn default() -> Self {
        Self { driver: PxeFilterDriver::Noop }
    }
}

/// What keeps other machines out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PxeFilterDriver {
    /// Nothing.
    Noop,
    /// Firewall rules.
    Iptables,
    /// Files that dnsmasq reads.
    Dnsmasq,
}
