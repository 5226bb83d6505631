//! `GET /v1/openapi.json`: what the API answers, as OpenAPI 3.1.
//!
//! Made of the table of routes, each of which names its [`Doc`], and of the types that the handlers answer with.
//! Invariant: what is not in the table is not in the document, and the tests hold every answer against it. It must not know what the
//! handlers do.

mod docs;
mod schemas;

use actix_web::http::{Method, StatusCode};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Map, Value, json};

use super::failure::Clients;
use super::policy::Demand;
use super::routes::{Endpoint, ROUTES};
use super::{Api, links, reply};
use crate::error::Result;

pub(super) use docs::*;

/// Headers of every answer.
const HEADERS: [(&str, &str); 3] = [
    ("X-OpenStack-Request-ID", "The id of the request, by which the log can be searched."),
    ("X-OpenStack-Ironic-Inspector-API-Minimum-Version", "The lowest version that is offered."),
    ("X-OpenStack-Ironic-Inspector-API-Maximum-Version", "The highest version that is offered."),
];
/// What may become of any request: a bad version header, a caller that a rule keeps out (policies may close what is
/// open by default), a failure of ours, too much to do.
const ALWAYS: [u16; 6] = [400, 401, 403, 406, 500, 503];

/// What is said of an endpoint beside its method, path and rule.
#[derive(Debug)]
pub(super) struct Doc {
    /// One sentence.
    pub summary: &'static str,
    /// Parameters of the query: name, schema as JSON, what it means.
    pub query: &'static [(&'static str, &'static str, &'static str)],
    /// The schema of the body, where one is read.
    pub body: Option<Body>,
    /// Successes; what has none is not documented.
    pub successes: &'static [(u16, Content)],
    /// Refusals beside those that follow from method and path.
    pub refusals: &'static [u16],
}

