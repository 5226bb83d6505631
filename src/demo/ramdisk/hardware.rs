//! The hardware of a simulated machine, as the generic hardware manager shows it.

use serde_json::{Value, json};

use crate::demo::fleet::Machine;
use crate::demo::fleet::fate::Fate;
use crate::demo::fleet::models::{Disk, Nic};

const GIB: u64 = 1 << 30;

/// The member `inventory`.
pub(super) fn inventory(machine: &Machine, boot_interface: Option<&str>) -> Value {
    let model = machine.model;
    let (v4, v6) = match machine.bmc.is_ipv4() {
        true => (machine.bmc.to_string(), "::/0".to_owned()),
        false => ("0.0.0.0".to_owned(), machine.bmc.to_string()),
    };
    json!({
        "interfaces": interfaces(machine),
        "cpu": {
            "model_name": model.cpu.model,
            "frequency": model.cpu.mhz,
            "count": model.cpu.threads,
            "architecture": model.cpu.architecture,
            "flags": model.cpu.flags,
            "socket_count": model.cpu.sockets,
        },
        "disks": model.disks.iter().map(|each| disk(machine, each)).collect::<Vec<_>>(),
        "memory": memory(machine),
        "bmc_address": v4,
        "bmc_v6address": v6,
        "bmc_mac": machine.bmc_mac(),
        "system_vendor": {
            "product_name": model.product,
            "serial_number": machine.serial,
            "manufacturer": model.manufacturer,
            "firmware": {"vendor": model.manufacturer, "version": model.firmware, "build_date": "05/14/2025"},
        },
        "boot": {"current_boot_mode": model.boot_mode, "pxe_interface": boot_interface},
        "hostname": "localhost.localdomain",
    })
}

/// The member `pci_devices`.
pub(super) fn pci_devices(machine: &Machine) -> Vec<Value> {
    let plain = |id: &str| id.trim_start_matches("0x").to_owned();
    let device = |nic: &Nic| {
        json!({
            "vendor_id": plain(nic.vendor), "product_id": plain(nic.product), "class": "020000",
            "revision": "02", "bus": nic.pci, "numa_node_id": "0",
        })
    };
    machine.model.nics.iter().map(device).collect()
}

/// Some machines have twice the memory of their model; the kernel keeps a little of it.
fn memory(machine: &Machine) -> Value {
    let doubled = machine.dice.clone().between(0, 4) == 0;
    let gib = machine.model.memory_gib << u64::from(doubled);
    let total = gib.saturating_mul(GIB).saturating_sub(gib.saturating_mul(20 << 20));
    json!({"total": total, "physical_mb": gib << 10})
}

fn interfaces(machine: &Machine) -> Vec<Value> {
    if machine.fate == Fate::LacksInterfaces {
        return Vec::new();
    }
    let nics = machine.model.nics.iter().zip(&machine.macs).enumerate();
    nics.map(|(position, (nic, mac))| {
        let booted = position == 0;
        json!({
            "name": nic.name,
            "mac_address": mac,
            "ipv4_address": booted.then(|| lease(machine.index)),
            "ipv6_address": Value::Null,
            "has_carrier": position < 2,
            "lldp": Value::Null,
            "vendor": nic.vendor,
            "product": nic.product,
            "client_id": Value::Null,
            "biosdevname": Value::Null,
            "speed_mbps": nic.mbps,
            "pci_address": nic.pci,
            "driver": nic.driver,
        })
    })
    .collect()
}

/// An address as the boot network's DHCP server would lend it; in large fleets they come back.
fn lease(index: u32) -> String {
    let host = index.checked_rem(250).unwrap_or(0).saturating_add(2);
    format!("192.0.2.{host}")
}

fn disk(machine: &Machine, disk: &Disk) -> Value {
    let letters: u64 = disk.name.bytes().map(u64::from).sum();
    let number = machine.dice.clone().roll() ^ letters.wrapping_mul(0x0101_0101_0101);
    let serial = format!("{:012X}", number >> 16);
    let wwn = match disk.transport {
        "nvme" => format!("eui.{:032x}", u128::from(number) << 8),
        _ => format!("0x5{:015x}", number >> 4),
    };
    json!({
        "name": disk.name,
        "model": disk.model,
        "size": disk.bytes,
        "rotational": disk.rotational,
        "wwn": wwn,
        "serial": serial,
        "vendor": disk.vendor,
        "wwn_with_extension": wwn,
        "wwn_vendor_extension": Value::Null,
        "hctl": Value::Null,
        "by_path": Value::Null,
        "logical_sectors": 512,
        "physical_sectors": if disk.rotational { 4096 } else { 512 },
        "tran": disk.transport,
    })
}
