//! The ancestor's shape: what its own tests say of creating and updating, and the examples of its readme.

use super::*;

fn send(place: &Place, systems: Value, commit: Value) -> (Verdict, Value) {
    let body = json!({"systems": systems, "commit": commit, "whatever": 1}).to_string();
    place.order(&Order { body: body.into(), dialect: Dialect::Ancestor, ..Order::default() })
}

fn done(place: &Place, systems: Value) -> Value {
    let (verdict, answer) = send(place, systems, json!(true));
    assert_eq!(verdict, Verdict::Fine, "{answer:#}");
    assert_eq!(answer.as_object().unwrap().keys().collect::<Vec<_>>(), ["systems"]);
    answer["systems"].clone()
}

fn lookups(place: &Place) {
    let names = json!({"operating_system": ["Debian"], "server_model": ["R640"], "allocation": ["ops"], "system_rack": ["r1"]});
    assert_eq!(place.import(&json!({"systems": {}, "lookups": names, "commit": true})).0, Verdict::Fine);
}

#[test]
fn a_create_raises_the_count_and_every_member_is_read_back() {
    on_each(|place| {
        lookups(place);
        let key = |kind: &str, name: &str| {
            let rows = place.store.read_blocking(|session| session.lookups()).unwrap();
            rows.into_iter().find(|row| row.kind == kind && row.name == name).unwrap().pk
        };
        let sent = json!({
            "hostname": "foobob.mozilla.com", "serial": "s", "asset_tag": "7", "oob_ip": "10.0.0.1", "notes": "n",
            "rack_order": "1.20", "switch_ports": "sw", "patch_panel_port": "p", "oob_switch_port": "o",
            "purchase_date": "2010-01-02", "purchase_price": "900", "change_password": "2010-01-02 10:00:00",
            "warranty_start": "2010-01-01", "warranty_end": "2012-01-01",
            "operating_system": key("operating_system", "Debian"), "server_model": key("server_model", "R640"),
            "allocation": key("allocation", "ops"), "system_rack": key("system_rack", "r1"),
            "system_type": 7, "system_status": 4,
        });
        let answer = done(place, json!({"foobob.mozilla.com": sent}));
        let got = &answer["foobob.mozilla.com"];
        assert!(got["pk"].is_i64());
        for (member, value) in sent.as_object().unwrap() {
            assert_eq!(&got[member], value, "{member}");
        }
        assert_eq!(place.systems().len(), 1);
    });
}

#[test]
fn a_clone_takes_the_history_over() {
    on_each(|place| {
        done(place, json!({"a": {"hostname": "old"}}));
        done(place, json!({"a": {"hostname": "new", "clone": "old"}}));
        let pk = place.systems()["new"]["pk"].as_i64().unwrap();
        let sought = Changes { system: Some(pk), ..Changes::default() };
        let rows = place.store.read_blocking(|session| session.changes(&sought, 10)).unwrap();
        let ops: Vec<&str> = rows.iter().map(|(row, _)| row.op.as_str()).collect();
        assert_eq!(ops.len(), 2, "{ops:?}");
        assert!(ops.contains(&"create") && ops.contains(&"clone"), "{ops:?}");
        done(place, json!({"a": {"pk": pk, "clone": "old"}}));
        let rows = place.store.read_blocking(|session| session.changes(&sought, 10)).unwrap();
        assert_eq!(rows.len(), 3, "one that is there takes it over as well");
        let (_, answer) = send(place, json!({"a": {"hostname": "b", "clone": "nobody"}}), json!(true));
        assert_eq!(errors(&answer), [error("/systems/a/clone", "not_found")]);
    });
}

#[test]
fn the_answer_of_a_create_sent_back_with_another_name_renames() {
    on_each(|place| {
        let mut answer = done(place, json!({"foo": {"hostname": "foo"}}));
        let pk = answer["foo"]["pk"].clone();
        answer["foo"]["hostname"] = json!("bar");
        let again = done(place, answer);
        assert_eq!((&again["foo"]["pk"], &again["foo"]["hostname"]), (&pk, &json!("bar")));
        assert_eq!(place.names(""), ["bar"]);
    });
}

#[test]
fn a_key_in_a_new_system_is_an_error() {
    on_each(|place| {
        let (_, answer) = send(
            place,
            json!({"a": {"hostname": "a", "staticreg_set": {"nic0": {"pk": 5, "system": 1,
            "fqdn": "a", "ip_str": "10.0.0.1"}}}}),
            json!(true),
        );
        assert!(
            errors(&answer).contains(&error("/systems/a/staticreg_set/nic0/pk", "pk_in_new")),
            "{answer:#}"
        );
        assert!(answer.get("systems").is_none() && place.systems().is_empty());
    });
}

