//! What files may say.

use super::*;

#[test]
fn an_empty_file_gives_the_defaults() {
    assert_eq!(good(""), Config::default());
}

#[test]
fn a_file_for_ironic_is_read_as_written() {
    let config = good(
        r#"introspection_delay = 0
listen_address = "127.0.0.1"
listen_port = 15050
auth_strategy = "noauth"

[database]
connection = "sqlite:////tmp/conformance-x/state.sqlite"

[processing]
store_data = "database"
processing_hooks = "$default_processing_hooks,lldp_basic,local_link_connection,physnet_cidr_map"
add_ports = "all"

[ironic]
auth_type = "none"
endpoint_override = "http://127.0.0.1:6385"

[port_physnet]
cidr_map = ["172.20.0.0/16:physnet_a", "2001:db8:77::/48:physnet_b", "fd00::/64:physnet_c"]
"#,
    );
    assert_eq!(config.node_service, NodeServiceKind::Ironic);
    assert_eq!(config.introspection_delay, 0);
    assert_eq!(config.database.connection, DatabaseUrl::Sqlite("/tmp/conformance-x/state.sqlite".into()));
    assert_eq!(config.processing.add_ports, AddPorts::All);
    assert_eq!(config.port_physnet.cidr_map[2], "fd00::/64:physnet_c");
}

#[test]
fn tables_of_texts_and_lists_of_json_are_read_as_written() {
    let config = good(
        r#"timeout = 3
clean_up_period = 1
api_max_limit = 6
can_manage_boot = false

[capabilities]
boot_mode = true
cpu_flags = { "vmx" = "cpu_vt", "aes" = "cpu_aes" }

[pci_devices]
alias = ["{\"vendor_id\": \"8086\", \"product_id\": \"1521\", \"name\": \"nic_1g\"}", "this is not JSON"]

[healthcheck]
enabled = true

[extra_hardware]
strict = true
"#,
    );
    assert_eq!(config.capabilities.cpu_flags.get_index(1), Some((&"aes".to_owned(), &"cpu_aes".to_owned())));
    assert_eq!(config.pci_devices.alias.len(), 2);
    assert!(config.healthcheck.enabled && config.extra_hardware.strict && !config.can_manage_boot);
    assert_eq!((config.timeout, config.clean_up_period, config.api_max_limit), (3, 1, 6));
}

#[test]
fn lists_and_tables_may_be_one_text() {
    let config =
        good("ipmi_address_fields = \"a, b\"\n[capabilities]\ncpu_flags = \"vmx:cpu_vt,aes:cpu_aes\"");
    assert_eq!(config.ipmi_address_fields, ["a", "b"]);
    assert_eq!(config.capabilities.cpu_flags.len(), 2);
    assert_eq!(config.capabilities.cpu_flags["vmx"], "cpu_vt");
}

#[test]
fn a_wrong_type_is_one_line_with_file_line_and_option() {
    let line = problem("debug = true\n\n[processing]\npower_off = \"yes\"\n");
    assert_eq!(line, "rollcall.toml:4: processing.power_off: true or false is expected, not a text");
    assert!(problem("timeout = \"soon\"").starts_with("rollcall.toml:1: timeout: a whole number"));
    assert_eq!(problem("processing = 5"), "rollcall.toml:1: processing: a table is expected");
}

#[test]
fn a_syntax_error_is_one_line_without_the_text() {
    for text in
        ["debug = true\n[ironic]\npassword = s3cret\n", "\n\npassword = \"s3cret\n", "a = 1\n\ns3cret"]
    {
        let (_, report) = read(text, &[]);
        let line = report.refusal().unwrap();
        assert!(line.starts_with("rollcall.toml:3: "), "{line}");
        assert!(!report.problems.iter().any(|line| line.contains("s3cret") || line.contains('\n')), "{line}");
    }
}

#[test]
fn limits_and_choices_are_kept() {
    for (text, wanted) in [
        ("listen_port = 70000", "at most 65535"),
        ("max_concurrency = 1", "at least 2"),
        ("api_max_limit = 0", "at least 1"),
        ("timeout = 315576001", "at most 315576000"),
        ("clean_up_period = -1", "at least 0"),
        ("auth_strategy = \"magic\"", "not one of noauth"),
        ("node_service = \"cloud\"", "not one of ironic, local"),
        ("[processing]\nadd_ports = \"some\"", "not one of all"),
        ("[processing]\nkeep_ports = \"some\"", "not one of all"),
        ("[processing]\nstore_data = \"disk\"", "not one of none"),
        ("[pxe_filter]\ndriver = \"some\"", "not one of noop"),
        ("[database]\nconnection = \"mysql://u:p@h/d\"", "MySQL is not supported"),
        ("[database]\nconnection = \"sqlite://\"", "in memory"),
    ] {
        assert!(problem(text).contains(wanted), "{text}");
    }
    assert_eq!(good("timeout = -5").timeout, -5);
}

