//! LLDP: what the switch at the other end of a cable says of itself.
//!
//! Pure. `source` finds the TLVs (type, length, value) of an interface, `basic` and the files of the
//! organisations know their layouts, `Findings` holds what came out. Invariant: nothing that a switch sends can
//! fail; a TLV that is damaged or not known is left out with a warning. It must not know nodes or ports.

mod address;
mod basic;
mod cursor;
mod dot1;
mod dot3;
mod findings;
mod mau;
mod med;
mod source;
#[cfg(test)]
mod tests;

pub use basic::{chassis_mac, port_id};
pub use source::{MAX_TLVS, MAX_VALUE_BYTES, Tlv, of_interface};

use super::inventory::loggable;
use crate::node_service::Object;
use cursor::Cursor;
use findings::Findings;

/// An organisation's own TLVs: how to read one of its subtypes.
type Layout = fn(u8, &mut Cursor<'_>, &mut Findings) -> Parsed;

/// What became of a TLV.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Parsed {
    /// It was read, or means nothing to anybody here.
    Done,
    /// It is shorter, longer or otherwise other than its layout.
    Damaged,
    /// Its type or subtype is not known.
    Unknown,
}

impl From<Option<()>> for Parsed {
    fn from(outcome: Option<()>) -> Self {
        outcome.map_or(Self::Damaged, |()| Self::Done)
    }
}

/// The organisations whose TLVs are known.
const ORGANISATIONS: [([u8; 3], Layout); 3] =
    [([0x00, 0x80, 0xc2], dot1::parse), ([0x00, 0x12, 0x0f], dot3::parse), ([0x00, 0x12, 0xbb], med::parse)];

/// What the TLVs say, under the names of the contract. Of values that can be there once, the first counts.
#[must_use]
pub fn parse(tlvs: &[Tlv], interface: &str) -> Object {
    let mut findings = Findings::default();
    // One line an interface, whatever its switch sends.
    let mut damaged: Vec<u8> = Vec::new();
    for tlv in tlvs {
        let cursor = &mut Cursor::new(&tlv.value);
        let parsed = match tlv.kind {
            127 => organisation(cursor, &mut findings),
            kind => basic::parse(kind, cursor, &mut findings),
        };
        let kind = tlv.kind;
        match parsed {
            Parsed::Done => {}
            Parsed::Damaged => damaged.push(kind),
            Parsed::Unknown => {
                log::debug!("An unknown LLDP TLV is left out interface={} type={kind}", loggable(interface))
            }
        }
    }
    if let Some(kind) = damaged.first() {
        let (interface, count) = (loggable(interface), damaged.len());
        log::warn!("Damaged LLDP TLVs are left out interface={interface} first_type={kind} count={count}");
    }
    findings.into_object()
}

fn organisation(cursor: &mut Cursor<'_>, findings: &mut Findings) -> Parsed {
    let (Some(oui), Some(subtype)) = (cursor.array::<3>(), cursor.u8()) else { return Parsed::Damaged };
    match ORGANISATIONS.iter().find(|(known, _)| *known == oui) {
        Some((_, layout)) => layout(subtype, cursor, findings),
        None => Parsed::Unknown,
    }
}
