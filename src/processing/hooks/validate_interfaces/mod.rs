//! `validate_interfaces`: which interfaces the machine has, which become ports, which ports go (processing 2.8).
//!
//! [`select`] is the pre phase, [`ports`] the main phase; between them stand the members `all_interfaces` and
//! `interfaces` of the document.

mod ports;
mod select;

use serde_json::Value;

use super::{Change, Hook, HookError, View};
use crate::config::{AddPorts, KeepPorts, Processing};
use crate::error::Error;
use crate::node_service::Object;
use crate::processing::bmc::{Family, reported_address};
use crate::processing::inventory;
use crate::processing::python::repr;

/// Finds the interfaces and decides on the node's ports.
pub struct ValidateInterfaces {
    add_ports: AddPorts,
    keep_ports: KeepPorts,
    overwrite_existing: bool,
    update_pxe_enabled: bool,
}

impl ValidateInterfaces {
    /// As configured.
    ///
    /// # Errors
    ///
    /// `keep_ports=added` where no port is ever added: it would delete all ports.
    pub fn new(options: &Processing) -> Result<Self, Error> {
        if options.add_ports == AddPorts::Disabled && options.keep_ports == KeepPorts::Added {
            return Err(Error::bad_request(
                "Configuration error: add_ports set to disabled and keep_ports set to added. \
                 Please change keep_ports to all.",
            ));
        }
        Ok(Self {
            add_ports: options.add_ports,
            keep_ports: options.keep_ports,
            overwrite_existing: options.overwrite_existing,
            update_pxe_enabled: options.update_pxe_enabled,
        })
    }
}

