//! A database of a benchmark's own, on each kind of server that is to be had; gone when it is dropped.

use std::path::Path;

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl, SqliteConnection};
use rollcall::store::DatabaseUrl;
use uuid::Uuid;

/// Which kind of database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A file in a temporary folder.
    Sqlite,
    /// A database of the cluster at this URL.
    Postgres(String),
}

impl Kind {
    /// SQLite always, PostgreSQL where `ROLLCALL_TEST_POSTGRES` names a cluster.
    pub fn all() -> Vec<Self> {
        let postgres = std::env::var("ROLLCALL_TEST_POSTGRES").ok().map(Self::Postgres);
        std::iter::once(Self::Sqlite).chain(postgres).collect()
    }

    /// The name in the tables.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres(_) => "PostgreSQL",
        }
    }
}

/// An empty database.
pub struct Database {
    /// Where it is.
    pub url: DatabaseUrl,
    folder: tempfile::TempDir,
    drop_at: Option<(String, String)>,
}

impl Database {
    /// Makes one.
    pub fn new(kind: &Kind) -> Self {
        let folder = tempfile::tempdir().unwrap();
        match kind {
            Kind::Sqlite => {
                let url = DatabaseUrl::Sqlite(folder.path().join("bench.sqlite"));
                Self { url, folder, drop_at: None }
            }
            Kind::Postgres(admin) => {
                let name = format!("bench_{}", Uuid::new_v4().simple());
                let mut connection = PgConnection::establish(admin).unwrap();
                connection.batch_execute(&format!("CREATE DATABASE {name}")).unwrap();
                let mut url = url::Url::parse(admin).unwrap();
                url.set_path(&name);
                let drop_at = Some((admin.clone(), name));
                Self { url: DatabaseUrl::Postgres(url.into()), folder, drop_at }
            }
        }
    }

    /// The folder for what belongs to the benchmark.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The URL for a configuration file; unlike what the URL shows of itself, it is whole.
    pub fn connection(&self) -> String {
        match &self.url {
            DatabaseUrl::Sqlite(path) => format!("sqlite:///{}", path.display()),
            DatabaseUrl::Postgres(url) => url.clone(),
        }
    }

    /// What lies in it.
    pub fn contents(&self) -> Contents {
        match &self.url {
            DatabaseUrl::Sqlite(path) => {
                let mut connection = SqliteConnection::establish(&path.to_string_lossy()).unwrap();
                diesel::sql_query(CONTENTS).get_result(&mut connection).unwrap()
            }
            DatabaseUrl::Postgres(url) => {
                let mut connection = PgConnection::establish(url).unwrap();
                diesel::sql_query(CONTENTS).get_result(&mut connection).unwrap()
            }
        }
    }

    /// Transactions that the server ended because they stood in each other's way.
    pub fn deadlocks(&self) -> i64 {
        let DatabaseUrl::Postgres(url) = &self.url else { return 0 };
        let query = "SELECT deadlocks AS count FROM pg_stat_database WHERE datname = current_database()";
        let mut connection = PgConnection::establish(url).unwrap();
        diesel::sql_query(query).get_result::<Count>(&mut connection).unwrap().count
    }

    /// A counter that each committed writing transaction raises by one, whoever made it.
    pub fn commits(&self) -> i64 {
        match &self.url {
            DatabaseUrl::Sqlite(path) => wal_commits(path),
            DatabaseUrl::Postgres(url) => {
                let mut connection = PgConnection::establish(url).unwrap();
                let query = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS count";
                diesel::sql_query(query).get_result::<Count>(&mut connection).unwrap().count
            }
        }
    }
}

/// What lies in a database, as far as it is not chance or time.
#[derive(Debug, PartialEq, Eq, QueryableByName)]
pub struct Contents {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    nodes: i64,
    /// One for each write of a node.
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    versions: i64,
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    attributes: i64,
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    finished_runs: i64,
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    documents: i64,
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    document_bytes: i64,
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    stored_bytes: i64,
}

const CONTENTS: &str = "SELECT (SELECT count(*) FROM nodes) AS nodes, \
     (SELECT CAST(sum(version) AS BIGINT) FROM nodes) AS versions, \
     (SELECT count(*) FROM attributes) AS attributes, \
     (SELECT count(*) FROM runs WHERE outcome = 'finished') AS finished_runs, \
     (SELECT count(*) FROM introspection_data) AS documents, \
     (SELECT CAST(sum(size_bytes) AS BIGINT) FROM documents) AS document_bytes, \
     (SELECT CAST(sum(length(body)) AS BIGINT) FROM documents) AS stored_bytes";

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    count: i64,
}

/// The header of the index of the write-ahead log counts the transactions in its third word.
fn wal_commits(path: &Path) -> i64 {
    let index = std::fs::read(path.with_extension("sqlite-shm")).unwrap_or_default();
    let word = index.get(8..12).and_then(|bytes| <[u8; 4]>::try_from(bytes).ok());
    word.map_or(0, |bytes| i64::from(u32::from_ne_bytes(bytes)))
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Some((admin, name)) = &self.drop_at {
            let mut connection = PgConnection::establish(admin).unwrap();
            connection.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).unwrap();
        }
    }
}

/// A bare connection with the settings of the daemon's writer.
pub enum Bare {
    /// To a file.
    Sqlite(SqliteConnection),
    /// To a server.
    Postgres(PgConnection),
}

impl Bare {
    /// Brings the schema up to date and connects.
    pub fn connect(url: &DatabaseUrl) -> Self {
        rollcall::store::upgrade(url).unwrap();
        match url {
            DatabaseUrl::Sqlite(path) => {
                let mut connection = SqliteConnection::establish(&path.to_string_lossy()).unwrap();
                let settings = "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; \
                     PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA cache_size = -65536; \
                     PRAGMA wal_autocheckpoint = 4000;";
                connection.batch_execute(settings).unwrap();
                Self::Sqlite(connection)
            }
            DatabaseUrl::Postgres(url) => Self::Postgres(PgConnection::establish(url).unwrap()),
        }
    }
}
