//! Which microversion of Ironic's API is spoken: agreed upon once per process.
//!
//! Invariant: only a success is remembered. Calls that come while another one asks share its answer, good or bad.

use std::sync::atomic::{AtomicU16, Ordering};

use awc::http::header::HeaderMap;
use serde_json::Value;

use super::fault::Failure;
use super::retry::Outcome;
use crate::node_service::{FailureKind, ServiceError};
use crate::openstack::Asking;

/// The highest version whose behaviour is known.
pub const HIGHEST: u16 = 109;
/// The lowest version with everything that may be asked for (`reset_interfaces`; traits are older).
pub const WANTED: u16 = 45;

/// The version agreed upon, and the asking for it.
#[derive(Debug, Default)]
pub struct Versions {
    /// The agreed minor version; 0 where there is none, as no server speaks 1.0.
    agreed: AtomicU16,
    asking: Asking<Failure>,
}

impl Versions {
    /// The agreed minor version.
    #[must_use]
    pub fn agreed(&self) -> Option<u16> {
        Some(self.agreed.load(Ordering::Acquire)).filter(|minor| *minor > 0)
    }

    /// Forgets `minor`, which the server refused, unless another one has been agreed upon since.
    pub fn forget(&self, minor: u16) {
        let _another = self.agreed.compare_exchange(minor, 0, Ordering::AcqRel, Ordering::Acquire);
    }

    /// The agreed minor version; asks the server with `ask` where there is none.
    pub async fn agree(&self, ask: impl AsyncFnOnce() -> Result<u16, Failure>) -> Result<u16, Failure> {
        if let Some(minor) = self.agreed() {
            return Ok(minor);
        }
        let ask = || async {
            let minor = ask().await?;
            self.agreed.store(minor, Ordering::Release);
            Ok(minor)
        };
        self.asking.ask(|| self.agreed(), ask).await
    }
}

/// The version to be spoken with a server that showed these headers and this body at `/v1/`.
pub fn choose(headers: &HeaderMap, body: &[u8]) -> Result<u16, Failure> {
    let body = serde_json::from_slice(body).unwrap_or(Value::Null);
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).and_then(minor_of);
    let member = |name: &str| body.get("version")?.get(name)?.as_str().and_then(minor_of);
    let lowest = header("x-openstack-ironic-api-minimum-version").or_else(|| member("min_version"));
    let highest = header("x-openstack-ironic-api-maximum-version").or_else(|| member("version"));
    let Some(highest) = highest else {
        return Err(unusable("The version of the Ironic API is not known: what answers there is not Ironic"));
    };
    if let Some(lowest) = lowest.filter(|lowest| *lowest > HIGHEST) {
        return Err(unusable(format!(
            "Ironic speaks only versions from 1.{lowest}, 1.{HIGHEST} is the last known"
        )));
    }
    let minor = highest.min(HIGHEST);
    if minor < WANTED {
        log::warn!("Ironic speaks only version 1.{minor} of its API; some calls need 1.{WANTED}");
    }
    Ok(minor)
}

/// `N` of `1.N`.
fn minor_of(text: &str) -> Option<u16> {
    text.trim().strip_prefix("1.")?.parse().ok().filter(|minor| *minor > 0)
}

/// The answer is there but does not help: as good as none, for another server may answer the next time.
fn unusable(text: impl Into<String>) -> Failure {
    Failure { outcome: Outcome::Lost, error: ServiceError::new(FailureKind::Failed, text) }
}

#[cfg(test)]
mod tests {
    use awc::http::header::{HeaderName, HeaderValue};

    use super::*;

    fn headers(lowest: &'static str, highest: &'static str) -> HeaderMap {
        let mut map = HeaderMap::new();
        let pairs = [
            ("x-openstack-ironic-api-minimum-version", lowest),
            ("x-openstack-ironic-api-maximum-version", highest),
        ];
        for (name, value) in pairs {
            map.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        map
    }

    #[test]
    fn the_highest_common_version_is_chosen() {
        assert_eq!(choose(&headers("1.1", "1.72"), b""), Ok(72));
        assert_eq!(choose(&headers("1.1", "1.109"), b""), Ok(109));
        assert_eq!(choose(&headers("1.1", "1.250"), b""), Ok(109));
        assert_eq!(choose(&headers("1.1", "1.11"), b""), Ok(11));
    }

    #[test]
    fn the_body_serves_where_a_proxy_dropped_the_headers() {
        let body = br#"{"id": "v1", "version": {"id": "v1", "min_version": "1.1", "version": "1.94"}}"#;
        assert_eq!(choose(&HeaderMap::new(), body), Ok(94));
    }

    #[test]
    fn without_a_common_version_there_is_no_choice() {
        assert!(choose(&headers("1.110", "1.200"), b"").is_err());
        assert!(choose(&headers("2.1", "2.7"), b"").is_err());
        assert!(choose(&headers("1.0", "1.0"), b"").is_err());
        assert!(choose(&HeaderMap::new(), b"<html>").is_err());
    }

    #[actix_rt::test]
    async fn only_a_success_is_remembered() {
        let versions = Versions::default();
        let failure = Failure::lost("gone");
        assert_eq!(versions.agree(async || Err(failure.clone())).await, Err(failure));
        assert_eq!(versions.agree(async || Ok(90)).await, Ok(90));
        assert_eq!(versions.agree(async || Ok(91)).await, Ok(90));
        versions.forget(80);
        assert_eq!(versions.agreed(), Some(90));
        versions.forget(90);
        assert_eq!(versions.agree(async || Ok(72)).await, Ok(72));
    }

    #[actix_rt::test]
    async fn those_who_wait_share_a_failure() {
        let versions = Versions::default();
        let asked = AtomicU16::new(0);
        let ask = async || {
            asked.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            Err(Failure::lost("gone"))
        };
        let all =
            futures_util::future::join3(versions.agree(ask), versions.agree(ask), versions.agree(ask)).await;
        assert!(all.0.is_err() && all.1.is_err() && all.2.is_err());
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }
}
