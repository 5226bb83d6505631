//! Sections about services of OpenStack.

use super::*;

const PASSWORD: &str = "[ironic]\nauth_url = \"http://127.0.0.1:5000\"\nusername = \"rollcall\"\n\
                        password = \"s3cret\"\nuser_domain_name = \"Default\"\n";

#[test]
fn a_password_for_keystone_is_all_that_ironic_needs() {
    let config = good(&format!("{PASSWORD}project_name = \"service\"\nproject_domain_id = \"default\""));
    assert_eq!(config.node_service, NodeServiceKind::Ironic);
    let Ironic { auth, adapter, service_type, .. } = config.ironic;
    // The ancestor's default, where Keystone is named.
    assert_eq!((auth.auth_type, service_type.as_str()), (AuthType::Password, "baremetal"));
    assert_eq!(adapter, Adapter::default());
    let other = good(&format!("{PASSWORD}auth_type = \"v3password\"\nvalid_interfaces = \"admin\""));
    assert_eq!(other.ironic.auth.auth_type, AuthType::Password);
    assert_eq!(other.ironic.adapter.valid_interfaces, ["admin"]);
}

#[test]
fn what_an_auth_type_needs_is_told() {
    for (text, wanted) in [
        ("auth_type = \"password\"\nusername = \"u\"\npassword = \"p\"\nuser_domain_id = \"d\"", "auth_url"),
        ("auth_url = \"http://h\"\npassword = \"p\"", "username"),
        ("auth_url = \"http://h\"\nusername = \"u\"\npassword = \"p\"", "user_domain_name"),
        ("auth_url = \"http://h\"\nuser_id = \"u\"", "password"),
        (
            "auth_url = \"http://h\"\nuser_id = \"u\"\npassword = \"p\"\nproject_name = \"x\"",
            "project_domain_name",
        ),
        (
            "auth_type = \"v3applicationcredential\"\nauth_url = \"http://h\"\n\
             application_credential_secret = \"s\"",
            "application_credential_id",
        ),
        (
            "auth_type = \"v3applicationcredential\"\nauth_url = \"http://h\"\n\
             application_credential_secret = \"s\"\napplication_credential_name = \"n\"",
            "username",
        ),
        (
            "auth_type = \"v3applicationcredential\"\nauth_url = \"http://h\"\napplication_credential_id = \"i\"",
            "application_credential_secret",
        ),
    ] {
        let line = problem(&format!("[ironic]\n{text}"));
        assert!(line.contains(&format!("ironic.{wanted}: needed with auth_type")), "{line}");
    }
    assert!(problem(&format!("{PASSWORD}keyfile = \"/k\"")).contains("certfile is needed too"));
    assert!(problem(&format!("{PASSWORD}system_scope = \"some\"")).contains("not one of all"));
    let colon = "[ironic]\nendpoint_override = \"http://h\"\nauth_type = \"http_basic\"\n\
                 username = \"a:b\"\npassword = \"p\"";
    assert!(problem(colon).contains("without a colon"));
}

#[test]
fn tokens_of_callers_need_a_keystone_to_ask() {
    let strategy = "auth_strategy = \"keystone\"\n";
    let (_, report) = read(strategy, &[]);
    assert!(report.problems[0].starts_with("keystone_authtoken.auth_url: needed"), "{report:?}");
    let section = PASSWORD.replace("[ironic]", "[keystone_authtoken]");
    let config = good(&format!("{strategy}{section}token_cache_time = -1\n"));
    assert_eq!(config.keystone_authtoken.auth.auth_type, AuthType::Password);
    assert_eq!(config.keystone_authtoken.token_cache_time, -1);
    let none = format!("{strategy}{section}auth_type = \"none\"\n");
    assert!(problem(&none).contains("keystone_authtoken.auth_type: password or"));
    let (_, idle) = read(&format!("{section}[oslo_policy]\npolicy_file = \"/p.yaml\"\n"), &[]);
    assert!(idle.is_good() && idle.warnings.len() == 2, "{idle:?}");
    assert!(idle.warnings.iter().all(|line| line.ends_with("has no effect without auth_strategy keystone")));
}

#[test]
fn what_is_idle_or_dangerous_is_told() {
    let warnings = |text: &str| read(&format!("[ironic]\nendpoint_override = \"http://h\"\n{text}"), &[]).1;
    let idle = warnings("auth_type = \"none\"\nauth_url = \"http://h\"\npassword = \"s3cret\"");
    assert_eq!(idle.warnings.len(), 2, "{idle:?}");
    assert!(
        idle.is_good() && idle.warnings.iter().all(|line| line.contains("no effect with auth_type none"))
    );
    let fixed = warnings("region_name = \"R1\"");
    assert!(fixed.warnings[0].contains("region_name: has no effect with endpoint_override"), "{fixed:?}");
    let insecure = warnings("insecure = true\ncafile = \"/ca.pem\"");
    assert!(insecure.warnings[0].contains("can read our secrets"), "{insecure:?}");
    assert!(insecure.warnings[1].contains("ironic.cafile: has no effect with insecure"), "{insecure:?}");
}
