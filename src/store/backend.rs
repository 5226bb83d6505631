//! The two kinds of database: pools, session settings, migrations, transactions.
//!
//! Here stands what truly differs between SQLite and PostgreSQL; everything else is written once.

use std::fs::{File, OpenOptions};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::migration::{MigrationSource, MigrationVersion};
use diesel::prelude::*;
use diesel::r2d2::{ConnectionManager, Error as PoolError};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use r2d2::{CustomizeConnection, Pool, PooledConnection};

use super::writer::QueryResult;
use super::{Session, from_diesel};
use crate::config::DatabaseUrl;
use crate::error::{Error, Result};

const SQLITE_MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES_MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// How long a thread waits for a connection of the pool.
const POOL_TIMEOUT: Duration = Duration::from_secs(10);

/// Where the schema stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaVersion {
    /// The newest migration in the database; `None` for an empty one.
    pub database: Option<String>,
    /// The newest migration of this program.
    pub program: String,
}

impl SchemaVersion {
    /// Whether the database was made by a newer program.
    #[must_use]
    pub fn is_newer_than_program(&self) -> bool {
        self.database.as_ref().is_some_and(|database| *database > self.program)
    }
}

/// What the store asks of a database, whichever it is.
pub(super) trait Backend: Send + Sync {
    /// Lends a connection of the pool for reading.
    fn with_reader(&self, read: &mut dyn FnMut(&mut dyn Session)) -> Result<()>;

    /// Runs `work` in one transaction of the writing connection; an error rolls it back.
    fn in_transaction(
        &self,
        work: &mut dyn FnMut(&mut dyn Session) -> QueryResult<()>,
    ) -> Result<QueryResult<()>>;

    /// Brings the schema up to date.
    fn migrate(&self) -> Result<()>;

    /// Where the schema stands.
    fn schema_version(&self) -> Result<SchemaVersion>;
}

/// Whether another process may work on the same database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// No second process with this access: the lock on the file, or in the database, is taken.
    Exclusive,
    /// Beside a process that has the lock; transactions keep the two apart.
    Shared,
}

/// Opens the pools.
pub(super) fn connect(url: &DatabaseUrl, pool_size: u32, access: Access) -> Result<Arc<dyn Backend>> {
    match url {
        DatabaseUrl::Sqlite(path) => Ok(Arc::new(Sqlite::open(path, pool_size, access)?)),
        DatabaseUrl::Postgres(url) => Ok(Arc::new(Postgres::open(url, pool_size, access)?)),
    }
}

fn pool<C>(
    manager: ConnectionManager<C>,
    size: u32,
    settings: impl CustomizeConnection<C, PoolError>,
) -> Result<Pool<ConnectionManager<C>>>
where
    C: diesel::r2d2::R2D2Connection + 'static,
{
    Pool::builder()
        .max_size(size)
        .min_idle(Some(1))
        .connection_timeout(POOL_TIMEOUT)
        .connection_customizer(Box::new(settings))
        .build(manager)
        .map_err(|cause| Error::unavailable("The database can not be opened").caused_by(cause))
}

fn take<C>(pool: &Pool<ConnectionManager<C>>) -> Result<PooledConnection<ConnectionManager<C>>>
where
    C: diesel::r2d2::R2D2Connection + 'static,
{
    pool.get().map_err(|cause| {
        Error::unavailable("The database can not be reached at the moment, please try again later")
            .caused_by(cause)
    })
}

/// Runs the pending migrations, unless the database is from a newer program.
fn run_migrations<DB, C>(
    connection: &mut C,
    version: &SchemaVersion,
    migrations: EmbeddedMigrations,
) -> Result<()>
where
    DB: diesel::backend::Backend,
    C: MigrationHarness<DB>,
{
    if version.is_newer_than_program() {
        let found = version.database.as_deref().unwrap_or_default();
        return Err(Error::bad_request(format!(
            "The database has schema {found}, which is newer than this program's {}: use a newer rollcall",
            version.program
        )));
    }
    connection.run_pending_migrations(migrations).map(drop).map_err(Error::internal)
}

fn version_of<DB, C>(connection: &mut C, migrations: &EmbeddedMigrations) -> Result<SchemaVersion>
where
    DB: diesel::backend::Backend,
    C: MigrationHarness<DB>,
    EmbeddedMigrations: MigrationSource<DB>,
{
    let applied = connection.applied_migrations().map_err(Error::internal)?;
    let known = MigrationSource::<DB>::migrations(migrations).map_err(Error::internal)?;
    let program = known.iter().map(|m| m.name().version().to_string()).max().unwrap_or_default();
    Ok(SchemaVersion { database: applied.iter().map(MigrationVersion::to_string).max(), program })
}

