//! A session with Keystone: one token for all who need it, renewed before it ends.
//!
//! Invariant: of all who need a token at one time, one asks for it. While a token is good, nobody waits for the next
//! one. Where Keystone refuses our credentials, it is not asked again at once: repeated failures lock accounts.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use awc::http::header::HeaderValue;

use super::catalog::{Catalog, Lookup};
use super::credentials::Credentials;
use super::document::Document;
use super::failure::Sort;
use super::transport::{Manner, Transport};
use super::{Asking, Failure, Identity, Tls};
use crate::clock::{Clock, SystemClock, Timestamp};
use crate::config;
use crate::error;

/// How large an answer may be; a token with a large catalogue is a hundredth of it.
const BODY_LIMIT: usize = 4 * 1024 * 1024;
/// How long before its end a token is renewed, at most; a quarter of its life where that is shorter.
const AHEAD_US: i64 = 120_000_000;
/// How long before its end it is no longer used, at most; an eighth of its life where that is shorter.
const SPARE_US: i64 = 5_000_000;
/// How long a refusal of our credentials, or a renewal that failed, is left alone.
const PAUSE_US: i64 = 5_000_000;

/// A token of our own.
pub struct Token {
    text: HeaderValue,
    catalog: Catalog,
    /// From when on the next one is asked for.
    renew_at: Timestamp,
    /// From when on it is not used any more.
    ends_at: Timestamp,
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("ends_at", &self.ends_at).finish_non_exhaustive()
    }
}

impl Token {
    /// The value of `X-Auth-Token`; marked as sensitive, so that it does not show in debug texts.
    #[must_use]
    pub fn header(&self) -> HeaderValue {
        self.text.clone()
    }

    fn is_fresh(&self, now: Timestamp) -> bool {
        now < self.renew_at
    }

    fn is_good(&self, now: Timestamp) -> bool {
        now < self.ends_at
    }

    fn new(text: HeaderValue, document: Document, now: Timestamp) -> Self {
        let expires = Timestamp(document.expires_at.timestamp_micros());
        let life_us = expires.since_us(now).max(0);
        let before_end = |span_us: i64| Timestamp(expires.0.saturating_sub(span_us));
        Self {
            text,
            catalog: Catalog::new(document.catalog),
            renew_at: before_end(AHEAD_US.min(life_us / 4)),
            ends_at: before_end(SPARE_US.min(life_us / 8)),
        }
    }
}

/// A session; cheap to clone, all clones share the token.
#[derive(Clone)]
pub struct Session(Arc<Shared>);

struct Shared {
    identity: Identity,
    credentials: Credentials,
    lookup: Lookup,
    clock: Arc<dyn Clock>,
    held: Mutex<Held>,
    asking: Asking<Failure>,
    /// When somebody last began to renew a token that was good still.
    renewed_at: AtomicI64,
}

#[derive(Default)]
struct Held {
    token: Option<Arc<Token>>,
    /// Keystone's refusal of our credentials, and until when it is taken as its answer.
    refusal: Option<(Timestamp, Failure)>,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("identity", &self.0.identity).finish_non_exhaustive()
    }
}

impl Session {
    /// A session with the credentials of a section; each request to Keystone may take `timeout`.
    ///
    /// # Errors
    /// Where the system has no thread left.
    pub fn start(
        auth: &config::Auth,
        lookup: Lookup,
        tls: &Tls,
        timeout: Duration,
        connections: usize,
    ) -> error::Result<Self> {
        let (tls, body_limit) = (tls.clone(), BODY_LIMIT);
        let manner = Manner { service: "Keystone", tls, timeout, connections, body_limit };
        let transport = Transport::start(manner)?;
        Ok(Self::over(transport, auth, lookup, Arc::new(SystemClock)))
    }

    pub(super) fn over(
        transport: Transport,
        auth: &config::Auth,
        lookup: Lookup,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self(Arc::new(Shared {
            // The reader has refused a section without it.
            identity: Identity::new(auth.auth_url.as_deref().unwrap_or_default(), transport),
            credentials: Credentials::from_config(auth),
            lookup,
            clock,
            held: Mutex::default(),
            asking: Asking::default(),
            renewed_at: AtomicI64::new(i64::MIN),
        }))
    }

    /// The Identity API that it talks to.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.0.identity
    }

    /// A good token.
    ///
    /// # Errors
    /// Where there is none, and Keystone does not give one.
    pub async fn token(&self) -> Result<Arc<Token>, Failure> {
        let now = self.0.clock.now();
        match self.0.token(now, Token::is_good) {
            Some(token) if token.is_fresh(now) => Ok(token),
            Some(token) => {
                self.renew_aside(now);
                Ok(token)
            }
            None => self.0.obtain(Token::is_good).await,
        }
    }

    /// Where the service of this type is, by the catalogue of the token.
    ///
    /// # Errors
    /// Where there is no token, or its catalogue does not have the service.
    pub async fn endpoint(&self, service_type: &str) -> Result<String, Failure> {
        let token = self.token().await?;
        token.catalog.find(service_type, &self.0.lookup).map(str::to_owned)
    }

    /// Takes note that a service did not accept this token.
    pub fn reject(&self, token: &Arc<Token>) {
        let mut held = self.0.held();
        if held.token.as_ref().is_some_and(|current| Arc::ptr_eq(current, token)) {
            held.token = None;
        }
    }

    /// Gets the next token while the present one is good still.
    fn renew_aside(&self, now: Timestamp) {
        let last = self.0.renewed_at.load(Ordering::Acquire);
        let is_due = now.0.saturating_sub(last) >= PAUSE_US;
        let claim = || self.0.renewed_at.compare_exchange(last, now.0, Ordering::AcqRel, Ordering::Acquire);
        if is_due && claim().is_ok() {
            let session = self.clone();
            tokio::spawn(async move {
                if let Err(failure) = session.0.obtain(Token::is_fresh).await {
                    log::warn!("A token could not be renewed, and is tried again: {failure}");
                }
            });
        }
    }
}

/// Whether a token serves at a moment.
type Serves = fn(&Token, Timestamp) -> bool;

impl Shared {
    /// The token at hand, where it serves.
    fn token(&self, now: Timestamp, serves: Serves) -> Option<Arc<Token>> {
        self.held().token.clone().filter(|token| serves(token, now))
    }

    async fn obtain(&self, serves: Serves) -> Result<Arc<Token>, Failure> {
        self.asking.ask(|| self.token(self.clock.now(), serves), || self.issue()).await
    }

    async fn issue(&self) -> Result<Arc<Token>, Failure> {
        if let Some(refusal) = self.held().refusal(self.clock.now()) {
            return Err(refusal);
        }
        let issued = self.identity.issue(&self.credentials).await;
        let now = self.clock.now();
        let mut held = self.held();
        match issued {
            Ok((text, document)) => {
                let token = Arc::new(Token::new(text, document, now));
                *held = Held { token: Some(Arc::clone(&token)), refusal: None };
                Ok(token)
            }
            Err(failure) => {
                if matches!(failure.sort, Sort::Status(_)) && !failure.is_passing() {
                    held.refusal = Some((Timestamp(now.0.saturating_add(PAUSE_US)), failure.clone()));
                }
                Err(failure)
            }
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        // Each change is one assignment: there is no half of it to be afraid of.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn refusal(&self, now: Timestamp) -> Option<Failure> {
        let (until, failure) = self.refusal.as_ref()?;
        (now < *until).then(|| failure.clone())
    }
}
