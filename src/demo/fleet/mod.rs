//! The simulated machines: who they are, how they are registered, what becomes of them.
//!
//! Invariant: everything about a machine follows from its number, so that two runs can be compared.

pub mod dice;
pub mod fate;
pub mod models;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde_json::Value;
use uuid::Uuid;

use self::dice::Dice;
use self::fate::Fate;
use self::models::Model;
use crate::mac::Mac;
use crate::node_service::local::register::Registration;

/// One machine.
#[derive(Clone, Debug)]
pub struct Machine {
    /// Its number, from zero.
    pub index: u32,
    /// Its identity in the registry.
    pub uuid: Uuid,
    /// Its name in the registry.
    pub name: String,
    /// What becomes of it.
    pub fate: Fate,
    /// What it is.
    pub model: &'static Model,
    /// Its MAC addresses, one for each interface of the model.
    pub macs: Vec<Mac>,
    /// The address of its BMC.
    pub bmc: IpAddr,
    /// Its serial number.
    pub serial: String,
    /// When its introspection is started, in thousandths of the time in which all are.
    pub starts_permille: u32,
    /// How long it boots, in thousandths of the time-out.
    pub boots_permille: u32,
    /// For whatever else is to differ.
    pub dice: Dice,
}

impl Machine {
    /// The machine with this number.
    #[must_use]
    pub fn new(index: u32) -> Self {
        let mut dice = Dice::new(u64::from(index));
        let model = models::of(index);
        let random = u128::from(dice.roll()) << 64 | u128::from(dice.roll());
        Self {
            index,
            uuid: uuid::Builder::from_random_bytes(random.to_be_bytes()).into_uuid(),
            name: format!("demo-{:03}", index.saturating_add(1)),
            fate: Fate::of(index),
            model,
            macs: (0..model.nics.len())
                .filter_map(|nic| mac(model, index, u8::try_from(nic).ok()?))
                .collect(),
            bmc: bmc(index),
            serial: format!("{:07X}", dice.between(0, 1 << 28)),
            starts_permille: permille(dice.between(0, 1000)),
            boots_permille: permille(dice.between(100, 500)),
            dice,
        }
    }

    /// The machine as an operator registers it. Some are known by their BMC, some by the first interface, some by
    /// both; those without interfaces are among those known by their BMC.
    #[must_use]
    pub fn registration(&self) -> Registration {
        let by_mac = matches!(self.index & 3, 0 | 3);
        let by_bmc = self.index & 3 != 3;
        let bmc = by_bmc.then(|| ("ipmi_address".to_owned(), Value::from(self.bmc.to_string())));
        Registration {
            name: Some(self.name.clone()),
            macs: self.macs.iter().take(usize::from(by_mac)).cloned().collect(),
            driver_info: bmc.into_iter().collect(),
            ..Registration::new(self.uuid)
        }
    }

    /// The MAC address of its BMC.
    #[must_use]
    pub fn bmc_mac(&self) -> Option<Mac> {
        mac(self.model, self.index, 0xf0)
    }
}

fn permille(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(1000)
}

fn mac(model: &Model, index: u32, nic: u8) -> Option<Mac> {
    let [_, _, high, low] = index.to_be_bytes();
    format!("{}:{high:02x}:{low:02x}:{nic:02x}", model.oui).parse().ok()
}

/// Addresses of documentation: IPv4 as far as they last, and IPv6.
fn bmc(index: u32) -> IpAddr {
    match u8::try_from(index.saturating_add(1)) {
        Ok(host) if host < 255 && index.checked_rem(3) != Some(2) => Ipv4Addr::new(198, 51, 100, host).into(),
        _ => Ipv6Addr::from(0x2001_0db8_0000_000b_0000_0000_0000_0001 | u128::from(index) << 16).into(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_machine_is_the_same_in_every_run_and_like_no_other() {
        let fleet: Vec<Machine> = (0..1000).map(Machine::new).collect();
        assert_eq!(fleet[7].registration(), Machine::new(7).registration());
        let distinct = |values: Vec<String>| values.iter().collect::<HashSet<_>>().len() == values.len();
        assert!(distinct(fleet.iter().map(|machine| machine.uuid.to_string()).collect()));
        assert!(distinct(fleet.iter().map(|machine| machine.bmc.to_string()).collect()));
        assert!(distinct(fleet.iter().flat_map(|machine| &machine.macs).map(Mac::to_string).collect()));
    }

    #[test]
    fn every_machine_can_be_recognised_by_what_it_posts() {
        for machine in (0..64).map(Machine::new) {
            let registered = machine.registration();
            let by_bmc = !registered.driver_info.is_empty();
            let by_mac = !registered.macs.is_empty() && machine.fate != Fate::LacksInterfaces;
            assert!(by_bmc || by_mac, "{}", machine.name);
        }
    }
}
