//! The example document with all hooks that it has data for: one patch of the node, one port with its link.

use serde_json::json;

use super::*;
use crate::node_service::{NewPort, PatchOp, Port};
use crate::processing::View;
use crate::processing::change::{Change, Refusal};

const BOOT: &str = "b4:96:91:5c:20:08";
const SWITCH: &str = "a8:3f:a1:c4:0e:20";

/// The configuration of the contract's golden result.
fn all_hooks(overwrite_existing: bool) -> Pipeline {
    let processing_hooks =
        "$default_processing_hooks,lldp_basic,local_link_connection,physnet_cidr_map,accelerators".to_owned();
    let processing = Processing { processing_hooks, overwrite_existing, ..Processing::default() };
    pipeline(processing)
}

fn processed(pipeline: &Pipeline, ports: &[Port]) -> (Object, Change) {
    let (mut document, node) = (example(), node(json!({})));
    assert_eq!(pipeline.prepare(&mut document), Vec::<String>::new());
    let change = pipeline.process(&View { node: &node, ports }, &mut document).unwrap();
    (document, change)
}

fn port(document: Value) -> Port {
    let document = document.as_object().unwrap().clone();
    Port { uuid: Uuid::from_u128(9), address: BOOT.parse().unwrap(), pxe_enabled: false, document }
}

fn add(path: &str, value: impl Into<Value>) -> PatchOp {
    PatchOp::Add { path: path.to_owned(), value: value.into() }
}

#[test]
fn one_patch_of_the_node_and_one_port_with_its_link_and_network() {
    let (_, change) = processed(&all_hooks(true), &[]);
    let capabilities = "boot_mode:uefi,cpu_vt:true,cpu_aes:true,cpu_hugepages:true,cpu_hugepages_1g:true,\
                        cpu_txt:true,xxv710:2";
    let tesla = json!({"vendor_id": "10de", "device_id": "1eb8", "type": "GPU",
                       "device_info": "NVIDIA Corporation Tesla T4", "pci_address": "0000:d8:00.0"});
    let node_patch = vec![
        add("/properties/local_gb", "446"),
        add("/properties/cpus", "80"),
        add("/properties/cpu_arch", "x86_64"),
        add("/properties/memory_mb", "196608"),
        add("/properties/capabilities", capabilities),
        add("/properties/accelerators", json!([tesla])),
    ];
    let link = json!({"switch_id": SWITCH, "port_id": "Ethernet21"});
    let port = NewPort {
        local_link_connection: link.as_object().unwrap().clone(),
        physical_network: Some("provisioning".to_owned()),
        ..NewPort::new(NODE, BOOT.parse().unwrap())
    };
    assert_eq!(change, Change { node_patch, new_ports: vec![port], ..Change::default() });
}

#[test]
fn a_port_that_exists_gets_one_patch() {
    let (_, change) = processed(&all_hooks(true), &[port(json!({"local_link_connection": {}}))]);
    let patch = &change.port_patches[0];
    let pxe = PatchOp::Replace { path: "/pxe_enabled".to_owned(), value: json!(true) };
    assert_eq!(
        patch.ops(),
        [
            pxe,
            add("/local_link_connection/switch_id", SWITCH),
            add("/local_link_connection/port_id", "Ethernet21"),
            add("/physical_network", "provisioning")
        ]
    );
    let refusals: Vec<Refusal> = patch.parts.iter().map(|part| part.refusal).collect();
    assert_eq!(refusals, [Refusal::Fatal, Refusal::Tolerated, Refusal::Tolerated]);
    assert_eq!((change.port_patches.len(), change.new_ports.len()), (1, 0));
}

#[test]
fn a_port_that_is_as_it_should_be_is_not_touched() {
    let link = json!({"switch_id": SWITCH, "port_id": "Ethernet21"});
    let same = port(json!({"local_link_connection": link, "physical_network": "provisioning"}));
    let (_, change) = processed(&all_hooks(true), &[Port { pxe_enabled: true, ..same }]);
    assert_eq!((change.port_patches, change.new_ports), (vec![], vec![]));
    let other = port(json!({"local_link_connection": {"switch_id": "x", "port_id": "y"}}));
    let (_, change) = processed(&all_hooks(false), &[other]);
    assert_eq!(change.port_patches[0].ops(), [add("/physical_network", "provisioning")]);
}

#[test]
fn just_the_keys_of_the_contract_are_added_to_the_data() {
    let mut added = processed(&all_hooks(true), &[]).0;
    for (name, value) in example() {
        assert_eq!(added.shift_remove(&name), Some(value), "{name}");
    }
    let mut boot = json!({"ip": "203.0.113.58", "mac": BOOT, "client_id": null, "pxe": true});
    boot["lldp_processed"] = json!({
        "switch_chassis_id": SWITCH, "switch_port_id": "Ethernet21", "switch_port_description": "rack7-u14 nic0",
        "switch_system_name": "tor-7a.example.net", "switch_system_description": "ExampleNOS 5.2",
        "switch_capabilities_support": ["Bridge", "Router"], "switch_capabilities_enabled": ["Bridge", "Router"],
        "switch_mgmt_addresses": ["203.0.113.7"], "switch_port_untagged_vlan_id": 601,
        "switch_port_vlans": [{"name": "introspect", "id": 601}],
        "switch_port_link_aggregation_enabled": false, "switch_port_link_aggregation_support": true,
        "switch_port_link_aggregation_id": 42, "switch_port_mtu": 9216,
        "switch_port_autonegotiation_enabled": true, "switch_port_autonegotiation_support": true,
        "switch_port_physical_capabilities":
            ["1000BASE-T fdx", "1000BASE-T hdx", "1000BASE-X fdx", "1000BASE-X hdx"],
        "switch_port_mau_type": "1000BASE-T full duplex"});
    let other = json!({"ip": null, "mac": "b4:96:91:5c:20:09", "client_id": null, "pxe": false});
    let wanted = json!({
        "ipmi_address": "198.51.100.77", "ipmi_v6address": null,
        "all_interfaces": {"ens1f0": boot, "ens1f1": other}, "interfaces": {"ens1f0": boot}, "macs": [BOOT],
        "local_gb": 446, "cpus": 80, "cpu_arch": "x86_64", "memory_mb": 196608});
    assert_eq!(Value::Object(added), wanted);
}
