//! The running daemon: its parts put together, started and stopped in order.
//!
//! Invariant: it stops from the outside in: no new requests, those under way end, operations end or are left for
//! recovery, the writer commits what is queued.

mod callers;
mod listeners;

use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_rt::Arbiter;
use actix_web::dev::{Server, ServerHandle};
use tokio::sync::Semaphore;

use crate::admission::Budget;
use crate::clock::SystemClock;
use crate::cluster::{Cluster, Owner, StoredMembers};
use crate::config::{Config, NodeServiceKind};
use crate::data_store::{self, watched::Watched};
use crate::design::standing::Standing;
use crate::design::{Credentials, Resolver, Rules};
use crate::error::{Error, Result};
use crate::health::Health;
use crate::http;
use crate::http::auth::Authentication;
use crate::http::server::{Listener, ServerSettings};
use crate::inventory::service::Inventory;
use crate::node::builds::StoredBuilds;
use crate::node::discovery::Discovery;
use crate::node::machine::{self, Spacing, Unknown};
use crate::node::provision::InUse;
use crate::node::registry::Registry;
use crate::node::rules::{RuleBook, StoredRules};
use crate::node::service::Nodes;
use crate::node::shared::{Services, Shared};
use crate::node::step::{KeepData, TimeoutPower};
use crate::node::token::Tokens;
use crate::node::turns::Turns;
use crate::node_service::ironic;
use crate::node_service::local::Local;
use crate::processing::Pipeline;
use crate::processing::ramdisk_logs::LogStore;
use crate::store::Store;
use crate::supervisor::{self, Keep, Periods};
use crate::tasks::service::StoredTasks;
use crate::tasks::{Limits, dispatcher};

use self::listeners::{Certificates, Listeners};

pub use self::callers::problems;
pub use self::listeners::Place;

/// Callbacks that may wait for their turn at one node.
const QUEUE_LENGTH: usize = 16;

/// The parts of a running daemon.
pub struct Daemon {
    registry: Arc<Registry>,
    nodes: Vec<Arbiter>,
    /// The listeners: that of the API, and that for ramdisks, if there is one.
    servers: Vec<ServerHandle>,
    place: Place,
    certificates: Certificates,
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
        let authentication = callers::authentication(config).await?;
        let Listeners { api, place, ramdisks, certificates } = listeners::open(config).await?;
        let store = open_store(config).await?;
        let cluster = join(config, &place, &store).await?;
        let (services, ironic) = services(config, &store)?;
        let keep_data = data_store::registry::keeps(config)?;
        let data_store = data_store(config, &store).await?;
        let designs = Resolver::new(designs(config).await?);
        let design = standing(&designs);
        let (registry, nodes) = registry(Shared {
            settings: Arc::new(settings(config, keep_data, cluster.me().clone())),
            cluster,
            clock: Arc::new(SystemClock),
            turns: Turns::new(Duration::from_secs(config.introspection_delay)),
            compute: Arc::new(Semaphore::new(cores())),
            callback_deadline: Duration::from_secs(config.callback_deadline),
            discovery: Discovery::from_config(config),
            bmc_address_fields: config.ipmi_address_fields.clone(),
            design,
            volatile: config.build_data.volatile.clone(),
            store,
            pipeline,
            rules: Arc::new(RuleBook::from_config(config)),
            logs,
            data_store,
            services,
        });
        let interrupted = supervisor::recover(&registry).await?;
        log::info!("Interrupted runs were taken up count={interrupted}");
        let inventory = inventory(config, &registry.shared().store);
        supervisor::start(&registry, inventory.clone(), periods(config));
        let tasks = Arc::clone(&designs);
        actix_rt::spawn(dispatcher::run(Arc::clone(&registry), tasks, inventory.clone(), limits(config)));
        let (settings, options) = (http_settings(config, authentication), server_settings(config));
        let services = http_services(&registry, Around { ironic, inventory, designs });
        let server = serve(services.clone(), api, &settings, &options)?;
        let mut servers = vec![server.handle()];
        if let Some(listener) = ramdisks {
            let (settings, options) = of_ramdisks(config, settings, options);
            let own =
                http::ramdisks::start(listener, services, &settings, &options).map_err(Error::internal)?;
            servers.push(own.handle());
            actix_rt::spawn(attend(own));
        }
        let grace = Duration::from_secs(config.shutdown_timeout);
        let daemon = Self { registry, nodes, servers, place, certificates, grace };
        Ok((daemon, server))
    }

    /// Where it listens; tells the port where the configuration leaves it open.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// The nodes, for the use of the calling thread.
    #[must_use]
    pub fn nodes(&self) -> Nodes {
        Nodes::new(Arc::clone(&self.registry))
    }

    /// Reads the files again that may change while it runs: certificates and their keys.
    pub async fn reload(&self) {
        self.certificates.reload().await;
    }

    /// Stops everything, in order.
    pub async fn stop(self) {
        let cluster = Arc::clone(&self.registry.shared().cluster);
        aside(&cluster, Cluster::abdicate).await;
        futures_util::future::join_all(self.servers.iter().map(|server| server.stop(true))).await;
        self.registry.settle(self.grace).await;
        for arbiter in self.nodes {
            arbiter.stop();
            // Joining waits for the arbiter's thread: not on the reactor.
            let joined = tokio::task::spawn_blocking(move || arbiter.join().is_ok()).await;
            if !matches!(joined, Ok(true)) {
                log::error!("A thread of node actors ended with a panic");
            }
        }
        aside(&cluster, Cluster::leave).await;
        let store = self.registry.shared().store.clone();
        if tokio::task::spawn_blocking(move || store.close()).await.is_err() {
            log::error!("The database could not be closed in order");
        }
    }
}

