//! The options at top level: those of the ancestor's `[DEFAULT]`, and our own.
//!
//! Invariant: the struct holds only what works; each default equals that of its description.

use std::path::PathBuf;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::forms;
use super::spec::{Kind, Section, lacks, no_effect, works};
use super::{
    Accelerators, BuildData, Callback, Capabilities, Cluster, Cors, Database, Design, Discovery,
    ExtraHardware, Healthcheck, Inventory, Ironic, KeystoneAuthtoken, Metrics, OsloPolicy, PciDevices,
    PortPhysnet, Processing, PxeFilter, Ssl, Swift, Tasks,
};

/// About ten years, in seconds: the ancestor's limit of time-outs.
const LONGEST: i64 = 315_576_000;

/// What stands in the file at top level.
pub(super) const SECTION: Section = Section {
    name: "",
    help: "The service itself.",
    options: &[
        works(
            "listen_address",
            Kind::Form(forms::IP_ADDRESS),
            Some("\"127.0.0.1\""),
            "Where to listen; :: and 0.0.0.0 are all addresses.",
        ),
        works(
            "listen_port",
            Kind::Integer(0, 65535),
            Some("5050"),
            "TCP port to listen on; 0 takes a free one.",
        ),
        works(
            "auth_strategy",
            Kind::Choice(&["noauth", "keystone", "http_basic"]),
            Some("\"noauth\""),
            "How clients prove who they are.",
        ),
        works(
            "http_basic_auth_user_file",
            Kind::Text,
            None,
            "File of users for http_basic: one user:hash per line, bcrypt only; read again when it changes.",
        ),
        only_true("standalone", "API and worker in one process."),
        works(
            "node_service",
            Kind::Choice(&["ironic", "local"]),
            Some("\"local\""),
            "Where nodes, ports and power live; \"ironic\" where [ironic] says something and this is not given.",
        ),
        works("debug", Kind::Bool, Some("false"), "Whether clients read what lies behind an internal error."),
        works(
            "timeout",
            Kind::Integer(i64::MIN, LONGEST),
            Some("3600"),
            "Seconds that a machine may take to post its data; 0 or less waits for ever.",
        ),
        works(
            "timeout_power_off",
            Kind::Bool,
            Some("false"),
            "Whether a machine whose boot is managed is powered off when it has timed out.",
        ),
        works(
            "clean_up_period",
            Kind::Integer(0, LONGEST),
            Some("60"),
            "Seconds between looks for nodes that are gone and for what is old; 0 switches these and the time-out off.",
        ),
        works(
            "node_status_keep_time",
            Kind::Integer(0, LONGEST),
            Some("0"),
            "Seconds that the record of a node, with its data, is kept after its run; 0 keeps it until the node is gone.",
        ),
        works(
            "history_keep_time",
            Kind::Integer(0, LONGEST),
            Some("0"),
            "Seconds that a run is kept in the history after its end, unless it is the last of a record; 0 is for ever.",
        ),
        works("starting_timeout", Kind::Integer(1, LONGEST), Some("600"), "Seconds that a start may take."),
        works(
            "processing_timeout",
            Kind::Integer(1, LONGEST),
            Some("1800"),
            "Seconds that processing may take.",
        ),
        works("aborting_timeout", Kind::Integer(1, LONGEST), Some("30"), "Seconds that an abort may take."),
        works(
            "callback_deadline",
            Kind::Integer(1, 3600),
            Some("25"),
            "Seconds after which the ramdisk is answered, done or not; it stops reading after 30.",
        ),
        works(
            "request_head_timeout",
            Kind::Integer(1, 3600),
            Some("30"),
            "Seconds that the head of a request may take.",
        ),
        works(
            "shutdown_timeout",
            Kind::Integer(0, 3600),
            Some("10"),
            "Seconds that requests get to end when the service stops.",
        ),
        works(
            "max_body_bytes",
            Kind::Integer(1024, 1_073_741_824),
            Some("67108864"),
            "Bytes that the body of a request may have.",
        ),
        works(
            "max_concurrency",
            Kind::Integer(2, 1_000_000),
            Some("1000"),
            "Calls to the node service at one time.",
        ),
        works(
            "introspection_delay",
            Kind::Integer(0, LONGEST),
            Some("0"),
            "Seconds between two power-ons; 5 with node_service \"ironic\" where this is not given.",
        ),
        works("api_max_limit", Kind::Integer(1, 1_000_000), Some("1000"), "Items that a list shows at most."),
        works(
            "can_manage_boot",
            Kind::Bool,
            Some("true"),
            "Whether starts may set the boot device and power.",
        ),
        works(
            "ipmi_address_fields",
            Kind::List,
            Some(r#"["redfish_address", "ilo_address", "drac_host", "drac_address", "ibmc_address"]"#),
            "Fields of driver_info with the address of the BMC, after ipmi_address.",
        ),
        works("use_ssl", Kind::Bool, Some("false"), "Whether the API speaks TLS; see [ssl]."),
        works(
            "trusted_proxies",
            Kind::ListOf(forms::CIDR),
            None,
            "Networks whose X-Forwarded-* and Forwarded headers links follow; unset: all, as the ancestor; []: none.",
        ),
        works("listen_unix_socket", Kind::Text, None, "Path of a Unix socket to listen on instead."),
        works(
            "listen_unix_socket_mode",
            Kind::Form(forms::FILE_MODE),
            None,
            "Mode of the socket's file; unset, the umask decides.",
        ),
        lacks(
            "enable_mdns",
            Kind::Bool,
            Some("false"),
            "multicast DNS",
            "Whether mDNS tells where the API is.",
        ),
        no_effect("rootwrap_config", "no commands are run as another user"),
        no_effect("host", "there is one instance, which is known by its database"),
        no_effect("leader_election_interval", "one instance leads as long as it holds its database"),
        no_effect("transport_url", "there is no message bus; parts talk inside one process"),
        no_effect("control_exchange", "there is no message bus"),
        no_effect("rpc_response_timeout", "there is no message bus; see callback_deadline"),
        no_effect("executor_thread_pool_size", "there is no message bus"),
        no_effect("log_file", LOG),
        no_effect("log_dir", LOG),
        no_effect("log_config_append", LOG),
        no_effect("log_date_format", LOG),
        no_effect("logging_context_format_string", LOG),
        no_effect("logging_default_format_string", LOG),
        no_effect("default_log_levels", LOG),
        no_effect("use_stderr", LOG),
        no_effect("use_syslog", LOG),
        no_effect("use_journal", LOG),
        no_effect("use_json", LOG),
        no_effect("syslog_log_facility", LOG),
        no_effect("watch_log_file", LOG),
    ],
    rest: None,
};

const LOG: &str = "the log goes to standard error, and ROLLCALL_LOG chooses what is in it";

/// An option of the ancestor that chooses a mode of which only one is left.
const fn only_true(name: &'static str, help: &'static str) -> super::spec::Spec {
    lacks(name, Kind::Bool, Some("true"), "API and worker in several processes", help)
}

/// The whole configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Config {
    /// IP address to listen on.
    pub listen_address: String,
    /// TCP port to listen on.
    pub listen_port: u16,
    /// Unix socket to listen on instead.
    pub listen_unix_socket: Option<PathBuf>,
    /// Mode of the socket's file, in octal digits.
    pub listen_unix_socket_mode: Option<String>,
    /// Whether the API speaks TLS.
    pub use_ssl: bool,
    /// Networks whose word on the outer address of the API is taken, as written; unset: all.
    pub trusted_proxies: Option<Vec<String>>,
    /// How clients prove who they are.
    pub auth_strategy: AuthStrategy,
    /// File of users for `http_basic`.
    pub http_basic_auth_user_file: Option<PathBuf>,
    /// Where nodes, ports and power live.
    pub node_service: NodeServiceKind,
    /// Whether clients read what lies behind an internal error.
    pub debug: bool,
    /// Seconds that a node may be `waiting`; 0 or less: for ever.
    pub timeout: i64,
    /// Seconds between clean-ups in the ancestor; 0 switches `timeout` and the removal of vanished nodes off.
    pub clean_up_period: u64,
    /// Seconds that a record is kept after its run; 0: until its node is gone.
    pub node_status_keep_time: i64,
    /// Seconds that a run is kept in the history after its end; 0: for ever.
    pub history_keep_time: i64,
    /// Whether machines whose run has timed out are powered off.
    pub timeout_power_off: bool,
    /// Seconds that a node may be `starting`, from its turn.
    pub starting_timeout: u64,
    /// Seconds that a node may be `processing`, `reapplying` or `enrolling`.
    pub processing_timeout: u64,
    /// Seconds that a node may be `aborting`.
    pub aborting_timeout: u64,
    /// Seconds from the head of a callback to its answer.
    pub callback_deadline: u64,
    /// Seconds that the head of a request may take.
    pub request_head_timeout: u64,
    /// Seconds that requests get to end when the service stops.
    pub shutdown_timeout: u64,
    /// Bytes that the body of a request may have.
    pub max_body_bytes: usize,
    /// Calls to the node service at one time.
    pub max_concurrency: usize,
    /// Seconds between two power-ons.
    pub introspection_delay: u64,
    /// Items that a list shows at most.
    pub api_max_limit: u32,
    /// Whether starts may set the boot device and power.
    pub can_manage_boot: bool,
    /// Fields of `driver_info` with the address of the BMC, after `ipmi_address`.
    pub ipmi_address_fields: Vec<String>,
    /// `[callback]`
    pub callback: Callback,
    /// `[cluster]`
    pub cluster: Cluster,
    /// `[database]`
    pub database: Database,
    /// `[ironic]`
    pub ironic: Ironic,
    /// `[processing]`
    pub processing: Processing,
    /// `[swift]`
    pub swift: Swift,
    /// `[capabilities]`
    pub capabilities: Capabilities,
    /// `[pci_devices]`
    pub pci_devices: PciDevices,
    /// `[build_data]`
    pub build_data: BuildData,
    /// `[inventory]`
    pub inventory: Inventory,
    /// `[tasks]`
    pub tasks: Tasks,
    /// `[design]`
    pub design: Design,
    /// `[discovery]`
    pub discovery: Discovery,
    /// `[accelerators]`
    pub accelerators: Accelerators,
    /// `[extra_hardware]`
    pub extra_hardware: ExtraHardware,
    /// `[port_physnet]`
    pub port_physnet: PortPhysnet,
    /// `[pxe_filter]`
    pub pxe_filter: PxeFilter,
    /// `[ssl]`
    pub ssl: Ssl,
    /// `[cors]`
    pub cors: Cors,
    /// `[healthcheck]`
    pub healthcheck: Healthcheck,
    /// `[metrics]`
    pub metrics: Metrics,
    /// `[keystone_authtoken]`
    pub keystone_authtoken: KeystoneAuthtoken,
    /// `[oslo_policy]`
    pub oslo_policy: OsloPolicy,
}

