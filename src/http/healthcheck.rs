//! `GET /healthcheck`: whether this process can do its work; for load balancers.
//!
//! Answered in front of everything else and only under its exact path. While it is switched off, the path is an
//! unknown version like any other.

use std::path::{Path, PathBuf};

use actix_web::dev::ServiceRequest;
use actix_web::http::header::{ACCEPT, CONTENT_TYPE};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpResponse, web};

use serde::Serialize;

use super::{Api, Healthcheck};
use crate::health::Health;

const PATH: &str = "/healthcheck";
const TEXT: &str = "text/plain";
const JSON: &str = "application/json";
const DISABLED: &str = "DISABLED BY FILE";

#[derive(Serialize)]
struct Body {
    detailed: bool,
    reasons: Vec<Reason>,
    #[serde(skip_serializing_if = "Option::is_none")]
    node_service_breaker: Option<&'static str>,
}

#[derive(Serialize)]
struct Reason {
    reason: &'static str,
}

/// Whether the request asks for the health check.
pub(super) fn is_meant(setting: &Healthcheck, request: &ServiceRequest) -> bool {
    *setting != Healthcheck::Disabled
        && request.path() == PATH
        && matches!(*request.method(), Method::GET | Method::HEAD)
}

/// The health check's answer.
pub(super) async fn answer(api: &Api, request: &ServiceRequest) -> HttpResponse {
    let disabled = match &api.settings.healthcheck {
        Healthcheck::Enabled { disable_by_file: Some(file) } => exists(file.clone()).await,
        _ => false,
    };
    let Health { mut troubles, breaker } = (api.health)();
    if disabled {
        troubles = vec![DISABLED];
    }
    let status = if troubles.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    match *request.method() {
        Method::HEAD if troubles.is_empty() => HttpResponse::NoContent().finish(),
        _ if wants_json(request) => with(status, JSON, as_json(&troubles, breaker)),
        _ => with(status, TEXT, troubles.join("\n")),
    }
}

/// Looking at the file system may block, so it is done elsewhere.
async fn exists(file: PathBuf) -> bool {
    web::block(move || Path::exists(&file)).await.unwrap_or_default()
}

fn wants_json(request: &ServiceRequest) -> bool {
    let accept = request.headers().get(ACCEPT).and_then(|value| value.to_str().ok());
    accept.is_some_and(|types| types.contains(JSON))
}

fn with(status: StatusCode, content_type: &'static str, body: String) -> HttpResponse {
    HttpResponse::build(status).insert_header((CONTENT_TYPE, content_type)).body(body)
}

fn as_json(reasons: &[&'static str], breaker: Option<&'static str>) -> String {
    let reasons = reasons.iter().map(|reason| Reason { reason }).collect();
    let body = Body { detailed: false, reasons, node_service_breaker: breaker };
    let mut text = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    // Texts alone can always be written down.
    let _written = body.serialize(&mut serde_json::Serializer::with_formatter(&mut text, formatter));
    String::from_utf8(text).unwrap_or_default()
}