impl Hook for ValidateInterfaces {
    fn name(&self) -> &'static str {
        "validate_interfaces"
    }

    fn before(&self, document: &mut Object) -> Result<(), HookError> {
        // A posted document may be a processed one; where this fails, old findings must not identify the node.
        for stale in ["all_interfaces", "interfaces", "macs"] {
            document.shift_remove(stale);
        }
        for family in [Family::V4, Family::V6] {
            let address = reported_address(document, family).map(str::to_owned);
            document.insert(family.result_member().to_owned(), address.map_or(Value::Null, Value::String));
        }
        inventory::checked(document)?;
        let all = select::all_interfaces(document)?;
        if all.is_empty() {
            return Err(HookError::expected("No interfaces supplied by the ramdisk"));
        }
        let suitable = select::suitable(&all, self.add_ports, inventory::boot_mac(document).as_ref())?;
        if suitable.is_empty() && self.add_ports != AddPorts::Disabled {
            let shown = repr(&Value::Object(all));
            return Err(HookError::Expected(format!("No suitable interfaces found in {shown}")));
        }
        let macs = suitable.values().filter_map(|entry| entry.get("mac").cloned()).collect();
        document.insert("all_interfaces".to_owned(), Value::Object(all));
        document.insert("interfaces".to_owned(), Value::Object(suitable));
        document.insert("macs".to_owned(), Value::Array(macs));
        Ok(())
    }

    fn process(&self, view: &View<'_>, document: &mut Object, change: &mut Change) -> Result<(), HookError> {
        let interfaces = ports::read(document, "interfaces")?;
        self.create(view, &interfaces, change);
        if view.node.is_in_use() {
            return Ok(());
        }
        self.delete(view, &interfaces, &ports::read(document, "all_interfaces")?, change);
        self.update(view, &interfaces, change);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::object;
    use super::*;

    pub(super) const BOOT: &str = "52:54:00:00:00:01";

    /// Booted from `e0`; `e2` has no address, `e3` only IPv6, `lo` is loopback.
    pub(super) fn machine() -> Value {
        json!({"boot_interface": "01-52-54-00-00-00-01", "inventory": {"interfaces": [
            {"name": "lo", "mac_address": "52:54:00:00:00:09", "ipv4_address": "127.0.0.1"},
            {"name": "e0", "mac_address": BOOT, "ipv4_address": "192.0.2.1"},
            {"name": "e1", "mac_address": "52:54:00:00:00:02", "ipv4_address": "192.0.2.2"},
            {"name": "e2", "mac_address": "52:54:00:00:00:03"},
            {"name": "e3", "mac_address": "52:54:00:00:00:0A", "ipv6_address": "fe80::1%e3"}]}})
    }

    pub(super) fn hook(add_ports: AddPorts, keep_ports: KeepPorts) -> ValidateInterfaces {
        let options = Processing { add_ports, keep_ports, ..Processing::default() };
        ValidateInterfaces::new(&options).unwrap()
    }

    fn before(add_ports: AddPorts, document: Value) -> Result<Object, HookError> {
        let mut document = object(document);
        hook(add_ports, KeepPorts::All).before(&mut document).map(|()| document)
    }

    #[test]
    fn each_way_of_adding_ports_selects_its_interfaces() {
        let cases = [
            (AddPorts::Pxe, vec!["e0"]),
            (AddPorts::Active, vec!["e0", "e1", "e3"]),
            (AddPorts::All, vec!["e0", "e1", "e2", "e3"]),
            (AddPorts::Disabled, vec!["e0", "e1", "e3"]),
        ];
        for (add_ports, wanted) in cases {
            let document = before(add_ports, machine()).unwrap();
            let names: Vec<&String> = document["interfaces"].as_object().unwrap().keys().collect();
            assert_eq!(names, wanted, "{add_ports:?}");
            assert_eq!(document["macs"].as_array().unwrap().len(), wanted.len());
            assert_eq!(document["all_interfaces"].as_object().unwrap().len(), 5);
        }
    }

    #[test]
    fn entries_have_the_members_of_the_contract() {
        let document = before(AddPorts::Active, machine()).unwrap();
        assert_eq!(
            document["interfaces"],
            json!({"e0": {"ip": "192.0.2.1", "mac": BOOT, "client_id": null, "pxe": true},
                   "e1": {"ip": "192.0.2.2", "mac": "52:54:00:00:00:02", "client_id": null, "pxe": false},
                   "e3": {"ip": "fe80::1", "mac": "52:54:00:00:00:0a", "client_id": null, "pxe": false}})
        );
    }

    #[test]
    fn without_a_boot_interface_addresses_decide() {
        for boot_interface in [json!(null), json!(""), json!("eth0")] {
            let mut document = machine();
            document["boot_interface"] = boot_interface;
            document["inventory"]["boot"] = json!({"pxe_interface": BOOT});
            let document = before(AddPorts::Pxe, document).unwrap();
            assert_eq!(document["macs"], json!([BOOT, "52:54:00:00:00:02", "52:54:00:00:00:0a"]));
            assert_eq!(document["all_interfaces"]["e0"]["pxe"], json!(true));
        }
    }

    #[test]
    fn an_upper_case_boot_interface_is_found() {
        let mut document = machine();
        document["boot_interface"] = json!("52:54:00:00:00:0A");
        assert_eq!(before(AddPorts::Pxe, document).unwrap()["macs"], json!(["52:54:00:00:00:0a"]));
    }

    #[test]
    fn useless_interfaces_are_left_out() {
        let mut document = machine();
        let interfaces = document["inventory"]["interfaces"].as_array_mut().unwrap();
        interfaces[2] = json!({"name": "", "mac_address": "52:54:00:00:00:02"});
        interfaces[3] = json!({"name": "e2", "mac_address": "52-54-00-00-00-03"});
        interfaces[4] = json!({"name": "e3", "mac_address": 7});
        let document = before(AddPorts::All, document).unwrap();
        assert_eq!(document["macs"], json!([BOOT]));
    }

    #[test]
    fn a_later_interface_of_the_same_name_wins() {
        let mut document = machine();
        document["inventory"]["interfaces"][2]["name"] = json!("e0");
        let document = before(AddPorts::All, document).unwrap();
        assert_eq!(document["all_interfaces"]["e0"]["mac"], "52:54:00:00:00:02");
    }

    #[test]
    fn nothing_to_choose_from_is_an_error() {
        let failure = |interfaces: Value| {
            let document = json!({"inventory": {"interfaces": interfaces}});
            before(AddPorts::Active, document).unwrap_err().to_string()
        };
        assert_eq!(failure(json!([])), "No network interfaces provided in the inventory");
        assert_eq!(failure(json!([{"name": "e0"}])), "No interfaces supplied by the ramdisk");
        assert_eq!(
            failure(json!([{"name": "e0", "mac_address": BOOT}])),
            "No suitable interfaces found in {'e0': {'ip': None, 'mac': '52:54:00:00:00:01', \
             'client_id': None, 'pxe': False}}"
        );
        assert!(failure(json!([{"name": "e0", "mac_address": BOOT, "ipv4_address": "foo"}])).contains("e0"));
        assert!(failure(json!(["eth0"])).contains("inventory.interfaces[0]"));
        assert!(failure(json!([{"name": 7}])).contains("inventory.interfaces[0].name"));
    }

    #[test]
    fn where_no_port_is_wanted_none_is_missed() {
        let document = json!({"inventory": {"interfaces": [{"name": "e0", "mac_address": BOOT}]}});
        assert_eq!(before(AddPorts::Disabled, document).unwrap()["macs"], json!([]));
    }

    #[test]
    fn bmc_addresses_are_written_even_if_the_rest_fails() {
        let mut document = object(
            json!({"inventory": {"bmc_address": "192.0.2.9", "bmc_v6address": "::/0"}, "ipmi_v6address": "x"}),
        );
        assert!(hook(AddPorts::Pxe, KeepPorts::All).before(&mut document).is_err());
        assert_eq!(document["ipmi_address"], "192.0.2.9");
        assert_eq!(document["ipmi_v6address"], json!(null));
    }

    #[test]
    fn keeping_only_added_ports_needs_added_ports() {
        let options = Processing {
            add_ports: AddPorts::Disabled,
            keep_ports: KeepPorts::Added,
            ..Processing::default()
        };
        let text = ValidateInterfaces::new(&options).err().unwrap().text;
        assert!(
            text.starts_with("Configuration error: add_ports set to disabled and keep_ports set to added.")
        );
    }
}
