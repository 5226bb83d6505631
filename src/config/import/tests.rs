//! Whole files: what is carried over, what is told, and that the result is always a good configuration.

use super::super::file;
use super::*;
use crate::config::{AuthStrategy, Config, NodeServiceKind, Report};

/// Every option that the ancestor knows.
const EVERYTHING: &str = include_str!("everything.conf");
/// What nearly every installation without Keystone says.
const STANDALONE: &str = "[DEFAULT]\nauth_strategy = noauth\ntransport_url = fake://\n[pxe_filter]\ndriver = noop\n\
                          [ironic]\nauth_type = none\nendpoint_override = http://127.0.0.1:6385\n";
const HOOKS: &[&str] = &["ramdisk_error", "scheduler", "validate_interfaces", "lldp_basic"];

struct Outcome {
    imported: Imported,
    config: Config,
    report: Report,
}

fn run(text: &str) -> Outcome {
    let source = Source { place: "inspector.conf", text };
    let imported = import(&[source], HOOKS, Secrets::Written).unwrap();
    let mut draft = Draft::default();
    file::parse("rollcall.toml", &imported.text, &mut draft);
    let (config, report) = load::finish(draft);
    assert!(report.is_good(), "{report:?}\n{}", imported.text);
    Outcome { imported, config, report }
}

/// The standalone file with more behind it.
fn with(more: &str) -> Outcome {
    run(&format!("{STANDALONE}{more}"))
}

impl Outcome {
    /// What is told of an option, by section and name.
    fn fate(&self, option: &str) -> &Fate {
        let found = self.imported.findings.iter().find(|finding| finding.option == option);
        &found.unwrap_or_else(|| panic!("{option} is not told of")).fate
    }

    fn reason(&self, option: &str) -> &str {
        match self.fate(option) {
            Fate::NotSupported(reason) | Fate::NotNeeded(reason) => reason,
            other => panic!("{option}: {other:?}"),
        }
    }
}

#[test]
fn a_standalone_installation_is_carried_over_whole() {
    let outcome = with("[processing]\nstore_data = database\nadd_ports=all\n");
    assert!(outcome.imported.is_whole(), "{:?}", outcome.imported.findings);
    let config = &outcome.config;
    assert_eq!(config.node_service, NodeServiceKind::Ironic);
    assert_eq!(config.listen_address, "::", "what the ancestor does where nothing is said");
    assert_eq!(config.introspection_delay, 5);
    assert_eq!(config.processing.store_data, "database");
    assert_eq!(outcome.fate("[processing] add_ports"), &Fate::Carried);
    assert_eq!(
        outcome.reason("[DEFAULT] transport_url"),
        "there is no message bus; parts talk inside one process"
    );
}

#[test]
fn only_what_differs_from_the_defaults_is_written() {
    let outcome = with("[processing]\nadd_ports = pxe\nkeep_ports = present\n");
    let options: Vec<&str> = outcome
        .imported
        .text
        .lines()
        .filter_map(|line| line.split_once(" = "))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(options, ["listen_address", "node_service", "endpoint_override", "keep_ports"]);
    assert_eq!(outcome.fate("[processing] add_ports"), &Fate::Carried);
}

#[test]
fn values_of_every_type_arrive_as_they_were_meant() {
    let outcome = with(
        "[capabilities]\nboot_mode = Yes\ncpu_flags = vmx:cpu_vt,\n  aes:aes\n\
         [pci_devices]\nalias = {\"vendor_id\": \"1\", \"product_id\": \"2\", \"name\": \"a\"}\n\
         alias = {\"vendor_id\": \"3\", \"product_id\": \"4\", \"name\": \"b\"}\n\
         [port_physnet]\ncidr_map = 10.0.0.0/8:a, 2001:db8::/32:b\n\
         [discovery]\nenroll_node_driver = \"redfish\"\nenroll_node_fields = owner:me\n\
         [processing]\nnode_not_found_hook = enroll\nprocessing_hooks = $default_processing_hooks,lldp_basic\n\
         ramdisk_logs_dir = /var/log/$DEFAULT.auth_strategy\n",
    );
    assert!(outcome.imported.is_whole(), "{:?}", outcome.imported.findings);
    let config = &outcome.config;
    assert!(config.capabilities.boot_mode);
    assert_eq!(config.capabilities.cpu_flags.get("aes").map(String::as_str), Some("aes"));
    assert_eq!(config.pci_devices.alias.len(), 2);
    assert_eq!(config.port_physnet.cidr_map, ["10.0.0.0/8:a", "2001:db8::/32:b"]);
    assert_eq!(config.discovery.enroll_node_driver, "redfish");
    assert_eq!(config.discovery.enroll_node_fields["owner"], "me");
    assert_eq!(config.processing.processing_hooks, "${default_processing_hooks},lldp_basic");
    assert_eq!(config.processing.ramdisk_logs_dir.as_deref(), Some("/var/log/noauth".as_ref()));
}

