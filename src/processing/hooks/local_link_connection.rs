//! `local_link_connection`: which port of which switch each port of the node is plugged into (processing 2.15).

use serde_json::Value;

use super::{Change, Hook, HookError, View};
use crate::config::Processing;
use crate::mac::Mac;
use crate::node_service::{Object, PatchOp, Port};
use crate::processing::change::Refusal;
use crate::processing::nics::{Nic, PortOf, nics};
use crate::processing::python::truthy;
use crate::processing::{inventory, lldp};

/// Sets `switch_id` and `port_id` of ports.
pub struct LocalLinkConnection {
    overwrite_existing: bool,
}

impl LocalLinkConnection {
    /// As configured.
    pub fn new(options: &Processing) -> Self {
        Self { overwrite_existing: options.overwrite_existing }
    }

    /// What is to be changed of a port's link so that it becomes `found`.
    fn ops(&self, port: &Port, found: Object) -> Vec<PatchOp> {
        let present = port.document.get("local_link_connection").and_then(Value::as_object);
        let mut link = present.cloned().unwrap_or_default();
        let mut ops = Vec::new();
        for (item, value) in found {
            let changes = match link.get(&item) {
                None => true,
                Some(old) => self.overwrite_existing && *old != value,
            };
            if changes {
                link.insert(item.clone(), value.clone());
                ops.push(PatchOp::Add { path: format!("/local_link_connection/{item}"), value });
            }
        }
        if is_whole(&link) { ops } else { Vec::new() }
    }
}

impl Hook for LocalLinkConnection {
    fn name(&self) -> &'static str {
        "local_link_connection"
    }

    fn process(&self, view: &View<'_>, document: &mut Object, change: &mut Change) -> Result<(), HookError> {
        inventory::checked(document)?;
        for nic in nics(document)? {
            let Some(port) = nic.port(view, change) else { continue };
            let found = link(document, &nic);
            match port {
                PortOf::New(port) if is_whole(&found) => port.local_link_connection = found,
                PortOf::New(_) => {}
                PortOf::Present(port) => {
                    change.patch_port(port.uuid, self.ops(port, found), Refusal::Tolerated);
                }
            }
        }
        Ok(())
    }
}

/// Whether the node service takes it: the port of a switch says nothing without the switch.
fn is_whole(link: &Object) -> bool {
    let has = |item| link.contains_key(item);
    let whole = (has("port_id") && (has("switch_id") || has("hostname"))) || has("network_type");
    if !whole && !link.is_empty() {
        log::warn!("A link of which only a half is known is left out: {:?}", link.keys().collect::<Vec<_>>());
    }
    whole
}

/// `switch_id` and `port_id`, as far as the switch gave them.
fn link(document: &Object, nic: &Nic<'_>) -> Object {
    let processed = nic.entry.get("lldp_processed").and_then(Value::as_object).map(of_processed);
    match processed.filter(|link| !link.is_empty()) {
        Some(link) => link,
        None => of_tlvs(document, nic),
    }
}

fn of_processed(processed: &Object) -> Object {
    let text = |name| truthy(processed, name).and_then(Value::as_str);
    let switch = text("switch_chassis_id").and_then(|id| id.parse::<Mac>().ok());
    items(switch.map(|mac| mac.to_string()), text("switch_port_id").map(str::to_owned))
}

fn of_tlvs(document: &Object, nic: &Nic<'_>) -> Object {
    let tlvs = lldp::of_interface(document, nic.name, nic.interface).unwrap_or_default();
    items(lldp::chassis_mac(&tlvs), lldp::port_id(&tlvs))
}

fn items(switch_id: Option<String>, port_id: Option<String>) -> Object {
    let items = [("switch_id", switch_id), ("port_id", port_id)];
    items.into_iter().filter_map(|(item, value)| Some((item.to_owned(), value?.into()))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::super::testing::{add, object, process};
    use super::*;
    use crate::node_service::NewPort;

    const SWITCH: &str = "a8:3f:a1:c4:0e:20";

    fn port(link: Value) -> Port {
        let document = object(json!({"local_link_connection": link}));
        let address = "52:54:00:00:00:0a".parse().unwrap();
        Port { uuid: Uuid::from_u128(1), address, pxe_enabled: true, document }
    }

    fn machine(tlvs: Value, processed: Value) -> Value {
        let nic = json!({"name": "e0", "mac_address": "52:54:00:00:00:0A", "lldp": tlvs});
        json!({"inventory": {"interfaces": [nic]}, "all_interfaces": {"e0": {"lldp_processed": processed}}})
    }

    fn whole() -> Value {
        json!([[1, "04a83fa1c40e20"], [2, "0545"]])
    }

    fn ops(overwrite_existing: bool, link: Value, mut document: Value) -> Vec<PatchOp> {
        let hook = LocalLinkConnection { overwrite_existing };
        let change = process(&hook, json!({}), &mut document, &[port(link)]).unwrap();
        change.port_patches.iter().flat_map(|patch| patch.ops()).collect()
    }

    fn both(port_id: &str) -> [PatchOp; 2] {
        [add("/local_link_connection/switch_id", SWITCH), add("/local_link_connection/port_id", port_id)]
    }

    #[test]
    fn a_port_learns_its_link_from_the_raw_or_the_processed_data() {
        assert_eq!(ops(true, json!({}), machine(whole(), json!(null))), both("E"));
        let processed = json!({"switch_chassis_id": SWITCH, "switch_port_id": "P"});
        assert_eq!(ops(true, json!({}), machine(whole(), processed)), both("P"));
        for nothing in [json!({}), json!({"switch_chassis_id": "name"}), json!({"switch_port_id": null})] {
            assert_eq!(ops(true, json!(null), machine(whole(), nothing)), both("E"));
        }
    }

    #[test]
    fn items_that_a_port_has_are_replaced_only_if_that_is_allowed() {
        let old = json!({"switch_id": SWITCH, "port_id": "old", "switch_info": "kept"});
        let document = || machine(whole(), json!(null));
        assert_eq!(ops(true, old.clone(), document()), both("E")[1..]);
        assert!(ops(false, old, document()).is_empty());
        assert_eq!(ops(false, json!({"port_id": "old"}), document()), both("E")[..1]);
    }

    #[test]
    fn half_a_link_is_sent_only_to_complete_another_half() {
        let half = || machine(json!([[1, "0761"], [2, "0545"]]), json!(null));
        assert!(ops(true, json!({}), half()).is_empty());
        assert_eq!(ops(true, json!({"hostname": "h"}), half()), both("E")[1..]);
        assert!(ops(true, json!({}), machine(json!(null), json!(null))).is_empty());
    }

    #[test]
    fn a_new_port_is_made_with_its_link() {
        let hook = LocalLinkConnection { overwrite_existing: false };
        for (tlvs, wanted) in
            [(whole(), json!({"switch_id": SWITCH, "port_id": "E"})), (json!([[2, "0545"]]), json!({}))]
        {
            let mut change = Change::default();
            let node = super::super::testing::node(json!({}));
            change.new_ports.push(NewPort::new(node.uuid, "52:54:00:00:00:0a".parse().unwrap()));
            let mut document = object(machine(tlvs, json!(null)));
            hook.process(&View { node: &node, ports: &[] }, &mut document, &mut change).unwrap();
            assert_eq!(Value::Object(change.new_ports[0].local_link_connection.clone()), wanted);
            assert!(change.port_patches.is_empty());
        }
    }
}
