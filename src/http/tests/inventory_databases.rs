//! The inventory over HTTP on each database: what the ancestor's own tests say, in both shapes, and what is refused.

use std::sync::Arc;

use actix_web::http::StatusCode;
use serde_json::{Map, Value, json};

use super::super::Settings;
use super::super::fake::Fake;
use super::inventory::{body, post, refused, use_own};
use super::{ask, request, send};
use crate::clock::SystemClock;
use crate::inventory::options::Limits;
use crate::inventory::service::Inventory;
use crate::store::Store;
use crate::store::tests::databases;

/// Runs a test on each database, with an inventory of its own.
fn on_each<F: Future<Output = ()>>(test: impl Fn() -> F) {
    for database in databases() {
        let store = Store::open(&database.url, 3).unwrap();
        use_own(Inventory::new(store.clone(), Arc::new(SystemClock), Limits { systems: 20, objects: 100 }));
        actix_rt::System::new().block_on(test());
        store.close();
    }
}

/// The ancestor's endpoints, or ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Ancestor,
    Own,
}

/// Runs a test in both shapes on each database.
fn in_each_shape<F: Future<Output = ()>>(test: impl Fn(Shape) -> F) {
    on_each(|| test(Shape::Ancestor));
    on_each(|| test(Shape::Own));
}

impl Shape {
    async fn send(self, systems: &Value) -> super::Answer {
        let path = match self {
            Self::Ancestor => "/en-US/bulk_action/import/",
            Self::Own => "/v1/inventory/import",
        };
        post(path, "application/json", json!({"systems": systems, "commit": true}).to_string()).await
    }

    /// The systems of the answer to what is good, by host name.
    async fn done(self, systems: &Value) -> Value {
        let answer = self.send(systems).await.json();
        assert!(answer.get("errors").is_none(), "{answer:#}");
        assert_eq!(answer.get("committed").is_some(), self == Self::Own);
        answer["systems"].clone()
    }

    async fn export(self, q: &str) -> Map<String, Value> {
        let path = match self {
            Self::Ancestor => format!("/bulk_action/export/?q={q}"),
            Self::Own => format!("/v1/inventory/export?q={q}"),
        };
        ask("GET", &path).await.json()["systems"].as_object().unwrap().clone()
    }

    /// A name as this shape shows it: the ancestor by its key.
    async fn name(self, kind: &str, name: &str) -> Value {
        if self == Self::Own {
            return json!(name);
        }
        let field = format!("{kind}={name}");
        match kind {
            // They are there from the beginning.
            "view" => json!(if name == "public" { 1 } else { 2 }),
            _ => {
                let probe = json!({"probe": {"hostname": "probe.example.com", kind: name}});
                let made = Self::Own.done(&probe).await;
                let pk = made["probe.example.com"]["pk"].clone();
                let key = self.export(&field).await["probe.example.com"][kind].clone();
                let gone =
                    json!({"systems": {"x": {"pk": pk, "delete": true}}, "max_deletes": 1, "commit": true});
                let answer = post("/v1/inventory/import", "application/json", gone.to_string()).await;
                assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
                key
            }
        }
    }
}

async fn names() {
    let lookups = json!({"operating_system": ["Debian"], "server_model": ["R640"], "allocation": ["ops"],
        "system_rack": ["r1"], "system_type": ["Blade"]});
    let text = json!({"systems": {}, "lookups": lookups, "commit": true}).to_string();
    assert_eq!(post("/v1/inventory/import", "application/json", text).await.status, StatusCode::OK);
}

const NAME: &str = "foobob.mozilla.com";

#[test]
fn a_create_raises_the_count_and_every_member_is_read_back() {
    in_each_shape(|shape| async move {
        names().await;
        let mut system = json!({
            "hostname": NAME, "serial": "s", "asset_tag": "7", "oob_ip": "10.0.0.1", "notes": "n",
            "rack_order": "1.20", "switch_ports": "sw", "patch_panel_port": "p", "oob_switch_port": "o",
            "purchase_date": "2010-01-02", "purchase_price": "900", "change_password": "2010-01-02 10:00:00",
            "warranty_start": "2010-01-01", "warranty_end": "2012-01-01",
        });
        for (kind, name) in [
            ("operating_system", "Debian"),
            ("server_model", "R640"),
            ("allocation", "ops"),
            ("system_rack", "r1"),
            ("system_type", "Blade"),
            ("system_status", "production"),
        ] {
            system[kind] = shape.name(kind, name).await;
        }
        let before = shape.export("type=:SYS").await.len();
        shape.done(&json!({NAME: system})).await;
        let after = shape.export("type=:SYS").await;
        assert_eq!(after.len(), before + 1);
        for (member, value) in system.as_object().unwrap() {
            assert_eq!(&after[NAME][member], value, "{shape:?} {member}");
        }
    });
}

