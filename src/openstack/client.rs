//! The HTTP client of one thread: how connections are made, and what is said of failures.
//!
//! Invariant: HTTP/1.1 only, no redirects, no deadline of its own: who sends bounds the time.

use std::time::Duration;

use awc::error::{ConnectError, SendRequestError};
use awc::http::header::USER_AGENT;
use awc::{Client, ClientBuilder, Connector};

use super::Tls;

/// Who we say we are.
const AGENT: &str = concat!("rollcall/", env!("CARGO_PKG_VERSION"));

/// A client for the present thread, with so many connections at most.
#[must_use]
pub fn make(tls: &Tls, timeout: Duration, connections: usize) -> Client {
    let connector = Connector::new()
        .rustls_0_23(tls.client_config())
        .timeout(timeout)
        .handshake_timeout(timeout)
        .limit(connections);
    ClientBuilder::new()
        .connector(connector)
        .disable_redirects()
        .disable_timeout()
        .add_default_header((USER_AGENT, AGENT))
        .finish()
}

/// awc's words, except for the one case that it calls an internal error.
#[must_use]
pub fn describe(error: &SendRequestError) -> String {
    match error {
        SendRequestError::Connect(ConnectError::Disconnected) => {
            "the connection was closed before an answer came".to_owned()
        }
        other => other.to_string(),
    }
}
