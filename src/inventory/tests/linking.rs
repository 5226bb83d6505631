//! Systems and nodes: links, what was observed, and introspection of what is only declared.

use uuid::Uuid;

use super::*;
use crate::build_data::facts::{Kind as Seen, Sighting};
use crate::build_data::{Collection, Generator, Reference};
use crate::clock::Timestamp;
use crate::fsm::State;
use crate::inventory::links::Look;
use crate::node_service::NodeService;
use crate::node_service::local::Local;
use crate::store::documents::Packed;
use crate::store::tests::{make, record};
use crate::store::{Job, QueryResult, Session};

/// What the end of a run writes.
struct Found {
    node: Uuid,
    facts: Value,
    macs: Vec<String>,
    serial: Option<String>,
}

impl Job for Found {
    type Output = ();

    fn run(&self, session: &mut dyn Session) -> QueryResult<()> {
        let content = Packed::pack(self.facts.to_string().as_bytes()).unwrap();
        session.keep_document(&content, Timestamp(5))?;
        let seen = |kind, value: &String, detail: &str| Sighting {
            kind,
            value: value.to_lowercase(),
            detail: detail.to_owned(),
        };
        let macs = self.macs.iter().map(|mac| seen(Seen::Mac, mac, "eth0"));
        let serial = self.serial.iter().map(|serial| seen(Seen::Serial, serial, "system"));
        let written = Collection {
            items: vec![Reference { generator: Generator::Facts, digest: content.digest.clone() }],
            sightings: Some(macs.chain(serial).collect()),
            ..Collection::default()
        };
        session.add_builds(self.node, self.node, &written, Timestamp(6))
    }
}

/// A node that was introspected.
fn introspected(place: &Place, number: u128, macs: &[&str], serial: Option<&str>) -> String {
    let node = record(number, State::Finished).uuid;
    if place.store.read_blocking(|session| session.node(node)).unwrap().is_none() {
        make(&place.store, record(number, State::Finished));
    }
    let nics: Map<String, Value> =
        macs.iter().map(|mac| ((*mac).to_owned(), json!({"mac_address": mac, "name": "eth0"}))).collect();
    let facts = json!({"system": {"": {"serial_number": serial}}, "nics": nics, "bmc": {"": {"bmc_address": "192.0.2.250"}}});
    let macs = macs.iter().map(|mac| (*mac).to_owned()).collect();
    place.store.write_blocking(Found { node, facts, macs, serial: serial.map(str::to_owned) }).unwrap();
    place.inventory.bring_links_up_to_date(Look::New).unwrap();
    node.to_string()
}

fn host(place: &Place, name: &str) -> Value {
    place.inventory.host(name).unwrap()
}

fn links(place: &Place, name: &str) -> Vec<(String, String, String)> {
    let text = |link: &Value, name: &str| link[name].as_str().unwrap().to_owned();
    let shown = host(place, name)["links"].clone();
    shown
        .as_array()
        .unwrap()
        .iter()
        .map(|link| (text(link, "node_uuid"), text(link, "state"), text(link, "evidence")))
        .collect()
}

fn link(node: &str, state: &str, evidence: &str) -> (String, String, String) {
    (node.to_owned(), state.to_owned(), evidence.to_owned())
}

fn system(name: &str, mac: &str) -> Value {
    json!({"hostname": name, "serial": "S9", "oob_ip": "192.0.2.1", "hwadapter_set": {"hw0": {"mac": mac}}})
}

const MAC: &str = "52:54:00:00:00:01";

#[test]
fn a_new_system_is_linked_by_the_mac_of_a_node_and_shows_what_was_observed() {
    on_each(|place| {
        let node = introspected(place, 1, &[MAC, "52:54:00:00:00:02"], Some("S1"));
        place.commit(json!({"a": system("a.example.com", MAC)}));
        assert_eq!(links(place, "a.example.com"), [link(&node, "linked", "mac")]);
        assert_eq!(place.names("link=linked"), ["a.example.com"]);
        assert_eq!(place.names(&format!("node={node}")), ["a.example.com"]);
        let shown = host(place, "a.example.com");
        assert_eq!(shown["introspection"]["state"], "finished");
        assert_eq!(shown["observed"]["system"][""]["serial_number"], "S1");
        assert_eq!(
            shown["differences"],
            json!([
                {"field": "serial", "declared": "S9", "observed": "S1"},
                {"field": "oob_ip", "declared": "192.0.2.1", "observed": "192.0.2.250"},
                {"field": "mac", "declared": null, "observed": "52:54:00:00:00:02"},
            ])
        );
    });
}

