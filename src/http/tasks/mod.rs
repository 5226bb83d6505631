//! Tasks: `/v1/tasks` and what is below, `/v1/nodefilter`; the same under `/api/v1.0`, where clients of Drydock look.

mod order;
pub(super) mod view;

use std::collections::BTreeMap;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, LOCATION};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::policy::Policy;
use super::{Api, auth, body, builds, links, list, path, query, reply};
use crate::cluster::Leader;
use crate::design::finding::{Finding, Level};
use crate::design::reference::Reference;
use crate::error::{Error, Kind, Result};
use crate::fsm::State;
use crate::inventory::service::Order as ImportOrder;
use crate::node::builds::Contents;
use crate::processing::document;
use crate::store::build_data::{Of, Selection};
use crate::store::tasks::{TaskQuery, TaskRow};
use crate::tasks::Propagate;
use crate::tasks::model::Status;
use crate::tasks::service::{Listed, Purge, unknown};
use view::{Message, View};

/// The longest that a request for messages may wait.
const MAX_WAIT_S: u64 = 30;
/// How old tasks are that are removed, where the request does not say it.
const DAYS: i64 = 90;
/// Rows of build data that are shown with a task.
const BUILDS: usize = 1000;

/// How much was removed.
#[derive(Serialize, ToSchema)]
#[schema(as = TasksRemoved)]
pub(super) struct Removed {
    dry_run: bool,
    /// Tasks, those below others counted as well.
    removed: usize,
}

/// `GET /v1/tasks`
pub(super) async fn index(request: HttpRequest, api: Data<Api>) -> Result<HttpResponse> {
    let limit = list::limit_of(&request, api.settings.api_max_limit)?;
    let parse = |text: String| uuid(&text, "marker");
    let marker = query::first(&request, "marker").map(parse).transpose()?;
    let tasks = api.tasks.list(wanted(&request)?, marker, limit).await?;
    let views: Vec<View> = tasks.into_iter().map(View::new).collect();
    let mut answer = reply::json(StatusCode::OK, &views);
    if let Some(last) = views.last() {
        builds::link_to_next(&mut answer, &request, &api, last.id());
    }
    Ok(answer)
}

fn wanted(request: &HttpRequest) -> Result<TaskQuery> {
    let status = |text: String| {
        let names = || Status::ALL.iter().map(|status| status.name()).collect::<Vec<_>>().join(", ");
        text.parse::<Status>().map_err(|()| {
            Error::bad_request(format!("Invalid status {text}: one of {} is expected", names()))
        })
    };
    let parent = |text: String| uuid(&text, "parent").map(|uuid| uuid.to_string());
    Ok(TaskQuery {
        status: query::first(request, "status").map(status).transpose()?,
        action: query::first(request, "action"),
        parent: query::first(request, "parent").map(parent).transpose()?,
        children: query::boolean(request, "subtasks")?.unwrap_or(false),
        created_by: query::first(request, "created_by"),
        after: None,
    })
}

fn uuid(text: &str, name: &str) -> Result<Uuid> {
    let wrong = |_| Error::bad_request(format!("Invalid {name} {text}: a UUID is expected"));
    Uuid::try_parse(text).map_err(wrong)
}

/// The task that the path names.
fn named(request: &HttpRequest) -> Result<Uuid> {
    uuid(&path::below(request, &["tasks"])?, "id")
}

/// Who may create tasks may not have all of them done.
fn permit(request: &HttpRequest, order: &crate::tasks::service::Order) -> Result<()> {
    if !auth::permits(request, order::policy(order.action)) {
        let text = format!("Tasks with action {} are not allowed", order.action);
        return Err(Error::new(Kind::Forbidden, text));
    }
    // Those that are about designs have a rule of their own.
    permit_design(request, order.design.as_ref().filter(|_| !order.action.needs_design()))
}

/// A design is read in our name, wherever it is.
fn permit_design(request: &HttpRequest, design: Option<&Reference>) -> Result<()> {
    if design.is_none() || auth::permits(request, Policy::TaskValidate) {
        return Ok(());
    }
    Err(Error::new(Kind::Forbidden, "To have a design read is not allowed"))
}

/// `POST /v1/tasks`
pub(super) async fn create(request: HttpRequest, api: Data<Api>) -> Result<HttpResponse> {
    let order = order::read(document::decode(&body::read(&request, &api.settings).await?)?)?;
    permit(&request, &order)?;
    let view = View::new(api.tasks.create(order).await?);
    Ok(located(&request, &api, request.path().trim_end_matches('/'), StatusCode::CREATED, &view))
}

