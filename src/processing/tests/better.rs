//! Where the ancestor fails a whole introspection, or misses something: what is true instead.

use serde_json::json;

use super::*;
use crate::node_service::{PatchOp, Port};
use crate::processing::View;
use crate::processing::change::Change;
use crate::processing::rules::{Matching, Outcome, Results, Rule, RuleSet};

const LINK_HOOKS: &str = "$default_processing_hooks,lldp_basic,local_link_connection,physnet_cidr_map";

/// One rule with one action, on a node that is called by both sorts of names.
fn applied(conditions: &Value, value: &str) -> (Change, Outcome, Results) {
    let body = json!({"conditions": conditions, "actions": [
        {"action": "set-attribute", "path": "/extra/hit", "value": value}]});
    let rule = Rule::from_object(body.as_object().unwrap()).unwrap();
    let mut node = node(json!({}));
    for (name, value) in [
        ("uuid", json!(NODE)),
        ("maintenance", json!(true)),
        ("instance_uuid", json!("i")),
        ("extra", json!({})),
    ] {
        node.document.insert(name.to_owned(), value);
    }
    let (data, mut change) = (Value::Object(example()), Change::default());
    let (outcome, results) = RuleSet::new(&[rule], Matching::default()).apply(&data, &node, &mut change);
    (change, outcome, results)
}

fn holds(op: &str, field: &str, value: Value) -> bool {
    let (change, outcome, _) = applied(&json!([{"op": op, "field": field, "value": value}]), "x");
    assert_eq!(outcome, Outcome::Applied, "{field} {op}");
    !change.is_empty()
}

#[test]
fn a_pattern_matches_the_whole_text_with_each_of_its_alternatives() {
    let mode = "inventory.boot.current_boot_mode";
    assert!(!holds("matches", mode, json!("ue|bios")));
    assert!(!holds("matches", mode, json!("bios|ue")));
    assert!(holds("matches", mode, json!("uefi|bios")) && holds("matches", mode, json!("bios|uefi")));
    assert!(holds("matches", mode, json!("uefi$")) && !holds("matches", mode, json!("")));
}

#[test]
fn a_condition_on_a_value_of_another_type_is_false_and_is_told_of() {
    let odd = [
        ("in-net", "inventory.hostname", json!("192.0.2.0/24")),
        ("in-net", "inventory.interfaces[1].ipv4_address", json!("192.0.2.0/24")),
        ("gt", "inventory.bmc_mac", json!(5)),
        ("lt", "inventory.cpu.count", json!("5")),
        ("eq", "inventory.memory[0]", json!(4)),
        ("eq", "inventory.boot.current_boot_mode", json!(true)),
    ];
    for (op, field, value) in odd {
        let (change, outcome, results) = applied(&json!([{"op": op, "field": field, "value": value}]), "x");
        assert_eq!((change.is_empty(), outcome), (true, Outcome::Applied), "{field} {op}");
        assert_eq!(results.doubts.len(), 1, "{field} {op}");
        assert_eq!(results.doubts[0].field, field);
    }
}

#[test]
fn a_template_that_lacks_its_key_is_refused_with_the_value_and_the_key() {
    for (value, key) in
        [("at {data[rack]}", "rack"), ("{data[inventory][no_such]}", "no_such"), ("{other}", "other")]
    {
        let (change, outcome, _) = applied(&json!([]), value);
        let Outcome::Failed(text) = outcome else { panic!("{value} is taken") };
        assert!(text.contains(value) && text.contains(key) && !text.contains("%("), "{text}");
        assert!(change.is_empty());
    }
}

#[test]
fn a_node_is_asked_by_the_names_of_the_api_and_by_those_of_the_sdk() {
    for (api, sdk, value) in [
        ("uuid", "id", json!(NODE)),
        ("instance_uuid", "instance_id", json!("i")),
        ("maintenance", "is_maintenance", json!(true)),
    ] {
        assert!(holds("eq", &format!("node://{api}"), value.clone()), "{api}");
        assert!(holds("eq", &format!("node://{sdk}"), value), "{sdk}");
    }
}

/// The example's first interface with its port, after `change`; answers the port's patch.
fn patched(change: impl FnOnce(&mut Value)) -> Vec<PatchOp> {
    let mut document = Value::Object(example());
    change(&mut document);
    let mut document = document.as_object().unwrap().clone();
    let node = node(json!({}));
    let pipeline = pipeline(Processing { processing_hooks: LINK_HOOKS.to_owned(), ..Processing::default() });
    assert_eq!(pipeline.prepare(&mut document), Vec::<String>::new());
    let address = "b4:96:91:5c:20:08".parse().unwrap();
    let port = Port { uuid: Uuid::from_u128(9), address, pxe_enabled: true, document: Object::new() };
    let change = pipeline.process(&View { node: &node, ports: &[port] }, &mut document).unwrap();
    assert!(change.new_ports.is_empty(), "the port is known");
    change.port_patches.iter().flat_map(|patch| patch.ops().to_vec()).collect()
}

#[test]
fn damaged_tlvs_of_a_switch_cost_neither_the_run_nor_the_link() {
    let whole = patched(|_| {});
    assert_eq!(whole.len(), 3, "{whole:?}");
    let damaged =
        json!([[1, "0861"], [2, "0061"], [1, "xyz"], [5, "0"], [127, "0080c201"], [1, null], 7, [4, "ff"]]);
    let with_damage = patched(|document| {
        let heard = document["lldp_raw"]["ens1f0"].as_array_mut().unwrap();
        heard.splice(0..0, damaged.as_array().unwrap().iter().cloned());
        document["lldp_raw"]["ens1f1"] = damaged.clone();
    });
    assert_eq!(with_damage, whole);
}

#[test]
fn an_address_in_upper_case_finds_its_port_its_link_and_its_network() {
    let upper = patched(|document| {
        document["inventory"]["interfaces"][0]["mac_address"] = json!("B4:96:91:5C:20:08");
        document["boot_interface"] = json!("B4:96:91:5C:20:08");
    });
    assert_eq!(upper, patched(|_| {}));
}

#[test]
fn an_odd_list_of_capabilities_is_extended_and_not_the_end() {
    let mut document = example();
    let node = node(json!({"capabilities": "odd,boot:local"}));
    let pipeline = pipeline(Processing::default());
    pipeline.prepare(&mut document);
    let change = pipeline.process(&View { node: &node, ports: &[] }, &mut document).unwrap();
    let written = change.node_patch.iter().find_map(|op| match op {
        PatchOp::Add { path, value } if path == "/properties/capabilities" => value.as_str(),
        _ => None,
    });
    assert!(written.unwrap().starts_with("odd,boot:local,boot_mode:uefi,"), "{written:?}");
}