#[test]
fn a_later_run_links_and_alters_nothing_that_was_declared() {
    on_each(|place| {
        place.commit(json!({"a": system("a.example.com", MAC)}));
        assert!(links(place, "a.example.com").is_empty());
        let (systems, state) = (place.systems(), place.state());
        let node = introspected(place, 1, &[MAC], Some("S1"));
        assert_eq!(links(place, "a.example.com"), [link(&node, "linked", "mac")]);
        assert_eq!((place.systems(), place.state()), (systems, state));
        assert_eq!(host(place, "a.example.com")["differences"][0]["observed"], "S1");
    });
}

#[test]
fn a_mac_of_two_nodes_is_a_conflict_and_an_operator_settles_it_for_good() {
    on_each(|place| {
        let (one, two) = (introspected(place, 1, &[MAC], None), introspected(place, 2, &[MAC], None));
        let answer = place.commit(json!({"a": system("a.example.com", MAC)}));
        assert_eq!(
            links(place, "a.example.com"),
            [link(&one, "conflict", "mac"), link(&two, "conflict", "mac")]
        );
        assert_eq!(place.names("link=conflict"), ["a.example.com"]);
        let pk = answer["systems"]["a.example.com"]["pk"].clone();
        place.commit(json!({"a": {"pk": pk, "node_uuid": two}}));
        let settled = [link(&one, "history", "mac"), link(&two, "linked", "operator")];
        assert_eq!(links(place, "a.example.com"), settled);
        introspected(place, 1, &[MAC, "52:54:00:00:00:07"], Some("S9"));
        assert_eq!(links(place, "a.example.com"), settled);
    });
}

#[test]
fn who_loses_what_speaks_for_a_link_loses_the_link() {
    on_each(|place| {
        let node = introspected(place, 1, &[MAC], None);
        let made =
            place.commit(json!({"a": system("a.example.com", MAC), "b": {"hostname": "b.example.com"}}));
        let system = |name: &str| made["systems"][name].clone();
        let adapter = system("a.example.com")["hwadapter_set"]["hw0"]["pk"].clone();
        // The request speaks of the one that takes it only.
        let b = system("b.example.com")["pk"].clone();
        place.commit(json!({"b": {"pk": b, "hwadapter_set": {"hw0": {"pk": adapter}}}}));
        assert_eq!(links(place, "a.example.com"), [link(&node, "history", "mac")]);
        assert_eq!(links(place, "b.example.com"), [link(&node, "linked", "mac")]);
        introspected(place, 1, &["52:54:00:00:00:09"], None);
        assert_eq!(links(place, "b.example.com"), [link(&node, "history", "mac")]);
    });
}

#[test]
fn a_conflict_ends_with_the_system_that_made_it() {
    on_each(|place| {
        let node = introspected(place, 1, &[MAC], Some("S7"));
        let made = place.commit(json!({
            "a": {"hostname": "a.example.com", "hwadapter_set": {"hw0": {"mac": MAC}}},
            "b": {"hostname": "b.example.com", "serial": "S7"},
        }));
        assert_eq!(links(place, "a.example.com"), [link(&node, "conflict", "mac")]);
        let gone = json!({"b": {"pk": made["systems"]["b.example.com"]["pk"], "delete": true}});
        let (verdict, _) = place.import(&json!({"systems": gone, "max_deletes": 1, "commit": true}));
        assert_eq!(verdict, Verdict::Fine);
        assert_eq!(links(place, "a.example.com"), [link(&node, "linked", "mac")]);
    });
}

#[test]
fn an_operator_is_heard_at_the_end_of_a_chain_of_claims() {
    on_each(|place| {
        let mac = |number: usize| format!("52:54:00:00:00:{number:02x}");
        let length = 12;
        for (number, node) in (0..length).zip(1..) {
            introspected(place, node, &[&mac(number), &mac(number + 1)], None);
        }
        let far = Uuid::from_u128(99).to_string();
        let chain: Map<String, Value> = (0..=length)
            .map(|number| {
                let name = format!("s{number:02}");
                let node = (number == length).then_some(&far);
                let of = json!({"hostname": name, "node_uuid": node, "hwadapter_set": {"hw0": {"mac": mac(number)}}});
                (name, of)
            })
            .collect();
        let made = place.commit(Value::Object(chain));
        for number in 0..=length {
            let name = format!("s{number:02}");
            place.commit(json!({"x": {"pk": made["systems"][&name]["pk"], "notes": "seen"}}));
            assert_eq!(
                links(place, &format!("s{length:02}")),
                [link(&far, "suggested", "operator")],
                "{name}"
            );
        }
    });
}

