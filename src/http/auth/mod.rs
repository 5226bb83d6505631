//! Who is asking: the check that stands before every handler.
//!
//! Invariant: it comes after routing, so that what is not there is told to anybody; public routes are never refused
//! for what stands in `Authorization`. It must not know what the handlers do.

mod access_rules;
mod basic;
mod digest;
mod file;
mod header;
mod htpasswd;
mod keystone;
mod policy_file;
mod recent;
mod source;
mod tokens;
mod verdicts;
mod watched;

use std::sync::Arc;

use actix_web::body::BoxBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, WWW_AUTHENTICATE};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage, HttpResponse};

use super::access::RequestId;
use super::policy::{Demand, Policy};
use super::{Api, failure};
use crate::context;
use crate::error::Kind;

pub use basic::{Basic, Limits};
pub use keystone::Keystone;
pub(super) use keystone::permits;
pub use policy_file::Policies;
pub use tokens::{Terms, Tokens};

/// What a client without a good password is told to bring.
const BASIC: HeaderValue = HeaderValue::from_static("Basic realm=\"rollcall\"");
/// What is said while Keystone does not answer.
const AWAY: &str = "The Keystone service is temporarily unavailable.";

/// How callers prove who they are.
#[derive(Clone, Debug)]
pub enum Authentication {
    /// Not at all.
    None,
    /// By user and password, which a file knows.
    Basic(Arc<Basic>),
    /// By a token, which Keystone knows.
    Keystone(Arc<Keystone>),
}

impl Authentication {
    /// What a client without good credentials is told to bring.
    fn challenge(&self) -> Option<HeaderValue> {
        match self {
            Self::None => None,
            Self::Basic(_) => Some(BASIC),
            Self::Keystone(keystone) => Some(keystone.challenge()),
        }
    }
}

/// Why a caller is not let through.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Refusal {
    /// No credentials, or wrong ones.
    Unauthenticated,
    /// Credentials that nobody can read.
    Malformed(String),
    /// The caller is known well enough, and shut out.
    Forbidden(&'static str),
    /// The users cannot be told from one another for now.
    Broken(String),
    /// Keystone does not answer; to be tried again.
    Away,
}

/// Lets a request pass to its handler where its rule allows it.
pub(super) async fn check(
    policy: Policy,
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse, Error> {
    let Some(api) = request.app_data::<Data<Api>>().cloned() else {
        return Ok(request.into_response(internal().answer(&Authentication::None)));
    };
    match admit(policy, &api, &request).await {
        Ok(None) => next.call(request).await,
        Ok(Some(user)) => context::as_user(user, next.call(request)).await,
        Err(refusal) => {
            log_refusal(policy, &refusal, &request);
            Ok(request.into_response(refusal.answer(&api.settings.authentication)))
        }
    }
}

/// The user that was found out, if one is needed and found.
async fn admit(policy: Policy, api: &Api, request: &ServiceRequest) -> Result<Option<String>, Refusal> {
    if policy.demand() == Demand::Callback {
        source::check(request.peer_addr(), &api.settings.callback_cidrs)?;
    }
    match (&api.settings.authentication, policy.demand()) {
        (Authentication::Keystone(keystone), _) => keystone.admit(policy, request).await,
        (Authentication::Basic(basic), Demand::Credentials) => {
            let credential = header::credential(request.headers())?.ok_or(Refusal::Unauthenticated)?;
            basic.verify(credential).await.map(Some)
        }
        (Authentication::None | Authentication::Basic(_), _) => Ok(None),
    }
}

fn internal() -> Refusal {
    Refusal::Broken("Internal server error".to_owned())
}

impl Refusal {
    fn answer(&self, authentication: &Authentication) -> HttpResponse {
        match self {
            Self::Unauthenticated => {
                let mut answer = failure::refusal(StatusCode::UNAUTHORIZED, "Authentication required");
                if let Some(challenge) = authentication.challenge() {
                    answer.headers_mut().insert(WWW_AUTHENTICATE, challenge);
                }
                answer
            }
            Self::Malformed(text) => failure::refusal(StatusCode::BAD_REQUEST, text),
            Self::Forbidden(text) => failure::refusal(StatusCode::FORBIDDEN, text),
            Self::Broken(text) => failure::refusal(StatusCode::INTERNAL_SERVER_ERROR, text),
            Self::Away => failure::answer(Kind::Unavailable, AWAY),
        }
    }
}

/// Says who was kept out; never what was sent as credentials.
fn log_refusal(policy: Policy, refusal: &Refusal, request: &ServiceRequest) {
    let reason = match refusal {
        Refusal::Unauthenticated => "no good credentials",
        Refusal::Malformed(_) => "a malformed Authorization header",
        Refusal::Forbidden(text) => text,
        Refusal::Broken(_) => "the users cannot be told",
        Refusal::Away => "Keystone does not answer",
    };
    let id = request.extensions().get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default();
    let (rule, peer) = (policy.name(), request.peer_addr().map(|peer| peer.ip()));
    log::info!("A caller was refused: {reason} rule={rule} peer={peer:?} request_id={id}");
}