impl Config {
    /// The mode that `listen_unix_socket_mode` stands for.
    #[must_use]
    pub fn unix_socket_mode(&self) -> Option<u32> {
        // The reader has refused what is no mode.
        self.listen_unix_socket_mode.as_deref().and_then(|text| forms::mode(text).ok())
    }
}

impl Config {
    /// The networks of `trusted_proxies`; nothing where it is unset.
    #[must_use]
    pub fn proxies(&self) -> Option<Vec<IpNet>> {
        let networks =
            |texts: &Vec<String>| texts.iter().filter_map(|text| forms::network(text).ok()).collect();
        self.trusted_proxies.as_ref().map(networks)
    }
}

impl Default for Config {
    fn default() -> Self {
        let address_fields = ["redfish_address", "ilo_address", "drac_host", "drac_address", "ibmc_address"];
        Self {
            listen_address: "127.0.0.1".to_owned(),
            listen_port: 5050,
            listen_unix_socket: None,
            listen_unix_socket_mode: None,
            use_ssl: false,
            trusted_proxies: None,
            auth_strategy: AuthStrategy::Noauth,
            http_basic_auth_user_file: None,
            node_service: NodeServiceKind::Local,
            debug: false,
            timeout: 3600,
            clean_up_period: 60,
            node_status_keep_time: 0,
            history_keep_time: 0,
            timeout_power_off: false,
            starting_timeout: 600,
            processing_timeout: 1800,
            aborting_timeout: 30,
            callback_deadline: 25,
            request_head_timeout: 30,
            shutdown_timeout: 10,
            max_body_bytes: 64 * 1024 * 1024,
            max_concurrency: 1000,
            introspection_delay: 0,
            api_max_limit: 1000,
            can_manage_boot: true,
            ipmi_address_fields: address_fields.map(str::to_owned).to_vec(),
            callback: Callback::default(),
            cluster: Cluster::default(),
            database: Database::default(),
            ironic: Ironic::default(),
            processing: Processing::default(),
            swift: Swift::default(),
            capabilities: Capabilities::default(),
            pci_devices: PciDevices::default(),
            build_data: BuildData::default(),
            inventory: Inventory::default(),
            tasks: Tasks::default(),
            design: Design::default(),
            discovery: Discovery::default(),
            accelerators: Accelerators::default(),
            extra_hardware: ExtraHardware::default(),
            port_physnet: PortPhysnet::default(),
            pxe_filter: PxeFilter::default(),
            ssl: Ssl::default(),
            cors: Cors::default(),
            healthcheck: Healthcheck::default(),
            metrics: Metrics::default(),
            keystone_authtoken: KeystoneAuthtoken::default(),
            oslo_policy: OsloPolicy::default(),
        }
    }
}

/// How clients prove who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthStrategy {
    /// Not at all.
    Noauth,
    /// By a token of Keystone.
    Keystone,
    /// By user and password.
    HttpBasic,
}

/// Where nodes, ports and power live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NodeServiceKind {
    /// In Ironic.
    Ironic,
    /// In our own registry.
    Local,
}