#[test]
fn what_is_not_there_yet_is_refused_by_name() {
    for text in [
        "enable_mdns = true",
        "standalone = false",
        "[pxe_filter]\ndriver = \"iptables\"",
        "[pxe_filter]\ndriver = \"dnsmasq\"",
        "[pxe_filter]\ndeny_unknown_macs = true",
        "[ironic]\nauth_type = \"v3token\"",
        "[ironic]\nauth_section = \"keystone\"",
        "[healthcheck]\ndetailed = true",
        "[exception]\nfatal_exception_format_errors = true",
    ] {
        let line = problem(text);
        let option = text.lines().last().unwrap().split(' ').next().unwrap();
        assert!(line.contains(option) && line.contains("not there yet"), "{line}");
    }
}

#[test]
fn swift_is_reached_by_keystone_or_stands_alone() {
    let asked = "[processing]\nstore_data = \"swift\"\n[swift]\n";
    let user = "username = \"u\"\npassword = \"p\"\n";
    let alone = good(&format!(
        "{asked}{user}auth_type = \"v1password\"\nauth_url = \"http://h/auth/v1.0\"\ndelete_after = 9"
    ));
    assert_eq!((alone.swift.auth.auth_type, alone.swift.delete_after), (AuthType::V1Password, 9));
    let keystone =
        "auth_url = \"http://h\"\nuser_domain_id = \"default\"\ncontainer = \"c\"\nregion_name = \"R\"\n";
    let config = good(&format!("{asked}{user}{keystone}"));
    assert_eq!((config.swift.auth.auth_type, config.swift.container.as_str()), (AuthType::Password, "c"));
    assert!(problem(asked).contains("swift.endpoint_override: needed"));
    assert!(
        problem(&format!("{asked}endpoint_override = \"http://h\"\ncontainer = \"a/b\""))
            .contains("without slash")
    );
    assert!(
        problem("[ironic]\nendpoint_override = \"http://h\"\nauth_type = \"v1password\"")
            .contains("not there yet")
    );
    // What is not used must not keep the service from starting.
    assert_eq!(good("[swift]\nusername = \"u\"").processing.store_data, "none");
    assert_eq!(good("[processing]\nstore_data = \"folder:/x\"").processing.store_data, "folder:/x");
    assert!(problem("[processing]\nstore_data = \"folder\"").contains("folder:PATH"));
}

#[test]
fn discovery_is_configured_as_the_ancestor_does_it() {
    let config = good(
        "[processing]\nnode_not_found_hook = \"enroll\"\n[discovery]\n\
         enroll_node_fields = \"resource_class:baremetal\"\nenabled_bmc_address_version = \"6,4\"\n",
    );
    assert_eq!(config.processing.node_not_found_hook, Some(NotFoundHook::Enroll));
    assert_eq!(config.discovery.enroll_node_fields["resource_class"], "baremetal");
    assert_eq!(config.discovery.enabled_bmc_address_version, ["6", "4"]);
    assert!(problem("[processing]\nnode_not_found_hook = \"other\"").contains("not one of enroll"));
    assert!(problem("[discovery]\nenabled_bmc_address_version = [\"5\"]").contains("4 or 6 is needed"));
}

#[test]
fn http_basic_takes_a_file_of_users() {
    assert!(problem("auth_strategy = \"http_basic\"").contains("http_basic_auth_user_file: needed"));
    let config = good("auth_strategy = \"http_basic\"\nhttp_basic_auth_user_file = \"/etc/users\"");
    assert_eq!(config.http_basic_auth_user_file.as_deref(), Some(Path::new("/etc/users")));
    let (_, report) = read("http_basic_auth_user_file = \"/etc/users\"", &[]);
    assert!(report.warnings[0].contains("has no effect without"), "{:?}", report.warnings);
}

#[test]
fn cors_and_proxies_are_lists_of_what_is_let_in() {
    let config = good("[cors]\nallowed_origin = \"https://a.example,https://b.example:8443\"\nmax_age = 60");
    assert_eq!(config.cors.allowed_origin, ["https://a.example", "https://b.example:8443"]);
    assert_eq!((config.cors.max_age, config.cors.allow_credentials), (60, true));
    assert!(problem("[cors]\nallowed_origin = [\"https://a.example/\"]").contains("item 1: an origin"));
    let (_, report) = read("[cors]\nmax_age = 60", &[]);
    assert!(report.warnings[0].contains("cors.max_age: has no effect"), "{:?}", report.warnings);
    let (_, report) = read("[cors]\nallowed_origin = \"*\"", &[]);
    assert!(report.warnings[0].contains("only * allows"), "{:?}", report.warnings);
    assert_eq!(good("").proxies(), None);
    assert_eq!(good("trusted_proxies = []").proxies(), Some(Vec::new()));
    assert_eq!(good("trusted_proxies = \"192.0.2.0/24, ::1\"").proxies().unwrap().len(), 2);
}

