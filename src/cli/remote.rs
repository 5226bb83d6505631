//! A running service, as the commands that ask it see it: over HTTP, with the credentials of whoever asks.
//!
//! Invariant: credentials are shown nowhere. It must not know what is asked.

use std::path::PathBuf;
use std::time::Duration;

use awc::http::Method;
use awc::http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use clap::Args;
use serde_json::Value;

use crate::config;
use crate::error::{Error, Kind, Result};
use crate::openstack::{Manner, Request, Tls, Transport};

/// The longest that the service may take; requests for messages wait for half a minute by themselves.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Bytes of an answer.
const BODY_LIMIT: usize = 256 << 20;

/// Where the service is, and who asks.
#[derive(Clone, Debug, Args)]
pub struct Remote {
    /// Where the service is
    #[arg(long, global = true, env = "ROLLCALL_URL", default_value = "http://127.0.0.1:5050")]
    pub url: String,
    /// A token of Keystone
    #[arg(long, global = true, env = "OS_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    /// The user of `http_basic`
    #[arg(long, global = true)]
    pub username: Option<String>,
    /// Its password; better given by the environment
    #[arg(long, global = true, env = "ROLLCALL_PASSWORD", hide_env_values = true)]
    pub password: Option<String>,
    /// File of the authorities that vouch for the service
    #[arg(long, global = true, env = "OS_CACERT", value_name = "FILE")]
    pub cacert: Option<PathBuf>,
    /// Believe any service
    #[arg(long, global = true)]
    pub insecure: bool,
}

/// The way to a service.
pub struct Client {
    root: String,
    credentials: Option<(HeaderName, HeaderValue)>,
    transport: Transport,
}

impl Remote {
    /// The way to it.
    ///
    /// # Errors
    /// What is wrong with the options.
    pub fn client(&self) -> Result<Client> {
        let auth =
            config::Auth { cafile: self.cacert.clone(), insecure: self.insecure, ..config::Auth::default() };
        let tls = Tls::from_config(&auth).map_err(Error::bad_request)?;
        let manner =
            Manner { service: "The service", tls, timeout: TIMEOUT, connections: 4, body_limit: BODY_LIMIT };
        let root = self.url.trim_end_matches('/').to_owned();
        Ok(Client { root, credentials: self.credentials()?, transport: Transport::start(manner)? })
    }

    fn credentials(&self) -> Result<Option<(HeaderName, HeaderValue)>> {
        let (name, text) = match (&self.token, &self.username) {
            (Some(token), _) => (HeaderName::from_static("x-auth-token"), token.clone()),
            (None, Some(user)) => {
                let pair = format!("{user}:{}", self.password.as_deref().unwrap_or_default());
                (AUTHORIZATION, format!("Basic {}", STANDARD.encode(pair)))
            }
            (None, None) => return Ok(None),
        };
        let value = HeaderValue::from_str(&text);
        value
            .map(|value| Some((name, value)))
            .map_err(|_| Error::bad_request("The credentials can not be sent"))
    }
}

impl Client {
    /// What the service answers to a path with its query.
    ///
    /// # Errors
    /// Its refusal, or that it does not answer.
    pub async fn get(&self, path: &str) -> Result<Value> {
        self.send(Method::GET, path, None).await
    }

    /// What it answers to a body.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn post(&self, path: &str, body: Option<&Value>) -> Result<Value> {
        self.send(Method::POST, path, body).await
    }

    async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value> {
        let mut headers: Vec<_> = self.credentials.clone().into_iter().collect();
        headers.push((CONTENT_TYPE, HeaderValue::from_static("application/json")));
        let body = body.map(|body| Bytes::from(body.to_string()));
        let request = Request { method, url: format!("{}{path}", self.root), headers, body };
        let answer =
            self.transport.send(request).await.map_err(|failure| Error::unavailable(failure.text))?;
        let document: Option<Value> = serde_json::from_slice(&answer.body).ok();
        if (200..300).contains(&answer.status) {
            return document
                .ok_or_else(|| Error::unavailable("The service answers with something else than JSON"));
        }
        let said = document.as_ref().and_then(|document| document.pointer("/error/message")?.as_str());
        let kind = match answer.status {
            404 => Kind::NotFound,
            409 => Kind::Conflict,
            500.. => Kind::Unavailable,
            _ => Kind::BadRequest,
        };
        Err(Error::new(kind, format!("{} ({})", said.unwrap_or("The service refuses"), answer.status)))
    }
}

/// A part of a path.
#[must_use]
pub fn segment(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}
