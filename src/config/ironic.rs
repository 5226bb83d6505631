//! `[ironic]`: how Ironic is reached.

use serde::{Deserialize, Serialize};

use super::keystone::with_adapter;
use super::spec::Section;
use super::{Adapter, Auth};

/// What stands in the file about `[ironic]`.
pub(super) const SECTION: Section = Section {
    name: "ironic",
    help: "How Ironic is reached. Any option here makes node_service \"ironic\" where that is not given.",
    options: with_adapter![
        "\"none\"",
        keystone::WORKING,
        "\"baremetal\"",
        RETRIES,
        works(
            "endpoint_override",
            Kind::Form(forms::HTTP_URL),
            None,
            "URL of the API, with or without /v1; unset: by the service catalogue.",
        ),
        works(
            "max_retries",
            Kind::Integer(0, 1000),
            Some("30"),
            "How often a call is tried again after 409 (locked) and 503.",
        ),
        works("retry_interval", Kind::Integer(0, 3600), Some("2"), "Seconds between such tries."),
        works("timeout", Kind::Integer(1, 3600), Some("60"), "Seconds that one attempt of a call may take."),
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
