//! `raid_device`: finds the RAID volume that appeared between two runs, and makes it the root device
//! (processing 2.13).

use serde_json::{Value, json};

use super::{Change, Hook, HookError, View};
use crate::node_service::{Node, Object, PatchOp};
use crate::processing::inventory;
use crate::processing::python::{is_truthy, truthy};

const SAVED: &str = "/extra/block_devices";

/// Saves the serial numbers in the first run, and compares in the next.
pub struct RaidDevice;

impl Hook for RaidDevice {
    fn name(&self) -> &'static str {
        "raid_device"
    }

    /// A machine whose volume is still to be made has no size, which must not stop the run.
    fn before(&self, document: &mut Object) -> Result<(), HookError> {
        if truthy(document, "local_gb").is_none() {
            document.insert("local_gb".to_owned(), json!(1));
        }
        Ok(())
    }

    fn process(&self, view: &View<'_>, document: &mut Object, change: &mut Change) -> Result<(), HookError> {
        let node = view.node.uuid;
        let current = serials(document)?;
        if current.is_empty() {
            log::warn!("No block device with a serial number was found node={node}");
            return Ok(());
        }
        if view.node.property("root_device").is_some_and(is_truthy) {
            log::info!("The root device is known already node={node}");
            return Ok(());
        }
        let Some(saved) = saved(view.node) else {
            let value = json!({"serials": current});
            change.node_patch.push(PatchOp::Add { path: SAVED.to_owned(), value });
            return Ok(());
        };
        let mut new: Vec<&Value> = Vec::new();
        for serial in &current {
            if !saved.contains(serial) && !new.contains(&serial) {
                new.push(serial);
            }
        }
        match new.as_slice() {
            [serial] => {
                change.node_patch.push(PatchOp::Remove { path: SAVED.to_owned() });
                change.set_property("root_device", json!({"serial": serial}));
            }
            [] => log::warn!("No new block device was found node={node}"),
            several => {
                log::warn!("{} new block devices were found, one is needed node={node}", several.len())
            }
        }
        Ok(())
    }
}

fn serials(document: &mut Object) -> Result<Vec<Value>, HookError> {
    if !document.contains_key("inventory") {
        let devices = inventory::object(document, "", "block_devices")?;
        let listed = devices
            .map(|devices| inventory::list(devices, "block_devices", "serials"))
            .transpose()?
            .flatten();
        return Ok(listed.unwrap_or_default().iter().filter(|serial| is_truthy(serial)).cloned().collect());
    }
    let inventory = inventory::checked(document)?;
    let disks = inventory::list(inventory, "inventory", "disks")?.unwrap_or_default();
    let disks = inventory::objects(disks, "inventory.disks")?;
    Ok(disks.iter().filter_map(|(_, disk)| truthy(disk, "serial").cloned()).collect())
}

/// What an earlier run saved; something of another form is as good as nothing.
fn saved(node: &Node) -> Option<&[Value]> {
    let serials = node.object("extra")?.get("block_devices")?.get("serials")?;
    serials.as_array().map(Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{add, node, object};
    use super::*;

    fn run_on(node: &Node, document: Value) -> Vec<PatchOp> {
        let mut change = Change::default();
        RaidDevice.process(&View { node, ports: &[] }, &mut object(document), &mut change).unwrap();
        change.node_patch
    }

    fn run(extra: Value, serials: &[Value]) -> Vec<PatchOp> {
        let mut node = node(json!({}));
        node.document.insert("extra".to_owned(), extra);
        let disks: Vec<Value> = serials.iter().map(|serial| json!({"serial": serial})).collect();
        run_on(&node, json!({"inventory": {"interfaces": [{}], "disks": disks}}))
    }

    #[test]
    fn the_first_run_saves_the_serials() {
        let saved = add(SAVED, json!({"serials": ["a", "b"]}));
        for extra in [json!({}), json!(null), json!({"block_devices": 7}), json!({"block_devices": {}})] {
            assert_eq!(run(extra, &[json!("a"), json!(null), json!("b")]), std::slice::from_ref(&saved));
        }
    }

    #[test]
    fn the_one_new_device_becomes_the_root_device() {
        let extra = json!({"block_devices": {"serials": ["a", "gone"]}});
        let wanted = [
            PatchOp::Remove { path: SAVED.to_owned() },
            add("/properties/root_device", json!({"serial": "new"})),
        ];
        assert_eq!(run(extra.clone(), &[json!("a"), json!("new")]), wanted);
        assert_eq!(run(extra, &[json!("new"), json!("new")]), wanted);
    }

    #[test]
    fn none_or_several_new_devices_change_nothing() {
        let extra = json!({"block_devices": {"serials": ["a"]}});
        assert!(run(extra.clone(), &[json!("a")]).is_empty());
        assert!(run(extra, &[json!("a"), json!("b"), json!("c")]).is_empty());
        assert!(run(json!({}), &[]).is_empty());
    }

    #[test]
    fn a_known_root_device_stays() {
        let document = json!({"inventory": {"interfaces": [{}], "disks": [{"serial": "a"}]}});
        assert!(run_on(&node(json!({"root_device": {"name": "/dev/sda"}})), document).is_empty());
    }

    #[test]
    fn old_ramdisks_list_the_serials_themselves() {
        let document = json!({"block_devices": {"serials": ["a", ""]}});
        assert_eq!(run_on(&node(json!({})), document), [add(SAVED, json!({"serials": ["a"]}))]);
        assert!(run_on(&node(json!({})), json!({})).is_empty());
    }

    #[test]
    fn a_missing_size_is_made_up_beforehand() {
        for (posted, wanted) in [(json!({}), 1), (json!({"local_gb": 0}), 1), (json!({"local_gb": 7}), 7)] {
            let mut document = object(posted);
            RaidDevice.before(&mut document).unwrap();
            assert_eq!(document["local_gb"], wanted);
        }
    }
}