/// Does what blocks, but not on the reactor.
async fn aside(cluster: &Arc<Cluster>, work: fn(&Cluster)) {
    let cluster = Arc::clone(cluster);
    if tokio::task::spawn_blocking(move || work(&cluster)).await.is_err() {
        log::error!("The others could not be told that this instance ends");
    }
}

/// Enters the process among those that share the database.
async fn join(config: &Config, place: &Place, store: &Store) -> Result<Arc<Cluster>> {
    let (name, address) = (instance_name(config, place), config.cluster.address.clone());
    let (address, timing) = (address.unwrap_or_else(|| place.to_string()), config.cluster.timing());
    let store = store.clone();
    let joined = tokio::task::spawn_blocking(move || Cluster::join(&store, name, address, timing));
    joined.await.map_err(Error::internal)?
}

/// The name of the instance: the same at each start on the same place.
fn instance_name(config: &Config, place: &Place) -> String {
    config.cluster.name.clone().unwrap_or_else(|| {
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        match place {
            Place::Tcp(address) => format!("{host}:{}", address.port()),
            Place::Unix(file) => format!("{host}:{}", file.path().display()),
        }
    })
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(2, std::num::NonZero::get)
}

/// Runs the listener for ramdisks beside the one of the API.
async fn attend(server: Server) {
    if let Err(error) = server.await {
        log::error!("The listener for ramdisks ended error={error}");
    }
}

async fn open_store(config: &Config) -> Result<Store> {
    let (url, size) = (config.database.connection.clone(), config.database.pool_size);
    tokio::task::spawn_blocking(move || Store::open(&url, size)).await.map_err(Error::internal)?
}

