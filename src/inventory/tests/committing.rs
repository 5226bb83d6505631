//! What is committed, what a dry run leaves alone, and the history.

use super::*;

#[test]
fn a_whole_system_is_made_and_read_back_as_it_was_sent() {
    on_each(|place| {
        let answer = place.commit(json!({"x": whole("web1.example.com", 1)}));
        assert_eq!(
            answer["summary"],
            json!({"create": 6, "update": 0, "move": 0, "delete": 0, "unchanged": 0})
        );
        let system = &place.systems()["web1.example.com"];
        assert_eq!(&answer["systems"]["web1.example.com"], system);
        for (member, value) in [
            ("serial", json!("S-1")),
            ("rack_order", json!("7.02")),
            ("notes", json!(null)),
            ("system_status", json!("production")),
            ("purchase_date", json!("2026-01-31")),
            ("change_password", json!("2026-02-01 10:00:00")),
            ("version", json!(1)),
        ] {
            assert_eq!(system[member], value, "{member}");
        }
        assert_eq!(system["keyvalue_set"]["system.relay.0"]["value"], "relay3:bank1");
        let registration = &system["staticreg_set"]["nic0"];
        assert_eq!(registration["views"], json!(["private", "public"]));
        assert_eq!(registration["cname"][0]["target"], "web1.example.com");
        let adapter = &registration["hwadapter_set"]["hw0"];
        assert_eq!((&adapter["mac"], &adapter["enable_dhcp"]), (&json!("52:54:00:00:00:01"), &json!(true)));
        assert_eq!(adapter["keyvalue_set"]["dhcp_scope"]["value"], "dc1");
    });
}

#[test]
fn nothing_is_stored_without_commit_and_no_keys_are_made_up() {
    on_each(|place| {
        let before = place.state();
        let systems = json!({"x": whole("web1.example.com", 1)});
        for body in [
            json!({"systems": systems, "lookups": {"system_rack": ["r1"]}}),
            json!({"systems": systems, "lookups": {"system_rack": ["r1"]}, "commit": false}),
        ] {
            let (verdict, answer) = place.import(&body);
            assert_eq!((verdict, &answer["committed"]), (Verdict::Fine, &json!(false)));
            assert_eq!(answer["change_set"], Value::Null);
            assert_eq!(answer["summary"]["create"], 6);
            for change in answer["changes"].as_array().unwrap() {
                assert_eq!(change["pk"], Value::Null);
                assert!(change["handle"].as_str().unwrap().starts_with("new-"));
            }
            let text = answer["systems"].to_string();
            assert!(text.contains("\"pk\":null") && !text.contains("\"pk\":1"), "{text}");
        }
        assert_eq!(place.state(), before);
        assert!(place.systems().is_empty() && place.history().is_empty());
        assert!(!place.export("")["lookups"].to_string().contains("r1"));
        for commit in [json!("true"), json!(1), Value::Null] {
            let (verdict, answer) = place.import(&json!({"systems": systems, "commit": commit}));
            assert_eq!((verdict, &answer["status"]), (Verdict::Malformed, &json!(400)));
            assert_eq!(errors(&answer), [error("/commit", "type")]);
        }
        assert_eq!(place.state(), before);
    });
}

#[test]
fn the_history_has_every_change_with_user_comment_before_and_after() {
    on_each(|place| {
        place.commit(json!({"x": whole("web1.example.com", 1)}));
        let pk = place.systems()["web1.example.com"]["pk"].clone();
        let edit = json!({
            "systems": {"x": {"pk": pk, "notes": "moved"}}, "commit": true, "comment": "why", "change_set": "t-1"
        });
        let order = Order {
            body: Bytes::from(edit.to_string()),
            asker: Some("alice".to_owned()),
            source: Some("192.0.2.9".to_owned()),
            ..Order::default()
        };
        let (_, answer) = place.order(&order);
        assert_eq!(answer["changes"][0]["fields"], json!([{"field": "notes", "from": null, "to": "moved"}]));
        let rows = place.history();
        assert_eq!(rows.len(), 7);
        let (change, set) = rows.last().unwrap();
        assert_eq!(
            (set.id.as_str(), set.asker.as_deref(), set.comment.as_deref()),
            ("t-1", Some("alice"), Some("why"))
        );
        assert_eq!(
            (set.source.as_deref(), set.format.as_str(), set.digest.len()),
            (Some("192.0.2.9"), "json", 64)
        );
        let read = |text: &Option<String>| serde_json::from_str::<Value>(text.as_deref().unwrap()).unwrap();
        assert_eq!(read(&change.before)["notes"], Value::Null);
        assert_eq!(read(&change.after)["notes"], "moved");
        assert_eq!((change.op.as_str(), change.kind.as_str()), ("update", "system"));
        assert!(rows[..6].iter().all(|(change, _)| change.op == "create" && change.before.is_none()));
    });
}

