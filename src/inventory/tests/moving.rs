//! Values that change hands, objects that move, names that are made.

use super::*;

fn pks(place: &Place) -> (Map<String, Value>, Value, Value) {
    place.commit(json!({"a": whole("a.example.com", 1), "b": whole("b.example.com", 2)}));
    let systems = place.systems();
    let (a, b) = (systems["a.example.com"].clone(), systems["b.example.com"].clone());
    (systems, a, b)
}

#[test]
fn names_and_addresses_change_hands_within_a_request() {
    on_each(|place| {
        let (_, a, b) = pks(place);
        let nic = |system: &Value| system["staticreg_set"]["nic0"].clone();
        let edit = |system: &Value, name: &str, ip: &str, fqdn: &str| {
            json!({"pk": system["pk"], "hostname": name,
                "staticreg_set": {"r": {"pk": nic(system)["pk"], "ip_str": ip, "fqdn": fqdn}}})
        };
        let one = edit(&a, "b.example.com", "192.0.2.2", "b.example.com");
        let other = edit(&b, "a.example.com", "192.0.2.1", "a.example.com");
        let half = json!({"systems": {"x": one}, "commit": true});
        let found = place.errors(&half);
        assert_eq!(
            found,
            [
                error("/systems/x/hostname", "duplicate"),
                error("/systems/x/staticreg_set/r/ip_str", "duplicate")
            ]
        );
        let answer = place.commit(json!({"x": one, "y": other}));
        assert_eq!(answer["summary"]["update"], 4);
        let systems = place.systems();
        assert_eq!(systems["a.example.com"]["pk"], b["pk"]);
        assert_eq!(nic(&systems["a.example.com"])["ip_str"], "192.0.2.1");
        // Two adapters of one registration.
        let adapter = |name: &str, mac: &str| json!({"name": name, "mac": mac});
        let set = json!({"p": adapter("hw1", "52:54:00:00:01:01"), "q": adapter("hw2", "52:54:00:00:01:02")});
        let answer = place.commit(json!({"x": {"pk": a["pk"], "hwadapter_set": set}}));
        let made = &answer["systems"]["b.example.com"]["hwadapter_set"];
        let swap = json!({"p": {"pk": made["hw1"]["pk"], "name": "hw2"}, "q": {"pk": made["hw2"]["pk"], "name": "hw1"}});
        let answer = place.commit(json!({"x": {"pk": a["pk"], "hwadapter_set": swap}}));
        assert_eq!(answer["systems"]["b.example.com"]["hwadapter_set"]["hw1"]["mac"], "52:54:00:00:01:02");
        let half = json!({"p": {"pk": made["hw1"]["pk"], "name": "hw1"}});
        let half = json!({"systems": {"x": {"pk": a["pk"], "hwadapter_set": half}}});
        assert_eq!(place.errors(&half), [error("/systems/x/hwadapter_set/p/name", "duplicate")]);
    });
}

#[test]
fn a_registration_moves_with_all_that_belongs_to_it() {
    on_each(|place| {
        let (_, a, b) = pks(place);
        let registration = &a["staticreg_set"]["nic0"];
        let body = json!({"b": {"pk": b["pk"], "staticreg_set": {"nic1": {"pk": registration["pk"], "name": "nic1"}}}});
        let answer = place.commit(body);
        let change = &answer["changes"][0];
        assert_eq!((&change["op"], &change["kind"]), (&json!("move"), &json!("registration")));
        assert_eq!(
            change["fields"][0],
            json!({"field": "parent", "from": {"kind": "system", "pk": a["pk"]},
            "to": {"kind": "system", "pk": b["pk"]}})
        );
        let moved = place.systems()["b.example.com"]["staticreg_set"]["nic1"].clone();
        for member in ["cname", "hwadapter_set", "views", "keyvalue_set"] {
            assert_eq!(moved[member], registration[member], "{member}");
        }
        let adapter = &registration["hwadapter_set"]["hw0"];
        let nic0 = &b["staticreg_set"]["nic0"];
        let body = json!({"b": {"pk": b["pk"], "staticreg_set": {"nic0": {"pk": nic0["pk"],
            "hwadapter_set": {"hw7": {"pk": adapter["pk"], "name": "hw7"}}}}}});
        assert_eq!(place.commit(body)["summary"]["move"], 1);
        let systems = place.systems();
        let sets = &systems["b.example.com"]["staticreg_set"];
        assert_eq!(sets["nic0"]["hwadapter_set"]["hw7"]["mac"], adapter["mac"]);
        assert!(sets["nic1"].get("hwadapter_set").is_none());
    });
}

#[test]
fn what_replaces_a_set_deletes_what_it_leaves_out() {
    on_each(|place| {
        let (_, a, _) = pks(place);
        let body = |deletes: u64| {
            json!({"systems": {"a": {"pk": a["pk"], "staticreg_set": {}}}, "mode": "replace",
            "max_deletes": deletes, "commit": true})
        };
        assert_eq!(place.errors(&body(3)), [error("/max_deletes", "limit")]);
        let (_, answer) = place.import(&body(4));
        assert_eq!(answer["summary"]["delete"], 4, "{answer:#}");
        let left = &place.systems()["a.example.com"];
        assert!(left.get("staticreg_set").is_none());
        assert_eq!(left["keyvalue_set"].as_object().unwrap().len(), 1);
        let of: Vec<String> = place
            .history()
            .into_iter()
            .filter(|(row, _)| row.op == "delete")
            .map(|(row, _)| row.kind)
            .collect();
        assert_eq!(of, ["registration", "adapter", "alias", "attribute"]);
    });
}

