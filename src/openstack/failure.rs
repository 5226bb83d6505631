//! What went wrong with Keystone, or with finding a service.

use std::fmt;

/// What sort of failure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// No usable answer came; another attempt may help.
    Unreachable,
    /// An answer with this status.
    Status(u16),
    /// The service catalogue does not have what is wanted.
    Missing,
}

/// A failure, with a text that may be shown to operators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What sort it is.
    pub sort: Sort,
    /// What happened; one line without secrets.
    pub text: String,
}

impl Failure {
    /// No usable answer.
    pub(super) fn unreachable(text: impl Into<String>) -> Self {
        Self { sort: Sort::Unreachable, text: text.into() }
    }

    /// The catalogue lacks something.
    pub(super) fn missing(text: impl Into<String>) -> Self {
        Self { sort: Sort::Missing, text: text.into() }
    }

    /// Whether the same may go well a moment later.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self.sort {
            Sort::Unreachable => true,
            Sort::Status(status) => !(400..500).contains(&status) || status == 429,
            Sort::Missing => false,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Failure {}
