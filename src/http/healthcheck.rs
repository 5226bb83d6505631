//! `GET /healthcheck`: whether this process answers at all; for load balancers.
//!
//! Answered in front of everything else and only under its exact path. While it is switched off, the path is an
//! unknown version like any other.

use std::path::{Path, PathBuf};

use actix_web::dev::ServiceRequest;
use actix_web::http::header::{ACCEPT, CONTENT_TYPE};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpResponse, web};

use super::Healthcheck;

const PATH: &str = "/healthcheck";
const TEXT: &str = "text/plain";
const JSON: &str = "application/json";
const DISABLED: &str = "DISABLED BY FILE";

/// Whether the request asks for the health check.
pub(super) fn is_meant(setting: &Healthcheck, request: &ServiceRequest) -> bool {
    *setting != Healthcheck::Disabled
        && request.path() == PATH
        && matches!(*request.method(), Method::GET | Method::HEAD)
}

/// The health check's answer.
pub(super) async fn answer(setting: &Healthcheck, request: &ServiceRequest) -> HttpResponse {
    let disabled = match setting {
        Healthcheck::Enabled { disable_by_file: Some(file) } => exists(file.clone()).await,
        _ => false,
    };
    let (status, reason) =
        if disabled { (StatusCode::SERVICE_UNAVAILABLE, DISABLED) } else { (StatusCode::OK, "") };
    match *request.method() {
        Method::HEAD if !disabled => HttpResponse::NoContent().finish(),
        _ if wants_json(request) => with(status, JSON, as_json(reason)),
        _ => with(status, TEXT, reason.to_owned()),
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

fn as_json(reason: &str) -> String {
    let reasons = if reason.is_empty() {
        "[]".to_owned()
    } else {
        format!("[\n        {{\n            \"reason\": \"{reason}\"\n        }}\n    ]")
    };
    format!("{{\n    \"detailed\": false,\n    \"reasons\": {reasons}\n}}")
}
