//! How callers are told apart: from the configuration to what the API asks.
//!
//! It must not know where requests come in.

use std::sync::Arc;
use std::time::Duration;

use crate::config::{Auth, AuthStrategy, Config, NodeServiceKind};
use crate::error::{Error, Result};
use crate::http::auth::{Authentication, Basic, Keystone, Limits, Policies, Terms, Tokens};
use crate::http::policy::Roles;
use crate::openstack::{Lookup, Session, Tls};

/// The file of rules is looked at no more often than this.
const POLICY_LOOK_EVERY: Duration = Duration::from_secs(1);

/// Reads the files that tell users apart: not on the reactor.
pub(super) async fn authentication(config: &Config) -> Result<Authentication> {
    let config = config.clone();
    let made = tokio::task::spawn_blocking(move || match config.auth_strategy {
        AuthStrategy::Noauth => Ok(Authentication::None),
        AuthStrategy::HttpBasic => basic(&config).map(|basic| Authentication::Basic(Arc::new(basic))),
        AuthStrategy::Keystone => keystone(&config).map(|it| Authentication::Keystone(Arc::new(it))),
    });
    made.await.map_err(Error::internal)?
}

fn basic(config: &Config) -> Result<Basic> {
    // The reader of the configuration lets none through without a file.
    let path = config.http_basic_auth_user_file.clone().unwrap_or_default();
    Basic::open(&path, Limits::default())
}

fn keystone(config: &Config) -> Result<Keystone> {
    let options = &config.keystone_authtoken;
    let tls = tls("keystone_authtoken", &options.auth)?;
    let timeout = Duration::from_secs(options.http_connect_timeout);
    let session = Session::start(&options.auth, Lookup::default(), &tls, timeout, options.max_concurrency)?;
    let terms = Terms {
        hold: Duration::from_secs(u64::try_from(options.token_cache_time).unwrap_or_default()),
        deadline: Duration::from_secs(options.validation_timeout),
        retries: options.http_request_max_retries,
        concurrency: options.max_concurrency,
        most: options.token_cache_size,
        service_type: options.service_type.clone(),
    };
    let public_url = options.www_authenticate_uri.as_ref().or(options.auth.auth_url.as_ref());
    let public_url = public_url.map(String::as_str).unwrap_or_default();
    Keystone::new(Tokens::new(session, terms), policies(config)?, public_url)
}

/// What is wrong with the files that a configuration names to tell callers apart, or to talk to Keystone, Ironic
/// and Swift.
#[must_use]
pub fn problems(config: &Config) -> Vec<Error> {
    let is_judged = config.auth_strategy == AuthStrategy::Keystone;
    let is_ironic = config.node_service == NodeServiceKind::Ironic;
    let tokens = is_judged.then(|| tls("keystone_authtoken", &config.keystone_authtoken.auth).err());
    let ironic = is_ironic.then(|| tls("ironic", &config.ironic.auth).err());
    let rules = is_judged.then(|| policies(config).err());
    let swift = (config.processing.store_data == "swift").then(|| tls("swift", &config.swift.auth).err());
    [tokens, ironic, rules, swift].into_iter().flatten().flatten().collect()
}

fn tls(section: &str, auth: &Auth) -> Result<Tls> {
    Tls::from_config(auth).map_err(|wrong| Error::bad_request(format!("[{section}]{wrong}")))
}

fn policies(config: &Config) -> Result<Policies> {
    let options = &config.oslo_policy;
    let roles = if options.enforce_new_defaults { Roles::New } else { Roles::NewAndOld };
    Policies::open(options.policy_file.as_deref(), roles, POLICY_LOOK_EVERY)
}
