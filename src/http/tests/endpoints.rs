//! Each endpoint: what it asks the service for, and what it answers.

use actix_web::http::StatusCode;
use serde_json::json;

use super::super::fake::{Fake, NAME, NODE, PROCESSED, RAW, RULE};
use super::{Settings, ask, node_path, request, send};
use crate::node::token::Token;

const STATUS: &str = "{\"deadline\":\"2026-01-01T02:59:00.000070\",\"error\":null,\"finished\":false,\
    \"finished_at\":null,\"last_event\":\"wait\",\"links\":[{\"href\":\"http://localhost:8080/v1/introspection/\
    11111111-2222-4333-8444-555555555555\",\"rel\":\"self\"}],\"since\":\"2026-01-01T01:59:00.000070\",\
    \"started_at\":\"2026-01-01T01:59:00\",\"state\":\"waiting\",\
    \"uuid\":\"11111111-2222-4333-8444-555555555555\",\
    \"waiting_for\":\"the ramdisk to post its data\"}";

#[actix_web::test]
async fn the_root_shows_the_current_version() {
    for path in ["/", "//"] {
        let answer = ask("GET", path).await;
        let wanted = "{\"versions\":[{\"id\":\"1.18\",\"links\":[{\"href\":\"http://localhost:8080/v1\",\
            \"rel\":\"self\"}],\"status\":\"CURRENT\"}]}\n";
        assert_eq!(answer.text(), wanted);
    }
}

#[actix_web::test]
async fn the_version_shows_its_resources() {
    for path in ["/v1", "/v1/"] {
        let answer = ask("GET", path).await;
        let link = |name: &str| json!({"links": [{"href": format!("http://localhost:8080/v1/{name}"), "rel": "self"}], "name": name});
        let resources = ["continue", "introspection", "rules"].map(link);
        assert_eq!(answer.json(), json!({ "resources": resources }));
    }
}

#[actix_web::test]
async fn another_version_is_not_found() {
    for path in ["/v2", "/V1", "/v1.18", "/healthcheck", "/(", "/favicon.ico"] {
        let answer = ask("GET", path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
        assert_eq!(answer.error(), format!("Version {} not found.", &path[1..]));
    }
}

#[actix_web::test]
async fn a_start_is_accepted() {
    for (query, mode) in [("", "Managed"), ("?manage_boot=1", "Managed"), ("?manage_boot=False", "Unmanaged")]
    {
        let fake = Fake::new();
        let answer = send(&fake, &Settings::default(), request("POST", &node_path(query))).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED);
        assert_eq!((answer.text(), answer.header("content-type")), ("{}\n", Some("application/json")));
        assert_eq!(fake.asked(), [format!("start {NODE} {mode}")]);
    }
}

#[actix_web::test]
async fn a_wrong_start_does_not_reach_the_service() {
    let fake = Fake::new();
    let settings = Settings { can_manage_boot: false, ..Settings::default() };
    let answer = send(&fake, &settings, request("POST", &node_path("?manage_boot="))).await;
    assert_eq!(answer.error(), "Invalid boolean value for manage_boot: ");
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    let answer = send(&fake, &settings, request("POST", &node_path(""))).await;
    let wanted = "Managed boot is requested, but this installation cannot manage boot \
        ((can_manage_boot set to False)";
    assert_eq!(answer.error(), wanted);
    assert!(fake.asked().is_empty());
}

#[actix_web::test]
async fn a_status_is_the_record_in_order_of_names() {
    for path in [node_path(""), node_path("/"), "/v1/introspection/rack1%20u07".to_owned()] {
        let answer = ask("GET", &path).await;
        assert_eq!(answer.text(), format!("{STATUS}\n"));
    }
}

#[actix_web::test]
async fn a_list_holds_the_same_objects() {
    let fake = Fake::new();
    let uri = format!("/v1/introspection/?limit=2&marker={NODE}&state=error,waiting");
    let answer = send(&fake, &Settings::default(), request("GET", &uri)).await;
    assert_eq!(answer.text(), format!("{{\"introspection\":[{STATUS}]}}\n"));
    assert_eq!(fake.asked(), [format!("list Some({NODE}) 2 [Error, Waiting]")]);
}

#[actix_web::test]
async fn a_wrong_list_does_not_reach_the_service() {
    let fake = Fake::new();
    let answer = send(&fake, &Settings::default(), request("GET", "/v1/introspection?limit=1001")).await;
    assert_eq!(
        (answer.status, answer.error().as_str()),
        (StatusCode::BAD_REQUEST, "Bad request: Limit over 1000")
    );
    assert!(fake.asked().is_empty());
}

