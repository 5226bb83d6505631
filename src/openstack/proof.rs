//! What a request to a service carries to prove who we are.

use std::sync::Arc;
use std::time::Duration;

use awc::http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Failure, Lookup, Session, Tls, Token, V1Session, v1};
use crate::config::{Auth, AuthType, Secret};
use crate::error::{Error, Result};

const AUTH_TOKEN: HeaderName = HeaderName::from_static("x-auth-token");
/// Requests to Keystone at one time: tokens are asked for one by one.
const CONNECTIONS: usize = 4;

/// How requests to a service prove who we are.
#[derive(Clone, Debug)]
pub enum Proof {
    /// Not at all.
    None,
    /// By user and password in each of them.
    Basic(HeaderValue),
    /// By a token of Keystone.
    Token(Session),
    /// By a token of a Swift that stands alone.
    V1(V1Session),
}

/// What one request carries.
#[derive(Clone, Debug, Default)]
pub struct Pass {
    /// The header, if there is one; its value is marked as sensitive.
    pub header: Option<(HeaderName, HeaderValue)>,
    token: Option<Arc<Token>>,
    v1: Option<Arc<v1::Grant>>,
}

impl Proof {
    /// As a section of the configuration has it.
    ///
    /// # Errors
    /// What can not be used of the options.
    pub fn from_config(auth: &Auth, lookup: Lookup, tls: &Tls, timeout: Duration) -> Result<Self> {
        match auth.auth_type {
            AuthType::None => Ok(Self::None),
            AuthType::HttpBasic => basic(auth).map(Self::Basic),
            AuthType::V1Password => V1Session::start(auth, tls, timeout, CONNECTIONS).map(Self::V1),
            AuthType::Password | AuthType::ApplicationCredential => {
                Session::start(auth, lookup, tls, timeout, CONNECTIONS).map(Self::Token)
            }
        }
    }

    /// What the next request carries.
    ///
    /// # Errors
    /// Where there is no token to be had.
    pub async fn pass(&self) -> std::result::Result<Pass, Failure> {
        match self {
            Self::None => Ok(Pass::default()),
            Self::Basic(value) => {
                Ok(Pass { header: Some((AUTHORIZATION, value.clone())), ..Pass::default() })
            }
            Self::Token(session) => {
                let token = session.token().await?;
                let header = Some((AUTH_TOKEN, token.header()));
                Ok(Pass { header, token: Some(token), v1: None })
            }
            Self::V1(session) => {
                let grant = session.grant().await?;
                let header = Some((AUTH_TOKEN, grant.header()));
                Ok(Pass { header, token: None, v1: Some(grant) })
            }
        }
    }

    /// Takes note that a service answered 401 to this pass; tells whether another one may help.
    #[must_use]
    pub fn reject(&self, pass: &Pass) -> bool {
        match (self, &pass.token, &pass.v1) {
            (Self::Token(session), Some(token), _) => session.reject(token),
            (Self::V1(session), _, Some(grant)) => session.reject(grant),
            _ => return false,
        }
        true
    }

    /// Where a service is, as far as who we are tells it.
    ///
    /// # Errors
    /// Where there is no token, or nothing that tells.
    pub async fn endpoint(&self, service_type: &str) -> std::result::Result<String, Failure> {
        match self {
            Self::Token(session) => session.endpoint(service_type).await,
            Self::V1(session) => Ok(session.grant().await?.storage_url().to_owned()),
            Self::None | Self::Basic(_) => Err(Failure::missing("nothing tells where the service is")),
        }
    }
}

fn basic(auth: &Auth) -> Result<HeaderValue> {
    let user = auth.username.as_deref().unwrap_or_default();
    let password = auth.password.as_ref().map(Secret::expose).unwrap_or_default();
    let text = format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
    let mut value = HeaderValue::from_str(&text).map_err(|_| Error::internal("a header that is none"))?;
    value.set_sensitive(true);
    Ok(value)
}
