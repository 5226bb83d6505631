//! The running daemon: its parts put together, started and stopped in order.
//!
//! Invariant: it stops from the outside in: no new requests, those under way end, operations end or are left for
//! recovery, the writer commits what is queued.

use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_rt::Arbiter;
use actix_web::dev::{Server, ServerHandle};
use tokio::sync::Semaphore;

use crate::clock::SystemClock;
use crate::config::{Config, NodeServiceKind};
use crate::error::{Error, Result};
use crate::health::Health;
use crate::http;
use crate::node::machine::{self, Spacing};
use crate::node::registry::Registry;
use crate::node::rules::StoredRules;
use crate::node::service::Nodes;
use crate::node::shared::{Services, Shared};
use crate::node::step::KeepData;
use crate::node::turns::Turns;
use crate::node_service::ironic;
use crate::node_service::local::Local;
use crate::processing::Pipeline;
use crate::processing::ramdisk_logs::LogStore;
use crate::store::Store;
use crate::supervisor::{self, Periods};

/// Callbacks that may wait for their turn at one node.
const QUEUE_LENGTH: usize = 16;

/// The parts of a running daemon.
pub struct Daemon {
    registry: Arc<Registry>,
    nodes: Vec<Arbiter>,
    server: ServerHandle,
    address: SocketAddr,
    /// How long operations get to end when the daemon stops.
    grace: Duration,
}

impl Daemon {
    /// Opens the database, takes up what was interrupted, and begins to listen. To be called inside an actix
    /// system; the server runs while the second value is awaited or spawned.
    ///
    /// # Errors
    /// Whatever keeps the service from starting, in one line.
    pub async fn start(config: &Config) -> Result<(Self, Server)> {
        let pipeline = Arc::new(Pipeline::from_config(config)?);
        let logs = Arc::new(LogStore::from_config(&config.processing)?);
        let socket = listen(config)?;
        let address = socket.local_addr().map_err(Error::internal)?;
        let store = open_store(config).await?;
        let (services, ironic) = services(config, &store)?;
        let (registry, nodes) = registry(Shared {
            settings: Arc::new(settings(config)),
            clock: Arc::new(SystemClock),
            turns: Turns::new(Duration::from_secs(config.introspection_delay)),
            compute: Arc::new(Semaphore::new(cores())),
            callback_deadline: Duration::from_secs(config.callback_deadline),
            bmc_address_fields: config.ipmi_address_fields.clone(),
            store,
            pipeline,
            rules: Arc::default(),
            logs,
            services,
        });
        let interrupted = supervisor::recover(&registry).await?;
        log::info!("Interrupted runs were taken up count={interrupted}");
        supervisor::start(&registry, periods(config));
        let server = serve(config, &registry, ironic, socket)?;
        let grace = Duration::from_secs(config.shutdown_timeout);
        let daemon = Self { registry, nodes, server: server.handle(), address, grace };
        Ok((daemon, server))
    }

    /// Where it listens; tells the port where the configuration leaves it open.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The nodes, for the use of the calling thread.
    #[must_use]
    pub fn nodes(&self) -> Nodes {
        Nodes::new(Arc::clone(&self.registry))
    }

