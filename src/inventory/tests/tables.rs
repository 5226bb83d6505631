//! Tables: of one kind, with empty cells that clear, and what is wrong with them.

use super::*;

/// Imports a table.
fn table(place: &Place, body: &str, members: Value) -> (Verdict, Value) {
    let members = members.as_object().unwrap().clone();
    place.order(&Order { body: body.to_owned().into(), format: Format::Csv, members, ..Order::default() })
}

fn committed(place: &Place, body: &str, members: Value) -> Value {
    let mut members = members;
    members["commit"] = json!(true);
    let (verdict, answer) = table(place, body, members);
    assert_eq!(verdict, Verdict::Fine, "{answer:#}");
    answer
}

/// Where in the table something is wrong, and what.
fn wrong(place: &Place, body: &str, members: Value) -> Vec<(String, Value, Value)> {
    let (verdict, answer) = table(place, body, members);
    assert_ne!(verdict, Verdict::Fine, "{body}: {answer:#}");
    let entry = |entry: &Value| {
        (entry["code"].as_str().unwrap().to_owned(), entry["line"].clone(), entry["column"].clone())
    };
    answer["errors"].as_array().unwrap().iter().map(entry).collect()
}

fn at(code: &str, line: u64, column: u64) -> (String, Value, Value) {
    (code.to_owned(), json!(line), json!(column))
}

#[test]
fn a_table_of_a_kind_names_the_parents_of_its_lines() {
    on_each(|place| {
        place.commit(json!({"a": {"hostname": "a"}, "b": {"hostname": "b"}}));
        let body = "system,name,fqdn,ip_str,views,keyvalue_set.rack.unit,cname.fqdn\n\
                    a,nic0,a.example.com,192.0.2.1,\"[\"\"public\"\"]\",7,www.example.com\n\
                    b,,b.example.com,192.0.2.2,,,\na,nic1,a1.example.com,192.0.2.3,,,\n";
        let answer = committed(place, body, json!({}));
        assert_eq!(
            answer["summary"],
            json!({"create": 5, "update": 0, "move": 0, "delete": 0, "unchanged": 2})
        );
        let systems = place.systems();
        let nic0 = &systems["a"]["staticreg_set"]["nic0"];
        assert_eq!((&nic0["ip_str"], &nic0["views"]), (&json!("192.0.2.1"), &json!(["public"])));
        assert_eq!(nic0["keyvalue_set"]["rack.unit"]["value"], "7");
        assert_eq!(nic0["cname"][0]["fqdn"], "www.example.com");
        assert_eq!(systems["a"]["staticreg_set"]["nic1"]["ip_str"], "192.0.2.3");
        // Without a name it gets one.
        assert_eq!(systems["b"]["staticreg_set"]["nic0"]["ip_str"], "192.0.2.2");
        let body = "system,registration,name,mac\na,nic0,hw0,52:54:00:00:00:01\na,,hw0,52:54:00:00:00:02\nb,nic0,,52:54:00:00:00:03\n";
        assert_eq!(committed(place, body, json!({}))["summary"]["create"], 3);
        let systems = place.systems();
        let of = |set: &Value| set["hwadapter_set"]["hw0"]["mac"].clone();
        assert_eq!(of(&systems["a"]["staticreg_set"]["nic0"]), "52:54:00:00:00:01");
        assert_eq!(of(&systems["a"]), "52:54:00:00:00:02");
        assert_eq!(of(&systems["b"]["staticreg_set"]["nic0"]), "52:54:00:00:00:03");
        // Changed in their place; moved where the key stands with another parent.
        let pk = &systems["a"]["hwadapter_set"]["hw0"]["pk"];
        let body = format!("system,registration,name,pk,mac\na,nic0,hw0,,52:54:00:00:00:09\nb,,hw5,{pk},\n");
        let answer = committed(place, &body, json!({}));
        assert_eq!((&answer["summary"]["update"], &answer["summary"]["move"]), (&json!(1), &json!(1)));
        assert_eq!(place.systems()["b"]["hwadapter_set"]["hw5"]["mac"], "52:54:00:00:00:02");
        let key = &systems["b"]["pk"];
        let by_key = format!("system,name,ttl\n#{key},nic0,300\n");
        assert_eq!(committed(place, &by_key, json!({}))["summary"]["update"], 1);
        // A registration by its key, too: the adapter stays where it is.
        let nic0 = &place.systems()["a"]["staticreg_set"]["nic0"]["pk"].clone();
        let by_key = format!("system,registration,name,description\na,#{nic0},hw0,x\na,#{nic0},hw1,\n");
        let by_key = by_key.replace("hw1,\n", "hw1,y\n").replace("description", "mac,description");
        let by_key = by_key.replace("hw0,x", "hw0,525400000010,x").replace("hw1,y", "hw1,525400000011,y");
        let summary = committed(place, &by_key, json!({}))["summary"].clone();
        assert_eq!(
            (&summary["create"], &summary["update"], &summary["move"]),
            (&json!(1), &json!(1), &json!(0))
        );
        let adapters = place.systems()["a"]["staticreg_set"]["nic0"]["hwadapter_set"].clone();
        assert_eq!(
            (&adapters["hw0"]["description"], &adapters["hw1"]["description"]),
            (&json!("x"), &json!("y"))
        );
        assert_eq!(
            wrong(place, "system,registration,name,mac\na,#99999,hw0,525400000012\n", json!({})),
            [at("not_found", 2, 2)]
        );
    });
}

