//! Random inventories survive a round trip; random requests are answered and store nothing.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::exporting::assert_round_trip;
use super::*;

fn text() -> impl Strategy<Value = Value> {
    prop_oneof![
        1 => Just(Value::Null),
        3 => "[ -~\u{e4}\u{2603}\n\t]{0,12}".prop_map(Value::from),
        // What not every format takes as it is.
        2 => "[a\u{1}\u{1f}\u{7f}-\u{a0}\u{2028}\u{2029}\u{feff}\u{fffe}\u{ffff}\u{1f600}\r]{0,6}".prop_map(Value::from),
        1 => prop::sample::select(vec!["", "\\N", "\\E", "\\", "no", "null", "1e3", "- a", "#", "'", "=1", "{", "2026-01-01"]).prop_map(Value::from),
    ]
}

fn pairs() -> impl Strategy<Value = Value> {
    prop::collection::btree_map("[a-z.:\"' ,\u{e4}\u{85}\u{2028}\u{feff}]{1,6}", text(), 0..3).prop_map(
        |pairs| {
            let pair = |(key, value): (String, Value)| {
                let value = if value.is_null() { json!("") } else { value };
                (key.clone(), json!({"key": key, "value": value}))
            };
            Value::Object(pairs.into_iter().map(pair).collect())
        },
    )
}

fn system() -> impl Strategy<Value = Value> {
    let moment = prop_oneof![
        Just(Value::Null),
        (1970..2100_i32, 1..29_u32).prop_map(|(year, day)| json!(format!("{year}-02-{day:02}")))
    ];
    let order = prop_oneof![
        Just(Value::Null),
        (-999_999..=999_999_i64).prop_map(|n| json!(super::super::values::show_decimal(n)))
    ];
    let adapters = prop::collection::btree_set(any::<u32>(), 0..3);
    let registrations = prop::collection::vec((any::<u32>(), adapters, any::<bool>(), pairs()), 0..3);
    (text(), text(), moment, order, registrations, pairs(), 0..5_u8).prop_map(
        |(notes, serial, date, order, registrations, pairs, status)| {
            let mut set = Map::new();
            for (number, (ip, adapters, gone, pairs)) in registrations.into_iter().enumerate() {
                let adapters: Map<String, Value> = adapters
                    .into_iter()
                    .enumerate()
                    .map(|(number, mac)| {
                        (
                            format!("hw{number}"),
                            json!({"mac": format!("5254{mac:08x}"), "shared_mac": true, "enable_dhcp": gone}),
                        )
                    })
                    .collect();
                let ip = if gone {
                    format!("2001:db8::{:x}", ip & 0xffff)
                } else {
                    std::net::Ipv4Addr::from(ip).to_string()
                };
                set.insert(
                    format!("nic{number}"),
                    json!({"fqdn": format!("h{ip:x}", ip = ip.len()) , "ip_str": ip,
                    "decommissioned": gone, "hwadapter_set": adapters, "keyvalue_set": pairs}),
                );
            }
            let status = ["building", "production", "spare", "decommissioned"]
                .get(usize::from(status))
                .map(|name| json!(name));
            json!({"notes": notes, "serial": serial, "purchase_date": date, "rack_order": order,
                "system_status": status, "staticreg_set": set, "keyvalue_set": pairs})
        },
    )
}

#[test]
fn random_inventories_survive_every_format() {
    let config = Config { cases: 6, failure_persistence: None, ..Config::default() };
    let inventories = prop::collection::vec(system(), 0..5);
    TestRunner::new(config)
        .run(&inventories, |systems| {
            on_each(|place| {
                let named: Map<String, Value> = systems
                    .iter()
                    .enumerate()
                    .map(|(number, system)| {
                        let mut system = system.clone();
                        system["hostname"] = json!(format!("h{number}.example.com"));
                        for (label, registration) in system["staticreg_set"].as_object_mut().unwrap() {
                            registration["fqdn"] = json!(format!("{label}.h{number}.example.com"));
                        }
                        (number.to_string(), system)
                    })
                    .collect();
                place.commit(Value::Object(named));
                assert_round_trip(place);
            });
            Ok(())
        })
        .unwrap();
}

