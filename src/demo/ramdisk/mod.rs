//! What the ramdisk of a simulated machine posts.

mod gzip;
mod hardware;
mod lldp;
mod logs;

use serde_json::{Map, Value, json};

use super::fleet::Machine;
use super::fleet::fate::Fate;

/// The document that a machine posts.
#[must_use]
pub fn document(machine: &Machine) -> Value {
    let boot_interface = machine.macs.first().map(|mac| format!("01-{}", mac.as_str().replace(':', "-")));
    let inventory = hardware::inventory(machine, boot_interface.as_deref());
    let root_disk = inventory.pointer("/disks/0").cloned().unwrap_or(Value::Null);
    json!({
        "inventory": inventory,
        "root_disk": root_disk,
        "boot_interface": boot_interface,
        "configuration": {
            "collectors": ["default", "pci-devices", "lldp", "logs"],
            "managers": [{"name": "generic_hardware_manager", "version": "1.2"}],
        },
        "pci_devices": hardware::pci_devices(machine),
        "lldp_raw": lldp_raw(machine),
        "logs": logs::of(machine),
        "error": error(machine),
    })
}

fn lldp_raw(machine: &Machine) -> Map<String, Value> {
    let heard = |position: usize| match position {
        0 | 1 => lldp::advertisement(machine, position),
        _ => Vec::new(),
    };
    let nics = machine.model.nics.iter().enumerate();
    nics.map(|(position, nic)| (nic.name.to_owned(), Value::from(heard(position)))).collect()
}

fn error(machine: &Machine) -> Option<&'static str> {
    (machine.fate == Fate::RamdiskFails).then_some(
        "The following errors were encountered:\n* collector pci-devices failed: Input/output error",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_differ_between_machines_and_not_between_runs() {
        let fleet: Vec<Value> = (0..20).map(Machine::new).map(|machine| document(&machine)).collect();
        for (index, one) in fleet.iter().enumerate() {
            assert!(fleet.iter().skip(index + 1).all(|other| other["inventory"] != one["inventory"]));
        }
        assert_eq!(fleet[4], document(&Machine::new(4)));
    }

    #[test]
    fn only_a_failing_ramdisk_tells_of_an_error_and_only_one_fate_has_no_interfaces() {
        for machine in (0..16).map(Machine::new) {
            let document = document(&machine);
            assert_eq!(document["error"].is_string(), machine.fate == Fate::RamdiskFails);
            let none = document["inventory"]["interfaces"].as_array().unwrap().is_empty();
            assert_eq!(none, machine.fate == Fate::LacksInterfaces);
        }
    }
}
