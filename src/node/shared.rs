//! What all nodes share: the database, the pipeline, the turn to reboot, the clock.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;

use super::discovery::Discovery;
use super::machine::Settings;
use super::rules::RuleBook;
use super::turns::Turns;
use crate::clock::{Clock, Timestamp};
use crate::cluster::Cluster;
use crate::context;
use crate::data_store::watched::Watched;
use crate::design::standing::Standing;
use crate::error::{Error, Result};
use crate::node_service::NodeService;
use crate::processing::Pipeline;
use crate::processing::ramdisk_logs::LogStore;
use crate::store::Store;

/// The node service of each thread: HTTP clients, with their connections, are not shared between threads.
pub struct Services {
    id: usize,
    make: Box<dyn Fn() -> Rc<dyn NodeService> + Send + Sync>,
}

thread_local! {
    static LOCAL: RefCell<HashMap<usize, Rc<dyn NodeService>>> = RefCell::default();
}

impl Services {
    /// Services that are made by `make`, one a thread.
    pub fn new(make: impl Fn() -> Rc<dyn NodeService> + Send + Sync + 'static) -> Self {
        static IDS: AtomicUsize = AtomicUsize::new(0);
        Self { id: IDS.fetch_add(1, Ordering::Relaxed), make: Box::new(make) }
    }

    /// The service of the calling thread.
    #[must_use]
    pub fn local(&self) -> Rc<dyn NodeService> {
        let made = LOCAL.with_borrow(|services| services.get(&self.id).map(Rc::clone));
        made.unwrap_or_else(|| {
            let service = (self.make)();
            LOCAL.with_borrow_mut(|services| services.insert(self.id, Rc::clone(&service)));
            service
        })
    }
}

/// What all nodes share.
pub struct Shared {
    /// The database.
    pub store: Store,
    /// This process among those that share the database.
    pub cluster: Arc<Cluster>,
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
    /// Where introspection data goes, where that is outside of the database.
    pub data_store: Option<Watched>,
    /// The node service of each thread.
    pub services: Services,
    /// The turn to reboot.
    pub turns: Turns,
    /// Bounds the threads that decode and process documents: more of them than cores only wait for each other.
    pub compute: Arc<Semaphore>,
    /// How long a callback may take from its head to its answer.
    pub callback_deadline: Duration,
    /// What is done about machines that no run expects.
    pub discovery: Discovery,
    /// Members of `driver_info` that may hold the BMC's address, after `ipmi_address`.
    pub bmc_address_fields: Vec<String>,
    /// What nodes are held against at the end of each run, where that is wanted.
    pub design: Option<Arc<Standing>>,
    /// What is left out of differences.
    pub volatile: Vec<String>,
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
        tokio::task::spawn_blocking(context::carried_blocking(guarded)).await.map_err(Error::internal)?
    }
}
