//! What all threads of the process share of Ironic: where it is, who we are to it, the version agreed upon, and
//! how many calls may be under way.
//!
//! Invariant: built once, from a configuration that it has checked; the password is in no text that it makes.

use std::sync::Arc;
use std::time::Duration;

use super::endpoint::Endpoint;
use super::gate::Gate;
use super::limiter::Limiter;
use super::retry::RetryPolicy;
use super::versions::Versions;
use crate::config;
use crate::error::{Error, Result};
use crate::openstack::{Lookup, Proof, Tls};

/// What all threads share of Ironic.
#[derive(Debug)]
pub struct Shared {
    /// Where the API lies.
    pub(super) place: Place,
    /// How requests prove who we are.
    pub(super) proof: Proof,
    /// Whom we believe to be Ironic.
    pub(super) tls: Tls,
    /// How long one attempt may take.
    pub(super) timeout: Duration,
    /// When a call is made again.
    pub(super) policy: RetryPolicy,
    /// The version agreed upon.
    pub(super) versions: Versions,
    /// One permit for each request under way, in the whole process.
    pub(super) limiter: Limiter,
    /// Where calls wait while Ironic can not be reached.
    pub(super) gate: Gate,
    /// How many permits there are.
    pub(super) max_concurrency: usize,
}

/// Where the API lies.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// At one place.
    Fixed(Endpoint),
    /// Where the service catalogue has a service of this type.
    Catalogue(String),
}

impl Shared {
    /// Checks the configuration. `max_concurrency` bounds the requests under way in the whole process.
    pub fn new(config: &config::Ironic, max_concurrency: usize) -> Result<Arc<Self>> {
        Self::build(config, max_concurrency).map(Arc::new)
    }

    pub(super) fn build(config: &config::Ironic, max_concurrency: usize) -> Result<Self> {
        if config.timeout == 0 || max_concurrency == 0 {
            return Err(Error::bad_request("[ironic]timeout and max_concurrency must be at least 1"));
        }
        let timeout = Duration::from_secs(config.timeout);
        let tls =
            Tls::from_config(&config.auth).map_err(|wrong| Error::bad_request(format!("[ironic]{wrong}")))?;
        let lookup = Lookup::from_config(&config.adapter);
        Ok(Self {
            place: place(config)?,
            proof: Proof::from_config(&config.auth, lookup, &tls, timeout)?,
            tls,
            timeout,
            policy: RetryPolicy::new(config),
            versions: Versions::default(),
            limiter: Limiter::new(max_concurrency),
            gate: Gate::default(),
            max_concurrency,
        })
    }

    /// The state of the circuit breaker, for those who watch.
    #[must_use]
    pub fn breaker(&self) -> &'static str {
        if self.gate.is_open() { "open" } else { "closed" }
    }
}

fn place(config: &config::Ironic) -> Result<Place> {
    match &config.endpoint_override {
        Some(text) => Endpoint::parse(text)
            .map(Place::Fixed)
            .map_err(|why| Error::bad_request(format!("[ironic]endpoint_override {why}"))),
        None if config.auth.uses_keystone() => Ok(Place::Catalogue(config.service_type.clone())),
        None => Err(Error::bad_request("[ironic]endpoint_override is missing: the URL of the Ironic API")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> config::Ironic {
        config::Ironic {
            endpoint_override: Some("http://127.0.0.1:6385/v1".to_owned()),
            ..Default::default()
        }
    }

    fn refusal(config: &config::Ironic) -> String {
        Shared::new(config, 10).unwrap_err().text
    }

    #[test]
    fn what_is_missing_is_named() {
        assert!(refusal(&config::Ironic::default()).contains("endpoint_override"));
        assert!(refusal(&config::Ironic { timeout: 0, ..config() }).contains("timeout"));
        assert!(Shared::new(&config(), 0).unwrap_err().text.contains("max_concurrency"));
    }

    #[test]
    fn the_password_shows_nowhere() {
        let auth = config::Auth {
            auth_type: config::AuthType::HttpBasic,
            username: Some("rollcall".to_owned()),
            password: Some(config::Secret::new("secret")),
            ..Default::default()
        };
        let shared = Shared::new(&config::Ironic { auth, ..config() }, usize::MAX).unwrap();
        let shown = format!("{shared:?}");
        assert!(!shown.contains("secret") && !shown.contains("cm9sbGNhbGw6c2VjcmV0"), "{shown}");
    }
}
