//! A stand-in of Ironic: what it answers as a test says, and clients that talk to it.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use crate::config;
use crate::node_service::ironic::retry::RetryPolicy;
use crate::node_service::ironic::{Ironic, Shared};
use crate::standin;
pub use crate::standin::{Asked, Reply, ok};

pub fn fault(status: u16) -> Reply {
    let inner = json!({"faultcode": "Client", "faultstring": format!("fault {status}"), "debuginfo": null});
    Reply::Answer(status, json!({"error_message": inner.to_string()}))
}

/// What `GET /v1/` shows of a server that speaks up to this version.
pub fn speaks(version: &str) -> Reply {
    ok(json!({"id": "v1", "version": {"id": "v1", "min_version": "1.1", "version": version}}))
}

/// The stand-in; lives as long as the test's process.
#[derive(Clone)]
pub struct StandIn(standin::StandIn);

impl StandIn {
    /// `script` gets each request but those for the version, and how many with the same line came before.
    pub fn new(script: impl Fn(&Asked, usize) -> Reply + Send + Sync + 'static) -> Self {
        Self::with_versions(move |asked, nth| match asked.line.as_str() {
            "GET /v1/" => speaks("1.109"),
            _ => script(asked, nth),
        })
    }

    /// `script` gets the requests for the version, too.
    pub fn with_versions(script: impl Fn(&Asked, usize) -> Reply + Send + Sync + 'static) -> Self {
        Self(standin::StandIn::new(script))
    }

    /// The requests so far, without those for the version.
    pub fn asked(&self) -> Vec<Asked> {
        self.all().into_iter().filter(|asked| asked.line != "GET /v1/").collect()
    }

    pub fn all(&self) -> Vec<Asked> {
        self.0.all()
    }

    pub fn url(&self) -> String {
        self.0.url()
    }

    pub fn config(&self) -> config::Ironic {
        config::Ironic { endpoint_override: Some(format!("{}/v1", self.0.url())), ..Default::default() }
    }

    /// A client that waits for next to nothing between its attempts.
    pub fn client(&self) -> Ironic {
        self.client_with(self.config(), Duration::from_secs(10))
    }

    pub fn client_with(&self, config: config::Ironic, timeout: Duration) -> Ironic {
        let mut shared = Shared::build(&config, 10).unwrap();
        let pause = Duration::from_millis(1);
        shared.policy = RetryPolicy { pause, busy_pause: pause, ..shared.policy };
        shared.timeout = timeout;
        Ironic::new(Arc::new(shared))
    }
}
