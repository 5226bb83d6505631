//! What the switches tell a simulated machine: the TLVs of one LLDP packet.

use serde_json::{Value, json};

use crate::demo::fleet::Machine;

/// Machines in one rack.
const RACK: u32 = 16;

/// The TLVs that an interface hears: two switches in each rack, one port for each machine.
pub(super) fn advertisement(machine: &Machine, interface: usize) -> Vec<Value> {
    let rack = machine.index.checked_div(RACK).unwrap_or(0).saturating_add(1);
    let slot = machine.index.checked_rem(RACK).unwrap_or(0).saturating_add(1);
    let switch = interface.saturating_add(1);
    let [_, _, high, low] = rack.to_be_bytes();
    let side = u8::try_from(switch).unwrap_or(0);
    vec![
        tlv(1, &[4, 0xa8, 0x3f, 0xa1, high, low, side]),
        tlv(2, &named(5, &format!("Ethernet{slot}"))),
        tlv(3, &[0, 120]),
        tlv(4, format!("{} nic{interface}", machine.name).as_bytes()),
        tlv(5, format!("tor-{rack}-{switch}.example.net").as_bytes()),
        tlv(6, b"ExampleNOS 5.2"),
        tlv(7, &[0, 0x14, 0, 0x14]),
        tlv(8, &[5, 1, 203, 0, 113, low.wrapping_mul(2).wrapping_add(side), 2, 0, 0, 0, 10, 0]),
        tlv(127, &[0, 0x80, 0xc2, 1, 2, 0x59]),
        tlv(127, &[0, 0x12, 0x0f, 4, 0x24, 0]),
        tlv(0, &[]),
    ]
}

fn named(subtype: u8, name: &str) -> Vec<u8> {
    std::iter::once(subtype).chain(name.bytes()).collect()
}

fn tlv(kind: u8, value: &[u8]) -> Value {
    let hex: String = value.iter().map(|byte| format!("{byte:02x}")).collect();
    json!([kind, hex])
}
