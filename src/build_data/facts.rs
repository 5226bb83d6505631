//! What a machine is made of, in a form that two snapshots can be compared by.
//!
//! Invariant: whatever the document holds, something comes of it: values of the wrong type are left out. Components
//! are keyed by what stays with them (serial, MAC, address on the bus), never by their place in a list.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::node_service::Object;
use crate::processing::lldp;

/// Properties of one component.
pub type Properties = BTreeMap<String, Value>;
/// Components of a kind, by what they are known by.
pub type Components = BTreeMap<String, Properties>;

/// The kinds of components, in the order in which differences are told. Of the first six there is one a machine.
pub const KINDS: [&str; 10] =
    ["system", "firmware", "boot", "bmc", "cpu", "memory", "disks", "nics", "pci", "lldp"];

/// The key of a component that there is one of.
pub const ONLY: &str = "";

/// All components of a machine, by kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Facts(pub BTreeMap<String, Components>);

/// Where a component can be looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// An address of an interface.
    Mac,
    /// The serial number of the machine or of a disk, or the world wide name of one.
    Serial,
    /// A port of a switch: `chassis/port`.
    SwitchPort,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Mac, Self::Serial, Self::SwitchPort];

    /// The name in rows and answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Mac => "mac",
            Self::Serial => "serial",
            Self::SwitchPort => "switch_port",
        }
    }
}

/// A component as it can be looked for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Sighting {
    /// What it is.
    pub kind: Kind,
    /// What it is looked for by; MACs and serials in lower case.
    pub value: String,
    /// Which part of the machine it is: the interface of a MAC or port, `system`, or the name of a disk.
    pub detail: String,
}

/// The components in a document. Those that hooks add are left aside: the hardware is what was posted.
#[must_use]
pub fn of(document: &Object) -> Facts {
    let empty = Map::new();
    let inventory = object(document, "inventory").unwrap_or(&empty);
    let mut facts = Facts::default();
    facts.only("system", system(inventory));
    facts.only("firmware", firmware(inventory));
    facts.only("boot", boot(inventory));
    facts.only("bmc", pick(inventory, &["bmc_address", "bmc_v6address", "bmc_mac"]));
    facts.only("cpu", cpu(inventory));
    facts.only("memory", pick(object(inventory, "memory").unwrap_or(&empty), &["physical_mb", "total"]));
    facts.all("disks", objects(inventory, "disks").map(|disk| (disk_key(disk), disk_of(disk))));
    facts.all("nics", objects(inventory, "interfaces").map(|nic| (nic_key(nic), nic_of(nic))));
    facts.all("pci", objects(document, "pci_devices").map(|device| (pci_key(device), pci_of(device))));
    facts.all("lldp", objects(inventory, "interfaces").filter_map(|nic| neighbour(document, nic)));
    facts
}

impl Facts {
    fn only(&mut self, kind: &str, properties: Properties) {
        if !properties.is_empty() {
            self.0.entry(kind.to_owned()).or_default().insert(ONLY.to_owned(), properties);
        }
    }

    /// Two components with the same key are told apart by a number.
    fn all(&mut self, kind: &str, found: impl Iterator<Item = (String, Properties)>) {
        for (key, properties) in found {
            let components = self.0.entry(kind.to_owned()).or_default();
            let numbered = (2..).map(|number| format!("{key}#{number}"));
            let free = std::iter::once(key.clone()).chain(numbered).find(|key| !components.contains_key(key));
            if let Some(key) = free {
                components.insert(key, properties);
            }
        }
    }

    /// The components of a kind.
    pub fn of_kind<'a>(&'a self, kind: &str) -> impl Iterator<Item = (&'a str, &'a Properties)> + use<'a> {
        self.0.get(kind).into_iter().flatten().map(|(key, properties)| (key.as_str(), properties))
    }

    /// As JSON text; the same facts give the same text.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// What can be looked for, each once and in order.
    #[must_use]
    pub fn sightings(&self) -> Vec<Sighting> {
        let mut all = Vec::new();
        let mut add = |kind: Kind, value: Option<&Value>, detail: &str| {
            if let Some(value) = value.and_then(Value::as_str).filter(|value| !value.is_empty()) {
                all.push(Sighting { kind, value: value.to_lowercase(), detail: detail.to_owned() });
            }
        };
        for (_, system) in self.of_kind("system") {
            add(Kind::Serial, system.get("serial_number"), "system");
        }
        for (key, disk) in self.of_kind("disks") {
            let name = disk.get("name").and_then(Value::as_str).unwrap_or(key);
            add(Kind::Serial, disk.get("serial"), name);
            add(Kind::Serial, disk.get("wwn"), name);
        }
        for (key, nic) in self.of_kind("nics") {
            let name = nic.get("name").and_then(Value::as_str).unwrap_or(key);
            add(Kind::Mac, nic.get("mac_address"), name);
        }
        for (name, neighbour) in self.of_kind("lldp") {
            let part = |key: &str| neighbour.get(key).and_then(Value::as_str);
            if let (Some(chassis), Some(port)) = (part("switch_chassis_id"), part("switch_port_id")) {
                add(Kind::SwitchPort, Some(&Value::String(format!("{chassis}/{port}"))), name);
            }
        }
        all.sort_unstable();
        all.dedup_by(|one, other| one.kind == other.kind && one.value == other.value);
        all
    }
}

