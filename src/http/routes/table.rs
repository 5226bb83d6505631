//! The endpoints: what the API answers, who may ask, and what is said of it.
//!
//! What is offered under two prefixes is written once. Invariant: a name is given once; the catch-all for unknown
//! versions stays last. It must not know how an endpoint is routed.

use std::sync::LazyLock;

use actix_web::http::Method;
use actix_web::{Route, web};

use super::super::openapi::{self, Doc};
use super::super::policy::Policy;
use super::super::{
    builds, bulk_action, continue_callback, data, events, instances, introspection, inventory,
    inventory_import, list, metrics, replay, root, rules, sightings, tasks,
};
use super::Endpoint;

/// The bulk action under a prefix; what the names end with.
macro_rules! bulk_action {
    ($prefix:literal, $word:literal) => {
        [
            get(
                concat!($prefix, "/bulk_action/export"),
                concat!("bulk export", $word),
                openapi::BULK_EXPORT,
                Policy::InventoryGet,
                || web::to(bulk_action::export),
            ),
            post(
                concat!($prefix, "/bulk_action/import"),
                concat!("bulk import", $word),
                openapi::BULK_IMPORT,
                Policy::InventoryUpdate,
                || web::to(bulk_action::import),
            ),
            put(
                concat!($prefix, "/bulk_action/import"),
                concat!("bulk import by PUT", $word),
                openapi::BULK_IMPORT,
                Policy::InventoryUpdate,
                || web::to(bulk_action::import),
            ),
        ]
    };
}

/// The tasks and what belongs to them, under a prefix; what the names begin with.
macro_rules! tasks {
    ($prefix:literal, $word:literal) => {
        [
            get(
                concat!($prefix, "/tasks"),
                concat!($word, "tasks"),
                openapi::TASKS,
                Policy::TaskRead,
                || web::to(tasks::index),
            ),
            post(
                concat!($prefix, "/tasks"),
                concat!($word, "create a task"),
                openapi::CREATE_TASK,
                Policy::TaskCreate,
                || web::to(tasks::create),
            ),
            delete(
                concat!($prefix, "/tasks"),
                concat!($word, "remove old tasks"),
                openapi::PURGE_TASKS,
                Policy::TaskDelete,
                || web::to(tasks::purge),
            ),
            get(
                concat!($prefix, "/tasks/{task}"),
                concat!($word, "task"),
                openapi::TASK,
                Policy::TaskRead,
                || web::to(tasks::show),
            ),
            delete(
                concat!($prefix, "/tasks/{task}"),
                concat!($word, "stop a task"),
                openapi::TERMINATE_TASK,
                Policy::TaskCreate,
                || web::to(tasks::terminate),
            ),
            post(
                concat!($prefix, "/tasks/{task}/terminate"),
                concat!($word, "terminate a task"),
                openapi::TERMINATE_TASK,
                Policy::TaskCreate,
                || web::to(tasks::terminate),
            ),
            post(
                concat!($prefix, "/tasks/{task}/retry"),
                concat!($word, "retry a task"),
                openapi::RETRY_TASK,
                Policy::TaskCreate,
                || web::to(tasks::retry),
            ),
            get(
                concat!($prefix, "/tasks/{task}/messages"),
                concat!($word, "messages of a task"),
                openapi::TASK_MESSAGES,
                Policy::TaskRead,
                || web::to(tasks::messages),
            ),
            get(
                concat!($prefix, "/tasks/{task}/builddata"),
                concat!($word, "build data of a task"),
                openapi::TASK_BUILDS,
                Policy::Data,
                || web::to(tasks::builddata),
            ),
            get(concat!($prefix, "/nodes"), concat!($word, "nodes"), openapi::NODES, Policy::Status, || {
                web::to(tasks::nodes)
            }),
            post(
                concat!($prefix, "/nodefilter"),
                concat!($word, "node filter"),
                openapi::NODE_FILTER,
                Policy::TaskRead,
                || web::to(tasks::nodefilter),
            ),
            post(
                concat!($prefix, "/validatedesign"),
                concat!($word, "validate a design"),
                openapi::VALIDATE_DESIGN,
                Policy::TaskValidate,
                || web::to(tasks::validate),
            ),
            get(
                concat!($prefix, "/nodes/{node}/builddata"),
                concat!($word, "build data by node"),
                openapi::BUILDS_OF_NODE,
                Policy::Data,
                || web::to(builds::of_node),
            ),
        ]
    };
}

/// Everything that can be asked for.
pub static ROUTES: LazyLock<Vec<Endpoint>> = LazyLock::new(|| {
    let mut all = introspection();
    all.extend(bulk_action!("", ""));
    all.extend(bulk_action!("/en-US", " by locale"));
    all.extend(tasks!("/v1", ""));
    all.extend(tasks!("/api/v1.0", "drydock "));
    all.extend(service());
    all
});

fn introspection() -> Vec<Endpoint> {
    vec![
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
        get("/v1/introspection/{node}/match", "match", openapi::MATCH, Policy::Data, || {
            web::to(events::explain)
        }),
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
        post(
            "/v1/introspection/{node}/data/unprocessed",
            "reapply",
            openapi::REAPPLY,
            Policy::Reapply,
            || web::to(data::reapply),
        ),
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
        post("/v1/rules", "create a rule", openapi::CREATE_RULE, Policy::RuleCreate, || {
            web::to(rules::create)
        }),
        delete("/v1/rules", "delete all rules", openapi::DELETE_RULES, Policy::RuleDelete, || {
            web::to(rules::delete_all)
        }),
        // Before the names of rules, which this is none of.
        post("/v1/rules/dry-run", "dry run", openapi::DRY_RUN, Policy::RuleCreate, || {
            web::to(rules::dry_run)
        }),
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
    ]
}

fn service() -> Vec<Endpoint> {
    vec![
        get("/api/v1.0/health", "drydock health", openapi::HEALTH, Policy::Version, || {
            web::to(tasks::health)
        }),
        get(
            "/api/v1.0/health/extended",
            "drydock extended health",
            openapi::EXTENDED_HEALTH,
            Policy::Status,
            || web::to(tasks::extended_health),
        ),
        get("/versions", "drydock versions", openapi::DRYDOCK_VERSIONS, Policy::Versions, || {
            web::to(tasks::versions)
        }),
        get("/metrics", "metrics", openapi::METRICS, Policy::Metrics, || web::to(metrics::show)),
        get("/{version}", "unknown version", openapi::NONE, Policy::Version, || web::to(root::other_version)),
    ]
}

/// A function for each method.
macro_rules! methods {
    ($($name:ident $method:ident),*) => {$(
        fn $name(
            path: &'static str,
            name: &'static str,
            doc: Doc,
            policy: Policy,
            handler: fn() -> Route,
        ) -> Endpoint {
            Endpoint { method: Method::$method, path, name, doc, policy, handler }
        }
    )*};
}

methods!(get GET, post POST, put PUT, patch PATCH, delete DELETE);