/// A task, and where it is.
fn located(request: &HttpRequest, api: &Api, tasks: &str, status: StatusCode, view: &View) -> HttpResponse {
    let root = links::root(request, &api.settings);
    let mut answer = reply::json(status, view);
    if let Ok(value) = HeaderValue::from_str(&format!("{root}{tasks}/{}", view.id())) {
        answer.headers_mut().insert(LOCATION, value);
    }
    answer
}

/// Queues an import of the inventory that is too large to be waited for.
pub(super) async fn queue_import(
    request: &HttpRequest,
    api: &Api,
    order: ImportOrder,
) -> Result<HttpResponse> {
    let view = View::new(api.tasks.import(order).await?);
    Ok(located(request, api, "/v1/tasks", StatusCode::ACCEPTED, &view))
}

/// `DELETE /v1/tasks`
pub(super) async fn purge(request: HttpRequest, api: Data<Api>) -> Result<HttpResponse> {
    let wrong = |text: &str| {
        Error::bad_request(format!("Invalid days {text}: a whole number, at least 1, is expected"))
    };
    let days = match query::first(&request, "days") {
        None => DAYS,
        Some(text) => text.parse().ok().filter(|days| *days >= 1).ok_or_else(|| wrong(&text))?,
    };
    let dry_run = query::boolean(&request, "dry_run")?.unwrap_or(false);
    let mode = if dry_run { Purge::Count } else { Purge::Remove };
    let removed = api.tasks.purge(days, mode).await?;
    Ok(reply::json(StatusCode::OK, &Removed { dry_run, removed }))
}

/// `GET /v1/tasks/<id>`
pub(super) async fn show(request: HttpRequest, api: Data<Api>) -> Result<HttpResponse> {
    let id = named(&request)?;
    let with_builds = query::boolean(&request, "builddata")?.unwrap_or(false);
    let with_errors = query::boolean(&request, "subtaskerrors")?.unwrap_or(false);
    let layers = layers(&request)?;
    let depth = if with_errors { None } else { layers.map_or(Some(1), |layers| layers) };
    let mut views = Vec::new();
    for task in api.tasks.tree(id, depth).await? {
        let builds = if with_builds { Some(of_task(&api, &task.row).await?) } else { None };
        views.push((task.row.parent_id.clone(), View::new(task).with_builds(builds)));
    }
    let has_errors = |view: &&View| view.has_errors() && view.id() != id.to_string();
    let errors = with_errors.then(|| {
        let failed = views.iter().map(|(_, view)| view).filter(has_errors);
        failed.map(|view| (view.id().to_owned(), view.as_error())).collect::<BTreeMap<_, _>>()
    });
    let Some(layers) = layers else {
        let (_, view) = views.into_iter().next().ok_or_else(|| unknown(id))?;
        return Ok(reply::json(StatusCode::OK, &view.with_errors(errors)));
    };
    Ok(reply::json(StatusCode::OK, &layered(id, within(views, layers), errors)))
}

/// How many levels are asked for: nothing where the task is shown alone, `Some(None)` for all.
fn layers(request: &HttpRequest) -> Result<Option<Option<usize>>> {
    let Some(text) = query::first(request, "layers") else { return Ok(None) };
    match text.parse::<i64>() {
        Ok(0) => Ok(None),
        Ok(-1) => Ok(Some(None)),
        Ok(levels) if levels > 0 => Ok(Some(Some(usize::try_from(levels).map_err(Error::internal)?))),
        _ => Err(Error::bad_request(format!(
            "Invalid layers {text}: a number of levels, or -1 for all, is expected"
        ))),
    }
}

/// Those of the first levels. Parents come before their children.
fn within(views: Vec<(Option<String>, View)>, levels: Option<usize>) -> Vec<View> {
    let mut depths: BTreeMap<String, usize> = BTreeMap::new();
    let mut kept = Vec::new();
    for (parent, view) in views {
        let above = parent.and_then(|parent| depths.get(&parent).copied()).unwrap_or_default();
        depths.insert(view.id().to_owned(), above.saturating_add(1));
        if levels.is_none_or(|levels| above < levels) {
            kept.push(view);
        }
    }
    kept
}

