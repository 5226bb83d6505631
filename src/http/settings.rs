//! How the HTTP interface behaves: plain values, taken from the configuration by the caller.

use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

use super::auth::Authentication;
use super::cors::Cors;
use super::forwarded::TrustedProxies;
use crate::admission::Budget;

/// The options of the interface; the default is the ancestor's where it has the option.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The longest page of a list, and its length where the client names none.
    pub api_max_limit: usize,
    /// Whether a start may ask for managed boot.
    pub can_manage_boot: bool,
    /// The largest request body, in bytes.
    pub max_body_bytes: usize,
    /// Requests that a worker may have under way; HTTP/2 has any number on one connection.
    pub max_requests_per_worker: usize,
    /// How long a client may take to send a body; below the 30 s that a ramdisk waits for an answer.
    pub body_deadline: Duration,
    /// Whether the answer to an unexpected failure names its cause.
    pub debug: bool,
    /// Whose `X-Forwarded-*` and `Forwarded` headers links follow.
    pub trusted_proxies: TrustedProxies,
    /// What web pages of other origins may do.
    pub cors: Cors,
    /// What is answered at all.
    pub surface: Surface,
    /// Room for posted data; one for all listeners.
    pub callback_memory: Budget,
    /// Whether there is a health check.
    pub healthcheck: Healthcheck,
    /// How callers prove who they are.
    pub authentication: Authentication,
    /// Networks from which callbacks are taken; none here means all.
    pub callback_cidrs: Vec<IpNet>,
    /// Who may read the metrics.
    pub metrics: MetricsReaders,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            api_max_limit: 1000,
            can_manage_boot: true,
            max_body_bytes: 32 * 1024 * 1024,
            max_requests_per_worker: 10_000,
            body_deadline: Duration::from_secs(25),
            debug: false,
            trusted_proxies: TrustedProxies::Everybody,
            cors: Cors::default(),
            surface: Surface::Whole,
            callback_memory: Budget::new(64 * 1024 * 1024),
            healthcheck: Healthcheck::Disabled,
            authentication: Authentication::None,
            callback_cidrs: Vec::new(),
            metrics: MetricsReaders::ThisMachine,
        }
    }
}

/// What a listener answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surface {
    /// Everything.
    Whole,
    /// The ramdisks' callbacks, and `GET /` for those who watch whether it lives; anything else is unknown.
    Callbacks,
}

/// Who may read `GET /metrics`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricsReaders {
    /// Whoever asks from this machine.
    ThisMachine,
    /// Everybody.
    Everybody,
}

/// `GET /healthcheck`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Healthcheck {
    /// The path means nothing.
    Disabled,
    /// The path is answered.
    Enabled {
        /// While this file exists, the answer is 503.
        disable_by_file: Option<PathBuf>,
    },
}
