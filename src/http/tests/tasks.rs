//! Tasks: what is asked for, and what is answered, under both roots.

use actix_web::http::StatusCode;
use serde_json::{Value, json};

use super::super::fake::{Fake, NODE, TASK};
use super::{Answer, Settings, ask, request, send};

const ROOTS: [&str; 2] = ["/v1", "/api/v1.0"];

async fn create(root: &str, body: &str) -> (Answer, Vec<String>) {
    let fake = Fake::new();
    let asking = request("POST", &format!("{root}/tasks")).set_payload(body.to_owned());
    let answer = send(&fake, &Settings::default(), asking).await;
    (answer, fake.asked())
}

#[actix_web::test]
async fn a_task_that_is_created_is_told_with_its_place() {
    for root in ROOTS {
        let (answer, asked) = create(root, r#"{"action": "introspect_nodes", "max_retry": 1}"#).await;
        assert_eq!(answer.status, StatusCode::CREATED);
        let place = format!("http://localhost:8080{root}/tasks/{TASK}");
        assert_eq!(answer.header("location"), Some(place.as_str()));
        assert_eq!(answer.json()["task_id"], TASK);
        assert_eq!(asked, ["create a task introspect_nodes None Some(1)"]);
    }
}

#[actix_web::test]
async fn a_wrong_order_is_refused_before_anything_is_done() {
    let element = r#"{"filter_type": "union", "rack_labels": {"a": "b"}}"#;
    for (body, why) in [
        ("", "Invalid data: expected a JSON object"),
        ("[]", "Invalid data: expected a JSON object"),
        ("{}", "Unsupported action None"),
        (r#"{"action": "introspect_node"}"#, "Unsupported action introspect_node"),
        (r#"{"action": 1}"#, "Unsupported action 1"),
        (r#"{"action": "noop", "days": 1}"#, "Unknown member days"),
        (r#"{"action": "noop", "max_retry": -1}"#, "Invalid max_retry"),
        (r#"{"action": "noop", "node_filter": "all"}"#, "Invalid node_filter"),
        (
            r#"{"action": "noop", "node_filter": {"filter_set_type": "union", "filter_set": []}}"#,
            "filter_set is empty",
        ),
        (
            &format!(
                r#"{{"action": "noop", "node_filter": {{"filter_set_type": "union", "filter_set": [{element}]}}}}"#
            ),
            "rack_labels",
        ),
    ] {
        for root in ROOTS {
            let (answer, asked) = create(root, body).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}");
            assert!(answer.error().contains(why), "{body}: {}", answer.error());
            assert!(asked.is_empty());
        }
    }
}

#[actix_web::test]
async fn a_task_has_the_members_that_clients_of_drydock_read() {
    for root in ROOTS {
        let task = ask("GET", &format!("{root}/tasks/{TASK}")).await.json();
        assert_eq!((&task["kind"], &task["apiVersion"]), (&json!("Task"), &json!("v1")));
        assert_eq!(task["created"], "2026-01-01T01:59:00.000070Z");
        assert_eq!(task["terminate"], false);
        let result = &task["result"];
        assert_eq!((&result["kind"], &result["apiVersion"]), (&json!("Status"), &json!("v1.0")));
        assert_eq!((&result["successes"], &result["failures"]), (&json!(["node1"]), &json!(["node2"])));
        let link = json!({"href": format!("/v1/tasks/{TASK}/builddata"), "rel": "detail_logs"});
        assert_eq!(result["links"], json!([link]));
        assert_eq!(result["details"]["errorCount"], 1);
        assert_eq!(
            result["details"]["messageList"],
            json!([{
                "context": TASK, "context_type": "task", "error": true, "extra": {"a": 1}, "level": "Error",
                "message": "Something went wrong.", "seq": 1, "ts": "2026-01-01T01:59:00.000070Z",
            }])
        );
        assert!(task.get("build_data").is_none() && task.get("subtask_errors").is_none());
    }
}

#[actix_web::test]
async fn build_data_comes_along_where_it_is_asked_for() {
    let task = ask("GET", &format!("/v1/tasks/{TASK}?builddata=true")).await.json();
    assert_eq!(task["build_data"].as_array().unwrap().len(), 2);
    assert_eq!(ask("GET", &format!("/v1/tasks/{TASK}/builddata")).await.json().as_array().unwrap().len(), 2);
    let answer = ask("GET", &format!("/v1/tasks/{TASK}?builddata=perhaps")).await;
    assert_eq!(answer.error(), "Invalid boolean value for builddata: perhaps");
}

fn members(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[actix_web::test]
async fn errors_below_a_task_are_told_by_their_tasks() {
    let task = ask("GET", &format!("/v1/tasks/{TASK}?subtaskerrors=true")).await.json();
    let grandchild = uuid::Uuid::from_u128(2).to_string();
    assert_eq!(members(&task["subtask_errors"]), [grandchild.as_str()]);
    let error = &task["subtask_errors"][&grandchild];
    assert_eq!((&error["task_id"], &error["details"]["errorCount"]), (&json!(grandchild), &json!(1)));
}

#[actix_web::test]
async fn layers_show_so_many_levels_by_their_ids() {
    for (layers, count) in [("1", 1), ("2", 2), ("3", 3), ("-1", 3)] {
        let shown = ask("GET", &format!("/v1/tasks/{TASK}?layers={layers}")).await.json();
        assert_eq!(members(&shown).len(), count + 1, "{layers}");
        assert_eq!(shown["init_task_id"], TASK);
        assert_eq!(shown[TASK]["task_id"], TASK);
    }
    let shown = ask("GET", &format!("/v1/tasks/{TASK}?layers=2&subtaskerrors=true")).await.json();
    assert_eq!(members(&shown).len(), 4);
    assert_eq!(members(&shown["subtask_errors"]).len(), 1);
    assert_eq!(ask("GET", &format!("/v1/tasks/{TASK}?layers=0")).await.json()["task_id"], TASK);
    for layers in ["-2", "x", ""] {
        let answer = ask("GET", &format!("/v1/tasks/{TASK}?layers={layers}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    }
}

#[actix_web::test]
async fn an_unknown_task_is_not_found_and_a_malformed_id_is_refused() {
    let other = "/v1/tasks/44444444-2222-4333-8444-555555555555";
    let answer = ask("GET", other).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert_eq!(answer.error(), format!("Task {} does not exist", &other[10..]));
    for path in ["/v1/tasks/x", "/api/v1.0/tasks/x/builddata", "/v1/tasks/x/messages"] {
        let answer = ask("GET", path).await;
        assert_eq!(
            (answer.status, answer.error()),
            (StatusCode::BAD_REQUEST, "Invalid id x: a UUID is expected".to_owned())
        );
    }
}

#[actix_web::test]
async fn a_list_is_filtered_and_leads_to_its_next_page() {
    let fake = Fake::new();
    let query =
        format!("status=complete&action=noop&parent={TASK}&created_by=me&limit=2&marker={TASK}&subtasks=1");
    let asking = request("GET", &format!("/v1/tasks?{query}"));
    let answer = send(&fake, &Settings::default(), asking).await;
    assert_eq!(answer.json()[0]["task_id"], TASK);
    assert!(answer.header("link").unwrap().contains(&format!("marker={TASK}")));
    let wanted =
        format!("tasks Some(Complete) Some(\"noop\") Some(\"{TASK}\") true Some(\"me\") Some({TASK}) 2");
    assert_eq!(fake.asked(), [wanted]);
    for query in ["status=done", "parent=x", "marker=x", "limit=x"] {
        assert_eq!(ask("GET", &format!("/v1/tasks?{query}")).await.status, StatusCode::BAD_REQUEST);
    }
}

#[actix_web::test]
async fn messages_are_read_from_a_number_on_and_waited_for() {
    let fake = Fake::new();
    let asking = request("GET", &format!("/v1/tasks/{TASK}/messages?after_seq=7&limit=5&wait=30"));
    let answer = send(&fake, &Settings::default(), asking).await;
    assert_eq!(answer.json()[0]["seq"], 1);
    assert_eq!(fake.asked(), ["messages 7 5 30"]);
    for query in ["after_seq=-1", "wait=31", "wait=x"] {
        let answer = ask("GET", &format!("/v1/tasks/{TASK}/messages?{query}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    }
}

#[actix_web::test]
async fn a_stop_holds_for_what_was_begun_unless_it_is_said() {
    for (method, path, wanted) in [
        ("DELETE", "", "terminate Children"),
        ("POST", "/terminate", "terminate Children"),
        ("POST", "/terminate?propagate=false", "terminate Nothing"),
    ] {
        let fake = Fake::new();
        let asking = request(method, &format!("/v1/tasks/{TASK}{path}"));
        assert_eq!(send(&fake, &Settings::default(), asking).await.status, StatusCode::OK);
        assert_eq!(fake.asked(), [wanted]);
    }
}

#[actix_web::test]
async fn old_tasks_are_removed_or_counted() {
    for (query, wanted) in [("", "purge 90 Remove"), ("?days=7&dry_run=1", "purge 7 Count")] {
        let fake = Fake::new();
        let answer = send(&fake, &Settings::default(), request("DELETE", &format!("/v1/tasks{query}"))).await;
        assert_eq!(answer.json(), json!({"dry_run": query.contains("dry"), "removed": 3}));
        assert_eq!(fake.asked(), [wanted]);
    }
    for days in ["0", "-1", "x"] {
        let answer = ask("DELETE", &format!("/v1/tasks?days={days}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    }
}

#[actix_web::test]
async fn versions_and_health_are_those_of_drydock() {
    let version = json!({"v1.0": {"path": "/api/v1.0", "status": "stable"}});
    assert_eq!(ask("GET", "/versions").await.json(), version);
    let answer = ask("GET", "/api/v1.0/health").await;
    assert_eq!((answer.status, answer.text()), (StatusCode::NO_CONTENT, ""));
    let body = ask("GET", "/api/v1.0/health/extended").await.json();
    assert_eq!((&body["status"], &body["code"]), (&json!("Success"), &json!(200)));
    let who = "Instance one leads; its last ping was 2 s ago";
    let told = json!([{"message": who, "error": false, "kind": "SimpleMessage"}]);
    assert_eq!(body["details"], json!({"errorCount": 0, "messageList": told}));
    assert_eq!(body["leader"], json!({"instance": "one", "ping_age_s": 2}));
}

#[actix_web::test]
async fn nodes_are_listed_page_by_page() {
    for root in ROOTS {
        let answer = ask("GET", &format!("{root}/nodes?limit=5")).await;
        assert!(answer.header("link").unwrap().contains(&format!("marker={NODE}")));
        let [node] = answer.json().as_array().unwrap().clone().try_into().unwrap();
        assert_eq!((&node["hostname"], &node["status_name"]), (&json!("rack1 u07"), &json!("waiting")));
        assert_eq!(ask("GET", &format!("{root}/nodes?marker={NODE}")).await.json(), json!([]));
        let answer = ask("GET", &format!("{root}/nodes?marker={TASK}")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
    }
}

#[actix_web::test]
async fn a_filter_tells_its_nodes() {
    for root in ROOTS {
        let asking = request("POST", &format!("{root}/nodefilter")).set_payload("{\"node_filter\": null}");
        let answer = send(&Fake::new(), &Settings::default(), asking).await;
        assert_eq!(answer.json(), json!(["rack1 u07"]));
        let body = r#"{"design_ref": "deckhand+http://me:secret@x/site", "node_filter": {"filter_set_type": "union",
            "filter_set": [{"filter_type": "union", "rack_labels": {"hall": "h1"}}]}}"#;
        let fake = Fake::new();
        let asking = request("POST", &format!("{root}/nodefilter")).set_payload(body);
        assert_eq!(send(&fake, &Settings::default(), asking).await.status, StatusCode::OK);
        let [asked] = fake.asked().try_into().unwrap();
        assert!(asked.contains("hall") && asked.ends_with("deckhand+http://x/site"), "{asked}");
        let asking = request("POST", &format!("{root}/nodefilter")).set_payload("{}");
        let answer = send(&Fake::new(), &Settings::default(), asking).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    }
}

async fn validate(root: &str, body: &str) -> Answer {
    let asking = request("POST", &format!("{root}/validatedesign")).set_payload(body.to_owned());
    send(&Fake::new(), &Settings::default(), asking).await
}

#[actix_web::test]
async fn a_design_is_good_or_everything_wrong_with_it_is_told() {
    for root in ROOTS {
        let good =
            validate(root, r#"{"href": "http://me:secret@x/site.yaml", "rel": "design", "type": "y"}"#).await;
        assert_eq!(good.status, StatusCode::OK);
        let body = good.json();
        assert_eq!((&body["status"], &body["code"]), (&json!("Success"), &json!(200)));
        let bad = validate(root, r#"{"href": "file:///etc/bad.yaml"}"#).await;
        assert_eq!(bad.status, StatusCode::BAD_REQUEST);
        let body = bad.json();
        assert_eq!((&body["status"], &body["code"]), (&json!("Failure"), &json!(400)));
        let found = &body["details"]["messageList"][0];
        assert_eq!(
            (&found["name"], &found["error"], &found["level"]),
            (&json!("DD001"), &json!(true), &json!("Error"))
        );
        for (body, why) in [
            ("{}", "Request body must not be empty for validation."),
            (r#"{"rel": "a"}"#, "The \"href\" key must be provided in the request body."),
            (r#"{"href": ""}"#, "The \"href\" key must be provided in the request body."),
            (
                r#"{"href": "ftp://me:secret@x/"}"#,
                "Invalid design_ref: its scheme is none of file, http, https, <service>+http, <service>+https",
            ),
        ] {
            let answer = validate(root, body).await;
            assert_eq!((answer.status, answer.error().as_str()), (StatusCode::BAD_REQUEST, why));
        }
    }
}

#[actix_web::test]
async fn a_task_about_a_design_needs_one() {
    for action in ["validate_design", "compare_design"] {
        let (answer, _) = create("/v1", &format!(r#"{{"action": "{action}"}}"#)).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert!(answer.error().starts_with("Missing input required value: design_ref"), "{}", answer.error());
        let body = format!(r#"{{"action": "{action}", "design_ref": "http://me:secret@x/a.yaml"}}"#);
        assert_eq!(create("/v1", &body).await.0.status, StatusCode::CREATED);
    }
}

#[actix_web::test]
async fn what_only_a_design_tells_needs_one() {
    let filter = r#"{"filter_set_type": "union", "filter_set": [{"filter_type": "union", "rack_labels": {"hall": "h1"}}]}"#;
    let body = |more: &str| format!(r#"{{"action": "noop", {more} "node_filter": {filter}}}"#);
    let (answer, _) = create("/v1", &body("")).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(answer.error().starts_with("Invalid node_filter: rack_labels are told by a design only"));
    let (answer, _) = create("/v1", &body(r#""design_ref": "file:///a.yaml","#)).await;
    assert_eq!(answer.status, StatusCode::CREATED);
}
