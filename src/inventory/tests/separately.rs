//! `atomic: false`: a mistake keeps only its own system out.

use super::*;

fn fates(answer: &Value) -> Vec<(&str, &str)> {
    let fates = answer["fates"].as_array().unwrap().iter();
    fates.map(|fate| (fate["label"].as_str().unwrap(), fate["fate"].as_str().unwrap())).collect()
}

#[test]
fn what_is_good_is_committed_and_each_system_is_told_its_fate() {
    on_each(|place| {
        place.commit(json!({"known": whole("known.example.com", 9), "old": {"hostname": "old"}}));
        let pk = |name: &str| place.systems()[name]["pk"].clone();
        let body = json!({"atomic": false, "commit": true, "change_set": "each", "max_deletes": 1, "systems": {
            "z": {"hostname": "z.example.com"},
            "bad": {"hostname": "a..b", "purchase_date": "yesterday"},
            "known": {"pk": pk("known.example.com"), "notes": "new"},
            "same": {"pk": pk("old"), "hostname": "old"},
            "a/b": 7,
            "taken": {"hostname": "z.example.com2", "staticreg_set": {"nic0": {
                "fqdn": "known.example.com", "ip_str": "192.0.2.9"}}},
        }});
        let (verdict, answer) = place.import(&body);
        assert_eq!((verdict, &answer["committed"]), (Verdict::Fine, &json!(true)), "{answer:#}");
        let wanted = [
            ("z", "created"),
            ("bad", "refused"),
            ("known", "changed"),
            ("same", "unchanged"),
            ("a/b", "refused"),
            ("taken", "refused"),
        ];
        assert_eq!(fates(&answer), wanted);
        let wrong = |place: usize| errors(&answer["fates"][place]);
        assert_eq!(
            wrong(1),
            [error("/systems/bad/hostname", "syntax"), error("/systems/bad/purchase_date", "syntax")]
        );
        assert_eq!(wrong(5), [error("/systems/taken/staticreg_set/nic0/ip_str", "duplicate")]);
        assert_eq!(wrong(4), [error("/systems/a~1b", "type")]);
        assert!(answer["fates"][0]["pk"].is_i64() && answer["fates"][1]["pk"].is_null());
        assert_eq!(place.names(""), ["known.example.com", "old", "z.example.com"]);
        assert_eq!(place.systems()["known.example.com"]["notes"], "new");
        // One change set, with one row for each object that was changed; told again, it is the same.
        let of_set =
            |place: &Place| place.history().iter().filter(|(row, _)| row.change_set == "each").count();
        assert_eq!(of_set(place), 2);
        assert_eq!(place.import(&body), (Verdict::Fine, answer));
        assert_eq!(of_set(place), 2);
    });
}

#[test]
fn what_hangs_on_a_refused_system_is_refused_as_well() {
    on_each(|place| {
        place.commit(json!({"a": {"hostname": "a"}, "b": {"hostname": "b"}}));
        let pk = |name: &str| place.systems()[name]["pk"].clone();
        let swap = |date: &str| {
            json!({"atomic": false, "commit": true, "systems": {
                "1": {"pk": pk("a"), "hostname": "b", "purchase_date": date}, "2": {"pk": pk("b"), "hostname": "a"},
                "3": {"hostname": "c"},
            }})
        };
        let (_, answer) = place.import(&swap("never"));
        assert_eq!(fates(&answer), [("1", "refused"), ("2", "refused"), ("3", "created")]);
        assert_eq!(errors(&answer["fates"][1]), [error("/systems/2/hostname", "duplicate")]);
        let (_, answer) =
            place.import(&json!({"atomic": false, "systems": {"x": {"hostname": "c"}}, "commit": true}));
        assert_eq!((fates(&answer), &answer["committed"]), (vec![("x", "refused")], &json!(false)));
        let swapped = swap("2026-01-31");
        assert_eq!(fates(&place.import(&swapped).1), [("1", "changed"), ("2", "changed"), ("3", "refused")]);
    });
}

#[test]
fn a_dry_run_tells_fates_without_keys_and_what_is_wrong_with_the_request_is_wrong_with_all_of_it() {
    on_each(|place| {
        let systems = json!({"a": {"hostname": "a"}, "b": {"hostname": "-"}});
        let (_, answer) = place.import(&json!({"atomic": false, "systems": systems}));
        assert_eq!(
            (fates(&answer), &answer["committed"]),
            (vec![("a", "created"), ("b", "refused")], &json!(false))
        );
        assert_eq!(answer["fates"][0]["pk"], Value::Null);
        for atomic in [json!("false"), json!(0), Value::Null] {
            let found = place.errors(&json!({"atomic": atomic, "systems": systems}));
            assert!(found.contains(&error("/atomic", "type")), "{found:?}");
        }
        let limited = json!({"atomic": false, "systems": systems, "max_changes": 0});
        assert_eq!(place.errors(&limited), [error("/max_changes", "limit")]);
        assert!(place.systems().is_empty() && place.history().is_empty());
        let table = Order {
            body: "hostname,rack_order\na,1\nb,x\n".into(),
            format: Format::Csv,
            members: json!({"atomic": false}).as_object().unwrap().clone(),
            ..Order::default()
        };
        let wrong = place.order(&table).1["fates"][1]["errors"][0].clone();
        assert_eq!((&wrong["line"], &wrong["column"]), (&json!(3), &json!(2)));
    });
}
