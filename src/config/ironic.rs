//! `[ironic]`: how Ironic is reached.

use serde::{Deserialize, Serialize};

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
    pub password: Option<String>,
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