fn layered(id: Uuid, views: Vec<View>, errors: Option<BTreeMap<String, Value>>) -> BTreeMap<String, Value> {
    let mut members = BTreeMap::from([("init_task_id".to_owned(), Value::from(id.to_string()))]);
    if let Some(errors) = errors {
        members.insert("subtask_errors".to_owned(), errors.into_iter().collect());
    }
    for view in views {
        members.insert(view.id().to_owned(), serde_json::to_value(&view).unwrap_or_default());
    }
    members
}

/// What the runs of a task found; of a part of a task, those of its node.
async fn of_task(api: &Api, row: &TaskRow) -> Result<Vec<builds::View>> {
    let node = row.node_uuid.as_deref().and_then(|node| Uuid::parse_str(node).ok());
    let root = row.parent_id.as_deref().unwrap_or(&row.id);
    let selection =
        Selection { task: Uuid::parse_str(root).ok(), of: node.map(Of::Node), ..Selection::default() };
    let found = api.builds.select(selection, BUILDS, Contents::Wanted).await?;
    Ok(found.into_iter().map(builds::View::new).collect())
}

/// `GET /v1/tasks/<id>/builddata`
pub(super) async fn builddata(request: HttpRequest, api: Data<Api>) -> Result<HttpResponse> {
    let task = api.tasks.show(named(&request)?).await?;
    Ok(reply::json(StatusCode::OK, &of_task(&api, &task.row).await?))
}

/// `GET /v1/tasks/<id>/messages`
pub(super) async fn messages(request: HttpRequest, api: Data<Api>) -> Result<HttpResponse> {
    let number = |name: &str, most: u64| match query::first(&request, name) {
        None => Ok(0),
        Some(text) => text.parse::<u64>().ok().filter(|number| *number <= most).ok_or_else(|| {
            Error::bad_request(format!("Invalid {name} {text}: a number from 0 to {most} is expected"))
        }),
    };
    let after = i64::try_from(number("after_seq", 1 << 62)?).map_err(Error::internal)?;
    let wait = Duration::from_secs(number("wait", MAX_WAIT_S)?);
    let limit = list::limit_of(&request, api.settings.api_max_limit)?;
    let messages = api.tasks.messages(named(&request)?, after, limit, wait).await?;
    let views: Vec<Message> = messages.into_iter().map(Message::new).collect();
    Ok(reply::json(StatusCode::OK, &views))
}

/// `DELETE /v1/tasks/<id>` and `POST /v1/tasks/<id>/terminate`
pub(super) async fn terminate(request: HttpRequest, api: Data<Api>) -> Result<HttpResponse> {
    let propagate = match query::boolean(&request, "propagate")? {
        Some(false) => Propagate::Nothing,
        Some(true) | None => Propagate::Children,
    };
    let task = api.tasks.terminate(named(&request)?, propagate).await?;
    Ok(reply::json(StatusCode::OK, &View::new(task)))
}

/// `POST /v1/tasks/<id>/retry`
pub(super) async fn retry(request: HttpRequest, api: Data<Api>) -> Result<HttpResponse> {
    let task = api.tasks.retry(named(&request)?).await?;
    Ok(reply::json(StatusCode::OK, &View::new(task)))
}

/// `POST /v1/validatedesign`
pub(super) async fn validate(request: HttpRequest, api: Data<Api>) -> Result<HttpResponse> {
    let reference = order::design(document::decode(&body::read(&request, &api.settings).await?)?)?;
    let findings = api.tasks.validate(&reference).await?;
    let errors = findings.iter().filter(|found| found.level == Level::Error).count();
    let (status, word, message, reason) = match errors {
        0 => (StatusCode::OK, "Success", "Site design passed validation", None),
        _ => {
            let reason = Some("See detail messages.");
            (StatusCode::BAD_REQUEST, "Failure", "Site design failed validation.", reason)
        }
    };
    let messages: Vec<Value> = findings.iter().map(Finding::to_json).collect();
    let document = serde_json::json!({
        "kind": "Status",
        "apiVersion": "v1.0",
        "metadata": {},
        "status": word,
        "message": message,
        "reason": reason,
        "details": {"errorCount": errors, "messageList": messages},
        "code": status.as_u16(),
    });
    Ok(reply::json(status, &document))
}

