//! Random and damaged documents: never a panic, and failures only in the forms of the contract.

use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::config::{AddPorts, KeepPorts};
use crate::error::Kind;
use crate::node_service::Port;
use crate::processing::document::{decode, encode};
use crate::processing::ramdisk_logs::{Origin, RamdiskLogs};
use crate::processing::root_device::Hints;
use crate::processing::{Identity, View, python};

fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(|number| json!(number)),
        prop::sample::select(vec![
            "1e999",
            "-0",
            "12345678901234567890123456789012345678901234567890",
            "0.5"
        ])
        .prop_map(|text| serde_json::from_str(text).unwrap()),
        prop::sample::select(vec![
            "",
            "lo",
            "e0",
            "192.0.2.1",
            "127.0.0.1",
            "::1",
            "52:54:00:00:00:01",
            "80",
            "a,b:c"
        ])
        .prop_map(|text| json!(text)),
        any::<String>().prop_map(Value::String),
    ]
}

pub(super) fn value() -> impl Strategy<Value = Value> {
    leaf().prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::vec(("[a-c]|name|size|mac|cpu|interfaces", inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// The places of all values in a document.
pub(super) fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    let mut visit = |name: String, inner: &Value| {
        let place = format!("{at}/{name}");
        places(inner, &place, found);
        found.push(place);
    };
    match value {
        Value::Array(items) => items.iter().enumerate().for_each(|(i, item)| visit(i.to_string(), item)),
        Value::Object(members) => members.iter().for_each(|(name, inner)| visit(name.clone(), inner)),
        _ => {}
    }
}

pub(super) const ALL_HOOKS: &str = "raid_device,$default_processing_hooks,extra_hardware,lldp_basic,local_link_connection,\
                         physnet_cidr_map,accelerators,example";
/// Without those that prepare the ground.
const NETWORK_HOOKS: &str = "physnet_cidr_map,local_link_connection,lldp_basic,extra_hardware";

/// One of each, made once.
static PIPELINES: LazyLock<Vec<Pipeline>> = LazyLock::new(|| options().into_iter().map(pipeline).collect());

fn options() -> Vec<Processing> {
    let variant = |add_ports, keep_ports, overwrite_existing, hooks: &str| {
        let processing_hooks = hooks.to_owned();
        Processing { add_ports, keep_ports, overwrite_existing, processing_hooks, ..Processing::default() }
    };
    vec![
        variant(AddPorts::Pxe, KeepPorts::All, true, ALL_HOOKS),
        variant(AddPorts::Active, KeepPorts::Added, false, ALL_HOOKS),
        variant(AddPorts::All, KeepPorts::Present, true, ALL_HOOKS),
        variant(AddPorts::Disabled, KeepPorts::Present, true, "$default_processing_hooks"),
        variant(AddPorts::All, KeepPorts::All, true, NETWORK_HOOKS),
    ]
}

/// Runs everything on one document; a failure has one of the two forms.
fn survive(document: &Object, properties: &Value) {
    let node = node(properties.clone());
    let link = properties.as_object().cloned().unwrap_or_default();
    let address = "b4:96:91:5c:20:08".parse().unwrap();
    let ports = [Port { uuid: NODE, address, pxe_enabled: false, document: link }];
    for pipeline in PIPELINES.iter() {
        let mut document = document.clone();
        let logs = RamdiskLogs::take(&mut document);
        assert!(logs.is_none() || !document.contains_key("logs"));
        for line in pipeline.prepare(&mut document) {
            assert!(line.starts_with("Preprocessing hook "), "{line}");
        }
        let _ = (Identity::of(&document).to_string(), Origin::of(None, &document));
        let outcome = pipeline.process(&View { node: &node, ports: &ports }, &mut document);
        assert_eq!(decode(&encode(&document)).unwrap(), document);
        match outcome {
            Ok(mut change) => rules::survive(&node, &Value::Object(document), &mut change),
            Err(failure) => {
                let is_unexpected = failure.text.starts_with("Unexpected exception ");
                assert_eq!(failure.kind == Kind::Internal, is_unexpected, "{}", failure.text);
                assert!(
                    !failure.text.is_empty() && !failure.text.contains("exception Panic"),
                    "{}",
                    failure.text
                );
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_documents_are_survived(picks in prop::collection::vec((any::<prop::sample::Index>(), value()), 1..4)) {
        let mut document = Value::Object(example());
        for (pick, damage) in picks {
            let mut found = Vec::new();
            places(&document, "", &mut found);
            let place = pick.get(&found).clone();
            *document.pointer_mut(&place).unwrap() = damage;
        }
        survive(document.as_object().unwrap(), &json!({"root_device": {"size": ">= 1"}}));
    }

    #[test]
    fn random_members_are_survived(
        inventory in value(), disks in value(), cpu in value(), root_disk in value(), hints in value(),
    ) {
        let inventories = [inventory, json!({"interfaces": [{"name": "e0", "mac_address": "52:54:00:00:00:01",
            "ipv4_address": "192.0.2.1"}], "disks": disks, "cpu": cpu, "memory": cpu, "boot": disks})];
        for inventory in inventories {
            let document = json!({"inventory": inventory, "root_disk": root_disk, "pci_devices": disks,
                                  "all_interfaces": cpu, "error": null, "logs": root_disk,
                                  "data": disks, "block_devices": cpu, "lldp_raw": {"e0": hints}});
            let properties = json!({"root_device": hints, "skip_block_devices": hints, "capabilities": cpu});
            survive(document.as_object().unwrap(), &properties);
        }
    }

    #[test]
    fn any_hint_is_answered(operator in "(s?(==|!=|<=|>=|<|>))|=|<in>|<or>|<all-in>|<range-in>|", operand in ".{0,12}",
                            disk in value()) {
        for name in ["size", "model", "rotational"] {
            if let Ok(hints) = Hints::parse(&json!({name: format!("{operator}{operand}")})) {
                let _ = hints.match_disk(json!({name: disk}).as_object().unwrap());
            }
        }
    }

    #[test]
    fn any_value_has_a_text_and_a_truth(value in value()) {
        prop_assert!(!python::repr(&value).is_empty());
        prop_assert_eq!(python::is_truthy(&value), !matches!(python::repr(&value).as_str(),
            "None" | "False" | "0" | "0.0" | "-0.0" | "''" | "[]" | "{}"));
        let _ = python::to_integer(&value);
    }

    #[test]
    fn any_body_is_answered(body in prop::collection::vec(any::<u8>(), 0..64)) {
        if let Err(error) = decode(&body) {
            prop_assert!(error.text.starts_with("Invalid data: expected a JSON object, got "));
        }
    }
}