#[test]
fn a_clone_takes_the_history_over() {
    in_each_shape(|shape| async move {
        shape.done(&json!({"old": {"hostname": "old"}})).await;
        let made = shape.done(&json!({"new": {"hostname": "new", "clone": "old"}})).await;
        let path = format!("/v1/inventory/changes?system={}", made["new"]["pk"]);
        let found = ask("GET", &path).await.json();
        let ops: Vec<&Value> =
            found["changes"].as_array().unwrap().iter().map(|change| &change["op"]).collect();
        assert_eq!(ops.len(), 2);
        assert!(ops.contains(&&json!("create")) && ops.contains(&&json!("clone")), "{ops:?}");
    });
}

#[test]
fn the_answer_of_a_create_sent_back_with_another_name_renames() {
    in_each_shape(|shape| async move {
        let mut made = shape.done(&json!({NAME: {"hostname": NAME}})).await;
        let pk = made[NAME]["pk"].clone();
        made[NAME]["hostname"] = json!("renamed.mozilla.com");
        shape.done(&made).await;
        let after = shape.export("type=:SYS").await;
        assert_eq!(after.keys().collect::<Vec<_>>(), ["renamed.mozilla.com"]);
        assert_eq!(after["renamed.mozilla.com"]["pk"], pk);
    });
}

#[test]
fn a_new_system_with_a_key_inside_gives_no_systems_and_an_error() {
    in_each_shape(|shape| async move {
        let nic = json!({"pk": 5, "system": 1, "fqdn": NAME, "ip_str": "10.0.0.1", "ip_type": "4"});
        let answer = shape.send(&json!({NAME: {"hostname": NAME, "staticreg_set": {"nic0": nic}}})).await;
        let found = refused(&answer, 422);
        assert!(found.to_string().contains("pk_in_new"), "{found}");
        assert!(body(&answer).get("systems").is_none());
        assert!(shape.export("type=:SYS").await.is_empty());
    });
}

/// A system with one of everything, made.
async fn made(shape: Shape) -> Value {
    let private = shape.name("view", "private").await;
    let pairs = json!({"1": {"key": "foobar1", "value": "v1"}, "2": {"key": "foobar2", "value": "v2"}});
    let nic = json!({
        "fqdn": NAME, "ip_str": "192.0.2.3", "ip_type": "4", "ttl": null, "description": "", "name": "nic0",
        "views": [private], "keyvalue_set": {},
        "cname": [{"fqdn": "alias.mozilla.com", "target": NAME, "views": [private]}],
        "hwadapter_set": {"hw0": {"mac": "11:22:33:44:55:66", "name": "hw0", "keyvalue_set": pairs}},
    });
    shape.done(&json!({NAME: {"hostname": NAME, "staticreg_set": {"nic0": nic}}})).await
}

/// What is stored of the registration.
async fn stored(shape: Shape) -> Value {
    shape.export("type=:SYS").await[NAME]["staticreg_set"]["nic0"].clone()
}

#[test]
fn a_registration_is_made_in_one_view_and_changed_in_its_place() {
    in_each_shape(|shape| async move {
        let mut made = made(shape).await;
        let first = stored(shape).await;
        let (public, private) = (shape.name("view", "public").await, shape.name("view", "private").await);
        assert_eq!(made[NAME]["staticreg_set"]["nic0"]["pk"], first["pk"]);
        assert_eq!(first["views"], json!([private]));
        made[NAME]["staticreg_set"]["nic0"]["ip_str"] = json!("192.0.2.4");
        made[NAME]["staticreg_set"]["nic0"]["views"] = json!([public, private]);
        shape.done(&made).await;
        let second = stored(shape).await;
        assert_eq!((&second["pk"], &second["ip_str"]), (&first["pk"], &json!("192.0.2.4")));
        assert_eq!(second["views"].as_array().unwrap().len(), 2);
        assert_eq!(shape.export("type=:SYS").await.len(), 1);
    });
}

