//! Which database: `sqlite:///path` or a PostgreSQL URL.

use std::fmt;
use std::path::PathBuf;

/// The address of a database. Neither form shows a password.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// A file, relative to the working directory or absolute.
    Sqlite(PathBuf),
    /// A libpq URL.
    Postgres(String),
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:///{}", path.display()),
            Self::Postgres(_) => f.write_str("postgresql://***"),
        }
    }
}
