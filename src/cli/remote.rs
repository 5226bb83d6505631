//! A running service, as the commands that ask it see it: over HTTP, with the credentials of whoever asks.
//!
//! Invariant: credentials are shown nowhere. It must not know what is asked.

use std::path::PathBuf;
use std::time::Duration;

use awc::http::Method;
use awc::http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use bytes::Bytes;
use clap::Args;
use serde_json::Value;

use crate::config::{Auth, AuthType, Secret};
use crate::error::{Error, Kind, Result};
use crate::openstack::{Answer, Lookup, Manner, Proof, Request, Tls, Transport};

const AUTH_TOKEN: HeaderName = HeaderName::from_static("x-auth-token");
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
    /// Who gets a token of Keystone, where none of these is given
    #[command(flatten)]
    pub keystone: Keystone,
    /// File of the authorities that vouch for the service
    #[arg(long, global = true, env = "OS_CACERT", value_name = "FILE")]
    pub cacert: Option<PathBuf>,
    /// Believe any service
    #[arg(long, global = true)]
    pub insecure: bool,
    /// Seconds that an answer may take; requests for messages wait for half a minute by themselves
    #[arg(long, global = true, env = "ROLLCALL_HTTP_TIMEOUT", default_value_t = 60, value_name = "SECONDS",
          value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub http_timeout: u64,
}

/// An account of Keystone.
#[derive(Clone, Debug, Default, Args)]
pub struct Keystone {
    /// URL of Keystone
    #[arg(long, global = true, env = "OS_AUTH_URL", value_name = "URL")]
    pub os_auth_url: Option<String>,
    /// A user there
    #[arg(long, global = true, env = "OS_USERNAME", value_name = "NAME")]
    pub os_username: Option<String>,
    /// Its password; better given by the environment
    #[arg(long, global = true, env = "OS_PASSWORD", hide_env_values = true, value_name = "PASSWORD")]
    pub os_password: Option<String>,
    /// Its domain
    #[arg(long, global = true, env = "OS_USER_DOMAIN_NAME", default_value = "Default", value_name = "NAME")]
    pub os_user_domain_name: String,
    /// The project that the token is for
    #[arg(long, global = true, env = "OS_PROJECT_NAME", value_name = "NAME")]
    pub os_project_name: Option<String>,
    /// Its domain
    #[arg(
        long,
        global = true,
        env = "OS_PROJECT_DOMAIN_NAME",
        default_value = "Default",
        value_name = "NAME"
    )]
    pub os_project_domain_name: String,
}

/// The way to a service.
pub struct Client {
    root: String,
    /// The token that was given.
    token: Option<HeaderValue>,
    /// Who we are, where none was.
    proof: Proof,
    transport: Transport,
}

impl Remote {
    /// The way to it.
    ///
    /// # Errors
    /// What is wrong with the options.
    pub fn client(&self) -> Result<Client> {
        let trust = Auth { cafile: self.cacert.clone(), insecure: self.insecure, ..Auth::default() };
        let tls = Tls::from_config(&trust).map_err(Error::bad_request)?;
        let timeout = Duration::from_secs(self.http_timeout);
        let proof = Proof::from_config(&self.auth(), Lookup::default(), &tls, timeout)?;
        let manner = Manner { service: "The service", tls, timeout, connections: 4, body_limit: BODY_LIMIT };
        let token = self.token.as_deref().map(|text| {
            let mut value = HeaderValue::from_str(text)
                .map_err(|_| Error::bad_request("The credentials can not be sent"))?;
            value.set_sensitive(true);
            Ok::<_, Error>(value)
        });
        let root = self.url.trim_end_matches('/').to_owned();
        Ok(Client { root, token: token.transpose()?, proof, transport: Transport::start(manner)? })
    }

    /// Who asks, where no token is given.
    fn auth(&self) -> Auth {
        let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let account = &self.keystone;
        if let (None, Some(username)) = (&self.token, given(&self.username)) {
            let password = Some(Secret::new(self.password.clone().unwrap_or_default()));
            let username = Some(username);
            return Auth { auth_type: AuthType::HttpBasic, username, password, ..Auth::default() };
        }
        match (&self.token, given(&account.os_auth_url), given(&account.os_username)) {
            (None, Some(url), Some(username)) => Auth {
                auth_type: AuthType::Password,
                auth_url: Some(url),
                username: Some(username),
                password: account.os_password.clone().map(Secret::new),
                user_domain_name: Some(account.os_user_domain_name.clone()),
                project_name: given(&account.os_project_name),
                project_domain_name: given(&account.os_project_name)
                    .map(|_| account.os_project_domain_name.clone()),
                ..Auth::default()
            },
            _ => Auth::default(),
        }
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
        let away = |failure: crate::openstack::Failure| Error::unavailable(failure.text);
        let body = body.map(|body| Bytes::from(body.to_string()));
        let mut pass = self.proof.pass().await.map_err(away)?;
        let mut answer = self.sent(&method, path, body.clone(), pass.header.clone()).await?;
        if answer.status == 401 && self.proof.reject(&pass) {
            // A token may have been revoked: another one is tried, once.
            pass = self.proof.pass().await.map_err(away)?;
            answer = self.sent(&method, path, body, pass.header.clone()).await?;
        }
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

impl Client {
    async fn sent(
        &self,
        method: &Method,
        path: &str,
        body: Option<Bytes>,
        who: Option<(HeaderName, HeaderValue)>,
    ) -> Result<Answer> {
        let mut headers = vec![(CONTENT_TYPE, HeaderValue::from_static("application/json"))];
        headers.extend(self.token.clone().map(|token| (AUTH_TOKEN, token)).or(who));
        let request = Request { method: method.clone(), url: format!("{}{path}", self.root), headers, body };
        self.transport.send(request).await.map_err(|failure| Error::unavailable(failure.text))
    }
}

/// A part of a path.
#[must_use]
pub fn segment(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

#[cfg(test)]
mod tests;
