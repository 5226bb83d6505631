//! Routing: what follows from the table of endpoints, which is the one list of what the API answers.
//!
//! Methods, `Allow`, OPTIONS, 405 and who may ask: what is not in the table is told to anybody.

mod table;

use actix_web::body::BoxBody;
use actix_web::http::header::ALLOW;
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::{Next, from_fn};
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, Resource, Route, guard};

use super::openapi::Doc;
use super::policy::Policy;
use super::{Surface, auth, failure, path};
use crate::error::Error;

pub use table::ROUTES;

/// One thing that can be asked for.
#[derive(Debug)]
pub struct Endpoint {
    /// The method; GET stands for HEAD too.
    pub method: Method,
    /// The path, with `{...}` for names.
    pub path: &'static str,
    /// What it does.
    pub name: &'static str,
    /// What is said of it in the document of the API.
    pub(super) doc: Doc,
    /// Who may ask for it.
    pub policy: Policy,
    handler: fn() -> Route,
}

/// Adds every route of the table that the surface has, and the answer to everything else.
pub fn register(config: &mut ServiceConfig, surface: Surface) {
    let mut done: Vec<&str> = Vec::new();
    for endpoint in ROUTES.iter().filter(|endpoint| is_offered(endpoint, surface)) {
        if !done.contains(&endpoint.path) {
            done.push(endpoint.path);
            config.service(resource(endpoint.path));
        }
    }
    config.default_service(web::to(unknown));
}

fn is_offered(endpoint: &Endpoint, surface: Surface) -> bool {
    match surface {
        Surface::Whole => true,
        Surface::Callbacks => matches!(endpoint.path, "/" | "/v1/continue"),
    }
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
        .wrap(from_fn(move |request, next: Next<BoxBody>| auth::check(endpoint.policy, request, next)))
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
