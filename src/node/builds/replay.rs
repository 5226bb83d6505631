//! The hooks and rules of today over stored data: what would come of it, and how that differs from what is stored.
//!
//! Invariant: nothing is written anywhere; the node service is only read.

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::Snapshot;
use crate::build_data::Generator;
use crate::error::{Error, Kind, Result};
use crate::node::Variant;
use crate::node::service::Nodes;
use crate::node_service::{Node, Object, Port};
use crate::processing::change::Change;
use crate::processing::ramdisk_logs::RamdiskLogs;
use crate::processing::rules::{self, Matching, Outcome, Rule, RuleSet};
use crate::processing::{Pipeline, View, document};
use crate::store::build_data::Selection;

/// Which data is processed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The raw data that is stored of the last run.
    Stored,
    /// The raw data of a snapshot.
    Snapshot(Snapshot),
}

/// What would come of it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Replayed {
    /// What would be changed.
    pub change: Value,
    /// The way from the stored processed data to what it would be now, a JSON patch; null where none is stored.
    pub difference: Value,
    /// Why the run would fail.
    #[schema(required)]
    pub error: Option<String>,
    /// The node.
    pub node: Uuid,
    /// Each rule with the verdict on each of its conditions.
    pub rules: Value,
}

pub(super) async fn replay(nodes: &Nodes, ident: &str, source: Source) -> Result<Replayed> {
    let node = nodes.node(ident).await?;
    let raw = raw(nodes, &node, source).await?;
    let stored = match nodes.document(node.uuid, Variant::Processed).await {
        Ok(stored) => Some(stored),
        Err(error) if error.kind == Kind::NotFound => None,
        Err(error) => return Err(error),
    };
    let ports = nodes.service.ports(node.uuid).await.map_err(|error| Error::unavailable(error.text))?;
    let shared = nodes.shared();
    let all = shared.store.read(|session| session.rules()).await?;
    let rules = Rules { all, matching: shared.rules.matching };
    let pipeline = Arc::clone(&shared.pipeline);
    shared.compute(move || try_out(&pipeline, &rules, &raw, stored.as_deref(), &node, &ports)).await
}

async fn raw(nodes: &Nodes, node: &Node, source: Source) -> Result<Vec<u8>> {
    let snapshot = match source {
        Source::Stored => return nodes.stored_raw(node.uuid).await,
        Source::Snapshot(snapshot) => snapshot,
    };
    let uuid = node.uuid;
    let content = nodes.shared().store.read(move |session| {
        let run = match snapshot {
            Snapshot::Run(run) => Some(run),
            Snapshot::Row(id) => {
                session.build(id)?.and_then(|(row, _)| row.run_id).and_then(|run| run.parse().ok())
            }
        };
        if run.is_none() {
            return Ok(None);
        }
        let generator = Some(Generator::Unprocessed.name().to_owned());
        let of = Some(crate::store::build_data::Of::Node(uuid));
        let selection = Selection { of, run, generator, ..Selection::default() };
        match session.builds(&selection, 1)?.pop() {
            Some(row) => session.kept_document(row.document_id),
            None => Ok(None),
        }
    });
    let missing = || Error::not_found(format!("There is no raw data of that snapshot of node {uuid}"));
    content.await?.ok_or_else(missing)?.unpack()
}

/// The rules of today.
struct Rules {
    all: Vec<Rule>,
    matching: Matching,
}

/// As a reapply would go, but for what it writes.
fn try_out(
    pipeline: &Pipeline,
    rules: &Rules,
    raw: &[u8],
    stored: Option<&[u8]>,
    node: &Node,
    ports: &[Port],
) -> Result<Replayed> {
    let mut processed: Object = document::decode(raw)?;
    drop(RamdiskLogs::take(&mut processed));
    let failures = pipeline.prepare(&mut processed);
    let mut change = Change::default();
    let mut error =
        (!failures.is_empty()).then(|| crate::processing::pipeline::reapply_refusal_text(&failures));
    if error.is_none() {
        match pipeline.process(&View { node, ports }, &mut processed) {
            Ok(made) => change = made,
            Err(failure) => error = Some(Error::from(failure).text),
        }
    }
    let difference = difference(stored, &processed)?;
    let data = Value::Object(processed);
    let mut trace = Value::Array(Vec::new());
    if error.is_none() {
        trace = rules::dry_run(&rules.all, rules.matching, &data, node)?
            .get("rules")
            .cloned()
            .unwrap_or_default();
        if let Outcome::Failed(text) =
            RuleSet::new(&rules.all, rules.matching).apply(&data, node, &mut change).0
        {
            error = Some(text);
        }
    }
    let change = serde_json::to_value(&change).map_err(Error::internal)?;
    Ok(Replayed { change, difference, error, node: node.uuid, rules: trace })
}

fn difference(stored: Option<&[u8]>, processed: &Object) -> Result<Value> {
    let Some(stored) = stored else { return Ok(Value::Null) };
    // Both are read from their text: what can not be told apart there is the same.
    let before: Value = serde_json::from_slice(stored).map_err(Error::internal)?;
    let after: Value = serde_json::from_slice(&document::encode(processed)).map_err(Error::internal)?;
    Ok(json!(json_patch::diff(&before, &after)))
}