/// Values of any shape, with names that mean something.
fn anything() -> impl Strategy<Value = Value> {
    let names = prop::sample::select(vec![
        "systems",
        "clone",
        "commit",
        "hostname",
        "pk",
        "version",
        "uuid",
        "staticreg_set",
        "hwadapter_set",
        "keyvalue_set",
        "cname",
        "fqdn",
        "ip_str",
        "ip_type",
        "mac",
        "views",
        "add",
        "remove",
        "delete",
        "adopt",
        "key",
        "value",
        "name",
        "system_status",
        "rack_order",
        "mode",
        "match",
        "max_changes",
        "lookups",
        "view",
        "nic0",
        "hw0",
        "x/~",
        "",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (0..200_i64).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
        prop::sample::select(vec!["a", "hostname", "replace", "10%", "10.0.0.1", "52:54:00:00:00:01", "\0"])
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 6, move |inner| {
        prop_oneof![
            1 => prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            4 => prop::collection::vec((names.clone(), inner), 0..6).prop_map(|members| {
                Value::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
            }),
        ]
    })
}

#[test]
fn whatever_is_sent_is_answered_and_a_dry_run_stores_nothing() {
    let config = Config { cases: 60, failure_persistence: None, ..Config::default() };
    on_each(|place| {
        place.commit(json!({"a": whole("a.example.com", 1)}));
        let (state, systems) = (place.state(), place.systems());
        TestRunner::new(config.clone())
            .run(
                &(anything(), any::<bool>(), prop::collection::vec(any::<u8>(), 0..40)),
                |(value, nested, noise)| {
                    let body = if nested { json!({"systems": {"x": value}}) } else { value };
                    let mut body = body.clone();
                    if let Some(members) = body.as_object_mut() {
                        members.remove("commit");
                    }
                    for dialect in [Dialect::Own, Dialect::Ancestor] {
                        for format in [Format::Json, Format::Yaml] {
                            let order =
                                Order { body: body.to_string().into(), dialect, format, ..Order::default() };
                            place.inventory.import_blocking(&order).unwrap();
                        }
                    }
                    for format in [Format::Json, Format::Yaml, Format::Csv] {
                        let order = Order { body: noise.clone().into(), format, ..Order::default() };
                        place.inventory.import_blocking(&order).unwrap();
                        let mut csv =
                            b"hostname,pk,staticreg_set.nic0.ip_str,keyvalue_set.x,views\n".to_vec();
                        csv.extend(&noise);
                        let order = Order { body: csv.into(), format: Format::Csv, ..Order::default() };
                        place.inventory.import_blocking(&order).unwrap();
                    }
                    Ok(())
                },
            )
            .unwrap();
        assert_eq!((place.state(), place.systems()), (state, systems));
    });
}

/// A system of which one value, wherever it stands, is another one.
fn almost_good() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3..3_000_000_000_i64).prop_map(Value::from),
        prop::sample::select(vec![
            "",
            "1.5",
            "7",
            "7.",
            "00007.5",
            "4",
            "2026-01-31",
            "2026-02-30",
            "nic7",
            "hw1",
            "a b",
            "public",
            "production"
        ])
        .prop_map(Value::from),
        prop::sample::select(vec![
            json!([]),
            json!({}),
            json!(["public"]),
            json!({"add": ["private"]}),
            json!(1.25),
            json!([1])
        ]),
    ];
    (any::<prop::sample::Index>(), leaf).prop_map(|(place, leaf)| {
        let mut system = whole("a.example.com", 1);
        let mut pointers = Vec::new();
        paths(&system, "", &mut pointers);
        let pointer: &String = place.get(&pointers);
        *system.pointer_mut(pointer).unwrap() = leaf;
        system
    })
}

fn paths(value: &Value, at: &str, found: &mut Vec<String>) {
    let Some(members) = value.as_object() else { return };
    for (name, value) in members {
        let at = format!("{at}/{name}");
        paths(value, &at, found);
        found.push(at);
    }
}

#[test]
fn whatever_is_taken_is_what_the_published_schema_says() {
    let schema = jsonschema::draft202012::new(&super::super::schema::document()).unwrap();
    let (taken, refused) = (std::cell::Cell::new(0), std::cell::Cell::new(0));
    on_each(|place| {
        let config = Config { cases: 150, failure_persistence: None, ..Config::default() };
        TestRunner::new(config)
            .run(&almost_good(), |system| {
                let body = json!({"systems": {"a": system}});
                if place.import(&body).0 == Verdict::Fine {
                    taken.set(taken.get() + 1);
                    prop_assert!(schema.is_valid(&body), "{body}");
                } else {
                    refused.set(refused.get() + 1);
                }
                Ok(())
            })
            .unwrap();
    });
    assert!(taken.get() > 20 && refused.get() > 20, "{taken:?} {refused:?}");
}
