//! `root_disk_selection`: which disk is the root disk, and how much of it can be used (processing 2.6).

use serde_json::{Number, Value};

use super::{Change, Hook, HookError, View};
use crate::config::Processing;
use crate::node_service::{Node, Object};
use crate::processing::inventory::{self, wrong_type};
use crate::processing::python::{is_truthy, repr, to_integer, truthy};
use crate::processing::root_device::Hints;

const GIB: i128 = 1 << 30;

/// Chooses the root disk and sets `local_gb`.
pub struct RootDiskSelection {
    overwrite_existing: bool,
    spare_gib: i128,
}

impl RootDiskSelection {
    /// As configured.
    pub fn new(options: &Processing) -> Self {
        Self {
            overwrite_existing: options.overwrite_existing,
            spare_gib: i128::from(options.disk_partitioning_spacing),
        }
    }

    fn local_gb(&self, document: &Object) -> Result<i128, HookError> {
        let root_disk = match truthy(document, "root_disk") {
            None => return Ok(0),
            Some(Value::Object(disk)) => disk,
            Some(other) => return Err(wrong_type("root_disk", "an object", other)),
        };
        let size = root_disk.get("size").unwrap_or(&Value::Null);
        let bytes = to_integer(size).filter(|bytes| size.is_number() && *bytes >= 0);
        let gib = bytes.ok_or_else(|| wrong_type("root_disk.size", "a number of bytes", size))? / GIB;
        if gib == 0 {
            log::warn!("The root disk is smaller than one GiB");
        }
        Ok((gib - self.spare_gib).max(0))
    }
}

impl Hook for RootDiskSelection {
    fn name(&self) -> &'static str {
        "root_disk_selection"
    }

    fn process(&self, view: &View<'_>, document: &mut Object, change: &mut Change) -> Result<(), HookError> {
        let inventory = inventory::checked(document)?;
        if let Some(hints) = view.node.property("root_device").filter(|hints| is_truthy(hints)) {
            let root_disk = choose(view.node, hints, inventory)?;
            document.insert("root_disk".to_owned(), root_disk);
        }
        let local_gb = self.local_gb(document)?;
        let number = Number::from_i128(local_gb).map_or(Value::Null, Value::Number);
        document.insert("local_gb".to_owned(), number);
        if self.overwrite_existing || !view.node.property("local_gb").is_some_and(is_truthy) {
            change.set_property("local_gb", Value::String(local_gb.to_string()));
        }
        Ok(())
    }
}

/// The first disk that satisfies the hints, after those to be skipped were taken out of the inventory.
fn choose(node: &Node, hints: &Value, inventory: &mut Object) -> Result<Value, HookError> {
    let skipped = skip_hints(node)?;
    let hints = Hints::parse(hints).map_err(|detail| {
        HookError::Expected(format!(
            "No disks could be found using the root device hints {} because they failed to validate. \
             Error: {detail}",
            repr(hints)
        ))
    })?;
    let disks = inventory::list(inventory, "inventory", "disks")?.unwrap_or_default();
    let mut kept: Vec<(&Object, &Value)> = Vec::new();
    for ((_, disk), value) in inventory::objects(disks, "inventory.disks")?.into_iter().zip(disks) {
        if !skipped.iter().any(|hints| hints.match_disk(disk)) {
            kept.push((disk, value));
        }
    }
    let chosen = kept.iter().find(|(disk, _)| hints.match_disk(disk)).map(|(_, value)| (*value).clone());
    let kept: Vec<Value> = kept.into_iter().map(|(_, value)| value.clone()).collect();
    if !skipped.is_empty() {
        inventory.insert("disks".to_owned(), Value::Array(kept));
    }
    chosen.ok_or_else(|| HookError::expected("No disks satisfied root device hints"))
}

