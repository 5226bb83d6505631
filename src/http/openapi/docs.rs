//! What is said of each endpoint. The table of routes names these.

use super::Body::{Needed, Optional};
use super::Content::{Inventory, Json, Nothing, Problem, Text};
use super::Doc;

/// Of what is not documented.
pub(in crate::http) const NONE: Doc =
    Doc { summary: "", query: &[], body: None, successes: &[], refusals: &[] };

pub(in crate::http) const VERSIONS: Doc =
    Doc { summary: "Versions of the API.", successes: &[(200, Json("Versions"))], ..NONE };

pub(in crate::http) const RESOURCES: Doc =
    Doc { summary: "What version 1 has.", successes: &[(200, Json("Resources"))], ..NONE };

pub(in crate::http) const OPENAPI: Doc =
    Doc { summary: "This document.", successes: &[(200, Json("AnyObject"))], ..NONE };

pub(in crate::http) const CONTINUE: Doc = Doc {
    summary: "A ramdisk posts what it found; its machine is matched by its addresses.",
    query: &[
        ("node_uuid", r#"{"type": "string", "format": "uuid"}"#, "The node that the ramdisk says it is."),
        ("token", r#"{"type": "string"}"#, "The token of the run, with [callback] require_token."),
    ],
    body: Some(Needed("Inventory")),
    successes: &[(200, Json("Taken"))],
    refusals: &[404, 409],
};

pub(in crate::http) const LIST: Doc = Doc {
    summary: "Introspections, started last first.",
    query: &[
        ("limit", r#"{"type": "integer", "minimum": 0}"#, "Items at most; 0 is as many as there may be."),
        ("marker", r#"{"type": "string", "format": "uuid"}"#, "The last item of the page before."),
        (
            "state",
            r##"{"type": "array", "minItems": 1, "items": {"$ref": "#/components/schemas/State"}}"##,
            "Only these states, separated by commas.",
        ),
    ],
    successes: &[(200, Json("Introspections"))],
    refusals: &[404],
    ..NONE
};

pub(in crate::http) const STATUS: Doc = Doc {
    summary: "How the introspection of a node goes.",
    successes: &[(200, Json("Introspection"))],
    ..NONE
};

pub(in crate::http) const START: Doc = Doc {
    summary: "Starts the introspection of a node.",
    query: &[(
        "manage_boot",
        r#"{"type": "boolean"}"#,
        "Whether boot device and power are set; they are by default.",
    )],
    successes: &[(202, Json("Started"))],
    ..NONE
};

pub(in crate::http) const ABORT: Doc = Doc {
    summary: "Ends a waiting introspection.",
    successes: &[(202, Json("Empty"))],
    refusals: &[409],
    ..NONE
};

pub(in crate::http) const RENEW_TOKEN: Doc = Doc {
    summary: "Gives a waiting introspection another token for its callback.",
    successes: &[(200, Json("Token"))],
    refusals: &[409],
    ..NONE
};

pub(in crate::http) const EVENTS: Doc =
    Doc { summary: "What happened in the last runs of a node.", successes: &[(200, Json("Events"))], ..NONE };

pub(in crate::http) const MATCH: Doc = Doc {
    summary: "What the last data of a node was matched by.",
    successes: &[(200, Json("Match"))],
    ..NONE
};

pub(in crate::http) const PROCESSED: Doc =
    Doc { summary: "The processed data of a node.", successes: &[(200, Json("AnyObject"))], ..NONE };

pub(in crate::http) const UNPROCESSED: Doc =
    Doc { summary: "The data of a node as it was posted.", successes: &[(200, Json("AnyObject"))], ..NONE };

pub(in crate::http) const REAPPLY: Doc = Doc {
    summary: "Processes the stored data of a node, or the given data, again.",
    query: &[
        ("dry_run", r#"{"type": "boolean"}"#, "Only tells what would come of the stored data."),
        ("snapshot", SNAPSHOT, "The data of a dry run, by its run or its id in the build data."),
    ],
    body: Some(Optional("Inventory")),
    successes: &[(200, Json("Replayed")), (202, Json("Empty"))],
    refusals: &[409],
};

/// The UUID of a run, or the id of build data.
const SNAPSHOT: &str = r#"{"type": "string", "pattern": "^([0-9]+|[0-9a-fA-F-]{32,36})$"}"#;
/// A moment.
const MOMENT: &str = r#"{"type": "string", "format": "date-time"}"#;
const UUID: &str = r#"{"type": "string", "format": "uuid"}"#;
const BOOLEAN: &str = r#"{"type": "boolean"}"#;
const LIMIT: (&str, &str, &str) =
    ("limit", r#"{"type": "integer", "minimum": 0}"#, "Items at most; 0 is as many as there may be.");

pub(in crate::http) const BUILDS_OF_NODE: Doc = Doc {
    summary: "What the runs of a node found, collected last first.",
    query: &[
        ("task", UUID, "Of this task."),
        ("run", UUID, "Of this run."),
        ("generator", r##"{"$ref": "#/components/schemas/Generator"}"##, "Of this generator."),
        ("since", MOMENT, "Collected then or later."),
        ("until", MOMENT, "Collected then or earlier."),
        ("latest", BOOLEAN, "Only the latest of each node and generator."),
        ("detail", BOOLEAN, "Whether contents are shown; they are by default."),
        LIMIT,
        ("marker", r#"{"type": "integer"}"#, "The id of the last item of the page before."),
    ],
    successes: &[(200, Json("BuildData"))],
    ..NONE
};

pub(in crate::http) const BUILDS: Doc = Doc {
    summary: "What runs found, collected last first; `node` names a node by UUID or by a name that it had.",
    refusals: &[404],
    ..BUILDS_OF_NODE
};

pub(in crate::http) const BUILD: Doc =
    Doc { summary: "One item of build data.", successes: &[(200, Json("BuildDatum"))], ..NONE };

pub(in crate::http) const DIFF: Doc = Doc {
    summary: "What differs between two snapshots of a node.",
    query: &[
        ("from", SNAPSHOT, "The earlier one; the one before `to` where it is not given."),
        ("to", SNAPSHOT, "The later one; the latest where it is not given."),
    ],
    successes: &[(200, Json("Diff"))],
    ..NONE
};

pub(in crate::http) const SIGHTINGS: Doc = Doc {
    summary: "Where MAC addresses, serial numbers and switch ports are, or were.",
    query: &[
        (
            "mac",
            r#"{"type": "string", "pattern": "^([0-9a-fA-F]{2}[:-]){5}[0-9a-fA-F]{2}$"}"#,
            "This address.",
        ),
        ("serial", r#"{"type": "string"}"#, "This serial number or world wide name."),
        ("switch", r#"{"type": "string"}"#, "The ports of the switch with this chassis id."),
        ("port", r#"{"type": "string"}"#, "Of the switch only this port."),
        ("node", UUID, "In this node."),
        ("present", BOOLEAN, "Only what is there, or what is not any more."),
        LIMIT,
    ],
    successes: &[(200, Json("Sightings"))],
    ..NONE
};

pub(in crate::http) const REPLAY: Doc = Doc {
    summary: "Processes the stored data of many nodes again, by default only to tell what would come of it.",
    body: Some(Needed("ReplayOrder")),
    successes: &[(200, Text("application/x-ndjson"))],
    refusals: &[404, 409],
    ..NONE
};

pub(in crate::http) const RULES: Doc =
    Doc { summary: "Rules, in the order of their creation.", successes: &[(200, Json("Rules"))], ..NONE };

pub(in crate::http) const CREATE_RULE: Doc = Doc {
    summary: "Creates a rule. 200 below version 1.6.",
    body: Some(Needed("NewRule")),
    successes: &[(200, Json("Rule")), (201, Json("Rule"))],
    refusals: &[409],
    ..NONE
};

pub(in crate::http) const DELETE_RULES: Doc =
    Doc { summary: "Deletes all rules.", successes: &[(204, Nothing)], ..NONE };

pub(in crate::http) const DRY_RUN: Doc = Doc {
    summary: "What the rules, or one that is given, would do with a node and its data, or with given data.",
    body: Some(Needed("DryRunOrder")),
    successes: &[(200, Json("DryRun"))],
    refusals: &[404],
    ..NONE
};

pub(in crate::http) const RULE: Doc = Doc { summary: "A rule.", successes: &[(200, Json("Rule"))], ..NONE };

pub(in crate::http) const CHANGE_RULE: Doc = Doc {
    summary: "Replaces members of a rule.",
    body: Some(Needed("RuleChange")),
    successes: &[(200, Json("Rule"))],
    ..NONE
};

pub(in crate::http) const DELETE_RULE: Doc =
    Doc { summary: "Deletes a rule.", successes: &[(204, Nothing)], ..NONE };

pub(in crate::http) const INSTANCES: Doc = Doc {
    summary: "The processes that share the database: who lives, and who leads.",
    successes: &[(200, Json("Instances"))],
    ..NONE
};

pub(in crate::http) const METRICS: Doc = Doc {
    summary: "The figures of this process, for Prometheus.",
    successes: &[(200, Text("text/plain"))],
    ..NONE
};

/// A search.
const SEARCH: (&str, &str, &str) = (
    "q",
    r#"{"type": "string", "maxLength": 8192, "examples": ["status=production ip=10.0.0.0/8 !web1*"]}"#,
    "Which systems: a search expression.",
);

pub(in crate::http) const EXPORT: Doc = Doc {
    summary: "Systems of the inventory with all that belongs to them, in order of their host names.",
    query: &[
        SEARCH,
        ("format", r#"{"enum": ["json", "yaml", "csv"], "default": "json"}"#, "What it is written in."),
        ("fields", r#"{"type": "string"}"#, "Only these members of systems, separated by commas."),
        (
            "relations",
            r#"{"enum": ["name", "pk"], "default": "name"}"#,
            "Whether relations are names or keys.",
        ),
        ("related", r#"{"enum": ["observed"]}"#, "Also what was observed of the nodes."),
        (
            "kind",
            r#"{"enum": ["systems", "registrations", "adapters"]}"#,
            "CSV with a line for each object of this kind, not one for each system. Registrations and adapters go with neither fields nor related.",
        ),
        ("limit", r#"{"type": "integer", "minimum": 0}"#, "Systems at most; all without it."),
        ("marker", r#"{"type": "string"}"#, "The last host name of the page before."),
    ],
    successes: &[(200, Inventory)],
    ..NONE
};

pub(in crate::http) const IMPORT: Doc = Doc {
    summary: "Tells what an import would change, and with commit changes it: all or nothing. CSV takes the other members, and skip_empty, as parameters.",
    body: Some(super::Body::Inventory),
    successes: &[
        (200, Json("InventoryOutcome")),
        (202, Json("Task")),
        (400, Problem),
        (403, Problem),
        (409, Problem),
        (422, Problem),
    ],
    refusals: &[415],
    ..NONE
};

pub(in crate::http) const CHANGES: Doc = Doc {
    summary: "What was changed in the inventory, by whom and why, the oldest first.",
    query: &[
        ("change_set", r#"{"type": "string"}"#, "Of this change set."),
        ("system", r#"{"type": "string"}"#, "Of the system with this key, UUID or host name."),
        ("user", r#"{"type": "string"}"#, "By this user."),
        ("since", MOMENT, "Committed then or later."),
        LIMIT,
        ("marker", r#"{"type": "string"}"#, "As the Link header gives it."),
    ],
    successes: &[(200, Json("InventoryChanges"))],
    refusals: &[404],
    ..NONE
};

pub(in crate::http) const SYSTEM: Doc = Doc {
    summary: "A system, which node it is, and how what was declared differs from what was observed.",
    successes: &[(200, Json("AnyObject"))],
    ..NONE
};

pub(in crate::http) const SCHEMA: Doc =
    Doc { summary: "What an import takes, as JSON Schema.", successes: &[(200, Json("AnyObject"))], ..NONE };

pub(in crate::http) const BULK_EXPORT: Doc = Doc {
    summary: "An export in the shape of Mozilla Inventory's bulk action API.",
    query: &[SEARCH],
    successes: &[(200, Json("AnyObject"))],
    ..NONE
};

pub(in crate::http) const BULK_IMPORT: Doc = Doc {
    summary: "An import in the shape of Mozilla Inventory's bulk action API.",
    body: Some(Needed("AnyObject")),
    successes: &[(200, Json("AnyObject")), (400, Problem), (403, Problem), (409, Problem), (422, Problem)],
    ..NONE
};

pub(in crate::http) const TASKS: Doc = Doc {
    summary: "Tasks, the newest first, without their messages.",
    query: &[
        ("status", r##"{"$ref": "#/components/schemas/TaskStatus"}"##, "With this status."),
        ("action", r#"{"type": "string"}"#, "With this action."),
        ("parent", UUID, "Parts of this task."),
        ("subtasks", BOOLEAN, "Whether parts of tasks are listed as well."),
        ("created_by", r#"{"type": "string"}"#, "Asked for by this user."),
        LIMIT,
        ("marker", UUID, "The last item of the page before."),
    ],
    successes: &[(200, Json("Tasks"))],
    refusals: &[404],
    ..NONE
};

pub(in crate::http) const CREATE_TASK: Doc = Doc {
    summary: "Creates a task and queues it.",
    body: Some(Needed("TaskOrder")),
    successes: &[(201, Json("Task"))],
    ..NONE
};

pub(in crate::http) const PURGE_TASKS: Doc = Doc {
    summary: "Removes tasks that are over and were created long ago, with their messages.",
    query: &[
        (
            "days",
            r#"{"type": "integer", "minimum": 1, "maximum": 36500}"#,
            "How long ago; 90 days by default.",
        ),
        ("dry_run", BOOLEAN, "Only counts them."),
    ],
    successes: &[(200, Json("TasksRemoved"))],
    ..NONE
};

pub(in crate::http) const TASK: Doc = Doc {
    summary: "A task.",
    query: &[
        ("builddata", BOOLEAN, "Shows what its runs found."),
        ("subtaskerrors", BOOLEAN, "Shows the results of those of its parts that have errors."),
        (
            "layers",
            r#"{"type": "integer", "minimum": -1}"#,
            "Shows so many levels, each task under its id; -1 is all.",
        ),
    ],
    successes: &[(200, Json("TaskOrLayers"))],
    ..NONE
};

pub(in crate::http) const TERMINATE_TASK: Doc = Doc {
    summary: "Asks a task to stop.",
    query: &[("propagate", BOOLEAN, "Whether what it has begun is stopped as well; it is by default.")],
    successes: &[(200, Json("Task"))],
    refusals: &[409],
    ..NONE
};

pub(in crate::http) const RETRY_TASK: Doc = Doc {
    summary: "Queues a task that is over once more, for what failed.",
    successes: &[(200, Json("Task"))],
    refusals: &[409],
    ..NONE
};

pub(in crate::http) const TASK_MESSAGES: Doc = Doc {
    summary: "What happened in a task.",
    query: &[
        ("after_seq", r#"{"type": "integer", "minimum": 0}"#, "Only messages with a higher number."),
        (
            "wait",
            r#"{"type": "integer", "minimum": 0, "maximum": 30}"#,
            "Seconds to wait for one where there is none.",
        ),
        LIMIT,
    ],
    successes: &[(200, Json("TaskMessages"))],
    ..NONE
};

pub(in crate::http) const TASK_BUILDS: Doc =
    Doc { summary: "What the runs of a task found.", successes: &[(200, Json("BuildData"))], ..NONE };

pub(in crate::http) const NODES: Doc = Doc {
    summary: "The nodes of the node service, in the order of their names.",
    query: &[LIMIT, ("marker", UUID, "The last item of the page before.")],
    successes: &[(200, Json("ListedNodes"))],
    refusals: &[404],
    ..NONE
};

pub(in crate::http) const NODE_FILTER: Doc = Doc {
    summary: "The names of the nodes that a filter means.",
    body: Some(Needed("NodeFilterOrder")),
    successes: &[(200, Json("Names"))],
    refusals: &[422],
    ..NONE
};

pub(in crate::http) const HEALTH: Doc =
    Doc { summary: "Whether this process can do its work.", successes: &[(204, Nothing)], ..NONE };

pub(in crate::http) const EXTENDED_HEALTH: Doc = Doc {
    summary: "Whether this process can do its work, and what keeps it from that.",
    successes: &[(200, Json("AnyObject")), (503, Json("AnyObject"))],
    ..NONE
};

pub(in crate::http) const DRYDOCK_VERSIONS: Doc = Doc {
    summary: "The version of the API whose paths are those of Drydock.",
    successes: &[(200, Json("AnyObject"))],
    ..NONE
};

pub(in crate::http) const VALIDATE_DESIGN: Doc = Doc {
    summary: "What is wrong with a design.",
    body: Some(Needed("DesignOrder")),
    successes: &[(200, Json("AnyObject")), (400, Json("AnyObject"))],
    refusals: &[422],
    ..NONE
};
