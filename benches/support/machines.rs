//! The machines: for each number one node, with its resources in the node service and its posted document.
//!
//! Invariant: the same number gives the same machine; no two machines share an address or a serial number.

use serde_json::{Value, json};
use uuid::Uuid;

/// The first digits of all UUIDs.
const PREFIX: u128 = 0x5eed_0000_0000_4000_8000_0000_0000_0000;

/// The one large machine.
pub const LARGE: u32 = 0x00f0_0000;

/// How many interfaces and disks a machine has.
fn size(number: u32) -> (u8, u32) {
    if number == LARGE { (40, 100) } else { (8, 28) }
}

/// The node of a machine.
pub fn uuid(number: u32) -> Uuid {
    Uuid::from_u128(PREFIX + u128::from(number))
}

/// The machine of a node.
pub fn number(uuid: Uuid) -> Option<u32> {
    uuid.as_u128().checked_sub(PREFIX)?.try_into().ok()
}

/// The address of an interface.
pub fn mac(number: u32, interface: u8) -> String {
    let [_, b, c, d] = number.to_be_bytes();
    format!("52:{interface:02x}:00:{b:02x}:{c:02x}:{d:02x}")
}

/// The address of the BMC, of the block that is set aside for benchmarks.
pub fn bmc_address(number: u32) -> String {
    let [_, b, c, d] = number.to_be_bytes();
    format!("198.{}.{c}.{d}", 18 + b % 2)
}

/// The node as the node service shows it.
pub fn node(number: u32) -> Value {
    let uuid = uuid(number);
    let links = json!([{"href": format!("http://127.0.0.1/v1/nodes/{uuid}"), "rel": "self"}]);
    let mut node = json!({
        "uuid": uuid, "name": format!("machine-{number}"), "provision_state": "manageable",
        "target_provision_state": null, "power_state": "power off", "target_power_state": null,
        "maintenance": false, "maintenance_reason": null, "driver": "ipmi", "instance_uuid": null,
        "instance_info": {}, "extra": {"rack": number / 40}, "properties": {}, "traits": [],
        "driver_info": {"ipmi_address": bmc_address(number), "ipmi_username": "admin",
            "ipmi_password": "******", "deploy_kernel": "http://127.0.0.1/kernel",
            "deploy_ramdisk": "http://127.0.0.1/ramdisk"},
        "driver_internal_info": {"agent_url": null}, "created_at": "2026-11-01T10:00:00+00:00",
        "updated_at": null, "inspection_started_at": null, "inspection_finished_at": null,
        "last_error": null, "reservation": null, "resource_class": "baremetal", "links": links,
    });
    for interface in [
        "bios",
        "boot",
        "console",
        "deploy",
        "firmware",
        "inspect",
        "management",
        "network",
        "power",
        "raid",
        "rescue",
        "storage",
        "vendor",
    ] {
        if let Some(object) = node.as_object_mut() {
            object.insert(format!("{interface}_interface"), json!("no-interface"));
        }
    }
    node
}

/// The ports as the node service shows them: the one that the machine boots from, or all of the large machine.
pub fn ports(number: u32) -> Vec<Value> {
    let count = if number == LARGE { size(number).0 } else { 1 };
    (0..count).map(|interface| port(number, interface)).collect()
}

/// The port of an interface.
pub fn port(number: u32, interface: u8) -> Value {
    let salt = (1 + u128::from(interface)) << 64;
    json!({
        "uuid": Uuid::from_u128(uuid(number).as_u128() ^ salt), "node_uuid": uuid(number),
        "address": mac(number, interface), "pxe_enabled": interface == 0, "extra": {}, "local_link_connection": {},
        "physical_network": null, "portgroup_uuid": null, "internal_info": {}, "is_smartnic": false,
        "created_at": "2026-11-01T10:00:00+00:00", "updated_at": null,
    })
}