#[test]
fn registrations_adapters_pairs_and_aliases_are_made_and_updated_in_place() {
    on_each(|place| {
        let mut made = done(
            place,
            json!({"foo.mozilla.com": {"hostname": "foo.mozilla.com", "staticreg_set": {"nic0": {
                "fqdn": "foo.mozilla.com", "ip_str": "10.2.3.4", "ip_type": "4", "ttl": null, "description": "", "name": "nic0",
                "views": [2],
                "cname": [{"fqdn": "alias.mozilla.com", "target": "foo.mozilla.com", "views": [2]}],
                "hwadapter_set": {"hw0": {"mac": "11:22:33:44:55:66", "name": "hw0", "enable_dhcp": true, "keyvalue_set": {
                    "k1": {"key": "foobar1", "value": "v1"}, "k2": {"key": "foobar2", "value": "v2"}}}},
                "keyvalue_set": {}
            }}}}),
        );
        let nic = |answer: &Value| answer["foo.mozilla.com"]["staticreg_set"]["nic0"].clone();
        let first = nic(&made);
        assert!(first["pk"].is_i64() && first["cname"][0]["pk"].is_i64());
        assert_eq!((&first["views"], first["cname"].as_array().unwrap().len()), (&json!([2]), 1));
        assert_eq!(first["cname"][0]["views"], json!([2]));
        assert_eq!(first["hwadapter_set"]["hw0"]["keyvalue_set"].as_object().unwrap().len(), 2);
        let at = &mut made["foo.mozilla.com"]["staticreg_set"]["nic0"];
        at["ip_str"] = json!("192.0.2.4");
        at["views"] = json!([1, 2]);
        at["hwadapter_set"]["hw0"]["mac"] = json!("66:55:44:33:22:11");
        at["hwadapter_set"]["hw0"]["keyvalue_set"]["foobar1"]["value"] = json!("v9");
        at["cname"][0]["fqdn"] = json!("other.mozilla.com");
        let second = nic(&done(place, made));
        assert_eq!(
            (&second["pk"], &second["ip_str"], &second["views"]),
            (&first["pk"], &json!("192.0.2.4"), &json!([1, 2]))
        );
        let (old, new) = (&first["hwadapter_set"]["hw0"], &second["hwadapter_set"]["hw0"]);
        assert_eq!((&old["pk"], &new["mac"]), (&new["pk"], &json!("66:55:44:33:22:11")));
        assert_eq!(new["keyvalue_set"]["foobar1"]["value"], "v9");
        assert_eq!(new["keyvalue_set"]["foobar1"]["pk"], old["keyvalue_set"]["foobar1"]["pk"]);
        assert_eq!(
            (&first["cname"][0]["pk"], &second["cname"][0]["fqdn"]),
            (&second["cname"][0]["pk"], &json!("other.mozilla.com"))
        );
        assert_eq!(place.names("cname=other.mozilla.com"), ["foo.mozilla.com"]);
    });
}

#[test]
fn the_examples_of_the_readme_work() {
    on_each(|place| {
        // The keys of the examples, given out as by the ancestor.
        done(
            place,
            json!({"hostname.mozilla.com": {"hostname": "hostname.mozilla.com", "staticreg_set": {"nic0": {
            "fqdn": "hostname.mozilla.com", "ip_str": "10.26.56.132", "hwadapter_set": {"hw0": {"mac": "00:25:90:C2:30:D7"}}}}}}),
        );
        let keys = place.systems()["hostname.mozilla.com"].clone();
        let nic0 = &keys["staticreg_set"]["nic0"];
        let example = json!({"hostname.mozilla.com": {"hostname": "hostname", "pk": keys["pk"], "rack_order": "7.02",
            "staticreg_set": {"nic0": {"fqdn": "hostname.mozilla.com", "ip_str": "10.26.56.133", "pk": nic0["pk"],
                "hwadapter_set": {"hw0": {"mac": "00:25:90:C2:30:D8", "name": "hw0", "pk": nic0["hwadapter_set"]["hw0"]["pk"]}}}}}});
        let answer = done(place, example);
        assert_eq!(answer["hostname.mozilla.com"]["staticreg_set"]["nic0"]["ip_str"], "10.26.56.133");
        let bare = json!({"hostname.mozilla.com": {"pk": keys["pk"], "staticreg_set": {"nic0": {"pk": nic0["pk"],
            "hwadapter_set": {"hw0": {"pk": nic0["hwadapter_set"]["hw0"]["pk"]}}}}}});
        done(place, bare);
        done(place, json!({"foo.mozilla.com": {"hostname": "foo.mozilla.com"}}));
        let pk = place.systems()["hostname"]["pk"].clone();
        let (_, clash) =
            send(place, json!({"foo.mozilla.com": {"hostname": "foo.mozilla.com", "pk": pk}}), json!(true));
        assert_eq!(errors(&clash), [error("/systems/foo.mozilla.com/hostname", "duplicate")]);
        done(place, json!({"bar.mozilla.com": {"hostname": "bar.mozilla.com", "pk": pk}}));
        assert_eq!(place.names(""), ["bar.mozilla.com", "foo.mozilla.com"]);
        // Rolled back by default.
        let (verdict, answer) = send(place, json!({"z": {"hostname": "z"}}), json!(false));
        assert_eq!((verdict, &answer["systems"]["z"]["pk"]), (Verdict::Fine, &Value::Null));
        assert_eq!(place.names("hostname=z"), Vec::<String>::new());
    });
}