/// A request body.
#[derive(Clone, Copy, Debug)]
pub(super) enum Body {
    /// There has to be one.
    Needed(&'static str),
    /// There may be one.
    Optional(&'static str),
    /// Systems, in any of the formats of an import.
    Inventory,
}

/// The body of an answer.
#[derive(Clone, Copy, Debug)]
pub(super) enum Content {
    /// JSON of this schema.
    Json(&'static str),
    /// Text of this type.
    Text(&'static str),
    /// Systems in any of the formats of an export.
    Inventory,
    /// All that is wrong with an import.
    Problem,
    /// Nothing.
    Nothing,
}

/// `GET /v1/openapi.json`
pub(super) async fn show(request: HttpRequest, api: Data<Api>) -> Result<HttpResponse> {
    let mut document = document()?;
    if let Some(members) = document.as_object_mut() {
        let root = links::root(&request, &api.settings);
        members.insert("servers".to_owned(), json!([{"url": root}]));
    }
    Ok(reply::json(StatusCode::OK, &document))
}

/// The document, without the address of the server.
///
/// # Errors
/// Never, unless the schemas are no JSON.
pub(super) fn document() -> Result<Value> {
    let mut paths = Map::new();
    for endpoint in ROUTES.iter() {
        let doc = &endpoint.doc;
        if doc.successes.is_empty() {
            continue;
        }
        let item = paths
            .entry(endpoint.path)
            .or_insert_with(|| json!({"parameters": path_parameters(endpoint.path)}));
        if let Some(item) = item.as_object_mut() {
            item.insert(endpoint.method.as_str().to_lowercase(), operation(endpoint));
        }
    }
    Ok(json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Rollcall",
            "summary": "Introspection of bare-metal nodes; the API of ironic-inspector, version 1, and more.",
            "version": env!("CARGO_PKG_VERSION"),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": schemas::all()?,
            "parameters": {"Version": version_parameter()},
            "headers": headers(),
            "securitySchemes": {
                "basic": {"type": "http", "scheme": "basic", "description": "auth_strategy http_basic"},
                "token": {"type": "apiKey", "in": "header", "name": "X-Auth-Token", "description": "auth_strategy keystone"},
            },
        },
    }))
}

/// The statuses that an endpoint may answer.
pub(super) fn statuses(endpoint: &Endpoint) -> Vec<u16> {
    let doc = &endpoint.doc;
    let mut all: Vec<u16> = doc.successes.iter().map(|(status, _)| *status).collect();
    all.extend(ALWAYS.iter().chain(doc.refusals));
    if endpoint.method != Method::GET {
        all.push(413);
    }
    if endpoint.path.contains('{') {
        all.push(404);
    }
    all.sort_unstable();
    all.dedup();
    all
}

fn operation(endpoint: &Endpoint) -> Value {
    let doc = &endpoint.doc;
    let mut parameters = vec![json!({"$ref": "#/components/parameters/Version"})];
    parameters.extend(doc.query.iter().map(query_parameter));
    let mut operation = json!({
        "operationId": endpoint.name.replace(' ', "_"),
        "summary": doc.summary,
        "parameters": parameters,
        "responses": responses(endpoint),
    });
    if let Some(members) = operation.as_object_mut() {
        if let Some(body) = doc.body {
            members.insert("requestBody".to_owned(), request_body(body));
        }
        if endpoint.policy.demand() == Demand::Credentials {
            // Which of them it is, is a matter of the configuration; with noauth it is none.
            members.insert("security".to_owned(), json!([{}, {"basic": []}, {"token": []}]));
        }
    }
    operation
}

fn responses(endpoint: &Endpoint) -> Map<String, Value> {
    let content_of = |status: u16| {
        endpoint.doc.successes.iter().find(|(of, _)| *of == status).map(|(_, content)| *content)
    };
    let all = statuses(endpoint).into_iter();
    let error = Clients::of(endpoint.path).error_schema();
    all.map(|status| (status.to_string(), response(status, content_of(status), error))).collect()
}

/// An answer; one that is no success is an error of the usual shape.
fn response(status: u16, content: Option<Content>, error: &str) -> Value {
    let reason = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    let mut names = HEADERS.map(|(name, _)| name).to_vec();
    if status == 503 {
        names.push("Retry-After");
    }
    let headers: Map<String, Value> = names
        .iter()
        .map(|name| ((*name).to_owned(), json!({"$ref": format!("#/components/headers/{name}")})))
        .collect();
    let mut response = json!({"description": reason.unwrap_or_default(), "headers": headers});
    let text = || json!({"type": "string"});
    let typed = match content {
        Some(Content::Nothing) => Vec::new(),
        Some(Content::Text(media_type)) => vec![(media_type, text())],
        Some(Content::Json(schema)) => vec![("application/json", reference(schema))],
        Some(Content::Inventory) => vec![
            ("application/json", reference("InventoryExport")),
            // A document as well: whoever checks it reads it first.
            ("application/yaml", reference("InventoryExport")),
            ("text/csv", text()),
        ],
        // What is wrong before the request is read is told as everywhere.
        Some(Content::Problem) => vec![
            ("application/problem+json", reference("InventoryRefusal")),
            ("application/json", reference(error)),
        ],
        None => vec![("application/json", reference(error))],
    };
    let content: Map<String, Value> = typed
        .into_iter()
        .map(|(media_type, schema)| (media_type.to_owned(), json!({"schema": schema})))
        .collect();
    if let (Some(members), false) = (response.as_object_mut(), content.is_empty()) {
        members.insert("content".to_owned(), Value::Object(content));
    }
    response
}

fn reference(schema: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{schema}")})
}

fn request_body(body: Body) -> Value {
    let (required, schema) = match body {
        Body::Inventory => {
            let import = json!({"schema": reference("InventoryImport")});
            let table = json!({"schema": {"type": "string"}});
            let content = json!({"application/json": import, "application/yaml": import, "text/csv": table});
            return json!({"required": true, "content": content});
        }
        Body::Needed(schema) => (true, schema),
        Body::Optional(schema) => (false, schema),
    };
    json!({"required": required, "content": {"application/json": {"schema": reference(schema)}}})
}

fn query_parameter((name, schema, description): &(&str, &str, &str)) -> Value {
    let schema: Value = serde_json::from_str(schema).unwrap_or_default();
    json!({"name": name, "in": "query", "description": description, "schema": schema})
}

/// The names in braces.
fn path_parameters(path: &str) -> Vec<Value> {
    let names = path.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name);
    let described = |name: &str| match name {
        "node" => "A node: its UUID in any notation, or its name.",
        "id" => "The id of an item of build data.",
        "system" => "A system: its key, its UUID or its host name.",
        "task" => "A task, by its UUID.",
        _ => "A rule, by its UUID as it was given.",
    };
    names
        .map(|name| {
            let schema = match name {
                "id" => json!({"type": "integer", "minimum": 1}),
                "task" => json!({"type": "string", "format": "uuid"}),
                _ => json!({"type": "string", "minLength": 1}),
            };
            json!({"name": name, "in": "path", "required": true, "description": described(name), "schema": schema})
        })
        .collect()
}

fn version_parameter() -> Value {
    json!({
        "name": "X-OpenStack-Ironic-Inspector-API-Version",
        "in": "header",
        "description": "The version that is asked for; without it, the highest. OpenStack-API-Version does as well.",
        "schema": {"type": "string", "pattern": "^(1\\.([0-9]|1[0-8])|latest)$"},
    })
}

fn headers() -> Map<String, Value> {
    let text = |description: &str| json!({"required": true, "description": description, "schema": {"type": "string"}});
    let mut all: Map<String, Value> =
        HEADERS.iter().map(|(name, description)| ((*name).to_owned(), text(description))).collect();
    all.insert("Retry-After".to_owned(), text("Seconds after which to try again."));
    all
}
