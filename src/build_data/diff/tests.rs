//! What is told of two snapshots.

use serde_json::json;

use super::*;
use crate::build_data::facts;

fn facts(disk: &Value, memory: u32, address: &str) -> Facts {
    let document = json!({"inventory": {
        "disks": [disk, {"name": "sdz", "serial": "Z"}],
        "memory": {"physical_mb": memory},
        "interfaces": [{"name": "eth0", "mac_address": "52:54:00:00:00:01", "ipv4_address": address}],
    }});
    facts::of(document.as_object().unwrap())
}

fn volatile() -> Vec<String> {
    VOLATILE.map(str::to_owned).to_vec()
}

#[test]
fn a_changed_disk_is_told_as_exactly_that() {
    let before = facts(&json!({"name": "sda", "serial": "A", "size": 10}), 2048, "192.0.2.1");
    let after = facts(&json!({"name": "sda", "serial": "B", "size": 10}), 2048, "192.0.2.77");
    let found = between(&before, &after, &volatile());
    let told: Vec<(&str, Option<&str>, Verdict)> =
        found.iter().map(|one| (one.component.as_str(), one.key.as_deref(), one.change)).collect();
    let disks = "disks";
    assert_eq!(told, [(disks, Some("A"), Verdict::Removed), (disks, Some("B"), Verdict::Added)]);
    assert_eq!(found[0].properties["size"], Values { from: json!(10), to: Value::Null });
}

#[test]
fn a_changed_property_names_both_values() {
    let disk = json!({"name": "sda", "serial": "A"});
    let found = between(&facts(&disk, 2048, "a"), &facts(&disk, 1024, "b"), &volatile());
    let told = serde_json::to_value(&found).unwrap();
    let memory = json!({"component": "memory", "key": null, "change": "changed",
        "properties": {"physical_mb": {"from": 2048, "to": 1024}}});
    assert_eq!(told, json!([memory]));
}

#[test]
fn what_is_volatile_is_for_the_caller_to_say() {
    let disk = json!({"name": "sda", "serial": "A"});
    let (before, after) = (facts(&disk, 1, "a"), facts(&disk, 2, "b"));
    assert_eq!(between(&before, &after, &[]).len(), 2);
    let all = ["memory".to_owned(), "nics.ipv4_address".to_owned()];
    assert_eq!(between(&before, &after, &all), []);
}

#[test]
fn the_same_snapshot_has_no_difference() {
    let one = facts(&json!({"name": "sda"}), 1, "a");
    assert_eq!(between(&one, &one, &[]), []);
    assert_ne!(between(&one, &Facts::default(), &[]), []);
}