#[test]
fn an_adapter_and_its_pairs_are_made_and_changed_in_their_place() {
    in_each_shape(|shape| async move {
        let mut made = made(shape).await;
        let first = stored(shape).await["hwadapter_set"]["hw0"].clone();
        assert_eq!(first["mac"], "11:22:33:44:55:66");
        assert_eq!(first["keyvalue_set"].as_object().unwrap().len(), 2);
        let adapter = &mut made[NAME]["staticreg_set"]["nic0"]["hwadapter_set"]["hw0"];
        adapter["mac"] = json!("66:55:44:33:22:11");
        adapter["keyvalue_set"]["foobar1"]["value"] = json!("v9");
        shape.done(&made).await;
        let second = stored(shape).await["hwadapter_set"]["hw0"].clone();
        assert_eq!((&second["pk"], &second["mac"]), (&first["pk"], &json!("66:55:44:33:22:11")));
        let (old, new) = (&first["keyvalue_set"]["foobar1"], &second["keyvalue_set"]["foobar1"]);
        assert_eq!((&new["pk"], &new["value"]), (&old["pk"], &json!("v9")));
        assert_eq!(second["keyvalue_set"].as_object().unwrap().len(), 2);
    });
}

#[test]
fn an_alias_is_made_and_renamed_in_its_place() {
    in_each_shape(|shape| async move {
        let mut made = made(shape).await;
        let private = shape.name("view", "private").await;
        let sent = made[NAME]["staticreg_set"]["nic0"]["cname"].clone();
        assert_eq!((sent.as_array().unwrap().len(), sent[0]["pk"].is_i64()), (1, true));
        assert_eq!(sent[0]["views"], json!([private]));
        made[NAME]["staticreg_set"]["nic0"]["cname"][0]["fqdn"] = json!("other.mozilla.com");
        shape.done(&made).await;
        let aliases = stored(shape).await["cname"].clone();
        assert_eq!((aliases.as_array().unwrap().len(), &aliases[0]["pk"]), (1, &sent[0]["pk"]));
        assert_eq!(aliases[0]["fqdn"], "other.mozilla.com");
    });
}

#[test]
fn a_request_that_can_not_be_taken_is_told_why() {
    on_each(|| async {
        let small = Settings { max_body_bytes: 10, ..Settings::default() };
        for path in ["/v1/inventory/import", "/bulk_action/import"] {
            let asking = request("POST", path).set_payload("{\"systems\": {}}");
            assert_eq!(send(&Fake::new(), &small, asking).await.status, StatusCode::PAYLOAD_TOO_LARGE);
            let cut = post(path, "application/json", "{\"systems\":\n {\"a\": {").await;
            let errors = refused(&cut, 400);
            assert_eq!((&errors[0]["code"], &errors[0]["line"]), (&json!("malformed"), &json!(2)));
            assert!(errors[0]["column"].is_u64());
        }
        let answer = post("/v1/inventory/import", "text/plain", "{}").await;
        assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
        for (coding, status) in [("gzip", 415), ("identity", 200)] {
            let asking = request("POST", "/v1/inventory/import").insert_header(("content-encoding", coding));
            let answer =
                send(&Fake::new(), &Settings::default(), asking.set_payload("{\"systems\": {}}")).await;
            assert_eq!(answer.status.as_u16(), status, "{coding}");
        }
    });
}

#[test]
fn a_table_of_a_kind_comes_back_unchanged_and_its_parameters_are_members() {
    on_each(|| async {
        made(Shape::Own).await;
        for (kind, unchanged) in [("systems", 1), ("registrations", 3), ("adapters", 5)] {
            let path = format!("/v1/inventory/export?format=csv&kind={kind}");
            let text = ask("GET", &path).await.text().to_owned();
            let again = post("/v1/inventory/import?commit=true", "text/csv", text.clone()).await;
            let summary = body(&again)["summary"].clone();
            assert_eq!(
                summary,
                json!({"create": 0, "update": 0, "move": 0, "delete": 0, "unchanged": unchanged}),
                "{text}"
            );
        }
        for path in ["kind=systems", "format=csv&kind=views"] {
            let answer = ask("GET", &format!("/v1/inventory/export?{path}")).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}");
        }
        let errors = refused(&post("/v1/inventory/import?comit=true", "text/csv", "hostname\n").await, 400);
        assert_eq!((&errors[0]["pointer"], &errors[0]["code"]), (&json!("/comit"), &json!("unknown_member")));
        let table = format!("hostname,serial\n{NAME},\n");
        let cleared = post("/v1/inventory/import?skip_empty=false", "text/csv", table.clone()).await;
        assert_eq!(body(&cleared)["summary"]["unchanged"], 1);
        refused(&post("/v1/inventory/import?skip_empty=no", "text/csv", table).await, 400);
    });
}

