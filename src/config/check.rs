//! What can be told only from several options together.

use super::draft::Draft;
use super::tls;
use super::{AddPorts, AuthStrategy, AuthType, Callback, Config, Cors, KeepPorts, NodeServiceKind};

/// Seconds between two power-ons where the nodes are in Ironic.
const IRONIC_DELAY: u64 = 5;

/// Fills in defaults that hang on other options.
pub(super) fn complete(config: &mut Config, draft: &Draft) {
    if !draft.has("", "node_service") && draft.has_section("ironic") {
        config.node_service = NodeServiceKind::Ironic;
    }
    if !draft.has("", "introspection_delay") && config.node_service == NodeServiceKind::Ironic {
        config.introspection_delay = IRONIC_DELAY;
    }
    // Whoever names Keystone means to use it.
    if !draft.has("ironic", "auth_type") && draft.has("ironic", "auth_url") {
        config.ironic.auth.auth_type = AuthType::Password;
    }
    if !draft.has("swift", "auth_type") && draft.has("swift", "auth_url") {
        config.swift.auth.auth_type = AuthType::Password;
    }
    if !draft.has("design", "auth_type") && draft.has("design", "auth_url") {
        config.design.auth.auth_type = AuthType::Password;
    }
    if !draft.has("keystone_authtoken", "auth_type") {
        config.keystone_authtoken.auth.auth_type = AuthType::Password;
    }
}

/// Adds what is wrong, or idle, in the options together.
pub(super) fn check(config: &Config, draft: &mut Draft) {
    ports(config, draft);
    node_service(config, draft);
    logs(config, draft);
    if config.processing.store_data == "swift" {
        config.swift.check(draft);
    }
    authentication(config, draft);
    unix_socket(config, draft);
    callback(config, draft);
    cors(config, draft);
    tls::check(config, draft);
    healthcheck(config, draft);
    retention(config, draft);
    config.cluster.check(draft);
    config.design.check(draft);
}

fn ports(config: &Config, draft: &mut Draft) {
    let processing = &config.processing;
    if processing.add_ports == AddPorts::Disabled && processing.keep_ports == KeepPorts::Added {
        draft.problem("processing.keep_ports", "added would drop all ports, as add_ports is disabled");
    }
}

fn node_service(config: &Config, draft: &mut Draft) {
    match config.node_service {
        NodeServiceKind::Ironic => ironic(config, draft),
        NodeServiceKind::Local if draft.has_section("ironic") => {
            draft.warning("node_service", "[ironic] has no effect: nodes are kept in our own registry");
        }
        NodeServiceKind::Local => {}
    }
}

fn ironic(config: &Config, draft: &mut Draft) {
    config.ironic.auth.check("ironic", draft);
    for name in ["service_type", "service_name", "valid_interfaces", "region_name"] {
        if config.ironic.endpoint_override.is_some() && draft.has("ironic", name) {
            draft.warning(&format!("ironic.{name}"), "has no effect with endpoint_override");
        }
    }
    if config.ironic.endpoint_override.is_none() && !config.ironic.auth.uses_keystone() {
        draft.problem(
            "ironic.endpoint_override",
            "needed where no token of Keystone brings a service catalogue",
        );
    }
}

fn callback(config: &Config, draft: &mut Draft) {
    let Some(port) = config.callback.listen_port else {
        if config.callback.listen_address.is_some() {
            draft.problem("callback.listen_address", "listen_port is needed too");
        }
        if config.callback.use_ssl.is_some() {
            draft.warning("callback.use_ssl", "has no effect without listen_port");
        }
        if config.callback.max_connections != Callback::default().max_connections {
            draft.warning("callback.max_connections", "has no effect without listen_port");
        }
        return;
    };
    let address = config.callback.listen_address.as_ref().unwrap_or(&config.listen_address);
    if port != 0 && (address, port) == (&config.listen_address, config.listen_port) {
        draft.problem("callback.listen_port", "the API listens there; another port or address is needed");
    }
}

fn cors(config: &Config, draft: &mut Draft) {
    if config.cors.allowed_origin.is_empty() {
        for name in ["allow_credentials", "expose_headers", "max_age", "allow_methods", "allow_headers"] {
            if draft.has("cors", name) && config.cors != Cors::default() {
                draft.warning(&format!("cors.{name}"), "has no effect without allowed_origin");
            }
        }
    } else if config.cors.allow_credentials && config.cors.allowed_origin.iter().any(|origin| origin == "*") {
        draft.warning("cors.allow_credentials", "is not for the pages that only * allows");
    }
}

fn healthcheck(config: &Config, draft: &mut Draft) {
    const FILE: &str = "healthcheck.disable_by_file_path";
    match (config.healthcheck.backends.is_empty(), config.healthcheck.disable_by_file_path.is_some()) {
        (true, true) => draft.warning(FILE, "has no effect without disable_by_file in backends"),
        (false, false) => draft.problem(FILE, "needed with disable_by_file in backends"),
        _ => {}
    }
}

fn retention(config: &Config, draft: &mut Draft) {
    let kept = [
        ("node_status_keep_time", config.node_status_keep_time),
        ("history_keep_time", config.history_keep_time),
        ("build_data.keep_time", config.build_data.keep_time),
        ("build_data.keep_latest", config.build_data.keep_latest),
        ("tasks.keep_days", config.tasks.keep_days),
    ];
    for (name, limit) in kept {
        if limit > 0 && config.clean_up_period == 0 {
            draft.warning(name, "has no effect with clean_up_period 0");
        }
    }
}

fn logs(config: &Config, draft: &mut Draft) {
    if config.processing.always_store_ramdisk_logs && config.processing.ramdisk_logs_dir.is_none() {
        draft.warning("processing.always_store_ramdisk_logs", "has no effect without ramdisk_logs_dir");
    }
}

fn authentication(config: &Config, draft: &mut Draft) {
    const FILE: &str = "http_basic_auth_user_file";
    let is_basic = config.auth_strategy == AuthStrategy::HttpBasic;
    match (is_basic, config.http_basic_auth_user_file.is_some()) {
        (true, false) => draft.problem(FILE, "needed with auth_strategy http_basic"),
        (false, true) => draft.warning(FILE, "has no effect without auth_strategy http_basic"),
        _ => {}
    }
    if config.auth_strategy == AuthStrategy::Keystone {
        return config.keystone_authtoken.check(draft);
    }
    for section in ["keystone_authtoken", "oslo_policy"] {
        if draft.has_section(section) {
            draft.warning(section, "has no effect without auth_strategy keystone");
        }
    }
}

fn unix_socket(config: &Config, draft: &mut Draft) {
    if config.listen_unix_socket.is_none() {
        if config.listen_unix_socket_mode.is_some() {
            draft.warning("listen_unix_socket_mode", "has no effect without listen_unix_socket");
        }
        return;
    }
    for name in ["listen_address", "listen_port"] {
        if draft.has("", name) {
            draft.warning(name, "has no effect with listen_unix_socket");
        }
    }
    if !config.callback.allowed_cidrs.is_empty() {
        draft.warning(
            "callback.allowed_cidrs",
            "lets no callback in by the Unix socket: it shows no addresses",
        );
    }
}
