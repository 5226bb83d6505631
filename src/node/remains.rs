//! What an interrupted run left in the database: its plan, or the raw data to make one from.

use std::sync::Arc;

use super::order::{Plan, Remains};
use super::posting::Posting;
use super::shared::Shared;
use super::{Record, RunKind, Variant, prepare};
use crate::error::Result;
use crate::fsm::State;
use crate::store::documents;

/// The data of a discovered machine tells so; the raw data does not.
async fn marked(shared: &Arc<Shared>, record: &Record, mut posting: Posting) -> Result<Posting> {
    let (node, run) = (record.uuid, record.run.to_string());
    let runs = shared.store.read_for_run(move |session| session.runs_of(node, 1)).await?;
    if runs.iter().any(|last| last.id == run && last.kind == RunKind::Discovery.name()) {
        posting.discovered = true;
    }
    Ok(posting)
}

/// Reads what is left of a run.
///
/// # Errors
/// Where the database can not be read; what is damaged in it counts as not there.
pub async fn of(shared: &Arc<Shared>, record: Option<&Record>) -> Result<Remains> {
    let working = |record: &&Record| matches!(record.state, State::Processing | State::Reapplying);
    let Some(record) = record.filter(working) else { return Ok(Remains::default()) };
    let (node, run) = (record.uuid, record.run);
    if let Some(text) = shared.store.read_for_run(move |session| session.plan(run)).await? {
        // A plan that can not be read must not be replaced by a new one: part of it may have been applied.
        let plan = serde_json::from_slice::<Plan>(&text).map(Box::new);
        return Ok(Remains { plan: plan.ok(), posting: None });
    }
    let raw = shared.store.read_for_run(move |session| session.document(node, Variant::Raw)).await?;
    let Some(raw) = raw else { return Ok(Remains::default()) };
    let pipeline = Arc::clone(&shared.pipeline);
    let prepared = shared.compute(move || {
        let text = documents::unpack(raw.codec, raw.size_bytes, &raw.body)?;
        prepare::from_body(&pipeline, &text)
    });
    let posting = match prepared.await {
        Ok(prepared) => Some(Arc::new(marked(shared, record, prepared.posting).await?)),
        Err(error) => {
            log::error!("The raw data of an interrupted run can not be used node={node} error={error}");
            None
        }
    };
    Ok(Remains { plan: None, posting })
}
