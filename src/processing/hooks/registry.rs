//! The registry: from names in the configuration to hooks. One line a hook.

use super::Hook;
use super::accelerators::Accelerators;
use super::capabilities::Capabilities;
use super::example::Example;
use super::extra_hardware::ExtraHardware;
use super::lldp_basic::LldpBasic;
use super::local_link_connection::LocalLinkConnection;
use super::pci_devices::PciDevices;
use super::physnet_cidr_map::PhysnetCidrMap;
use super::raid_device::RaidDevice;
use super::ramdisk_error::RamdiskError;
use super::root_disk_selection::RootDiskSelection;
use super::scheduler::Scheduler;
use super::validate_interfaces::ValidateInterfaces;
use crate::config::{self, Config};
use crate::error::{Error, Result};

type Make = fn(&Config) -> Result<Box<dyn Hook>>;

const HOOKS: &[(&str, Make)] = &[
    ("ramdisk_error", |_| Ok(Box::new(RamdiskError))),
    ("root_disk_selection", |config| Ok(Box::new(RootDiskSelection::new(&config.processing)))),
    ("scheduler", |config| Ok(Box::new(Scheduler::new(&config.processing)))),
    ("validate_interfaces", |config| Ok(Box::new(ValidateInterfaces::new(&config.processing)?))),
    ("capabilities", |config| Ok(Box::new(Capabilities::new(&config.capabilities)?))),
    ("pci_devices", |config| Ok(Box::new(PciDevices::new(&config.pci_devices)))),
    ("accelerators", |config| Ok(Box::new(Accelerators::new(&config.accelerators)?))),
    ("extra_hardware", |config| Ok(Box::new(ExtraHardware::new(&config.extra_hardware)))),
    ("raid_device", |_| Ok(Box::new(RaidDevice))),
    ("lldp_basic", |_| Ok(Box::new(LldpBasic))),
    ("local_link_connection", |config| Ok(Box::new(LocalLinkConnection::new(&config.processing)))),
    ("physnet_cidr_map", |config| {
        Ok(Box::new(PhysnetCidrMap::new(&config.port_physnet, &config.processing)?))
    }),
    ("example", |_| Ok(Box::new(Example))),
];

/// The names of all hooks that there are.
pub fn all_names() -> impl Iterator<Item = &'static str> {
    HOOKS.iter().map(|(name, _)| *name)
}

/// Makes the configured hooks, in their order; a hook named twice runs once.
///
/// # Errors
///
/// Names that are no hooks, and options that their hook refuses.
pub fn hooks(config: &Config) -> Result<Vec<Box<dyn Hook>>> {
    let names = names(&config.processing);
    refuse_unknown(&names)?;
    let made = names.iter().filter_map(|name| HOOKS.iter().find(|(known, _)| known == name));
    made.map(|(_, make)| make(config)).collect()
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
    let names = missing.join(", ");
    Err(Error::bad_request(format!("The following hook(s) are missing or failed to load: {names}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(processing_hooks: &str) -> Result<Vec<&'static str>> {
        let processing = config::Processing {
            processing_hooks: processing_hooks.to_owned(),
            ..config::Processing::default()
        };
        let config = Config { processing, ..Config::default() };
        Ok(hooks(&config)?.iter().map(|hook| hook.name()).collect())
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
            assert_eq!(made(name).unwrap(), [*name]);
        }
    }

    #[test]
    fn unknown_hooks_are_named() {
        assert_eq!(
            made("nonsense,scheduler,bogus").unwrap_err().text,
            "The following hook(s) are missing or failed to load: nonsense, bogus"
        );
    }
}
