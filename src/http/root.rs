//! `GET /` and `GET /<version>`: what a client finds out before it asks for anything.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use utoipa::ToSchema;

use super::links::{self, Link};
use super::{Api, path, reply, versions};
use crate::error::{Error, Result};

/// The routes with exactly one segment below the version.
const RESOURCES: [&str; 3] = ["continue", "introspection", "rules"];

/// The versions of the API.
#[derive(Serialize, ToSchema)]
pub(super) struct Versions {
    versions: [Version; 1],
}

/// A version of the API.
#[derive(Serialize, ToSchema)]
pub(super) struct Version {
    id: &'static str,
    links: [Link; 1],
    status: &'static str,
}

/// What a version has.
#[derive(Serialize, ToSchema)]
pub(super) struct Resources {
    resources: [Resource; RESOURCES.len()],
}

/// One path of a version.
#[derive(Serialize, ToSchema)]
pub(super) struct Resource {
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