#[test]
fn a_file_may_disable_the_health_check() {
    let both = "[healthcheck]\nbackends = \"disable_by_file\"\ndisable_by_file_path = \"/run/off\"";
    assert_eq!(good(both).healthcheck.disabling_file(), Some(Path::new("/run/off")));
    assert!(problem("[healthcheck]\nbackends = \"disable_by_file\"").contains("needed with"));
    assert!(problem("[healthcheck]\nbackends = \"magic\"").contains("only disable_by_file"));
    let (config, report) = read("[healthcheck]\ndisable_by_file_path = \"/run/off\"", &[]);
    assert_eq!((config.healthcheck.disabling_file(), report.warnings.len()), (None, 1));
}

#[test]
fn a_unix_socket_stands_in_place_of_the_port() {
    let text = "listen_unix_socket = \"/run/x.sock\"\nlisten_unix_socket_mode = \"0660\"";
    assert_eq!(good(text).unix_socket_mode(), Some(0o660));
    assert_eq!(good("").unix_socket_mode(), None);
    assert!(problem("listen_unix_socket_mode = \"rw\"").contains("octal"));
    let (_, report) = read("listen_unix_socket = \"/run/x.sock\"\nlisten_port = 1", &[]);
    assert!(report.warnings[0].contains("listen_port: has no effect"), "{:?}", report.warnings);
    let (_, report) = read("listen_unix_socket_mode = \"0660\"", &[]);
    assert_eq!(report.warnings.len(), 1);
}

#[test]
fn callbacks_can_be_kept_to_networks() {
    let text = "[callback]\nallowed_cidrs = [\"192.0.2.0/24\", \"2001:db8::1\"]";
    let networks: Vec<String> = good(text).callback.networks().iter().map(ToString::to_string).collect();
    assert_eq!(networks, ["192.0.2.0/24", "2001:db8::1/128"]);
    for bad in ["192.0.2.1/24", "192.0.2.0/33", "net"] {
        assert!(problem(&format!("[callback]\nallowed_cidrs = \"{bad}\"")).contains("allowed_cidrs"));
    }
}

#[test]
fn the_defaults_of_what_is_not_there_yet_are_accepted() {
    let text = "standalone = true\nuse_ssl = false\nenable_mdns = false\nlisten_unix_socket = \"\"\n\
                [pxe_filter]\ndriver = \"noop\"\ndeny_unknown_macs = false\n\
                [exception]\nfatal_exception_format_errors = false\n";
    assert_eq!(good(text), Config::default());
}

#[test]
fn what_means_nothing_here_is_told_once_each() {
    let text = "transport_url = \"rabbit://u:s3cret@h\"\nrpc_response_timeout = 60\n\
                [coordination]\nbackend_url = \"etcd3://s3cret\"\n\
                [service_catalog]\npassword = \"s3cret\"\nusername = \"x\"\n";
    let (config, report) = read(text, &[]);
    assert_eq!(config, Config::default());
    assert!(report.is_good());
    assert_eq!(report.warnings.len(), 4, "{:?}", report.warnings);
    assert!(report.warnings.iter().all(|line| line.contains("has no effect: ") && !line.contains("s3cret")));
    assert!(report.warnings[2].starts_with("rollcall.toml:4: coordination.backend_url has no effect"));
}

#[test]
fn unknown_names_are_told_and_do_not_prevent_a_start() {
    let text = "listen_prot = 1\n[processing]\noption_of_the_future = \"x\"\n[section_of_the_future]\na = \"b\"\n\
                [database]\nlisten_port = 5\n";
    let (config, report) = read(text, &[]);
    assert_eq!(config, Config::default());
    assert_eq!(report.problems, Vec::<String>::new());
    assert_eq!(
        report.unknown,
        [
            "rollcall.toml:1: listen_prot is not a known option; did you mean listen_port?",
            "rollcall.toml:3: processing.option_of_the_future is not a known option",
            "rollcall.toml:4: [section_of_the_future] is not a known section",
            "rollcall.toml:7: database.listen_port is not a known option; listen_port belongs to the top level, \
             before the first table",
        ]
    );
}

#[test]
fn a_table_default_is_refused() {
    assert!(problem("[DEFAULT]\nauth_strategy = \"keystone\"").contains("stand at top level"));
}

#[test]
fn all_problems_are_found_and_the_first_is_shown() {
    let (_, report) = read("timeout = \"x\"\ndebug = 1\n[processing]\nadd_ports = 1\n", &[]);
    assert_eq!(report.problems.len(), 3);
    let line = report.refusal().unwrap();
    assert!(line.starts_with("rollcall.toml:1: timeout") && line.contains("and 2 more"));
}

#[test]
fn a_missing_file_is_a_problem() {
    let error = Config::load(Some(std::path::Path::new("/nonexistent/x.toml")), std::iter::empty());
    assert!(error.unwrap_err().text.starts_with("/nonexistent/x.toml: "));
}
