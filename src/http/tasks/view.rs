//! Tasks as they are shown, with the member names of Drydock; members in the order of their names.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};
use serde_json::Value;
use utoipa::ToSchema;

use crate::clock::Timestamp;
use crate::http::builds;
use crate::store::tasks::MessageRow;
use crate::tasks::service::{Progress, Whole};

/// A moment: ISO 8601, UTC, with a `Z`.
#[derive(Clone, Copy, Debug)]
pub(in crate::http) struct Zulu(i64);

impl Serialize for Zulu {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let time = Timestamp(self.0).to_utc();
        serializer.collect_str(&time.format("%Y-%m-%dT%H:%M:%S%.6fZ"))
    }
}

/// A message of a task.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TaskMessage)]
pub(in crate::http) struct Message {
    /// What it is about: the UUID of a node, or of a task.
    context: String,
    /// `node` or `task`.
    context_type: String,
    error: bool,
    /// More about it.
    extra: BTreeMap<String, Value>,
    level: String,
    message: String,
    /// 1, 2, 3 in each task.
    seq: i64,
    ts: Zulu,
}

impl Message {
    pub(super) fn new(row: MessageRow) -> Self {
        Self {
            context: row.context,
            context_type: row.context_type,
            error: row.error,
            extra: serde_json::from_str(&row.extra).unwrap_or_default(),
            level: row.level,
            message: row.message,
            seq: row.seq,
            ts: Zulu(row.ts_us),
        }
    }
}

/// A link of a result.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TaskLink)]
pub(in crate::http) struct ResultLink {
    href: String,
    rel: String,
}

/// What happened.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TaskDetails)]
pub(in crate::http) struct Details {
    #[serde(rename = "errorCount")]
    error_count: i64,
    /// The first messages; `/messages` has all of them. Empty in lists.
    #[serde(rename = "messageList")]
    message_list: Vec<Message>,
}

/// How a task went.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TaskResult)]
pub(in crate::http) struct ResultView {
    #[serde(rename = "apiVersion")]
    api_version: &'static str,
    details: Details,
    /// Names of nodes for which it failed.
    failures: Vec<String>,
    kind: &'static str,
    links: Vec<ResultLink>,
    #[schema(required)]
    message: Option<String>,
    metadata: BTreeMap<String, Value>,
    #[schema(required)]
    reason: Option<String>,
    status: String,
    /// Names of nodes for which it succeeded.
    successes: Vec<String>,
}

/// How far a task has come.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TaskProgress)]
pub(in crate::http) struct ProgressView {
    failed: i64,
    queued: i64,
    running: i64,
    succeeded: i64,
    total: i64,
}

impl From<Progress> for ProgressView {
    fn from(progress: Progress) -> Self {
        let Progress { total, queued, running, succeeded, failed } = progress;
        Self { failed, queued, running, succeeded, total }
    }
}

/// A task.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Task)]
pub(in crate::http) struct View {
    action: String,
    #[serde(rename = "apiVersion")]
    api_version: &'static str,
    /// Only with `builddata=true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    build_data: Option<Vec<builds::View>>,
    created: Zulu,
    #[schema(required)]
    created_by: Option<String>,
    #[schema(required)]
    design_ref: Option<String>,
    #[schema(required)]
    finished: Option<Zulu>,
    kind: &'static str,
    max_retry: i32,
    #[schema(required)]
    node_filter: Option<BTreeMap<String, Value>>,
    #[schema(required)]
    node_name: Option<String>,
    #[schema(required)]
    node_uuid: Option<String>,
    #[schema(required)]
    parent_task_id: Option<String>,
    /// Only of tasks with children, and not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    progress: Option<ProgressView>,
    result: ResultView,
    retry: i32,
    #[schema(required)]
    run_id: Option<String>,
    #[schema(required)]
    started: Option<Zulu>,
    status: String,
    /// Only with `subtaskerrors=true`: results of those below that have errors, by their ids.
    #[serde(skip_serializing_if = "Option::is_none")]
    subtask_errors: Option<BTreeMap<String, Value>>,
    subtask_id_list: Vec<String>,
    task_id: String,
    terminate: bool,
    #[schema(required)]
    terminated: Option<Zulu>,
    #[schema(required)]
    terminated_by: Option<String>,
    updated: Zulu,
}

impl View {
    pub(super) fn new(task: Whole) -> Self {
        let Whole { row, children, successes, failures, links, errors, messages, progress } = task;
        let result = ResultView {
            api_version: "v1.0",
            details: Details {
                error_count: errors,
                message_list: messages.into_iter().map(Message::new).collect(),
            },
            failures,
            kind: "Status",
            links: links.into_iter().map(|(rel, href)| ResultLink { href, rel }).collect(),
            message: row.result_message,
            metadata: BTreeMap::new(),
            reason: row.result_reason,
            status: row.result_status,
            successes,
        };
        Self {
            action: row.action,
            api_version: "v1",
            build_data: None,
            created: Zulu(row.created_us),
            created_by: row.created_by,
            design_ref: row.design_ref,
            finished: row.finished_us.map(Zulu),
            kind: "Task",
            max_retry: row.max_retry,
            node_filter: row.node_filter.and_then(|text| serde_json::from_str(&text).ok()),
            node_name: row.node_name,
            node_uuid: row.node_uuid,
            parent_task_id: row.parent_id,
            progress: progress.map(ProgressView::from),
            result,
            retry: row.retry,
            run_id: row.run_id,
            started: row.started_us.map(Zulu),
            status: row.status,
            subtask_errors: None,
            subtask_id_list: children,
            task_id: row.id,
            terminate: row.terminate_us.is_some(),
            terminated: row.terminate_us.map(Zulu),
            terminated_by: row.terminated_by,
            updated: Zulu(row.updated_us),
        }
    }

    pub(super) fn has_errors(&self) -> bool {
        self.result.details.error_count > 0
    }

    pub(super) fn id(&self) -> &str {
        &self.task_id
    }

    /// The result, as it stands among the errors of a task above.
    pub(super) fn as_error(&self) -> Value {
        let mut result = serde_json::to_value(&self.result).unwrap_or_default();
        if let Some(members) = result.as_object_mut() {
            members.insert("task_id".to_owned(), Value::from(self.task_id.clone()));
        }
        result
    }

    pub(super) fn with_errors(self, errors: Option<BTreeMap<String, Value>>) -> Self {
        Self { subtask_errors: errors, ..self }
    }

    pub(super) fn with_builds(self, build_data: Option<Vec<builds::View>>) -> Self {
        Self { build_data, ..self }
    }
}
