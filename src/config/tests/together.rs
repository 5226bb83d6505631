//! Options that have to fit together.

use super::*;

const FILES: &str = "cert_file = \"/c\"\nkey_file = \"/k\"\n";

#[test]
fn tls_needs_its_files() {
    let config = good(&format!("use_ssl = true\n[ssl]\n{FILES}ca_file = \"/a\""));
    assert_eq!(config.api_tls().unwrap().ca_file.as_deref(), Some(Path::new("/a")));
    assert!(
        problem("use_ssl = true\n[ssl]\ncert_file = \"/c\"").contains("ssl.key_file: needed with use_ssl")
    );
    let (config, report) = read(&format!("[ssl]\n{FILES}version = \"TLSv1\""), &[]);
    assert_eq!((config.api_tls(), report.warnings.len()), (None, 3), "{report:?}");
    let socket = format!("use_ssl = true\nlisten_unix_socket = \"/s\"\n[ssl]\n{FILES}");
    assert!(problem(&socket).contains("use_ssl: a Unix socket has no TLS"));
}

#[test]
fn the_listener_for_ramdisks_has_the_tls_of_the_api_or_its_own() {
    let api = format!("use_ssl = true\n[ssl]\n{FILES}ca_file = \"/a\"\n[callback]\nlisten_port = 1\n");
    let same = good(&api).callback_tls().unwrap();
    // Ramdisks have no certificates, unless it is said that they have.
    assert_eq!((same.cert_file.as_deref(), same.ca_file), (Some(Path::new("/c")), None));
    assert_eq!(good(&format!("{api}use_ssl = false")).callback_tls(), None);
    let own = format!("[callback]\nlisten_port = 1\nuse_ssl = true\n{FILES}ca_file = \"/b\"");
    assert_eq!(good(&own).callback_tls().unwrap().ca_file.as_deref(), Some(Path::new("/b")));
    let alone = "[callback]\nlisten_port = 1\nuse_ssl = true\n";
    let (_, report) = read(alone, &[]);
    assert_eq!(report.problems.len(), 2, "{report:?}");
    assert!(problem(&format!("{alone}cert_file = \"/c\"")).contains("callback.key_file: needed"));
    let (_, report) = read(&format!("[callback]\nuse_ssl = true\n{FILES}"), &[]);
    assert_eq!((report.problems.len(), report.warnings.len()), (0, 3), "{report:?}");
}

#[test]
fn a_listener_for_ramdisks_needs_a_port_of_its_own() {
    assert!(problem("[callback]\nlisten_address = \"127.0.0.2\"\n").contains("listen_port is needed"));
    assert!(problem("[callback]\nlisten_port = 5050\n").contains("the API listens there"));
    let other = good("[callback]\nlisten_address = \"127.0.0.2\"\nlisten_port = 5050\n");
    assert_eq!(other.callback.listen_port, Some(5050));
}

#[test]
fn ports_that_are_not_made_cannot_be_kept() {
    let line = problem("[processing]\nadd_ports = \"disabled\"\nkeep_ports = \"added\"");
    assert!(line.starts_with("rollcall.toml:3: processing.keep_ports: "), "{line}");
}

#[test]
fn ironic_is_the_node_service_where_it_is_configured() {
    let ironic = "[ironic]\nendpoint_override = \"http://127.0.0.1:6385\"";
    let config = good(ironic);
    assert_eq!((config.node_service, config.introspection_delay), (NodeServiceKind::Ironic, 5));
    let config = good("");
    assert_eq!((config.node_service, config.introspection_delay), (NodeServiceKind::Local, 0));
    let config = good(&format!("introspection_delay = 2\n{ironic}"));
    assert_eq!(config.introspection_delay, 2);
    let (config, report) = read(&format!("node_service = \"local\"\n{ironic}"), &[]);
    assert_eq!((config.node_service, report.warnings.len()), (NodeServiceKind::Local, 1));
}

#[test]
fn ironic_needs_its_address_and_http_basic_its_user() {
    assert!(problem("node_service = \"ironic\"").contains("ironic.endpoint_override: needed"));
    let basic =
        "[ironic]\nauth_type = \"http_basic\"\nendpoint_override = \"http://127.0.0.1\"\nusername = \"u\"\n";
    assert!(problem(basic).contains("ironic.password: needed"));
    let config = good(&format!("{basic}password = \"s3cret\""));
    assert_eq!(config.ironic.auth.password.as_ref().map(Secret::expose), Some("s3cret"));
    assert!(!format!("{config:?}").contains("s3cret"));
}
