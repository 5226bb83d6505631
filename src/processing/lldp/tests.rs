//! The whole table of TLVs, damaged ones, and any bytes at all.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn read(items: &Value) -> Vec<Tlv> {
    let interface = json!({"lldp": items});
    of_interface(&Object::new(), "e0", interface.as_object().unwrap()).unwrap()
}

fn parsed(items: Value) -> Value {
    Value::Object(parse(&read(&items), "e0"))
}

#[test]
fn the_vectors_of_the_contract_hold() {
    let v6 = "20010db8000000000000000000000001";
    let cases = [
        (
            json!([7, "00140004"]),
            json!({"switch_capabilities_support": ["Bridge", "Router"],
                                        "switch_capabilities_enabled": ["Bridge"]}),
        ),
        (json!([1, "0501c0000201"]), json!({"switch_chassis_id": "192.0.2.1"})),
        (json!([8, format!("1102{v6}0200000001")]), json!({"switch_mgmt_addresses": ["2001:db8::1"]})),
        (json!([1, "04112233"]), json!({})),
        (json!([127, "0080c2020601"]), json!({})),
    ];
    for (tlv, wanted) in cases {
        assert_eq!(parsed(json!([tlv])), wanted, "{tlv}");
    }
    let twice = json!([[127, "0080c2010064"], [127, "0080c2010065"]]);
    assert_eq!(parsed(twice), json!({"switch_port_untagged_vlan_id": 100}));
}

#[test]
fn chassis_and_port_identifiers_follow_their_subtype() {
    let cases = [
        (1, "0161", json!("a")),
        (1, "0661", json!("a")),
        (1, "04A83FA1C40E20ff", json!("a8:3f:a1:c4:0e:20")),
        (1, "0506112233445566", json!("11:22:33:44:55:66")),
        (1, "0503616263", json!(null)),
        (2, "0561", json!("a")),
        (2, "07", json!("")),
        (2, "03a83fa1c40e20", json!("a8:3f:a1:c4:0e:20")),
        (2, "0401c0000201", json!("192.0.2.1")),
    ];
    for (kind, hex, wanted) in cases {
        let name = if kind == 1 { "switch_chassis_id" } else { "switch_port_id" };
        assert_eq!(parsed(json!([[kind, hex]])), json!({name: wanted}), "{hex}");
    }
}

#[test]
fn what_is_damaged_or_unknown_is_left_out_and_the_rest_is_read() {
    let damaged = [
        (1, "00616263"),
        (1, "08616263"),
        (2, "00616263"),
        (2, "0661"),
        (2, "08"),
        (1, ""),
        (2, ""),
        (1, "07ff"),
        (4, "ff"),
        (7, "00"),
        (7, "0014000400"),
        (8, ""),
        (8, "05"),
        (8, "0501c000"),
        (8, "0503c0000201"),
        (9, "00"),
        (126, "00"),
        (127, ""),
        (127, "0080c2"),
        (127, "aabbcc010203"),
        (127, "0080c20100"),
        (127, "0080c20206006400"),
        (127, "0080c2030001056162"),
        (127, "0080c203000102fffe"),
        (127, "0080c2040488"),
        (127, "0080c207010000002a00"),
        (127, "0080c20901"),
        (127, "00120f01030001001e00"),
        (127, "00120f0300"),
        (127, "00120f0405"),
        (127, "00120f02ff"),
        (127, "0012bb0300"),
        (127, "0012bb01"),
    ];
    for (kind, hex) in damaged {
        let items = json!([[kind, hex], [2, "0545"]]);
        assert_eq!(parsed(items), json!({"switch_port_id": "E"}), "{kind} {hex}");
    }
}

#[test]
fn tlvs_of_ieee_802_1_are_read() {
    let items = json!([
        [127, "0080c202060064"],
        [127, "0080c202000065"],
        [127, "0080c2030001036100006263"],
        [127, "0080c204028809"],
        [127, "0080c20500000007"],
        [127, "0080c206012c"],
        [127, "0080c207030000000a"],
        [127, "00120f0300000000ff"]
    ]);
    let wanted = json!({
        "switch_port_protocol_vlan_enabled": true, "switch_port_protocol_vlan_support": true,
        "switch_port_protocol_vlan_ids": [100, 101], "switch_port_vlans": [{"name": "a", "id": 1}],
        "switch_protocol_identities": ["8809"], "switch_port_vid_usage_digest": 7,
        "switch_port_management_vlan_id": 300, "switch_port_link_aggregation_enabled": true,
        "switch_port_link_aggregation_support": true, "switch_port_link_aggregation_id": 10});
    assert_eq!(parsed(items), wanted);
}

