//! What is refused, with which code and where.

use super::*;

#[test]
fn one_bad_system_keeps_all_ten_out_wherever_it_stands() {
    on_each(|place| {
        for bad in [0, 6, 9] {
            let systems: Map<String, Value> = (0..10)
                .map(|number| {
                    let name = if number == bad { "bad..name".to_owned() } else { format!("web{number}") };
                    (format!("z{}/{number}", 9 - number), json!({"hostname": name}))
                })
                .collect();
            let wanted = format!("/systems/z{}~1{bad}/hostname", 9 - bad);
            assert_eq!(
                place.errors(&json!({"systems": systems, "commit": true})),
                [error(&wanted, "syntax")]
            );
            assert!(place.systems().is_empty() && place.history().is_empty());
        }
    });
}

#[test]
fn five_mistakes_are_five_errors_in_one_answer() {
    on_each(|place| {
        let body = json!({"commit": true, "systems": {
            "a": {"hostname": 7.5, "serial": "1"},
            "b": {"hostname": "b", "purchase_date": "31.1.2026"},
            "c": {"hostname": "c", "system_status": "producton"},
            "d": {"hostname": "d", "staticreg_set": {"nic0": {"fqdn": "d", "ip_str": "300.1.1.1"}}},
            "e": {"hostname": "e", "warranty_start": "2027-01-01", "warranty_end": "2026-01-01"},
        }});
        let (verdict, answer) = place.import(&body);
        assert_eq!((verdict, &answer["status"]), (Verdict::Refused, &json!(422)));
        let found = errors(&answer);
        assert_eq!(found.len(), 5, "{found:?}");
        for wanted in [
            error("/systems/a/hostname", "type"),
            error("/systems/b/purchase_date", "syntax"),
            error("/systems/c/system_status", "not_found"),
            error("/systems/d/staticreg_set/nic0/ip_str", "syntax"),
            error("/systems/e/warranty_end", "conflict"),
        ] {
            assert!(found.contains(&wanted), "{wanted:?} in {found:?}");
        }
        assert!(answer["errors"].to_string().contains("production is near to it"));
    });
}

#[test]
fn a_member_that_is_not_known_is_refused_with_what_is_meant() {
    on_each(|place| {
        let body = json!({"systems": {"a": {
            "hostname": "a", "serail": "1", "mac": "x", "colour": "red",
            "staticreg_set": {"nic0": {"fqdn": "a", "ip_str": "192.0.2.1", "hwadaptor_set": {}}},
        }}});
        let (_, answer) = place.import(&body);
        let texts: Vec<&str> =
            answer["errors"].as_array().unwrap().iter().map(|e| e["message"].as_str().unwrap()).collect();
        assert!(texts[0].ends_with("serial is near to it"), "{texts:?}");
        assert!(texts[1].ends_with("it belongs to an adapter"), "{texts:?}");
        assert!(texts[2].ends_with("no member colour"), "{texts:?}");
        assert!(texts[3].ends_with("hwadapter_set is near to it"), "{texts:?}");
        assert!(errors(&answer).iter().all(|(_, code)| code == "unknown_member"));
        let (verdict, answer) = place.import(&json!({"systems": {}, "comit": true}));
        assert_eq!((verdict, errors(&answer)), (Verdict::Malformed, vec![error("/comit", "unknown_member")]));
    });
}

#[test]
fn claims_of_two_objects_in_a_request_are_told_at_both() {
    on_each(|place| {
        let registration = |name: &str| {
            json!({"nic0": {"fqdn": name, "ip_str": "192.0.2.1",
            "hwadapter_set": {"hw0": {"mac": "52:54:00:00:00:01"}}}})
        };
        let body = json!({"systems": {
            "a": {"hostname": "same", "staticreg_set": registration("x")},
            "b": {"hostname": "SAME", "staticreg_set": registration("x")},
        }});
        let found = place.errors(&body);
        for label in ["a", "b"] {
            for wanted in [
                format!("/systems/{label}/hostname"),
                format!("/systems/{label}/staticreg_set/nic0/ip_str"),
                format!("/systems/{label}/staticreg_set/nic0/hwadapter_set/hw0/mac"),
            ] {
                assert!(found.contains(&error(&wanted, "duplicate_in_request")), "{wanted} in {found:?}");
            }
        }
        assert_eq!(found.len(), 6);
    });
}

