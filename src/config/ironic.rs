//! `[ironic]`: how Ironic is reached.

use serde::{Deserialize, Serialize};

use super::spec::{Kind, Section, Spec, lacks, no_effect, only, works};
use super::{Secret, forms};

/// What stands in the file about `[ironic]`.
pub(super) const SECTION: Section = Section {
    name: "ironic",
    help: "How Ironic is reached. Any option here makes node_service \"ironic\" where that is not given.",
    options: &[
        only("auth_type", AUTH_TYPES, &["none", "http_basic"], "\"none\"", "How we prove who we are."),
        works(
            "endpoint_override",
            Kind::Form(forms::HTTP_URL),
            None,
            "URL of the API, with or without /v1; needed.",
        ),
        works("username", Kind::Text, None, "User of http_basic."),
        works("password", Kind::Secret, None, "Password of http_basic."),
        works(
            "max_retries",
            Kind::Integer(0, 1000),
            Some("30"),
            "How often a call is tried again after 409 (locked) and 503.",
        ),
        works("retry_interval", Kind::Integer(0, 3600), Some("2"), "Seconds between such tries."),
        works("timeout", Kind::Integer(1, 3600), Some("60"), "Seconds that one attempt of a call may take."),
        lacks(
            "insecure",
            Kind::Bool,
            Some("false"),
            "TLS without a check",
            "Whether any certificate is good.",
        ),
        lacks(
            "cafile",
            Kind::Text,
            None,
            "an own list of certificate authorities",
            "PEM file of authorities.",
        ),
        lacks("certfile", Kind::Text, None, CLIENT_TLS, "PEM file of our certificate."),
        lacks("keyfile", Kind::Text, None, CLIENT_TLS, "PEM file of its key."),
        lacks("service_type", Kind::Text, Some("\"baremetal\""), CATALOG, "Type in the service catalogue."),
        lacks("service_name", Kind::Text, None, CATALOG, "Name in the service catalogue."),
        lacks(
            "valid_interfaces",
            Kind::List,
            Some(r#"["internal", "public"]"#),
            CATALOG,
            "Which of its endpoints are taken, in this order.",
        ),
        lacks("region_name", Kind::Text, None, CATALOG, "Region of the service catalogue."),
        lacks("min_version", Kind::Text, None, "a choice of the API's version", "Lowest major version."),
        lacks("max_version", Kind::Text, None, "a choice of the API's version", "Highest major version."),
        lacks("auth_section", Kind::Text, None, "a section shared by clients", "Section to read instead."),
        keystone("auth_url"),
        keystone("system_scope"),
        keystone("user_id"),
        keystone("user_domain_id"),
        keystone("user_domain_name"),
        keystone("project_id"),
        keystone("project_name"),
        keystone("project_domain_id"),
        keystone("project_domain_name"),
        keystone("domain_id"),
        keystone("domain_name"),
        keystone("default_domain_id"),
        keystone("default_domain_name"),
        keystone("tenant_id"),
        keystone("tenant_name"),
        keystone("trust_id"),
        lacks("token", Kind::Secret, None, KEYSTONE, "A ready token."),
        no_effect("connect_retries", RETRIES),
        no_effect("connect_retry_delay", RETRIES),
        no_effect("status_code_retries", RETRIES),
        no_effect("status_code_retry_delay", RETRIES),
        no_effect("retriable_status_codes", RETRIES),
        no_effect("collect_timing", "it tunes a library that is not used here"),
        no_effect("split_loggers", "it tunes a library that is not used here"),
    ],
    rest: None,
};

const AUTH_TYPES: &[&str] = &[
    "none",
    "http_basic",
    "password",
    "token",
    "v2password",
    "v2token",
    "v3password",
    "v3token",
    "v3applicationcredential",
    "v3oidcclientcredentials",
    "v3oidcpassword",
    "v3oidcauthcode",
    "v3oidcaccesstoken",
    "v3oauth1",
    "v3oauth2clientcredential",
    "v3oauth2mtlsclientcredential",
    "v3totp",
    "v3kerberos",
    "v3adfspassword",
    "v3samlpassword",
    "v3multifactor",
    "v3tokenlessauth",
    "admin_token",
];
const CATALOG: &str = "looking Ironic up in the service catalogue";
const CLIENT_TLS: &str = "a TLS certificate of our own";
const KEYSTONE: &str = "authentication by Keystone";
const RETRIES: &str = "max_retries and retry_interval say how often and when a call is tried again";

const fn keystone(name: &'static str) -> Spec {
    lacks(name, Kind::Text, None, KEYSTONE, "For an auth_type of Keystone.")
}

/// `[ironic]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ironic {
    /// `none` or `http_basic`.
    pub auth_type: String,
    /// The base URL of the API, with or without `/v1`.
    pub endpoint_override: Option<String>,
    /// User of `http_basic`.
    pub username: Option<String>,
    /// Password of `http_basic`.
    pub password: Option<Secret>,
    /// How often a call is tried again after 409 (locked) and 503.
    pub max_retries: u32,
    /// Seconds between such tries.
    pub retry_interval: u64,
    /// Seconds that one attempt of a call may take.
    pub timeout: u64,
}

impl Default for Ironic {
    fn default() -> Self {
        Self {
            auth_type: "none".to_owned(),
            endpoint_override: None,
            username: None,
            password: None,
            max_retries: 30,
            retry_interval: 2,
            timeout: 60,
        }
    }
}