#[test]
fn a_node_that_is_gone_leaves_the_system_and_a_link_in_history() {
    on_each(|place| {
        let node = introspected(place, 1, &[MAC], None);
        place.commit(json!({"a": system("a.example.com", MAC)}));
        assert_eq!(links(place, "a.example.com"), [link(&node, "linked", "mac")]);
        place.store.write_blocking(Forget(node.parse().unwrap())).unwrap();
        place.inventory.bring_links_up_to_date(Look::Gone).unwrap();
        assert_eq!(links(place, "a.example.com"), [link(&node, "history", "mac")]);
        assert_eq!(place.names(""), ["a.example.com"]);
    });
}

/// Removes the record of a node.
struct Forget(Uuid);

impl Job for Forget {
    type Output = ();

    fn run(&self, session: &mut dyn Session) -> QueryResult<()> {
        session.delete_node(self.0, 1).map(drop)
    }
}

#[test]
fn a_declared_system_is_a_node_of_the_local_service() {
    on_each(|place| {
        place.commit(json!({
            "a": system("a.example.com", MAC), "b": {"hostname": "b.example.com"},
            "c": {"hostname": "c.example.com", "oob_ip": "192.0.2.3"},
        }));
        let uuid = place.systems()["a.example.com"]["uuid"].as_str().unwrap().to_owned();
        let local = Local::new(place.store.clone());
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
            let node = local.node("a.example.com").await.unwrap();
            assert_eq!(node.uuid.to_string(), uuid);
            assert_eq!(node.document["driver_info"]["ipmi_address"], "192.0.2.1");
            let ports = local.ports(node.uuid).await.unwrap();
            assert_eq!(ports.iter().map(|port| port.address.to_string()).collect::<Vec<_>>(), [MAC]);
            assert_eq!(local.node(&uuid).await.unwrap().uuid, node.uuid);
            assert!(local.node("c.example.com").await.is_ok());
            for nothing in ["b.example.com", "d.example.com", "11111111-2222-4333-8444-555555555555"] {
                assert!(local.node(nothing).await.is_err(), "{nothing}");
            }
        });
        place.commit(json!({"x": {"hostname": "x"}}));
        place.inventory.bring_links_up_to_date(Look::New).unwrap();
    });
}

#[test]
fn an_export_shows_what_was_observed_and_an_import_passes_it_over() {
    on_each(|place| {
        place.commit(json!({"a": system("a.example.com", MAC), "b": {"hostname": "b.example.com"}}));
        let node = introspected(place, 1, &[MAC], Some("S1"));
        compared(place, &node);
        let observed = |format| {
            let selection = Selection {
                search: search::read("").unwrap(),
                limit: None,
                marker: None,
                fields: vec!["serial".to_owned()],
                relations: Relations::Names,
                related: Related::Observed,
                table: Table::Wide,
            };
            let (mut export, _) = Export::new(place.inventory.clone(), selection, format).unwrap();
            let mut text = Vec::new();
            while let Some(part) = export.next_part().unwrap() {
                text.extend(part);
            }
            Bytes::from(text)
        };
        let text = observed(Format::Json);
        let systems = serde_json::from_slice::<Value>(&text).unwrap()["systems"].clone();
        let shown = &systems["a.example.com"]["observed"];
        assert_eq!(
            (&shown["node_uuid"], &shown["introspection"]["state"]),
            (&json!(node), &json!("finished"))
        );
        assert_eq!(shown["facts"]["system"][""]["serial_number"], "S1");
        let serial = json!({"field": "serial", "declared": "S9", "observed": "S1"});
        assert!(shown["differences"].as_array().unwrap().contains(&serial), "{shown:#}");
        let told = json!([{"level": "Error", "message": "Too little memory", "task": COMPARED, "at": AT}]);
        assert_eq!(shown["findings"], told);
        assert_eq!(host(place, "a.example.com")["findings"], told);
        assert!(systems["b.example.com"].get("observed").is_none());
        for format in [Format::Json, Format::Yaml, Format::Csv] {
            let (verdict, answer) =
                place.order(&Order { body: observed(format), format, ..Order::default() });
            assert_eq!(verdict, Verdict::Fine, "{answer:#}");
            assert_eq!(
                (&answer["summary"]["update"], &answer["summary"]["unchanged"]),
                (&json!(0), &json!(2))
            );
            assert_eq!(answer["notices"][0]["code"], "observed", "{format:?}");
        }
    });
}

