//! The links between systems of the inventory and nodes, kept up to date with what runs find.
//!
//! Invariant: a run waits for nothing here: links follow it, a second later.

use std::sync::Arc;
use std::time::Duration;

use crate::inventory::links::Look;
use crate::inventory::service::Inventory;
use crate::node::registry::Registry;

/// How often it is looked what runs have found.
const ROUND: Duration = Duration::from_secs(1);
/// Each so many rounds nodes that are gone are looked for.
const GONE_EACH: u32 = 15;

/// Runs for ever, as the leader's work.
pub(super) async fn run(registry: Arc<Registry>, inventory: Inventory) {
    let shared = registry.shared();
    let mut round: u32 = 0;
    loop {
        let look = if round.is_multiple_of(GONE_EACH) { Look::Gone } else { Look::New };
        round = round.wrapping_add(1);
        let inventory = inventory.over(shared.cluster.lead(&shared.store).await);
        let work = tokio::task::spawn_blocking(move || inventory.bring_links_up_to_date(look));
        match work.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => log::warn!("Links of systems and nodes are not up to date error={error}"),
            Err(error) => log::error!("Links of systems and nodes could not be looked at error={error}"),
        }
        tokio::time::sleep(ROUND).await;
    }
}
