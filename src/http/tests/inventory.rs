//! The inventory over HTTP: formats, statuses, shapes.

use std::cell::RefCell;
use std::sync::{Arc, LazyLock};

use actix_web::http::StatusCode;
use serde_json::{Value, json};

use super::super::Settings;
use super::super::fake::Fake;
use super::{Answer, ask, request, send};
use crate::clock::SystemClock;
use crate::config::DatabaseUrl;
use crate::inventory::options::Limits;
use crate::inventory::service::{Inventory, Order};
use crate::store::Store;

static SHARED: LazyLock<Inventory> = LazyLock::new(|| {
    let path = tempfile::tempdir().unwrap().keep().join("inventory.sqlite");
    let store = Store::open(&DatabaseUrl::Sqlite(path), 4).unwrap();
    Inventory::new(store, Arc::new(SystemClock), Limits { systems: 20, objects: 100 })
});

thread_local! {
    /// The inventory of the test that runs on this thread, where it has one of its own.
    static OWN: RefCell<Option<Inventory>> = const { RefCell::new(None) };
}

/// One inventory for all tests: each uses names of its own.
pub(super) fn shared() -> Inventory {
    OWN.with_borrow(|own| own.clone()).unwrap_or_else(|| SHARED.clone())
}

/// Gives the test of this thread an inventory of its own.
pub(super) fn use_own(inventory: Inventory) {
    OWN.set(Some(inventory));
}

pub(super) async fn post(path: &str, media_type: &str, body: impl Into<String>) -> Answer {
    let asking = request("POST", path).insert_header(("content-type", media_type)).set_payload(body.into());
    send(&Fake::new(), &Settings::default(), asking).await
}

async fn import(body: Value) -> Answer {
    post("/v1/inventory/import", "application/json", body.to_string()).await
}

/// A system that there is.
pub(super) fn known() -> &'static str {
    static KNOWN: LazyLock<()> = LazyLock::new(|| {
        let body =
            json!({"systems": {"known": {"hostname": "known.example.com"}}, "commit": true}).to_string();
        let order = Order { body: body.into(), ..Order::default() };
        // Not on a thread of a reactor.
        std::thread::spawn(move || shared().import_blocking(&order).unwrap()).join().unwrap();
    });
    LazyLock::force(&KNOWN);
    "known.example.com"
}

pub(super) fn body(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap()
}

