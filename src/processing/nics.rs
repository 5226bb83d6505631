//! Interfaces of the inventory, and the port that stands for each.
//!
//! Invariant: addresses are compared as MAC addresses, never as text; a port that this run drops stands for
//! nothing. It must not know what a hook writes to a port.

use super::change::Change;
use super::hooks::{HookError, View};
use super::inventory;
use crate::mac::Mac;
use crate::node_service::{NewPort, Object, Port};

/// An interface with a name that `all_interfaces` has too.
pub struct Nic<'a> {
    /// Its name.
    pub name: &'a str,
    /// As the inventory has it.
    pub interface: &'a Object,
    /// As `all_interfaces` has it.
    pub entry: &'a Object,
    mac: Option<Mac>,
}

/// The interfaces that `validate_interfaces` kept.
///
/// # Errors
///
/// `all_interfaces` is missing, or a member has the wrong type.
pub fn nics(document: &Object) -> Result<Vec<Nic<'_>>, HookError> {
    let kept = inventory::object(document, "", "all_interfaces")?
        .ok_or_else(|| HookError::expected("all_interfaces is missing: validate_interfaces did not run"))?;
    let reported = inventory::object(document, "", "inventory")?
        .map(|inventory| inventory::list(inventory, "inventory", "interfaces"))
        .transpose()?
        .flatten();
    let mut found = Vec::new();
    for (place, interface) in inventory::objects(reported.unwrap_or_default(), "inventory.interfaces")? {
        let Some(name) = inventory::text(interface, &place, "name")? else { continue };
        let Some(entry) = inventory::object(kept, "all_interfaces", name)? else {
            log::debug!("Interface {name:?} is left out: validate_interfaces did not keep it");
            continue;
        };
        let mac = interface.get("mac_address").and_then(|mac| mac.as_str()?.parse().ok());
        found.push(Nic { name, interface, entry, mac });
    }
    Ok(found)
}

/// The port of an interface.
pub enum PortOf<'view, 'change> {
    /// The node has it.
    Present(&'view Port),
    /// This run makes it.
    New(&'change mut NewPort),
}

impl Nic<'_> {
    /// The port of this interface, if it has one.
    pub fn port<'view, 'change>(
        &self,
        view: &View<'view>,
        change: &'change mut Change,
    ) -> Option<PortOf<'view, 'change>> {
        let mac = self.mac.as_ref()?;
        if let Some(port) = view.ports.iter().find(|port| port.address == *mac) {
            let is_dropped = change.dropped_ports.contains(&port.uuid);
            return (!is_dropped).then_some(PortOf::Present(port));
        }
        change.new_ports.iter_mut().find(|port| port.address == *mac).map(PortOf::New)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use uuid::Uuid;

    use super::*;
    use crate::node_service::Node;

    fn document(all_interfaces: Value) -> Object {
        let interfaces = json!([{"name": "e0", "mac_address": "52:54:00:00:00:0A"}, {"name": "e1"}, {}]);
        let document = json!({"inventory": {"interfaces": interfaces}, "all_interfaces": all_interfaces});
        document.as_object().unwrap().clone()
    }

    #[test]
    fn interfaces_that_were_not_kept_are_left_out() {
        let document = document(json!({"e0": {"pxe": true}, "e7": {}}));
        let names: Vec<&str> = nics(&document).unwrap().iter().map(|nic| nic.name).collect();
        assert_eq!(names, ["e0"]);
    }

    #[test]
    fn without_validate_interfaces_it_is_said_so() {
        let refusal = nics(&document(json!(null))).err().unwrap().to_string();
        assert_eq!(refusal, "all_interfaces is missing: validate_interfaces did not run");
        assert!(nics(&document(json!({"e0": 7}))).is_err());
    }

    #[test]
    fn a_port_is_found_whatever_the_case_of_its_address() {
        let address: Mac = "52:54:00:00:00:0a".parse().unwrap();
        let node = Node { uuid: Uuid::nil(), document: Object::new() };
        let uuid = Uuid::from_u128(1);
        let ports = [Port { uuid, address: address.clone(), pxe_enabled: true, document: Object::new() }];
        let document = document(json!({"e0": {}, "e1": {}}));
        let nics = nics(&document).unwrap();
        let (with, without) = (View { node: &node, ports: &ports }, View { node: &node, ports: &[] });
        let mut change = Change::default();
        assert!(matches!(nics[0].port(&with, &mut change), Some(PortOf::Present(port)) if port.uuid == uuid));
        assert!(nics[0].port(&without, &mut change).is_none());
        assert!(nics[1].port(&with, &mut change).is_none());
        change.dropped_ports.push(uuid);
        assert!(nics[0].port(&with, &mut change).is_none());
        change.new_ports.push(NewPort::new(Uuid::nil(), address));
        assert!(matches!(nics[0].port(&without, &mut change), Some(PortOf::New(_))));
    }
}
