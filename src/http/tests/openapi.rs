//! The document of the API: what it lists, and that no answer of any test is other than it says.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use actix_web::http::{Method, StatusCode};
use jsonschema::Validator;
use serde_json::{Value, json};

use super::super::openapi::{document, statuses};
use super::super::routes::{Endpoint, ROUTES};
use super::{Answer, ask};

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| document().unwrap());

fn documented(method: &Method, path: &str) -> Option<&'static Endpoint> {
    ROUTES.iter().find(|endpoint| endpoint.path == path && endpoint.method == *method)
}

/// What the document says of an answer.
fn response(endpoint: &Endpoint, status: StatusCode) -> &'static Value {
    let method = endpoint.method.as_str().to_lowercase();
    let responses = &DOCUMENT["paths"][endpoint.path][method]["responses"];
    responses.get(status.as_str()).unwrap_or_else(|| panic!("{endpoint:?} does not document {status}"))
}

/// The schema, with all those that it may refer to.
fn validator(schema: &Value) -> Validator {
    let mut whole = schema.clone();
    whole["components"] = DOCUMENT["components"].clone();
    jsonschema::draft202012::new(&whole).unwrap()
}

/// Every answer of every test comes by here: its status, type and body have to be documented.
pub(super) fn assert_documented(method: &Method, pattern: Option<&str>, answer: &Answer) {
    let endpoint = pattern.and_then(|path| documented(method, path));
    let Some(endpoint) = endpoint.filter(|endpoint| !endpoint.doc.successes.is_empty()) else { return };
    let response = response(endpoint, answer.status);
    let content = response.get("content").and_then(Value::as_object);
    let sent = answer.header("content-type").unwrap_or_default();
    let fits = |(media_type, _): &(&String, &Value)| sent.starts_with(media_type.as_str());
    let described = content.and_then(|content| content.iter().find(fits).or_else(|| content.iter().next()));
    let Some((media_type, content)) = described else {
        assert_eq!(answer.text(), "", "{endpoint:?}");
        return;
    };
    assert!(answer.header("content-type").unwrap().starts_with(media_type.as_str()), "{endpoint:?}");
    if matches!(media_type.as_str(), "application/json" | "application/problem+json") {
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        let wrong: Vec<String> =
            validator(&content["schema"]).iter_errors(&body).map(|error| error.to_string()).collect();
        assert!(wrong.is_empty(), "{endpoint:?} answered {body}: {wrong:?}");
    }
}

#[actix_web::test]
async fn the_document_lists_every_endpoint_and_nothing_else() {
    let served = ask("GET", "/v1/openapi.json").await.json();
    assert_eq!(served["servers"], json!([{"url": "http://localhost:8080"}]));
    let mut listed = BTreeSet::new();
    for (path, item) in served["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys().filter(|key| *key != "parameters") {
            listed.insert(format!("{} {path}", method.to_uppercase()));
        }
    }
    let served_ones = ROUTES.iter().filter(|endpoint| endpoint.path != "/{version}");
    let wanted: BTreeSet<String> =
        served_ones.map(|endpoint| format!("{} {}", endpoint.method, endpoint.path)).collect();
    assert_eq!(listed, wanted);
}

#[test]
fn every_endpoint_says_what_it_is_and_every_reference_leads_somewhere() {
    let mut names = BTreeSet::new();
    for (path, item) in DOCUMENT["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap().iter().filter(|(key, _)| *key != "parameters") {
            assert!(operation["summary"].as_str().unwrap().ends_with('.'), "{method} {path}");
            assert!(names.insert(operation["operationId"].as_str().unwrap()), "{method} {path}");
        }
    }
    references(&DOCUMENT, &mut |pointer| {
        assert!(DOCUMENT.pointer(pointer.trim_start_matches('#')).is_some(), "{pointer}");
    });
    for (name, schema) in DOCUMENT["components"]["schemas"].as_object().unwrap() {
        assert!(jsonschema::meta::is_valid(schema), "{name}");
    }
}

fn references(value: &Value, seen: &mut impl FnMut(&str)) {
    match value {
        Value::Object(members) => {
            members.get("$ref").and_then(Value::as_str).into_iter().for_each(&mut *seen);
            members.values().for_each(|member| references(member, seen));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, seen)),
        _ => {}
    }
}

#[test]
fn refusals_follow_from_method_and_path() {
    let of = |name: &str| statuses(ROUTES.iter().find(|endpoint| endpoint.name == name).unwrap());
    assert_eq!(of("versions"), [200, 400, 401, 403, 406, 500, 503]);
    assert_eq!(of("start"), [202, 400, 401, 403, 404, 406, 413, 500, 503]);
    assert_eq!(of("continue"), [200, 400, 401, 403, 404, 406, 409, 413, 500, 503]);
}