/// A run that was held against a design.
struct Held {
    node: Uuid,
    at: i64,
    report: Value,
}

impl Job for Held {
    type Output = ();

    fn run(&self, session: &mut dyn Session) -> QueryResult<()> {
        let content = Packed::pack(self.report.to_string().as_bytes()).unwrap();
        session.keep_document(&content, Timestamp(self.at))?;
        let items = vec![Reference { generator: Generator::DesignFindings, digest: content.digest.clone() }];
        let run = Uuid::from_u128(u128::try_from(self.at).unwrap());
        session.add_builds(self.node, run, &Collection { items, ..Collection::default() }, Timestamp(self.at))
    }
}

#[test]
fn the_newest_comparison_is_shown_whether_it_was_asked_for_or_came_with_a_run() {
    use crate::design::finding::Finding;
    use crate::design::standing::report;

    on_each(|place| {
        place.commit(json!({"a": system("a.example.com", MAC)}));
        let node = introspected(place, 1, &[MAC], None);
        let uuid = Uuid::parse_str(&node).unwrap();
        let found = |place: &Place| host(place, "a.example.com")["findings"].clone();
        let held = |at: i64, text: &str| {
            let findings =
                if text.is_empty() { Vec::new() } else { vec![Finding::error("X", "a/b", text.to_owned())] };
            place.store.write_blocking(Held { node: uuid, at, report: report("r", "d", &findings) }).unwrap();
        };
        assert_eq!(found(place), json!([]));
        held(2, "Of the first run");
        let entry = json!({"level": "Error", "message": "Of the first run", "task": null, "at": "1970-01-01T00:00:00.000002"});
        assert_eq!(found(place), json!([entry]));
        // Asked for after that, at five.
        compared(place, &node);
        assert_eq!(found(place)[0]["message"], "Too little memory");
        held(4, "Before that");
        assert_eq!(found(place)[0]["message"], "Too little memory");
        held(8, "Of the last run");
        assert_eq!(found(place)[0]["message"], "Of the last run");
        held(9, "");
        assert_eq!(found(place), json!([]));
    });
}

const COMPARED: &str = "00000000-0000-4000-8000-000000000777";
const AT: &str = "1970-01-01T00:00:00.000007";

/// A node was held against a design, once before and once again.
fn compared(place: &Place, node: &str) {
    use crate::store::tasks::{NewMessage, TaskRow};
    use crate::tasks::model::{Action, Status};

    struct Compared(Vec<(TaskRow, NewMessage)>);

    impl Job for Compared {
        type Output = ();

        fn run(&self, session: &mut dyn Session) -> QueryResult<()> {
            for (row, message) in &self.0 {
                session.insert_tasks(std::slice::from_ref(row))?;
                session.add_messages(&row.id, std::slice::from_ref(message))?;
            }
            Ok(())
        }
    }

    let of = |id: &str, created_us: i64, text: &str| {
        let row = TaskRow {
            id: id.to_owned(),
            action: Action::CompareNode.name().to_owned(),
            status: Status::Complete.name().to_owned(),
            result_status: "failure".to_owned(),
            finished_us: Some(created_us),
            created_us,
            ..crate::tasks::service::tests::child("", 0, 1)
        };
        let message = NewMessage {
            text: text.to_owned(),
            error: true,
            level: "Error",
            context_type: "node",
            context: node.to_owned(),
            at: Timestamp(7),
            extra: "{}".to_owned(),
        };
        (TaskRow { parent_id: None, node_uuid: Some(node.to_owned()), ..row }, message)
    };
    let earlier = of("00000000-0000-4000-8000-000000000776", 3, "Long mended");
    place.store.write_blocking(Compared(vec![earlier, of(COMPARED, 5, "Too little memory")])).unwrap();
}