/// Digits that look like chance and differ between machines.
fn noise(number: u32, salt: u32) -> u64 {
    // The finalizer of SplitMix64.
    let mut value = (u64::from(number) << 32 | u64::from(salt)).wrapping_add(0x9e37_79b9_7f4a_7c15);
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// What the ramdisk of a machine posts: about 18 KB.
pub fn document(number: u32) -> Vec<u8> {
    let (interfaces, disks) = size(number);
    let interfaces: Vec<Value> = (0..interfaces).map(|index| interface(number, index)).collect();
    let disks: Vec<Value> = (0..disks).map(|index| disk(number, index)).collect();
    let root_disk = disks.first().cloned();
    let boot_interface = format!("01-{}", mac(number, 0).replace(':', "-"));
    let document = json!({
        "inventory": {
            "interfaces": interfaces, "disks": disks,
            "cpu": {"model_name": "Example CPU 6338 @ 2.00GHz", "frequency": "3200.0000", "count": 128,
                "architecture": "x86_64", "flags": flags()},
            "memory": {"total": 540_000_000_000_u64 + noise(number, 1) % 1_000_000, "physical_mb": 524_288},
            "bmc_address": bmc_address(number), "bmc_v6address": "::/0",
            "system_vendor": {"product_name": "Server 2U", "serial_number": serial(number, 2),
                "manufacturer": "Example", "firmware": {"vendor": "Example", "version": "2.1.8",
                "build_date": "04/30/2024"}},
            "boot": {"current_boot_mode": "uefi", "pxe_interface": boot_interface},
            "hostname": format!("machine-{number}"), "usb_devices": [],
        },
        "root_disk": root_disk, "boot_interface": boot_interface,
        "configuration": {"collectors": ["default", "logs", "pci-devices"],
            "managers": [{"name": "generic_hardware_manager", "version": "1.2"}]},
        "pci_devices": (0..24).map(|index| pci_device(number, index)).collect::<Vec<Value>>(),
        "error": null,
    });
    document.to_string().into_bytes()
}

fn serial(number: u32, salt: u32) -> String {
    format!("{:016X}", noise(number, salt))
}

fn flags() -> Vec<&'static str> {
    "fpu vme de pse tsc msr pae mce cx8 apic sep mtrr pge mca cmov pat pse36 clflush dts acpi mmx fxsr sse sse2 \
     ss ht tm pbe syscall nx pdpe1gb rdtscp lm constant_tsc art arch_perfmon pebs bts rep_good nopl xtopology \
     nonstop_tsc cpuid aperfmperf pni pclmulqdq dtes64 monitor ds_cpl vmx smx est tm2 ssse3 sdbg fma cx16 xtpr \
     pdcm pcid dca sse4_1 sse4_2 x2apic movbe popcnt tsc_deadline_timer aes xsave avx f16c rdrand lahf_lm abm"
        .split_whitespace()
        .collect()
}

fn interface(number: u32, index: u8) -> Value {
    let salt = 100 + u32::from(index);
    let lldp: Vec<Value> = (1..8)
        .map(|kind| {
            json!([
                kind,
                format!("{:016x}{:016x}", noise(number, salt * 10 + kind), noise(index.into(), kind))
            ])
        })
        .collect();
    let address = (index == 0).then(|| format!("198.18.{}.{}", number % 250, index));
    json!({"name": format!("eno{index}"), "mac_address": mac(number, index), "ipv4_address": address,
        "ipv6_address": null, "has_carrier": index < 2, "lldp": lldp, "vendor": "0x8086",
        "product": "0x1572", "client_id": null, "biosdevname": null, "speed_mbps": 25000,
        "pci_address": format!("0000:{index:02x}:00.0"), "driver": "i40e"})
}

fn disk(number: u32, index: u32) -> Value {
    let serial = serial(number, 1000 + index);
    json!({"name": format!("/dev/sd{index}"), "model": "MZ7LH1T9HMLT0D3", "size": 1_920_383_410_176_u64,
        "rotational": false, "wwn": format!("0x{serial}"), "serial": serial, "vendor": "ATA",
        "wwn_with_extension": format!("0x{serial}"), "wwn_vendor_extension": null,
        "hctl": format!("0:0:{index}:0"), "by_path": format!("/dev/disk/by-path/pci-0000:3b:00.0-sas-{index}"),
        "logical_sectors": 512, "physical_sectors": 4096})
}

fn pci_device(number: u32, index: u32) -> Value {
    json!({"vendor_id": "8086", "product_id": format!("{:04x}", noise(7, index) % 65536), "class": "0x020000",
        "revision": "04", "bus": format!("0000:{:02x}:{index:02x}.0", number % 4)})
}
