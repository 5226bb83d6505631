//! Zones, registrations that are taken out of use, pairs whose key says what they hold, and who may change what.

use super::super::model::Kind;
use super::super::rights::{Right, Rights};
use super::*;

fn registration(fqdn: &str, more: Value) -> Value {
    let mut nic = json!({"fqdn": fqdn, "ip_str": "192.0.2.1"});
    nic.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({"a": {"hostname": "a.example.com", "staticreg_set": {"nic0": nic}}})
}

#[test]
fn names_are_within_a_zone_once_zones_are_known() {
    on_each(|place| {
        place.commit(registration("a.elsewhere.net", json!({})));
        let pk = place.systems()["a.example.com"]["pk"].clone();
        let zones = json!({"systems": {}, "lookups": {"zone": ["Example.com"]}, "commit": true});
        assert_eq!(place.import(&zones).0, Verdict::Fine);
        // What was there stays, and can be changed otherwise.
        place.commit(json!({"a": {"pk": pk, "notes": "x"}}));
        let of = |fqdn: &str, alias: &str| {
            json!({"systems": {"b": {"hostname": "b.example.com", "staticreg_set": {"nic0": {
                "fqdn": fqdn, "ip_str": "192.0.2.2", "cname": [{"fqdn": alias}]}}}}})
        };
        let at = "/systems/b/staticreg_set/nic0";
        assert_eq!(
            place.errors(&of("b.example.org", "w.example.com")),
            [error(&format!("{at}/fqdn"), "no_zone")]
        );
        assert_eq!(
            place.errors(&of("b.notexample.com", "w.example.com")),
            [error(&format!("{at}/fqdn"), "no_zone")]
        );
        assert_eq!(
            place.errors(&of("b.example.com", "w.example.org")),
            [error(&format!("{at}/cname/0/fqdn"), "no_zone")]
        );
        assert_eq!(
            place.errors(&of("b.example.com", "example.com")),
            [error(&format!("{at}/cname/0/fqdn"), "conflict")]
        );
        assert_eq!(place.import(&of("b.sub.example.com", "w.example.com")).0, Verdict::Fine);
        let bad = json!({"systems": {}, "lookups": {"zone": ["no zone"]}});
        assert_eq!(place.errors(&bad), [error("/lookups", "syntax")]);
    });
}

#[test]
fn a_registration_taken_out_of_use_gives_up_its_address_and_its_name() {
    on_each(|place| {
        place.commit(json!({"x": whole("a.example.com", 1)}));
        let system = place.systems()["a.example.com"].clone();
        let nic = system["staticreg_set"]["nic0"].clone();
        let retire =
            json!({"pk": nic["pk"], "decommissioned": true, "ip_str": nic["ip_str"], "name": "nic0"});
        let body = json!({"x": {"pk": system["pk"], "staticreg_set": {
            "old": retire, "nic0": {"fqdn": "a.example.com", "ip_str": "192.0.2.1"}}}});
        let answer = place.commit(body);
        let set = answer["systems"]["a.example.com"]["staticreg_set"].as_object().unwrap();
        let names: Vec<&String> = set.keys().collect();
        assert!(names[0].starts_with("decommissioned20") && names[1] == "nic0", "{names:?}");
        let old = &set[names[0]];
        assert_eq!(
            (&old["pk"], &old["ip_str"], &old["decommissioned"]),
            (&nic["pk"], &Value::Null, &json!(true))
        );
        assert_eq!(old["hwadapter_set"]["hw0"]["enable_dhcp"], false);
        assert_eq!(set["nic0"]["ip_str"], "192.0.2.1");
        super::exporting::assert_round_trip(place);
        // It stays as it is when it is sent back.
        let again = place.commit(json!({"x": {"pk": system["pk"], "staticreg_set": {"n": {"pk": nic["pk"],
            "decommissioned": true}}}}));
        assert_eq!(again["summary"]["update"], 0);
    });
}

