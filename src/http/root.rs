//! `GET /` and `GET /<version>`: what a client finds out before it asks for anything.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;

use super::links::{self, Link};
use super::{Api, path, reply, versions};
use crate::error::{Error, Result};

/// The routes with exactly one segment below the version.
const RESOURCES: [&str; 3] = ["continue", "introspection", "rules"];

#[derive(Serialize)]
struct Versions {
    versions: [Version; 1],
}

#[derive(Serialize)]
struct Version {
    id: &'static str,
    links: [Link; 1],
    status: &'static str,
}

#[derive(Serialize)]
struct Resources {
    resources: [Resource; RESOURCES.len()],
}

#[derive(Serialize)]
struct Resource {
    links: [Link; 1],
    name: &'static str,
}

/// `GET /`
pub(super) async fn versions(request: HttpRequest, api: Data<Api>) -> HttpResponse {
    let links = links::to_self(&links::root(&request, &api.settings), "/v1");
    let current = Version { id: versions::MAX_TEXT, links, status: "CURRENT" };
    reply::json(StatusCode::OK, &Versions { versions: [current] })
}

/// `GET /v1`
pub(super) async fn resources(request: HttpRequest, api: Data<Api>) -> HttpResponse {
    let root = links::root(&request, &api.settings);
    let resource = |name| Resource { links: links::to_self(&root, &format!("/v1/{name}")), name };
    reply::json(StatusCode::OK, &Resources { resources: RESOURCES.map(resource) })
}

/// `GET /<anything else>`
pub(super) async fn other_version(request: HttpRequest) -> Result<HttpResponse> {
    let version = path::segment(&request, 1)?;
    Err(Error::not_found(format!("Version {version} not found.")))
}
