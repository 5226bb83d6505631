//! Sections of what stands around the API: health check, metrics.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::forms;
use super::spec::{Kind, Section, lacks, works};

/// What stands in the file about `[healthcheck]`.
pub(super) const HEALTHCHECK: Section = Section {
    name: "healthcheck",
    help: "GET /healthcheck.",
    options: &[
        works("enabled", Kind::Bool, Some("false"), "Whether /healthcheck is answered."),
        lacks("detailed", Kind::Bool, Some("false"), "a detailed health check", "Whether details are shown."),
        works(
            "backends",
            Kind::ListOf(forms::HEALTHCHECK_BACKEND),
            Some("[]"),
            "Further checks: disable_by_file answers 503 while a file exists.",
        ),
        lacks("path", Kind::Text, Some("\"/healthcheck\""), "another path of the health check", "Its path."),
        works("disable_by_file_path", Kind::Text, None, "That file."),
        lacks("disable_by_file_paths", Kind::List, Some("[]"), "health check backends", "The same per port."),
        lacks("enable_by_file_paths", Kind::List, Some("[]"), "health check backends", "File that enables."),
        lacks(
            "allowed_source_range",
            Kind::List,
            Some("[]"),
            "a check of the source address",
            "Who may ask.",
        ),
        lacks(
            "ignore_proxied_requests",
            Kind::Bool,
            Some("false"),
            "a check for proxies",
            "Not through proxies.",
        ),
    ],
    rest: None,
};

/// What stands in the file about `[metrics]`.
pub(super) const METRICS: Section = Section {
    name: "metrics",
    help: "GET /metrics, in Prometheus' text format.",
    options: &[works(
        "public",
        Kind::Bool,
        Some("false"),
        "Whether /metrics is answered to everybody, and not only to whoever asks from this machine.",
    )],
    rest: None,
};

/// What stands in the file about `[exception]`.
pub(super) const EXCEPTION: Section = Section {
    name: "exception",
    help: "An aid of the ancestor's developers.",
    options: &[lacks(
        "fatal_exception_format_errors",
        Kind::Bool,
        Some("false"),
        "ending with an error on a badly formatted message",
        "Whether a badly formatted message is an error.",
    )],
    rest: None,
};

/// `[healthcheck]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Healthcheck {
    /// Whether `/healthcheck` is answered.
    pub enabled: bool,
    /// Further checks; `disable_by_file` is the only one.
    pub backends: Vec<String>,
    /// The file of `disable_by_file`.
    pub disable_by_file_path: Option<PathBuf>,
}

impl Healthcheck {
    /// The file that switches readiness off while it exists, where that is checked.
    #[must_use]
    pub fn disabling_file(&self) -> Option<&Path> {
        self.disable_by_file_path.as_deref().filter(|_| !self.backends.is_empty())
    }
}

/// `[metrics]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Metrics {
    /// Whether `/metrics` is answered to everybody.
    pub public: bool,
}
