//! The registry: from names in the configuration to hooks. One line a hook.

use super::Hook;
use super::capabilities::Capabilities;
use super::pci_devices::PciDevices;
use super::ramdisk_error::RamdiskError;
use super::root_disk_selection::RootDiskSelection;
use super::scheduler::Scheduler;
use super::validate_interfaces::ValidateInterfaces;
use crate::config;
use crate::error::{Error, Result};

/// The parts of the configuration that hooks are made from.
#[derive(Clone, Copy, Debug)]
pub struct Sections<'a> {
    /// `[processing]`
    pub processing: &'a config::Processing,
    /// `[capabilities]`
    pub capabilities: &'a config::Capabilities,
    /// `[pci_devices]`
    pub pci_devices: &'a config::PciDevices,
}

type Make = fn(&Sections<'_>) -> Result<Box<dyn Hook>>;

const HOOKS: [(&str, Make); 6] = [
    ("ramdisk_error", |_| Ok(Box::new(RamdiskError))),
    ("root_disk_selection", |from| Ok(Box::new(RootDiskSelection::new(from.processing)))),
    ("scheduler", |from| Ok(Box::new(Scheduler::new(from.processing)))),
    ("validate_interfaces", |from| Ok(Box::new(ValidateInterfaces::new(from.processing)?))),
    ("capabilities", |from| Ok(Box::new(Capabilities::new(from.capabilities)?))),
    ("pci_devices", |from| Ok(Box::new(PciDevices::new(from.pci_devices)))),
];

/// Hooks of the ancestor that are still to come. A hook that arrives moves up.
const NOT_YET: [&str; 7] = [
    "accelerators",
    "example",
    "extra_hardware",
    "lldp_basic",
    "local_link_connection",
    "physnet_cidr_map",
    "raid_device",
];

/// Makes the configured hooks, in their order; a hook named twice runs once.
///
/// # Errors
///
/// Names that are no hooks, and options that their hook refuses.
pub fn hooks(sections: &Sections<'_>) -> Result<Vec<Box<dyn Hook>>> {
    let names = names(sections.processing);
    refuse_unknown(&names)?;
    let made = names.iter().filter_map(|name| HOOKS.iter().find(|(known, _)| known == name));
    made.map(|(_, make)| make(sections)).collect()
}

fn names(options: &config::Processing) -> Vec<String> {
    let listed = ["${default_processing_hooks}", "$default_processing_hooks"]
        .iter()
        .fold(options.processing_hooks.clone(), |text, variable| {
            text.replace(variable, &options.default_processing_hooks)
        });
    let mut names: Vec<String> = Vec::new();
    for name in listed.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    names
}

fn refuse_unknown(names: &[String]) -> Result<()> {
    let missing: Vec<&str> = names
        .iter()
        .map(String::as_str)
        .filter(|name| !HOOKS.iter().any(|(known, _)| known == name))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let mut text = format!("The following hook(s) are missing or failed to load: {}", missing.join(", "));
    for name in missing.iter().filter(|name| NOT_YET.contains(name)) {
        text.push_str(&format!("\nThe hook {name} is not available yet"));
    }
    Err(Error::bad_request(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(processing_hooks: &str) -> Result<Vec<&'static str>> {
        let processing = config::Processing {
            processing_hooks: processing_hooks.to_owned(),
            ..config::Processing::default()
        };
        let (capabilities, pci_devices) = (config::Capabilities::default(), config::PciDevices::default());
        let sections =
            Sections { processing: &processing, capabilities: &capabilities, pci_devices: &pci_devices };
        Ok(hooks(&sections)?.iter().map(|hook| hook.name()).collect())
    }

    #[test]
    fn the_default_hooks_stand_where_the_variable_stands() {
        let defaults: Vec<&str> = config::processing::DEFAULT_HOOKS.split(',').collect();
        assert_eq!(made("$default_processing_hooks").unwrap(), defaults);
        assert_eq!(made("${default_processing_hooks}").unwrap(), defaults);
        assert_eq!(made(" scheduler ,, ramdisk_error,scheduler").unwrap(), ["scheduler", "ramdisk_error"]);
        assert_eq!(made("pci_devices,$default_processing_hooks").unwrap()[0], "pci_devices");
        assert!(made("").unwrap().is_empty());
    }

    #[test]
    fn every_hook_answers_to_its_own_name() {
        for (name, _) in HOOKS {
            assert_eq!(made(name).unwrap(), [name]);
        }
    }

    #[test]
    fn unknown_hooks_are_named() {
        assert_eq!(
            made("nonsense,scheduler,bogus").unwrap_err().text,
            "The following hook(s) are missing or failed to load: nonsense, bogus"
        );
        assert!(made("lldp_basic").unwrap_err().text.ends_with("\nThe hook lldp_basic is not available yet"));
    }
}
