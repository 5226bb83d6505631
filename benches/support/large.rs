//! One large machine: 40 interfaces that all heard their switch, 100 disks, and 50 rules about it.
//!
//! Invariant: its hooks find work at every interface, and half of the rules hold.

use serde_json::{Value, json};

use super::machines;

/// The hooks that run on it.
pub const HOOKS: &str = "$default_processing_hooks,lldp_basic,local_link_connection";
/// How many rules there are.
pub const RULES: usize = 50;

/// What its ramdisk posts.
pub fn document() -> Vec<u8> {
    let mut document: Value = serde_json::from_slice(&machines::document(machines::LARGE)).unwrap();
    let mut lldp = serde_json::Map::new();
    for interface in document["inventory"]["interfaces"].as_array_mut().unwrap() {
        let name = interface["name"].as_str().unwrap().to_owned();
        interface["lldp"] = Value::Null;
        lldp.insert(name.clone(), heard(&name));
    }
    document["lldp_raw"] = Value::Object(lldp);
    document.to_string().into_bytes()
}

/// What a switch says of itself: the basic TLVs, VLANs, link aggregation, speed.
fn heard(interface: &str) -> Value {
    let text = |text: &str| text.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
    json!([
        [1, "04a83fa1c40e20"],
        [2, format!("05{}", text(&format!("Ethernet-{interface}")))],
        [3, "0078"],
        [4, text("rack7-u14")],
        [5, text("tor-7a.example.net")],
        [6, text("ExampleNOS 5.2")],
        [7, "00140014"],
        [8, "0501cb007107020000000a00"],
        [127, "0080c2010259"],
        [127, "0080c20302590a696e74726f7370656374"],
        [127, "0080c207010000002a"],
        [127, "00120f042400"],
        [127, "00120f0103000f001e"],
        [0, ""]
    ])
}

/// Rules as they are posted: a third by numbers, a third by patterns, a third by paths; each second one holds.
pub fn rules() -> Vec<Value> {
    (0..RULES).map(rule).collect()
}

fn rule(number: usize) -> Value {
    let holds = number.is_multiple_of(2);
    let conditions = match number % 3 {
        0 => json!([
            {"op": "ge", "field": "memory_mb", "value": if holds { 1024 } else { 99_999_999 }},
            {"op": "in-net", "field": "inventory.bmc_address", "value": "198.18.0.0/15"},
        ]),
        1 => json!([
            {"op": "contains", "field": "inventory.system_vendor.product_name", "value": if holds { "2U" } else { "4U" }},
            {"op": "matches", "field": "inventory.cpu.model_name", "value": "Example CPU (63|64)\\d\\d.*"},
        ]),
        _ => json!([
            {"op": "eq", "field": "inventory.disks[*].rotational", "value": false, "multiple": "all"},
            {"op": "eq", "field": "inventory.interfaces[*].driver", "value": if holds { "i40e" } else { "ice" }},
            {"op": "is-empty", "field": "node://instance_uuid"},
        ]),
    };
    let action = match number % 4 {
        0 => json!({"action": "set-attribute", "path": format!("/extra/rule_{number}"),
            "value": "{data[inventory][system_vendor][serial_number]}"}),
        2 => json!({"action": "set-capability", "name": format!("rule_{number}"), "value": "{data[cpus]}"}),
        _ => json!({"action": "add-trait", "name": format!("CUSTOM_RULE_{number}")}),
    };
    let trait_too = json!({"action": "add-trait", "name": "CUSTOM_LARGE"});
    json!({"description": format!("rule {number}"), "conditions": conditions, "actions": [action, trait_too]})
}
