//! What a Keystone answers, for stand-ins; for tests only.

use chrono::{SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::config::{Auth, AuthType, Secret};
use crate::standin::{Asked, Reply};

/// The line of a request for a token.
pub const ISSUE: &str = "POST /v3/auth/tokens";
/// The line of a question about a token.
pub const EXAMINE: &str = "GET /v3/auth/tokens?nocatalog";

/// A token of a user of this name with these roles, for so many seconds from now on, for a project unless `more` says
/// otherwise.
pub fn document(user: &str, roles: &[&str], seconds: i64, more: &Value) -> Value {
    let expires = Utc::now() + TimeDelta::try_seconds(seconds).unwrap();
    let default = json!({"id": "default", "name": "Default"});
    let mut token = json!({
        "methods": ["password"],
        "expires_at": expires.to_rfc3339_opts(SecondsFormat::Micros, true),
        "user": {"id": format!("id-of-{user}"), "name": user, "domain": default, "password_expires_at": null},
        "roles": roles.iter().map(|role| json!({"id": role, "name": role})).collect::<Vec<_>>(),
        "project": {"id": "p1", "name": "service", "domain": default},
    });
    token.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
    json!({"token": token})
}

/// The answer to a request for a token.
pub fn issued(text: &str, document: Value) -> Reply {
    Reply::AnswerWith(201, vec![("X-Subject-Token", text.to_owned())], document)
}

/// Gives `own-0`, `own-1`, ... for an hour each.
pub fn issued_by_number(nth: usize) -> Reply {
    issued(&format!("own-{nth}"), document("rollcall", &["service"], 3600, &Value::Null))
}

/// A refusal in Keystone's words.
pub fn refused(status: u16) -> Reply {
    Reply::Answer(status, json!({"error": {"code": status, "message": "Keystone says no.", "title": "No"}}))
}

/// Whether a request was for a token.
pub fn is_issue(asked: &Asked) -> bool {
    asked.line == ISSUE
}

/// The credentials of `rollcall` at this Keystone.
pub fn auth(url: &str) -> Auth {
    Auth {
        auth_type: AuthType::Password,
        auth_url: Some(url.to_owned()),
        username: Some("rollcall".to_owned()),
        password: Some(Secret::new("s3cret")),
        user_domain_id: Some("default".to_owned()),
        project_name: Some("service".to_owned()),
        project_domain_id: Some("default".to_owned()),
        ..Auth::default()
    }
}
