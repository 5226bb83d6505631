//! A machine held against what is declared of it. Pure.
//!
//! Invariant: a declared fact that the inventory contradicts, or does not show, is an error; what is there and was not
//! declared is a warning, where things of its sort are declared at all; what is not declared is not judged.

use fancy_regex::Regex;
use serde_json::Value;

use super::finding::{Finding, Level};
use super::site::Declared;
use crate::build_data::facts::{Facts, ONLY, Properties};

/// What differs; one `HW000` where nothing does.
#[must_use]
pub fn compare(declared: &Declared, facts: &Facts) -> Vec<Finding> {
    let mut found = Comparison { place: format!("BaremetalNode/{}", declared.name), findings: Vec::new() };
    found.facts_of_one(declared, facts);
    found.disks(declared, facts);
    found.nics(declared, facts);
    found.aliases(declared, facts);
    if found.findings.is_empty() {
        found.add("HW000", Level::Info, "The machine is as declared.".to_owned());
    }
    found.findings
}

struct Comparison {
    place: String,
    findings: Vec<Finding>,
}

/// A fact that there is one of: code, what it is called, where it is declared, kind and property, and whether a part of it will do.
const ONE: &[(&str, &str, &str, &str, &str)] = &[
    ("HW010", "vendor", "/vendor", "system", "manufacturer"),
    ("HW011", "model", "/generation", "system", "product_name"),
    ("HW012", "BIOS version", "/bios_version", "firmware", "version"),
    ("HW013", "boot mode", "/boot_mode", "boot", "current_boot_mode"),
    ("HW020", "number of CPUs", "/cpu/count", "cpu", "count"),
    ("HW021", "architecture", "/cpu/architecture", "cpu", "architecture"),
    ("HW030", "memory in MiB", "/memory_mb", "memory", "physical_mb"),
];

impl Comparison {
    fn add(&mut self, code: &'static str, level: Level, message: String) {
        self.findings.push(Finding { code, level, message, place: self.place.clone() });
    }

    fn differs(&mut self, code: &'static str, what: &str, declared: &str, found: Option<&Value>) {
        let found = found.map_or_else(|| "unknown".to_owned(), plain);
        self.add(code, Level::Error, format!("The {what} is {found}, and {declared} is declared."));
    }

    fn facts_of_one(&mut self, declared: &Declared, facts: &Facts) {
        for (code, what, pointer, kind, property) in ONE {
            let Some(wanted) = declared.hardware.pointer(pointer).map(plain) else { continue };
            let found = only(facts, kind).and_then(|properties| properties.get(*property));
            if !found.is_some_and(|found| plain(found).eq_ignore_ascii_case(&wanted)) {
                self.differs(code, what, &wanted, found);
            }
        }
        if let Some(wanted) = management_address(&declared.node) {
            let bmc = only(facts, "bmc");
            let found = ["bmc_address", "bmc_v6address"].map(|name| bmc.and_then(|bmc| bmc.get(name)));
            if !found.iter().flatten().any(|found| plain(found) == wanted) {
                let [first, _] = found;
                self.differs("HW060", "management address", &wanted, first);
            }
        }
        if let Some(wanted) = declared.node.pointer("/metadata/boot_mac").map(plain) {
            let is_there =
                facts.of_kind("nics").any(|(_, nic)| text(nic, "mac_address").eq_ignore_ascii_case(&wanted));
            if !is_there {
                self.add("HW003", Level::Error, format!("There is no interface with the boot MAC {wanted}."));
            }
        }
    }

    fn disks(&mut self, declared: &Declared, facts: &Facts) {
        let disks: Vec<(&str, &Properties)> = facts.of_kind("disks").collect();
        if let Some(wanted) = declared.hardware.pointer("/disks/count").and_then(Value::as_u64) {
            let found = u64::try_from(disks.len()).unwrap_or(u64::MAX);
            let text = || format!("The number of disks is {found}, and {wanted} is declared.");
            match found.cmp(&wanted) {
                std::cmp::Ordering::Less => self.add("HW040", Level::Error, text()),
                std::cmp::Ordering::Greater => self.add("HW041", Level::Warning, text()),
                std::cmp::Ordering::Equal => {}
            }
        }
        if let Some(least) = declared.hardware.pointer("/disks/min_size_gb").and_then(Value::as_f64) {
            for (key, disk) in disks {
                let gigabytes = disk.get("size").and_then(Value::as_f64).unwrap_or_default() / 1e9;
                if gigabytes < least {
                    let name = if text(disk, "name").is_empty() { key } else { text(disk, "name") };
                    let message =
                        format!("The disk {name} has {gigabytes:.1} GB, and at least {least} are declared.");
                    self.add("HW042", Level::Error, message);
                }
            }
        }
    }