/// `skip_block_devices`. Entries by `volume_name` are the ramdisk's own business: RAID volumes have no disk yet.
fn skip_hints(node: &Node) -> Result<Vec<Hints>, HookError> {
    let refused = |entry: &Value, detail: &str| {
        HookError::Expected(format!(
            "The hints {} in skip_block_devices failed to validate. Error: {detail}",
            repr(entry)
        ))
    };
    let entries = match node.property("skip_block_devices").filter(|entries| is_truthy(entries)) {
        None => return Ok(Vec::new()),
        Some(Value::Array(entries)) => entries,
        Some(other) => return Err(refused(other, "a list of hints is expected")),
    };
    let used = entries.iter().filter(|entry| is_truthy(entry) && entry.get("volume_name").is_none());
    used.map(|entry| Hints::parse(entry).map_err(|detail| refused(entry, &detail.to_string()))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{add, process};
    use super::*;

    fn disk(name: &str, gib: u64) -> Value {
        json!({"name": name, "size": gib << 30})
    }

    fn run(options: &Processing, properties: Value, document: &mut Value) -> Result<Change, HookError> {
        process(&RootDiskSelection::new(options), properties, document, &[])
    }

    fn document(root_disk: Value, disks: Value) -> Value {
        json!({"inventory": {"interfaces": [{}], "disks": disks}, "root_disk": root_disk})
    }

    fn local_gb(options: &Processing, root_disk: Value) -> (Value, Change) {
        let mut document = document(root_disk, json!([]));
        let change = run(options, json!({"skip_block_devices": [{"name": "x"}]}), &mut document).unwrap();
        (document["local_gb"].clone(), change)
    }

    #[test]
    fn a_gib_is_left_unless_configured_otherwise() {
        let spaced = Processing::default();
        let tight = Processing { disk_partitioning_spacing: false, ..Processing::default() };
        assert_eq!(local_gb(&spaced, disk("/dev/vda", 20)).1.node_patch, [add("/properties/local_gb", "19")]);
        assert_eq!(local_gb(&tight, disk("/dev/vda", 20)).0, json!(20));
        for none in [json!(null), json!({}), disk("/dev/vda", 0), json!({"size": 1 << 29})] {
            let (stored, change) = local_gb(&spaced, none);
            assert_eq!((stored, change.property("local_gb")), (json!(0), Some(&json!("0"))));
        }
    }

    #[test]
    fn a_present_value_stays_without_overwriting() {
        let options = Processing { overwrite_existing: false, ..Processing::default() };
        let mut data = document(disk("/dev/vda", 20), json!([]));
        assert!(run(&options, json!({"local_gb": "7"}), &mut data).unwrap().is_empty());
        assert_eq!(data["local_gb"], json!(19));
        assert!(!run(&options, json!({"local_gb": null}), &mut data).unwrap().is_empty());
    }

    #[test]
    fn hints_replace_the_choice_of_the_ramdisk() {
        let mut data = document(disk("/dev/sda", 10), json!([disk("/dev/sda", 10), disk("/dev/sdb", 30)]));
        run(&Processing::default(), json!({"root_device": {"name": "/dev/sdb"}}), &mut data).unwrap();
        assert_eq!(data["root_disk"], disk("/dev/sdb", 30));
        assert_eq!(data["local_gb"], json!(29));
        assert_eq!(data["inventory"]["disks"].as_array().unwrap().len(), 2);
    }

    #[test]
    fn skipped_disks_leave_the_inventory() {
        let mut data = document(json!(null), json!([disk("/dev/sda", 10), disk("/dev/sdb", 30)]));
        let properties = json!({"root_device": {"size": ">= 1"},
            "skip_block_devices": [{"volume_name": "raid", "size": ">= 1"}, {"name": "/dev/sda"}, {}]});
        run(&Processing::default(), properties, &mut data).unwrap();
        assert_eq!(data["inventory"]["disks"], json!([disk("/dev/sdb", 30)]));
        assert_eq!(data["root_disk"]["name"], "/dev/sdb");
    }

    fn failure(properties: Value, disks: Value) -> String {
        let mut data = document(json!(null), disks);
        run(&Processing::default(), properties, &mut data).unwrap_err().to_string()
    }

    #[test]
    fn failures_say_what_is_wrong() {
        assert_eq!(
            failure(json!({"root_device": {"name": "x"}}), json!([])),
            "No disks satisfied root device hints"
        );
        assert_eq!(
            failure(json!({"root_device": {"size": "-3"}}), json!([])),
            "No disks could be found using the root device hints {'size': '-3'} because they failed to \
             validate. Error: Root device hint \"size\" should be a positive integer. Current value: -3"
        );
        let skip = |entries| {
            failure(json!({"root_device": {"name": "x"}, "skip_block_devices": entries}), json!([]))
        };
        assert!(skip(json!([{"colour": "red"}])).contains("skip_block_devices"));
        assert!(skip(json!("sda")).contains("a list of hints"));
        assert!(failure(json!({"root_device": {"name": "x"}}), json!([7])).contains("inventory.disks[0]"));
        assert!(failure(json!({"root_device": {"name": "x"}}), json!("sda")).contains("inventory.disks"));
    }

    #[test]
    fn an_odd_root_disk_is_refused() {
        for odd in [json!("sda"), json!({"size": "20"}), json!({"size": -1}), json!({"name": "x"})] {
            let mut data = document(odd, json!([]));
            let error = run(&Processing::default(), json!({}), &mut data).unwrap_err();
            assert!(error.to_string().contains("root_disk"), "{error}");
        }
    }
}