#[test]
fn a_table_of_adapters_that_replaces_leaves_registrations_alone() {
    on_each(|place| {
        let nic = |name: &str, ip: &str, mac: &str| {
            json!({"fqdn": name, "ip_str": ip,
            "hwadapter_set": {"hw0": {"mac": mac}, "hw1": {"mac": mac.replace("00:00:", "00:01:")}}})
        };
        place.commit(json!({"a": {"hostname": "a", "staticreg_set": {
            "nic0": nic("a", "192.0.2.1", "52:54:00:00:00:01"), "nic1": nic("b", "192.0.2.2", "52:54:00:00:00:02"),
        }}}));
        let body = "system,registration,name,mac\na,nic0,hw0,525400000001\n";
        let answer = committed(place, body, json!({"mode": "replace", "max_deletes": 5}));
        assert_eq!(answer["summary"]["delete"], 1, "{answer:#}");
        let set = place.systems()["a"]["staticreg_set"].clone();
        let adapters = |nic: &str| set[nic]["hwadapter_set"].as_object().unwrap().len();
        assert_eq!((adapters("nic0"), adapters("nic1")), (1, 2));
        // Where it is about them, they are what is replaced.
        let body = "system,name\na,nic0\n";
        let answer = committed(place, body, json!({"mode": "replace", "max_deletes": 5}));
        assert_eq!(answer["summary"]["delete"], 3, "{answer:#}");
    });
}

#[test]
fn a_table_of_a_kind_is_read_no_further_than_what_is_taken() {
    let limits = Limits { systems: 2, objects: 3 };
    let read = |body: &str| super::super::csv::read(body.as_bytes(), &Map::new(), limits).unwrap().0;
    let lines = |count: usize| -> String { (0..count).map(|number| format!("a,nic{number},x\n")).collect() };
    let heads = "system,name,description\n";
    let fine = read(&format!("{heads}{}", lines(3)));
    assert_eq!((fine.systems.len(), fine.over, fine.findings.problems.len()), (1, false, 0));
    for body in [format!("{heads}{}", lines(5_000)), format!("{heads}a,nic0,x\nb,nic0,x\nc,nic0,x\n")] {
        let over = read(&body);
        let codes: Vec<_> = over.findings.problems.iter().map(|problem| problem.code).collect();
        assert_eq!((over.over, codes), (true, vec![super::super::problem::Code::Limit]));
    }
}

#[test]
fn what_is_wrong_in_a_table_of_a_kind_has_its_line_and_column() {
    on_each(|place| {
        place.commit(json!({"a": {"hostname": "a"}}));
        let heads = "system,name,fqdn,ip_str\n";
        let one = "a,nic0,a.example.com,192.0.2.1\n";
        let body = |rows: &str| format!("{heads}{one}{rows}");
        assert_eq!(wrong(place, &body("a,nic1,a.example.com,300.0.0.1\n"), json!({})), [at("syntax", 3, 4)]);
        assert_eq!(
            wrong(place, &body("a,nic1,-,192.0.2.1\na,nic2,x,1\n"), json!({})),
            [at("syntax", 3, 3), at("syntax", 4, 4)]
        );
        assert_eq!(wrong(place, &body(",nic1,b,192.0.2.1\n"), json!({})), [at("missing", 3, 1)]);
        let twice = wrong(place, &body("a,nic0,b,192.0.2.1\n"), json!({}));
        assert_eq!(
            twice.iter().map(|(code, line, _)| (code.as_str(), line.clone())).collect::<Vec<_>>(),
            [("duplicate_in_request", json!(2)), ("duplicate_in_request", json!(3))]
        );
        // No system is made by the way.
        let unknown = wrong(place, &body("c,nic0,c,192.0.2.9\n"), json!({}));
        assert_eq!(unknown[0], at("not_found", 3, 1));
        let by_key = wrong(place, "pk,system,name\n,#99999,nic0\n,#0,nic0\n", json!({}));
        assert_eq!((&by_key[0], &by_key[1]), (&at("type", 3, 2), &at("not_found", 2, 2)));
        assert_eq!(place.names(""), ["a"]);
    });
}

