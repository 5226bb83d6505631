//! What is said of each endpoint. The table of routes names these.

use super::Body::{Needed, Optional};
use super::Content::{Json, Nothing, Text};
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
    body: Some(Optional("Inventory")),
    successes: &[(202, Json("Empty"))],
    refusals: &[409],
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

pub(in crate::http) const METRICS: Doc = Doc {
    summary: "The figures of this process, for Prometheus.",
    successes: &[(200, Text("text/plain"))],
    ..NONE
};
