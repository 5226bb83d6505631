//! Exports: round trips, searches, shapes.

use super::*;

fn some(place: &Place) {
    let mut old = whole("old.example.com", 3);
    old["rack_order"] = Value::Null;
    old["staticreg_set"]["nic0"]["decommissioned"] = json!(true);
    old["staticreg_set"]["nic0"]["ip_str"] = Value::Null;
    old["keyvalue_set"]["tricky"] = json!({"key": "a.b \"c\",\n\u{fc}", "value": "\\N"});
    old["notes"] = json!("two\nlines, and \"quotes\" no 52:54");
    old["asset_tag"] = json!("");
    let body = json!({
        "systems": {"1": whole("web1.example.com", 1), "2": whole("web2.example.com", 2), "3": old},
        "lookups": {"system_rack": ["r1", "r2"]}, "commit": true,
    });
    assert_eq!(place.import(&body).0, Verdict::Fine);
    let pk = place.systems()["web1.example.com"]["pk"].clone();
    place.commit(json!({"x": {"pk": pk, "system_rack": "r1", "asset_tag": "no"}}));
}

fn commits(format: Format, text: String) -> Order {
    let members = json!({"commit": true}).as_object().unwrap().clone();
    match format {
        Format::Json => {
            let mut body: Value = serde_json::from_str(&text).unwrap();
            body["commit"] = json!(true);
            Order { body: body.to_string().into(), ..Order::default() }
        }
        Format::Yaml => {
            Order { body: format!("{text}\"commit\": true\n").into(), format, ..Order::default() }
        }
        Format::Csv => Order { body: text.into(), format, members, ..Order::default() },
    }
}

pub(super) fn assert_round_trip(place: &Place) {
    let (state, history) = (place.state(), place.history().len());
    let all = place.systems();
    let tables = [Table::Wide, Table::Systems, Table::Registrations, Table::Adapters];
    let tables = tables.map(|table| (Format::Csv, table));
    for (format, table) in
        [(Format::Json, Table::Wide), (Format::Yaml, Table::Wide)].into_iter().chain(tables)
    {
        for relations in [Relations::Names, Relations::Keys] {
            let text = place.table("", format, relations, table);
            let (verdict, answer) = place.order(&commits(format, text.clone()));
            assert_eq!(verdict, Verdict::Fine, "{format:?} {answer:#}\n{text}");
            let summary = &answer["summary"];
            let is_empty = if format == Format::Csv { text.lines().count() == 1 } else { all.is_empty() };
            assert_eq!(summary["unchanged"].as_u64() > Some(0), !is_empty);
            for op in ["create", "update", "move", "delete"] {
                assert_eq!(summary[op], 0, "{format:?} {answer:#}");
            }
        }
    }
    assert_eq!((place.state(), place.history().len()), (state, history));
    assert_eq!(place.systems(), all);
}

#[test]
fn an_export_imported_unchanged_changes_nothing_in_any_format() {
    on_each(|place| {
        some(place);
        assert_round_trip(place);
    });
}

#[test]
fn an_export_is_the_same_each_time_and_every_text_of_yaml_stands_in_quotes() {
    on_each(|place| {
        some(place);
        for format in [Format::Json, Format::Yaml, Format::Csv] {
            assert_eq!(place.text("", format, Relations::Names), place.text("", format, Relations::Names));
        }
        let yaml = place.text("hostname=web1.example.com", Format::Yaml, Relations::Names);
        assert!(yaml.contains("\"mac\": \"52:54:00:00:00:01\""), "{yaml}");
        assert!(
            yaml.contains("\"asset_tag\": \"no\"") && yaml.contains("\"purchase_date\": \"2026-01-31\""),
            "{yaml}"
        );
        assert!(yaml.contains("\"rack_order\": \"7.02\"") && yaml.contains("\"notes\": null"), "{yaml}");
        let csv = place.text("", Format::Csv, Relations::Names);
        assert!(csv.starts_with("hostname,pk,version,uuid,"), "{csv}");
        assert!(csv.contains(",staticreg_set.nic0.hwadapter_set.hw0.mac,"), "{csv}");
    });
}

#[test]
fn what_yaml_does_not_take_as_it_is_comes_back_all_the_same() {
    on_each(|place| {
        let odd = "\u{1}\u{7f}\u{80}\u{85}\u{9f}\u{2028}\u{2029}\u{feff}\u{fffe}\u{ffff}\u{1f600}\u{e4}";
        let pairs = json!({"x": {"key": format!("k{odd}"), "value": odd}});
        place.commit(json!({"a": {"hostname": "a", "notes": odd, "keyvalue_set": pairs}}));
        assert_eq!(place.systems()["a"]["notes"], odd);
        assert_round_trip(place);
        let yaml = place.text("", Format::Yaml, Relations::Names);
        assert!(yaml.contains(r"\u0085\u009f\u2028\u2029\ufeff\ufffe\uffff"), "{yaml}");
    });
}