#[test]
fn a_mac_belongs_to_one_system_in_use_unless_it_is_shared() {
    on_each(|place| {
        let with = |name: &str, mac: &str, more: Value| {
            let mut adapter = json!({"mac": mac});
            adapter.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            json!({name: {"hostname": name, "hwadapter_set": {"hw0": adapter}}})
        };
        for (number, mac) in
            ["52:54:00:00:00:01", "52-54-00-00-00-02", "5254.0000.0003", "525400000004"].iter().enumerate()
        {
            place.commit(with(&format!("s{number}"), mac, json!({})));
        }
        let macs = place.systems();
        assert_eq!(macs["s2"]["hwadapter_set"]["hw0"]["mac"], "52:54:00:00:00:03");
        let again = |more: Value| json!({"systems": with("t", "52:54:00:00:00:03", more), "commit": true});
        assert_eq!(place.errors(&again(json!({}))), [error("/systems/t/hwadapter_set/hw0/mac", "duplicate")]);
        assert_eq!(place.import(&again(json!({"shared_mac": true}))).0, Verdict::Fine);
        place.commit(json!({"x": {"pk": macs["s3"]["pk"], "system_status": "decommissioned"}}));
        place.commit(with("u", "52:54:00:00:00:04", json!({})));
        let again = json!({"systems": {"x": {"pk": macs["s3"]["pk"], "system_status": "production"}}});
        assert_eq!(place.errors(&again), [error("/systems/x", "duplicate")]);
        let (_, answer) = place.import(&json!({"systems": with("v", "52:54:00:00:00", json!({}))}));
        assert!(answer["errors"][0]["message"].as_str().unwrap().contains("5254.0012.3456"));
    });
}

#[test]
fn keys_in_a_new_system_are_refused_where_they_stand_and_taken_over_where_that_is_said() {
    on_each(|place| {
        place.commit(json!({"x": whole("old.example.com", 1)}));
        let old = &place.systems()["old.example.com"];
        let registration = &old["staticreg_set"]["nic0"];
        let keys = [
            ("staticreg_set/nic5", json!({"staticreg_set": {"nic5": {"pk": registration["pk"]}}})),
            (
                "staticreg_set/nic5/cname/0",
                json!({"staticreg_set": {"nic5": {"fqdn": "n", "ip_str": "192.0.2.7",
                    "cname": [{"pk": registration["cname"][0]["pk"], "fqdn": "z"}]}}}),
            ),
            (
                "keyvalue_set/k",
                json!({"keyvalue_set": {"k": {"pk": old["keyvalue_set"]["system.relay.0"]["pk"],
                "key": "k", "value": "v"}}}),
            ),
            (
                "hwadapter_set/hw3",
                json!({"hwadapter_set": {"hw3": {"pk": registration["hwadapter_set"]["hw0"]["pk"]}}}),
            ),
        ];
        for (at, blob) in &keys {
            let mut system = json!({"hostname": "new.example.com"});
            system.as_object_mut().unwrap().extend(blob.as_object().unwrap().clone());
            let wanted = error(&format!("/systems/n/{at}/pk"), "pk_in_new");
            assert_eq!(place.errors(&json!({"systems": {"n": system}, "commit": true})), [wanted]);
        }
        let adopting = json!({"n": {"hostname": "new.example.com",
            "staticreg_set": {"nic0": {"pk": registration["pk"], "adopt": true}}}});
        let answer = place.commit(adopting);
        assert_eq!(answer["summary"]["move"], 1);
        let systems = place.systems();
        assert!(systems["old.example.com"].get("staticreg_set").is_none());
        let adopted = &systems["new.example.com"]["staticreg_set"]["nic0"];
        assert_eq!(adopted["pk"], registration["pk"]);
        assert_eq!(adopted["hwadapter_set"], registration["hwadapter_set"]);
    });
}

