//! The pre phase: the interfaces of the inventory, and those of them that may become ports.

use std::net::IpAddr;

use serde_json::{Value, json};

use super::HookError;
use crate::config::AddPorts;
use crate::mac::Mac;
use crate::node_service::Object;
use crate::processing::inventory::{self, loggable};
use crate::processing::python::{to_text, truthy};

/// All interfaces with a name and a valid MAC address, by name.
pub(super) fn all_interfaces(document: &Object) -> Result<Object, HookError> {
    let boot_mac = inventory::likely_boot_mac(document);
    let reported = inventory::object(document, "", "inventory")?
        .map(|inventory| inventory::list(inventory, "inventory", "interfaces"))
        .transpose()?
        .flatten();
    let mut found = Object::new();
    for (place, interface) in inventory::objects(reported.unwrap_or_default(), "inventory.interfaces")? {
        let Some(name) = inventory::text(interface, &place, "name")? else {
            log::error!("An interface without a name is left out: {place}");
            continue;
        };
        let Some(mac) = mac_of(interface, name) else { continue };
        found.insert(name.to_owned(), entry(interface, &place, &mac, boot_mac.as_ref())?);
    }
    Ok(found)
}

fn mac_of(interface: &Object, name: &str) -> Option<Mac> {
    let Some(reported) = truthy(interface, "mac_address") else {
        log::debug!("Interface {name:?} is left out: it has no MAC address");
        return None;
    };
    let mac = reported.as_str().and_then(|text| text.parse().ok());
    if mac.is_none() {
        let (name, shown) = (loggable(name), loggable(&to_text(reported)));
        log::warn!("Interface {name} is left out: its MAC address is not valid: {shown}");
    }
    mac
}

fn entry(interface: &Object, place: &str, mac: &Mac, boot_mac: Option<&Mac>) -> Result<Value, HookError> {
    let v4 = inventory::text(interface, place, "ipv4_address")?;
    let ip = match v4 {
        Some(address) => Some(address),
        None => inventory::text(interface, place, "ipv6_address")?,
    };
    let without_zone = ip.map(|ip| ip.split_once('%').map_or(ip, |(address, _)| address));
    let client_id = interface.get("client_id").unwrap_or(&Value::Null);
    Ok(json!({"ip": without_zone, "mac": mac, "client_id": client_id, "pxe": boot_mac == Some(mac)}))
}

/// The part of the interfaces that may become ports (processing 2.8.4).
pub(super) fn suitable(
    all: &Object,
    add_ports: AddPorts,
    boot_mac: Option<&Mac>,
) -> Result<Object, HookError> {
    if add_ports == AddPorts::Pxe && boot_mac.is_none() {
        log::warn!("No boot interface in the data: all interfaces with an IP address are taken");
    }
    let mut kept = Object::new();
    for (name, entry) in all {
        let ip = entry.get("ip").and_then(Value::as_str);
        let other_than_boot =
            boot_mac.is_some_and(|mac| entry.get("mac").and_then(Value::as_str) != Some(mac.as_str()));
        let dropped = name == "lo"
            || is_loopback(name, ip)?
            || (add_ports == AddPorts::Pxe && other_than_boot)
            || (add_ports != AddPorts::All && ip.is_none());
        if !dropped {
            kept.insert(name.clone(), entry.clone());
        }
    }
    Ok(kept)
}

fn is_loopback(name: &str, ip: Option<&str>) -> Result<bool, HookError> {
    let Some(ip) = ip else { return Ok(false) };
    let address: IpAddr = ip.parse().map_err(|_| {
        HookError::Expected(format!(
            "Invalid introspection data: the IP address {ip:?} of interface {name} is not valid"
        ))
    })?;
    Ok(address.is_loopback())
}