#[test]
fn the_host_name_counts_and_a_label_that_is_a_name_is_one() {
    on_each(|place| {
        let registration = |fqdn: &str, ip: &str| json!({"fqdn": fqdn, "ip_str": ip});
        let (_, answer) = place.import(&json!({"commit": true, "systems": {"label": {
            "hostname": "web1",
            "staticreg_set": {
                "main": registration("web1", "192.0.2.1"), "nic3": registration("web1", "192.0.2.3"),
                "other": registration("web1", "192.0.2.4"), "m": registration("web1-mgmt.x", "192.0.2.5"),
            },
            "hwadapter_set": {"a": {"mac": "52:54:00:00:00:01"}, "hw5": {"mac": "52:54:00:00:00:02"}},
        }}}));
        assert_eq!(answer["notices"][0]["code"], "label");
        let system = &place.systems()["web1"];
        let names = |set: &str| system[set].as_object().unwrap().keys().cloned().collect::<Vec<String>>();
        assert_eq!(names("staticreg_set"), ["mgmt0", "nic0", "nic1", "nic3"]);
        assert_eq!(system["staticreg_set"]["nic1"]["ip_str"], "192.0.2.4");
        assert_eq!(names("hwadapter_set"), ["hw0", "hw5"]);
    });
}

#[test]
fn a_rename_tells_what_still_carries_the_old_name() {
    on_each(|place| {
        let (_, a, _) = pks(place);
        let answer = place.commit(json!({"c.example.com": {"pk": a["pk"], "hostname": "c.example.com"}}));
        let told: Vec<&Value> = answer["notices"].as_array().unwrap().iter().collect();
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told.iter().all(|notice| notice["code"] == "old_name"));
    });
}

#[test]
fn what_is_moved_out_of_something_that_goes_stays_without_what_is_to_go_by_itself() {
    on_each(|place| {
        let (_, a, _) = pks(place);
        let b = place.systems()["b.example.com"].clone();
        let nic = &a["staticreg_set"]["nic0"];
        let adapter = json!({"pk": nic["hwadapter_set"]["hw0"]["pk"], "delete": true});
        let moved = json!({"pk": nic["pk"], "name": "nic9", "hwadapter_set": {"hw0": adapter}});
        let body = json!({
            "systems": {"a": {"pk": a["pk"], "delete": true}, "b": {"pk": b["pk"], "staticreg_set": {"nic9": moved}}},
            "max_deletes": 10, "commit": true,
        });
        let (verdict, answer) = place.import(&body);
        assert_eq!(verdict, Verdict::Fine, "{answer:#}");
        let moved = place.systems()["b.example.com"]["staticreg_set"]["nic9"].clone();
        assert_eq!((&moved["pk"], moved.get("hwadapter_set")), (&nic["pk"], None), "{moved:#}");
        assert_eq!(moved["cname"].as_array().unwrap().len(), 1);
    });
}

#[test]
fn pairs_change_their_keys_with_one_another_whatever_they_are_called() {
    on_each(|place| {
        let made = place.commit(json!({"a": {"hostname": "a", "keyvalue_set": {
            "x": {"key": "x", "value": "1"}, "y": {"key": "y", "value": "2"},
        }}}));
        let set = &made["systems"]["a"]["keyvalue_set"];
        let (x, y) = (&set["x"]["pk"], &set["y"]["pk"]);
        let other = format!("~{x}");
        place.commit(json!({"a": {"pk": made["systems"]["a"]["pk"], "keyvalue_set": {
            "1": {"pk": x, "key": "y"}, "2": {"pk": y, "key": "x"}, "3": {"key": other, "value": "3"},
        }}}));
        let set = &place.systems()["a"]["keyvalue_set"];
        assert_eq!((&set["y"]["pk"], &set["x"]["pk"], &set[&other]["value"]), (x, y, &json!("3")));
        place.commit(json!({"a": {"pk": made["systems"]["a"]["pk"], "keyvalue_set": {
            "1": {"pk": x, "key": "x"}, "2": {"pk": y, "key": "y"},
        }}}));
        assert_eq!(&place.systems()["a"]["keyvalue_set"]["x"]["pk"], x);
    });
}

#[test]
fn deleting_and_making_a_system_of_the_same_name_is_one_request() {
    on_each(|place| {
        let (_, a, _) = pks(place);
        let fresh = whole("a.example.com", 1);
        let body = json!({"systems": {"x": {"pk": a["pk"], "delete": true}, "y": fresh}, "max_deletes": 6, "commit": true});
        let (verdict, answer) = place.import(&body);
        assert_eq!(verdict, Verdict::Fine, "{answer:#}");
        assert_ne!(place.systems()["a.example.com"]["pk"], a["pk"]);
    });
}
