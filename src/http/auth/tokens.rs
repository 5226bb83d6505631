//! Tokens of callers: what Keystone says of them, asked once and remembered for a while.
//!
//! Invariant: a token is remembered by its digest only, and never beyond its end. Of all who bring the same new token,
//! one asks; questions at one time are bounded, and so is the time that a caller waits. Where Keystone does not answer,
//! nobody is taken for a stranger: the answer is 503.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

use super::Refusal;
use super::access_rules::AccessRules;
use super::digest::{Digest, DigestKey};
use super::recent::Recent;
use crate::clock::{Clock, SystemClock};
use crate::metrics;
use crate::openstack::{Asking, Document, Failure, Named, Session, Sort};
use crate::policy::Caller;

/// Bytes of the longest token that is looked at.
const LONGEST: usize = 8192;
/// How long a token that is good for nothing is remembered.
const BAD_HOLD: Duration = Duration::from_secs(10);
/// The pause before the second attempt; each further one is twice as long.
const PAUSE: Duration = Duration::from_millis(250);

/// How tokens are examined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// How long a verdict holds.
    pub hold: Duration,
    /// How long a caller waits for a verdict.
    pub deadline: Duration,
    /// How often Keystone is asked again where it does not answer.
    pub retries: u32,
    /// Questions at one time.
    pub concurrency: usize,
    /// Tokens remembered, the good and the bad apart.
    pub most: usize,
    /// Type of our service, as access rules name it.
    pub service_type: String,
}

/// Whose a good token is, and what for.
#[derive(Debug)]
pub(super) struct Holder {
    /// The user's name.
    pub name: String,
    /// What rules may look at.
    pub caller: Caller,
    /// What the token may be used for; without rules, anything.
    pub access: Option<AccessRules>,
}

/// What is known of a token: whose it is, or that it is good for nothing.
type Verdict = Option<Arc<Holder>>;

/// The tokens of callers.
pub struct Tokens {
    session: Session,
    terms: Terms,
    clock: SystemClock,
    key: DigestKey,
    kept: Mutex<Kept>,
    /// Questions under way, by the token that they are about.
    flights: Mutex<HashMap<Digest, Arc<Asking<Failure>>>>,
    turns: Semaphore,
}

struct Kept {
    good: Recent<Arc<Holder>>,
    bad: Recent<()>,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").field("terms", &self.terms).finish_non_exhaustive()
    }
}

impl Tokens {
    /// Tokens are examined in this session.
    #[must_use]
    pub fn new(session: Session, terms: Terms) -> Self {
        let kept = Kept { good: Recent::new(terms.most), bad: Recent::new(terms.most) };
        Self {
            session,
            clock: SystemClock,
            key: DigestKey::new(),
            kept: Mutex::new(kept),
            flights: Mutex::default(),
            turns: Semaphore::new(terms.concurrency),
            terms,
        }
    }

    /// Whose a token is.
    pub(super) async fn holder(&self, token: &str) -> Result<Arc<Holder>, Refusal> {
        if token.is_empty() || token.len() > LONGEST {
            return Err(Refusal::Unauthenticated);
        }
        let digest = self.key.digest(&[token]);
        let verdict = match self.recall(&digest) {
            Some(verdict) => {
                count("remembered");
                verdict
            }
            None => self.find_out(token, digest).await?,
        };
        verdict.ok_or(Refusal::Unauthenticated)
    }

    fn recall(&self, digest: &Digest) -> Option<Verdict> {
        let (now, mut kept) = (Instant::now(), self.kept());
        match kept.good.get(digest, now) {
            Some(holder) => Some(Some(holder)),
            None => kept.bad.get(digest, now).map(|()| None),
        }
    }

    /// Asks, or waits for the one who asks about the same token.
    async fn find_out(&self, token: &str, digest: Digest) -> Result<Verdict, Refusal> {
        let flight = Flight::join(self, digest)?;
        let asked = async {
            // What is not remembered can not be shared.
            if self.terms.hold.is_zero() {
                return self.examine_in_turn(token, digest).await;
            }
            flight.asking.ask(|| self.recall(&digest), || self.examine_in_turn(token, digest)).await
        };
        let why = match tokio::time::timeout(self.terms.deadline, asked).await {
            Ok(Ok(verdict)) => return Ok(verdict),
            Ok(Err(failure)) => failure.text,
            Err(_) => format!("Keystone did not tell within {} seconds", self.terms.deadline.as_secs_f32()),
        };
        count("unknown");
        log::error!("A token could not be examined: {why}");
        Err(Refusal::Away)
    }

