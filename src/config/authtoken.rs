//! `[keystone_authtoken]` and `[oslo_policy]`: how tokens of callers are examined, and what they are good for.
//!
//! Invariant: with `auth_strategy = "keystone"`, a section whose check found nothing leads to a Keystone that can be
//! asked.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::draft::Draft;
use super::keystone::with_auth;
use super::spec::{Kind, Section, lacks, no_effect, works};
use super::{Auth, AuthType};

/// What stands in the file about `[keystone_authtoken]`.
pub(super) const KEYSTONE_AUTHTOKEN: Section = Section {
    name: "keystone_authtoken",
    help: "How tokens of callers are examined, with auth_strategy \"keystone\".",
    options: with_auth![
        "\"password\"",
        keystone::WORKING,
        works(
            "www_authenticate_uri",
            Kind::Form(forms::HTTP_URL),
            None,
            "URL of Keystone that callers without a token are told; unset: auth_url.",
        ),
        works(
            "token_cache_time",
            Kind::Integer(-1, 86_400),
            Some("300"),
            "Seconds that a token is not examined anew, nor a revoked one noticed; 0 or -1: each time.",
        ),
        works(
            "token_cache_size",
            Kind::Integer(2, 10_000_000),
            Some("10000"),
            "Tokens that are remembered, the good and the bad apart.",
        ),
        works(
            "http_connect_timeout",
            Kind::Integer(1, 600),
            Some("10"),
            "Seconds that a request to Keystone may take.",
        ),
        works(
            "http_request_max_retries",
            Kind::Integer(0, 100),
            Some("3"),
            "How often Keystone is asked again where it does not answer.",
        ),
        works("max_concurrency", Kind::Integer(1, 1000), Some("16"), "Requests to Keystone at one time.",),
        works(
            "validation_timeout",
            Kind::Integer(1, 600),
            Some("20"),
            "Seconds after which a caller whose token is being examined is answered 503.",
        ),
        works(
            "service_type",
            Kind::Text,
            Some("\"baremetal-introspection\""),
            "Our type, as the access rules of application credentials name it.",
        ),
        no_effect("interface", PLACE),
        no_effect("region_name", PLACE),
        no_effect("auth_version", "only v3 is spoken"),
        no_effect("auth_uri", "an older name: use www_authenticate_uri"),
        no_effect("delay_auth_decision", "public endpoints are open, all others need a token"),
        no_effect("include_service_catalog", "the catalogue of callers is not used"),
        no_effect("service_token_roles", SERVICE),
        no_effect("service_token_roles_required", SERVICE),
        no_effect("enforce_token_bind", "tokens are not bound any more"),
        no_effect("cache", CACHE),
        no_effect("memcached_servers", CACHE),
        no_effect("memcache_security_strategy", CACHE),
        no_effect("memcache_secret_key", CACHE),
        no_effect("memcache_tls_enabled", CACHE),
        no_effect("memcache_tls_cafile", CACHE),
        no_effect("memcache_tls_certfile", CACHE),
        no_effect("memcache_tls_keyfile", CACHE),
        no_effect("memcache_tls_allowed_ciphers", CACHE),
        no_effect("memcache_pool_dead_retry", CACHE),
        no_effect("memcache_pool_maxsize", CACHE),
        no_effect("memcache_pool_socket_timeout", CACHE),
        no_effect("memcache_pool_unused_timeout", CACHE),
        no_effect("memcache_pool_conn_get_timeout", CACHE),
        no_effect("memcache_use_advanced_pool", CACHE),
        no_effect("memcache_sasl_enabled", CACHE),
        no_effect("memcache_username", CACHE),
        no_effect("memcache_password", CACHE),
        no_effect("timeout", "see http_connect_timeout"),
    ],
    rest: None,
};

const PLACE: &str = "tokens are examined at auth_url";
const SERVICE: &str = "a second token of a service beside that of the caller is not looked at";
const CACHE: &str = "what is known of tokens is remembered in this process; see token_cache_size";

/// What stands in the file about `[oslo_policy]`.
pub(super) const OSLO_POLICY: Section = Section {
    name: "oslo_policy",
    help: "Who may do what, with auth_strategy \"keystone\".",
    options: &[
        works(
            "policy_file",
            Kind::Text,
            None,
            "File of rules, YAML or JSON, over the defaults; read again when it changes.",
        ),
        works(
            "enforce_new_defaults",
            Kind::Bool,
            Some("true"),
            "Whether the roles of old (baremetal_admin, baremetal_observer) count for nothing by default.",
        ),
        no_effect("enforce_scope", "no rule is kept to one sort of scope"),
        no_effect("policy_default_rule", "every endpoint has a rule of its own"),
        lacks("policy_dirs", Kind::Multi, None, "folders of policies", "Folders of more such files."),
        no_effect("remote_content_type", REMOTE),
        no_effect("remote_ssl_verify_server_crt", REMOTE),
        no_effect("remote_ssl_ca_crt_file", REMOTE),
        no_effect("remote_ssl_client_crt_file", REMOTE),
        no_effect("remote_ssl_client_key_file", REMOTE),
        no_effect("remote_timeout", REMOTE),
    ],
    rest: None,
};

const REMOTE: &str = "checks by another server are not supported";

/// `[keystone_authtoken]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct KeystoneAuthtoken {
    /// Who we are to Keystone.
    #[serde(flatten)]
    pub auth: Auth,
    /// What callers without a token are told.
    pub www_authenticate_uri: Option<String>,
    /// Seconds that a token is not examined anew.
    pub token_cache_time: i64,
    /// Tokens that are remembered.
    pub token_cache_size: usize,
    /// Seconds that a request to Keystone may take.
    pub http_connect_timeout: u64,
    /// How often Keystone is asked again where it does not answer.
    pub http_request_max_retries: u32,
    /// Requests to Keystone at one time.
    pub max_concurrency: usize,
    /// Seconds that a caller waits.
    pub validation_timeout: u64,
    /// Our type, as access rules name it.
    pub service_type: String,
}

impl Default for KeystoneAuthtoken {
    fn default() -> Self {
        Self {
            auth: Auth { auth_type: AuthType::Password, ..Auth::default() },
            www_authenticate_uri: None,
            token_cache_time: 300,
            token_cache_size: 10_000,
            http_connect_timeout: 10,
            http_request_max_retries: 3,
            max_concurrency: 16,
            validation_timeout: 20,
            service_type: "baremetal-introspection".to_owned(),
        }
    }
}

impl KeystoneAuthtoken {
    /// Adds what is missing or idle.
    pub(super) fn check(&self, draft: &mut Draft) {
        if self.auth.uses_keystone() {
            self.auth.check("keystone_authtoken", draft);
        } else {
            draft.problem("keystone_authtoken.auth_type", "password or v3applicationcredential is needed");
        }
    }
}

/// `[oslo_policy]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OsloPolicy {
    /// File of rules, over the defaults.
    pub policy_file: Option<PathBuf>,
    /// Whether the roles of old count for nothing by default.
    pub enforce_new_defaults: bool,
}

impl Default for OsloPolicy {
    fn default() -> Self {
        Self { policy_file: None, enforce_new_defaults: true }
    }
}
