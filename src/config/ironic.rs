//! `[ironic]`: how Ironic is reached.

use serde::{Deserialize, Serialize};

use super::keystone::with_auth;
use super::spec::Section;
use super::{Adapter, Auth};

/// What stands in the file about `[ironic]`.
pub(super) const SECTION: Section = Section {
    name: "ironic",
    help: "How Ironic is reached. Any option here makes node_service \"ironic\" where that is not given.",
    options: with_auth![
        "\"none\"",
        keystone::WORKING,
        works(
            "endpoint_override",
            Kind::Form(forms::HTTP_URL),
            None,
            "URL of the API, with or without /v1; unset: by the service catalogue.",
        ),
        works("service_type", Kind::Text, Some("\"baremetal\""), "Type in the service catalogue."),
        works("service_name", Kind::Text, None, "Name in the service catalogue; unset: any."),
        works(
            "valid_interfaces",
            Kind::List,
            Some(r#"["internal", "public"]"#),
            "Interfaces in the service catalogue; the first that is there counts.",
        ),
        works("region_name", Kind::Text, None, "Region in the service catalogue; unset: any."),
        works(
            "max_retries",
            Kind::Integer(0, 1000),
            Some("30"),
            "How often a call is tried again after 409 (locked) and 503.",
        ),
        works("retry_interval", Kind::Integer(0, 3600), Some("2"), "Seconds between such tries."),
        works("timeout", Kind::Integer(1, 3600), Some("60"), "Seconds that one attempt of a call may take."),
        lacks("min_version", Kind::Text, None, "a choice of the API's version", "Lowest major version."),
        lacks("max_version", Kind::Text, None, "a choice of the API's version", "Highest major version."),
        no_effect("connect_retries", RETRIES),
        no_effect("connect_retry_delay", RETRIES),
        no_effect("status_code_retries", RETRIES),
        no_effect("status_code_retry_delay", RETRIES),
        no_effect("retriable_status_codes", RETRIES),
    ],
    rest: None,
};

const RETRIES: &str = "max_retries and retry_interval say how often and when a call is tried again";

/// `[ironic]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ironic {
    /// Who we are to it.
    #[serde(flatten)]
    pub auth: Auth,
    /// Where it is in the service catalogue.
    #[serde(flatten)]
    pub adapter: Adapter,
    /// The base URL of the API, with or without `/v1`; without it, the service catalogue tells.
    pub endpoint_override: Option<String>,
    /// Type in the service catalogue.
    pub service_type: String,
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
            auth: Auth::default(),
            adapter: Adapter::default(),
            endpoint_override: None,
            service_type: "baremetal".to_owned(),
            max_retries: 30,
            retry_interval: 2,
            timeout: 60,
        }
    }
}
