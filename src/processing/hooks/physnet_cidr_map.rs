//! `physnet_cidr_map`: which physical network each port reaches, by the addresses that it got (processing 2.16).

use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::Value;

use super::{Change, Hook, HookError, View};
use crate::config::{self, Processing};
use crate::error::Error;
use crate::node_service::{Object, PatchOp, Port};
use crate::processing::change::Refusal;
use crate::processing::inventory;
use crate::processing::nics::{Nic, PortOf, nics};
use crate::processing::python::truthy;

/// Sets `physical_network` of ports.
pub struct PhysnetCidrMap {
    /// The narrowest networks first.
    networks: Vec<(IpNet, String)>,
    overwrite_existing: bool,
}

impl PhysnetCidrMap {
    /// As configured.
    ///
    /// # Errors
    ///
    /// An entry that is not `CIDR:PHYSICAL_NETWORK`.
    pub fn new(options: &config::PortPhysnet, processing: &Processing) -> Result<Self, Error> {
        let parse = |entry: &String| {
            config::cidr_and_network(entry).map_err(|wrong| {
                Error::bad_request(format!("[port_physnet]cidr_map: entry {entry:?}: {wrong}"))
            })
        };
        let mut networks = options.cidr_map.iter().map(parse).collect::<Result<Vec<_>, _>>()?;
        // A stable order: of the same network twice, the first one configured counts.
        networks.sort_by_key(|(network, _)| std::cmp::Reverse(network.prefix_len()));
        Ok(Self { networks, overwrite_existing: processing.overwrite_existing })
    }

    /// The network of the interface's IPv4 address, or else of its IPv6 address.
    fn network(&self, nic: &Nic<'_>) -> Option<&str> {
        let address = |member| nic.interface.get(member)?.as_str()?.parse::<IpAddr>().ok();
        let holds = |address: IpAddr| {
            let network = self.networks.iter().find(|(network, _)| network.contains(&address));
            network.map(|(_, name)| name.as_str())
        };
        ["ipv4_address", "ipv6_address"].into_iter().filter_map(address).find_map(holds)
    }

    fn ops(&self, port: &Port, network: &str) -> Vec<PatchOp> {
        let keeps = match truthy(&port.document, "physical_network") {
            None => false,
            Some(present) => !self.overwrite_existing || present.as_str() == Some(network),
        };
        if keeps {
            return Vec::new();
        }
        let path = "/physical_network".to_owned();
        vec![PatchOp::Add { path, value: Value::String(network.to_owned()) }]
    }
}

impl Hook for PhysnetCidrMap {
    fn name(&self) -> &'static str {
        "physnet_cidr_map"
    }

    fn process(&self, view: &View<'_>, document: &mut Object, change: &mut Change) -> Result<(), HookError> {
        inventory::checked(document)?;
        for nic in nics(document)? {
            let Some(port) = nic.port(view, change) else { continue };
            let Some(network) = self.network(&nic) else {
                log::debug!(
                    "No physical network is known for interface {} node={}",
                    nic.name,
                    view.node.uuid
                );
                continue;
            };
            match port {
                PortOf::New(port) => port.physical_network = Some(network.to_owned()),
                PortOf::Present(port) => {
                    change.patch_port(port.uuid, self.ops(port, network), Refusal::Tolerated);
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::super::testing::{add, node, object, process};
    use super::*;
    use crate::node_service::NewPort;

    const MAC: &str = "52:54:00:00:00:0a";

    fn hook(overwrite_existing: bool, map: &[&str]) -> Result<PhysnetCidrMap, Error> {
        let cidr_map = map.iter().map(|&entry| entry.to_owned()).collect();
        let processing = Processing { overwrite_existing, ..Processing::default() };
        PhysnetCidrMap::new(&config::PortPhysnet { cidr_map }, &processing)
    }

    fn machine(v4: Value, v6: Value) -> Value {
        let nic =
            json!({"name": "e0", "mac_address": "52:54:00:00:00:0A", "ipv4_address": v4, "ipv6_address": v6});
        json!({"inventory": {"interfaces": [nic]}, "all_interfaces": {"e0": {}}})
    }

    fn set(overwrite_existing: bool, present: Value, v4: Value, v6: Value) -> Vec<PatchOp> {
        let map =
            ["10.0.0.0/8:wide", "10.1.0.0/16:narrow", "10.1.0.0/16:again", "fd00::/64:six", "192.0.2.1:host"];
        let document = object(json!({"physical_network": present}));
        let port = Port { uuid: Uuid::nil(), address: MAC.parse().unwrap(), pxe_enabled: true, document };
        let hook = hook(overwrite_existing, &map).unwrap();
        let change = process(&hook, json!({}), &mut machine(v4, v6), &[port]).unwrap();
        change.port_patches.iter().flat_map(|patch| patch.ops()).collect()
    }

    fn wanted(network: &str) -> [PatchOp; 1] {
        [add("/physical_network", network)]
    }

    #[test]
    fn the_narrowest_network_that_holds_an_address_counts() {
        let none = json!(null);
        let cases = [
            (json!("10.1.2.3"), none.clone(), "narrow"),
            (json!("10.2.2.3"), json!("fd00::1"), "wide"),
            (json!("172.16.0.1"), json!("fd00::1"), "six"),
            (json!("nonsense"), json!("fd00::1"), "six"),
            (none.clone(), json!("fd00::1"), "six"),
            (json!("192.0.2.1"), none.clone(), "host"),
        ];
        for (v4, v6, network) in cases {
            assert_eq!(set(true, none.clone(), v4, v6), wanted(network));
        }
        for (v4, v6) in
            [(none.clone(), json!("fd00::1%e0")), (json!(7), json!("")), (json!("192.0.2.2"), none)]
        {
            assert!(set(true, json!(null), v4, v6).is_empty());
        }
    }

    #[test]
    fn a_network_that_the_port_has_is_replaced_only_if_that_is_allowed() {
        let address = || json!("10.1.2.3");
        assert_eq!(set(true, json!("old"), address(), json!(null)), wanted("narrow"));
        assert!(set(false, json!("old"), address(), json!(null)).is_empty());
        assert!(set(true, json!("narrow"), address(), json!(null)).is_empty());
        for empty in [json!(null), json!("")] {
            assert_eq!(set(false, empty, address(), json!(null)), wanted("narrow"));
        }
    }

    #[test]
    fn a_new_port_is_made_with_its_network() {
        let (node, mut change) = (node(json!({})), Change::default());
        change.new_ports.push(NewPort::new(node.uuid, MAC.parse().unwrap()));
        let mut document = object(machine(json!("10.1.2.3"), json!(null)));
        let hook = hook(false, &["10.0.0.0/8:net"]).unwrap();
        hook.process(&View { node: &node, ports: &[] }, &mut document, &mut change).unwrap();
        assert_eq!(change.new_ports[0].physical_network.as_deref(), Some("net"));
        assert!(change.port_patches.is_empty());
    }

    #[test]
    fn a_bad_entry_is_named_at_the_start() {
        for bad in ["10.0.0.1/8:a", "10.0.0.0/33:a", "10.0.0.0/8", "net:a", "10.0.0.0/8:", "fd00::1/64:a"] {
            let text = hook(true, &["10.0.0.0/8:good", bad]).err().unwrap().text;
            assert!(text.starts_with(&format!("[port_physnet]cidr_map: entry {bad:?}: ")), "{text}");
        }
    }
}