#[test]
fn a_key_may_say_what_its_value_is() {
    on_each(|place| {
        let of = |system: Value, adapter: Value| {
            json!({"systems": {"a": {"hostname": "a", "keyvalue_set": {"p": system}, "hwadapter_set": {
                "hw0": {"mac": "52:54:00:00:00:01", "keyvalue_set": {"p": adapter}}}}}})
        };
        let pair = |key: &str, value: &str| json!({"key": key, "value": value});
        let free = || pair("free", "");
        let good = of(pair("nic.0.mac-address.1", "52-54-00-AB-00-01"), pair("dhcp_scope", "anything"));
        let (_, answer) = place.import(&good);
        let shown = &answer["systems"]["a"]["keyvalue_set"]["nic.0.mac-address.1"]["value"];
        assert_eq!(shown, "52:54:00:ab:00:01", "{answer:#}");
        for (key, value, code) in [
            ("host-name", "a b", "syntax"),
            ("domain_name", "", "missing"),
            ("filename", "\"\"", "missing"),
            ("domain_search", "\"a.example.com\", \"-\"", "syntax"),
            ("allow", "everything", "choice"),
        ] {
            let wanted = error("/systems/a/hwadapter_set/hw0/keyvalue_set/p/value", code);
            assert_eq!(place.errors(&of(free(), pair(key, value))), [wanted], "{key}");
            // Only there it means something.
            assert_eq!(place.import(&of(pair(key, value), free())).0, Verdict::Fine, "{key}");
        }
        for (key, value) in
            [("host_name", "\"a.b\""), ("domain_search", "\"a.b\",\"c\""), ("deny", "unknown-clients")]
        {
            assert_eq!(place.import(&of(free(), pair(key, value))).0, Verdict::Fine, "{key}");
        }
        let bad = of(pair("nic.0.mac_address.0", "x"), free());
        assert_eq!(place.errors(&bad), [error("/systems/a/keyvalue_set/p/value", "syntax")]);
        let scopes = json!({"systems": {}, "lookups": {"dhcp_scope": ["dc1-vlan80"]}, "commit": true});
        assert_eq!(place.import(&scopes).0, Verdict::Fine);
        let wanted = error("/systems/a/hwadapter_set/hw0/keyvalue_set/p/value", "not_found");
        assert_eq!(place.errors(&of(free(), pair("dhcp_scope", "dc2"))), [wanted]);
        assert_eq!(place.import(&of(free(), pair("dhcp_scope", "dc1-vlan80"))).0, Verdict::Fine);
        for key in ["ipmi_password", "oob.Token", "api-secret", "API-Key", "oob.snmp_community"] {
            let found = place.errors(&of(pair(key, "x"), free()));
            assert_eq!(found, [error("/systems/a/keyvalue_set/p/key", "forbidden")], "{key}");
        }
        assert_eq!(place.import(&of(pair("password_policy", "x"), free())).0, Verdict::Forbidden);
        for key in ["tokens_left", "key.private", "community"] {
            assert_eq!(place.import(&of(pair(key, "x"), free())).0, Verdict::Fine, "{key}");
        }
    });
}

#[test]
fn what_may_not_be_changed_is_refused_in_a_dry_run_too() {
    on_each(|place| {
        place.commit(json!({"x": whole("a.example.com", 1)}));
        let system = place.systems()["a.example.com"].clone();
        let without = |rights: &[Right], systems: Value, deletes: u64| {
            let body = json!({"systems": systems, "max_deletes": deletes}).to_string();
            let rights = Rights { denied: rights.iter().copied().collect() };
            let (verdict, answer) = place.order(&Order { body: body.into(), rights, ..Order::default() });
            (verdict, if verdict == Verdict::Fine { Vec::new() } else { errors(&answer) })
        };
        let edit = |more: Value| {
            let mut blob = json!({"pk": system["pk"]});
            blob.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            json!({"x": blob})
        };
        let notes = || edit(json!({"notes": "n"}));
        let refused = |at: &str| (Verdict::Forbidden, vec![error(at, "forbidden")]);
        assert_eq!(without(&[Right::Write(Kind::System)], notes(), 0), refused("/systems/x"));
        assert_eq!(without(&[Right::Manage], notes(), 0).0, Verdict::Fine);
        let oob = || edit(json!({"oob_ip": "192.0.2.9"}));
        assert_eq!(without(&[Right::Manage], oob(), 0), refused("/systems/x/oob_ip"));
        assert_eq!(without(&[Right::Write(Kind::Adapter), Right::Delete], oob(), 0).0, Verdict::Fine);
        let pairs = edit(json!({"keyvalue_set": {"k": {"key": "k", "value": "v"}}}));
        assert_eq!(without(&[Right::Write(Kind::Attribute)], pairs, 0), refused("/systems/x/keyvalue_set/k"));
        let (verdict, found) = without(&[Right::Delete], edit(json!({"delete": true})), 10);
        assert_eq!(verdict, Verdict::Forbidden);
        assert!(found.len() == 6 && found.iter().all(|(_, code)| code == "forbidden"), "{found:?}");
        assert_eq!(without(&Right::all()[..5], edit(json!({"delete": true})), 10).0, Verdict::Fine);
    });
}
