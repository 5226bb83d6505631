//! The table of routes and the application agree.

use std::collections::BTreeSet;

use actix_web::http::StatusCode;

use super::super::fake::{Fake, NODE, RULE, TASK};
use super::super::routes::{ROUTES, allowed};
use super::{Settings, ask, request, send};

/// The path with names that exist.
pub(super) fn concrete(path: &str) -> String {
    let path =
        if path.ends_with("bulk_action/export") { format!("{path}/?q=type=:SYS") } else { path.to_owned() };
    path.replace("{node}", NODE)
        .replace("{system}", super::inventory::known())
        .replace("{rule}", RULE)
        .replace("{id}", "1")
        .replace("{task}", TASK)
        .replace("{version}", "v2")
}

/// A body that the endpoint takes.
fn body(name: &str) -> &'static str {
    match name {
        "create a rule" => "{\"actions\": [{\"action\": \"example\"}]}",
        name if name == "import" || name.starts_with("bulk import") => "{\"systems\": {}}",
        "change a rule" | "dry run" | "replay" => "{}",
        "create a task" | "drydock create a task" => "{\"action\": \"noop\"}",
        "validate a design" | "drydock validate a design" => "{\"href\": \"file:///site.yaml\"}",
        "node filter" | "drydock node filter" => "{\"node_filter\": null}",
        _ => "",
    }
}

#[actix_web::test]
async fn every_endpoint_answers() {
    for endpoint in ROUTES.iter() {
        let asking =
            request(endpoint.method.as_str(), &concrete(endpoint.path)).set_payload(body(endpoint.name));
        let answer = send(&Fake::new(), &Settings::default(), asking).await;
        if endpoint.name == "unknown version" {
            assert_eq!(answer.error(), "Version v2 not found.");
        } else {
            assert!(answer.status.is_success(), "{endpoint:?} answers {}", answer.status);
        }
    }
}

#[actix_web::test]
async fn every_other_method_is_not_allowed() {
    for endpoint in ROUTES.iter() {
        let allow = allowed(endpoint.path);
        let other = ["GET", "POST", "PUT", "PATCH", "DELETE", "TRACE"]
            .into_iter()
            .filter(|method| !allow.split(", ").any(|name| name == *method));
        for method in other {
            let answer = ask(method, &concrete(endpoint.path)).await;
            assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {}", endpoint.path);
            assert_eq!(answer.header("allow"), Some(allow.as_str()));
        }
    }
}

#[test]
fn names_are_unique_and_the_catch_all_is_last() {
    let names: BTreeSet<&str> = ROUTES.iter().map(|endpoint| endpoint.name).collect();
    assert_eq!(names.len(), ROUTES.len());
    assert_eq!(ROUTES.last().unwrap().path, "/{version}");
}

/// What each endpoint names as its rule. A new endpoint belongs here before it can be served.
const POLICIES: &[(&str, &str)] = &[
    ("versions", "introspection"),
    ("resources", "introspection:version"),
    ("openapi", "introspection:version"),
    ("continue", "introspection:continue"),
    ("list", "introspection:status"),
    ("status", "introspection:status"),
    ("start", "introspection:start"),
    ("abort", "introspection:abort"),
    ("renew the token", "introspection:start"),
    ("events", "introspection:status"),
    ("match", "introspection:data"),
    ("processed data", "introspection:data"),
    ("unprocessed data", "introspection:data"),
    ("reapply", "introspection:reapply"),
    ("build data of a node", "introspection:data"),
    ("diff", "introspection:data"),
    ("build data", "introspection:data"),
    ("one item of build data", "introspection:data"),
    ("sightings", "introspection:data"),
    ("replay", "introspection:reapply"),
    ("rules", "introspection:rule:get"),
    ("create a rule", "introspection:rule:create"),
    ("delete all rules", "introspection:rule:delete"),
    ("dry run", "introspection:rule:create"),
    ("rule", "introspection:rule:get"),
    ("change a rule", "introspection:rule:create"),
    ("delete a rule", "introspection:rule:delete"),
    ("instances", "introspection:status"),
    ("export", "introspection:inventory:get"),
    ("import", "introspection:inventory:update"),
    ("changes", "introspection:inventory:get"),
    ("system", "introspection:inventory:get"),
    ("schema", "introspection:inventory:get"),
    ("bulk export", "introspection:inventory:get"),
    ("bulk import", "introspection:inventory:update"),
    ("bulk import by PUT", "introspection:inventory:update"),
    ("bulk export by locale", "introspection:inventory:get"),
    ("bulk import by locale", "introspection:inventory:update"),
    ("bulk import by PUT by locale", "introspection:inventory:update"),
    ("tasks", "tasks:read"),
    ("create a task", "tasks:create"),
    ("remove old tasks", "tasks:delete"),
    ("task", "tasks:read"),
    ("stop a task", "tasks:create"),
    ("terminate a task", "tasks:create"),
    ("retry a task", "tasks:create"),
    ("messages of a task", "tasks:read"),
    ("build data of a task", "introspection:data"),
    ("nodes", "introspection:status"),
    ("node filter", "tasks:read"),
    ("validate a design", "tasks:validate_design"),
    ("build data by node", "introspection:data"),
    ("drydock tasks", "tasks:read"),
    ("drydock create a task", "tasks:create"),
    ("drydock remove old tasks", "tasks:delete"),
    ("drydock task", "tasks:read"),
    ("drydock stop a task", "tasks:create"),
    ("drydock terminate a task", "tasks:create"),
    ("drydock retry a task", "tasks:create"),
    ("drydock messages of a task", "tasks:read"),
    ("drydock build data of a task", "introspection:data"),
    ("drydock nodes", "introspection:status"),
    ("drydock node filter", "tasks:read"),
    ("drydock validate a design", "tasks:validate_design"),
    ("drydock build data by node", "introspection:data"),
    ("drydock health", "introspection:version"),
    ("drydock extended health", "introspection:status"),
    ("drydock versions", "introspection"),
    ("metrics", "introspection:metrics"),
    ("unknown version", "introspection:version"),
];

#[test]
fn every_endpoint_names_its_rule() {
    let named: Vec<_> = ROUTES.iter().map(|endpoint| (endpoint.name, endpoint.policy.name())).collect();
    assert_eq!(named, POLICIES);
}