#[test]
fn tlvs_of_ieee_802_3_are_read() {
    let wanted = json!({
        "switch_port_autonegotiation_enabled": false, "switch_port_autonegotiation_support": true,
        "switch_port_physical_capabilities": ["10BASE-T fdx", "10BASE-T hdx", "10BASE-T4", "100BASE-TX fdx"],
        "switch_port_mau_type": 110, "switch_port_power_source": true, "switch_port_power_support": true,
        "switch_port_power_enabled": false, "switch_port_power_pairs": 1, "switch_port_power_class": 4,
        "switch_port_mtu": 9216});
    let items = json!([[127, "00120f01017400006e"], [127, "00120f0203010500ff"], [127, "00120f042400"]]);
    let mut wanted_sorted = wanted;
    let names = wanted_sorted["switch_port_physical_capabilities"].as_array_mut().unwrap();
    names.sort_by_key(|name| name.as_str().unwrap().to_owned());
    assert_eq!(parsed(items), wanted_sorted);
}

#[test]
fn each_bit_of_the_physical_capabilities_has_its_own_name() {
    let name = |bit: u32| {
        let hex = format!("00120f0100{:04x}0000", 1_u32 << bit);
        parsed(json!([[127, hex]]))["switch_port_physical_capabilities"].clone()
    };
    assert_eq!(name(13), json!(["10BASE-T fdx"]));
    assert_eq!(name(14), json!(["10BASE-T hdx"]));
    assert_eq!(name(15), json!([]));
    let distinct: std::collections::BTreeSet<String> = (0..15).map(|bit| name(bit).to_string()).collect();
    assert_eq!(distinct.len(), 15);
}

#[test]
fn tlvs_of_lldp_med_have_names_of_their_own() {
    let items = json!([
        [127, "0012bb01003304"],
        [127, "0012bb0201409b6e"],
        [127, "0012bb04030087"],
        [127, "0012bb0578"]
    ]);
    let wanted = json!({
        "switch_med_capabilities": ["LLDP-MED Capabilities", "Network Policy", "Extended Power via MDI-PD", "Inventory"],
        "switch_med_device_type": 4,
        "switch_med_network_policies": [{"application": 1, "unknown": false, "tagged": true, "vlan_id": 77,
                                         "priority": 5, "dscp": 46}],
        "switch_med_power_mw": 13500, "switch_med_hardware_revision": "x"});
    assert_eq!(parsed(items), wanted);
}

#[test]
fn a_link_needs_the_mac_of_the_switch_and_the_name_of_the_port() {
    let tlvs =
        read(&json!([[1, "0761"], [1, "0411"], [1, "04a83fa1c40e20"], [2, "00ff"], [2, "07"], [2, "0561"]]));
    assert_eq!(chassis_mac(&tlvs).as_deref(), Some("a8:3f:a1:c4:0e:20"));
    assert_eq!(port_id(&tlvs).as_deref(), Some("a"));
    assert_eq!((chassis_mac(&[]), port_id(&[])), (None, None));
}

fn likely_bytes() -> impl Strategy<Value = Vec<u8>> {
    let heads: Vec<Vec<u8>> =
        vec![vec![], vec![0x00, 0x80, 0xc2], vec![0x00, 0x12, 0x0f], vec![0x00, 0x12, 0xbb]];
    let tail = prop::collection::vec(prop_oneof![0_u8..9, any::<u8>()], 0..40);
    (prop::sample::select(heads), tail).prop_map(|(head, tail)| [head, tail].concat())
}

proptest! {
    #[test]
    fn any_tlvs_are_survived(tlvs in prop::collection::vec((prop_oneof![0_u8..9, Just(127_u8), any::<u8>()], likely_bytes()), 0..12)) {
        let tlvs: Vec<Tlv> = tlvs.into_iter().map(|(kind, value)| Tlv { kind, value }).collect();
        let found = parse(&tlvs, "e0");
        prop_assert!(found.keys().all(|name| name.starts_with("switch_")));
        let _ = (chassis_mac(&tlvs), port_id(&tlvs));
    }

    #[test]
    fn any_text_is_a_tlv_or_left_out(kind in any::<i64>(), hex in "([0-9a-fA-F]{0,30}|.{0,20})") {
        let tlvs = read(&json!([[kind, hex]]));
        prop_assert!(tlvs.len() <= 1);
        let _ = parse(&tlvs, "e0");
    }
}