#[test]
fn a_repeated_change_set_gets_the_same_answer_and_writes_nothing_twice() {
    on_each(|place| {
        let body =
            json!({"systems": {"x": whole("web1.example.com", 1)}, "commit": true, "change_set": "mine"});
        let first = place.import(&body);
        assert_eq!(first.0, Verdict::Fine);
        let after = place.state();
        assert_eq!(place.import(&body), first);
        assert_eq!((place.state(), place.history().len()), (after, 6));
        let other = json!({"systems": {}, "commit": true, "change_set": "mine"});
        let (verdict, answer) = place.import(&other);
        assert_eq!((verdict, errors(&answer)), (Verdict::Clash, vec![error("/change_set", "conflict")]));
    });
}

#[test]
fn what_is_said_beside_a_document_makes_it_another_request() {
    on_each(|place| {
        let order = |mode: &str| {
            let members = json!({"commit": true, "change_set": "table", "mode": mode});
            let Value::Object(members) = members else { panic!("an object") };
            let body = Bytes::from("hostname\nweb1.example.com\n");
            place.order(&Order { body, format: Format::Csv, members, ..Order::default() })
        };
        let first = order("patch");
        assert_eq!(first.0, Verdict::Fine);
        assert_eq!(order("patch"), first);
        assert_eq!(order("replace").0, Verdict::Clash);
    });
}

#[test]
fn a_stale_version_is_refused_and_without_versions_the_last_writer_wins() {
    on_each(|place| {
        place.commit(json!({"x": {"hostname": "a.example.com"}}));
        let pk = place.systems()["a.example.com"]["pk"].clone();
        place.commit(json!({"x": {"pk": pk, "version": 1, "notes": "one"}}));
        let stale = json!({"systems": {"x": {"pk": pk, "version": 1, "notes": "two"}}, "commit": true});
        let (verdict, answer) = place.import(&stale);
        assert_eq!((verdict, errors(&answer)), (Verdict::Clash, vec![error("/systems/x/version", "stale")]));
        assert_eq!(answer["errors"][0]["value"], 2);
        let insisting = json!({"systems": {"x": {"pk": pk, "notes": "two"}}, "require_version": true});
        assert_eq!(place.errors(&insisting), [error("/systems/x/version", "missing")]);
        place.commit(json!({"x": {"pk": pk, "notes": "two"}}));
        assert_eq!(place.systems()["a.example.com"]["notes"], "two");
        assert_eq!(place.history().len(), 3);
        let (generation, _) = place.state();
        let body = Bytes::from(json!({"systems": {}}).to_string());
        let known =
            |generation| Order { body: body.clone(), generation: Some(generation), ..Order::default() };
        assert_eq!(place.order(&known(generation)).0, Verdict::Fine);
        assert_eq!(errors(&place.order(&known(generation - 1)).1), [error("", "stale")]);
    });
}

#[test]
fn imports_at_the_same_time_are_done_one_after_the_other() {
    on_each(|place| {
        place.commit(json!({"x": {"hostname": "a.example.com"}}));
        let pk = place.systems()["a.example.com"]["pk"].clone();
        // Two inventories over one database are as two processes: only the generation keeps them apart.
        let outcomes: Vec<Verdict> = std::thread::scope(|scope| {
            let work: Vec<_> = (0..8)
                .map(|number| {
                    let inventory =
                        Inventory::new(place.store.clone(), Arc::new(SystemClock), Limits::default());
                    let body = json!({
                        "systems": {"x": {"pk": pk, "version": 1, "notes": format!("n{number}")}}, "commit": true
                    });
                    let order = Order { body: Bytes::from(body.to_string()), ..Order::default() };
                    scope.spawn(move || inventory.import_blocking(&order).unwrap().verdict)
                })
                .collect();
            work.into_iter().map(|work| work.join().unwrap()).collect()
        });
        assert_eq!(outcomes.iter().filter(|verdict| **verdict == Verdict::Fine).count(), 1, "{outcomes:?}");
        assert_eq!(place.systems()["a.example.com"]["version"], 2);
        assert_eq!(place.history().len(), 2);
    });
}

#[test]
fn run_away_imports_are_stopped() {
    on_each(|place| {
        place.commit(json!({"a": {"hostname": "a"}, "b": {"hostname": "b"}, "c": {"hostname": "c"}}));
        let systems = json!({"a": {"hostname": "a", "notes": "x"}, "b": {"hostname": "b", "notes": "x"}});
        let edit = |most: Value| json!({"systems": systems, "match": "hostname", "max_changes": most});
        assert_eq!(place.errors(&edit(json!(1))), [error("/max_changes", "limit")]);
        assert_eq!(place.errors(&edit(json!("50%"))), [error("/max_changes", "limit")]);
        assert_eq!(place.import(&edit(json!("67%"))).0, Verdict::Fine);
        let pk = place.systems()["a"]["pk"].clone();
        let delete = |most: u64| json!({"systems": {"a": {"pk": pk, "delete": true}}, "max_deletes": most, "commit": true});
        assert_eq!(place.errors(&delete(0)), [error("/max_deletes", "limit")]);
        assert_eq!(place.import(&delete(1)).1["summary"]["delete"], 1);
        assert_eq!(place.names(""), ["b", "c"]);
    });
}
