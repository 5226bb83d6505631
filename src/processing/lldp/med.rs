//! TLVs of LLDP-MED (OUI 00-12-bb): the device itself, network policies, power. The ancestor leaves them out.

use serde_json::json;

use super::Parsed;
use super::cursor::Cursor;
use super::findings::{Findings, bit_names};

const CAPABILITIES: [Option<&str>; 6] = [
    Some("LLDP-MED Capabilities"),
    Some("Network Policy"),
    Some("Location Identification"),
    Some("Extended Power via MDI-PSE"),
    Some("Extended Power via MDI-PD"),
    Some("Inventory"),
];

pub(super) fn parse(subtype: u8, cursor: &mut Cursor<'_>, findings: &mut Findings) -> Parsed {
    let outcome = match subtype {
        1 => capabilities(cursor, findings),
        2 => network_policy(cursor, findings),
        4 => power(cursor, findings),
        5 => text("switch_med_hardware_revision", cursor, findings),
        6 => text("switch_med_firmware_revision", cursor, findings),
        7 => text("switch_med_software_revision", cursor, findings),
        8 => text("switch_med_serial_number", cursor, findings),
        9 => text("switch_med_manufacturer", cursor, findings),
        10 => text("switch_med_model", cursor, findings),
        11 => text("switch_med_asset_id", cursor, findings),
        _ => return Parsed::Unknown,
    };
    outcome.into()
}

fn text(name: &str, cursor: &mut Cursor<'_>, findings: &mut Findings) -> Option<()> {
    cursor.text().map(|text| findings.set(name, text))
}

fn capabilities(cursor: &mut Cursor<'_>, findings: &mut Findings) -> Option<()> {
    let (capabilities, device_type) = (cursor.u16()?, cursor.u8()?);
    findings.set("switch_med_capabilities", bit_names(capabilities, &CAPABILITIES));
    findings.set("switch_med_device_type", device_type);
    Some(())
}

/// Which VLAN and priority a kind of traffic is to use: two flags, twelve bits of VLAN, three of priority, six of
/// DSCP, after the kind and in front of them all the flag "unknown".
fn network_policy(cursor: &mut Cursor<'_>, findings: &mut Findings) -> Option<()> {
    let bits = cursor.u32()?;
    let part = |shift: u32, width: u32| bits.checked_shr(shift).unwrap_or_default() & ((1 << width) - 1);
    let policy = json!({
        "application": part(24, 8), "unknown": part(23, 1) == 1, "tagged": part(22, 1) == 1,
        "vlan_id": part(9, 12), "priority": part(6, 3), "dscp": part(0, 6)});
    findings.push("switch_med_network_policies", policy);
    Some(())
}

/// Tenths of a watt, after type, source and priority.
fn power(cursor: &mut Cursor<'_>, findings: &mut Findings) -> Option<()> {
    cursor.u8()?;
    let tenths = cursor.u16()?;
    findings.set("switch_med_power_mw", u32::from(tenths) * 100);
    Some(())
}
