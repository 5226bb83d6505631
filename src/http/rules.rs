//! `/v1/rules`: introspection rules.

use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::Data;
use actix_web::{HttpMessage, HttpRequest, HttpResponse};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::links::{self, Link};
use super::versions::Version;
use super::{Api, body, path, reply};
use crate::error::{Error, Result};
use crate::node::rules::DryRun;
use crate::node_service::Object;
use crate::processing::document;
use crate::processing::rules::{Action, Condition, Rule, RulePatch};

/// Below this version a created rule is answered with 200.
const CREATED_SINCE_MINOR: i64 = 6;

/// Rules, as they are listed.
#[derive(Serialize, ToSchema)]
pub(super) struct Rules {
    rules: Vec<Short>,
}

/// A rule as it is listed; members in order of their names.
#[derive(Serialize, ToSchema)]
#[schema(as = ShortRule)]
pub(super) struct Short {
    #[schema(required)]
    description: Option<String>,
    /// Only where it is true.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    disabled: bool,
    links: [Link; 1],
    /// Only where it is set.
    #[serde(skip_serializing_if = "Option::is_none")]
    priority: Option<i64>,
    #[schema(required)]
    scope: Option<String>,
    uuid: String,
}

/// A rule as it is shown alone; members in order of their names.
#[derive(Serialize, ToSchema)]
#[schema(as = Rule)]
pub(super) struct Full {
    #[schema(value_type = Vec<Object>)]
    actions: Vec<Object>,
    #[schema(value_type = Vec<Object>)]
    conditions: Vec<Object>,
    #[schema(required)]
    description: Option<String>,
    /// Only where it is true.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    disabled: bool,
    links: [Link; 1],
    /// Only where it is set.
    #[serde(skip_serializing_if = "Option::is_none")]
    priority: Option<i64>,
    #[schema(required)]
    scope: Option<String>,
    uuid: String,
}

impl Short {
    fn new(rule: &Rule, prefix: &str) -> Self {
        Self {
            description: rule.description.clone(),
            disabled: rule.disabled,
            links: links::to_self(prefix, &format!("/v1/rules/{}", rule.uuid)),
            priority: rule.priority,
            scope: rule.scope.clone(),
            uuid: rule.uuid.clone(),
        }
    }
}

impl Full {
    fn new(rule: &Rule, prefix: &str) -> Self {
        let Short { description, disabled, links, priority, scope, uuid } = Short::new(rule, prefix);
        let actions = rule.actions.iter().map(Action::members).collect();
        let conditions = rule.conditions.iter().map(Condition::members).collect();
        Self { actions, conditions, description, disabled, links, priority, scope, uuid }
    }
}

/// `GET /v1/rules`
pub(super) async fn list(request: HttpRequest, api: Data<Api>) -> Result<HttpResponse> {
    let prefix = links::prefix(&request, &api.settings);
    let rules = api.rules.all().await?.iter().map(|rule| Short::new(rule, &prefix)).collect();
    Ok(reply::json(StatusCode::OK, &Rules { rules }))
}

/// `POST /v1/rules`
pub(super) async fn create(request: HttpRequest, api: Data<Api>) -> Result<HttpResponse> {
    let rule = Rule::from_object(&object(&request, &api).await?)?;
    api.rules.create(rule.clone()).await?;
    let version = request.extensions().get::<Version>().copied();
    let old = version.is_some_and(|version| version.minor < CREATED_SINCE_MINOR);
    Ok(full(if old { StatusCode::OK } else { StatusCode::CREATED }, &rule, &request, &api))
}

/// `DELETE /v1/rules`
pub(super) async fn delete_all(request: HttpRequest, api: Data<Api>) -> Result<HttpResponse> {
    body::read(&request, &api.settings).await?;
    api.rules.delete_all().await?;
    Ok(no_content())
}

/// `GET /v1/rules/<uuid>`
pub(super) async fn show(request: HttpRequest, api: Data<Api>) -> Result<HttpResponse> {
    let rule = api.rules.one(&path::segment(&request, 3)?).await?;
    Ok(full(StatusCode::OK, &rule, &request, &api))
}

/// `PATCH /v1/rules/<uuid>`: the members of the body replace those of the rule.
pub(super) async fn change(request: HttpRequest, api: Data<Api>) -> Result<HttpResponse> {
    let uuid = path::segment(&request, 3)?;
    let patch = RulePatch::from_object(&object(&request, &api).await?)?;
    let rule = api.rules.patch(&uuid, patch).await?;
    Ok(full(StatusCode::OK, &rule, &request, &api))
}

/// `DELETE /v1/rules/<uuid>`
pub(super) async fn delete(request: HttpRequest, api: Data<Api>) -> Result<HttpResponse> {
    let uuid = path::segment(&request, 3)?;
    body::read(&request, &api.settings).await?;
    api.rules.delete(&uuid).await?;
    Ok(no_content())
}

/// `POST /v1/rules/dry-run`: what the rules would do with a node and its data.
pub(super) async fn dry_run(request: HttpRequest, api: Data<Api>) -> Result<HttpResponse> {
    let order = order(object(&request, &api).await?)?;
    let report = api.rules.dry_run(order).await?;
    Ok(reply::json(StatusCode::OK, &report))
}

fn order(mut body: Object) -> Result<DryRun> {
    let mut take = |name: &str| body.shift_remove(name).filter(|value| !value.is_null());
    let wrong =
        |name: &str, wanted: &str| Error::bad_request(format!("Invalid {name}: {wanted} is expected"));
    let node = match take("node") {
        None => None,
        Some(Value::String(ident)) if path::is_name(&ident) => Some(ident),
        Some(_) => return Err(wrong("node", "a UUID or name")),
    };
    let data = match take("data") {
        None => None,
        Some(Value::Object(data)) => Some(data),
        Some(_) => return Err(wrong("data", "an object")),
    };
    let rule = match take("rule") {
        None => None,
        Some(Value::Object(rule)) => Some(Rule::from_object(&rule)?),
        Some(_) => return Err(wrong("rule", "an object")),
    };
    match body.keys().next() {
        Some(name) => {
            Err(Error::bad_request(format!("Unknown member {name}: node, data and rule are known")))
        }
        None => Ok(DryRun { node, data, rule }),
    }
}

async fn object(request: &HttpRequest, api: &Api) -> Result<Object> {
    document::decode(&body::read(request, &api.settings).await?)
}

fn full(status: StatusCode, rule: &Rule, request: &HttpRequest, api: &Api) -> HttpResponse {
    reply::json(status, &Full::new(rule, &links::prefix(request, &api.settings)))
}

/// The type is there because some proxies refuse an answer without one. A length there can not be: RFC 9110 (8.6) forbids
/// it of a 204, and the server leaves it out whatever is said here.
fn no_content() -> HttpResponse {
    HttpResponse::NoContent().insert_header((CONTENT_TYPE, "text/plain; charset=utf-8")).finish()
}
