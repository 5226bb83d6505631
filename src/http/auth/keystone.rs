//! `keystone`: a token in `X-Auth-Token`, examined by Keystone, and then the rule of the endpoint.
//!
//! Invariant: whoever is let through to an endpoint has a good token that its rule allows, or the rule allows anybody.

use std::sync::Arc;

use actix_web::dev::ServiceRequest;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpMessage, HttpRequest};

use super::Refusal;
use super::policy_file::Policies;
use super::tokens::{Holder, Tokens};
use crate::error::{Error, Result};
use crate::http::policy::{Demand, Policy};
use crate::policy::{Caller, Rules};

const AUTH_TOKEN: HeaderName = HeaderName::from_static("x-auth-token");
const DENIED: &str = "Access denied by policy";

/// What callers are judged by.
#[derive(Debug)]
pub struct Keystone {
    tokens: Tokens,
    policies: Policies,
    challenge: HeaderValue,
}

/// What else a caller may do, for handlers that only find out on the way what is asked.
struct Judge {
    rules: Arc<Rules>,
    caller: Caller,
}

/// Whether the caller, who was let through, may do this as well. Without Keystone everybody may.
pub(in crate::http) fn permits(request: &HttpRequest, policy: Policy) -> bool {
    let extensions = request.extensions();
    extensions.get::<Judge>().is_none_or(|judge| judge.rules.allow(policy.name(), &judge.caller))
}

impl Keystone {
    /// `public_url` is where callers without a token are sent to.
    ///
    /// # Errors
    /// Where `public_url` can not stand in a header.
    pub fn new(tokens: Tokens, policies: Policies, public_url: &str) -> Result<Self> {
        let challenge =
            HeaderValue::from_str(&format!("Keystone uri=\"{}\"", public_url.replace('"', "%22")));
        let challenge = challenge
            .map_err(|_| Error::bad_request("[keystone_authtoken]www_authenticate_uri can not be sent"))?;
        Ok(Self { tokens, policies, challenge })
    }

    /// What a client without a good token is told to bring.
    pub(super) fn challenge(&self) -> HeaderValue {
        self.challenge.clone()
    }

    /// The name of the user who asks, where one is needed.
    pub(super) async fn admit(
        &self,
        policy: Policy,
        request: &ServiceRequest,
    ) -> Result<Option<String>, Refusal> {
        let rules = self.policies.rules().await.ok_or_else(super::internal)?;
        let is_public = policy.demand() != Demand::Credentials;
        if is_public && rules.allow(policy.name(), &Caller::anonymous()) {
            return Ok(None);
        }
        let holder = self.holder(request).await?;
        let is_allowed = if is_public {
            rules.allow(policy.name(), &Caller { is_public_api: true, ..holder.caller.clone() })
        } else {
            rules.allow(policy.name(), &holder.caller)
        };
        if is_allowed {
            request.extensions_mut().insert(Judge { rules, caller: holder.caller.clone() });
            Ok(Some(holder.name.clone()))
        } else {
            Err(Refusal::Forbidden(DENIED))
        }
    }

    async fn holder(&self, request: &ServiceRequest) -> Result<Arc<Holder>, Refusal> {
        let token = request.headers().get(AUTH_TOKEN).and_then(|value| value.to_str().ok());
        let holder = self.tokens.holder(token.unwrap_or_default()).await?;
        let is_permitted = holder
            .access
            .as_ref()
            .is_none_or(|access| access.permit(request.method().as_str(), request.path()));
        if is_permitted { Ok(holder) } else { Err(Refusal::Unauthenticated) }
    }
}
