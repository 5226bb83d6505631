//! Machines whose run has timed out are powered off, where that is asked for (`timeout_power_off`).
//!
//! Invariant: each is a stored job that carries its run, so that it survives a restart and is void once another run
//! has begun; the node's actor does it, under its lock. One that fails is done again, a few times within a day.

use std::sync::Arc;
use std::time::Duration;

use crate::node::actor::Notice;
use crate::node::registry::Registry;

/// How often it is looked for jobs; one whose node was busy is asked for again then.
const LOOK: Duration = Duration::from_secs(2);
/// Machines at one time.
const BATCH: i64 = 50;

pub(super) async fn run(registry: Arc<Registry>) {
    let shared = registry.shared();
    loop {
        let (store, now) = (shared.cluster.lead(&shared.store).await, shared.now());
        match store.read(move |session| session.power_jobs(now, BATCH)).await {
            Ok(jobs) => jobs.iter().for_each(|job| registry.wake(job.node, Notice::PowerJob(job.run))),
            Err(error) => log::error!("The power jobs could not be read error={error}"),
        }
        tokio::time::sleep(LOOK).await;
    }
}
