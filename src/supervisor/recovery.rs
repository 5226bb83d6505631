//! What a process that is gone was working on is brought to its end.

use std::sync::Arc;

use crate::error::Result;
use crate::fsm::State;
use crate::node::actor::Notice;
use crate::node::registry::Registry;

/// Wakes every node in an active state; answers how many there were.
///
/// # Errors
/// Where the database can not be read.
pub async fn recover(registry: &Arc<Registry>) -> Result<usize> {
    let active: Vec<State> = State::ALL.into_iter().filter(|state| state.is_active()).collect();
    let records = registry.shared().store.read(move |session| session.nodes_in(&active)).await?;
    for record in &records {
        log::info!("An interrupted run is taken up node={} state={}", record.uuid, record.state);
        registry.wake(record.uuid, Notice::Resume);
    }
    Ok(records.len())
}
