//! A call with all its attempts.
//!
//! Invariant: no permit is held between two attempts; each failed attempt is logged once.

use std::time::{Duration, Instant};

use awc::http::Method;
use serde_json::Value;
use uuid::Uuid;

use super::Ironic;
use super::call::Call;
use super::fault::Failure;
use super::limiter::Course;
use super::retry::{Outcome, Tally, Verdict};
use crate::cluster;
use crate::context;
use crate::metrics;
use crate::node_service::{FailureKind, ServiceError, ServiceResult};

/// A call that failed for good.
pub(super) struct Defeat {
    /// The last failure.
    pub error: ServiceError,
    /// How many attempts were made. After more than one, an earlier one may have taken effect unseen.
    pub attempts: u32,
}

/// What the requests of one call have in common.
pub(super) struct Trial {
    /// The id that each of them carries.
    pub request_id: String,
    /// How they went.
    pub course: Course,
}

/// The id of the request that the call is made for, by which Ironic's log can be searched too; else one of its own.
fn request_id() -> String {
    let given = context::request_id().map(|id| id.to_string());
    given.unwrap_or_else(|| format!("{}{}", context::ID_PREFIX, Uuid::new_v4()))
}

/// A failed attempt, for the log.
struct Report<'a> {
    call: &'a Call,
    request_id: &'a str,
    attempt: u32,
    began: Instant,
}

impl Ironic {
    /// Makes a call, as often as it takes and the policy allows.
    pub(super) async fn run(&self, call: &Call) -> ServiceResult<Value> {
        self.try_all(call).await.map_err(|defeat| defeat.error)
    }

    /// As `run`, and tells how many attempts a failure took.
    pub(super) async fn try_all(&self, call: &Call) -> Result<Value, Defeat> {
        let outcome = self.try_until_settled(call).await;
        let name = outcome.as_ref().map_or_else(|defeat| defeat.error.kind.code(), |_| "ok");
        metrics::get().node_service_calls.with_label_values(&[call.name(), name]).inc();
        outcome
    }

    async fn try_until_settled(&self, call: &Call) -> Result<Value, Defeat> {
        let trial = Trial { request_id: request_id(), course: Course::default() };
        let mut tally = Tally::default();
        let mut attempts: u32 = 0;
        loop {
            attempts = attempts.saturating_add(1);
            let report =
                Report { call, request_id: &trial.request_id, attempt: attempts, began: Instant::now() };
            let failure = match self.attempt_as_owner(call, &trial).await {
                Ok(document) => return Ok(document),
                Err(failure) => failure,
            };
            let verdict = self.verdict(call, &mut tally, &failure);
            report.log(&failure, verdict);
            match verdict {
                Verdict::Wait(pause) => tokio::time::sleep(pause).await,
                Verdict::GiveUp => {
                    let attempts = attempts.saturating_add(trial.course.dropped());
                    return Err(Defeat { error: failure.error, attempts });
                }
            }
        }
    }

    /// A call that changes something is made only as long as the node is this process's.
    async fn attempt_as_owner(&self, call: &Call, trial: &Trial) -> Result<Value, Failure> {
        if call.changes() && !cluster::may_write().await {
            return Err(Failure::settled(cluster::NOT_OURS));
        }
        self.attempt(call, trial).await
    }

    /// While Ironic can not be reached at all, a failure is not held against the call: it waits with the others.
    fn verdict(&self, call: &Call, tally: &mut Tally, failure: &Failure) -> Verdict {
        let (verdict, reason) = if failure.outcome == Outcome::Lost && self.shared.gate.is_open() {
            (Verdict::Wait(Duration::ZERO), "held")
        } else {
            (self.shared.policy.after(tally, call.terms, failure.outcome), "failed")
        };
        if verdict != Verdict::GiveUp {
            metrics::get().retries.with_label_values(&[reason]).inc();
        }
        verdict
    }
}

impl Report<'_> {
    fn log(&self, failure: &Failure, verdict: Verdict) {
        let Self { call: Call { method, path, node, .. }, request_id, attempt, began } = self;
        let took_ms = began.elapsed().as_millis();
        let text = &failure.error.text;
        let outcome = match failure.outcome {
            Outcome::Lost => "lost".to_owned(),
            Outcome::Status(status) => status.to_string(),
        };
        let (level, what) = match verdict {
            Verdict::Wait(_) => (log::Level::Info, "and is made again"),
            Verdict::GiveUp if is_unremarkable(method, failure.error.kind) => (log::Level::Info, "as may be"),
            Verdict::GiveUp => (log::Level::Warn, "for good"),
        };
        log::log!(
            level,
            "A call of Ironic failed {what}: {text}; node={node} call=\"{method} {path}\" attempt={attempt} \
             outcome={outcome} took_ms={took_ms} request_id={request_id}"
        );
    }
}

/// Whether callers ask in order to learn just this: that a resource is not there, or is there already.
fn is_unremarkable(method: &Method, kind: FailureKind) -> bool {
    match kind {
        FailureKind::NotFound => method == Method::GET || method == Method::DELETE,
        FailureKind::Conflict => method == Method::POST,
        _ => false,
    }
}
