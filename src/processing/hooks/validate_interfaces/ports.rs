//! The main phase: ports to be made, dropped and changed.

use serde_json::Value;
use uuid::Uuid;

use super::{HookError, ValidateInterfaces, View};
use crate::config::{AddPorts, KeepPorts};
use crate::mac::Mac;
use crate::node_service::{NewPort, Object, PatchOp, Port};
use crate::processing::change::{Change, Refusal};
use crate::processing::inventory;
use crate::processing::python::truthy;

/// An interface as the pre phase left it in the document.
pub(super) struct Interface {
    mac: Mac,
    client_id: Option<Value>,
    is_boot: bool,
}

/// Reads `interfaces` or `all_interfaces`.
pub(super) fn read(document: &Object, member: &str) -> Result<Vec<Interface>, HookError> {
    let entries = inventory::object(document, "", member)?.ok_or_else(|| {
        HookError::Expected(format!("{member} is missing: validate_interfaces did not run"))
    })?;
    entries.iter().map(|(name, entry)| interface(&format!("{member}.{name}"), entry)).collect()
}

fn interface(place: &str, entry: &Value) -> Result<Interface, HookError> {
    let entry = entry.as_object().ok_or_else(|| inventory::wrong_type(place, "an object", entry))?;
    let mac = entry.get("mac").unwrap_or(&Value::Null);
    Ok(Interface {
        mac: mac
            .as_str()
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| inventory::wrong_type(&format!("{place}.mac"), "a MAC address", mac))?,
        client_id: truthy(entry, "client_id").cloned(),
        is_boot: entry.get("pxe") == Some(&Value::Bool(true)),
    })
}

fn port_of<'a>(view: &View<'a>, mac: &Mac) -> Option<&'a Port> {
    view.ports.iter().find(|port| port.address == *mac)
}

impl ValidateInterfaces {
    /// Makes a port for each interface that has none (processing 2.8.7).
    pub(super) fn create(&self, view: &View<'_>, interfaces: &[Interface], change: &mut Change) {
        if self.add_ports == AddPorts::Disabled {
            return;
        }
        for interface in interfaces {
            let exists = port_of(view, &interface.mac).is_some()
                || change.new_ports.iter().any(|port| port.address == interface.mac);
            if !exists {
                change.new_ports.push(self.new_port(view, interface));
            }
        }
    }

    fn new_port(&self, view: &View<'_>, interface: &Interface) -> NewPort {
        let client_id = interface.client_id.clone().map(|id| ("client-id".to_owned(), id));
        NewPort {
            extra: client_id.into_iter().collect(),
            pxe_enabled: interface.is_boot || !self.update_pxe_enabled,
            ..NewPort::new(view.node.uuid, interface.mac.clone())
        }
    }

    /// Drops ports that the machine does not have, or that would not be made (processing 2.8.9).
    pub(super) fn delete(
        &self,
        view: &View<'_>,
        suitable: &[Interface],
        all: &[Interface],
        change: &mut Change,
    ) {
        let kept = match self.keep_ports {
            KeepPorts::All => return,
            KeepPorts::Present => all,
            KeepPorts::Added => suitable,
        };
        let stale = |port: &&Port| !kept.iter().any(|interface| interface.mac == port.address);
        change.dropped_ports.extend(view.ports.iter().filter(stale).map(|port| port.uuid));
    }

