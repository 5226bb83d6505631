//! The table of routes: the one list of what the API answers.
//!
//! Routing, `Allow`, OPTIONS and 405 all follow from it. Invariant: the catch-all for unknown versions stays last.

use actix_web::http::header::ALLOW;
use actix_web::http::{Method, StatusCode};
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, Resource, Route, guard};

use super::{continue_callback, data, events, failure, introspection, list, metrics, path, root, rules};
use crate::error::Error;

/// One thing that can be asked for.
#[derive(Debug)]
pub struct Endpoint {
    /// The method; GET stands for HEAD too.
    pub method: Method,
    /// The path, with `{...}` for names.
    pub path: &'static str,
    /// What it does.
    pub name: &'static str,
    handler: fn() -> Route,
}

/// Everything that can be asked for.
pub static ROUTES: &[Endpoint] = &[
    get("/", "versions", || web::to(root::versions)),
    get("/v1", "resources", || web::to(root::resources)),
    post("/v1/continue", "continue", || web::to(continue_callback::take)),
    get("/v1/introspection", "list", || web::to(list::list)),
    get("/v1/introspection/{node}", "status", || web::to(introspection::status)),
    post("/v1/introspection/{node}", "start", || web::to(introspection::start)),
    post("/v1/introspection/{node}/abort", "abort", || web::to(introspection::abort)),
    get("/v1/introspection/{node}/events", "events", || web::to(events::events)),
    get("/v1/introspection/{node}/data", "processed data", || web::to(data::processed)),
    get("/v1/introspection/{node}/data/unprocessed", "unprocessed data", || web::to(data::unprocessed)),
    post("/v1/introspection/{node}/data/unprocessed", "reapply", || web::to(data::reapply)),
    get("/v1/rules", "rules", || web::to(rules::list)),
    post("/v1/rules", "create a rule", || web::to(rules::create)),
    delete("/v1/rules", "delete all rules", || web::to(rules::delete_all)),
    // Before the names of rules, which this is none of.
    post("/v1/rules/dry-run", "dry run", || web::to(rules::dry_run)),
    get("/v1/rules/{rule}", "rule", || web::to(rules::show)),
    patch("/v1/rules/{rule}", "change a rule", || web::to(rules::change)),
    delete("/v1/rules/{rule}", "delete a rule", || web::to(rules::delete)),
    get("/metrics", "metrics", || web::to(metrics::show)),
    get("/{version}", "unknown version", || web::to(root::other_version)),
];

const fn get(path: &'static str, name: &'static str, handler: fn() -> Route) -> Endpoint {
    Endpoint { method: Method::GET, path, name, handler }
}

const fn post(path: &'static str, name: &'static str, handler: fn() -> Route) -> Endpoint {
    Endpoint { method: Method::POST, path, name, handler }
}

const fn patch(path: &'static str, name: &'static str, handler: fn() -> Route) -> Endpoint {
    Endpoint { method: Method::PATCH, path, name, handler }
}

const fn delete(path: &'static str, name: &'static str, handler: fn() -> Route) -> Endpoint {
    Endpoint { method: Method::DELETE, path, name, handler }
}

/// Adds every route of the table, and the answer to everything else.
pub fn register(config: &mut ServiceConfig) {
    let mut done: Vec<&str> = Vec::new();
    for endpoint in ROUTES {
        if !done.contains(&endpoint.path) {
            done.push(endpoint.path);
            config.service(resource(endpoint.path));
        }
    }
    config.default_service(web::to(unknown));
}

/// The methods that a path of the table answers, as `Allow` has them.
#[must_use]
pub fn allowed(path: &str) -> String {
    let of_path = ROUTES.iter().filter(|endpoint| endpoint.path == path);
    let mut names: Vec<&str> = of_path.flat_map(|endpoint| spoken(&endpoint.method)).collect();
    names.push(Method::OPTIONS.as_str());
    names.sort_unstable();
    names.join(", ")
}

/// The name of what answers this method under a path of the table.
#[must_use]
pub fn name_of(method: &Method, path: &str) -> Option<&'static str> {
    let meant =
        |endpoint: &&Endpoint| endpoint.path == path && spoken(&endpoint.method).contains(&method.as_str());
    ROUTES.iter().find(meant).map(|endpoint| endpoint.name)
}

/// The methods that an endpoint's method stands for.
fn spoken(method: &Method) -> Vec<&str> {
    if *method == Method::GET { vec!["GET", "HEAD"] } else { vec![method.as_str()] }
}

fn resource(path: &'static str) -> Resource {
    let of_path = ROUTES.iter().filter(|endpoint| endpoint.path == path);
    let resource = of_path.fold(web::resource(path), |resource, endpoint| resource.route(route(endpoint)));
    let allow = allowed(path);
    resource.default_service(web::to(move |request: HttpRequest| {
        std::future::ready(other_method(&request, &allow))
    }))
}

fn route(endpoint: &'static Endpoint) -> Route {
    let names = spoken(&endpoint.method);
    (endpoint.handler)()
        .guard(guard::fn_guard(move |request| names.contains(&request.head().method.as_str())))
}

/// A path of the table, but none of its methods.
fn other_method(request: &HttpRequest, allow: &str) -> HttpResponse {
    let mut response = if request.method() == Method::OPTIONS {
        HttpResponse::Ok().finish()
    } else {
        let message = format!("405 Method Not Allowed: this URL answers {allow}, not {}.", request.method());
        failure::refusal(StatusCode::METHOD_NOT_ALLOWED, &message)
    };
    if let Ok(value) = allow.parse() {
        response.headers_mut().insert(ALLOW, value);
    }
    response
}

async fn unknown() -> Result<HttpResponse, Error> {
    Err(path::unknown())
}
