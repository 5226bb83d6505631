//! `[database]`: where the records are kept.
//!
//! Invariant: what a database URL shows of itself never includes user, password or parameters.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize, Serializer};
use url::Url;

use super::forms;
use super::spec::{Kind, Section, lacks, no_effect, works};

/// What stands in the file about `[database]`.
pub(super) const SECTION: Section = Section {
    name: "database",
    help: "Where the records are kept.",
    options: &[
        works(
            "connection",
            Kind::Form(forms::DATABASE_URL),
            Some("\"sqlite:///rollcall.sqlite\""),
            "URL: sqlite:///relative, sqlite:////absolute or postgresql://user:password@host/name.",
        ),
        works("pool_size", Kind::Integer(1, 1000), Some("4"), "Connections for reading."),
        lacks("slave_connection", Kind::Secret, None, "reading from a replica", "URL of a replica."),
        no_effect("backend", LIBRARY),
        no_effect("max_pool_size", LIBRARY),
        no_effect("min_pool_size", LIBRARY),
        no_effect("max_overflow", LIBRARY),
        no_effect("pool_timeout", LIBRARY),
        no_effect("connection_recycle_time", LIBRARY),
        no_effect("max_retries", LIBRARY),
        no_effect("retry_interval", LIBRARY),
        no_effect("db_max_retries", LIBRARY),
        no_effect("db_retry_interval", LIBRARY),
        no_effect("db_inc_retry_interval", LIBRARY),
        no_effect("db_max_retry_interval", LIBRARY),
        no_effect("use_db_reconnect", LIBRARY),
        no_effect("sqlite_synchronous", LIBRARY),
        no_effect("connection_debug", LIBRARY),
        no_effect("connection_trace", LIBRARY),
        no_effect("mysql_sql_mode", "MySQL is not supported"),
        no_effect("mysql_wsrep_sync_wait", "MySQL is not supported"),
    ],
    rest: None,
};

const LIBRARY: &str = "it tunes a library that is not used here; see pool_size";

/// `[database]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Database {
    /// The database itself.
    pub connection: DatabaseUrl,
    /// Connections for reading.
    pub pool_size: u32,
}

impl Default for Database {
    fn default() -> Self {
        Self { connection: DatabaseUrl::Sqlite(PathBuf::from("rollcall.sqlite")), pool_size: 4 }
    }
}

/// A database: a file, or a server.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum DatabaseUrl {
    /// A SQLite file; a relative path is one from the working folder.
    Sqlite(PathBuf),
    /// A PostgreSQL database, as a URL that libpq takes; holds secrets.
    Postgres(String),
}

impl TryFrom<String> for DatabaseUrl {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let (scheme, rest) =
            text.split_once("://").ok_or("a URL is needed, like sqlite:///rollcall.sqlite")?;
        match scheme.split('+').next() {
            Some("sqlite") => sqlite(rest),
            Some("postgresql" | "postgres") => postgres(rest),
            Some("mysql" | "mariadb") => Err("MySQL is not supported; use sqlite or postgresql".to_owned()),
            _ => Err("such a database is not supported; use sqlite or postgresql".to_owned()),
        }
    }
}

/// The path of a SQLite URL, of which `rest` follows the scheme.
fn sqlite(rest: &str) -> Result<DatabaseUrl, String> {
    let path = match rest.strip_prefix('/') {
        Some(path) => path,
        None if rest.is_empty() => "",
        None => return Err("three slashes are needed before the path, four for an absolute one".to_owned()),
    };
    if path.is_empty() || path.starts_with(":memory:") {
        return Err("a database in memory would lose its records; name a file: sqlite:///PATH".to_owned());
    }
    if path.contains('?') {
        return Err("parameters after ? are not supported for sqlite".to_owned());
    }
    Ok(DatabaseUrl::Sqlite(PathBuf::from(path)))
}

/// The libpq form of a PostgreSQL URL: the driver's name is not part of it.
fn postgres(rest: &str) -> Result<DatabaseUrl, String> {
    if rest.is_empty() {
        return Err("postgresql:// lacks the host and the name of the database".to_owned());
    }
    Ok(DatabaseUrl::Postgres(format!("postgresql://{rest}")))
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:///{}", path.display()),
            Self::Postgres(url) => match Url::parse(url) {
                // An @ behind the host tells of a password with odd characters: then nothing is what it seems.
                Ok(url) if !url.path().contains('@') && !url.query().unwrap_or_default().contains('@') => {
                    write!(f, "postgresql://{}{}", url.host_str().unwrap_or_default(), url.path())
                }
                _ => f.write_str("postgresql://***"),
            },
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for DatabaseUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<DatabaseUrl, String> {
        DatabaseUrl::try_from(text.to_owned())
    }

    #[test]
    fn three_slashes_are_relative_and_four_absolute() {
        assert_eq!(parsed("sqlite:///a/b.sqlite"), Ok(DatabaseUrl::Sqlite("a/b.sqlite".into())));
        assert_eq!(parsed("sqlite:////a/b.sqlite"), Ok(DatabaseUrl::Sqlite("/a/b.sqlite".into())));
        assert_eq!(parsed("sqlite+pysqlite:////a"), Ok(DatabaseUrl::Sqlite("/a".into())));
    }

    #[test]
    fn a_database_in_memory_is_refused() {
        for text in ["sqlite://", "sqlite:///", "sqlite:///:memory:"] {
            assert!(parsed(text).unwrap_err().contains("in memory"), "{text}");
        }
    }

    #[test]
    fn the_driver_of_a_postgresql_url_is_dropped() {
        let wanted = DatabaseUrl::Postgres("postgresql://u:p@h:5433/db?sslmode=require".to_owned());
        for scheme in ["postgresql", "postgresql+psycopg2", "postgresql+pg8000", "postgres"] {
            assert_eq!(parsed(&format!("{scheme}://u:p@h:5433/db?sslmode=require")).as_ref(), Ok(&wanted));
        }
    }

    #[test]
    fn other_databases_are_refused_by_name() {
        assert!(parsed("mysql+pymysql://u:secret@h/db").unwrap_err().starts_with("MySQL is not supported"));
        assert!(parsed("oracle://u:secret@h/db").unwrap_err().contains("not supported"));
        assert!(parsed("rollcall.sqlite").unwrap_err().contains("a URL is needed"));
    }

    #[test]
    fn neither_user_nor_password_are_shown() {
        for text in [
            "postgresql://user:s3cret@host:5432/db?password=s3cret",
            "postgresql://user:s3/cret@host/db",
            "postgresql://user:s3?cret@host/db",
            "postgresql://user@host/db?password=s3cr@et",
            "postgresql:///db?password=s3cret&host=/run",
        ] {
            let url = parsed(text).unwrap();
            let shown = format!("{url} {url:?} {}", serde_json::to_string(&url).unwrap());
            assert!(!shown.contains("s3") && !shown.contains("user"), "{shown}");
        }
        assert_eq!(parsed("postgresql://u:p@host:5432/db").unwrap().to_string(), "postgresql://host/db");
    }
}
