//! What becomes of a realistic document: the exact operations in their order, and the keys that are added.

use serde_json::json;

use super::*;
use crate::node_service::{NewPort, PatchOp};
use crate::processing::View;
use crate::processing::change::Change;
use crate::processing::identity::Identity;

const BOOT: &str = "b4:96:91:5c:20:08";

fn processed() -> (Object, Change) {
    let (mut document, node, pipeline) = (example(), node(json!({})), pipeline(Processing::default()));
    assert_eq!(pipeline.prepare(&mut document), Vec::<String>::new());
    let change = pipeline.process(&View { node: &node, ports: &[] }, &mut document).unwrap();
    (document, change)
}

#[test]
fn the_node_gets_one_patch_in_the_order_of_the_contract() {
    let (_, change) = processed();
    let add =
        |name: &str, value: &str| PatchOp::Add { path: format!("/properties/{name}"), value: json!(value) };
    let capabilities = "boot_mode:uefi,cpu_vt:true,cpu_aes:true,cpu_hugepages:true,cpu_hugepages_1g:true,\
                        cpu_txt:true,xxv710:2";
    let node_patch = vec![
        add("local_gb", "446"),
        add("cpus", "80"),
        add("cpu_arch", "x86_64"),
        add("memory_mb", "196608"),
        add("capabilities", capabilities),
    ];
    let port = NewPort::new(NODE, BOOT.parse().unwrap());
    assert_eq!(change, Change { node_patch, new_ports: vec![port], ..Change::default() });
}

#[test]
fn just_the_keys_of_the_contract_are_added_to_the_data() {
    let (document, _) = processed();
    let mut added = document;
    for (name, value) in example() {
        assert_eq!(added.shift_remove(&name), Some(value), "{name}");
    }
    let boot = json!({"ip": "203.0.113.58", "mac": BOOT, "client_id": null, "pxe": true});
    let other = json!({"ip": null, "mac": "b4:96:91:5c:20:09", "client_id": null, "pxe": false});
    let wanted = json!({
        "ipmi_address": "198.51.100.77", "ipmi_v6address": null,
        "all_interfaces": {"ens1f0": boot, "ens1f1": other}, "interfaces": {"ens1f0": boot}, "macs": [BOOT],
        "local_gb": 446, "cpus": 80, "cpu_arch": "x86_64", "memory_mb": 196608});
    assert_eq!(Value::Object(added), wanted);
}

#[test]
fn the_identity_has_the_bmc_and_all_interfaces() {
    assert_eq!(
        Identity::of(&processed().0).to_string(),
        "{'bmc_address': ['198.51.100.77'], 'mac': ['b4:96:91:5c:20:08', 'b4:96:91:5c:20:09']}"
    );
}

#[test]
fn processing_again_sends_the_same_patch_and_no_port() {
    let (_, first) = processed();
    let properties: Object = first
        .node_patch
        .iter()
        .map(|op| match op {
            PatchOp::Add { path, value } => (path.replace("/properties/", ""), value.clone()),
            other => panic!("{other:?}"),
        })
        .collect();
    let made = crate::node_service::Port {
        uuid: Uuid::nil(),
        address: BOOT.parse().unwrap(),
        pxe_enabled: true,
        document: Object::new(),
    };
    let (mut document, node) = (example(), node(Value::Object(properties)));
    let pipeline = pipeline(Processing::default());
    pipeline.prepare(&mut document);
    let again = pipeline.process(&View { node: &node, ports: &[made] }, &mut document).unwrap();
    assert_eq!(again, Change { node_patch: first.node_patch, ..Change::default() });
}
