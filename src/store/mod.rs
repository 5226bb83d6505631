//! The database: the only code that names diesel.
//!
//! Two backends, SQLite and PostgreSQL, behind one [`Session`]; the bodies of its queries are written once and
//! expanded for both connection types. Invariant: all writes go through the writer, which answers after
//! the commit; reads use the pool. It must not know the actors, HTTP or the node service.

pub mod ancestor;
mod backend;
pub mod build_data;
pub mod cluster;
pub mod data;
pub mod documents;
mod health;
pub mod housekeeping;
pub mod inventory;
pub mod nodes;
pub mod power_jobs;
mod prepared;
pub mod registered;
pub mod removals;
pub mod rules;
pub mod runs;
mod schema;
pub mod tasks;
pub mod transition;

#[cfg(test)]
pub(crate) mod tests;
mod writer;

use std::sync::Arc;
use std::time::Duration;

use diesel::result::Error as DieselError;
use tokio::sync::Semaphore;
use uuid::Uuid;

use self::backend::Access;
pub use self::backend::SchemaVersion;
pub use self::writer::{Job, QueryResult};
use crate::cluster::{Sharing, Term, deposed};
pub use crate::config::DatabaseUrl;
use crate::context;
use crate::error::{Error, Kind, Result};

/// The command that makes or updates the schema, as errors name it.
const UPGRADE: &str = "`rollcall db upgrade`";

/// How long a read may wait for its turn; a database that answers has one in milliseconds.
const READ_TURN: Duration = Duration::from_secs(10);

fn busy() -> Error {
    Error::unavailable("The database is busy, please try again later")
}

/// All that can be asked of a connection, whichever database it leads to.
pub trait Session:
    nodes::NodeQueries
    + documents::DocumentQueries
    + data::DataQueries
    + build_data::BuildQueries
    + removals::RemovalQueries
    + runs::RunQueries
    + inventory::InventoryQueries
    + inventory::links::LinkQueries
    + inventory::observed::ObservedQueries
    + inventory::orders::OrderQueries
    + registered::RegisteredQueries
    + rules::RuleQueries
    + power_jobs::PowerJobQueries
    + housekeeping::HousekeepingQueries
    + cluster::ClusterQueries
    + tasks::TaskQueries
    + tasks::messages::MessageQueries
    + tasks::entities::EntityQueries
    + tasks::observed::ObservedQueries
{
}

impl Session for diesel::SqliteConnection {}
impl Session for diesel::PgConnection {}

/// The database of a running daemon. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
    /// The term under which everything is written, where that is unattended work.
    term: Option<Term>,
}

struct Inner {
    backend: Arc<dyn backend::Backend>,
    writer: writer::Writer,
    health: Arc<health::Health>,
    /// As many as there are connections: a read that waits for one must not hold a thread.
    readers: Arc<Semaphore>,
    /// Those of them that the work on runs may take: a wave of callbacks must not keep operators from reading.
    workers: Semaphore,
}

impl Store {
    /// Opens the database, brings its schema up to date and starts the writer. Blocks.
    ///
    /// # Errors
    /// Where the database can not be reached, is used by another process (SQLite), or has a newer schema.
    pub fn open(url: &DatabaseUrl, pool_size: u32) -> Result<Self> {
        let backend = backend::connect(url, pool_size, Access::Exclusive)?;
        backend.migrate()?;
        Self::with_writer(backend, pool_size)
    }

    /// Opens the database as it is, beside a daemon that may run on it: takes no lock and migrates nothing. Blocks.
    ///
    /// # Errors
    /// Where there is no database yet, it can not be reached, or its schema is not the one of this program.
    pub fn open_shared(url: &DatabaseUrl, pool_size: u32) -> Result<Self> {
        if let DatabaseUrl::Sqlite(path) = url
            && !path.exists()
        {
            let path = path.display();
            return Err(Error::not_found(format!("There is no database {path} yet; {UPGRADE} makes it")));
        }
        let backend = backend::connect(url, pool_size, Access::Shared)?;
        let version = backend.schema_version()?;
        if version.database.as_ref() != Some(&version.program) {
            let found = version.database.as_deref().unwrap_or("none");
            return Err(Error::bad_request(format!(
                "The database has schema {found} and this program has {}: {UPGRADE} brings an older one up to date",
                version.program
            )));
        }
        Self::with_writer(backend, pool_size)
    }