#[test]
fn a_pair_of_another_owner_is_refused_and_no_key_means_anything_else() {
    on_each(|place| {
        let pairs: Map<String, Value> = ["save", "delete", "pk", "constructor", "value", "a.b"]
            .iter()
            .map(|key| ((*key).to_owned(), json!({"key": key, "value": ""})))
            .collect();
        place.commit(json!({"a": {"hostname": "a", "keyvalue_set": pairs}, "b": {"hostname": "b"}}));
        let systems = place.systems();
        assert_eq!(systems["a"]["keyvalue_set"].as_object().unwrap().len(), 6);
        let pk = &systems["a"]["keyvalue_set"]["save"]["pk"];
        let stolen = json!({"systems": {"b": {"pk": systems["b"]["pk"], "keyvalue_set": {"x": {"pk": pk, "value": "v"}}}}});
        assert_eq!(place.errors(&stolen), [error("/systems/b/keyvalue_set/x/pk", "wrong_parent")]);
    });
}

#[test]
fn views_are_replaced_or_changed_and_private_addresses_stay_private() {
    on_each(|place| {
        place.commit(json!({"a": whole("a.example.com", 1)}));
        let registration = place.systems()["a.example.com"]["staticreg_set"]["nic0"].clone();
        let system = place.systems()["a.example.com"]["pk"].clone();
        let edit = |views: Value, ip: &str| json!({"x": {"pk": system, "staticreg_set": {"nic0": {"pk": registration["pk"], "views": views, "ip_str": ip}}}});
        let views =
            |place: &Place| place.systems()["a.example.com"]["staticreg_set"]["nic0"]["views"].clone();
        place.commit(edit(json!(["public"]), "192.0.2.1"));
        assert_eq!(views(place), json!(["public"]));
        place.commit(edit(json!({"add": ["private"], "remove": ["public"]}), "192.0.2.1"));
        assert_eq!(views(place), json!(["private"]));
        place.commit(edit(json!([]), "192.0.2.1"));
        assert_eq!(views(place), json!([]));
        let private = json!({"systems": edit(json!(["public"]), "10.0.0.1")});
        assert_eq!(
            place.errors(&private),
            [error("/systems/x/staticreg_set/nic0/views", "private_in_public")]
        );
        let unknown = json!({"systems": edit(json!(["pubic"]), "192.0.2.1")});
        assert_eq!(place.errors(&unknown), [error("/systems/x/staticreg_set/nic0/views", "not_found")]);
    });
}

