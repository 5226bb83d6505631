//! Group commit: a thread that takes what is queued and commits it in one transaction; several of them where the
//! database lets several write.
//!
//! Invariant: a caller is answered only after the commit, and the failure of one job takes no other along: where
//! a batch fails, it is rolled back and its jobs are run again one by one. No timer: a batch is what was queued
//! while the last one was being committed; what is as large as a batch is one alone, so that what it locks for long is
//! its own. The rows of nodes are locked in the order of their UUIDs, so that writers,
//! here and in other processes, wait for each other in one direction only.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use diesel::result::{DatabaseErrorKind, Error as DieselError};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use super::backend::Backend;
use super::health::Health;
use super::{Session, from_diesel};
use crate::error::{Error, Result};
use crate::metrics::{self, Counted};

/// The result of a query.
pub type QueryResult<T> = std::result::Result<T, DieselError>;

/// Jobs that may wait for the writer.
const QUEUE_LENGTH: usize = 1024;
/// The largest batch, in jobs.
const BATCH_JOBS: usize = 128;
/// A batch ends where the documents of its jobs reach this size.
const BATCH_BYTES: usize = 4 * 1024 * 1024;

/// Before each new attempt of a transaction that stood in the way of others.
const RETRY_PAUSES: [Duration; 4] = [
    Duration::from_millis(5),
    Duration::from_millis(20),
    Duration::from_millis(50),
    Duration::from_millis(100),
];

/// One unit of writing: committed whole or not at all.
pub trait Job: Send + 'static {
    /// What it answers.
    type Output: Send + 'static;

    /// Does the work inside a transaction. May be run again after a rollback, so it must not change itself.
    ///
    /// # Errors
    /// Any error of the database; nothing of the job is then written.
    fn run(&self, session: &mut dyn Session) -> QueryResult<Self::Output>;

    /// About how many bytes it writes.
    fn weight_bytes(&self) -> usize {
        0
    }

    /// The nodes whose rows it reads in order to write them.
    fn nodes(&self) -> Vec<Uuid> {
        Vec::new()
    }

    /// Whether it may take so long that nothing of others may stay locked meanwhile.
    fn is_long(&self) -> bool {
        false
    }
}

/// A shared job, so that the caller can keep it and hand it over again.
impl<J: Job + Sync> Job for Arc<J> {
    type Output = J::Output;

    fn run(&self, session: &mut dyn Session) -> QueryResult<J::Output> {
        self.as_ref().run(session)
    }

    fn weight_bytes(&self) -> usize {
        self.as_ref().weight_bytes()
    }

    fn nodes(&self) -> Vec<Uuid> {
        self.as_ref().nodes()
    }

    fn is_long(&self) -> bool {
        self.as_ref().is_long()
    }
}

/// A job with the place for its answer.
trait Queued: Send {
    fn run(&mut self, session: &mut dyn Session) -> QueryResult<()>;
    fn weight_bytes(&self) -> usize;
    fn nodes(&self) -> Vec<Uuid>;
    fn answer(self: Box<Self>, outcome: Result<()>);
}

struct Pending<J: Job> {
    job: J,
    output: Option<J::Output>,
    reply: oneshot::Sender<Result<J::Output>>,
    _counted: Counted,
}

impl<J: Job> Queued for Pending<J> {
    fn run(&mut self, session: &mut dyn Session) -> QueryResult<()> {
        self.output = Some(self.job.run(session)?);
        Ok(())
    }

    fn weight_bytes(&self) -> usize {
        self.job.weight_bytes()
    }

    fn nodes(&self) -> Vec<Uuid> {
        self.job.nodes()
    }

    fn answer(self: Box<Self>, outcome: Result<()>) {
        let missing = || Error::internal("a committed job has no output");
        let Self { output, reply, .. } = *self;
        // A caller that is gone does not need its answer.
        drop(reply.send(outcome.and_then(|()| output.ok_or_else(missing))));
    }
}

type Batch = Vec<Box<dyn Queued>>;

/// The handle of the writer threads.
pub(super) struct Writer {
    queue: Mutex<Option<mpsc::Sender<Box<dyn Queued>>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// Where the threads take their work from: one gathers while the others commit.
type Queue = Arc<Mutex<Waiting>>;

/// What waits for a writer.
struct Waiting {
    receiver: mpsc::Receiver<Box<dyn Queued>>,
    /// What was taken out of its turn, as it has no place in the batch that was gathered.
    held_over: Option<Box<dyn Queued>>,
}

impl Writer {
    pub(super) fn start(backend: Arc<dyn Backend>, health: Arc<Health>) -> Result<Self> {
        let (sender, receiver) = mpsc::channel(QUEUE_LENGTH);
        let queue = Arc::new(Mutex::new(Waiting { receiver, held_over: None }));
        let start = |_| {
            let (backend, health, queue) = (Arc::clone(&backend), Arc::clone(&health), Arc::clone(&queue));
            let thread = std::thread::Builder::new().name("writer".to_owned());
            thread.spawn(move || run(backend.as_ref(), &health, &queue)).map_err(Error::internal)
        };
        let threads = (0..backend.writers()).map(start).collect::<Result<Vec<_>>>()?;
        Ok(Self { queue: Mutex::new(Some(sender)), threads: Mutex::new(threads) })
    }

    pub(super) async fn submit<J: Job>(&self, job: J) -> Result<J::Output> {
        let (pending, answer) = pending(job);
        self.sender()?.send(pending).await.map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }

    pub(super) fn submit_blocking<J: Job>(&self, job: J) -> Result<J::Output> {
        let (pending, answer) = pending(job);
        self.sender()?.blocking_send(pending).map_err(|_| closed())?;
        answer.blocking_recv().map_err(|_| closed())?
    }

    pub(super) fn close(&self) {
        drop(self.queue.lock().unwrap_or_else(PoisonError::into_inner).take());
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            if thread.join().is_err() {
                log::error!("A writer thread ended with a panic");
            }
        }
    }

    /// Whether there is no place in the queue.
    pub(super) fn is_full(&self) -> bool {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.as_ref().is_some_and(|sender| sender.capacity() == 0)
    }

    fn sender(&self) -> Result<mpsc::Sender<Box<dyn Queued>>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).clone().ok_or_else(closed)
    }
}

fn pending<J: Job>(job: J) -> (Box<dyn Queued>, oneshot::Receiver<Result<J::Output>>) {
    let (reply, answer) = oneshot::channel();
    let counted = Counted::new(&metrics::get().writer_queue);
    (Box::new(Pending { job, output: None, reply, _counted: counted }), answer)
}

fn closed() -> Error {
    Error::unavailable("The service is stopping, please try again later")
}

/// A daemon that can not write any more is no use: it ends, and is started again by whoever watches over it.
struct EndWithThread;

impl Drop for EndWithThread {
    fn drop(&mut self) {
        if std::thread::panicking() {
            log::error!("The writer has panicked, the process ends");
            std::process::abort();
        }
    }
}

fn run(backend: &dyn Backend, health: &Health, queue: &Queue) {
    let _guard = EndWithThread;
    while let Some(batch) = next(queue) {
        commit(backend, health, batch);
    }
}

fn next(queue: &Queue) -> Option<Batch> {
    let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
    let first = queue.held_over.take().or_else(|| queue.receiver.blocking_recv())?;
    Some(gather(first, &mut queue))
}

/// What is queued by now, up to the limits of a batch.
fn gather(first: Box<dyn Queued>, queue: &mut Waiting) -> Batch {
    let mut bytes = first.weight_bytes();
    let mut batch = vec![first];
    while batch.len() < BATCH_JOBS && bytes < BATCH_BYTES {
        let Ok(next) = queue.receiver.try_recv() else { break };
        if next.weight_bytes() >= BATCH_BYTES {
            queue.held_over = Some(next);
            break;
        }
        bytes = bytes.saturating_add(next.weight_bytes());
        batch.push(next);
    }
    batch
}

fn commit(backend: &dyn Backend, health: &Health, mut batch: Batch) {
    let began = Instant::now();
    let outcome = with_retries(backend, &mut batch);
    metrics::get().hold.observe(began.elapsed().as_secs_f64());
    match &outcome {
        Ok(result) => health.wrote(result.as_ref().err()),
        Err(_) => health.could_not_write(),
    }
    match outcome {
        Ok(Ok(())) => {
            let jobs = u32::try_from(batch.len()).unwrap_or(u32::MAX);
            metrics::get().batch_jobs.observe(f64::from(jobs));
            answer_all(batch, &Ok(()));
        }
        Ok(Err(error)) if batch.len() == 1 => answer_all(batch, &Err(from_diesel(error))),
        Ok(Err(error)) => {
            log::warn!("A batch of {} writes failed, its jobs are run one by one: {error}", batch.len());
            batch.into_iter().for_each(|job| commit(backend, health, vec![job]));
        }
        // Without a connection none of them could do better alone.
        Err(error) => answer_all(batch, &Err(error)),
    }
}

/// Runs the batch, and again where it lost against somebody else's locks.
fn with_retries(backend: &dyn Backend, batch: &mut Batch) -> Result<QueryResult<()>> {
    let mut pauses = RETRY_PAUSES.iter();
    let nodes = in_order(batch);
    loop {
        let work = &mut |session: &mut dyn Session| {
            session.lock_nodes(&nodes)?;
            batch.iter_mut().try_for_each(|job| job.run(session))
        };
        let outcome = backend.in_transaction(work);
        let Ok(Err(error)) = &outcome else { return outcome };
        match pauses.next() {
            Some(pause) if is_in_the_way(error) => {
                metrics::get().commit_retries.inc();
                log::info!("A transaction is run again: {error}");
                std::thread::sleep(*pause);
            }
            _ => return outcome,
        }
    }
}

/// Brings the jobs into the order of their nodes; answers all nodes in that order.
fn in_order(batch: &mut Batch) -> Vec<Uuid> {
    batch.sort_by_cached_key(|job| job.nodes().first().copied());
    let nodes: BTreeSet<Uuid> = batch.iter().flat_map(|job| job.nodes()).collect();
    nodes.into_iter().collect()
}

/// Whether the same transaction may well succeed the next time: PostgreSQL's 40001 and 40P01. diesel does not tell
/// the second one, and its text is English unless the server was told otherwise.
fn is_in_the_way(error: &DieselError) -> bool {
    match error {
        DieselError::DatabaseError(DatabaseErrorKind::SerializationFailure, _) => true,
        DieselError::DatabaseError(_, information) => information.message().contains("deadlock detected"),
        _ => false,
    }
}

fn answer_all(batch: Batch, outcome: &Result<()>) {
    batch.into_iter().for_each(|job| job.answer(outcome.clone()));
}

#[cfg(test)]
mod tests;
