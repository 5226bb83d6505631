//! What we show to Keystone to get a token.
//!
//! Invariant: the document holds secrets, and nothing shows it.

use std::fmt;

use bytes::Bytes;
use serde_json::{Value, json};

use crate::config::{self, Secret};

/// The document that asks for a token.
#[derive(Clone)]
pub(super) struct Credentials(Bytes);

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(***)")
    }
}

impl Credentials {
    /// As a section of the configuration has them; the reader has seen to it that nothing is missing.
    pub(super) fn from_config(options: &config::Auth) -> Self {
        let auth = match options.auth_type {
            config::AuthType::ApplicationCredential => json!({"identity": application_credential(options)}),
            _ => {
                let user = user(options, json!({"password": exposed(options.password.as_ref())}));
                let identity = json!({"methods": ["password"], "password": {"user": user}});
                match scope(options) {
                    Some(scope) => json!({"identity": identity, "scope": scope}),
                    None => json!({"identity": identity}),
                }
            }
        };
        Self(Bytes::from(json!({"auth": auth}).to_string()))
    }

    /// The body of the request.
    pub(super) fn body(&self) -> Bytes {
        self.0.clone()
    }
}

fn exposed(secret: Option<&Secret>) -> &str {
    secret.map(Secret::expose).unwrap_or_default()
}

/// The user with more members.
fn user(options: &config::Auth, more: Value) -> Value {
    let mut user = match &options.user_id {
        Some(id) => json!({"id": id}),
        None => {
            let domain = domain(options, &options.user_domain_id, &options.user_domain_name);
            json!({"name": options.username, "domain": domain})
        }
    };
    join(&mut user, more);
    user
}

/// Adds the members of an object to another one.
fn join(object: &mut Value, more: Value) {
    if let (Value::Object(object), Value::Object(more)) = (object, more) {
        object.extend(more);
    }
}

/// A domain by what is said of it, or by what is said of all domains.
fn domain(options: &config::Auth, id: &Option<String>, name: &Option<String>) -> Value {
    match (id, name, &options.default_domain_id, &options.default_domain_name) {
        (Some(id), ..) | (None, None, Some(id), _) => json!({"id": id}),
        (None, Some(name), ..) | (None, None, None, Some(name)) => json!({"name": name}),
        (None, None, None, None) => Value::Null,
    }
}

/// What the token shall be for; a token for nothing has no catalogue.
fn scope(options: &config::Auth) -> Option<Value> {
    if options.system_scope.is_some() {
        return Some(json!({"system": {"all": true}}));
    }
    if let Some(id) = &options.trust_id {
        return Some(json!({"OS-TRUST:trust": {"id": id}}));
    }
    if let Some(id) = &options.project_id {
        return Some(json!({"project": {"id": id}}));
    }
    if let Some(name) = &options.project_name {
        let domain = domain(options, &options.project_domain_id, &options.project_domain_name);
        return Some(json!({"project": {"name": name, "domain": domain}}));
    }
    match (&options.domain_id, &options.domain_name) {
        (Some(id), _) => Some(json!({"domain": {"id": id}})),
        (None, Some(name)) => Some(json!({"domain": {"name": name}})),
        (None, None) => None,
    }
}

fn application_credential(options: &config::Auth) -> Value {
    let mut credential = match (&options.application_credential_id, &options.application_credential_name) {
        (Some(id), _) => json!({"id": id}),
        (None, name) => json!({"name": name, "user": user(options, Value::Null)}),
    };
    join(&mut credential, json!({"secret": exposed(options.application_credential_secret.as_ref())}));
    json!({"methods": ["application_credential"], "application_credential": credential})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Auth, AuthType};

    fn sent(options: &Auth) -> Value {
        let credentials = Credentials::from_config(options);
        assert_eq!(format!("{credentials:?}"), "Credentials(***)");
        serde_json::from_slice::<Value>(&credentials.body()).unwrap()["auth"].clone()
    }

    fn text(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    fn password() -> Auth {
        Auth {
            auth_type: AuthType::Password,
            username: text("ann"),
            password: Some(Secret::new("s")),
            user_domain_name: text("Default"),
            ..Auth::default()
        }
    }

    #[test]
    fn a_password_is_the_users_in_a_domain() {
        let user = json!({"name": "ann", "domain": {"name": "Default"}, "password": "s"});
        let wanted = json!({"identity": {"methods": ["password"], "password": {"user": user}}});
        assert_eq!(sent(&password()), wanted);
        let by_id = sent(&Auth { user_id: text("u1"), ..password() });
        assert_eq!(by_id["identity"]["password"]["user"], json!({"id": "u1", "password": "s"}));
    }

    #[test]
    fn the_scope_is_the_system_a_trust_a_project_or_a_domain() {
        let project =
            Auth { project_name: text("service"), default_domain_id: text("default"), ..password() };
        let named = json!({"project": {"name": "service", "domain": {"id": "default"}}});
        assert_eq!(sent(&project)["scope"], named);
        for (options, scope) in [
            (Auth { project_id: text("p"), ..password() }, json!({"project": {"id": "p"}})),
            (Auth { domain_id: text("d"), ..password() }, json!({"domain": {"id": "d"}})),
            (Auth { domain_name: text("D"), ..password() }, json!({"domain": {"name": "D"}})),
            (Auth { trust_id: text("t"), ..password() }, json!({"OS-TRUST:trust": {"id": "t"}})),
            (Auth { system_scope: text("all"), ..project }, json!({"system": {"all": true}})),
        ] {
            assert_eq!(sent(&options)["scope"], scope);
        }
    }

    #[test]
    fn an_application_credential_has_no_scope_and_may_be_named_by_its_user() {
        let by_id = Auth {
            auth_type: AuthType::ApplicationCredential,
            application_credential_id: text("a"),
            application_credential_secret: Some(Secret::new("s")),
            ..Auth::default()
        };
        let identity = json!({
            "methods": ["application_credential"], "application_credential": {"id": "a", "secret": "s"}
        });
        assert_eq!(sent(&by_id), json!({"identity": identity}));
        let by_name = Auth {
            application_credential_id: None,
            application_credential_name: text("n"),
            user_id: text("u"),
            ..by_id
        };
        let credential = json!({"name": "n", "user": {"id": "u"}, "secret": "s"});
        assert_eq!(sent(&by_name)["identity"]["application_credential"], credential);
    }
}