    fn with_writer(backend: Arc<dyn backend::Backend>, pool_size: u32) -> Result<Self> {
        let health = Arc::new(health::Health::default());
        let writer = writer::Writer::start(Arc::clone(&backend), Arc::clone(&health))?;
        let connections = usize::try_from(pool_size).map_err(Error::internal)?;
        let (readers, workers) =
            (Arc::new(Semaphore::new(connections)), Semaphore::new(connections.div_ceil(2)));
        let inner = Inner { backend, writer, health, readers, workers };
        Ok(Self { inner: Arc::new(inner), term: None })
    }

    /// What keeps the database from being used, as far as is known; empty where nothing does. Does not block.
    #[must_use]
    pub fn troubles(&self) -> Vec<&'static str> {
        let mut troubles = self.inner.health.troubles();
        if self.inner.writer.is_full() {
            troubles.push("The writer's queue is full");
        }
        troubles
    }

    /// Runs a read on this thread. Blocks; not for reactor threads.
    ///
    /// # Errors
    /// Where no connection is to be had, or the read fails.
    pub fn read_blocking<T>(&self, read: impl FnOnce(&mut dyn Session) -> QueryResult<T>) -> Result<T> {
        let mut outcome = None;
        let mut read = Some(read);
        let health = &self.inner.health;
        let connected = self.inner.backend.with_reader(&mut |session| {
            outcome = read.take().map(|read| read(session));
        });
        connected.inspect_err(|_| health.could_not_read())?;
        health.read(outcome.as_ref().and_then(|result| result.as_ref().err()));
        match outcome {
            Some(result) => result.map_err(from_diesel),
            None => Err(Error::internal("a read was never run")),
        }
    }

    /// As [`Self::read_blocking`], where several queries must see the database at one moment. Blocks.
    ///
    /// # Errors
    /// As [`Self::read_blocking`].
    pub fn snapshot_blocking<T>(&self, read: impl FnOnce(&mut dyn Session) -> QueryResult<T>) -> Result<T> {
        let mut outcome = None;
        let mut read = Some(read);
        let health = &self.inner.health;
        let connected = self.inner.backend.with_snapshot(&mut |session| {
            outcome = read.take().map(|read| read(session)).transpose()?;
            Ok(())
        });
        let done = connected.inspect_err(|_| health.could_not_read())?;
        health.read(done.as_ref().err());
        done.map_err(from_diesel)?;
        outcome.ok_or_else(|| Error::internal("a read was never run"))
    }

    /// Runs a read on a thread of its own.
    ///
    /// # Errors
    /// As [`Self::read_blocking`].
    pub async fn read<T, F>(&self, read: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut dyn Session) -> QueryResult<T> + Send + 'static,
    {
        let store = self.clone();
        let turn = tokio::time::timeout(READ_TURN, Arc::clone(&self.inner.readers).acquire_owned());
        let turn = turn.await.map_err(|_| busy())?.map_err(Error::internal)?;
        let guarded = move || {
            let outcome = store.read_blocking(read);
            drop(turn);
            outcome
        };
        tokio::task::spawn_blocking(context::carried_blocking(guarded)).await.map_err(Error::internal)?
    }

    /// As [`Self::read`], for the work on runs: all of it together takes no more than half of the connections.
    ///
    /// # Errors
    /// As [`Self::read_blocking`].
    pub async fn read_for_run<T, F>(&self, read: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut dyn Session) -> QueryResult<T> + Send + 'static,
    {
        let turn = tokio::time::timeout(READ_TURN, self.inner.workers.acquire()).await;
        let _turn = turn.map_err(|_| busy())?.map_err(Error::internal)?;
        self.read(read).await
    }

    /// Hands a job to the writer and waits until it is committed.
    ///
    /// # Errors
    /// Where the job fails (then nothing of it is written), or the writer has ended.
    pub async fn write<J: Job>(&self, job: J) -> Result<J::Output> {
        match &self.term {
            None => self.inner.writer.submit(job).await,
            Some(term) => self.inner.writer.submit(Fenced::new(term, job)).await?.ok_or_else(deposed),
        }
    }

    /// The same database for unattended work: what is written through it is void when another leads.
    #[must_use]
    pub fn under(&self, term: Term) -> Self {
        Self { term: Some(term), ..self.clone() }
    }

    /// Who may work on the database beside this process.
    #[must_use]
    pub fn sharing(&self) -> Sharing {
        self.inner.backend.sharing()
    }

    /// Runs a transaction of its own, beside the writer's queue. Blocks.
    ///
    /// # Errors
    /// Where no connection is to be had, or the work fails; nothing of it is then written.
    pub fn apart<T>(&self, mut work: impl FnMut(&mut dyn Session) -> QueryResult<T>) -> Result<T> {
        let mut outcome = None;
        let done = self.inner.backend.in_transaction_apart(&mut |session| {
            outcome = Some(work(session)?);
            Ok(())
        })?;
        done.map_err(from_diesel)?;
        outcome.ok_or_else(|| Error::internal("a transaction was never run"))
    }

    /// As [`Self::write`], for threads without a reactor.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub fn write_blocking<J: Job>(&self, job: J) -> Result<J::Output> {
        match &self.term {
            None => self.inner.writer.submit_blocking(job),
            Some(term) => self.inner.writer.submit_blocking(Fenced::new(term, job))?.ok_or_else(deposed),
        }
    }

    /// Commits what is queued and ends the writer. Blocks.
    pub fn close(&self) {
        self.inner.writer.close();
    }
}

