//! `POST /v1/inventory/import`.

use std::convert::Infallible;

use actix_web::body::SizedStream;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_TYPE, IF_MATCH};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Map, Value};

use super::policy::Policy;
use super::{Api, auth, body, failure, query, tasks};
use crate::error::{Error, Result};
use crate::inventory::model::Kind;
use crate::inventory::rights::{Right, Rights};
use crate::inventory::service::{Format, Order};
use crate::inventory::{Answer, Verdict};

const JSON: &str = "application/json";
const PROBLEM: &str = "application/problem+json";

/// `POST /v1/inventory/import`
pub(super) async fn import(request: HttpRequest, api: Data<Api>) -> Result<HttpResponse> {
    let Some(format) = format(&request) else {
        let text = "The body has to be application/json, application/yaml or text/csv";
        return Ok(failure::refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, text));
    };
    let order = Order {
        format,
        members: if format == Format::Csv { members(&request) } else { Map::new() },
        generation: generation(&request)?,
        ..Order::default()
    };
    carry_out(&request, &api, order).await
}

/// Reads the body and imports it.
pub(super) async fn carry_out(request: &HttpRequest, api: &Api, order: Order) -> Result<HttpResponse> {
    let coded = request.headers().get(CONTENT_ENCODING).is_some_and(|coding| coding != "identity");
    if coded {
        let text = "The body has to be sent as it is, without a Content-Encoding";
        return Ok(failure::refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, text));
    }
    let rights = rights(request);
    let body = body::read(request, &api.settings).await?;
    let source = request.peer_addr().map(|address| address.ip().to_string());
    let order = Order { body, source, rights, ..order };
    let answer = api.inventory.import(order.clone()).await?;
    if answer.verdict == Verdict::TooLarge {
        return tasks::queue_import(request, api, order).await;
    }
    Ok(answered(answer))
}

/// What who asks may do beside asking for an import at all.
fn rights(request: &HttpRequest) -> Rights {
    let denied = |right: &Right| !auth::permits(request, policy(*right));
    Rights { denied: Right::all().into_iter().filter(denied).collect() }
}

/// The rule of a right.
fn policy(right: Right) -> Policy {
    match right {
        Right::Write(Kind::System) => Policy::InventorySystem,
        Right::Write(Kind::Registration) => Policy::InventoryRegistration,
        Right::Write(Kind::Adapter) => Policy::InventoryAdapter,
        Right::Write(Kind::Alias) => Policy::InventoryAlias,
        Right::Write(Kind::Attribute) => Policy::InventoryAttribute,
        Right::Delete => Policy::InventoryDelete,
        Right::Manage => Policy::InventoryManagement,
    }
}

fn answered(Answer { verdict, body }: Answer) -> HttpResponse {
    let (status, media_type) = match verdict {
        Verdict::Fine => (StatusCode::OK, JSON),
        Verdict::Malformed => (StatusCode::BAD_REQUEST, PROBLEM),
        Verdict::Forbidden => (StatusCode::FORBIDDEN, PROBLEM),
        Verdict::Clash => (StatusCode::CONFLICT, PROBLEM),
        Verdict::Refused | Verdict::TooLarge => (StatusCode::UNPROCESSABLE_ENTITY, PROBLEM),
    };
    let (size, pieces) = (body.size_bytes(), body.into_pieces().map(Ok::<_, Infallible>));
    let body = SizedStream::new(u64::try_from(size).unwrap_or(u64::MAX), futures_util::stream::iter(pieces));
    HttpResponse::build(status).insert_header((CONTENT_TYPE, media_type)).body(body)
}

/// What the body is written in; JSON where that is not said.
fn format(request: &HttpRequest) -> Option<Format> {
    let Some(header) = request.headers().get(CONTENT_TYPE) else { return Some(Format::Json) };
    let media_type = header.to_str().ok()?.split(';').next()?.trim().to_ascii_lowercase();
    match media_type.as_str() {
        "application/json" => Some(Format::Json),
        "application/yaml" | "application/x-yaml" | "text/yaml" | "text/x-yaml" => Some(Format::Yaml),
        "text/csv" => Some(Format::Csv),
        _ => None,
    }
}

/// What a table has no place for. What is no member is told as one that is not known.
fn members(request: &HttpRequest) -> Map<String, Value> {
    let mut members = Map::new();
    for (name, text) in query::all(request) {
        let value = match (name.as_str(), text.as_str()) {
            ("commit" | "require_version" | "atomic" | "skip_empty", "true") => Value::from(true),
            ("commit" | "require_version" | "atomic" | "skip_empty", "false") => Value::from(false),
            ("max_changes" | "max_deletes", number) => {
                number.parse::<u64>().map_or_else(|_| Value::from(number), Value::from)
            }
            (_, text) => Value::from(text),
        };
        members.entry(name).or_insert(value);
    }
    members
}

/// The generation that the client has exported.
fn generation(request: &HttpRequest) -> Result<Option<i64>> {
    let Some(header) = request.headers().get(IF_MATCH) else { return Ok(None) };
    let text = header.to_str().unwrap_or_default().trim();
    if text == "*" {
        return Ok(None);
    }
    let number = text.strip_prefix("\"inventory-").and_then(|rest| rest.strip_suffix('"'));
    let number = number.and_then(|number| number.parse().ok());
    number.map(Some).ok_or_else(|| Error::bad_request("Invalid If-Match: the ETag of an export is expected"))
}
