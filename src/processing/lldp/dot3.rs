//! TLVs of IEEE 802.3 (OUI 00-12-0f): speed, power, link aggregation, frame size.

use serde_json::Value;

use super::cursor::Cursor;
use super::findings::{Findings, bit_names};
use super::{Parsed, dot1, mau};

/// What the port can do, lowest bit first.
const PHYSICAL_CAPABILITIES: [Option<&str>; 15] = [
    Some("1000BASE-T fdx"),
    Some("1000BASE-T hdx"),
    Some("1000BASE-X fdx"),
    Some("1000BASE-X hdx"),
    Some("Asym and Sym PAUSE fdx"),
    Some("Sym PAUSE fdx"),
    Some("Asym PAUSE fdx"),
    Some("PAUSE fdx"),
    Some("100BASE-T2 fdx"),
    Some("100BASE-T2 hdx"),
    Some("100BASE-TX fdx"),
    Some("100BASE-TX hdx"),
    // The standard says 100BASE-T4; clients know this name.
    Some("10BASE-T4"),
    Some("10BASE-T fdx"),
    Some("10BASE-T hdx"),
];

pub(super) fn parse(subtype: u8, cursor: &mut Cursor<'_>, findings: &mut Findings) -> Parsed {
    let outcome = match subtype {
        1 => mac_and_phy(cursor, findings),
        2 => power(cursor, findings),
        3 => dot1::link_aggregation(cursor, findings),
        4 => cursor.u16().map(|bytes| findings.set("switch_port_mtu", bytes)),
        _ => return Parsed::Unknown,
    };
    outcome.into()
}

fn mac_and_phy(cursor: &mut Cursor<'_>, findings: &mut Findings) -> Option<()> {
    let (negotiation, capabilities, mau_type) = (cursor.u8()?, cursor.u16()?, cursor.u16()?);
    cursor.end()?;
    let mut names = bit_names(capabilities, &PHYSICAL_CAPABILITIES);
    names.sort_unstable();
    findings.set("switch_port_autonegotiation_enabled", negotiation & 0x02 != 0);
    findings.set("switch_port_autonegotiation_support", negotiation & 0x01 != 0);
    findings.set("switch_port_physical_capabilities", names);
    findings.set("switch_port_mau_type", mau::name(mau_type).map_or(Value::from(mau_type), Value::from));
    Some(())
}

/// Power over the cable. Later editions append members, which are left out.
fn power(cursor: &mut Cursor<'_>, findings: &mut Findings) -> Option<()> {
    let (support, pairs, class) = (cursor.u8()?, cursor.u8()?, cursor.u8()?);
    findings.set("switch_port_power_source", support & 0x01 != 0);
    findings.set("switch_port_power_support", support & 0x02 != 0);
    findings.set("switch_port_power_enabled", support & 0x04 != 0);
    findings.set("switch_port_power_pairs", pairs);
    // Class 0 is written as 1.
    if let Some(class) = class.checked_sub(1) {
        findings.set("switch_port_power_class", class);
    }
    Some(())
}
