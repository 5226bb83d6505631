//! What the ancestor calls things: older names, defaults that are not ours, and options that have no place here.
//!
//! Facts only. It must not know how values are read.

use super::super::spec::Section;

/// An older name: its section, itself, and what it is called now. An empty section stands for any with the option.
const RENAMED: &[(&str, &str, &str, &str)] = &[
    ("", "auth_plugin", "", "auth_type"),
    ("", "tenant-id", "", "project_id"),
    ("", "tenant_id", "", "project_id"),
    ("", "tenant-name", "", "project_name"),
    ("", "tenant_name", "", "project_name"),
    ("", "user-name", "", "username"),
    ("", "user_name", "", "username"),
    ("keystone_authtoken", "auth_uri", "keystone_authtoken", "www_authenticate_uri"),
    ("ironic", "ironic_url", "ironic", "endpoint_override"),
    ("ironic", "identity_uri", "ironic", "auth_url"),
    ("ironic", "os_auth_url", "ironic", "auth_url"),
    ("ironic", "os_username", "ironic", "username"),
    ("ironic", "os_password", "ironic", "password"),
    ("ironic", "os_tenant_name", "ironic", "project_name"),
    ("ironic", "os_region", "ironic", "region_name"),
    ("ironic", "os_service_type", "ironic", "service_type"),
    ("ironic", "os_endpoint_type", "ironic", "valid_interfaces"),
    ("ironic", "interface", "ironic", "valid_interfaces"),
    ("swift", "os_region", "swift", "region_name"),
    ("firewall", "dnsmasq_interface", "iptables", "dnsmasq_interface"),
    ("firewall", "firewall_chain", "iptables", "firewall_chain"),
    ("firewall", "ethoib_interfaces", "iptables", "ethoib_interfaces"),
    ("firewall", "firewall_update_period", "pxe_filter", "sync_period"),
    ("ironic_lib", "fatal_exception_format_errors", "exception", "fatal_exception_format_errors"),
    ("healthcheck", "allowed_source_ranges", "healthcheck", "allowed_source_range"),
    ("DEFAULT", "log-config", "DEFAULT", "log_config_append"),
    ("DEFAULT", "log_config", "DEFAULT", "log_config_append"),
    ("DEFAULT", "logfile", "DEFAULT", "log_file"),
    ("DEFAULT", "logdir", "DEFAULT", "log_dir"),
    ("DEFAULT", "rpc_thread_pool_size", "DEFAULT", "executor_thread_pool_size"),
    ("DEFAULT", "sql_connection", "database", "connection"),
    ("DEFAULT", "database", "database", "connection"),
    ("database", "sql_connection", "database", "connection"),
    ("sql", "connection", "database", "connection"),
];

/// Section and name of an option as it is called now; nothing where the given name is current.
pub(super) fn current(section: &str, name: &str) -> Option<(String, &'static str)> {
    let known = |(old_section, old, _, _): &&(&str, &str, &str, &str)| {
        *old == name && (*old_section == section || (old_section.is_empty() && has_auth(section)))
    };
    let (_, _, new_section, new) = RENAMED.iter().find(known)?;
    let new_section = if new_section.is_empty() { section } else { new_section };
    Some((new_section.to_owned(), new))
}

/// Sections with the options of the authentication library.
fn has_auth(section: &str) -> bool {
    matches!(section, "ironic" | "swift" | "service_catalog" | "keystone_authtoken")
}

/// What holds there where nothing is said, and is another here.
pub(super) const THEIR_DEFAULTS: &[(&str, &str, &str)] = &[
    ("DEFAULT", "listen_address", "::"),
    ("DEFAULT", "auth_strategy", "keystone"),
    ("ironic", "auth_type", "password"),
    ("swift", "auth_type", "password"),
    ("pxe_filter", "driver", "iptables"),
];

/// The database where none is named.
pub(super) const THEIR_DATABASE: &str = "sqlite:///ironic_inspector.sqlite";

/// The file of users where none is named and `http_basic` is used.
pub(super) const THEIR_USER_FILE: &str = "/etc/ironic-inspector/htpasswd";

