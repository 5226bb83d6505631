//! `pci_devices`: counts PCI devices that have an alias, as capabilities (processing 2.10).

use indexmap::IndexMap;
use serde::Deserialize;

use super::{Change, Hook, HookError, View};
use crate::config;
use crate::node_service::Object;
use crate::processing::capability_list::check_name;
use crate::processing::inventory;

/// Vendor and product, as the ramdisk writes them: lower-case hexadecimal digits.
type Ids = (String, String);

/// Sets a capability for each known sort of device.
pub struct PciDevices {
    aliases: IndexMap<Ids, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Alias {
    vendor_id: String,
    product_id: String,
    name: String,
}

impl PciDevices {
    /// As configured; entries that are no aliases are logged and left out.
    pub fn new(options: &config::PciDevices) -> Self {
        let mut aliases = IndexMap::new();
        for entry in &options.alias {
            match parse(entry) {
                Ok(alias) => drop(aliases.insert((alias.vendor_id, alias.product_id), alias.name)),
                Err(reason) => log::error!("Error parsing 'alias' option: {reason} entry={entry:?}"),
            }
        }
        Self { aliases }
    }

    /// How many there are of each, in the order of the first device.
    fn count(&self, devices: &[(String, &Object)]) -> IndexMap<&str, usize> {
        let mut counted: IndexMap<Ids, usize> = IndexMap::new();
        for ids in devices.iter().filter_map(|(_, device)| ids(device)) {
            *counted.entry(ids).or_default() += 1;
        }
        counted.iter().filter_map(|(ids, count)| Some((self.aliases.get(ids)?.as_str(), *count))).collect()
    }
}

fn parse(entry: &str) -> Result<Alias, String> {
    let alias: Alias = serde_json::from_str(entry).map_err(|error| error.to_string())?;
    check_name(&alias.name).map_err(|error| error.to_string())?;
    Ok(alias)
}

fn ids(device: &Object) -> Option<Ids> {
    let id = |name: &str| device.get(name)?.as_str().map(str::to_owned);
    Some((id("vendor_id")?, id("product_id")?))
}

impl Hook for PciDevices {
    fn name(&self) -> &'static str {
        "pci_devices"
    }

    fn process(&self, view: &View<'_>, document: &mut Object, change: &mut Change) -> Result<(), HookError> {
        if self.aliases.is_empty() {
            return Ok(());
        }
        let Some(devices) = inventory::list(document, "", "pci_devices")? else {
            log::warn!(
                "No PCI devices in the data; is the collector pci-devices on? node={}",
                view.node.uuid
            );
            return Ok(());
        };
        let found = self.count(&inventory::objects(devices, "pci_devices")?);
        if found.is_empty() {
            return Ok(());
        }
        let values: Vec<(&str, String)> =
            found.iter().map(|(name, count)| (*name, count.to_string())).collect();
        change.set_capabilities(view.node, values.iter().map(|(name, value)| (*name, value.as_str())))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::process;
    use super::*;

    fn hook(aliases: &[&str]) -> PciDevices {
        PciDevices::new(&config::PciDevices { alias: aliases.iter().map(|&text| text.to_owned()).collect() })
    }

    const NIC: &str = r#"{"vendor_id": "8086", "product_id": "1521", "name": "nic_1g"}"#;
    const GPU: &str = r#"{"vendor_id": "10de", "product_id": "20b5", "name": "gpu"}"#;

    fn capabilities(aliases: &[&str], devices: Value) -> Result<Option<Value>, HookError> {
        let mut document = json!({"pci_devices": devices});
        let change = process(&hook(aliases), json!({"capabilities": "gpu:7"}), &mut document, &[])?;
        Ok(change.property("capabilities").cloned())
    }

    fn device(vendor: &str, product: &str) -> Value {
        json!({"vendor_id": vendor, "product_id": product})
    }

    #[test]
    fn devices_with_an_alias_are_counted() {
        let devices = json!([device("8086", "1521"), device("10de", "20b5"), device("8086", "1521"),
                             device("8086", "ffff"), {"vendor_id": "8086"}]);
        let found = capabilities(&[NIC, GPU], devices).unwrap();
        assert_eq!(found, Some(json!("gpu:1,nic_1g:2")));
    }

    #[test]
    fn nothing_counted_is_nothing_written() {
        for devices in [json!([]), json!(null), json!([device("8086", "ffff")])] {
            assert_eq!(capabilities(&[NIC], devices), Ok(None));
        }
        assert_eq!(capabilities(&[], json!([device("8086", "1521")])), Ok(None));
    }

    #[test]
    fn bad_aliases_are_left_out() {
        let bad = [
            "this is not JSON",
            r#"{"vendor_id": "15b3", "name": "incomplete"}"#,
            r#"{"vendor_id": "15b3", "product_id": "1", "name": "x", "more": 1}"#,
            r#"{"vendor_id": 15, "product_id": "1", "name": "x"}"#,
            r#"{"vendor_id": "15b3", "product_id": "1", "name": "a,b"}"#,
        ];
        assert!(hook(&bad).aliases.is_empty());
    }

    #[test]
    fn of_two_pairs_with_one_name_the_last_counted_wins() {
        let other = r#"{"vendor_id": "8086", "product_id": "1572", "name": "nic_1g"}"#;
        let devices = json!([device("8086", "1521"), device("8086", "1521"), device("8086", "1572")]);
        assert_eq!(capabilities(&[NIC, other], devices), Ok(Some(json!("gpu:7,nic_1g:1"))));
    }

    #[test]
    fn wrong_types_are_named() {
        for (devices, member) in [(json!({}), "pci_devices "), (json!([7]), "pci_devices[0]")] {
            let error = capabilities(&[NIC], devices).unwrap_err().to_string();
            assert!(error.contains(member), "{error}");
        }
    }
}
