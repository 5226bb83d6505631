//! The operator language, each operator against one disk.

use serde_json::{Value, json};

use super::*;

fn disk() -> Object {
    let disk = json!({"name": "/dev/sda", "model": "Dell Ent NVMe", "serial": "1234", "vendor": null,
                      "wwn": "", "size": 900_u64 << 30, "rotational": false, "hctl": "2:0:9:0"});
    disk.as_object().unwrap().clone()
}

fn matches(hints: Value) -> bool {
    Hints::parse(&hints).unwrap().match_disk(&disk())
}

#[test]
fn sizes_are_compared_as_numbers_of_gib() {
    for size in [
        json!(900),
        json!("900"),
        json!("== 900"),
        json!("= 800"),
        json!("!= 901"),
        json!("<= 900"),
        json!("< 901"),
        json!(">= 900"),
        json!("> 899"),
        json!("<or> 1 <or> 900"),
        json!("<range-in> [ 900 1000 ]"),
        json!("<range-in> ( 899 900 ]"),
    ] {
        assert!(matches(json!({"size": size})), "{size}");
    }
    for size in [
        json!(901),
        json!("== 901"),
        json!("= 901"),
        json!("!= 900"),
        json!("< 900"),
        json!("> 900"),
        json!("<or> 1 <or> 2"),
        json!("<range-in> ( 900 1000 ]"),
        json!("<range-in> [ 800 900 )"),
    ] {
        assert!(!matches(json!({"size": size})), "{size}");
    }
}

#[test]
fn a_byte_more_is_another_size() {
    let mut disk = disk();
    disk.insert("size".to_owned(), json!((900_u64 << 30) + 1));
    assert!(!Hints::parse(&json!({"size": 900})).unwrap().match_disk(&disk));
    for odd in [json!(null), json!("900"), json!([])] {
        disk.insert("size".to_owned(), odd);
        assert!(!Hints::parse(&json!({"size": 900})).unwrap().match_disk(&disk));
    }
}

#[test]
fn text_is_compared_without_regard_to_case() {
    for (name, wanted) in [
        ("model", "dell ent nvme"),
        ("model", " DELL ENT NVMe "),
        ("model", "s== Dell Ent NVMe"),
        ("model", "s!= other"),
        ("model", "s< e"),
        ("model", "s>= dell"),
        ("model", "<in> ent n"),
        ("model", "<all-in> nvme dell"),
        ("name", "<or> /dev/sdx <or> /dev/sda"),
        ("hctl", "2:0:9:0"),
        ("serial", "> 999"),
        ("serial", "<range-in> [ 1000 2000 ]"),
        ("vendor", "none"),
        ("vendor", "s!= HGST"),
    ] {
        assert!(matches(json!({name: wanted})), "{name} {wanted}");
    }
    for (name, wanted) in [
        ("model", "dell"),
        ("model", "<in> hgst"),
        ("model", "<all-in> nvme hgst"),
        ("name", "<or> /dev/sdx <or> /dev/sd"),
        ("serial", "< 999"),
        ("wwn", "s!= x"),
        ("by_path", "/dev/x"),
    ] {
        assert!(!matches(json!({name: wanted})), "{name} {wanted}");
    }
}

#[test]
fn rotational_takes_the_usual_words() {
    for no in [json!(false), json!("false"), json!("No"), json!(0), json!("off")] {
        assert!(matches(json!({"rotational": no})), "{no}");
    }
    assert!(!matches(json!({"rotational": "yes"})));
}

#[test]
fn all_hints_have_to_hold() {
    assert!(matches(json!({"rotational": "false", "name": "/dev/sda", "size": "> 100"})));
    assert!(!matches(json!({"rotational": "false", "name": "/dev/sdb"})));
    assert!(matches(json!({})));
}

#[test]
fn invalid_hints_are_refused_in_the_words_of_the_contract() {
    let cases = [
        (
            json!({"colour": "red", "name": "x", "taste": 1}),
            "The hints \"colour, taste\" are invalid. Valid hints are: \"size, model, wwn, serial, vendor, \
          wwn_with_extension, wwn_vendor_extension, name, rotational, hctl, by_path\"",
        ),
        (json!({"model": 3}), "Root device hint \"model\" is not a string value. Hint expression: 3"),
        (json!({"model": " "}), "Root device hint \"model\" expression is empty"),
        (json!({"model": "s=="}), "Root device hint \"model\" expression is empty"),
        (
            json!({"size": "7451 x"}),
            "Root device hint \"size\" is not an integer value. Current value: 7451 x",
        ),
        (json!({"size": 2.5}), "Root device hint \"size\" is not an integer value. Current value: 2.5"),
        (json!({"size": null}), "Root device hint \"size\" is not an integer value. Current value: None"),
        (
            json!({"size": "> 0"}),
            "Root device hint \"size\" should be a positive integer. Current value: > 0",
        ),
        (
            json!({"size": "<in> 9"}),
            "Root device hint \"size\" can not be used with this operator. Current value: <in> 9",
        ),
        (
            json!({"rotational": "perhaps"}),
            "Root device hint \"rotational\" is not a Boolean value. Current value: perhaps",
        ),
        (
            json!({"serial": "<range-in> 1 2"}),
            "Root device hint \"serial\" is not a range of the form <range-in> [ a b ]. Current value: <range-in> 1 2",
        ),
        (json!("/dev/sda"), "The hints are not an object"),
    ];
    for (hints, text) in cases {
        assert_eq!(Hints::parse(&hints).unwrap_err().to_string(), text);
    }
}