    /// Corrects `pxe_enabled` of ports that exist (processing 2.8.10).
    pub(super) fn update(&self, view: &View<'_>, interfaces: &[Interface], change: &mut Change) {
        if !self.overwrite_existing || !self.update_pxe_enabled {
            return;
        }
        let mut decided: Vec<Uuid> = Vec::new();
        for interface in interfaces {
            let Some(port) = port_of(view, &interface.mac) else { continue };
            if port.pxe_enabled != interface.is_boot && !decided.contains(&port.uuid) {
                let path = "/pxe_enabled".to_owned();
                let ops = vec![PatchOp::Replace { path, value: Value::Bool(interface.is_boot) }];
                change.patch_port(port.uuid, ops, Refusal::Fatal);
                decided.push(port.uuid);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::super::testing::{node, object};
    use super::super::tests::{BOOT, hook, machine};
    use super::*;
    use crate::processing::hooks::Hook;

    fn port(id: u128, address: &str, pxe_enabled: bool) -> Port {
        let document = Object::new();
        Port { uuid: Uuid::from_u128(id), address: address.parse().unwrap(), pxe_enabled, document }
    }

    fn run_in(state: &str, hook: &ValidateInterfaces, ports: &[Port], data: Value) -> Change {
        let mut node = node(json!({}));
        node.document.insert("provision_state".to_owned(), json!(state));
        let (mut document, mut change) = (object(data), Change::default());
        hook.before(&mut document).unwrap();
        hook.process(&View { node: &node, ports }, &mut document, &mut change).unwrap();
        change
    }

    fn run(hook: &ValidateInterfaces, ports: &[Port]) -> Change {
        run_in("manageable", hook, ports, machine())
    }

    fn made(change: &Change) -> Vec<(&str, bool)> {
        change.new_ports.iter().map(|port| (port.address.as_str(), port.pxe_enabled)).collect()
    }

    #[test]
    fn ports_are_made_only_where_there_are_none() {
        let present = [port(1, "52:54:00:00:00:02", false)];
        let change = run(&hook(AddPorts::Active, KeepPorts::All), &present);
        assert_eq!(made(&change), [(BOOT, true), ("52:54:00:00:00:0a", false)]);
        assert!(change.port_patches.is_empty() && change.dropped_ports.is_empty());
        assert_eq!(change.new_ports[0].node_uuid, Uuid::from_u128(7));
    }

    #[test]
    fn disabled_makes_no_port() {
        assert!(run(&hook(AddPorts::Disabled, KeepPorts::All), &[]).is_empty());
    }

    #[test]
    fn each_way_of_keeping_ports_drops_its_ports() {
        let stranger = "aa:bb:cc:00:00:01";
        let present = [port(1, BOOT, true), port(2, "52:54:00:00:00:03", false), port(3, stranger, true)];
        let cases = [(KeepPorts::All, vec![]), (KeepPorts::Present, vec![3]), (KeepPorts::Added, vec![2, 3])];
        for (keep_ports, wanted) in cases {
            for add_ports in [AddPorts::Pxe, AddPorts::Active] {
                let change = run(&hook(add_ports, keep_ports), &present);
                let dropped: Vec<u128> = change.dropped_ports.iter().map(Uuid::as_u128).collect();
                assert_eq!(dropped, wanted, "{keep_ports:?}");
            }
        }
        let change = run(&hook(AddPorts::All, KeepPorts::Added), &present);
        assert_eq!(change.dropped_ports, [Uuid::from_u128(3)]);
        let change = run(&hook(AddPorts::Disabled, KeepPorts::Present), &present);
        assert_eq!(change.dropped_ports, [Uuid::from_u128(3)]);
    }

    #[test]
    fn pxe_flags_are_corrected_both_ways_and_only_where_they_differ() {
        let present =
            [port(1, BOOT, false), port(2, "52:54:00:00:00:02", true), port(3, "52:54:00:00:00:0a", false)];
        let change = run(&hook(AddPorts::Active, KeepPorts::All), &present);
        let mut wanted = Change::default();
        for (port, value) in [(1, true), (2, false)] {
            let path = "/pxe_enabled".to_owned();
            let ops = vec![PatchOp::Replace { path, value: json!(value) }];
            wanted.patch_port(Uuid::from_u128(port), ops, Refusal::Fatal);
        }
        assert_eq!(change.port_patches, wanted.port_patches);
    }

    #[test]
    fn pxe_flags_stay_where_options_say_so() {
        let present = [port(1, BOOT, false)];
        let mut gentle = hook(AddPorts::Active, KeepPorts::All);
        gentle.overwrite_existing = false;
        let change = run(&gentle, &present);
        assert!(change.port_patches.is_empty());
        assert_eq!(made(&change), [("52:54:00:00:00:02", false), ("52:54:00:00:00:0a", false)]);
        let mut still = hook(AddPorts::Active, KeepPorts::All);
        still.update_pxe_enabled = false;
        let change = run(&still, &present);
        assert!(change.port_patches.is_empty());
        assert_eq!(made(&change), [("52:54:00:00:00:02", true), ("52:54:00:00:00:0a", true)]);
    }

    #[test]
    fn a_node_in_use_only_gains_ports() {
        let present = [port(1, BOOT, false), port(2, "aa:bb:cc:00:00:01", true)];
        for state in ["active", "rescue", "ACTIVE"] {
            let change = run_in(state, &hook(AddPorts::Active, KeepPorts::Added), &present, machine());
            assert_eq!(change.new_ports.len(), 2);
            assert!(change.dropped_ports.is_empty() && change.port_patches.is_empty());
        }
    }

    #[test]
    fn the_client_id_goes_with_the_port() {
        let mut data = machine();
        data["inventory"]["interfaces"][1]["client_id"] = json!("ff:00");
        let change = run_in("enroll", &hook(AddPorts::Pxe, KeepPorts::All), &[], data);
        assert_eq!(change.new_ports[0].extra, object(json!({"client-id": "ff:00"})));
    }

    #[test]
    fn interfaces_that_share_a_mac_make_one_port() {
        let mut data = machine();
        data["inventory"]["interfaces"][2]["mac_address"] = json!(BOOT);
        let hook = hook(AddPorts::Active, KeepPorts::All);
        assert_eq!(run_in("enroll", &hook, &[], data.clone()).new_ports.len(), 2);
        assert_eq!(run_in("enroll", &hook, &[port(1, BOOT, false)], data).port_patches.len(), 1);
    }
}
