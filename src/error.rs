//! The one error type of the crate.
//!
//! Invariant: `text` may be shown to a client, `cause` never is (except with `debug = true`). The HTTP status
//! is chosen at the edge, in `http`, from [`Kind`] alone.

use std::fmt;

/// What sort of failure it is; decides the stable code and, at the edge, the HTTP status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The request is wrong, or not possible in the present state (400).
    BadRequest,
    /// What the request names does not exist (404).
    NotFound,
    /// Who asks may not do it (403).
    Forbidden,
    /// The node is locked, or its state does not allow it (409).
    Conflict,
    /// The requested API version is not offered (406).
    NotAcceptable,
    /// What the request refers to can not be read, or means nothing (422).
    Unprocessable,
    /// The body is larger than allowed (413).
    TooLarge,
    /// Too much to do, or a server that we need does not answer; to be tried again (503).
    Unavailable,
    /// A defect or an unexpected outcome (500).
    Internal,
}

impl Kind {
    /// The stable code of this kind, for logs and metrics.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::BadRequest => "bad_request",
            Self::NotFound => "not_found",
            Self::Forbidden => "forbidden",
            Self::Conflict => "conflict",
            Self::NotAcceptable => "not_acceptable",
            Self::Unprocessable => "unprocessable",
            Self::TooLarge => "too_large",
            Self::Unavailable => "unavailable",
            Self::Internal => "internal",
        }
    }
}

/// A failure: its kind, the text for the client, and the cause for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// What sort of failure it is.
    pub kind: Kind,
    /// The text that a client may read.
    pub text: String,
    /// What lies behind it; for the log only.
    pub cause: Option<String>,
}

/// A result with the crate's own error.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error without a hidden cause.
    pub fn new(kind: Kind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into(), cause: None }
    }

    /// The same error with its cause.
    #[must_use]
    pub fn caused_by(mut self, cause: impl fmt::Display) -> Self {
        self.cause = Some(cause.to_string());
        self
    }

    /// A wrong request.
    pub fn bad_request(text: impl Into<String>) -> Self {
        Self::new(Kind::BadRequest, text)
    }

    /// Something that does not exist.
    pub fn not_found(text: impl Into<String>) -> Self {
        Self::new(Kind::NotFound, text)
    }

    /// A locked node, or a state that does not allow it.
    pub fn conflict(text: impl Into<String>) -> Self {
        Self::new(Kind::Conflict, text)
    }

    /// Something to be tried again later.
    pub fn unavailable(text: impl Into<String>) -> Self {
        Self::new(Kind::Unavailable, text)
    }

    /// An unexpected outcome: the client reads only that it happened.
    pub fn internal(cause: impl fmt::Display) -> Self {
        Self::new(Kind::Internal, "Internal server error").caused_by(cause)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        match &self.cause {
            Some(cause) => write!(f, " ({cause})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}