#[test]
fn what_can_not_be_read_is_told_with_line_and_column() {
    on_each(|place| {
        let broken = Order { body: Bytes::from("{\"systems\": {\n \"a\": {"), ..Order::default() };
        let (verdict, answer) = place.order(&broken);
        assert_eq!((verdict, errors(&answer)), (Verdict::Malformed, vec![error("", "malformed")]));
        assert_eq!((&answer["errors"][0]["line"], answer["errors"][0]["column"].is_u64()), (&json!(2), true));
        for (body, line) in [("", 1), ("{\"systems\": {\n", 2)] {
            let (_, answer) = place.order(&Order { body: Bytes::from(body), ..Order::default() });
            let entry = &answer["errors"][0];
            assert_eq!((&entry["line"], &entry["column"]), (&json!(line), &json!(1)), "{body}");
        }
        for (body, wanted) in [
            ("[]", error("", "malformed")),
            ("{}", error("", "missing")),
            ("{\"systems\": null}", error("/systems", "type")),
            ("{\"systems\": 5}", error("/systems", "type")),
            ("{\"systems\": -1.5, \"commit\": false}", error("/systems", "type")),
            ("5", error("", "malformed")),
            ("1e400", error("", "malformed")),
            ("{\"systems\": {\"a\": []}}", error("/systems/a", "type")),
            (
                "{\"systems\": {\"a\": {\"hostname\": \"a\"}, \"a\": {\"hostname\": \"b\"}}}",
                error("/systems/a", "duplicate_in_request"),
            ),
        ] {
            let (_, answer) = place.order(&Order { body: Bytes::from(body), ..Order::default() });
            assert_eq!(errors(&answer), [wanted], "{body}");
        }
        for (body, wanted) in [
            ("5", error("", "malformed")),
            ("# nothing", error("", "malformed")),
            ("{}", error("", "missing")),
            ("systems: 5", error("/systems", "type")),
            ("systems: [5]", error("/systems/0", "type")),
        ] {
            let (_, answer) =
                place.order(&Order { body: body.into(), format: Format::Yaml, ..Order::default() });
            assert_eq!(errors(&answer), [wanted], "{body}");
        }
        let yaml = Order { body: Bytes::from("systems:\n  a: {"), format: Format::Yaml, ..Order::default() };
        assert_eq!(errors(&place.order(&yaml).1), [error("", "malformed")]);
        let csv =
            Order { body: Bytes::from("hostname,ram\na,1\nb,\n"), format: Format::Csv, ..Order::default() };
        let (_, answer) = place.order(&csv);
        let entry = &answer["errors"][0];
        assert_eq!(
            (&entry["code"], &entry["line"], &entry["column"]),
            (&json!("unknown_member"), &json!(2), &json!(2))
        );
    });
}

#[test]
fn the_family_that_is_said_is_that_of_the_address() {
    on_each(|place| {
        let nic = |said: &Value| json!({"systems": {"x": {"hostname": "x.example.com", "staticreg_set": {"nic0": said}}}});
        let new =
            |family: &str| nic(&json!({"fqdn": "x.example.com", "ip_str": "192.0.2.1", "ip_type": family}));
        let wrong = [error("/systems/x/staticreg_set/nic0/ip_type", "choice")];
        assert_eq!(place.errors(&new("6")), wrong);
        place.commit(new("4")["systems"].take());
        let mut known = json!({"systems": {"x": place.systems()["x.example.com"].clone()}});
        let held = &mut known["systems"]["x"]["staticreg_set"]["nic0"];
        held.as_object_mut().unwrap().remove("ip_str");
        assert_eq!(place.import(&known).1["summary"]["unchanged"], 2);
        known["systems"]["x"]["staticreg_set"]["nic0"]["ip_type"] = json!("6");
        assert_eq!(place.errors(&known), wrong);
    });
}

#[test]
fn an_unknown_system_is_told_by_what_it_was_looked_for() {
    on_each(|place| {
        let at = |blob: Value, more: Value| {
            let mut body = json!({"systems": {"a": blob}});
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            place.errors(&body)
        };
        assert_eq!(at(json!({"pk": 77}), json!({})), [error("/systems/a/pk", "not_found")]);
        assert_eq!(at(json!({"pk": "77"}), json!({}))[0], error("/systems/a/pk", "type"));
        let uuid = "00000000-0000-4000-8000-000000000000";
        assert_eq!(at(json!({"uuid": uuid}), json!({})), [error("/systems/a/uuid", "not_found")]);
        let fail = json!({"match": "hostname", "on_missing": "fail"});
        assert_eq!(at(json!({"hostname": "a"}), fail), [error("/systems/a/hostname", "not_found")]);
        assert_eq!(at(json!({}), json!({})), [error("/systems/a/hostname", "missing")]);
    });
}

