//! `capabilities`: the boot mode and what the CPU can do (processing 2.9).

use indexmap::IndexMap;
use serde_json::Value;

use super::{Change, Hook, HookError, View};
use crate::config;
use crate::error::Error;
use crate::node_service::Object;
use crate::processing::capability_list::check_name;
use crate::processing::inventory;
use crate::processing::python::to_text;

/// Sets capabilities from the inventory.
pub struct Capabilities {
    boot_mode: bool,
    cpu_flags: IndexMap<String, String>,
}

impl Capabilities {
    /// As configured.
    ///
    /// # Errors
    ///
    /// A capability name that cannot be written into the node's list.
    pub fn new(options: &config::Capabilities) -> Result<Self, Error> {
        for name in options.cpu_flags.values() {
            check_name(name)
                .map_err(|error| Error::bad_request(format!("[capabilities]cpu_flags: {error}")))?;
        }
        Ok(Self { boot_mode: options.boot_mode, cpu_flags: options.cpu_flags.clone() })
    }

    fn flags<'a>(&'a self, inventory: &Object) -> Result<Vec<(&'a str, String)>, HookError> {
        let cpu = inventory::object(inventory, "inventory", "cpu")?;
        let present = cpu.map(|cpu| inventory::list(cpu, "inventory.cpu", "flags")).transpose()?.flatten();
        let present = present.unwrap_or_default();
        if present.is_empty() {
            log::warn!("No CPU flags in the inventory, no capabilities are set for them");
        }
        let has = |flag: &str| present.iter().any(|item| item.as_str() == Some(flag));
        let wanted = self.cpu_flags.iter().filter(|(flag, _)| has(flag));
        Ok(wanted.map(|(_, name)| (name.as_str(), "true".to_owned())).collect())
    }

    fn boot_mode(&self, inventory: &Object) -> Result<Option<(&'static str, String)>, HookError> {
        if !self.boot_mode {
            return Ok(None);
        }
        let boot = inventory::object(inventory, "inventory", "boot")?;
        let mode =
            boot.and_then(|boot| boot.get("current_boot_mode")).filter(|mode: &&Value| !mode.is_null());
        Ok(mode.map(|mode| ("boot_mode", to_text(mode))))
    }
}

impl Hook for Capabilities {
    fn name(&self) -> &'static str {
        "capabilities"
    }

    fn process(&self, view: &View<'_>, document: &mut Object, change: &mut Change) -> Result<(), HookError> {
        let inventory = inventory::checked(document)?;
        let mut found: Vec<(&str, String)> = self.boot_mode(inventory)?.into_iter().collect();
        found.extend(self.flags(inventory)?);
        if !found.is_empty() {
            change.set_capabilities(view.node, found.iter().map(|(name, value)| (*name, value.as_str())))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{add, process};
    use super::*;

    fn run(boot_mode: bool, properties: Value, inventory: Value) -> Result<Change, HookError> {
        let mut document = json!({"inventory": inventory});
        document["inventory"]["interfaces"] = json!([{}]);
        let options = config::Capabilities { boot_mode, ..config::Capabilities::default() };
        process(&Capabilities::new(&options).unwrap(), properties, &mut document, &[])
    }

    #[test]
    fn boot_mode_comes_first_and_flags_follow_in_the_order_of_the_option() {
        let inventory =
            json!({"boot": {"current_boot_mode": "uefi"}, "cpu": {"flags": ["smx", 7, "aes", "vmx"]}});
        let change = run(true, json!({}), inventory.clone()).unwrap();
        let wanted = "boot_mode:uefi,cpu_vt:true,cpu_aes:true,cpu_txt:true";
        assert_eq!(change.node_patch, [add("/properties/capabilities", wanted)]);
        let change = run(false, json!({}), inventory).unwrap();
        assert_eq!(change.property("capabilities"), Some(&json!("cpu_vt:true,cpu_aes:true,cpu_txt:true")));
    }

    #[test]
    fn present_capabilities_are_kept_and_written_even_if_unchanged() {
        let change =
            run(false, json!({"capabilities": "a:1,cpu_aes:true"}), json!({"cpu": {"flags": ["aes"]}}))
                .unwrap();
        assert_eq!(change.node_patch, [add("/properties/capabilities", "a:1,cpu_aes:true")]);
    }

    #[test]
    fn nothing_found_is_nothing_written() {
        let inventories = [
            json!({}),
            json!({"cpu": null, "boot": null}),
            json!({"cpu": {"flags": []}, "boot": {}}),
            json!({"cpu": {"flags": null}, "boot": {"current_boot_mode": null}}),
        ];
        for inventory in inventories {
            assert!(run(true, json!({"capabilities": "a:1"}), inventory).unwrap().is_empty());
        }
    }

    #[test]
    fn wrong_types_and_values_are_refused() {
        let inventories = [
            json!({"cpu": 4}),
            json!({"cpu": {"flags": "vmx aes"}}),
            json!({"boot": []}),
            json!({"boot": {"current_boot_mode": "uefi,trusted:true"}}),
        ];
        for inventory in inventories {
            assert!(matches!(run(true, json!({}), inventory), Err(HookError::Expected(_))));
        }
    }

    #[test]
    fn a_name_with_a_separator_is_refused_at_once() {
        let cpu_flags = [("vmx".to_owned(), "a:b".to_owned())].into_iter().collect();
        assert!(Capabilities::new(&config::Capabilities { boot_mode: false, cpu_flags }).is_err());
    }
}
