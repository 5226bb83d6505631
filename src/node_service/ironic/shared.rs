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
use awc::http::header::HeaderValue;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// What all threads share of Ironic.
#[derive(Debug)]
pub struct Shared {
    /// Where the API lies.
    pub(super) endpoint: Endpoint,
    /// The header of `http_basic`; marked as sensitive, so that it does not show in debug texts.
    pub(super) authorization: Option<HeaderValue>,
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

impl Shared {
    /// Checks the configuration. `max_concurrency` bounds the requests under way in the whole process.
    pub fn new(config: &config::Ironic, max_concurrency: usize) -> Result<Arc<Self>> {
        Self::build(config, max_concurrency).map(Arc::new)
    }

    pub(super) fn build(config: &config::Ironic, max_concurrency: usize) -> Result<Self> {
        let endpoint = config.endpoint_override.as_deref().unwrap_or_default();
        if endpoint.trim().is_empty() {
            return Err(Error::bad_request(
                "[ironic]endpoint_override is missing: the URL of the Ironic API",
            ));
        }
        if config.timeout == 0 || max_concurrency == 0 {
            return Err(Error::bad_request("[ironic]timeout and max_concurrency must be at least 1"));
        }
        Ok(Self {
            endpoint: Endpoint::parse(endpoint)?,
            authorization: authorization(config)?,
            timeout: Duration::from_secs(config.timeout),
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

fn authorization(config: &config::Ironic) -> Result<Option<HeaderValue>> {
    match config.auth_type.as_str() {
        "none" => Ok(None),
        "http_basic" => basic(config).map(Some),
        other => Err(Error::bad_request(format!(
            "[ironic]auth_type {other:?} is not available yet: use \"none\" or \"http_basic\""
        ))),
    }
}

fn basic(config: &config::Ironic) -> Result<HeaderValue> {
    let (Some(username), Some(password)) = (&config.username, &config.password) else {
        return Err(Error::bad_request("[ironic]auth_type \"http_basic\" needs username and password"));
    };
    if username.is_empty() || username.contains(':') {
        return Err(Error::bad_request("[ironic]username must not be empty and must not hold a colon"));
    }
    let text = format!("Basic {}", STANDARD.encode(format!("{username}:{}", password.expose())));
    let mut value = HeaderValue::from_str(&text).map_err(|_| Error::internal("a header that is none"))?;
    value.set_sensitive(true);
    Ok(value)
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
        let basic = config::Ironic { auth_type: "http_basic".to_owned(), ..config() };
        assert!(refusal(&basic).contains("username"));
        let colon = config::Ironic {
            username: Some("a:b".to_owned()),
            password: Some(config::Secret::new("s")),
            ..basic
        };
        assert!(refusal(&colon).contains("colon"));
    }

    #[test]
    fn other_ways_to_authenticate_are_not_available_yet() {
        let text = refusal(&config::Ironic { auth_type: "password".to_owned(), ..config() });
        assert!(text.contains("\"password\" is not available yet"), "{text}");
    }

    #[test]
    fn the_password_shows_nowhere() {
        let config = config::Ironic {
            auth_type: "http_basic".to_owned(),
            username: Some("rollcall".to_owned()),
            password: Some(config::Secret::new("secret")),
            ..config()
        };
        let shared = Shared::new(&config, usize::MAX).unwrap();
        let header = shared.authorization.clone().unwrap();
        assert_eq!(header.to_str().unwrap(), "Basic cm9sbGNhbGw6c2VjcmV0");
        let shown = format!("{shared:?}");
        assert!(!shown.contains("secret") && !shown.contains("cm9sbGNhbGw6c2VjcmV0"), "{shown}");
    }
}