#[test]
fn an_empty_cell_clears_where_that_is_wanted() {
    on_each(|place| {
        place.commit(json!({"a": whole("a.example.com", 1), "b": {"hostname": "b", "notes": "n"}}));
        let body = "hostname,notes,serial,staticreg_set.nic0.ttl,staticreg_set.nic0.fqdn,staticreg_set.nic0.description,keyvalue_set.system.relay.0\n\
                    a.example.com,x,,,a.example.com,,\nb,,,,,,\n";
        let keeps = committed(place, body, json!({"skip_empty": true}));
        assert_eq!(keeps["summary"]["update"], 1);
        assert_eq!(place.systems()["a.example.com"]["serial"], "S-1");
        let clears = committed(place, body, json!({"skip_empty": false}));
        assert_eq!(clears["summary"]["update"], 2, "{clears:#}");
        let systems = place.systems();
        let one = &systems["a.example.com"];
        assert_eq!(
            (&one["serial"], &one["notes"], &systems["b"]["notes"]),
            (&Value::Null, &json!("x"), &Value::Null)
        );
        // What has no empty form stays, and nothing is made of cells that are empty throughout.
        assert_eq!(one["keyvalue_set"]["system.relay.0"]["value"], "relay3:bank1");
        assert!(systems["b"].get("staticreg_set").is_none());
        let bad = place.order(&Order {
            body: "hostname\n".into(),
            format: Format::Csv,
            members: json!({"skip_empty": "perhaps"}).as_object().unwrap().clone(),
            ..Order::default()
        });
        assert_eq!(errors(&bad.1), [error("/skip_empty", "type")]);
    });
}

#[test]
fn what_is_no_table_is_told_with_its_place() {
    on_each(|place| {
        for (body, line, column) in [
            ("", 1, 1),
            ("hostname,notes,notes\n", 1, 3),
            ("hostname,staticreg_set.nic0.fqdn,srs.nic0.fqdn\n", 1, 3),
            ("hostname,staticreg_set.nic0\n", 1, 2),
            ("hostname,keyvalue_set.\n", 1, 2),
            ("hostname,notes,serial\na,b\n", 2, 3),
            ("hostname,notes\na,b,c\n", 2, 3),
            ("hostname,notes\na,b\nb,\"c\nd,e\n", 3, 2),
            ("hostname,notes\na,\"b\"\"\n", 2, 2),
            // Lines that end otherwise, and blank ones, count as they do in an editor.
            ("hostname,notes\r\na,b\r\nb\r\n", 3, 2),
            ("hostname,notes\r\n\r\na,b\r\n\n\r\nb\r\n", 6, 2),
            ("\n\nhostname,notes,notes\n", 3, 3),
            // Of two columns that speak of the same thing one would get lost.
            ("hostname,staticreg_set.nic0.cname,staticreg_set.nic0.cname.fqdn\n", 1, 3),
            ("hostname,srs.nic0.cname.fqdn,staticreg_set.nic0.cname\n", 1, 2),
        ] {
            let (verdict, _) = table(place, body, json!({}));
            assert_eq!(verdict, Verdict::Malformed, "{body:?}");
            assert_eq!(wrong(place, body, json!({})), [at("malformed", line, column)], "{body:?}");
        }
        let order = Order {
            body: Bytes::from(&b"hostname,notes\na,b\nc,\xff\n"[..]),
            format: Format::Csv,
            ..Order::default()
        };
        let entry = place.order(&order).1["errors"][0].clone();
        assert_eq!((&entry["line"], &entry["column"]), (&json!(3), &json!(2)));
        for fine in [
            "hostname,notes\na,\"b\"\"c\"\n",
            "hostname,notes\r\na,b\"c\r\n",
            "hostname,notes\na,\"\"\n",
            "\u{feff}hostname\na\n",
            "\u{feff}\"hostname\",\"notes\"\na,\"b\nc\"\n",
        ] {
            let (verdict, answer) = table(place, fine, json!({}));
            assert_eq!(verdict, Verdict::Fine, "{fine:?} {answer:#}");
        }
        for (body, line) in [
            ("hostname,rack_order\r\na,1\r\nb,x\r\n", 3),
            ("\u{feff}hostname,rack_order\r\n\r\na,\"1\"\r\n\r\n\r\nb,x\r\n", 6),
            ("hostname,rack_order\n\na,1\n\nb,x\n", 5),
        ] {
            assert_eq!(wrong(place, body, json!({})), [at("syntax", line, 2)], "{body:?}");
        }
        let twice = "[{\"\"fqdn\"\":\"\"w.a\"\",\"\"fqdn\"\":\"\"v.a\"\"}]";
        let body =
            format!("hostname,srs.nic0.fqdn,srs.nic0.ip_str,srs.nic0.cname\na,a,192.0.2.1,\"{twice}\"\n");
        assert_eq!(wrong(place, &body, json!({})), [at("type", 2, 4)]);
        let (_, answer) = table(place, "hostname,staticreg_set.nic7.views\na,public\n", json!({}));
        let entry = &answer["errors"][0];
        assert_eq!(
            (&entry["kind"], &entry["label"], &entry["value"]),
            (&json!("registration"), &json!("nic7"), &json!("public"))
        );
        assert_eq!(wrong(place, "hostname,keyvalue_set.a\na,\\N\n", json!({})), [at("missing", 2, 2)]);
    });
}
