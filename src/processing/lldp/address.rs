//! Addresses as LLDP writes them.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::cursor::Cursor;

/// A MAC address of six octets.
pub(super) fn mac(cursor: &mut Cursor<'_>) -> Option<String> {
    let octets: [u8; 6] = cursor.array()?;
    Some(octets.map(|octet| format!("{octet:02x}")).join(":"))
}

/// A network address after its family. The inner value is missing where the family is not known.
pub(super) fn network(cursor: &mut Cursor<'_>) -> Option<Option<String>> {
    match cursor.u8()? {
        1 => Some(Some(Ipv4Addr::from(cursor.array::<4>()?).to_string())),
        2 => Some(Some(Ipv6Addr::from(cursor.array::<16>()?).to_string())),
        6 => Some(Some(mac(cursor)?)),
        _ => Some(None),
    }
}