    async fn examine_in_turn(&self, token: &str, digest: Digest) -> Result<Verdict, Failure> {
        // The semaphore is never closed.
        let _turn = self.turns.acquire().await;
        let found = self.examine_stubbornly(token).await?;
        count(if found.is_some() { "good" } else { "bad" });
        let now = Instant::now();
        let after = |span: Duration| now.checked_add(span).unwrap_or(now);
        let mut kept = self.kept();
        Ok(match found {
            Some(document) => {
                let left = self.left(&document);
                let holder = Arc::new(self.holder_of(document));
                kept.good.insert(digest, Arc::clone(&holder), after(left.min(self.terms.hold)));
                (!left.is_zero()).then_some(holder)
            }
            None => {
                kept.bad.insert(digest, (), after(BAD_HOLD.min(self.terms.hold)));
                None
            }
        })
    }

    /// Where there is no answer, asks again, and longer pauses lie between.
    async fn examine_stubbornly(&self, token: &str) -> Result<Option<Document>, Failure> {
        let mut pause = PAUSE;
        for _ in 0..self.terms.retries {
            match self.examine(token).await {
                Err(failure) if failure.is_passing() => {
                    log::warn!("A token is examined again: {failure}");
                    tokio::time::sleep(pause).await;
                    pause = pause.saturating_mul(2);
                }
                outcome => return outcome,
            }
        }
        self.examine(token).await
    }

    /// Where Keystone does not accept our own token, it gets another one, once.
    async fn examine(&self, token: &str) -> Result<Option<Document>, Failure> {
        let own = self.session.token().await?;
        match self.session.identity().examine(&own, token).await {
            Err(Failure { sort: Sort::Status(401), .. }) => {
                self.session.reject(&own);
                let own = self.session.token().await?;
                self.session.identity().examine(&own, token).await
            }
            outcome => outcome,
        }
    }

    /// How long a token is good still.
    fn left(&self, document: &Document) -> Duration {
        let left_us = document.expires_at.timestamp_micros().saturating_sub(self.clock.now().0);
        Duration::from_micros(u64::try_from(left_us).unwrap_or_default())
    }

    fn holder_of(&self, document: Document) -> Holder {
        let rules = document.application_credential.as_ref().and_then(|it| it.access_rules.as_ref());
        let access = rules.map(|rules| AccessRules::new(rules, &self.terms.service_type));
        let domain_of = |named: &Named| named.domain.as_ref().map(|domain| domain.id.clone());
        let caller = Caller {
            user_domain_id: domain_of(&document.user),
            user_id: Some(document.user.id),
            project_domain_id: document.project.as_ref().and_then(domain_of),
            project_id: document.project.map(|project| project.id),
            domain_id: document.domain.map(|domain| domain.id),
            system_scope: document.system.filter(|system| system.all).map(|_| "all".to_owned()),
            roles: document.roles.into_iter().map(|role| role.name).collect(),
            is_admin_project: document.is_admin_project.unwrap_or(true),
            is_public_api: false,
        };
        Holder { name: document.user.name, caller, access }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // Each change is one insertion: there is no half of it to be afraid of.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn flights(&self) -> MutexGuard<'_, HashMap<Digest, Arc<Asking<Failure>>>> {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn count(outcome: &str) {
    metrics::get().tokens.with_label_values(&[outcome]).inc();
}

/// One caller's part in the question about a token; the last to go takes the question with it.
struct Flight<'a> {
    tokens: &'a Tokens,
    digest: Digest,
    asking: Arc<Asking<Failure>>,
}

impl<'a> Flight<'a> {
    /// Joins the question, or begins it where there are not too many.
    fn join(tokens: &'a Tokens, digest: Digest) -> Result<Self, Refusal> {
        let mut flights = tokens.flights();
        let is_full = flights.len() >= tokens.terms.most;
        let asking = match flights.entry(digest) {
            Entry::Occupied(under_way) => Arc::clone(under_way.get()),
            Entry::Vacant(_) if is_full => return Err(Refusal::Away),
            Entry::Vacant(place) => Arc::clone(place.insert(Arc::default())),
        };
        Ok(Self { tokens, digest, asking })
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        let mut flights = self.tokens.flights();
        // One is the table's, one ours; others join under the same lock only.
        if Arc::strong_count(&self.asking) <= 2 {
            flights.remove(&self.digest);
        }
    }
}
