//! The rules' endpoints: what they ask the service for, and what they answer.

use actix_web::http::StatusCode;
use serde_json::json;

use super::super::fake::{Fake, RULE};
use super::{Answer, Settings, ask, request, send};

const BODY: &str =
    "{\"description\": \"d\", \"scope\": \"s\", \"actions\": [{\"action\": \"fail\", \"message\": \"m\"}]}";

async fn sent(method: &str, uri: &str, body: &'static str) -> (Vec<String>, Answer) {
    let fake = Fake::new();
    let answer = send(&fake, &Settings::default(), request(method, uri).set_payload(body)).await;
    (fake.asked(), answer)
}

#[actix_web::test]
async fn a_created_rule_is_answered_by_version() {
    for (version, status) in [("1.5", 200), ("1.6", 201), ("1.18", 201)] {
        let fake = Fake::new();
        let asking = request("POST", "/v1/rules")
            .insert_header(("x-openstack-ironic-inspector-api-version", version))
            .set_payload(BODY);
        let answer = send(&fake, &Settings::default(), asking).await;
        assert_eq!(answer.status.as_u16(), status);
        assert_eq!(fake.asked(), ["create Some(\"d\") Some(\"s\")"]);
        assert_eq!(answer.header("location"), None);
    }
}

#[actix_web::test]
async fn a_rule_is_shown_with_all_or_listed_with_little() {
    let short = format!(
        "\"description\":\"a rule\",\"links\":[{{\"href\":\"/v1/rules/{RULE}\",\"rel\":\"self\"}}],\
         \"scope\":null,\"uuid\":\"{RULE}\"}}"
    );
    let listed = ask("GET", "/v1/rules").await;
    assert_eq!(listed.text(), format!("{{\"rules\":[{{{short}]}}\n"));
    let shown = ask("GET", &format!("/v1/rules/{RULE}")).await;
    let wanted = format!(
        "{{\"actions\":[{{\"action\":\"fail\",\"message\":\"boom\"}}],\"conditions\":[{{\"field\":\"a\",\
         \"invert\":false,\"multiple\":\"any\",\"op\":\"eq\",\"value\":1}}],{short}\n"
    );
    assert_eq!(shown.text(), wanted);
}

#[actix_web::test]
async fn a_rules_link_has_the_proxys_prefix_only() {
    let asking = request("GET", "/v1/rules")
        .insert_header(("x-forwarded-prefix", "/inspector"))
        .insert_header(("x-forwarded-host", "bm.example.org"));
    let answer = send(&Fake::new(), &Settings::default(), asking).await;
    assert_eq!(answer.json()["rules"][0]["links"][0]["href"], json!(format!("/inspector/v1/rules/{RULE}")));
}

#[actix_web::test]
async fn deleting_answers_nothing_as_text() {
    for (uri, call) in [("/v1/rules".to_owned(), "delete all"), (format!("/v1/rules/{RULE}"), "delete")] {
        let (calls, answer) = sent("DELETE", &uri, "").await;
        assert_eq!((answer.status, answer.text()), (StatusCode::NO_CONTENT, ""));
        assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
        assert!(calls[0].starts_with(call), "{calls:?}");
    }
}

#[actix_web::test]
async fn a_change_replaces_members() {
    let (calls, answer) =
        sent("PATCH", &format!("/v1/rules/{RULE}"), "{\"priority\": 5, \"disabled\": true}").await;
    assert_eq!(calls, [format!("patch {RULE}")]);
    let rule = answer.json();
    assert_eq!(
        (&rule["priority"], &rule["disabled"], &rule["description"]),
        (&json!(5), &json!(true), &json!("a rule"))
    );
}

#[actix_web::test]
async fn what_is_no_rule_does_not_reach_the_service() {
    let rule = format!("/v1/rules/{RULE}");
    for (method, uri, body) in [
        ("POST", "/v1/rules", ""),
        ("POST", "/v1/rules", "{"),
        ("POST", "/v1/rules", "[]"),
        ("POST", "/v1/rules", "1"),
        ("POST", "/v1/rules", "{}"),
        ("PATCH", &rule, "{\"actions\": []}"),
        ("PATCH", &rule, "{\"uuid\": \"x\"}"),
        ("POST", "/v1/rules/dry-run", "{\"node\": 5}"),
        ("POST", "/v1/rules/dry-run", "{\"node\": \"../x\"}"),
        ("POST", "/v1/rules/dry-run", "{\"data\": []}"),
        ("POST", "/v1/rules/dry-run", "{\"rule\": {}}"),
        ("POST", "/v1/rules/dry-run", "{\"dta\": {}}"),
    ] {
        let (calls, answer) = sent(method, uri, body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{method} {uri} {body}");
        assert!(!answer.error().is_empty() && calls.is_empty());
    }
}

#[actix_web::test]
async fn an_unknown_rule_is_not_found_by_its_name() {
    let (_, answer) = sent("GET", "/v1/rules/no-such-rule", "").await;
    assert_eq!(
        (answer.status, answer.error().as_str()),
        (StatusCode::NOT_FOUND, "Rule no-such-rule was not found")
    );
    assert_eq!(sent("GET", "/v1/rules/x/y", "").await.1.status, StatusCode::NOT_FOUND);
}

#[actix_web::test]
async fn a_dry_run_is_asked_for_as_given() {
    let body = "{\"node\": \"rack1\", \"data\": {}, \"rule\": {\"actions\": [{\"action\": \"example\"}]}}";
    let (calls, answer) = sent("POST", "/v1/rules/dry-run", body).await;
    assert_eq!(answer.json(), json!({"rules": []}));
    assert_eq!(calls, ["dry run Some(\"rack1\") Some({}) true"]);
}
