//! TLVs of IEEE 802.1 (OUI 00-80-c2): VLANs, protocols, link aggregation.

use serde_json::json;

use super::Parsed;
use super::cursor::Cursor;
use super::findings::Findings;

pub(super) fn parse(subtype: u8, cursor: &mut Cursor<'_>, findings: &mut Findings) -> Parsed {
    let outcome = match subtype {
        1 => cursor.u16().map(|vlan| findings.set("switch_port_untagged_vlan_id", vlan)),
        2 => protocol_vlan(cursor, findings),
        3 => vlan_name(cursor, findings),
        4 => protocol_identity(cursor, findings),
        5 => cursor.u32().map(|digest| findings.set("switch_port_vid_usage_digest", digest)),
        6 => cursor.u16().map(|vlan| findings.set("switch_port_management_vlan_id", vlan)),
        7 => link_aggregation(cursor, findings),
        _ => return Parsed::Unknown,
    };
    outcome.into()
}

fn protocol_vlan(cursor: &mut Cursor<'_>, findings: &mut Findings) -> Option<()> {
    let (flags, vlan) = (cursor.u8()?, cursor.u16()?);
    cursor.end()?;
    findings.set("switch_port_protocol_vlan_enabled", flags & 0x04 != 0);
    findings.set("switch_port_protocol_vlan_support", flags & 0x02 != 0);
    findings.push("switch_port_protocol_vlan_ids", vlan);
    Some(())
}

fn vlan_name(cursor: &mut Cursor<'_>, findings: &mut Findings) -> Option<()> {
    let (vlan, length) = (cursor.u16()?, cursor.u8()?);
    let name = std::str::from_utf8(cursor.take(length.into())?).ok()?;
    findings.push("switch_port_vlans", json!({"name": name.trim_end_matches('\0'), "id": vlan}));
    Some(())
}

fn protocol_identity(cursor: &mut Cursor<'_>, findings: &mut Findings) -> Option<()> {
    let length = cursor.u8()?;
    let identity: String = cursor.take(length.into())?.iter().map(|byte| format!("{byte:02x}")).collect();
    findings.push("switch_protocol_identities", identity);
    Some(())
}

/// The same layout stands under IEEE 802.3; whichever comes first counts.
pub(super) fn link_aggregation(cursor: &mut Cursor<'_>, findings: &mut Findings) -> Option<()> {
    let (status, id) = (cursor.u8()?, cursor.u32()?);
    cursor.end()?;
    findings.set("switch_port_link_aggregation_enabled", status & 0x02 != 0);
    findings.set("switch_port_link_aggregation_support", status & 0x01 != 0);
    findings.set("switch_port_link_aggregation_id", id);
    Some(())
}
