//! The two kinds of database: pools, session settings, migrations, transactions.
//!
//! Here stands what truly differs between SQLite and PostgreSQL; everything else is written once.

use std::fs::{File, OpenOptions};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::migration::{MigrationSource, MigrationVersion};
use diesel::prelude::*;
use diesel::r2d2::{ConnectionManager, Error as PoolError};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use r2d2::{CustomizeConnection, Pool, PooledConnection};

use super::writer::QueryResult;
use super::{Session, from_diesel};
use crate::cluster::Sharing;
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

    /// The same in a transaction: all that is read is of one moment.
    fn with_snapshot(
        &self,
        read: &mut dyn FnMut(&mut dyn Session) -> QueryResult<()>,
    ) -> Result<QueryResult<()>>;

    /// Runs `work` in one transaction of the writing connection; an error rolls it back.
    fn in_transaction(
        &self,
        work: &mut dyn FnMut(&mut dyn Session) -> QueryResult<()>,
    ) -> Result<QueryResult<()>>;

    /// The same on a connection of its own, where there may be one: beside all other work.
    fn in_transaction_apart(
        &self,
        work: &mut dyn FnMut(&mut dyn Session) -> QueryResult<()>,
    ) -> Result<QueryResult<()>>;

    /// Who may be there beside this process.
    fn sharing(&self) -> Sharing;

    /// How many may write at one time.
    fn writers(&self) -> usize;

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

    fn with_snapshot(
        &self,
        read: &mut dyn FnMut(&mut dyn Session) -> QueryResult<()>,
    ) -> Result<QueryResult<()>> {
        let mut connection = take(&self.readers)?;
        Ok(SqliteConnection::transaction(&mut connection, |connection| read(connection)))
    }

    fn in_transaction(
        &self,
        work: &mut dyn FnMut(&mut dyn Session) -> QueryResult<()>,
    ) -> Result<QueryResult<()>> {
        let mut connection = take(&self.writer)?;
        Ok(SqliteConnection::immediate_transaction(&mut connection, |connection| work(connection)))
    }

    /// One may write at a time: a moment's wait.
    fn in_transaction_apart(
        &self,
        work: &mut dyn FnMut(&mut dyn Session) -> QueryResult<()>,
    ) -> Result<QueryResult<()>> {
        self.in_transaction(work)
    }

    fn sharing(&self) -> Sharing {
        Sharing::Sole
    }

    fn writers(&self) -> usize {
        1
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
    writers: Pool<ConnectionManager<PgConnection>>,
    readers: Pool<ConnectionManager<PgConnection>>,
    apart: Pool<ConnectionManager<PgConnection>>,
}

#[derive(Clone, Copy, Debug)]
struct PostgresSettings;

impl CustomizeConnection<PgConnection, PoolError> for PostgresSettings {
    fn on_acquire(&self, connection: &mut PgConnection) -> std::result::Result<(), PoolError> {
        // Notices of migrations and the like are of no use to the log.
        connection.batch_execute("SET client_min_messages = warning").map_err(PoolError::QueryError)
    }
}

impl Postgres {
    fn open(url: &str, pool_size: u32, access: Access) -> Result<Self> {
        let url = bounded(url);
        let pooled = |size| pool(ConnectionManager::new(&url), size, PostgresSettings);
        let writers = match access {
            Access::Exclusive => POSTGRES_WRITERS,
            Access::Shared => 1,
        };
        Ok(Self { writers: pooled(writers)?, readers: pooled(pool_size)?, apart: pooled(1)? })
    }
}

/// Writing connections: measured, a third one brings nothing.
const POSTGRES_WRITERS: u32 = 2;

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

/// The key of the advisory lock under which one process at a time migrates ("rollcall" in ASCII).
const MIGRATION_LOCK: i64 = 0x726f_6c6c_6361_6c6c;

impl Backend for Postgres {
    fn with_reader(&self, read: &mut dyn FnMut(&mut dyn Session)) -> Result<()> {
        read(&mut *take(&self.readers)?);
        Ok(())
    }

    fn with_snapshot(
        &self,
        read: &mut dyn FnMut(&mut dyn Session) -> QueryResult<()>,
    ) -> Result<QueryResult<()>> {
        let mut connection = take(&self.readers)?;
        let transaction = PgConnection::build_transaction(&mut connection);
        Ok(transaction.repeatable_read().read_only().run(|connection| read(connection)))
    }

    fn in_transaction(
        &self,
        work: &mut dyn FnMut(&mut dyn Session) -> QueryResult<()>,
    ) -> Result<QueryResult<()>> {
        let mut connection = take(&self.writers)?;
        Ok(PgConnection::transaction(&mut connection, |connection| work(connection)))
    }

    fn in_transaction_apart(
        &self,
        work: &mut dyn FnMut(&mut dyn Session) -> QueryResult<()>,
    ) -> Result<QueryResult<()>> {
        let mut connection = take(&self.apart)?;
        Ok(PgConnection::transaction(&mut connection, |connection| work(connection)))
    }

    fn sharing(&self) -> Sharing {
        Sharing::Several
    }

    fn writers(&self) -> usize {
        usize::try_from(self.writers.max_size()).unwrap_or(1)
    }

    fn migrate(&self) -> Result<()> {
        let mut connection = take(&self.writers)?;
        let lock = |verb: &str| format!("SELECT pg_advisory_{verb}({MIGRATION_LOCK})");
        connection.batch_execute(&lock("lock")).map_err(from_diesel)?;
        let outcome = version_of(&mut *connection, &POSTGRES_MIGRATIONS)
            .and_then(|version| run_migrations(&mut *connection, &version, POSTGRES_MIGRATIONS));
        connection.batch_execute(&lock("unlock")).map_err(from_diesel)?;
        outcome
    }

    fn schema_version(&self) -> Result<SchemaVersion> {
        version_of(&mut *take(&self.writers)?, &POSTGRES_MIGRATIONS)
    }
}
