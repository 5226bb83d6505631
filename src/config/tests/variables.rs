//! Options by the environment.

use super::*;

#[test]
fn variables_go_over_the_file() {
    let env = [
        ("ROLLCALL_LISTEN_PORT", "6000"),
        ("ROLLCALL_DEBUG", "true"),
        ("ROLLCALL_PROCESSING__ADD_PORTS", "all"),
        ("ROLLCALL_IPMI_ADDRESS_FIELDS", "a,b"),
        ("ROLLCALL_PORT_PHYSNET__CIDR_MAP", "[\"10.0.0.0/8:net\"]"),
        ("ROLLCALL_IRONIC__ENDPOINT_OVERRIDE", "http://127.0.0.1:6385"),
        ("ROLLCALL_IRONIC__AUTH_TYPE", "http_basic"),
        ("ROLLCALL_IRONIC__USERNAME", "12345"),
        ("ROLLCALL_IRONIC__PASSWORD", "\"quoted\""),
        ("ROLLCALL_CONFIG", "/etc/rollcall.toml"),
        ("ROLLCALL_LOG", "debug"),
        ("PATH", "/bin"),
    ];
    let (config, report) = read("listen_port = 1\n", &env);
    assert_eq!(report, Report::default());
    assert_eq!((config.listen_port, config.debug), (6000, true));
    assert_eq!(config.processing.add_ports, AddPorts::All);
    assert_eq!(config.ipmi_address_fields, ["a", "b"]);
    assert_eq!(config.port_physnet.cidr_map, ["10.0.0.0/8:net"]);
    assert_eq!(config.node_service, NodeServiceKind::Ironic);
    assert_eq!(config.ironic.auth.username.as_deref(), Some("12345"));
    assert_eq!(config.ironic.auth.password.as_ref().map(Secret::expose), Some("quoted"));
}

#[test]
fn what_is_wrong_names_the_variable_and_not_its_value() {
    let env = [
        ("ROLLCALL_DATABASE__CONNECTION", "mysql://u:s3cret@h/d"),
        ("ROLLCALL_LISTEN_PORT", "70000"),
        ("ROLLCALL_NO_SUCH", "s3cret"),
        ("ROLLCALL_NO__SUCH", "s3cret"),
        ("ROLLCALL_TIMEOUT", "soon"),
        ("ROLLCALL_TRANSPORT_URL", "s3cret"),
    ];
    let (_, report) = read("", &env);
    assert_eq!(
        report.problems,
        [
            "ROLLCALL_DATABASE__CONNECTION: database.connection: MySQL is not supported; use sqlite or postgresql",
            "ROLLCALL_LISTEN_PORT: listen_port: 70000 is too large, at most 65535 is possible",
            "ROLLCALL_TIMEOUT: timeout: a whole number is expected, not a text",
        ]
    );
    assert_eq!(
        report.unknown,
        ["ROLLCALL_NO_SUCH: no_such is not a known option", "ROLLCALL_NO__SUCH: no is not a known section"]
    );
    assert!(report.warnings.len() == 1 && !format!("{report:?}").contains("s3cret"));
}

#[test]
fn an_empty_variable_unsets_an_option_without_default() {
    let text = "[ironic]\nendpoint_override = \"http://127.0.0.1\"";
    let (config, report) = read(text, &[("ROLLCALL_IRONIC__ENDPOINT_OVERRIDE", "")]);
    assert_eq!((config, report), (Config::default(), Report::default()));
}