fn object<'a>(parent: &'a Object, name: &str) -> Option<&'a Object> {
    parent.get(name)?.as_object()
}

fn objects<'a>(parent: &'a Object, name: &str) -> impl Iterator<Item = &'a Object> + use<'a> {
    parent.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object)
}

/// The members of these names that say something, as they are.
fn pick(parent: &Object, names: &[&str]) -> Properties {
    let told = |name: &&str| {
        let value = parent.get(*name)?;
        let silent = value.is_null() || value.as_str().is_some_and(str::is_empty);
        let plain = !value.is_object() && !value.is_array();
        (plain && !silent).then(|| ((*name).to_owned(), value.clone()))
    };
    names.iter().filter_map(told).collect()
}

fn system(inventory: &Object) -> Properties {
    let vendor = object(inventory, "system_vendor");
    vendor.map(|vendor| pick(vendor, &["manufacturer", "product_name", "serial_number"])).unwrap_or_default()
}

fn firmware(inventory: &Object) -> Properties {
    let firmware = object(inventory, "system_vendor").and_then(|vendor| object(vendor, "firmware"));
    firmware.map(|firmware| pick(firmware, &["vendor", "version", "build_date"])).unwrap_or_default()
}

fn boot(inventory: &Object) -> Properties {
    object(inventory, "boot")
        .map(|boot| pick(boot, &["current_boot_mode", "pxe_interface"]))
        .unwrap_or_default()
}

/// The flags of a CPU are many: they count as one property.
fn cpu(inventory: &Object) -> Properties {
    let Some(cpu) = object(inventory, "cpu") else { return Properties::new() };
    let mut properties = pick(cpu, &["architecture", "count", "model_name", "frequency", "socket_count"]);
    if let Some(flags) = cpu.get("flags").and_then(Value::as_array) {
        let mut flags: Vec<&str> = flags.iter().filter_map(Value::as_str).collect();
        flags.sort_unstable();
        properties.insert("flags".to_owned(), Value::String(flags.join(" ")));
    }
    properties
}

/// The first of these members that is a text.
fn first_text(parent: &Object, names: &[&str]) -> String {
    let told = |name: &&str| parent.get(*name)?.as_str().filter(|text| !text.is_empty());
    names.iter().find_map(told).unwrap_or("unknown").to_owned()
}

fn disk_key(disk: &Object) -> String {
    first_text(disk, &["serial", "wwn", "by_path", "name"])
}

fn disk_of(disk: &Object) -> Properties {
    let names = ["name", "model", "size", "rotational", "wwn", "serial", "vendor", "hctl", "by_path"];
    pick(disk, &names)
}

fn nic_key(nic: &Object) -> String {
    first_text(nic, &["mac_address", "name"]).to_lowercase()
}

fn nic_of(nic: &Object) -> Properties {
    let names = [
        "name",
        "mac_address",
        "ipv4_address",
        "ipv6_address",
        "has_carrier",
        "vendor",
        "product",
        "client_id",
        "biosdevname",
        "speed_mbps",
        "pci_address",
    ];
    pick(nic, &names)
}

/// Without an address on the bus, devices of the same product are told apart by their number only.
fn pci_key(device: &Object) -> String {
    match device.get("bus").and_then(Value::as_str) {
        Some(bus) if !bus.is_empty() => bus.to_owned(),
        _ => format!("{}:{}", first_text(device, &["vendor_id"]), first_text(device, &["product_id"])),
    }
}

fn pci_of(device: &Object) -> Properties {
    pick(device, &["vendor_id", "product_id", "class", "revision", "numa_node_id"])
}

/// What an interface heard of its switch, by the interface's MAC address or name.
fn neighbour(document: &Object, nic: &Object) -> Option<(String, Properties)> {
    let name = nic.get("name")?.as_str()?;
    let heard = |tlvs: Option<&Value>| tlvs.and_then(Value::as_array).is_some_and(|tlvs| !tlvs.is_empty());
    let raw = document.get("lldp_raw").and_then(|raw| raw.get(name));
    if !heard(raw) && !heard(nic.get("lldp")) {
        return None;
    }
    let said = lldp::parse(&lldp::of_interface(document, name, nic)?, name);
    let names = [
        "switch_chassis_id",
        "switch_port_id",
        "switch_system_name",
        "switch_port_description",
        "switch_port_untagged_vlan_id",
        "switch_port_mtu",
    ];
    let properties = pick(&said, &names);
    (!properties.is_empty()).then(|| (nic_key(nic), properties))
}

#[cfg(test)]
mod tests;