/// Options that mean nothing here and never will, by section and the beginning of their names.
const NEEDLESS: &[(&str, &str, &str)] = &[
    ("database", "", "rollcall has a database of its own; \"rollcall db import\" takes the records over"),
    ("DEFAULT", "log_", LOG),
    ("DEFAULT", "logging_", LOG),
    ("DEFAULT", "max_logfile_", LOG),
    ("DEFAULT", "rate_limit_", LOG),
    ("DEFAULT", "use_syslog", LOG),
    ("DEFAULT", "syslog_", LOG),
    ("DEFAULT", "instance_", LOG),
    ("DEFAULT", "publish_errors", LOG),
    ("DEFAULT", "fatal_deprecations", LOG),
    ("DEFAULT", "verbose", LOG),
    ("DEFAULT", "rpc_", BUS),
    ("DEFAULT", "rabbit_", BUS),
    ("DEFAULT", "conn_pool_", BUS),
    ("DEFAULT", "notification_", BUS),
    ("DEFAULT", "backdoor_", "there is no backdoor"),
    ("DEFAULT", "run_external_periodic_tasks", "there are no such tasks"),
    ("DEFAULT", "graceful_shutdown_timeout", "see shutdown_timeout"),
    ("DEFAULT", "api_paste_config", "there is no such pipeline"),
    ("DEFAULT", "wsgi_", "the server is part of the program"),
    ("DEFAULT", "max_header_line", "the server is part of the program"),
    ("DEFAULT", "tcp_keepidle", "the server is part of the program"),
    ("DEFAULT", "client_socket_timeout", "see request_head_timeout"),
    ("DEFAULT", "introspection_delay_drivers", "introspection_delay counts for every driver"),
    ("DEFAULT", "enable_setting_ipmi_credentials", "credentials are never set"),
    ("processing", "log_bmc_address", "names of log files say what they hold: ramdisk_logs_filename_format"),
    ("firewall", "manage_firewall", "pxe_filter.driver says so"),
    ("ironic", "tls_", "the TLS library chooses versions and ciphers"),
    ("ironic", "version", "the version of the API is agreed upon"),
    ("oslo_policy", "remote_", "no other server is asked about policies"),
    ("oslo_service", "", LIBRARY),
    ("oslo_limit", "", LIBRARY),
    ("oslo_versionedobjects", "", LIBRARY),
    ("oslo_messaging_zmq", "", BUS),
    ("cors.subdomain", "", "[cors] is the one section about other origins"),
];

const LOG: &str = "the log goes to standard error, and ROLLCALL_LOG chooses what is in it";
const BUS: &str = "there is no message bus";
const LIBRARY: &str = "it belongs to a library that is not used here";

/// Why an option that has no place here is not missed; nothing where it may be.
pub(super) fn needless(section: &str, name: &str) -> Option<&'static str> {
    let meant = |(of, start, _): &&(&str, &str, &str)| *of == section && name.starts_with(start);
    NEEDLESS.iter().find(meant).map(|(_, _, reason)| *reason)
}

/// A section that matters only where an option has this value; any value where none is named.
pub(super) struct Switch {
    section: &'static str,
    /// Section of the option.
    pub of: &'static str,
    /// The option.
    pub name: &'static str,
    /// The value that makes the section matter.
    pub value: Option<&'static str>,
}

const fn switch(
    section: &'static str,
    of: &'static str,
    name: &'static str,
    value: Option<&'static str>,
) -> Switch {
    Switch { section, of, name, value }
}

const SWITCHES: &[Switch] = &[
    switch("swift", "processing", "store_data", Some("swift")),
    switch("iptables", "pxe_filter", "driver", Some("iptables")),
    switch("dnsmasq_pxe_filter", "pxe_filter", "driver", Some("dnsmasq")),
    switch("keystone_authtoken", "DEFAULT", "auth_strategy", Some("keystone")),
    switch("oslo_policy", "DEFAULT", "auth_strategy", Some("keystone")),
    switch("ssl", "DEFAULT", "use_ssl", Some("true")),
    switch("mdns", "DEFAULT", "enable_mdns", Some("true")),
    switch("service_catalog", "DEFAULT", "enable_mdns", Some("true")),
    switch("cors", "cors", "allowed_origin", None),
    switch("discovery", "processing", "node_not_found_hook", None),
];

/// What makes a section matter, if it is not always of use.
pub(super) fn switch_of(section: &str) -> Option<&'static Switch> {
    SWITCHES.iter().find(|switch| switch.section == section)
}

/// Options of `[ironic]` that only find the service in a catalogue.
pub(super) const CATALOGUE: &[&str] = &[
    "service_type",
    "service_name",
    "valid_interfaces",
    "region_name",
    "min_version",
    "max_version",
    "version",
];

/// Options of `[ironic]` that only Keystone asks for.
pub(super) const KEYSTONE: &[&str] = &[
    "auth_url",
    "system_scope",
    "user_id",
    "user_domain_id",
    "user_domain_name",
    "project_id",
    "project_name",
    "project_domain_id",
    "project_domain_name",
    "domain_id",
    "domain_name",
    "default_domain_id",
    "default_domain_name",
    "trust_id",
    "token",
];

/// The table in which a section's options stand here.
pub(super) fn table_of(section: &str) -> Option<&'static Section> {
    if section.is_empty() {
        return None;
    }
    super::super::names::section(if section == "DEFAULT" { "" } else { section })
}
