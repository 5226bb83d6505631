//! A session with a Swift that stands alone: its own authentication, version 1.
//!
//! Invariant: of all who need a token at one time, one asks for it. How long it is good is not known before it is
//! refused. User, password and token are in no text.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use awc::http::Method;
use awc::http::header::{HeaderMap, HeaderName, HeaderValue};

use super::failure::Sort;
use super::transport::{Manner, Request, Transport};
use super::{Asking, Failure, Tls};
use crate::config::{self, Secret};
use crate::error::{Error, Result};

const USER: HeaderName = HeaderName::from_static("x-auth-user");
const KEY: HeaderName = HeaderName::from_static("x-auth-key");
const STORAGE_URL: HeaderName = HeaderName::from_static("x-storage-url");
const AUTH_TOKEN: HeaderName = HeaderName::from_static("x-auth-token");
/// The answer is in its headers.
const BODY_LIMIT: usize = 64 * 1024;

/// What the server has given: a token, and where the account lies.
pub struct Grant {
    token: HeaderValue,
    storage_url: String,
}

impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grant").field("storage_url", &self.storage_url).finish_non_exhaustive()
    }
}

impl Grant {
    /// The value of `X-Auth-Token`; marked as sensitive.
    #[must_use]
    pub fn header(&self) -> HeaderValue {
        self.token.clone()
    }

    /// Where the account lies.
    #[must_use]
    pub fn storage_url(&self) -> &str {
        &self.storage_url
    }
}

/// A session; cheap to clone, all clones share the token.
#[derive(Clone)]
pub struct V1Session(Arc<Shared>);

struct Shared {
    auth_url: String,
    user: HeaderValue,
    key: HeaderValue,
    transport: Transport,
    held: Mutex<Option<Arc<Grant>>>,
    asking: Asking<Failure>,
}

impl fmt::Debug for V1Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("V1Session").field("auth_url", &self.0.auth_url).finish_non_exhaustive()
    }
}

impl V1Session {
    /// A session with the credentials of a section; each request may take `timeout`.
    ///
    /// # Errors
    /// Where they can not be sent, or the system has no thread left.
    pub fn start(auth: &config::Auth, tls: &Tls, timeout: Duration, connections: usize) -> Result<Self> {
        let (tls, body_limit) = (tls.clone(), BODY_LIMIT);
        let manner = Manner { service: "Swift's authentication", tls, timeout, connections, body_limit };
        let header = |name: &str, text: &str| {
            let told = |_| Error::bad_request(format!("{name} holds characters that no header may have"));
            HeaderValue::from_str(text).map_err(told)
        };
        let mut key = header("password", auth.password.as_ref().map(Secret::expose).unwrap_or_default())?;
        key.set_sensitive(true);
        Ok(Self(Arc::new(Shared {
            // The reader has refused a section without it.
            auth_url: auth.auth_url.clone().unwrap_or_default(),
            user: header("username", auth.username.as_deref().unwrap_or_default())?,
            key,
            transport: Transport::start(manner)?,
            held: Mutex::default(),
            asking: Asking::default(),
        })))
    }

    /// A token that was not refused yet.
    ///
    /// # Errors
    /// Where there is none, and the server does not give one.
    pub async fn grant(&self) -> std::result::Result<Arc<Grant>, Failure> {
        let known = || self.0.held().clone();
        match known() {
            Some(grant) => Ok(grant),
            None => self.0.asking.ask(known, || self.0.issue()).await,
        }
    }

    /// Takes note that this token is not accepted.
    pub fn reject(&self, grant: &Arc<Grant>) {
        let mut held = self.0.held();
        if held.as_ref().is_some_and(|current| Arc::ptr_eq(current, grant)) {
            *held = None;
        }
    }
}

impl Shared {
    async fn issue(&self) -> std::result::Result<Arc<Grant>, Failure> {
        let headers = vec![(USER, self.user.clone()), (KEY, self.key.clone())];
        let request = Request { method: Method::GET, url: self.auth_url.clone(), headers, body: None };
        let answer = self.transport.send(request).await?;
        if !(200..300).contains(&answer.status) {
            let text = format!("Swift gives us no token: status {}", answer.status);
            return Err(Failure { sort: Sort::Status(answer.status), text });
        }
        let grant = Arc::new(read(&answer.headers)?);
        *self.held() = Some(Arc::clone(&grant));
        Ok(grant)
    }

    fn held(&self) -> MutexGuard<'_, Option<Arc<Grant>>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(headers: &HeaderMap) -> std::result::Result<Grant, Failure> {
    let missing = || Failure::unreachable("Swift gave a token without saying which, or for what place");
    let mut token = headers.get(AUTH_TOKEN).cloned().ok_or_else(missing)?;
    token.set_sensitive(true);
    let storage_url = headers.get(STORAGE_URL).and_then(|url| url.to_str().ok()).ok_or_else(missing)?;
    Ok(Grant { token, storage_url: storage_url.trim_end_matches('/').to_owned() })
}
