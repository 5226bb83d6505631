//! `accelerators`: lists the devices of the machine that are known to speed things up (processing 2.11).

mod known;

use serde_json::Value;

use super::{Change, Hook, HookError, View};
use crate::config;
use crate::error::Error;
use crate::node_service::Object;
use crate::processing::inventory;
use known::Known;

/// Sets `accelerators` among the node's properties.
pub struct Accelerators {
    known: Vec<Known>,
}

impl Accelerators {
    /// As configured.
    ///
    /// # Errors
    ///
    /// The file with the known devices cannot be read, or has another form.
    pub fn new(options: &config::Accelerators) -> Result<Self, Error> {
        Ok(Self { known: known::read(options.known_devices.as_deref())? })
    }

    fn recognise(&self, device: &Object) -> Option<Value> {
        let is = |member: &str, id: &str| {
            device.get(member).and_then(Value::as_str).is_some_and(|found| found.eq_ignore_ascii_case(id))
        };
        let known = self
            .known
            .iter()
            .find(|known| is("vendor_id", &known.vendor_id) && is("product_id", &known.device_id))?;
        let mut found = known.members.clone();
        found.insert("pci_address".to_owned(), device.get("bus").cloned().unwrap_or_default());
        Some(Value::Object(found))
    }
}

impl Hook for Accelerators {
    fn name(&self) -> &'static str {
        "accelerators"
    }

    fn process(&self, view: &View<'_>, document: &mut Object, change: &mut Change) -> Result<(), HookError> {
        let Some(devices) = inventory::list(document, "", "pci_devices")? else {
            log::warn!(
                "No PCI devices in the data; is the collector pci-devices on? node={}",
                view.node.uuid
            );
            return Ok(());
        };
        let devices = inventory::objects(devices, "pci_devices")?;
        let found: Vec<Value> = devices.iter().filter_map(|(_, device)| self.recognise(device)).collect();
        if !found.is_empty() {
            change.set_property("accelerators", Value::Array(found));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{add, process};
    use super::*;

    fn run(devices: Value) -> Result<Change, HookError> {
        let hook = Accelerators::new(&config::Accelerators::default()).unwrap();
        process(&hook, json!({"accelerators": "stale"}), &mut json!({"pci_devices": devices}), &[])
    }

    #[test]
    fn each_known_device_is_listed_with_its_place() {
        let change = run(json!([
            {"vendor_id": "10de", "product_id": "1eb8", "bus": "0000:d8:00.0"},
            {"vendor_id": "8086", "product_id": "1eb8", "bus": "0000:d8:00.1"},
            {"vendor_id": "10DE", "product_id": "1DF6"}]))
        .unwrap();
        let tesla = json!({"vendor_id": "10de", "device_id": "1eb8", "type": "GPU",
                           "device_info": "NVIDIA Corporation Tesla T4", "pci_address": "0000:d8:00.0"});
        let volta = json!({"vendor_id": "10de", "device_id": "1df6", "type": "GPU",
                           "device_info": "NVIDIA Corporation GV100GL", "pci_address": null});
        assert_eq!(change.node_patch, [add("/properties/accelerators", json!([tesla, volta]))]);
    }

    #[test]
    fn nothing_known_is_nothing_written() {
        for devices in [json!(null), json!([]), json!([{}, {"vendor_id": 7, "product_id": "1eb8"}])] {
            assert!(run(devices).unwrap().is_empty());
        }
    }

    #[test]
    fn wrong_types_are_named() {
        for (devices, member) in [(json!({}), "pci_devices "), (json!([7]), "pci_devices[0]")] {
            assert!(run(devices).unwrap_err().to_string().contains(member));
        }
    }
}
