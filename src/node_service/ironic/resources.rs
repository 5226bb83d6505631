//! Ironic's resources as the trait's types.
//!
//! Invariant: pure. What lacks its identity is no resource; ports with addresses that are no MACs (InfiniBand's
//! twenty octets) are left out, for nothing can be done with them here.

use serde_json::Value;
use uuid::Uuid;

use super::lists::broken;
use crate::mac::Mac;
use crate::node_service::{Node, Port, PortOwner, ServiceResult, Validation};

/// A node; `None` where the document is not one.
pub(super) fn node(document: Value) -> Option<Node> {
    let uuid = uuid(&document)?;
    match document {
        Value::Object(document) => Some(Node { uuid, document }),
        _ => None,
    }
}

/// The UUID of a resource in a list.
pub(super) fn listed_uuid(document: &Value) -> ServiceResult<Uuid> {
    uuid(document).ok_or_else(|| broken("a list with an item without a UUID"))
}

/// A node in a list.
pub(super) fn listed_node(document: Value) -> ServiceResult<Node> {
    node(document).ok_or_else(|| broken("a list with an item without a UUID"))
}

/// A port in a list, with its node.
pub(super) fn port_owner(document: &Value) -> ServiceResult<PortOwner> {
    let node = document.get("node_uuid").and_then(Value::as_str).and_then(|text| text.parse().ok());
    let node = node.ok_or_else(|| broken("a port without a node"))?;
    Ok(PortOwner { port: listed_uuid(document)?, node })
}

/// A port; `None` where its address is not a MAC.
pub(super) fn port(document: Value) -> ServiceResult<Option<Port>> {
    let uuid = listed_uuid(&document)?;
    let Value::Object(document) = document else { return Err(broken("a port that is not an object")) };
    let address = document.get("address").and_then(Value::as_str).unwrap_or_default();
    let Ok(address) = address.parse::<Mac>() else {
        log::debug!("A port is left out, its address {address:?} is not a MAC; port={uuid}");
        return Ok(None);
    };
    let pxe_enabled = document.get("pxe_enabled").and_then(Value::as_bool).unwrap_or(true);
    Ok(Some(Port { uuid, address, pxe_enabled, document }))
}

/// What a validation says of the power interface.
pub(super) fn power_validation(document: &Value) -> Validation {
    let power = document.get("power");
    let member = |name: &str| power.and_then(|power| power.get(name));
    match member("result") {
        Some(Value::Bool(true)) => Validation::Passed,
        _ => {
            let reason = member("reason").and_then(Value::as_str);
            Validation::Failed(reason.unwrap_or("no reason given").to_owned())
        }
    }
}

fn uuid(document: &Value) -> Option<Uuid> {
    document.get("uuid")?.as_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ID: &str = "0e8e8ef2-7ba2-4b0d-9b54-7a9a2f4d3a11";

    #[test]
    fn a_document_without_uuid_is_no_node() {
        assert_eq!(node(json!({"uuid": ID, "name": "n"})).unwrap().text("name"), Some("n"));
        for other in [json!({"nodes": []}), json!([]), json!({"uuid": 5}), json!({"uuid": "x"})] {
            assert_eq!(node(other.clone()), None, "{other}");
        }
    }

    #[test]
    fn a_port_has_a_mac_or_is_left_out() {
        let made =
            port(json!({"uuid": ID, "address": "52:54:00:AB:00:01", "pxe_enabled": false})).unwrap().unwrap();
        assert_eq!((made.address.as_str(), made.pxe_enabled), ("52:54:00:ab:00:01", false));
        let infiniband = "80:00:00:48:fe:80:00:00:00:00:00:00:f4:52:14:03:00:7b:cb:a1";
        assert_eq!(port(json!({"uuid": ID, "address": infiniband})), Ok(None));
        assert!(port(json!({"address": "52:54:00:ab:00:01"})).is_err());
    }

    #[test]
    fn only_the_power_interface_counts() {
        let bad = json!({"result": false, "reason": "no address"});
        assert_eq!(power_validation(&json!({"power": {"result": true}, "deploy": bad})), Validation::Passed);
        assert_eq!(power_validation(&json!({"power": bad})), Validation::Failed("no address".to_owned()));
        for silent in [json!({}), json!({"power": {"result": null}}), json!({"power": {"result": "true"}})] {
            assert_eq!(
                power_validation(&silent),
                Validation::Failed("no reason given".to_owned()),
                "{silent}"
            );
        }
    }
}
