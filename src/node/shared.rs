//! What all nodes share: the database, the pipeline, the turn to reboot, the clock.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use super::machine::Settings;
use super::rules::RuleBook;
use super::turns::Turns;
use crate::clock::{Clock, Timestamp};
use crate::error::{Error, Result};
use crate::node_service::NodeService;
use crate::processing::Pipeline;
use crate::processing::ramdisk_logs::LogStore;
use crate::store::Store;

/// Makes a node service for the calling thread: HTTP clients are not shared between threads.
pub type ServiceFactory = Arc<dyn Fn() -> Rc<dyn NodeService> + Send + Sync>;

/// What all nodes share.
pub struct Shared {
    /// The database.
    pub store: Store,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What the machines have to know.
    pub settings: Arc<Settings>,
    /// The hooks.
    pub pipeline: Arc<Pipeline>,
    /// The rules, compiled.
    pub rules: Arc<RuleBook>,
    /// Where the ramdisk's logs go.
    pub logs: Arc<LogStore>,
    /// The node service of each thread.
    pub services: ServiceFactory,
    /// The turn to reboot.
    pub turns: Turns,
    /// Bounds the threads that decode and process documents: more of them than cores only wait for each other.
    pub compute: Arc<Semaphore>,
    /// How long a callback may take from its head to its answer.
    pub callback_deadline: Duration,
    /// Members of `driver_info` that may hold the BMC's address, after `ipmi_address`.
    pub bmc_address_fields: Vec<String>,
}

impl Shared {
    /// The present moment.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Runs work that takes long for a reactor thread on a thread of its own.
    ///
    /// # Errors
    /// Those of the work; a panic of it is an internal error.
    pub async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let permit = Arc::clone(&self.compute).acquire_owned().await.map_err(Error::internal)?;
        let guarded = move || {
            let outcome = work();
            drop(permit);
            outcome
        };
        tokio::task::spawn_blocking(guarded).await.map_err(Error::internal)?
    }
}
