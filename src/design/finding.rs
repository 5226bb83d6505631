//! What is told of a design, or of a machine that is held against it.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Level {
    /// As declared.
    Info,
    /// More than was declared.
    Warning,
    /// Other than declared.
    Error,
}

/// One of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Its code; each has one meaning.
    pub code: &'static str,
    /// How bad it is.
    pub level: Level,
    /// What was found.
    pub message: String,
    /// Where in the design: kind, name and, of a violation, the path within the document.
    pub place: String,
}

impl Finding {
    /// An error.
    pub fn error(code: &'static str, place: &str, message: String) -> Self {
        Self { code, level: Level::Error, message, place: place.to_owned() }
    }

    /// As it is shown, with the member names of Drydock.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let (schema, name) = self.place.split_once('/').unwrap_or((&self.place, ""));
        json!({
            "kind": "ValidationMessage",
            "name": self.code,
            "message": self.message,
            "error": self.level == Level::Error,
            "level": self.level,
            "diagnostic": self.place,
            "documents": [{"schema": schema, "name": name}],
        })
    }
}

/// Whether any of them is an error.
#[must_use]
pub fn failed(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.level == Level::Error)
}
