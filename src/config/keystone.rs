//! What sections about services of OpenStack have in common: the options of keystoneauth.
//!
//! Invariant: a section whose check found nothing has all that its `auth_type` needs.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Secret;
use super::draft::Draft;

/// The options of a section: its own ones, those about who we are, and those about TLS.
macro_rules! with_auth {
    ($auth_type:expr, $working:expr, $($own:expr),* $(,)?) => {{
        use $crate::config::spec::{Kind, lacks, no_effect, only, works};
        use $crate::config::{forms, keystone};
        &[
            $($own,)*
            only("auth_type", keystone::AUTH_TYPES, $working, $auth_type, "How we prove who we are."),
            works("auth_url", Kind::Form(forms::HTTP_URL), None, "URL of Keystone, with or without /v3."),
            works("username", Kind::Text, None, "Our user."),
            works("user_id", Kind::Text, None, "Its id, instead of name and domain."),
            works("password", Kind::Secret, None, "Its password."),
            works("user_domain_name", Kind::Text, None, "Name of its domain."),
            works("user_domain_id", Kind::Text, None, "Id of its domain."),
            works("project_name", Kind::Text, None, "Name of the project that the token is for."),
            works("project_id", Kind::Text, None, "Its id, instead of name and domain."),
            works("project_domain_name", Kind::Text, None, "Name of the project's domain."),
            works("project_domain_id", Kind::Text, None, "Id of the project's domain."),
            works("domain_name", Kind::Text, None, "Name of the domain that the token is for."),
            works("domain_id", Kind::Text, None, "Id of the domain that the token is for."),
            works("system_scope", Kind::Choice(&["all"]), None, "\"all\": the token is for the system."),
            works("trust_id", Kind::Text, None, "Id of the trust that the token is for."),
            works("default_domain_name", Kind::Text, None, "Domain of user and project where none is given."),
            works("default_domain_id", Kind::Text, None, "Its id."),
            works("application_credential_id", Kind::Text, None, "Id of an application credential."),
            works("application_credential_name", Kind::Text, None, "Its name, instead; needs a user."),
            works("application_credential_secret", Kind::Secret, None, "Its secret."),
            works("insecure", Kind::Bool, Some("false"), "Whether any certificate of a server is good."),
            works("cafile", Kind::Text, None, "PEM file of authorities; unset: those that Mozilla lists."),
            works("certfile", Kind::Text, None, "PEM file of our own certificate."),
            works("keyfile", Kind::Text, None, "PEM file of its key; unset: it is in certfile."),
            lacks("auth_section", Kind::Text, None, "a section shared by clients", "Section to read instead."),
            lacks("token", Kind::Secret, None, "a ready token", "A ready token."),
            lacks("tenant_id", Kind::Text, None, "an older name: use project_id", "Older name."),
            lacks("tenant_name", Kind::Text, None, "an older name: use project_name", "Older name."),
            no_effect("collect_timing", keystone::LIBRARY),
            no_effect("split_loggers", keystone::LIBRARY),
        ]
    }};
}
pub(super) use with_auth;

