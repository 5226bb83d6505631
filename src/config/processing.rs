//! `[processing]`, `[capabilities]` and `[pci_devices]`: what is done with the ramdisk's data.

use std::path::PathBuf;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

/// The hooks that run where nothing else is said.
pub const DEFAULT_HOOKS: &str =
    "ramdisk_error,root_disk_selection,scheduler,validate_interfaces,capabilities,pci_devices";

/// `[processing]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Processing {
    /// Which interfaces become ports.
    pub add_ports: AddPorts,
    /// Which existing ports stay.
    pub keep_ports: KeepPorts,
    /// Whether values that the node has already are replaced.
    pub overwrite_existing: bool,
    /// Whether `pxe_enabled` of ports follows the boot interface.
    pub update_pxe_enabled: bool,
    /// Whether a GiB of the root disk is left for partitioning (`local_gb` minus 1).
    pub disk_partitioning_spacing: bool,
    /// Hooks to run, comma separated; `$default_processing_hooks` stands for the default ones.
    pub processing_hooks: String,
    /// What `$default_processing_hooks` stands for.
    pub default_processing_hooks: String,
    /// What is done with data of an unknown node.
    pub node_not_found_hook: Option<String>,
    /// Whether nodes in use (`active`, `rescue`) may post data.
    pub permit_active_introspection: bool,
    /// Whether the machine is powered off when the data is processed.
    pub power_off: bool,
    /// Where introspection data is stored.
    pub store_data: String,
    /// Folder of the ramdisk's logs.
    pub ramdisk_logs_dir: Option<PathBuf>,
    /// Whether logs are stored of successful runs too.
    pub always_store_ramdisk_logs: bool,
    /// Name of a log file; fields `{uuid}`, `{mac}`, `{bmc}`, `{dt:<strftime>}`.
    pub ramdisk_logs_filename_format: String,
}

impl Default for Processing {
    fn default() -> Self {
        Self {
            add_ports: AddPorts::Pxe,
            keep_ports: KeepPorts::All,
            overwrite_existing: true,
            update_pxe_enabled: true,
            disk_partitioning_spacing: true,
            processing_hooks: "$default_processing_hooks".to_owned(),
            default_processing_hooks: DEFAULT_HOOKS.to_owned(),
            node_not_found_hook: None,
            permit_active_introspection: false,
            power_off: true,
            store_data: "none".to_owned(),
            ramdisk_logs_dir: None,
            always_store_ramdisk_logs: false,
            ramdisk_logs_filename_format: "{uuid}_{dt:%Y%m%d-%H%M%S.%f}.tar.gz".to_owned(),
        }
    }
}

/// Which interfaces become ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AddPorts {
    /// All but loopback.
    All,
    /// Those with an IP address.
    Active,
    /// The one that booted from the network.
    Pxe,
    /// None.
    Disabled,
}

/// Which existing ports stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeepPorts {
    /// All.
    All,
    /// Those of interfaces that the machine has.
    Present,
    /// Those of interfaces that become ports.
    Added,
}

/// `[capabilities]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Capabilities {
    /// Whether `boot_mode` is set.
    pub boot_mode: bool,
    /// CPU flag to capability, in this order.
    pub cpu_flags: IndexMap<String, String>,
}

impl Default for Capabilities {
    fn default() -> Self {
        let pairs = [
            ("vmx", "cpu_vt"),
            ("svm", "cpu_vt"),
            ("aes", "cpu_aes"),
            ("pse", "cpu_hugepages"),
            ("pdpe1gb", "cpu_hugepages_1g"),
            ("smx", "cpu_txt"),
        ];
        let cpu_flags = pairs.into_iter().map(|(flag, name)| (flag.to_owned(), name.to_owned())).collect();
        Self { boot_mode: false, cpu_flags }
    }
}

/// `[pci_devices]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PciDevices {
    /// Each a JSON object with exactly `vendor_id`, `product_id` and `name`.
    pub alias: Vec<String>,
}