/// A node as it is listed; what nothing knows is null.
#[derive(Serialize, ToSchema)]
#[schema(as = ListedNode)]
pub(super) struct NodeView {
    #[schema(required)]
    boot_ip: Option<String>,
    #[schema(required)]
    boot_mac: Option<String>,
    #[schema(required)]
    cpu_count: Option<i64>,
    #[schema(required)]
    hostname: Option<String>,
    /// In MiB.
    #[schema(required)]
    memory: Option<i64>,
    #[schema(required)]
    power_address: Option<String>,
    #[schema(required)]
    power_state: Option<String>,
    /// Where its introspection stands.
    #[schema(required)]
    status_name: Option<State>,
    uuid: String,
}

impl NodeView {
    fn new(node: Listed) -> Self {
        Self {
            boot_ip: None,
            boot_mac: None,
            cpu_count: node.cpus,
            hostname: node.name,
            memory: node.memory_mb,
            power_address: None,
            power_state: node.power_state,
            status_name: node.state,
            uuid: node.uuid.to_string(),
        }
    }
}

/// `GET /v1/nodes`
pub(super) async fn nodes(request: HttpRequest, api: Data<Api>) -> Result<HttpResponse> {
    let limit = list::limit_of(&request, api.settings.api_max_limit)?;
    let marker = query::first(&request, "marker").map(|text| uuid(&text, "marker")).transpose()?;
    let all = api.tasks.nodes().await?;
    let after = match marker {
        None => 0,
        Some(marker) => {
            let place = all.iter().position(|node| node.uuid == marker);
            let unknown = || Error::not_found("The requested node was not found.");
            place.ok_or_else(unknown)?.saturating_add(1)
        }
    };
    let views: Vec<NodeView> = all.into_iter().skip(after).take(limit).map(NodeView::new).collect();
    let mut answer = reply::json(StatusCode::OK, &views);
    if let Some(last) = views.last() {
        builds::link_to_next(&mut answer, &request, &api, &last.uuid);
    }
    Ok(answer)
}

/// `POST /v1/nodefilter`
pub(super) async fn nodefilter(request: HttpRequest, api: Data<Api>) -> Result<HttpResponse> {
    let (filter, design) = order::filter(document::decode(&body::read(&request, &api.settings).await?)?)?;
    permit_design(&request, design.as_ref())?;
    Ok(reply::json(StatusCode::OK, &api.tasks.select(filter, design).await?))
}

/// `GET /versions`
pub(super) async fn versions() -> HttpResponse {
    let version = serde_json::json!({"v1.0": {"path": "/api/v1.0", "status": "stable"}});
    reply::json(StatusCode::OK, &version)
}

/// `GET /api/v1.0/health`
pub(super) async fn health(api: Data<Api>) -> Result<HttpResponse> {
    match (api.health)().troubles.first() {
        None => Ok(HttpResponse::NoContent().finish()),
        Some(trouble) => Err(Error::unavailable(*trouble)),
    }
}

/// `GET /api/v1.0/health/extended`
pub(super) async fn extended_health(api: Data<Api>) -> HttpResponse {
    let troubles = (api.health)().troubles;
    let ready = troubles.is_empty();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    // Without the database nobody can tell; that it is away is among the troubles.
    let leader = if ready { api.instances.leader().await.ok().flatten() } else { None };
    reply::json(status, &extended(&troubles, leader.as_ref(), status))
}

/// Who leads is told, not judged: another one will, or this process does its own part without.
fn extended(troubles: &[&'static str], leader: Option<&Leader>, status: StatusCode) -> Value {
    let message = |text: &str, error: bool| serde_json::json!({"message": text, "error": error, "kind": "SimpleMessage"});
    let age = leader.map(|leader| leader.ping_age_us / 1_000_000);
    let who = match leader.zip(age) {
        Some((leader, age)) => format!("Instance {} leads; its last ping was {age} s ago", leader.instance),
        None => "It is not known who leads".to_owned(),
    };
    let mut messages: Vec<Value> = troubles.iter().map(|text| message(text, true)).collect();
    messages.push(message(&who, false));
    let ready = troubles.is_empty();
    serde_json::json!({
        "kind": "Status",
        "apiVersion": "v1.0",
        "metadata": {},
        "status": if ready { "Success" } else { "Failure" },
        "message": if ready { "" } else { "Rollcall failed to respond" },
        "reason": "HealthCheck",
        "details": {"errorCount": troubles.len(), "messageList": messages},
        "leader": leader.map(|leader| {
            serde_json::json!({"instance": leader.instance, "ping_age_s": age})
        }),
        "code": status.as_u16(),
    })
}