/// SQLite: WAL, every commit synced, one writing connection and a few that can only read.
struct Sqlite {
    writer: Pool<ConnectionManager<SqliteConnection>>,
    readers: Pool<ConnectionManager<SqliteConnection>>,
    _lock: Option<File>,
}

#[derive(Clone, Copy, Debug)]
enum SqliteRole {
    Writer,
    Reader,
}

impl CustomizeConnection<SqliteConnection, PoolError> for SqliteRole {
    fn on_acquire(&self, connection: &mut SqliteConnection) -> std::result::Result<(), PoolError> {
        let settings = match self {
            // 16 MB of cache, the rest is the kernel's; a checkpoint each 4000 pages was measured to be no slower than larger ones.
            Self::Writer => {
                "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
                 PRAGMA foreign_keys = ON; PRAGMA cache_size = -16384; PRAGMA wal_autocheckpoint = 4000;"
            }
            Self::Reader => "PRAGMA busy_timeout = 5000; PRAGMA query_only = ON;",
        };
        connection.batch_execute(settings).map_err(PoolError::QueryError)
    }
}

impl Sqlite {
    fn open(path: &Path, pool_size: u32, access: Access) -> Result<Self> {
        let lock = match access {
            Access::Exclusive => Some(lock_file(path)?),
            Access::Shared => None,
        };
        let name = path.to_string_lossy().into_owned();
        let writer = pool(ConnectionManager::new(&name), 1, SqliteRole::Writer)?;
        let readers = pool(ConnectionManager::new(&name), pool_size, SqliteRole::Reader)?;
        Ok(Self { writer, readers, _lock: lock })
    }
}

/// The lock lies on a file of its own: SQLite's own locks on the database file are process-wide POSIX locks
/// that any close of the file would drop.
fn lock_file(path: &Path) -> Result<File> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let shown = path.display();
    let file =
        OpenOptions::new().create(true).truncate(false).write(true).open(&name).map_err(|cause| {
            Error::bad_request(format!("The database {shown} can not be opened: {cause}"))
        })?;
    file.try_lock().map_err(|_| {
        Error::conflict(format!("The database {shown} is in use by another rollcall process"))
    })?;
    Ok(file)
}

impl Backend for Sqlite {
    fn with_reader(&self, read: &mut dyn FnMut(&mut dyn Session)) -> Result<()> {
        read(&mut *take(&self.readers)?);
        Ok(())
    }

    fn in_transaction(
        &self,
        work: &mut dyn FnMut(&mut dyn Session) -> QueryResult<()>,
    ) -> Result<QueryResult<()>> {
        let mut connection = take(&self.writer)?;
        Ok(SqliteConnection::immediate_transaction(&mut connection, |connection| work(connection)))
    }

    fn migrate(&self) -> Result<()> {
        let version = self.schema_version()?;
        run_migrations(&mut *take(&self.writer)?, &version, SQLITE_MIGRATIONS)
    }

    fn schema_version(&self) -> Result<SchemaVersion> {
        version_of(&mut *take(&self.writer)?, &SQLITE_MIGRATIONS)
    }
}

/// PostgreSQL: pooled sessions.
struct Postgres {
    writer: Pool<ConnectionManager<PgConnection>>,
    readers: Pool<ConnectionManager<PgConnection>>,
    /// Holds the advisory lock of the one process that works on this database.
    _owner: Option<Mutex<PgConnection>>,
}

#[derive(Clone, Copy, Debug)]
enum PostgresRole {
    Reader,
    /// The writer of the process that works on the database; it is known by its lock.
    Writer,
}

impl CustomizeConnection<PgConnection, PoolError> for PostgresRole {
    fn on_acquire(&self, connection: &mut PgConnection) -> std::result::Result<(), PoolError> {
        // Notices of migrations and the like are of no use to the log.
        connection.batch_execute("SET client_min_messages = warning").map_err(PoolError::QueryError)?;
        match self {
            Self::Reader => Ok(()),
            Self::Writer => {
                let lock = format!("SELECT pg_advisory_lock_shared({WRITER_LOCK})");
                connection.batch_execute(&lock).map_err(PoolError::QueryError)
            }
        }
    }
}

impl Postgres {
    fn open(url: &str, pool_size: u32, access: Access) -> Result<Self> {
        let url = bounded(url);
        let (owner, role) = match access {
            Access::Exclusive => (Some(Mutex::new(take_ownership(&url)?)), PostgresRole::Writer),
            Access::Shared => (None, PostgresRole::Reader),
        };
        let writer = pool(ConnectionManager::new(&url), 1, role)?;
        let readers = pool(ConnectionManager::new(&url), pool_size, PostgresRole::Reader)?;
        Ok(Self { writer, readers, _owner: owner })
    }
}

