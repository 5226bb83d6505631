//! What a posted document says of the machine's identity: its BMC and MAC addresses.
//!
//! Works on any document, also one whose pre phase failed, so that the failure finds its node. It must not know
//! which nodes there are.

use std::fmt;
use std::net::IpAddr;

use serde_json::Value;

use super::bmc;
use crate::mac::Mac;
use crate::node_service::Object;

/// By what a node is found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// The addresses of the BMC: IPv4, then IPv6.
    pub bmc_addresses: Vec<IpAddr>,
    /// The MAC addresses of all interfaces, each once.
    pub macs: Vec<Mac>,
}

impl Identity {
    /// Reads the identity after the pre phase (processing 4.3.1).
    #[must_use]
    pub fn of(document: &Object) -> Self {
        Self { bmc_addresses: bmc::addresses(document), macs: macs(document) }
    }

    /// Whether there is nothing to find a node by.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bmc_addresses.is_empty() && self.macs.is_empty()
    }
}

impl fmt::Display for Identity {
    /// The contract's notation: `{'bmc_address': ['192.0.2.2'], 'mac': ['52:54:00:aa:bb:02']}`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (bmc, macs) = (quoted(&self.bmc_addresses), quoted(&self.macs));
        write!(f, "{{'bmc_address': [{bmc}], 'mac': [{macs}]}}")
    }
}

fn quoted<T: fmt::Display>(items: &[T]) -> String {
    items.iter().map(|item| format!("'{item}'")).collect::<Vec<_>>().join(", ")
}

/// Of `all_interfaces`, or of the inventory itself where the hook that makes it did not run or failed.
fn macs(document: &Object) -> Vec<Mac> {
    let mut found: Vec<Mac> = Vec::new();
    for mac in reported_macs(document).into_iter().filter_map(|text| text.parse::<Mac>().ok()) {
        if !found.contains(&mac) {
            found.push(mac);
        }
    }
    found
}

fn reported_macs(document: &Object) -> Vec<&str> {
    if let Some(Value::Object(interfaces)) = document.get("all_interfaces") {
        return interfaces.values().filter_map(|interface| interface.get("mac")?.as_str()).collect();
    }
    let interfaces = document.get("inventory").and_then(|inventory| inventory.get("interfaces")?.as_array());
    interfaces.into_iter().flatten().filter_map(|interface| interface.get("mac_address")?.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn identity(value: Value) -> Identity {
        let Value::Object(document) = value else { panic!("an object") };
        Identity::of(&document)
    }

    #[test]
    fn it_is_shown_in_the_notation_of_the_contract() {
        let found = identity(json!({
            "inventory": {"bmc_address": "192.0.2.2", "bmc_v6address": "::/0"},
            "all_interfaces": {"e0": {"mac": "52:54:00:AA:bb:02"}, "e0.7": {"mac": "52:54:00:aa:bb:02"}}}));
        assert_eq!(found.to_string(), "{'bmc_address': ['192.0.2.2'], 'mac': ['52:54:00:aa:bb:02']}");
        assert_eq!(Identity::default().to_string(), "{'bmc_address': [], 'mac': []}");
    }

    #[test]
    fn without_the_pre_phase_the_inventory_gives_the_macs() {
        let found = identity(json!({"inventory": {"interfaces": [
            {"name": "lo", "mac_address": null}, {"mac_address": "52:54:00:00:00:01"}, "odd", 7,
            {"name": "e1", "mac_address": "bad"}, {"name": "e2", "mac_address": "52:54:00:00:00:02"}]}}));
        assert_eq!(
            found.to_string(),
            "{'bmc_address': [], 'mac': ['52:54:00:00:00:01', '52:54:00:00:00:02']}"
        );
    }

    #[test]
    fn no_document_is_too_odd() {
        for odd in [
            json!({}),
            json!({"inventory": 3}),
            json!({"inventory": {"interfaces": {"a": 1}}}),
            json!({"all_interfaces": {"a": 1, "b": {"mac": 2}}}),
        ] {
            assert!(identity(odd).is_empty());
        }
    }
}
