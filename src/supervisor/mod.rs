//! Unattended work: deadlines of waiting nodes, recovery of interrupted runs, documents that wait for the data store, the watch over the node service's
//! list of nodes, links of systems and nodes, removal of what is old, and sending idle actors to sleep.
//!
//! Only the leader does what concerns all instances, and what it writes is void once another leads.
//!
//! Invariant: each part is a loop around one function that may be run at any time and twice; a failure is logged
//! and tried again, and ends nothing. It writes only through jobs of the store, or by asking the node's actor.

mod data;
mod deadlines;
mod links;
mod power;
mod recovery;
mod retention;
mod sync;

use std::sync::Arc;
use std::time::Duration;

pub use self::deadlines::ExpireOverdue;
pub use self::recovery::recover;
pub use self::retention::{Keep, clear_builds};
use crate::inventory::service::Inventory;
use crate::node::registry::Registry;

/// How long an actor that nobody asks for stays awake.
const IDLE: Duration = Duration::from_secs(30);
/// The same while many are awake: thousands that only wait for their ramdisks are memory for nothing.
const IDLE_IN_A_CROWD: Duration = Duration::from_secs(1);
/// How many awake are a crowd.
const CROWD: usize = 1000;
/// How often it is looked who may sleep.
const SLEEP_ROUND: Duration = Duration::from_secs(1);

/// When the periodic work is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Periods {
    /// Between two looks at the node service's list, and at what is old; `None` for never.
    pub clean_up: Option<Duration>,
    /// How long what is over is kept.
    pub keep: Keep,
}

/// Starts the loops on the present arbiter; they end with it.
pub fn start(registry: &Arc<Registry>, inventory: Inventory, periods: Periods) {
    actix_rt::spawn(links::run(Arc::clone(registry), inventory));
    actix_rt::spawn(deadlines::run(Arc::clone(registry)));
    actix_rt::spawn(deadlines::clear_away(Arc::clone(registry)));
    actix_rt::spawn(deadlines::try_to_write(Arc::clone(registry)));
    actix_rt::spawn(send_to_sleep(Arc::clone(registry)));
    actix_rt::spawn(recovery::run(Arc::clone(registry)));
    actix_rt::spawn(power::run(Arc::clone(registry)));
    actix_rt::spawn(data::run(Arc::clone(registry)));
    if let Some(period) = periods.clean_up {
        actix_rt::spawn(sync::run(Arc::clone(registry), period));
        actix_rt::spawn(retention::run(Arc::clone(registry), periods.keep, period));
    }
}

async fn send_to_sleep(registry: Arc<Registry>) {
    loop {
        tokio::time::sleep(SLEEP_ROUND).await;
        registry.passivate(if registry.count() > CROWD { IDLE_IN_A_CROWD } else { IDLE });
    }
}