    /// Interfaces are known by name, by the address of an alias of that name, or else by their MAC.
    fn nics(&mut self, declared: &Declared, facts: &Facts) {
        let Some(wanted) = declared.hardware.get("nics").and_then(Value::as_object) else { return };
        let mut unclaimed: Vec<(&str, &Properties)> = facts.of_kind("nics").collect();
        for (name, nic) in wanted {
            let mac = nic.get("mac").map(plain);
            let address = alias(declared, name);
            let is_named = |found: &Properties| {
                let at = text(found, "pci_address");
                text(found, "name") == name || address.is_some_and(|wanted| is_at(wanted, at))
            };
            let has_mac = |found: &Properties| {
                mac.as_ref().is_some_and(|mac| text(found, "mac_address").eq_ignore_ascii_case(mac))
            };
            // The name goes first: what has it and another MAC is told to have another MAC.
            let place = unclaimed
                .iter()
                .position(|(_, found)| is_named(found))
                .or_else(|| unclaimed.iter().position(|(_, found)| has_mac(found)));
            let Some(place) = place else {
                let known_by = mac.map(|mac| format!(" with the MAC {mac}")).unwrap_or_default();
                self.add("HW001", Level::Error, format!("There is no interface {name}{known_by}."));
                continue;
            };
            let (key, found) = unclaimed.remove(place);
            if let Some(mac) = mac.filter(|mac| !text(found, "mac_address").eq_ignore_ascii_case(mac)) {
                self.differs("HW004", &format!("MAC of {name}"), &mac, found.get("mac_address"));
            }
            self.neighbour(name, nic, facts, key);
        }
        for (key, nic) in unclaimed {
            let name = if text(nic, "name").is_empty() { key } else { text(nic, "name") };
            self.add("HW002", Level::Warning, format!("The interface {name} is not declared."));
        }
    }

    fn neighbour(&mut self, name: &str, declared: &Value, facts: &Facts, key: &str) {
        let heard = facts.0.get("lldp").and_then(|all| all.get(key));
        let parts = [
            ("HW050", "switch", "/lldp/switch", ["switch_chassis_id", "switch_system_name"]),
            ("HW051", "switch port", "/lldp/port", ["switch_port_id", "switch_port_description"]),
        ];
        for (code, what, pointer, names) in parts {
            let Some(wanted) = declared.pointer(pointer).map(plain) else { continue };
            let found = names.map(|name| heard.and_then(|heard| heard.get(name)));
            if !found.iter().flatten().any(|found| plain(found).eq_ignore_ascii_case(&wanted)) {
                let [first, _] = found;
                self.differs(code, &format!("{what} of {name}"), &wanted, first);
            }
        }
    }

    /// Aliases of things that are declared nowhere else: something has to be at their address.
    fn aliases(&mut self, declared: &Declared, facts: &Facts) {
        let empty = serde_json::Map::new();
        let nics = declared.hardware.get("nics").and_then(Value::as_object).unwrap_or(&empty);
        let aliases = declared.hardware.get("device_aliases").and_then(Value::as_object);
        for (name, _) in aliases.into_iter().flatten().filter(|(name, _)| !nics.contains_key(*name)) {
            let Some(wanted) = alias(declared, name) else { continue };
            let known = addresses(facts);
            // Ramdisks that do not tell addresses contradict none.
            if !known.is_empty() && !known.iter().any(|at| is_at(wanted, at)) {
                self.add("HW043", Level::Error, format!("There is no device {name} at {wanted}."));
            }
        }
    }
}

/// All addresses on buses that the inventory tells.
fn addresses(facts: &Facts) -> Vec<&str> {
    let nics = facts.of_kind("nics").map(|(_, nic)| text(nic, "pci_address"));
    let disks = facts.of_kind("disks").map(|(_, disk)| text(disk, "hctl"));
    let pci = facts.of_kind("pci").map(|(key, _)| key).filter(|key| key.contains('.'));
    nics.chain(disks).chain(pci).filter(|at| !at.is_empty()).collect()
}

fn alias<'a>(declared: &'a Declared, name: &str) -> Option<&'a str> {
    declared.hardware.get("device_aliases")?.get(name)?.get("address")?.as_str()
}

/// Whether an address is the wanted one, which may be a pattern.
fn is_at(wanted: &str, at: &str) -> bool {
    match wanted.strip_prefix("regexp:") {
        Some(pattern) => Regex::new(pattern).is_ok_and(|pattern| pattern.is_match(at).unwrap_or(false)),
        None => wanted.eq_ignore_ascii_case(at),
    }
}