#[test]
fn a_mistake_is_told_once() {
    on_each(|place| {
        for (blob, wanted) in [
            (json!({"hostnme": "a"}), error("/systems/x/hostnme", "unknown_member")),
            (json!({"pk": "1", "colour": 5}), error("/systems/x/pk", "type")),
            (json!({"pk": 0}), error("/systems/x/pk", "type")),
            (json!({"uuid": "x"}), error("/systems/x/uuid", "syntax")),
            (json!({"hostname": 5}), error("/systems/x/hostname", "type")),
        ] {
            let found = place.errors(&json!({"systems": {"x": blob}}));
            assert_eq!(
                found.iter().filter(|(_, code)| code != "unknown_member").count(),
                usize::from(wanted.1 != "unknown_member"),
                "{found:?}"
            );
            assert!(found.contains(&wanted), "{found:?}");
        }
    });
}

#[test]
fn a_key_is_not_empty_and_numbers_have_one_form() {
    on_each(|place| {
        let pair =
            json!({"systems": {"a": {"hostname": "a", "keyvalue_set": {"x": {"key": "", "value": "v"}}}}});
        assert_eq!(place.errors(&pair), [error("/systems/a/keyvalue_set/x/key", "missing")]);
        for order in ["7.", "00007.5", "+7"] {
            let body = json!({"systems": {"a": {"hostname": "a", "rack_order": order}}});
            assert_eq!(place.errors(&body), [error("/systems/a/rack_order", "syntax")], "{order}");
        }
        for most in ["+10%", "%", "-1%", "10"] {
            let body = json!({"systems": {}, "max_changes": most});
            assert_eq!(place.errors(&body), [error("/max_changes", "type")], "{most}");
        }
    });
}

#[test]
fn no_member_may_stand_there_twice() {
    on_each(|place| {
        for body in [
            r#"{"systems": {"a": {"hostname": "a", "hostname": "b"}}}"#,
            r#"{"systems": {}, "commit": false, "commit": true}"#,
            r#"{"systems": {"a": {"hostname": "a"}}, "systems": {}}"#,
            r#"{"systems": [{"hostname": "a", "keyvalue_set": {"x": {"key": "a", "value": "1"}, "x": {"key": "b", "value": ""}}}]}"#,
        ] {
            let (verdict, answer) = place.order(&Order { body: Bytes::from(body), ..Order::default() });
            assert_eq!(
                (verdict, errors(&answer)),
                (Verdict::Malformed, vec![error("", "malformed")]),
                "{body}"
            );
            let entry = &answer["errors"][0];
            assert!(entry["line"] == 1 && entry["column"].as_u64() > Some(10), "{entry}");
            assert!(entry["message"].as_str().unwrap().contains("stands there twice"), "{entry}");
        }
        let labels = r#"{"systems": {"a": {"hostname": "a"}, "a": {"hostname": "b"}}}"#;
        let (_, answer) = place.order(&Order { body: Bytes::from(labels), ..Order::default() });
        assert_eq!(
            (&answer["errors"][0]["kind"], &answer["errors"][0]["label"]),
            (&json!("system"), &json!("a"))
        );
        let views =
            json!({"fqdn": "a", "ip_str": "192.0.2.1", "views": {"add": ["public"], "remove": ["public"]}});
        let found =
            place.errors(&json!({"systems": {"a": {"hostname": "a", "staticreg_set": {"nic0": views}}}}));
        assert_eq!(found, [error("/systems/a/staticreg_set/nic0/views", "duplicate_in_request")]);
    });
}

