//! What a process that is gone was working on is brought to its end.

use std::sync::Arc;

use crate::error::Result;
use crate::fsm::State;
use crate::node::actor::Notice;
use crate::node::order::{Plan, Posting, Remains};
use crate::node::registry::Registry;
use crate::node::{Record, Variant, prepare};
use crate::store::documents;

/// Wakes every node in an active state; answers how many there were.
///
/// # Errors
/// Where the database can not be read.
pub async fn recover(registry: &Arc<Registry>) -> Result<usize> {
    let active: Vec<State> = State::ALL.into_iter().filter(|state| state.is_active()).collect();
    let records = registry.shared().store.read(move |session| session.nodes_in(&active)).await?;
    let count = records.len();
    for record in records {
        let remains = remains(registry, &record).await?;
        log::info!("An interrupted run is taken up node={} state={}", record.uuid, record.state);
        registry.wake(record.uuid, Notice::Resume(Box::new(remains)));
    }
    Ok(count)
}

async fn remains(registry: &Arc<Registry>, record: &Record) -> Result<Remains> {
    if !matches!(record.state, State::Processing | State::Reapplying) {
        return Ok(Remains::default());
    }
    let (node, run) = (record.uuid, record.run);
    let store = &registry.shared().store;
    let plan = store.read(move |session| session.plan(run)).await?;
    if let Some(plan) = plan.and_then(|text| serde_json::from_slice::<Plan>(&text).ok()) {
        return Ok(Remains { plan: Some(Box::new(plan)), posting: None });
    }
    let raw = store.read(move |session| session.document(node, Variant::Raw)).await?;
    let Some(raw) = raw else { return Ok(Remains::default()) };
    let pipeline = Arc::clone(&registry.shared().pipeline);
    let posting: Posting = registry
        .shared()
        .compute(move || {
            let text = documents::unpack(raw.codec, raw.size_bytes, &raw.body)?;
            prepare::from_body(&pipeline, &text).map(|prepared| prepared.posting)
        })
        .await?;
    Ok(Remains { plan: None, posting: Some(Arc::new(posting)) })
}