/// The address in the network of the management controller, or the one that is declared for it.
fn management_address(node: &Value) -> Option<String> {
    if let Some(address) = node.pointer("/oob/address") {
        return Some(plain(address));
    }
    let network = node.pointer("/oob/network")?;
    let all = node.get("addressing")?.as_array()?;
    let address = all.iter().find(|one| one.get("network") == Some(network))?.get("address")?;
    Some(plain(address)).filter(|address| address != "dhcp")
}

fn only<'a>(facts: &'a Facts, kind: &str) -> Option<&'a Properties> {
    facts.0.get(kind)?.get(ONLY)
}

fn text<'a>(properties: &'a Properties, name: &str) -> &'a str {
    properties.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::build_data::facts;
    use crate::design::site::Site;
    use crate::design::site::tests::DESIGN;

    /// What differs after a change of the machine, as codes and levels.
    fn codes(change: impl FnOnce(&mut Value)) -> Vec<(&'static str, Level)> {
        let site = Site::read(DESIGN.as_bytes());
        let nic =
            |name: &str, mac: &str, at: &str| json!({"name": name, "mac_address": mac, "pci_address": at});
        let mut document = json!({"inventory": {
            "interfaces": [
                nic("eth0", "52:54:00:00:01:00", "0000:01:00.0"), nic("eth1", "52:54:00:00:01:01", "0000:11:00.0"),
            ],
            "disks": [{"name": "/dev/sda", "size": 100_000_000_000_i64}],
            "cpu": {"count": 8, "architecture": "x86_64"},
            "memory": {"physical_mb": 32768},
            "bmc_address": "10.1.0.1",
            "boot": {"current_boot_mode": "uefi"},
            "system_vendor": {"manufacturer": "QEMU"},
        }});
        change(&mut document["inventory"]);
        let found = facts::of(document.as_object().unwrap());
        compare(&site.nodes["node1"], &found).into_iter().map(|found| (found.code, found.level)).collect()
    }

    #[test]
    fn a_machine_as_declared_has_nothing_but_that_to_be_told() {
        assert_eq!(codes(|_| {}), [("HW000", Level::Info)]);
    }

    #[test]
    fn a_wrong_mac_and_a_wrong_size_of_memory_are_exactly_two_findings() {
        let found = codes(|machine| {
            machine["interfaces"][1]["mac_address"] = json!("52:54:00:00:01:ff");
            machine["memory"]["physical_mb"] = json!(1024);
        });
        assert_eq!(found, [("HW030", Level::Error)]);
        let found = codes(|machine| {
            machine["interfaces"][0]["mac_address"] = json!("52:54:00:00:01:ff");
            machine["interfaces"][1]["mac_address"] = json!("52:54:00:00:01:00");
            machine["memory"]["physical_mb"] = json!(1024);
        });
        assert_eq!(found, [("HW030", Level::Error), ("HW004", Level::Error)]);
    }

    #[test]
    fn every_declared_fact_is_judged() {
        type Change = fn(&mut Value);
        let cases: [(Change, &[(&str, Level)]); 10] = [
            (|m| m["system_vendor"]["manufacturer"] = json!("Other"), &[("HW010", Level::Error)]),
            (|m| m["boot"] = Value::Null, &[("HW013", Level::Error)]),
            (|m| m["cpu"]["count"] = json!(4), &[("HW020", Level::Error)]),
            (|m| m["cpu"]["architecture"] = json!("aarch64"), &[("HW021", Level::Error)]),
            (|m| m["bmc_address"] = json!("10.1.0.2"), &[("HW060", Level::Error)]),
            (|m| m["disks"] = json!([]), &[("HW040", Level::Error)]),
            (|m| m["disks"][0]["size"] = json!(1000), &[("HW042", Level::Error)]),
            (
                |m| {
                    m["disks"]
                        .as_array_mut()
                        .unwrap()
                        .push(json!({"name": "/dev/sdb", "size": 100_000_000_000_i64}))
                },
                &[("HW041", Level::Warning)],
            ),
            (
                |m| m["interfaces"].as_array_mut().unwrap().push(json!({"name": "eth2"})),
                &[("HW002", Level::Warning)],
            ),
            (|m| drop(m["interfaces"].as_array_mut().unwrap().remove(1)), &[("HW001", Level::Error)]),
        ];
        for (change, wanted) in cases {
            assert_eq!(codes(change), wanted);
        }
        let nowhere = |machine: &mut Value| machine["interfaces"][0]["pci_address"] = json!("0000:22:00.0");
        assert_eq!(codes(nowhere), [("HW043", Level::Error)]);
    }
}