/// The options of a section about a service: its own ones, where it is in the service catalogue, and [`with_auth`].
macro_rules! with_adapter {
    ($auth_type:expr, $working:expr, $service_type:expr, $retries:expr, $($own:expr),* $(,)?) => {
        $crate::config::keystone::with_auth![
            $auth_type,
            $working,
            $($own,)*
            works("service_type", Kind::Text, Some($service_type), "Type in the service catalogue."),
            works("service_name", Kind::Text, None, "Name in the service catalogue; unset: any."),
            works(
                "valid_interfaces",
                Kind::List,
                Some(r#"["internal", "public"]"#),
                "Interfaces in the service catalogue; the first that is there counts.",
            ),
            works("region_name", Kind::Text, None, "Region in the service catalogue; unset: any."),
            lacks("min_version", Kind::Text, None, "a choice of the API's version", "Lowest major version."),
            lacks("max_version", Kind::Text, None, "a choice of the API's version", "Highest major version."),
            no_effect("connect_retries", $retries),
            no_effect("connect_retry_delay", $retries),
            no_effect("status_code_retries", $retries),
            no_effect("status_code_retry_delay", $retries),
            no_effect("retriable_status_codes", $retries),
        ]
    };
}
pub(super) use with_adapter;

pub(super) const LIBRARY: &str = "it tunes a library that is not used here";
/// All that keystoneauth knows.
pub(super) const AUTH_TYPES: &[&str] = &[
    "none",
    "http_basic",
    "v1password",
    "password",
    "token",
    "v2password",
    "v2token",
    "v3password",
    "v3token",
    "v3applicationcredential",
    "v3oidcclientcredentials",
    "v3oidcpassword",
    "v3oidcauthcode",
    "v3oidcaccesstoken",
    "v3oauth1",
    "v3oauth2clientcredential",
    "v3oauth2mtlsclientcredential",
    "v3totp",
    "v3kerberos",
    "v3adfspassword",
    "v3samlpassword",
    "v3multifactor",
    "v3tokenlessauth",
    "admin_token",
];
/// What works of it.
pub(super) const WORKING: &[&str] =
    &["none", "http_basic", "password", "v3password", "v3applicationcredential"];

/// What works of it for a Swift, which can stand alone.
pub(super) const WORKING_ALONE: &[&str] =
    &["none", "http_basic", "v1password", "password", "v3password", "v3applicationcredential"];

/// What is idle without Keystone; the first two are of use for `http_basic`, the first three for `v1password`.
const OF_KEYSTONE: &[&str] = &[
    "username",
    "password",
    "auth_url",
    "user_id",
    "user_domain_name",
    "user_domain_id",
    "project_name",
    "project_id",
    "project_domain_name",
    "project_domain_id",
    "domain_name",
    "domain_id",
    "system_scope",
    "trust_id",
    "default_domain_name",
    "default_domain_id",
    "application_credential_id",
    "application_credential_name",
    "application_credential_secret",
];

/// How we prove who we are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum AuthType {
    /// Not at all.
    #[default]
    #[serde(rename = "none")]
    None,
    /// By user and password in each request.
    #[serde(rename = "http_basic")]
    HttpBasic,
    /// By a token that a Swift without Keystone gives for user and password.
    #[serde(rename = "v1password")]
    V1Password,
    /// By a token that Keystone gives for user and password.
    #[serde(rename = "password", alias = "v3password")]
    Password,
    /// By a token that Keystone gives for an application credential.
    #[serde(rename = "v3applicationcredential")]
    ApplicationCredential,
}

/// Who we are to a service, and whom we believe to be that service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Auth {
    /// How we prove who we are.
    pub auth_type: AuthType,
    /// URL of Keystone, with or without `/v3`; with `v1password`, where Swift gives tokens.
    pub auth_url: Option<String>,
    /// Our user.
    pub username: Option<String>,
    /// Its id.
    pub user_id: Option<String>,
    /// Its password.
    pub password: Option<Secret>,
    /// Name of its domain.
    pub user_domain_name: Option<String>,
    /// Id of its domain.
    pub user_domain_id: Option<String>,
    /// Name of the project that the token is for.
    pub project_name: Option<String>,
    /// Its id.
    pub project_id: Option<String>,
    /// Name of the project's domain.
    pub project_domain_name: Option<String>,
    /// Id of the project's domain.
    pub project_domain_id: Option<String>,
    /// Name of the domain that the token is for.
    pub domain_name: Option<String>,
    /// Id of the domain that the token is for.
    pub domain_id: Option<String>,
    /// `all`, where the token is for the system.
    pub system_scope: Option<String>,
    /// Id of the trust that the token is for.
    pub trust_id: Option<String>,
    /// Domain of user and project where none is given.
    pub default_domain_name: Option<String>,
    /// Its id.
    pub default_domain_id: Option<String>,
    /// Id of an application credential.
    pub application_credential_id: Option<String>,
    /// Its name.
    pub application_credential_name: Option<String>,
    /// Its secret.
    pub application_credential_secret: Option<Secret>,
    /// Whether any certificate of a server is good.
    pub insecure: bool,
    /// PEM file of authorities.
    pub cafile: Option<PathBuf>,
    /// PEM file of our own certificate.
    pub certfile: Option<PathBuf>,
    /// PEM file of its key.
    pub keyfile: Option<PathBuf>,
}

/// Which endpoint of a service is taken from the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Adapter {
    /// Name of the service.
    pub service_name: Option<String>,
    /// Interfaces, the first that is there counts.
    pub valid_interfaces: Vec<String>,
    /// Region.
    pub region_name: Option<String>,
}

impl Default for Adapter {
    fn default() -> Self {
        let valid_interfaces = ["internal", "public"].map(str::to_owned).to_vec();
        Self { service_name: None, valid_interfaces, region_name: None }
    }
}