/// A job of unattended work: without effect, and without output, where its term is over.
struct Fenced<J> {
    term: Term,
    job: J,
}

impl<J: Job> Fenced<J> {
    fn new(term: &Term, job: J) -> Self {
        Self { term: term.clone(), job }
    }
}

impl<J: Job> Job for Fenced<J> {
    type Output = Option<J::Output>;

    fn run(&self, session: &mut dyn Session) -> QueryResult<Option<J::Output>> {
        if !self.job.is_long() {
            return if session.leads(&self.term)? { self.job.run(session).map(Some) } else { Ok(None) };
        }
        // Asking locks who leads until the commit: a term would run out meanwhile.
        let output = self.job.run(session)?;
        if session.leads(&self.term)? { Ok(Some(output)) } else { Err(DieselError::RollbackTransaction) }
    }

    fn weight_bytes(&self) -> usize {
        self.job.weight_bytes()
    }

    fn nodes(&self) -> Vec<Uuid> {
        self.job.nodes()
    }

    fn is_long(&self) -> bool {
        self.job.is_long()
    }
}

/// The version of the schema in the database, and the newest that this program knows. Blocks.
///
/// # Errors
/// Where the database can not be reached.
pub fn schema_version(url: &DatabaseUrl) -> Result<SchemaVersion> {
    backend::connect(url, 1, Access::Shared)?.schema_version()
}

/// Brings the schema up to date. Blocks.
///
/// # Errors
/// Where the database can not be reached, is in use (SQLite), or has a newer schema.
pub fn upgrade(url: &DatabaseUrl) -> Result<SchemaVersion> {
    let backend = backend::connect(url, 1, Access::Exclusive)?;
    backend.migrate()?;
    backend.schema_version()
}

/// Everything that the database refuses is to be tried again later: nothing of it was written.
fn from_diesel(error: DieselError) -> Error {
    match error {
        DieselError::DeserializationError(cause) => Error::internal(cause),
        DieselError::RollbackTransaction => deposed(),
        other => Error::new(
            Kind::Unavailable,
            "The database can not be used at the moment, please try again later",
        )
        .caused_by(other),
    }
}
