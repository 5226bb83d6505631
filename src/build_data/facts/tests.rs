//! From documents to components.

use serde_json::json;

use super::*;

fn document(value: Value) -> Object {
    value.as_object().cloned().unwrap()
}

fn usual() -> Object {
    document(json!({
        "inventory": {
            "cpu": {"count": 4, "architecture": "x86_64", "flags": ["vmx", "aes"]},
            "memory": {"physical_mb": 2048, "total": null},
            "system_vendor": {"manufacturer": "ACME", "serial_number": "SN1", "firmware": {"version": "1.2"}},
            "disks": [
                {"name": "/dev/sda", "serial": "D1", "wwn": "0x5000", "size": 10},
                {"name": "/dev/sdb", "size": 10},
                {"name": "/dev/sdb", "size": 11},
            ],
            "interfaces": [{
                "name": "eth0", "mac_address": "52:54:00:00:00:0A",
                "lldp": [[1, "04112233aabbcc"], [2, "07373334"]],
            }],
            "bmc_address": "192.0.2.1",
        },
        "pci_devices": [
            {"vendor_id": "8086", "product_id": "10fb", "bus": "0000:01:00.0"},
            {"vendor_id": "8086", "product_id": "10fb"},
            {"vendor_id": "8086", "product_id": "10fb"},
        ],
    }))
}

fn keys<'a>(facts: &'a Facts, kind: &str) -> Vec<&'a str> {
    facts.of_kind(kind).map(|(key, _)| key).collect()
}

#[test]
fn components_are_keyed_by_what_stays_with_them() {
    let facts = of(&usual());
    assert_eq!(keys(&facts, "disks"), ["/dev/sdb", "/dev/sdb#2", "D1"]);
    assert_eq!(keys(&facts, "nics"), ["52:54:00:00:00:0a"]);
    assert_eq!(keys(&facts, "pci"), ["0000:01:00.0", "8086:10fb", "8086:10fb#2"]);
    assert_eq!(keys(&facts, "lldp"), ["52:54:00:00:00:0a"]);
    let (_, cpu) = facts.of_kind("cpu").next().unwrap();
    assert_eq!(cpu.get("flags"), Some(&json!("aes vmx")));
    let (_, memory) = facts.of_kind("memory").next().unwrap();
    assert_eq!(memory.keys().collect::<Vec<_>>(), ["physical_mb"], "null says nothing");
}

#[test]
fn what_can_be_looked_for_is_in_lower_case_and_there_once() {
    let found = of(&usual()).sightings();
    let told: Vec<(Kind, &str, &str)> =
        found.iter().map(|seen| (seen.kind, seen.value.as_str(), seen.detail.as_str())).collect();
    assert_eq!(
        told,
        [
            (Kind::Mac, "52:54:00:00:00:0a", "eth0"),
            (Kind::Serial, "0x5000", "/dev/sda"),
            (Kind::Serial, "d1", "/dev/sda"),
            (Kind::Serial, "sn1", "system"),
            (Kind::SwitchPort, "11:22:33:aa:bb:cc/734", "52:54:00:00:00:0a"),
        ]
    );
}

#[test]
fn nonsense_gives_no_components_and_no_panic() {
    for value in [
        json!({}),
        json!({"inventory": []}),
        json!({"inventory": {"disks": {"a": 1}, "interfaces": [1, null, {"name": 7}], "cpu": "fast"}}),
        json!({"inventory": {"memory": {"physical_mb": {}}, "system_vendor": {"firmware": []}}, "pci_devices": 1}),
    ] {
        let facts = of(&document(value));
        assert!(facts.0.keys().all(|kind| kind == "nics"), "{facts:?}");
    }
}

#[test]
fn the_same_facts_give_the_same_text() {
    let mut other = usual();
    let inventory = other.get_mut("inventory").and_then(Value::as_object_mut).unwrap();
    let cpu = inventory.shift_remove("cpu").unwrap();
    inventory.insert("cpu".to_owned(), cpu);
    assert_eq!(of(&usual()).to_json(), of(&other).to_json());
    let read: Facts = serde_json::from_slice(&of(&usual()).to_json()).unwrap();
    assert_eq!(read, of(&usual()));
}
