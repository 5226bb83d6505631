//! BMC addresses: of a posted document, and of a node.
//!
//! Pure: host names are given back unresolved. It must not know how addresses are looked up or stored.

use std::net::IpAddr;

use serde_json::Value;
use url::Url;

use super::inventory::loggable;
use super::python::{is_truthy, to_text};
use crate::node_service::{Node, Object};

/// An IP version of BMC addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// The member of the document that holds the outcome.
    #[must_use]
    pub fn result_member(self) -> &'static str {
        match self {
            Self::V4 => "ipmi_address",
            Self::V6 => "ipmi_v6address",
        }
    }

    fn inventory_member(self) -> &'static str {
        match self {
            Self::V4 => "bmc_address",
            Self::V6 => "bmc_v6address",
        }
    }

    fn is_unset(self, address: &str) -> bool {
        match self {
            Self::V4 => matches!(address, "" | "0.0.0.0"),
            Self::V6 => matches!(address, "" | "::/0" | "::"),
        }
    }
}

/// The BMC address as the document gives it (processing 2.4.2): the inventory's member decides wherever it is
/// there, even if null; the legacy top-level member counts only without it.
#[must_use]
pub fn reported_address(document: &Object, family: Family) -> Option<&str> {
    let inventory = document.get("inventory").and_then(Value::as_object);
    let reported = inventory
        .and_then(|inventory| inventory.get(family.inventory_member()))
        .or_else(|| document.get(family.result_member()))?;
    let Value::String(address) = reported else {
        if is_truthy(reported) {
            log::warn!("Ignoring the BMC address {} that is no text", loggable(&to_text(reported)));
        }
        return None;
    };
    (!family.is_unset(address)).then_some(address)
}

/// All usable BMC addresses of a document, IPv4 first. What is no address is ignored.
#[must_use]
pub fn addresses(document: &Object) -> Vec<IpAddr> {
    let mut found: Vec<IpAddr> = [Family::V4, Family::V6]
        .into_iter()
        .filter_map(|family| reported_address(document, family))
        .filter_map(|text| text.parse().ok())
        .filter(|address: &IpAddr| !address.is_unspecified())
        .collect();
    found.dedup();
    found
}

/// The host (name or address) of the node's BMC, still to be resolved (processing 4.2.2). `fields` are members
/// of `driver_info` to be tried after `ipmi_address`; the first that is not empty decides.
#[must_use]
pub fn bmc_host_of_node(node: &Node, fields: &[String]) -> Option<String> {
    let driver_info = node.object("driver_info")?;
    let bridging = driver_info.get("ipmi_bridging").filter(|value| is_truthy(value));
    if bridging.is_some_and(|value| value.as_str() != Some("no")) {
        return None;
    }
    let names = std::iter::once("ipmi_address").chain(fields.iter().map(String::as_str));
    let value = names.filter_map(|name| driver_info.get(name)).find(|value| is_truthy(value))?;
    host_of(&to_text(value))
}

fn host_of(value: &str) -> Option<String> {
    let host = if value.contains("//") { host_of_url(value)? } else { value.to_owned() };
    let bare = host.trim_matches(['[', ']']);
    (!bare.is_empty()).then(|| bare.to_owned())
}

/// A URL may lack its scheme (`//host/path`), as the ancestor allows.
fn host_of_url(value: &str) -> Option<String> {
    let absolute = if value.starts_with("//") { format!("http:{value}") } else { value.to_owned() };
    Url::parse(&absolute).ok()?.host_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    fn object(value: Value) -> Object {
        let Value::Object(object) = value else { panic!("an object") };
        object
    }

    #[test]
    fn the_inventory_decides_wherever_it_has_the_member() {
        let cases = [
            (
                json!({"inventory": {"bmc_address": "192.0.2.1"}, "ipmi_address": "192.0.2.9"}),
                Some("192.0.2.1"),
            ),
            (json!({"inventory": {"bmc_address": null}, "ipmi_address": "192.0.2.9"}), None),
            (json!({"inventory": {"bmc_address": ""}, "ipmi_address": "192.0.2.9"}), None),
            (json!({"inventory": {"bmc_address": "0.0.0.0"}}), None),
            (json!({"inventory": {"bmc_address": 7}}), None),
            (json!({"inventory": {}, "ipmi_address": "192.0.2.9"}), Some("192.0.2.9")),
            (json!({"inventory": null, "ipmi_address": "192.0.2.9"}), Some("192.0.2.9")),
            (json!({}), None),
        ];
        for (document, wanted) in cases {
            assert_eq!(reported_address(&object(document.clone()), Family::V4), wanted, "{document}");
        }
    }

    #[test]
    fn addresses_are_canonical_and_nonsense_is_ignored() {
        let document = object(json!({"inventory": {
            "bmc_address": "198.51.100.77", "bmc_v6address": "2001:DB8:0:0::0010"}}));
        let texts: Vec<String> = addresses(&document).iter().map(ToString::to_string).collect();
        assert_eq!(texts, ["198.51.100.77", "2001:db8::10"]);
        for unset in ["::/0", "::", "", "fe80::1%eth0", "foo"] {
            let document = object(json!({"inventory": {"bmc_address": "foo", "bmc_v6address": unset}}));
            assert!(addresses(&document).is_empty(), "{unset}");
        }
    }

    fn host(driver_info: Value) -> Option<String> {
        let node = Node { uuid: Uuid::nil(), document: object(json!({"driver_info": driver_info})) };
        bmc_host_of_node(&node, &["redfish_address".to_owned(), "ilo_address".to_owned()])
    }

    #[test]
    fn the_first_field_that_is_not_empty_gives_the_host() {
        let cases = [
            (json!({"ipmi_address": "192.0.2.1", "redfish_address": "x"}), Some("192.0.2.1")),
            (
                json!({"ipmi_address": "", "redfish_address": "https://192.0.2.2/redfish/v1"}),
                Some("192.0.2.2"),
            ),
            (json!({"redfish_address": "https://bmc.example.net:8443"}), Some("bmc.example.net")),
            (json!({"redfish_address": "https://[2001:db8::1]:8443/x"}), Some("2001:db8::1")),
            (json!({"redfish_address": "//192.0.2.3/x"}), Some("192.0.2.3")),
            (json!({"ilo_address": "[2001:db8::2]"}), Some("2001:db8::2")),
            (json!({"drac_address": "192.0.2.4"}), None),
            (json!({"redfish_address": "://"}), None),
            (json!({"redfish_address": "https://", "ilo_address": "192.0.2.5"}), None),
            (json!({}), None),
        ];
        for (driver_info, wanted) in cases {
            assert_eq!(host(driver_info.clone()).as_deref(), wanted, "{driver_info}");
        }
    }

    #[test]
    fn a_bridged_bmc_has_no_address() {
        assert_eq!(host(json!({"ipmi_address": "192.0.2.1", "ipmi_bridging": "single"})), None);
        assert!(host(json!({"ipmi_address": "192.0.2.1", "ipmi_bridging": "no"})).is_some());
        assert!(host(json!({"ipmi_address": "192.0.2.1", "ipmi_bridging": null})).is_some());
    }
}
