//! The basic TLVs of IEEE 802.1AB: who the switch is, which of its ports it is, what it can do.

use serde_json::Value;

use super::cursor::Cursor;
use super::findings::{Findings, bit_names};
use super::{Parsed, Tlv, address};

const CAPABILITIES: [Option<&str>; 11] = [
    None,
    Some("Repeater"),
    Some("Bridge"),
    Some("WLAN"),
    Some("Router"),
    Some("Telephone"),
    Some("DOCSIS cable device"),
    Some("Station only"),
    Some("C-Vlan"),
    Some("S-Vlan"),
    Some("TPMR"),
];

pub(super) fn parse(kind: u8, cursor: &mut Cursor<'_>, findings: &mut Findings) -> Parsed {
    let outcome = match kind {
        0 | 3 => Some(()),
        1 => chassis(cursor).map(|id| findings.set("switch_chassis_id", id)),
        2 => port(cursor).map(|id| findings.set("switch_port_id", id)),
        4 => cursor.text().map(|text| findings.set("switch_port_description", text)),
        5 => cursor.text().map(|text| findings.set("switch_system_name", text)),
        6 => cursor.text().map(|text| findings.set("switch_system_description", text)),
        7 => capabilities(cursor, findings),
        8 => management_address(cursor, findings),
        _ => return Parsed::Unknown,
    };
    outcome.into()
}

/// An identifier: text, an address, or null for an address of an unknown family.
fn chassis(cursor: &mut Cursor<'_>) -> Option<Value> {
    match cursor.u8()? {
        1 | 2 | 3 | 6 | 7 => cursor.text().map(Value::from),
        4 => address::mac(cursor).map(Value::from),
        5 => address::network(cursor).map(Value::from),
        _ => None,
    }
}

fn port(cursor: &mut Cursor<'_>) -> Option<Value> {
    match cursor.u8()? {
        1 | 2 | 5 | 7 => cursor.text().map(Value::from),
        3 => address::mac(cursor).map(Value::from),
        4 => address::network(cursor).map(Value::from),
        _ => None,
    }
}

fn capabilities(cursor: &mut Cursor<'_>, findings: &mut Findings) -> Option<()> {
    let (supported, enabled) = (cursor.u16()?, cursor.u16()?);
    cursor.end()?;
    findings.set("switch_capabilities_support", bit_names(supported, &CAPABILITIES));
    findings.set("switch_capabilities_enabled", bit_names(enabled, &CAPABILITIES));
    Some(())
}

/// The length of the address says nothing that its family does not.
fn management_address(cursor: &mut Cursor<'_>, findings: &mut Findings) -> Option<()> {
    cursor.u8()?;
    if let Some(address) = address::network(cursor)? {
        findings.push("switch_mgmt_addresses", address);
    }
    Some(())
}

/// The MAC address of the switch, where it names itself by one.
#[must_use]
pub fn chassis_mac(tlvs: &[Tlv]) -> Option<String> {
    let mac = |tlv: &Tlv| {
        let mut cursor = Cursor::new(&tlv.value);
        if cursor.u8()? == 4 { address::mac(&mut cursor) } else { None }
    };
    tlvs.iter().filter(|tlv| tlv.kind == 1).find_map(mac)
}

/// The name of the switch's port.
#[must_use]
pub fn port_id(tlvs: &[Tlv]) -> Option<String> {
    let id = |tlv: &Tlv| match port(&mut Cursor::new(&tlv.value))? {
        Value::String(id) if !id.is_empty() => Some(id),
        _ => None,
    };
    tlvs.iter().filter(|tlv| tlv.kind == 2).find_map(id)
}