/// The URL with bounds on how long a silent network may hold a thread, where it does not set its own.
fn bounded(url: &str) -> String {
    let bounds = ["connect_timeout=5", "keepalives_idle=10", "tcp_user_timeout=15000"];
    let missing = bounds
        .iter()
        .filter(|bound| !bound.split('=').next().is_some_and(|name| url.contains(&format!("{name}="))));
    missing.fold(url.to_owned(), |url, bound| {
        let join = if url.contains('?') { '&' } else { '?' };
        format!("{url}{join}{bound}")
    })
}

#[derive(QueryableByName)]
struct Locked {
    #[diesel(sql_type = diesel::sql_types::Bool)]
    locked: bool,
}

/// One process works on a database: a second one would take up the runs of the first as interrupted. The lock goes
/// with the connection, so with the process; it is not pooled, since pools renew their connections.
fn take_ownership(url: &str) -> Result<PgConnection> {
    let mut connection = PgConnection::establish(url)
        .map_err(|cause| Error::unavailable("The database can not be opened").caused_by(cause))?;
    let query = format!("SELECT pg_try_advisory_lock({OWNER_LOCK}) AS locked");
    let give_up = Instant::now() + OWNER_PATIENCE;
    loop {
        let taken: Locked = diesel::sql_query(&query).get_result(&mut connection).map_err(from_diesel)?;
        if taken.locked {
            outwait_writer(&mut connection)?;
            return Ok(connection);
        }
        if Instant::now() >= give_up {
            return Err(Error::conflict("The database is in use by another rollcall process"));
        }
        std::thread::sleep(OWNER_POLL);
    }
}

/// Waits until the writer of the process before this one is gone. The server goes on with what a killed process has
/// sent last, and commits it: what is read before that would not be what this process has to go on with.
fn outwait_writer(connection: &mut PgConnection) -> Result<()> {
    let wait = format!(
        "SET lock_timeout = '{}ms'; SELECT pg_advisory_lock({WRITER_LOCK}); \
         SELECT pg_advisory_unlock({WRITER_LOCK}); RESET lock_timeout",
        WRITER_PATIENCE.as_millis()
    );
    connection.batch_execute(&wait).map_err(|cause| {
        Error::conflict("Another rollcall process still writes to the database").caused_by(cause)
    })
}

/// How long the last transaction of the process before this one may take to end.
const WRITER_PATIENCE: Duration = Duration::from_secs(15);
/// How long the server may take to notice that the process before this one is gone.
const OWNER_PATIENCE: Duration = Duration::from_secs(3);
/// How often it is asked meanwhile.
const OWNER_POLL: Duration = Duration::from_millis(50);
/// The key of the advisory lock of the process that works on the database ("rollown" in ASCII).
const OWNER_LOCK: i64 = 0x0072_6f6c_6c6f_776e;
/// The key of the advisory lock that the writer of that process shares as long as it is connected ("rollwrit").
const WRITER_LOCK: i64 = 0x726f_6c6c_7772_6974;
/// The key of the advisory lock under which one process at a time migrates ("rollcall" in ASCII).
const MIGRATION_LOCK: i64 = 0x726f_6c6c_6361_6c6c;

impl Backend for Postgres {
    fn with_reader(&self, read: &mut dyn FnMut(&mut dyn Session)) -> Result<()> {
        read(&mut *take(&self.readers)?);
        Ok(())
    }

    fn in_transaction(
        &self,
        work: &mut dyn FnMut(&mut dyn Session) -> QueryResult<()>,
    ) -> Result<QueryResult<()>> {
        let mut connection = take(&self.writer)?;
        Ok(PgConnection::transaction(&mut connection, |connection| work(connection)))
    }

    fn migrate(&self) -> Result<()> {
        let mut connection = take(&self.writer)?;
        let lock = |verb: &str| format!("SELECT pg_advisory_{verb}({MIGRATION_LOCK})");
        connection.batch_execute(&lock("lock")).map_err(from_diesel)?;
        let outcome = version_of(&mut *connection, &POSTGRES_MIGRATIONS)
            .and_then(|version| run_migrations(&mut *connection, &version, POSTGRES_MIGRATIONS));
        connection.batch_execute(&lock("unlock")).map_err(from_diesel)?;
        outcome
    }

    fn schema_version(&self) -> Result<SchemaVersion> {
        version_of(&mut *take(&self.writer)?, &POSTGRES_MIGRATIONS)
    }
}