#[test]
fn the_history_of_a_system_is_found_by_its_name() {
    on_each(|| async {
        let uuid = made(Shape::Own).await[NAME]["uuid"].as_str().unwrap().to_owned();
        for ident in [NAME, "FooBob.mozilla.com", &uuid] {
            let found =
                ask("GET", &format!("/v1/inventory/changes?system={ident}&since=2020-01-01")).await.json();
            assert_eq!(found["changes"].as_array().unwrap().len(), 6, "{ident}");
        }
        let all = ask("GET", "/v1/inventory/changes").await.json();
        assert_eq!(ask("GET", "/v1/inventory/changes?system=").await.json(), all);
        assert_eq!(ask("GET", "/v1/inventory/changes?system=nobody").await.status, StatusCode::NOT_FOUND);
        assert_eq!(ask("GET", "/v1/inventory/changes?system=99999").await.json()["changes"], json!([]));
        assert_eq!(
            ask("GET", "/v1/inventory/changes?since=2020-13-01").await.status,
            StatusCode::BAD_REQUEST
        );
    });
}

#[test]
fn a_search_that_means_nothing_is_told_what_there_is() {
    on_each(|| async {
        let answer = ask("GET", "/v1/inventory/export?q=colour=red").await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert!(answer.error().contains("there are: sys.uuid, sys.hostname"), "{}", answer.error());
        made(Shape::Own).await;
        assert_eq!(Shape::Own.export("ip=192.0.2.0..192.0.2.9").await.len(), 1);
        assert_eq!(Shape::Own.export("ip=192.0.2.9..192.0.2.20").await.len(), 0);
        assert_eq!(ask("GET", "/v1/inventory/export?related=all").await.status, StatusCode::BAD_REQUEST);
    });
}

#[test]
fn a_client_that_looks_for_errors_and_systems_only_is_served() {
    on_each(|| async {
        let ok = |answer: &Value| answer.get("errors").is_none() && answer["systems"].is_object();
        let good = json!({"systems": {"any": {"hostname": "a.example.com"}}, "commit": true}).to_string();
        let first =
            body(&post("/bulk_action/import/", "application/x-www-form-urlencoded", good.clone()).await);
        assert!(ok(&first) && first["systems"]["any"]["pk"].is_i64(), "{first}");
        let second = body(&post("/bulk_action/import/", "text/html", good).await);
        assert!(!ok(&second) && second["errors"].is_array(), "{second}");
        let dry = json!({"systems": first["systems"]}).to_string();
        assert!(ok(&body(&post("/en-US/bulk_action/import/", "application/json", dry).await)));
    });
}

#[test]
fn an_import_that_is_too_large_to_be_waited_for_becomes_a_task() {
    for database in databases() {
        let store = Store::open(&database.url, 3).unwrap();
        let inventory =
            Inventory::new(store.clone(), Arc::new(SystemClock), Limits { systems: 2, objects: 3 });
        use_own(inventory.with_background(Limits { systems: 4, objects: 9 }));
        actix_rt::System::new().block_on(async {
            let many = |count: usize| {
                let all: Vec<Value> =
                    (0..count).map(|number| json!({"hostname": format!("h{number}")})).collect();
                json!({"systems": all, "commit": true}).to_string()
            };
            let path = "/v1/inventory/import";
            assert_eq!(post(path, "application/json", many(2)).await.status, StatusCode::OK);
            let queued = post(path, "application/json", many(3)).await;
            assert_eq!(queued.status, StatusCode::ACCEPTED);
            let id = queued.json()["task_id"].as_str().unwrap().to_owned();
            assert!(queued.header("location").unwrap().ends_with(&format!("/v1/tasks/{id}")));
            // The ancestor's clients would take that for done.
            let errors = refused(&post("/bulk_action/import", "application/json", many(3)).await, 422);
            assert_eq!(errors[0]["code"], "limit");
            let table = "hostname\nx\ny\nz\n";
            assert_eq!(post(path, "text/csv", table).await.status, StatusCode::ACCEPTED);
            let broken = format!("{}x", many(3));
            refused(&post(path, "application/json", broken).await, 400);
        });
        store.close();
    }
}
