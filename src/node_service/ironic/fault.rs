//! What a failed attempt says: the words of Ironic, and the sort of failure.
//!
//! Invariant: a text is one line of bounded length, whatever Ironic or a proxy before it sent. It knows nothing
//! of the calls.

use awc::http::StatusCode;
use serde_json::Value;

use super::retry::Outcome;
use crate::node_service::{FailureKind, ServiceError};
use crate::openstack;

/// How many characters of a foreign text are kept.
const TEXT_LIMIT: usize = 2000;

/// A failed attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What the retry policy looks at.
    pub outcome: Outcome,
    /// What the caller gets, should it be the last attempt.
    pub error: ServiceError,
}

impl Failure {
    /// No usable answer.
    pub fn lost(text: impl Into<String>) -> Self {
        Self { outcome: Outcome::Lost, error: ServiceError::new(FailureKind::Unreachable, text) }
    }

    /// Nothing could be sent, for want of a token or of an address.
    #[must_use]
    pub fn astray(cause: openstack::Failure) -> Self {
        if cause.is_passing() { Self::lost(cause.text) } else { Self::settled(cause.text) }
    }

    /// Nothing was sent, and another attempt would not help.
    pub fn settled(text: impl Into<String>) -> Self {
        Self { outcome: Outcome::Status(401), error: ServiceError::new(FailureKind::Failed, text) }
    }

    /// An answer other than 2xx.
    #[must_use]
    pub fn answered(status: u16, body: &[u8]) -> Self {
        let text = text_of(body).unwrap_or_else(|| fallback(status));
        Self { outcome: Outcome::Status(status), error: ServiceError::new(kind_of(status), text) }
    }
}

/// The sort of failure of a status.
fn kind_of(status: u16) -> FailureKind {
    match status {
        404 => FailureKind::NotFound,
        409 => FailureKind::Conflict,
        400..500 => FailureKind::Refused,
        _ => FailureKind::Failed,
    }
}

fn fallback(status: u16) -> String {
    let reason = StatusCode::from_u16(status).ok().and_then(|s| s.canonical_reason()).unwrap_or("no reason");
    format!("Ironic answered {status} ({reason})")
}

/// The human part of an error body.
fn text_of(body: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?;
    let words = match serde_json::from_str::<Value>(text) {
        Ok(value) => words_of(&value)?,
        Err(_) if text.trim_start().starts_with('<') => return None,
        Err(_) => text.to_owned(),
    };
    let line: Vec<&str> = words.split_whitespace().collect();
    let line: String = line.join(" ").chars().take(TEXT_LIMIT).collect();
    (!line.is_empty()).then_some(line)
}

/// Ironic wraps a fault into `error_message`, as an object or once more as JSON text; the services before it
/// have their own shapes.
fn words_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => match serde_json::from_str::<Value>(text) {
            Ok(inner @ Value::Object(_)) => words_of(&inner),
            _ => Some(text.clone()),
        },
        Value::Object(object) => {
            ["error_message", "faultstring", "error", "errors", "message", "detail", "title"]
                .iter()
                .find_map(|name| object.get(*name).and_then(words_of))
        }
        Value::Array(items) => items.first().and_then(words_of),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(body: &str) -> String {
        Failure::answered(400, body.as_bytes()).error.text
    }

    #[test]
    fn the_fault_is_found_in_each_of_its_wrappings() {
        let bodies = [
            r#"{"error_message": "{\"faultcode\": \"Client\", \"faultstring\": \"Node x is locked\"}"}"#,
            r#"{"error_message": {"faultcode": "Client", "faultstring": "Node x is locked", "debuginfo": null}}"#,
            r#"{"error_message": "Node x is locked"}"#,
            r#"{"faultstring": "Node x is locked"}"#,
            r#"{"error": {"code": 401, "title": "Unauthorized", "message": "Node x is locked"}}"#,
            r#"{"errors": [{"status": 406, "title": "Node x is locked"}]}"#,
            "Node x is\n locked\n",
        ];
        for body in bodies {
            assert_eq!(text(body), "Node x is locked", "{body}");
        }
    }

    #[test]
    fn a_body_without_words_leaves_the_status() {
        for body in ["", "{}", "<html><body>Bad</body></html>", "[]", r#"{"error_message": ""}"#, "12"] {
            assert_eq!(text(body), "Ironic answered 400 (Bad Request)", "{body}");
        }
        assert_eq!(Failure::answered(599, b"\xff").error.text, "Ironic answered 599 (no reason)");
    }

    #[test]
    fn a_text_is_bounded() {
        assert_eq!(text(&"é".repeat(5000)).chars().count(), TEXT_LIMIT);
    }

    #[test]
    fn the_status_decides_the_kind() {
        let kinds = [
            (400, FailureKind::Refused),
            (401, FailureKind::Refused),
            (404, FailureKind::NotFound),
            (406, FailureKind::Refused),
            (409, FailureKind::Conflict),
            (302, FailureKind::Failed),
            (500, FailureKind::Failed),
            (503, FailureKind::Failed),
        ];
        for (status, kind) in kinds {
            assert_eq!(Failure::answered(status, b"").error.kind, kind, "{status}");
        }
    }
}
