//! The table of routes: the one list of what the API answers.
//!
//! Routing, `Allow`, OPTIONS, 405 and who may ask all follow from it: what is not there is told to anybody. Invariant: the catch-all for unknown versions stays last.

use actix_web::body::BoxBody;
use actix_web::http::header::ALLOW;
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::{Next, from_fn};
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, Resource, Route, guard};

use super::openapi::Doc;
use super::policy::Policy;
use super::{
    Surface, auth, builds, bulk_action, continue_callback, data, events, failure, instances, introspection,
    inventory, inventory_import, list, metrics, openapi, path, replay, root, rules, sightings, tasks,
};
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
    /// What is said of it in the document of the API.
    pub(super) doc: Doc,
    /// Who may ask for it.
    pub policy: Policy,
    handler: fn() -> Route,
}

/// Everything that can be asked for.
pub static ROUTES: &[Endpoint] = &[
    get("/", "versions", openapi::VERSIONS, Policy::Versions, || web::to(root::versions)),
    get("/v1", "resources", openapi::RESOURCES, Policy::Version, || web::to(root::resources)),
    get("/v1/openapi.json", "openapi", openapi::OPENAPI, Policy::Version, || web::to(openapi::show)),
    post("/v1/continue", "continue", openapi::CONTINUE, Policy::Continue, || {
        web::to(continue_callback::take)
    }),
    get("/v1/introspection", "list", openapi::LIST, Policy::Status, || web::to(list::list)),
    get("/v1/introspection/{node}", "status", openapi::STATUS, Policy::Status, || {
        web::to(introspection::status)
    }),
    post("/v1/introspection/{node}", "start", openapi::START, Policy::Start, || {
        web::to(introspection::start)
    }),
    post("/v1/introspection/{node}/abort", "abort", openapi::ABORT, Policy::Abort, || {
        web::to(introspection::abort)
    }),
    post(
        "/v1/introspection/{node}/callback-token",
        "renew the token",
        openapi::RENEW_TOKEN,
        Policy::Start,
        || web::to(introspection::renew_token),
    ),
    get("/v1/introspection/{node}/events", "events", openapi::EVENTS, Policy::Status, || {
        web::to(events::events)
    }),
    get("/v1/introspection/{node}/match", "match", openapi::MATCH, Policy::Data, || web::to(events::explain)),
    get("/v1/introspection/{node}/data", "processed data", openapi::PROCESSED, Policy::Data, || {
        web::to(data::processed)
    }),
    get(
        "/v1/introspection/{node}/data/unprocessed",
        "unprocessed data",
        openapi::UNPROCESSED,
        Policy::Data,
        || web::to(data::unprocessed),
    ),
    post("/v1/introspection/{node}/data/unprocessed", "reapply", openapi::REAPPLY, Policy::Reapply, || {
        web::to(data::reapply)
    }),
    get(
        "/v1/introspection/{node}/builddata",
        "build data of a node",
        openapi::BUILDS_OF_NODE,
        Policy::Data,
        || web::to(builds::of_node),
    ),
    get("/v1/introspection/{node}/diff", "diff", openapi::DIFF, Policy::Data, || web::to(builds::diff)),
    get("/v1/builddata", "build data", openapi::BUILDS, Policy::Data, || web::to(builds::all)),
    get("/v1/builddata/{id}", "one item of build data", openapi::BUILD, Policy::Data, || {
        web::to(builds::one)
    }),
    get("/v1/sightings", "sightings", openapi::SIGHTINGS, Policy::Data, || web::to(sightings::list)),
    post("/v1/replay", "replay", openapi::REPLAY, Policy::Reapply, || web::to(replay::many)),
    get("/v1/rules", "rules", openapi::RULES, Policy::RuleGet, || web::to(rules::list)),
    post("/v1/rules", "create a rule", openapi::CREATE_RULE, Policy::RuleCreate, || web::to(rules::create)),
    delete("/v1/rules", "delete all rules", openapi::DELETE_RULES, Policy::RuleDelete, || {
        web::to(rules::delete_all)
    }),
    // Before the names of rules, which this is none of.
    post("/v1/rules/dry-run", "dry run", openapi::DRY_RUN, Policy::RuleCreate, || web::to(rules::dry_run)),
    get("/v1/rules/{rule}", "rule", openapi::RULE, Policy::RuleGet, || web::to(rules::show)),
    patch("/v1/rules/{rule}", "change a rule", openapi::CHANGE_RULE, Policy::RuleCreate, || {
        web::to(rules::change)
    }),
    delete("/v1/rules/{rule}", "delete a rule", openapi::DELETE_RULE, Policy::RuleDelete, || {
        web::to(rules::delete)
    }),
    get("/v1/instances", "instances", openapi::INSTANCES, Policy::Status, || web::to(instances::list)),
    get("/v1/inventory/export", "export", openapi::EXPORT, Policy::InventoryGet, || {
        web::to(inventory::export)
    }),
    post("/v1/inventory/import", "import", openapi::IMPORT, Policy::InventoryUpdate, || {
        web::to(inventory_import::import)
    }),
    get("/v1/inventory/changes", "changes", openapi::CHANGES, Policy::InventoryGet, || {
        web::to(inventory::changes)
    }),
    get("/v1/inventory/systems/{system}", "system", openapi::SYSTEM, Policy::InventoryGet, || {
        web::to(inventory::system)
    }),
    get("/v1/inventory/schema", "schema", openapi::SCHEMA, Policy::InventoryGet, || {
        web::to(inventory::schema)
    }),
    get("/bulk_action/export", "bulk export", openapi::BULK_EXPORT, Policy::InventoryGet, || {
        web::to(bulk_action::export)
    }),
    post("/bulk_action/import", "bulk import", openapi::BULK_IMPORT, Policy::InventoryUpdate, || {
        web::to(bulk_action::import)
    }),
    get(
        "/en-US/bulk_action/export",
        "bulk export by locale",
        openapi::BULK_EXPORT,
        Policy::InventoryGet,
        || web::to(bulk_action::export),
    ),
    post(
        "/en-US/bulk_action/import",
        "bulk import by locale",
        openapi::BULK_IMPORT,
        Policy::InventoryUpdate,
        || web::to(bulk_action::import),
    ),
    get("/v1/tasks", "tasks", openapi::TASKS, Policy::TaskRead, || web::to(tasks::index)),
    post("/v1/tasks", "create a task", openapi::CREATE_TASK, Policy::TaskCreate, || web::to(tasks::create)),
    delete("/v1/tasks", "remove old tasks", openapi::PURGE_TASKS, Policy::TaskDelete, || {
        web::to(tasks::purge)
    }),
    get("/v1/tasks/{task}", "task", openapi::TASK, Policy::TaskRead, || web::to(tasks::show)),
    delete("/v1/tasks/{task}", "stop a task", openapi::TERMINATE_TASK, Policy::TaskCreate, || {
        web::to(tasks::terminate)
    }),
    post(
        "/v1/tasks/{task}/terminate",
        "terminate a task",
        openapi::TERMINATE_TASK,
        Policy::TaskCreate,
        || web::to(tasks::terminate),
    ),
    post("/v1/tasks/{task}/retry", "retry a task", openapi::RETRY_TASK, Policy::TaskCreate, || {
        web::to(tasks::retry)
    }),
    get("/v1/tasks/{task}/messages", "messages of a task", openapi::TASK_MESSAGES, Policy::TaskRead, || {
        web::to(tasks::messages)
    }),
    get("/v1/tasks/{task}/builddata", "build data of a task", openapi::TASK_BUILDS, Policy::Data, || {
        web::to(tasks::builddata)
    }),
    get("/v1/nodes", "nodes", openapi::NODES, Policy::Status, || web::to(tasks::nodes)),
    post("/v1/nodefilter", "node filter", openapi::NODE_FILTER, Policy::TaskRead, || {
        web::to(tasks::nodefilter)
    }),
    post("/v1/validatedesign", "validate a design", openapi::VALIDATE_DESIGN, Policy::TaskValidate, || {
        web::to(tasks::validate)
    }),
    get("/v1/nodes/{node}/builddata", "build data by node", openapi::BUILDS_OF_NODE, Policy::Data, || {
        web::to(builds::of_node)
    }),
    get("/api/v1.0/tasks", "drydock tasks", openapi::TASKS, Policy::TaskRead, || web::to(tasks::index)),
    post("/api/v1.0/tasks", "drydock create a task", openapi::CREATE_TASK, Policy::TaskCreate, || {
        web::to(tasks::create)
    }),
    delete("/api/v1.0/tasks", "drydock remove old tasks", openapi::PURGE_TASKS, Policy::TaskDelete, || {
        web::to(tasks::purge)
    }),
    get("/api/v1.0/tasks/{task}", "drydock task", openapi::TASK, Policy::TaskRead, || web::to(tasks::show)),
    delete(
        "/api/v1.0/tasks/{task}",
        "drydock stop a task",
        openapi::TERMINATE_TASK,
        Policy::TaskCreate,
        || web::to(tasks::terminate),
    ),
    post(
        "/api/v1.0/tasks/{task}/terminate",
        "drydock terminate a task",
        openapi::TERMINATE_TASK,
        Policy::TaskCreate,
        || web::to(tasks::terminate),
    ),
    post(
        "/api/v1.0/tasks/{task}/retry",
        "drydock retry a task",
        openapi::RETRY_TASK,
        Policy::TaskCreate,
        || web::to(tasks::retry),
    ),
    get(
        "/api/v1.0/tasks/{task}/messages",
        "drydock messages of a task",
        openapi::TASK_MESSAGES,
        Policy::TaskRead,
        || web::to(tasks::messages),
    ),
    get(
        "/api/v1.0/tasks/{task}/builddata",
        "drydock build data of a task",
        openapi::TASK_BUILDS,
        Policy::Data,
        || web::to(tasks::builddata),
    ),
    get("/api/v1.0/nodes", "drydock nodes", openapi::NODES, Policy::Status, || web::to(tasks::nodes)),
    post("/api/v1.0/nodefilter", "drydock node filter", openapi::NODE_FILTER, Policy::TaskRead, || {
        web::to(tasks::nodefilter)
    }),
    get(
        "/api/v1.0/nodes/{node}/builddata",
        "drydock build data by node",
        openapi::BUILDS_OF_NODE,
        Policy::Data,
        || web::to(builds::of_node),
    ),
    post(
        "/api/v1.0/validatedesign",
        "drydock validate a design",
        openapi::VALIDATE_DESIGN,
        Policy::TaskValidate,
        || web::to(tasks::validate),
    ),
    get("/api/v1.0/health", "drydock health", openapi::HEALTH, Policy::Version, || web::to(tasks::health)),
    get(
        "/api/v1.0/health/extended",
        "drydock extended health",
        openapi::EXTENDED_HEALTH,
        Policy::Version,
        || web::to(tasks::extended_health),
    ),
    get("/versions", "drydock versions", openapi::DRYDOCK_VERSIONS, Policy::Versions, || {
        web::to(tasks::versions)
    }),
    get("/metrics", "metrics", openapi::METRICS, Policy::Metrics, || web::to(metrics::show)),
    get("/{version}", "unknown version", openapi::NONE, Policy::Version, || web::to(root::other_version)),
];

const fn get(
    path: &'static str,
    name: &'static str,
    doc: Doc,
    policy: Policy,
    handler: fn() -> Route,
) -> Endpoint {
    Endpoint { method: Method::GET, path, name, doc, policy, handler }
}

const fn post(
    path: &'static str,
    name: &'static str,
    doc: Doc,
    policy: Policy,
    handler: fn() -> Route,
) -> Endpoint {
    Endpoint { method: Method::POST, path, name, doc, policy, handler }
}

const fn patch(
    path: &'static str,
    name: &'static str,
    doc: Doc,
    policy: Policy,
    handler: fn() -> Route,
) -> Endpoint {
    Endpoint { method: Method::PATCH, path, name, doc, policy, handler }
}

const fn delete(
    path: &'static str,
    name: &'static str,
    doc: Doc,
    policy: Policy,
    handler: fn() -> Route,
) -> Endpoint {
    Endpoint { method: Method::DELETE, path, name, doc, policy, handler }
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