#[test]
fn an_older_name_is_told_with_the_newer_one() {
    let text = STANDALONE.replace("endpoint_override", "ironic_url");
    let outcome = run(&text);
    assert_eq!(outcome.fate("[ironic] ironic_url"), &Fate::Renamed("ironic.endpoint_override".to_owned()));
    assert_eq!(outcome.config.ironic.endpoint_override.as_deref(), Some("http://127.0.0.1:6385"));
}

#[test]
fn every_option_of_the_ancestor_is_known() {
    let outcome = run(EVERYTHING);
    let told: Vec<String> = outcome.imported.findings.iter().map(ToString::to_string).collect();
    assert!(told.len() > 200 && !told.concat().contains("s3cret"));
    let unknown: Vec<&String> = told.iter().filter(|line| line.contains("no such option")).collect();
    assert!(unknown.is_empty(), "{unknown:#?}");
}

#[test]
fn without_a_known_way_to_ask_for_names_only_this_machine_is_let_in() {
    let lost =
        run("[DEFAULT]\nauth_strategy = kerberos\nlisten_address = 192.0.2.1\n[pxe_filter]\ndriver = noop\n\
                    [ironic]\nauth_type = none\nendpoint_override = http://127.0.0.1:6385\n");
    assert_eq!(lost.config.auth_strategy, AuthStrategy::Noauth);
    assert_eq!(lost.config.listen_address, "127.0.0.1");
    assert!(lost.reason("[DEFAULT] listen_address").contains("whoever reaches the API"));
    assert!(!lost.imported.is_whole());
}

#[test]
fn basic_authentication_finds_the_file_of_users_where_the_ancestor_has_it() {
    let outcome = run(&STANDALONE.replace("noauth", "http_basic"));
    let file = outcome.config.http_basic_auth_user_file.as_deref();
    assert_eq!(file, Some("/etc/ironic-inspector/htpasswd".as_ref()));
}

#[test]
fn without_an_address_ironic_stays_the_node_service_and_a_placeholder_stands_in() {
    let outcome = run(&STANDALONE.replace("endpoint_override = http://127.0.0.1:6385\n", ""));
    assert_eq!(outcome.config.node_service, NodeServiceKind::Ironic);
    assert!(outcome.reason("ironic.endpoint_override").contains("set it by hand"));
}

#[test]
fn options_of_the_catalogue_are_not_missed_where_the_address_is_given() {
    let outcome = with("region_name = RegionOne\nvalid_interfaces = admin\nproject_name = service\n");
    assert!(outcome.imported.is_whole(), "{:?}", outcome.imported.findings);
    assert_eq!(outcome.reason("[ironic] region_name"), "endpoint_override says where Ironic is");
    assert_eq!(outcome.reason("[ironic] project_name"), "auth_type does not ask for it");
}

/// What nearly every installation with Keystone says.
const CLOUD: &str = "[pxe_filter]\ndriver = noop\n\
                     [keystone_authtoken]\nauth_type = password\nauth_url = http://127.0.0.1:5000\n\
                     auth_uri = http://192.0.2.1:5000\nusername = inspector\npassword = s3cret\n\
                     user_domain_name = Default\nproject_name = service\nproject_domain_name = Default\n\
                     [ironic]\nauth_url = http://127.0.0.1:5000\nusername = inspector\npassword = s3cret\n\
                     user_domain_name = Default\nsystem_scope = all\nregion_name = RegionOne\n\
                     [oslo_policy]\npolicy_file = /etc/ironic-inspector/policy.yaml\n";

