//! Who is asking: the check that stands before every handler.
//!
//! Invariant: it comes after routing, so that what is not there is told to anybody; public routes are never refused
//! for what stands in `Authorization`. It must not know what the handlers do.

mod basic;
mod file;
mod header;
mod htpasswd;
mod source;
mod verdicts;

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

pub use basic::{Basic, Limits};

/// What a client without good credentials is told to bring.
const CHALLENGE: &str = "Basic realm=\"rollcall\"";

/// How callers prove who they are.
#[derive(Clone, Debug)]
pub enum Authentication {
    /// Not at all.
    None,
    /// By user and password, which a file knows.
    Basic(Arc<Basic>),
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
}

/// Lets a request pass to its handler where its rule allows it.
pub(super) async fn check(
    policy: Policy,
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse, Error> {
    match admit(policy, &request).await {
        Ok(None) => next.call(request).await,
        Ok(Some(user)) => context::as_user(user, next.call(request)).await,
        Err(refusal) => {
            log_refusal(policy, &refusal, &request);
            Ok(request.into_response(refusal.answer()))
        }
    }
}

/// The user that was found out, if one is needed and found.
async fn admit(policy: Policy, request: &ServiceRequest) -> Result<Option<String>, Refusal> {
    let Some(api) = request.app_data::<Data<Api>>() else {
        return Err(Refusal::Broken("Internal server error".to_owned()));
    };
    match (policy.demand(), &api.settings.authentication) {
        (Demand::Nothing, _) | (Demand::Credentials, Authentication::None) => Ok(None),
        (Demand::Callback, _) => {
            source::check(request.peer_addr(), &api.settings.callback_cidrs).map(|()| None)
        }
        (Demand::Credentials, Authentication::Basic(basic)) => {
            let credential = header::credential(request.headers())?.ok_or(Refusal::Unauthenticated)?;
            basic.verify(credential).await.map(Some)
        }
    }
}

impl Refusal {
    fn answer(&self) -> HttpResponse {
        match self {
            Self::Unauthenticated => {
                let mut answer = failure::refusal(StatusCode::UNAUTHORIZED, "Authentication required");
                answer.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(CHALLENGE));
                answer
            }
            Self::Malformed(text) => failure::refusal(StatusCode::BAD_REQUEST, text),
            Self::Forbidden(text) => failure::refusal(StatusCode::FORBIDDEN, text),
            Self::Broken(text) => failure::refusal(StatusCode::INTERNAL_SERVER_ERROR, text),
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
    };
    let id = request.extensions().get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default();
    let (rule, peer) = (policy.name(), request.peer_addr().map(|peer| peer.ip()));
    log::info!("A caller was refused: {reason} rule={rule} peer={peer:?} request_id={id}");
}