/// Where introspection data goes, where that is outside of the database. It reads files: not on the reactor.
async fn data_store(config: &Config, store: &Store) -> Result<Option<Watched>> {
    let (config, store) = (config.clone(), store.clone());
    let opened = tokio::task::spawn_blocking(move || data_store::registry::external(&config, &store));
    opened.await.map_err(Error::internal)?
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

fn settings(config: &Config, keep_data: KeepData, me: Owner) -> machine::Settings {
    let timeout_s = (config.timeout > 0 && config.clean_up_period > 0).then_some(config.timeout);
    machine::Settings {
        me,
        timeout_s,
        starting_timeout_s: seconds(config.starting_timeout),
        processing_timeout_s: seconds(config.processing_timeout),
        aborting_timeout_s: seconds(config.aborting_timeout),
        keep_data,
        power_off: config.processing.power_off,
        always_store_logs: config.processing.always_store_ramdisk_logs,
        queue_length: QUEUE_LENGTH,
        timeout_power: if config.timeout_power_off { TimeoutPower::Off } else { TimeoutPower::Leave },
        spacing: if config.introspection_delay > 0 { Spacing::Spaced } else { Spacing::Free },
        in_use: if config.processing.permit_active_introspection { InUse::Permitted } else { InUse::Refused },
        generators: config.build_data.generators(),
        tokens: if config.callback.require_token { Tokens::Required } else { Tokens::Unused },
        unknown: match config.processing.node_not_found_hook {
            Some(_) => Unknown::Enrolled,
            None => Unknown::Refused,
        },
    }
}

fn periods(config: &Config) -> Periods {
    let period = Duration::from_secs(config.clean_up_period);
    let kept = |value: i64| (value > 0).then_some(value);
    let keep = Keep {
        records_s: kept(config.node_status_keep_time),
        runs_s: kept(config.history_keep_time),
        builds_s: kept(config.build_data.keep_time),
        builds_each: kept(config.build_data.keep_latest),
        tasks_days: kept(config.tasks.keep_days),
    };
    Periods { clean_up: (!period.is_zero()).then_some(period), keep }
}

/// How designs are read. It reads files: not on the reactor.
async fn designs(config: &Config) -> Result<Rules> {
    let design = config.design.clone();
    let credentials = tokio::task::spawn_blocking(move || Credentials::from_config(&design));
    let credentials = credentials.await.map_err(Error::internal)??;
    let design = &config.design;
    Ok(Rules {
        folders: design.folders.clone(),
        networks: design.networks(),
        max_bytes: design.max_bytes,
        timeout: Duration::from_secs(design.timeout),
        remember: Duration::from_secs(design.cache_time),
        credentials,
        default: design.default_reference(),
    })
}

/// The design that all nodes are held against, kept as it stands at its place.
fn standing(designs: &Arc<Resolver>) -> Option<Arc<Standing>> {
    let standing = Standing::new(designs.default()?.clone(), Arc::clone(designs));
    actix_rt::spawn(Arc::clone(&standing).keep());
    Some(standing)
}

fn limits(config: &Config) -> Limits {
    let tasks = &config.tasks;
    Limits {
        tasks: tasks.max_running,
        children: tasks.nodes_per_task,
        all_children: tasks.max_nodes,
        per_rack: tasks.nodes_per_rack,
        power_timeout: Duration::from_secs(tasks.power_timeout),
    }
}

fn readers(config: &Config) -> http::MetricsReaders {
    if config.metrics.public { http::MetricsReaders::Everybody } else { http::MetricsReaders::ThisMachine }
}

fn cors(config: &Config) -> http::Cors {
    let cors = config.cors.clone();
    http::Cors {
        origins: cors.allowed_origin,
        credentials: cors.allow_credentials,
        expose: cors.expose_headers,
        max_age_s: cors.max_age,
        methods: cors.allow_methods,
        headers: cors.allow_headers,
    }
}

fn trusted_proxies(config: &Config) -> http::TrustedProxies {
    config.proxies().map_or(http::TrustedProxies::Everybody, http::TrustedProxies::Networks)
}

fn http_settings(config: &Config, authentication: Authentication) -> http::Settings {
    let healthcheck = if config.healthcheck.enabled {
        let disable_by_file = config.healthcheck.disabling_file().map(Path::to_owned);
        http::Healthcheck::Enabled { disable_by_file }
    } else {
        http::Healthcheck::Disabled
    };
    http::Settings {
        api_max_limit: usize::try_from(config.api_max_limit).unwrap_or(usize::MAX),
        can_manage_boot: config.can_manage_boot,
        max_body_bytes: config.max_body_bytes,
        body_deadline: Duration::from_secs(config.callback_deadline),
        debug: config.debug,
        callback_memory: Budget::new(config.callback.max_memory_bytes),
        healthcheck,
        authentication,
        callback_cidrs: config.callback.networks(),
        metrics: readers(config),
        trusted_proxies: trusted_proxies(config),
        cors: cors(config),
        ..http::Settings::default()
    }
}

fn server_settings(config: &Config) -> ServerSettings {
    ServerSettings {
        client_request_timeout: Duration::from_secs(config.request_head_timeout),
        shutdown_timeout_s: config.shutdown_timeout,
        ..ServerSettings::default()
    }
}

/// What differs on the listener for ramdisks. Each posts once: a connection that stays open keeps others out.
fn of_ramdisks(
    config: &Config,
    settings: http::Settings,
    options: ServerSettings,
) -> (http::Settings, ServerSettings) {
    let settings = http::Settings {
        surface: http::Surface::Callbacks,
        healthcheck: http::Healthcheck::Disabled,
        // One a connection; places are given up before the work is done.
        max_requests_per_worker: http::ramdisks::HELD_PER_WORKER,
        ..settings
    };
    let options = ServerSettings {
        max_connections_per_worker: config.callback.max_connections,
        keep_alive: Duration::ZERO,
        ..options
    };
    (settings, options)
}

fn serve(
    services: impl Fn() -> http::Services + Send + Clone + 'static,
    listener: Listener,
    settings: &http::Settings,
    options: &ServerSettings,
) -> Result<Server> {
    http::server::start(vec![listener], services, settings, options).map_err(Error::internal)
}

/// What the API asks beside the nodes.
#[derive(Clone)]
struct Around {
    /// Where nodes are, where that is Ironic.
    ironic: Option<Arc<ironic::Shared>>,
    inventory: Inventory,
    /// The designs that machines are held against.
    designs: Arc<Resolver>,
}

fn inventory(config: &Config, store: &Store) -> Inventory {
    let limits = &config.inventory;
    Inventory::new(store.clone(), Arc::new(SystemClock), limits.limits()).with_background(limits.background())
}

/// What each worker of a listener asks.
fn http_services(
    registry: &Arc<Registry>,
    Around { ironic, inventory, designs }: Around,
) -> impl Fn() -> http::Services + Send + Clone + 'static {
    let registry = Arc::clone(registry);
    move || {
        let nodes = Rc::new(Nodes::new(Arc::clone(&registry)));
        let (store, ironic) = (registry.shared().store.clone(), ironic.clone());
        let health = move || Health {
            troubles: store.troubles(),
            breaker: ironic.as_ref().map(|shared| shared.breaker()),
        };
        let cluster = Arc::clone(&registry.shared().cluster);
        http::Services {
            instances: Rc::new(StoredMembers { cluster, store: registry.shared().store.clone() }),
            inventory: inventory.clone(),
            rules: Rc::new(StoredRules::new(Rc::clone(&nodes))),
            builds: Rc::new(StoredBuilds::new(Rc::clone(&nodes))),
            tasks: Rc::new(StoredTasks::new(Arc::clone(&registry), Arc::clone(&designs))),
            nodes,
            health: Rc::new(health),
        }
    }
}