#[test]
fn an_installation_with_keystone_is_carried_over_whole() {
    let outcome = run(CLOUD);
    assert!(outcome.imported.is_whole(), "{:?}", outcome.imported.findings);
    let Config { auth_strategy, keystone_authtoken, ironic, oslo_policy, .. } = outcome.config;
    assert_eq!(auth_strategy, AuthStrategy::Keystone);
    assert_eq!(keystone_authtoken.www_authenticate_uri.as_deref(), Some("http://192.0.2.1:5000"));
    assert_eq!((ironic.endpoint_override, ironic.adapter.region_name.as_deref()), (None, Some("RegionOne")));
    assert!(ironic.auth.uses_keystone() && ironic.auth.system_scope.is_some());
    assert!(oslo_policy.policy_file.is_some());
}

#[test]
fn without_all_that_keystone_needs_only_this_machine_is_let_in() {
    let outcome = run(&CLOUD.replacen("password = s3cret\n", "", 1));
    assert_eq!(outcome.config.auth_strategy, AuthStrategy::Noauth);
    assert_eq!(outcome.config.listen_address, "127.0.0.1");
    let told: Vec<String> = outcome.imported.findings.iter().map(ToString::to_string).collect();
    assert!(told.iter().any(|line| line.contains("keystone_authtoken.password: needed")), "{told:#?}");
}

#[test]
fn a_section_matters_only_where_something_asks_for_it() {
    let idle = with("[mdns]\nregistration_attempts = 9\n[iptables]\nfirewall_chain = x\n");
    assert!(idle.imported.is_whole(), "{:?}", idle.imported.findings);
    assert!(idle.reason("[iptables] firewall_chain").contains("does not ask for it"));
}

#[test]
fn hooks_that_there_are_not_are_left_out_and_told() {
    let outcome = with("[processing]\nprocessing_hooks = scheduler,ours,lldp_basic\n");
    assert_eq!(outcome.config.processing.processing_hooks, "scheduler,lldp_basic");
    assert!(outcome.reason("[processing] processing_hooks").starts_with("ours: no such hook"));
}

#[test]
fn what_does_not_fit_together_is_taken_out() {
    let outcome = with("[processing]\nadd_ports = disabled\nkeep_ports = added\n");
    assert!(outcome.reason("[processing] keep_ports").contains("drop all ports"));
    let outcome = run(&STANDALONE.replace("auth_type = none", "auth_type = http_basic\nusername = u"));
    assert!(outcome.reason("[ironic] auth_type").contains("ironic.password"));
}

#[test]
fn wrong_values_and_strange_names_are_told_without_the_value() {
    let outcome =
        with("[processing]\npower_off = s3cret\n[ours]\na = s3cret\n[DEFAULT]\nb = s3cret\ntimeout=1h\n");
    for option in ["[processing] power_off", "[ours] a", "[DEFAULT] b", "[DEFAULT] timeout"] {
        assert!(matches!(outcome.fate(option), Fate::NotSupported(_)), "{option}");
    }
    assert!(!outcome.imported.text.contains("s3cret"));
}

#[test]
fn the_new_file_says_what_is_lost() {
    let outcome = with("[ours]\na = 1\n");
    let comment = "#   inspector.conf:10: [ours] a: not supported: no such section is known here\n";
    assert!(outcome.imported.text.ends_with(comment), "{}", outcome.imported.text);
}

#[test]
fn a_file_that_the_ancestor_refuses_is_refused_with_its_line() {
    let source = Source { place: "x.conf", text: "[DEFAULT]\nnonsense\n" };
    assert_eq!(import(&[source], HOOKS, Secrets::Written).unwrap_err(), "x.conf:2: name = value is needed");
}

#[test]
fn no_place_of_a_file_breaks_the_new_one() {
    let source = Source { place: "a\nlisten_port = 1\n", text: STANDALONE };
    let imported = import(&[source], HOOKS, Secrets::Written).unwrap();
    assert!(!imported.text.contains("\nlisten_port"));
}

#[test]
fn nothing_is_said_of_a_good_result_but_what_belongs_to_it() {
    let outcome = with("[processing]\nstore_data = database\n");
    assert_eq!(outcome.report.warnings, Vec::<String>::new());
}