impl Auth {
    /// Whether tokens are asked for.
    #[must_use]
    pub fn uses_keystone(&self) -> bool {
        matches!(self.auth_type, AuthType::Password | AuthType::ApplicationCredential)
    }

    /// Adds what is missing or idle in a section.
    pub(super) fn check(&self, section: &str, draft: &mut Draft) {
        let full = |name: &str| format!("{section}.{name}");
        for (name, why) in self.missing() {
            draft.problem(&full(name), &why);
        }
        if self.keyfile.is_some() && self.certfile.is_none() {
            draft.problem(&full("keyfile"), "certfile is needed too");
        }
        if self.insecure {
            draft
                .warning(&full("insecure"), "whoever stands between us and the service can read our secrets");
            if self.cafile.is_some() {
                draft.warning(&full("cafile"), "has no effect with insecure");
            }
        }
        let idle = self.idle().iter().filter(|name| draft.has(section, name)).collect::<Vec<_>>();
        for name in idle {
            let word = self.word();
            draft.warning(&full(name), &format!("has no effect with auth_type {word}"));
        }
    }

    /// What the `auth_type` needs and is not there, with the reason.
    pub(super) fn missing(&self) -> Vec<(&'static str, String)> {
        let mut missing = Vec::new();
        let mut need = |name: &'static str, is_there: bool, why: &str| {
            if !is_there {
                missing.push((name, format!("needed with auth_type {}{why}", self.word())));
            }
        };
        match self.auth_type {
            AuthType::None => {}
            AuthType::HttpBasic => {
                need("username", self.username.is_some(), "");
                need("password", self.password.is_some(), "");
                let is_plain = self.username.as_ref().is_none_or(|name| !name.contains(':'));
                need("username", is_plain, ", without a colon in it");
            }
            AuthType::V1Password => {
                need("auth_url", self.auth_url.is_some(), "");
                need("username", self.username.is_some(), "");
                need("password", self.password.is_some(), "");
            }
            AuthType::Password => {
                need("auth_url", self.auth_url.is_some(), "");
                need("username", self.has_user(), "; or user_id");
                need("user_domain_name", self.has_user_domain(), "; or user_domain_id, default_domain_id");
                need("password", self.password.is_some(), "");
                need(
                    "project_domain_name",
                    self.has_project_domain(),
                    " and project_name; or project_domain_id",
                );
            }
            AuthType::ApplicationCredential => {
                let by_id = self.application_credential_id.is_some();
                let by_name = self.application_credential_name.is_some();
                need("auth_url", self.auth_url.is_some(), "");
                need("application_credential_id", by_id || by_name, "; or application_credential_name");
                need("username", !by_name || by_id || self.has_user(), " and a name; or user_id");
                need("user_domain_name", by_id || self.has_user_domain(), " and a name; or user_domain_id");
                let has_secret = self.application_credential_secret.is_some();
                need("application_credential_secret", has_secret, "");
            }
        }
        missing
    }

    fn has_user(&self) -> bool {
        self.user_id.is_some() || self.username.is_some()
    }

    fn has_default_domain(&self) -> bool {
        self.default_domain_id.is_some() || self.default_domain_name.is_some()
    }

    /// A user without a name needs no domain.
    fn has_user_domain(&self) -> bool {
        let given = self.user_domain_id.is_some() || self.user_domain_name.is_some();
        given || self.has_default_domain() || self.user_id.is_some() || self.username.is_none()
    }

    fn has_project_domain(&self) -> bool {
        let given = self.project_domain_id.is_some() || self.project_domain_name.is_some();
        given || self.has_default_domain() || self.project_id.is_some() || self.project_name.is_none()
    }

    /// What is not looked at.
    fn idle(&self) -> &'static [&'static str] {
        match self.auth_type {
            AuthType::None => OF_KEYSTONE,
            AuthType::HttpBasic => OF_KEYSTONE.get(2..).unwrap_or_default(),
            AuthType::V1Password => OF_KEYSTONE.get(3..).unwrap_or_default(),
            AuthType::Password => &["application_credential_id", "application_credential_name"],
            AuthType::ApplicationCredential => &["password"],
        }
    }

    fn word(&self) -> &'static str {
        match self.auth_type {
            AuthType::None => "none",
            AuthType::HttpBasic => "http_basic",
            AuthType::V1Password => "v1password",
            AuthType::Password => "password",
            AuthType::ApplicationCredential => "v3applicationcredential",
        }
    }
}
