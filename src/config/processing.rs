//! `[processing]`, `[capabilities]` and `[pci_devices]`: what is done with the ramdisk's data.

use std::path::PathBuf;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::forms;
use super::spec::{Kind, Section, works};

/// What stands in the file about `[processing]`.
pub(super) const PROCESSING: Section = Section {
    name: "processing",
    help: "What is done with the ramdisk's data.",
    options: &[
        works(
            "add_ports",
            Kind::Choice(&["all", "active", "pxe", "disabled"]),
            Some("\"pxe\""),
            "Which interfaces become ports.",
        ),
        works(
            "keep_ports",
            Kind::Choice(&["all", "present", "added"]),
            Some("\"all\""),
            "Which existing ports stay.",
        ),
        works("overwrite_existing", Kind::Bool, Some("true"), "Whether values that a node has are replaced."),
        works(
            "update_pxe_enabled",
            Kind::Bool,
            Some("true"),
            "Whether pxe_enabled of ports follows the boot interface; takes overwrite_existing.",
        ),
        works(
            "disk_partitioning_spacing",
            Kind::Bool,
            Some("true"),
            "Whether a GiB of the root disk is left for partitioning.",
        ),
        works(
            "processing_hooks",
            Kind::CommaText,
            Some("\"$default_processing_hooks\""),
            "Hooks to run, in this order.",
        ),
        works(
            "default_processing_hooks",
            Kind::CommaText,
            Some(
                "\"ramdisk_error,root_disk_selection,scheduler,validate_interfaces,capabilities,pci_devices\"",
            ),
            "What $default_processing_hooks stands for.",
        ),
        works("power_off", Kind::Bool, Some("true"), "Whether machines are powered off when done."),
        works(
            "store_data",
            Kind::Form(forms::DATA_STORE),
            Some("\"none\""),
            "Where introspection data is kept.",
        ),
        works("ramdisk_logs_dir", Kind::Text, None, "Folder of the ramdisk's logs; unset: they are dropped."),
        works(
            "always_store_ramdisk_logs",
            Kind::Bool,
            Some("false"),
            "Whether logs of good runs are kept too.",
        ),
        works(
            "ramdisk_logs_filename_format",
            Kind::Form(forms::LOG_NAME),
            Some("\"{uuid}_{dt:%Y%m%d-%H%M%S.%f}.tar.gz\""),
            "Name of a log file, of {uuid}, {mac}, {bmc} and {dt:FORMAT}.",
        ),
        works(
            "node_not_found_hook",
            Kind::Choice(&["enroll", "example"]),
            None,
            "What is done with data of a node that is not known; unset: it is refused.",
        ),
        works(
            "permit_active_introspection",
            Kind::Bool,
            Some("false"),
            "Whether nodes in use may post data.",
        ),
        works(
            "ignored_lookup_values",
            Kind::List,
            Some("[\"00:00:00:00:00:00\", \"ff:ff:ff:ff:ff:ff\"]"),
            "MAC and BMC addresses that tell nothing about the machine that reports them.",
        ),
        works(
            "rules_match_whole_text",
            Kind::Bool,
            Some("true"),
            "Whether a pattern of the operator matches speaks of the whole text; false: as ironic-inspector has it, of \
             several alternatives (a|b) only the last reaches to the end.",
        ),
    ],
    rest: None,
};

/// What stands in the file about `[capabilities]`.
pub(super) const CAPABILITIES: Section = Section {
    name: "capabilities",
    help: "The hook capabilities.",
    options: &[
        works("boot_mode", Kind::Bool, Some("false"), "Whether boot_mode is set."),
        works(
            "cpu_flags",
            Kind::Dict,
            Some(
                "{ vmx = \"cpu_vt\", svm = \"cpu_vt\", aes = \"cpu_aes\", pse = \"cpu_hugepages\", \
                 pdpe1gb = \"cpu_hugepages_1g\", smx = \"cpu_txt\" }",
            ),
            "Flags of the CPU, and what capability each gives.",
        ),
    ],
    rest: None,
};

/// What stands in the file about `[pci_devices]`.
pub(super) const PCI_DEVICES: Section = Section {
    name: "pci_devices",
    help: "The hook pci_devices.",
    options: &[works(
        "alias",
        Kind::Multi,
        Some("[]"),
        "Devices to count, each a JSON object with vendor_id, product_id and name.",
    )],
    rest: None,
};

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
    pub node_not_found_hook: Option<NotFoundHook>,
    /// Whether nodes in use (`active`, `rescue`) may post data.
    pub permit_active_introspection: bool,
    /// MAC and BMC addresses that nodes are not looked up by.
    pub ignored_lookup_values: Vec<String>,
    /// Whether each alternative of a pattern reaches to the end of the text, and not only the last one.
    pub rules_match_whole_text: bool,
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
            ignored_lookup_values: vec!["00:00:00:00:00:00".to_owned(), "ff:ff:ff:ff:ff:ff".to_owned()],
            rules_match_whole_text: true,
            power_off: true,
            store_data: "none".to_owned(),
            ramdisk_logs_dir: None,
            always_store_ramdisk_logs: false,
            ramdisk_logs_filename_format: "{uuid}_{dt:%Y%m%d-%H%M%S.%f}.tar.gz".to_owned(),
        }
    }
}

/// What is done with data of an unknown node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NotFoundHook {
    /// A node is made for it.
    Enroll,
    /// It is logged and refused: a pattern for hooks of one's own.
    Example,
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