#[test]
fn yaml_says_what_it_says_to_whoever_reads_it() {
    on_each(|place| {
        let text = "# one host\nsystems:\n  a:\n    hostname: a.example.com\n    serial: 1.10\n    asset_tag: 007\n    notes: no\n\
                    \x20   purchase_price: 1e3\n    switch_ports: 0x10\n    oob_switch_port: 12:30:45\n    rack_order: 7.02\n\
                    \x20   purchase_date: 2026-01-31\n    patch_panel_port: 123456789012345678901234567890\n\
                    \x20   hwadapter_set:\n      hw0: {mac: 525400000001}\n      hw1: {mac: 52:54:00:00:00:02}\n\
                    \x20     hw2: {mac: 52e400000003}\n    keyvalue_set:\n      k: {key: on, value: 010}\ncommit: true\ncomment: 2026\n";
        let order = Order { body: text.into(), format: Format::Yaml, ..Order::default() };
        let (verdict, answer) = place.order(&order);
        assert_eq!(verdict, Verdict::Fine, "{answer:#}");
        let system = &place.systems()["a.example.com"];
        for (member, value) in [
            ("serial", "1.10"),
            ("asset_tag", "007"),
            ("notes", "no"),
            ("purchase_price", "1e3"),
            ("switch_ports", "0x10"),
            ("oob_switch_port", "12:30:45"),
            ("rack_order", "7.02"),
            ("purchase_date", "2026-01-31"),
            ("patch_panel_port", "123456789012345678901234567890"),
        ] {
            assert_eq!(system[member], value, "{member}");
        }
        let macs: Vec<&Value> =
            system["hwadapter_set"].as_object().unwrap().values().map(|adapter| &adapter["mac"]).collect();
        assert_eq!(macs, ["52:54:00:00:00:01", "52:54:00:00:00:02", "52:e4:00:00:00:03"]);
        assert_eq!(system["keyvalue_set"]["on"]["value"], "010");
        assert_eq!(place.history()[0].1.comment.as_deref(), Some("2026"));
        let of =
            |body: &'static [u8]| Order { body: Bytes::from(body), format: Format::Yaml, ..Order::default() };
        for (body, line, column) in [
            (&b"systems: {}\ncommit: false\ncommit: true\n"[..], 3, 1),
            (b"systems:\n  a: {hostname: \"\xff\"}\n", 2, 18),
            (b"systems: {}\n---\nsystems: {}\n", 3, 1),
        ] {
            let (verdict, answer) = place.order(&of(body));
            assert_eq!(verdict, Verdict::Malformed, "{answer:#}");
            let entry = &answer["errors"][0];
            assert_eq!((&entry["line"], &entry["column"]), (&json!(line), &json!(column)), "{entry}");
        }
        // What a number is on its way to text, and the name of what is cloned.
        let text = "systems:\n- {hostname: 7, serial: -0, asset_tag: 0.000001}\n- {hostname: 8, clone: 7, serial: 1.0}\ncommit: true\n";
        let order = Order { body: text.into(), format: Format::Yaml, ..Order::default() };
        assert_eq!(place.order(&order).0, Verdict::Refused);
        let order = Order { body: text.replace("clone: 7, ", "").into(), ..order };
        assert_eq!(place.order(&order).0, Verdict::Fine);
        let systems = place.systems();
        for (name, member, value) in
            [("7", "serial", "-0"), ("7", "asset_tag", "0.000001"), ("8", "serial", "1.0")]
        {
            assert_eq!(systems[name][member], value);
        }
        let order = Order { body: "systems:\n- {hostname: 9, clone: 7}\n".into(), ..order };
        assert_eq!(place.order(&order).0, Verdict::Fine);
        // Yes and no are words there, and no answer to whether it is to be done.
        assert_eq!(place.order(&of(b"systems: {}\ncommit: yes\n")).0, Verdict::Malformed);
    });
}

#[test]
fn a_thousand_mistakes_are_told_and_that_there_are_more() {
    on_each(|place| {
        let bad = |count: usize| {
            let systems: Vec<Value> = (0..count).map(|_| json!({"hostname": "-"})).collect();
            let (verdict, answer) = place.import(&json!({"systems": systems, "commit": true}));
            assert_eq!(verdict, Verdict::Refused);
            (
                answer["errors"].as_array().unwrap().len(),
                answer["truncated"].clone(),
                answer["detail"].clone(),
            )
        };
        assert_eq!(bad(1), (1, json!(false), json!("1 mistake was found; nothing is written")));
        assert_eq!(bad(1000), (1000, json!(false), json!("1000 mistakes were found; nothing is written")));
        assert_eq!(
            bad(1001),
            (1000, json!(true), json!("1000 and more mistakes were found; nothing is written"))
        );
        assert!(place.systems().is_empty());
    });
}