#[test]
fn a_table_changes_what_its_cells_say_and_keeps_what_is_empty() {
    on_each(|place| {
        some(place);
        let body = "hostname,notes,srs.nic0.hwadapter_set.hw0.mac,keyvalue_set.a.b,rack_order\n\
                    web1.example.com,new,,x,\\N\nweb2.example.com,,5254.0000.0099,,3\n";
        let (verdict, answer) = place.order(&commits(Format::Csv, body.to_owned()));
        assert_eq!(verdict, Verdict::Fine, "{answer:#}");
        let systems = place.systems();
        let (one, two) = (&systems["web1.example.com"], &systems["web2.example.com"]);
        assert_eq!((&one["notes"], &one["rack_order"]), (&json!("new"), &Value::Null));
        assert_eq!(one["keyvalue_set"]["a.b"]["value"], "x");
        assert_eq!(one["staticreg_set"]["nic0"]["hwadapter_set"]["hw0"]["mac"], "52:54:00:00:00:01");
        assert_eq!(two["staticreg_set"]["nic0"]["hwadapter_set"]["hw0"]["mac"], "52:54:00:00:00:99");
        assert_eq!((&two["notes"], &two["rack_order"]), (&Value::Null, &json!("3.00")));
    });
}

#[test]
fn searches_find_systems_by_everything_that_belongs_to_them() {
    on_each(|place| {
        some(place);
        let (one, two, old) = ("web1.example.com", "web2.example.com", "old.example.com");
        for (q, wanted) in [
            ("", vec![old, one, two]),
            ("type=:SYS", vec![old, one, two]),
            ("WEB", vec![one, two]),
            ("web*", vec![one, two]),
            ("hostname=web*", vec![one, two]),
            ("hostname=*1.example.com", vec![one]),
            ("hostname=web?.example.com !hostname=web2.example.com", vec![one]),
            ("S-3 OR web2", vec![old, two]),
            ("!(S-3 OR web2)", vec![one]),
            ("serial>=S-2", vec![old, two]),
            ("rack=r1", vec![one]),
            ("!rack=r1", vec![old, two]),
            ("sys.system_rack__name~R", vec![one]),
            ("rack=NULL", vec![old, two]),
            ("rack_order=7..8", vec![one, two]),
            ("rack_order=NULL", vec![old]),
            ("rack_order!=NULL", vec![one, two]),
            ("hostname!=*", vec![]),
            ("pk>0", vec![old, one, two]),
            ("sys.pk=2..1", vec![]),
            ("ip=192.0.2.0/31", vec![one]),
            ("range=192.0.2.0/24", vec![one, two]),
            ("ip=192.0.2.2..192.0.2.200", vec![two]),
            ("ip=10.0.0.0/8", vec![]),
            ("ip=NULL", vec![old]),
            ("mac=5254.0000.0002", vec![two]),
            ("mac=52:54:00*", vec![old, one, two]),
            ("cname=www.web1.example.com", vec![one]),
            ("kv.system.relay.0=relay3:bank1", vec![old, one, two]),
            ("kv.system.relay.0~bank2", vec![]),
            ("view=public web1", vec![one]),
            ("sreg.decommissioned=true", vec![old]),
            ("purchase_date=2026-01-01..2026-12-31 status=production", vec![old, one, two]),
            ("/^web{01-02}\\.", vec![]),
            ("/^web{1-2}\\.", vec![one, two]),
            ("fqdn=/^WEB2", vec![two]),
            ("!mac=/01$", vec![old, two]),
            ("notes=\"two\nlines, and \\\"quotes\\\" no 52:54\"", vec![old]),
            ("notes~\"100%\"", vec![]),
            ("link=linked", vec![]),
        ] {
            assert_eq!(place.names(q), wanted, "{q}");
        }
    });
}

#[test]
fn limits_markers_and_fields_cut_an_export_down() {
    on_each(|place| {
        some(place);
        let take = |limit, marker: Option<&str>, fields: &[&str]| {
            let selection = Selection {
                search: search::read("").unwrap(),
                limit,
                marker: marker.map(str::to_owned),
                fields: fields.iter().map(|field| (*field).to_owned()).collect(),
                relations: Relations::Keys,
                related: Related::Nothing,
                table: Table::Wide,
            };
            let (mut export, _) = Export::new(place.inventory.clone(), selection, Format::Json).unwrap();
            let mut text = Vec::new();
            while let Some(part) = export.next_part().unwrap() {
                text.extend(part);
            }
            serde_json::from_slice::<Value>(&text).unwrap()["systems"].clone()
        };
        let keys = |systems: &Value| systems.as_object().unwrap().keys().cloned().collect::<Vec<String>>();
        assert_eq!(keys(&take(Some(2), None, &[])), ["old.example.com", "web1.example.com"]);
        assert_eq!(keys(&take(Some(2), Some("web1.example.com"), &[])), ["web2.example.com"]);
        let one = take(Some(1), None, &["system_status"]);
        assert_eq!(keys(&one["old.example.com"]), ["hostname", "pk", "system_status", "uuid", "version"]);
        assert_eq!(one["old.example.com"]["system_status"], 4);
    });
}