    /// Stops everything, in order.
    pub async fn stop(self) {
        self.server.stop(true).await;
        self.registry.settle(self.grace).await;
        for arbiter in self.nodes {
            arbiter.stop();
            // Joining waits for the arbiter's thread: not on the reactor.
            let joined = tokio::task::spawn_blocking(move || arbiter.join().is_ok()).await;
            if !matches!(joined, Ok(true)) {
                log::error!("A thread of node actors ended with a panic");
            }
        }
        let store = self.registry.shared().store.clone();
        if tokio::task::spawn_blocking(move || store.close()).await.is_err() {
            log::error!("The database could not be closed in order");
        }
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(2, std::num::NonZero::get)
}

fn listen(config: &Config) -> Result<TcpListener> {
    let (address, port) = (config.listen_address.as_str(), config.listen_port);
    TcpListener::bind((address, port))
        .map_err(|cause| Error::bad_request(format!("Can not listen on {address} port {port}: {cause}")))
}

async fn open_store(config: &Config) -> Result<Store> {
    let (url, size) = (config.database.connection.clone(), config.database.pool_size);
    tokio::task::spawn_blocking(move || Store::open(&url, size)).await.map_err(Error::internal)?
}

/// The node service; and, where it is Ironic, what its state can be read from.
fn services(config: &Config, store: &Store) -> Result<(Services, Option<Arc<ironic::Shared>>)> {
    match config.node_service {
        NodeServiceKind::Ironic => {
            let shared = ironic::Shared::new(&config.ironic, config.max_concurrency)?;
            let state = Arc::clone(&shared);
            let services = Services::new(move || Rc::new(ironic::Ironic::new(Arc::clone(&shared))));
            Ok((services, Some(state)))
        }
        NodeServiceKind::Local => {
            let store = store.clone();
            Ok((Services::new(move || Rc::new(Local::new(store.clone()))), None))
        }
    }
}

/// One arbiter of node actors for every four cores: a hop to another thread costs more than it brings.
fn registry(shared: Shared) -> (Arc<Registry>, Vec<Arbiter>) {
    let arbiters: Vec<Arbiter> = (0..cores().div_ceil(4)).map(|_| Arbiter::new()).collect();
    let handles = arbiters.iter().map(Arbiter::handle).collect();
    (Registry::new(Arc::new(shared), handles), arbiters)
}

fn seconds(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn settings(config: &Config) -> machine::Settings {
    let timeout_s = (config.timeout > 0 && config.clean_up_period > 0).then_some(config.timeout);
    machine::Settings {
        timeout_s,
        starting_timeout_s: seconds(config.starting_timeout),
        processing_timeout_s: seconds(config.processing_timeout),
        aborting_timeout_s: seconds(config.aborting_timeout),
        keep_data: if config.processing.store_data == "none" { KeepData::No } else { KeepData::Yes },
        power_off: config.processing.power_off,
        always_store_logs: config.processing.always_store_ramdisk_logs,
        queue_length: QUEUE_LENGTH,
        spacing: if config.introspection_delay > 0 { Spacing::Spaced } else { Spacing::Free },
    }
}

fn periods(config: &Config) -> Periods {
    let period = Duration::from_secs(config.clean_up_period);
    Periods { sync: (!period.is_zero()).then_some(period) }
}

fn readers(config: &Config) -> http::MetricsReaders {
    if config.metrics.public { http::MetricsReaders::Everybody } else { http::MetricsReaders::ThisMachine }
}

fn serve(
    config: &Config,
    registry: &Arc<Registry>,
    ironic: Option<Arc<ironic::Shared>>,
    socket: TcpListener,
) -> Result<Server> {
    use http::server::{Listener, ServerSettings};
    let healthcheck = if config.healthcheck.enabled {
        http::Healthcheck::Enabled { disable_by_file: None }
    } else {
        http::Healthcheck::Disabled
    };
    let settings = http::Settings {
        api_max_limit: usize::try_from(config.api_max_limit).unwrap_or(usize::MAX),
        can_manage_boot: config.can_manage_boot,
        max_body_bytes: config.max_body_bytes,
        body_deadline: Duration::from_secs(config.callback_deadline),
        debug: config.debug,
        healthcheck,
        metrics: readers(config),
        ..http::Settings::default()
    };
    let options = ServerSettings {
        client_request_timeout: Duration::from_secs(config.request_head_timeout),
        shutdown_timeout_s: config.shutdown_timeout,
        ..ServerSettings::default()
    };
    let registry = Arc::clone(registry);
    let services = move || {
        let nodes = Rc::new(Nodes::new(Arc::clone(&registry)));
        let (store, ironic) = (registry.shared().store.clone(), ironic.clone());
        let health = move || Health {
            troubles: store.troubles(),
            breaker: ironic.as_ref().map(|shared| shared.breaker()),
        };
        http::Services { rules: Rc::new(StoredRules::new(Rc::clone(&nodes))), nodes, health: Rc::new(health) }
    };
    http::server::start(vec![Listener::Tcp(socket)], services, &settings, &options).map_err(Error::internal)
}