#[actix_web::test]
async fn an_abort_is_accepted() {
    let fake = Fake::new();
    let asking = request("POST", &node_path("/abort")).set_payload("ignored");
    let answer = send(&fake, &Settings::default(), asking).await;
    assert_eq!((answer.status, answer.text()), (StatusCode::ACCEPTED, "{}\n"));
    assert_eq!(fake.asked(), [format!("abort {NODE}")]);
}

#[actix_web::test]
async fn stored_documents_come_as_they_are() {
    for (rest, document) in [("/data", PROCESSED), ("/data/unprocessed", RAW), ("/data/unprocessed/", RAW)] {
        let answer = ask("GET", &node_path(rest)).await;
        assert_eq!((answer.status, answer.text()), (StatusCode::OK, document));
        assert_eq!(answer.header("content-type"), Some("application/json"));
    }
}

#[actix_web::test]
async fn a_reapply_takes_an_object_or_nothing() {
    for (body, document) in [("", "null"), ("{}", "null"), ("{\"b\":1,\"a\":1.50}", "{\"b\":1,\"a\":1.50}")] {
        let fake = Fake::new();
        let asking = request("POST", &node_path("/data/unprocessed")).set_payload(body);
        let answer = send(&fake, &Settings::default(), asking).await;
        assert_eq!((answer.status, answer.text()), (StatusCode::ACCEPTED, "{}\n"));
        assert_eq!(fake.asked(), [format!("reapply {NODE} {document}")]);
    }
}

#[actix_web::test]
async fn a_reapply_of_anything_else_is_refused_before_the_node_is_looked_for() {
    for (body, found) in [("[]", "list"), ("{", "None"), ("null", "NoneType"), ("1", "int")] {
        let fake = Fake::new();
        let asking = request("POST", "/v1/introspection/nobody/data/unprocessed").set_payload(body);
        let answer = send(&fake, &Settings::default(), asking).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        // Where nothing could be parsed, the place follows in brackets.
        let wanted = format!("Invalid data: expected a JSON object, got {found}");
        assert!(answer.error().starts_with(&wanted), "{}", answer.error());
        assert!(fake.asked().is_empty());
    }
}

#[actix_web::test]
async fn the_events_of_a_node_tell_who_asked_and_what_was_called() {
    let answer = ask("GET", &node_path("/events")).await;
    assert_eq!(answer.status, StatusCode::OK);
    let wanted = json!({"events": [{
        "at": "2026-01-01T01:59:00.000070", "by": "req-1", "cause": null, "event": "wait",
        "calls": [{"name": "rebooting", "outcome": "ok", "took_ms": 7}],
        "from": "starting", "run": "run-1", "to": "waiting", "took_ms": 12,
        "rules": {"matched": [{"description": "d", "uuid": RULE}], "failed": null, "doubts": [], "left_out": 0},
    }]});
    assert_eq!(answer.json(), wanted);
}

#[actix_web::test]
async fn a_callback_is_answered_with_the_node() {
    for path in ["/v1/continue", "/v1/continue/"] {
        let fake = Fake::new();
        let asking = request("POST", path).set_payload("any bytes");
        let answer = send(&fake, &Settings::default(), asking).await;
        assert_eq!(
            (answer.status, answer.text()),
            (StatusCode::OK, format!("{{\"uuid\":\"{NODE}\"}}\n").as_str())
        );
        assert_eq!(fake.asked(), ["callback 9"]);
    }
}

#[actix_web::test]
async fn names_in_paths_are_decoded() {
    let fake = Fake::new();
    let answer =
        send(&fake, &Settings::default(), request("POST", "/v1/introspection/rack1%20u07/abort")).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    assert_eq!(fake.asked(), [format!("abort {NAME}")]);
    for odd in ["a%2Fb", "a%2fdata", "%2e%2e", "%00", "%ff"] {
        let answer =
            send(&fake, &Settings::default(), request("GET", &format!("/v1/introspection/{odd}"))).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{odd}");
        assert!(answer.error().starts_with("404 Not Found: "));
    }
    assert_eq!(fake.asked().len(), 1);
}

#[actix_web::test]
async fn a_token_is_shown_to_whom_it_was_made_for() {
    let fake = Fake::new();
    let token = Token::random();
    *fake.token.borrow_mut() = Some(token.clone());
    let answer = send(&fake, &Settings::default(), request("POST", &node_path(""))).await;
    assert_eq!((answer.status, answer.header("cache-control")), (StatusCode::ACCEPTED, Some("no-store")));
    assert_eq!(answer.json(), json!({"callback_token": token.expose()}));
    let answer = send(&fake, &Settings::default(), request("POST", &node_path("/callback-token"))).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.json()["callback_token"].as_str().unwrap().len(), 64);
    for uri in ["/v1/continue?token=abc", "/v1/continue"] {
        send(&fake, &Settings::default(), request("POST", uri).set_payload("{}")).await;
    }
    assert_eq!(fake.asked()[2..], ["callback 2 with a token", "callback 2"]);
}
