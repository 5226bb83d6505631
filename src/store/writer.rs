//! Group commit: one thread that takes what is queued and commits it in one transaction.
//!
//! Invariant: a caller is answered only after the commit, and the failure of one job takes no other along: where
//! a batch fails, it is rolled back and its jobs are run again one by one. No timer: a batch is what was queued
//! while the last one was being committed.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use diesel::result::Error as DieselError;
use tokio::sync::{mpsc, oneshot};

use super::backend::Backend;
use super::{Session, from_diesel};
use crate::error::{Error, Result};

/// The result of a query.
pub type QueryResult<T> = std::result::Result<T, DieselError>;

/// Jobs that may wait for the writer.
const QUEUE_LENGTH: usize = 1024;
/// The largest batch, in jobs.
const BATCH_JOBS: usize = 128;
/// A batch ends where the documents of its jobs reach this size.
const BATCH_BYTES: usize = 4 * 1024 * 1024;

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
}

/// A job with the place for its answer.
trait Queued: Send {
    fn run(&mut self, session: &mut dyn Session) -> QueryResult<()>;
    fn weight_bytes(&self) -> usize;
    fn answer(self: Box<Self>, outcome: Result<()>);
}

struct Pending<J: Job> {
    job: J,
    output: Option<J::Output>,
    reply: oneshot::Sender<Result<J::Output>>,
}

impl<J: Job> Queued for Pending<J> {
    fn run(&mut self, session: &mut dyn Session) -> QueryResult<()> {
        self.output = Some(self.job.run(session)?);
        Ok(())
    }

    fn weight_bytes(&self) -> usize {
        self.job.weight_bytes()
    }

    fn answer(self: Box<Self>, outcome: Result<()>) {
        let missing = || Error::internal("a committed job has no output");
        let Self { output, reply, .. } = *self;
        // A caller that is gone does not need its answer.
        drop(reply.send(outcome.and_then(|()| output.ok_or_else(missing))));
    }
}

type Batch = Vec<Box<dyn Queued>>;

/// The handle of the writer thread.
pub(super) struct Writer {
    queue: Mutex<Option<mpsc::Sender<Box<dyn Queued>>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    pub(super) fn start(backend: Arc<dyn Backend>) -> Result<Self> {
        let (sender, receiver) = mpsc::channel(QUEUE_LENGTH);
        let thread = std::thread::Builder::new()
            .name("writer".to_owned())
            .spawn(move || run(backend.as_ref(), receiver))
            .map_err(Error::internal)?;
        Ok(Self { queue: Mutex::new(Some(sender)), thread: Mutex::new(Some(thread)) })
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
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            log::error!("The writer thread ended with a panic");
        }
    }

    fn sender(&self) -> Result<mpsc::Sender<Box<dyn Queued>>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).clone().ok_or_else(closed)
    }
}

fn pending<J: Job>(job: J) -> (Box<dyn Queued>, oneshot::Receiver<Result<J::Output>>) {
    let (reply, answer) = oneshot::channel();
    (Box::new(Pending { job, output: None, reply }), answer)
}

fn closed() -> Error {
    Error::unavailable("The service is stopping, please try again later")
}

fn run(backend: &dyn Backend, mut queue: mpsc::Receiver<Box<dyn Queued>>) {
    while let Some(first) = queue.blocking_recv() {
        commit(backend, gather(first, &mut queue));
    }
}

/// What is queued by now, up to the limits of a batch.
fn gather(first: Box<dyn Queued>, queue: &mut mpsc::Receiver<Box<dyn Queued>>) -> Batch {
    let mut bytes = first.weight_bytes();
    let mut batch = vec![first];
    while batch.len() < BATCH_JOBS && bytes < BATCH_BYTES {
        let Ok(next) = queue.try_recv() else { break };
        bytes = bytes.saturating_add(next.weight_bytes());
        batch.push(next);
    }
    batch
}

fn commit(backend: &dyn Backend, mut batch: Batch) {
    match transact(backend, &mut batch) {
        Ok(()) => batch.into_iter().for_each(|job| job.answer(Ok(()))),
        Err(error) if batch.len() == 1 => batch.into_iter().for_each(|job| job.answer(Err(error.clone()))),
        Err(error) => {
            log::warn!("A batch of {} writes failed, its jobs are run one by one: {error}", batch.len());
            batch.into_iter().for_each(|job| commit(backend, vec![job]));
        }
    }
}

fn transact(backend: &dyn Backend, batch: &mut Batch) -> Result<()> {
    backend
        .in_transaction(&mut |session| batch.iter_mut().try_for_each(|job| job.run(session)))?
        .map_err(from_diesel)
}
