//! Where the TLVs of an interface are, and how they are written there.
//!
//! Invariant: what comes out is bounded, whatever goes in.

use serde_json::Value;

use crate::node_service::Object;
use crate::processing::inventory::loggable;
use crate::processing::python::is_truthy;

/// TLVs that are read of one interface: more do not fit into a frame.
pub const MAX_TLVS: usize = 1024;
/// Bytes of a value: its length on the wire has nine bits.
pub const MAX_VALUE_BYTES: usize = 511;

/// A TLV as it was received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tlv {
    /// Its type.
    pub kind: u8,
    /// Its value.
    pub value: Vec<u8>,
}

/// The TLVs that were received on an interface: those in `lldp_raw`, else those in the interface's own `lldp`.
/// `None`, with a warning, where there is neither.
#[must_use]
pub fn of_interface(document: &Object, name: &str, interface: &Object) -> Option<Vec<Tlv>> {
    let raw = document.get("lldp_raw").and_then(|raw| raw.get(name)).filter(|tlvs| is_truthy(tlvs));
    match raw.or_else(|| interface.get("lldp")) {
        Some(Value::Array(items)) => Some(tlvs(items, name)),
        None | Some(Value::Null) => {
            log::warn!("No LLDP data for interface {}", loggable(name));
            None
        }
        Some(_) => {
            log::warn!("The LLDP data of interface {} is no list of TLVs and is left out", loggable(name));
            None
        }
    }
}

fn tlvs(items: &[Value], name: &str) -> Vec<Tlv> {
    if items.len() > MAX_TLVS {
        log::warn!("{} LLDP TLVs, only {MAX_TLVS} are read interface={}", items.len(), loggable(name));
    }
    let tlvs: Vec<Tlv> = items.iter().take(MAX_TLVS).filter_map(tlv).collect();
    let left_out = items.len().min(MAX_TLVS).saturating_sub(tlvs.len());
    if left_out > 0 {
        log::warn!("What is no LLDP TLV is left out interface={} count={left_out}", loggable(name));
    }
    tlvs
}

/// `[type, "hexadecimal value"]`.
fn tlv(item: &Value) -> Option<Tlv> {
    let [kind, value] = item.as_array()?.as_slice() else { return None };
    let kind = u8::try_from(kind.as_u64()?).ok()?;
    let hex = value.as_str().filter(|hex| hex.len() <= 2 * MAX_VALUE_BYTES)?;
    Some(Tlv { kind, value: bytes(hex)? })
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let (pairs, odd) = hex.as_bytes().as_chunks::<2>();
    let digit = |digit: u8| u8::try_from(char::from(digit).to_digit(16)?).ok();
    let byte = |&[high, low]: &[u8; 2]| Some(digit(high)? << 4 | digit(low)?);
    if odd.is_empty() { pairs.iter().map(byte).collect() } else { None }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(document: Value, interface: Value) -> Option<Vec<(u8, Vec<u8>)>> {
        let tlvs = of_interface(document.as_object()?, "e0", interface.as_object()?)?;
        Some(tlvs.into_iter().map(|tlv| (tlv.kind, tlv.value)).collect())
    }

    #[test]
    fn what_the_collector_captured_goes_first() {
        let own = json!({"lldp": [[5, "01"]]});
        let raw = json!({"lldp_raw": {"e0": [[6, "aF"]]}});
        assert_eq!(found(raw, own.clone()), Some(vec![(6, vec![0xaf])]));
        for raw in [
            json!({}),
            json!({"lldp_raw": {"e0": []}}),
            json!({"lldp_raw": {"e1": [[6, ""]]}}),
            json!({"lldp_raw": 7}),
            json!({"lldp_raw": {"e0": null}}),
        ] {
            assert_eq!(found(raw, own.clone()), Some(vec![(5, vec![1])]));
        }
    }

    #[test]
    fn nothing_heard_is_nothing() {
        for own in [json!({}), json!({"lldp": null}), json!({"lldp": "text"}), json!({"lldp": {}})] {
            assert_eq!(found(json!({}), own), None);
        }
        assert_eq!(found(json!({}), json!({"lldp": []})), Some(vec![]));
    }

    #[test]
    fn only_pairs_of_a_type_and_hexadecimal_text_are_tlvs() {
        let long = "00".repeat(MAX_VALUE_BYTES + 1);
        let items = json!([
            [1],
            [1, "00", 2],
            [1, "0"],
            [1, "0g"],
            [1, "\u{e9}"],
            [1, null],
            [-1, "00"],
            [256, "00"],
            ["1", "00"],
            [1.5, "00"],
            7,
            {},
            [1, long],
            [1, "+1"],
            [9, ""]
        ]);
        assert_eq!(found(json!({}), json!({"lldp": items})), Some(vec![(9, vec![])]));
    }

    #[test]
    fn the_number_of_tlvs_is_limited() {
        let items: Vec<Value> = (0..5000).map(|_| json!([0, ""])).collect();
        assert_eq!(found(json!({}), json!({"lldp": items})).unwrap().len(), MAX_TLVS);
    }
}
