//! What the writer does where the database refuses a transaction that would succeed the next time.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread::sleep;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as DieselError};

use super::{BATCH_BYTES, Job, QueryResult, RETRY_PAUSES, Waiting, gather, pending};
use crate::clock::Timestamp;
use crate::error::Kind;
use crate::fsm::{Event, State};
use crate::node::step;
use crate::store::tests::{databases, known, make, making, on_each, record};
use crate::store::{DatabaseUrl, Session, Store};

/// Writes a record, and is refused so many times after that.
struct Refused {
    number: u128,
    times: u32,
    runs: AtomicU32,
}

impl Refused {
    fn new(number: u128, times: u32) -> std::sync::Arc<Self> {
        std::sync::Arc::new(Self { number, times, runs: AtomicU32::new(0) })
    }
}

impl Job for Refused {
    type Output = ();

    fn run(&self, session: &mut dyn Session) -> QueryResult<()> {
        making(record(self.number, State::Waiting)).write(session)?;
        if self.runs.fetch_add(1, Ordering::Relaxed) < self.times {
            let information = Box::new("could not serialize access".to_owned());
            return Err(DieselError::DatabaseError(DatabaseErrorKind::SerializationFailure, information));
        }
        Ok(())
    }
}

#[test]
fn a_serialization_failure_is_tried_again() {
    on_each(|store, _| {
        let job = Refused::new(1, 3);
        assert_eq!(store.write_blocking(std::sync::Arc::clone(&job)), Ok(()));
        assert_eq!(job.runs.load(Ordering::Relaxed), 4);
        assert_eq!(known(store).len(), 1);
    });
}

#[test]
fn what_never_serializes_is_refused_after_some_attempts_and_holds_nobody_up() {
    on_each(|store, _| {
        let job = Refused::new(1, u32::MAX);
        let refused = store.write_blocking(std::sync::Arc::clone(&job)).unwrap_err();
        assert_eq!(refused.kind, Kind::Unavailable);
        assert_eq!(job.runs.load(Ordering::Relaxed), u32::try_from(RETRY_PAUSES.len()).unwrap() + 1);
        assert_eq!(store.write_blocking(Refused::new(2, 0)), Ok(()));
        assert_eq!(known(store).len(), 1);
    });
}

/// As large as it says.
struct Large(usize);

impl Job for Large {
    type Output = ();

    fn run(&self, _session: &mut dyn Session) -> QueryResult<()> {
        Ok(())
    }

    fn weight_bytes(&self) -> usize {
        self.0
    }
}

#[test]
fn what_is_as_large_as_a_batch_is_one_alone() {
    let (sender, receiver) = tokio::sync::mpsc::channel(8);
    for bytes in [1, 2, BATCH_BYTES, 3, BATCH_BYTES] {
        assert!(sender.try_send(pending(Large(bytes)).0).is_ok());
    }
    let mut waiting = Waiting { receiver, held_over: None };
    let mut batch = || {
        let first = waiting.held_over.take().or_else(|| waiting.receiver.try_recv().ok())?;
        Some(gather(first, &mut waiting).iter().map(|job| job.weight_bytes()).collect::<Vec<_>>())
    };
    let batches: Vec<Vec<usize>> = std::iter::from_fn(&mut batch).collect();
    assert_eq!(batches, [vec![1, 2], vec![BATCH_BYTES], vec![3], vec![BATCH_BYTES]]);
}

/// Takes two nodes from `waiting`, with time for somebody else between the two.
struct Both {
    taken: Sender<()>,
}

impl Job for Both {
    type Output = ();

    fn run(&self, session: &mut dyn Session) -> QueryResult<()> {
        let advance = |number| {
            step::advance(&record(number, State::Waiting), Event::Process, Timestamp(20), None).unwrap()
        };
        advance(1).write(session)?;
        // Nobody listens the second time.
        let _ = self.taken.send(());
        sleep(Duration::from_millis(100));
        advance(2).write(session)?;
        Ok(())
    }
}

/// Holds node 2 and asks for node 1, as soon as the other has that: both wait for each other.
fn lock_crosswise(store: &Store, url: &str) {
    let (taken, ready) = channel();
    let mut other = PgConnection::establish(url).unwrap();
    let touch = |number: u32| {
        format!("UPDATE nodes SET error = error WHERE uuid = '00000000-0000-0000-0000-{number:012}'")
    };
    // So that PostgreSQL ends the other one of the two.
    other.batch_execute("SET deadlock_timeout = '60s'; BEGIN").unwrap();
    other.batch_execute(&touch(2)).unwrap();
    let crossing = std::thread::spawn(move || {
        ready.recv().unwrap();
        other.batch_execute(&touch(1)).unwrap();
        other.batch_execute("COMMIT").unwrap();
    });
    assert_eq!(store.write_blocking(Both { taken }), Ok(()));
    crossing.join().unwrap();
}

#[test]
fn a_deadlock_with_somebody_else_is_tried_again_and_nothing_is_lost() {
    for database in databases() {
        let DatabaseUrl::Postgres(url) = &database.url else { continue };
        let store = Store::open(&database.url, 2).unwrap();
        let retries = &crate::metrics::get().commit_retries;
        let before = retries.get();
        [1, 2].into_iter().for_each(|number| make(&store, record(number, State::Waiting)));
        lock_crosswise(&store, url);
        let states = [1, 2].map(|number| {
            store.read_blocking(|session| session.node(uuid::Uuid::from_u128(number))).unwrap().unwrap().state
        });
        assert_eq!(states, [State::Processing; 2]);
        assert!(retries.get() > before);
        store.close();
    }
}