pub(super) fn refused(answer: &Answer, status: u16) -> Value {
    assert_eq!(answer.status.as_u16(), status, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    assert_eq!(body(answer)["status"], status);
    body(answer)["errors"].clone()
}

#[actix_web::test]
async fn statuses_say_what_kind_of_mistake_it_was() {
    refused(&post("/v1/inventory/import", "application/json", "{\"systems\": {").await, 400);
    refused(&import(json!({"systems": {}, "commit": "true"})).await, 400);
    let errors = refused(&import(json!({"systems": {"a/b": {"hostname": ""}}})).await, 422);
    assert_eq!(errors[0]["pointer"], "/systems/a~1b/hostname");
    assert_eq!(import(json!({"systems": {"a": {"hostname": "taken"}}, "commit": true})).await.status, 200);
    let errors = refused(&import(json!({"systems": {"a": {"hostname": "taken"}}})).await, 409);
    assert_eq!(errors[0]["code"], "duplicate");
    for media_type in ["text/plain", "application/x-www-form-urlencoded", "image/png"] {
        let answer = post("/v1/inventory/import", media_type, "{}").await;
        assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
        answer.error();
    }
    let small = Settings { max_body_bytes: 10, ..Settings::default() };
    let asking = request("POST", "/v1/inventory/import").set_payload("{\"systems\": {}}");
    assert_eq!(send(&Fake::new(), &small, asking).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    let many: Vec<Value> = (0..21).map(|number| json!({"hostname": format!("many{number}")})).collect();
    let errors = refused(&import(json!({"systems": many})).await, 422);
    assert_eq!((&errors[0]["code"], errors.as_array().unwrap().len()), (&json!("limit"), 1));
}

#[actix_web::test]
async fn a_table_takes_its_options_from_the_query_and_mistakes_have_places() {
    let table = "hostname,serial,keyvalue_set.rack.unit\ncsv1.example.com,S1,7\ncsv2.example.com,S2,\n";
    let dry = post("/v1/inventory/import", "text/csv; charset=utf-8", table).await;
    assert_eq!(body(&dry)["summary"]["create"], 3);
    assert_eq!(body(&dry)["committed"], false);
    let done = post("/v1/inventory/import?commit=true&comment=table", "text/csv", table).await;
    assert_eq!((done.status.as_u16(), &body(&done)["committed"]), (200, &json!(true)));
    let found = ask("GET", "/v1/inventory/export?q=hostname=csv*&format=csv").await;
    assert_eq!(found.header("content-type"), Some("text/csv; charset=utf-8"));
    assert_eq!(found.text().lines().count(), 3);
    let again = post("/v1/inventory/import?commit=true", "text/csv", found.text()).await;
    assert_eq!(body(&again)["summary"]["unchanged"], 3);
    assert_eq!(body(&again)["change_set"], Value::Null);
    let errors =
        refused(&post("/v1/inventory/import", "text/csv", "hostname,rack_order\na1,1\nb1,x\n").await, 422);
    assert_eq!((&errors[0]["line"], &errors[0]["column"]), (&json!(3), &json!(2)));
    let yaml = ask("GET", "/v1/inventory/export?q=csv1*&format=yaml").await;
    assert_eq!(yaml.header("content-type"), Some("application/yaml"));
    let again =
        post("/v1/inventory/import", "application/yaml", format!("# as it was\n{}", yaml.text())).await;
    assert_eq!(body(&again)["summary"]["unchanged"], 2);
    let found = ask("GET", "/v1/inventory/changes?limit=1000").await.json();
    let of_table = found["changes"].as_array().unwrap().iter().filter(|change| change["comment"] == "table");
    assert_eq!(of_table.count(), 3);
}

#[actix_web::test]
async fn an_export_says_what_is_wrong_with_its_parameters() {
    for (query, wanted) in [
        ("q=colour=red", "there are: sys.uuid"),
        ("q=(a", "closing parenthesis"),
        ("format=xml", "json, yaml or csv"),
        ("relations=id", "name or pk"),
        ("fields=hostname,colour", "there is no colour"),
        ("limit=x", "a number"),
        ("format=csv&kind=adapters&fields=hostname", "no fields of systems"),
        ("format=csv&kind=registrations&related=observed", "not what was observed"),
    ] {
        let answer = ask("GET", &format!("/v1/inventory/export?{query}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
        assert!(answer.error().contains(wanted), "{query}: {}", answer.error());
    }
    let nothing = ask("GET", "/v1/inventory/export?q=ip=198.51.100.0/24").await;
    assert_eq!((nothing.status.as_u16(), &nothing.json()["systems"]), (200, &json!({})));
    assert_eq!(ask("GET", "/v1/inventory/changes?since=now").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(ask("GET", "/v1/inventory/changes?marker=x").await.status, StatusCode::BAD_REQUEST);
}

#[actix_web::test]
async fn an_etag_guards_against_changes_since_the_export() {
    let exported = ask("GET", "/v1/inventory/export?q=nothing").await;
    let tag = exported.header("etag").unwrap().to_owned();
    assert!(tag.starts_with("\"inventory-"), "{tag}");
    for (header, status) in [("\"inventory-1000000\"", 409), ("W/\"x\"", 400), ("*", 200)] {
        let asking = request("POST", "/v1/inventory/import")
            .insert_header(("if-match", header))
            .set_payload("{\"systems\": {}}");
        let answer = send(&Fake::new(), &Settings::default(), asking).await;
        assert_eq!(answer.status.as_u16(), status, "{header}");
    }
}

#[actix_web::test]
async fn clients_of_the_ancestor_find_systems_or_errors() {
    let systems = json!({"any label": {"hostname": "old.example.com", "staticreg_set": {"nic0": {
        "fqdn": "old.example.com", "ip_str": "10.9.9.9", "ip_type": "4", "views": [2]}}}});
    let text = json!({"systems": systems, "commit": true}).to_string();
    let answer = post("/en-US/bulk_action/import/", "application/x-www-form-urlencoded", text.clone()).await;
    let made = answer.json();
    assert!(made.get("errors").is_none());
    assert!(made["systems"]["any label"]["staticreg_set"]["nic0"]["pk"].is_i64());
    assert_eq!(made["systems"]["any label"]["system_status"], 3);
    let again = body(&post("/bulk_action/import/", "application/json", text).await);
    assert!(again.get("systems").is_none() && again["errors"].is_array());
    let found = ask("GET", "/bulk_action/export/?q=old.example.com").await.json();
    assert_eq!(found["systems"]["old.example.com"]["staticreg_set"]["nic0"]["views"], json!([2]));
    for path in ["/bulk_action/export/", "/en-US/bulk_action/export/?q=(a", "/bulk_action/import/"] {
        let refused = ask("GET", path).await;
        assert!(refused.status.is_client_error(), "{path}");
        assert!(refused.json()["errors"].as_str().is_some_and(|text| !text.is_empty()), "{path}");
    }
    let put = request("PUT", "/bulk_action/import/").set_payload(r#"{"systems": {}}"#);
    let done = send(&Fake::new(), &Settings::default(), put).await;
    assert_eq!(done.json(), json!({"systems": {}}));
}
