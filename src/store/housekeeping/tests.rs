//! On both databases, as all tests of the store.

use uuid::Uuid;

use crate::clock::Timestamp;
use crate::fsm::State;
use crate::node::{Outcome, Record, RunKind};
use crate::store::runs::RunEnd;
use crate::store::tests::{make, making, on_each, record};
use crate::store::transition::{PowerJobWrite, Transition};
use crate::store::{Job, QueryResult, Session, Store};

/// Writes something.
struct Do<F>(F);

impl<T: Send + 'static, F: Fn(&mut dyn Session) -> QueryResult<T> + Send + 'static> Job for Do<F> {
    type Output = T;

    fn run(&self, session: &mut dyn Session) -> QueryResult<T> {
        (self.0)(session)
    }
}

#[test]
fn records_are_gone_through_in_pages_without_those_that_have_just_moved() {
    on_each(|store, _| {
        for (number, since) in [(1, 1), (2, 2), (3, 3), (4, 4), (5, 5)] {
            make(store, Record { state_since: Timestamp(since), ..record(number, State::Waiting) });
        }
        let page = |after: Option<u128>| {
            let after = after.map(Uuid::from_u128);
            let page = store.read_blocking(|session| session.settled_page(after, Timestamp(5), 3)).unwrap();
            page.into_iter().map(|(uuid, version)| (uuid.as_u128(), version)).collect::<Vec<_>>()
        };
        assert_eq!(page(None), [(1, 1), (2, 1), (3, 1)]);
        assert_eq!(page(Some(3)), [(4, 1)]);
        assert_eq!(page(Some(4)), []);
    });
}

#[test]
fn a_record_is_old_when_its_run_ended_long_ago_and_nothing_is_left_to_do() {
    on_each(|store, _| {
        let ended = |number, state, at| Record { finished_at: Some(Timestamp(at)), ..record(number, state) };
        make(store, ended(1, State::Finished, 20));
        make(store, ended(2, State::Error, 20));
        make(store, ended(3, State::Finished, 40));
        make(store, record(4, State::Waiting));
        let unfinished = making(ended(5, State::Error, 20));
        store.write_blocking(Transition { power_job: PowerJobWrite::Add, ..unfinished }).unwrap();
        let old = store.read_blocking(|session| session.ended_before(Timestamp(30), 10)).unwrap();
        let numbers: Vec<u128> = old.into_iter().map(|(uuid, _)| uuid.as_u128()).collect();
        assert_eq!(numbers, [1, 2], "the machine of 5 is still to be powered off");
    });
}

/// A run, and when it ended.
fn put_run(store: &Store, run: u128, node: u128, end: Option<i64>) {
    let (run, node) = (Uuid::from_u128(run), Uuid::from_u128(node));
    let end =
        end.map(|at| RunEnd { outcome: Outcome::Finished, error: None, power: None, at: Timestamp(at) });
    let put = move |session: &mut dyn Session| {
        session.open_run(run, node, RunKind::Start, Timestamp(1))?;
        end.as_ref().map_or(Ok(()), |end| session.close_run(run, end))
    };
    store.write_blocking(Do(put)).unwrap();
}

#[test]
fn a_run_is_old_when_it_ended_long_ago_and_is_no_records_own() {
    on_each(|store, _| {
        for (run, node, end) in
            [(11, 1, Some(20)), (12, 1, Some(40)), (13, 1, None), (14, 9, Some(20)), (15, 2, Some(20))]
        {
            put_run(store, run, node, end);
        }
        let own = Transition { runs: Default::default(), ..making(record(2, State::Finished)) };
        let own = Transition { record: Record { run: Uuid::from_u128(15), ..own.record.clone() }, ..own };
        store.write_blocking(own).unwrap();

        let old = store.read_blocking(|session| session.old_runs(Timestamp(30), 10)).unwrap();
        let mut numbers: Vec<u128> = old.iter().map(|id| id.parse::<Uuid>().unwrap().as_u128()).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, [11, 14]);
        assert_eq!(
            store.write_blocking(Do(move |session: &mut dyn Session| session.delete_runs(&old))).unwrap(),
            2
        );
        let left = store.read_blocking(|session| session.old_runs(Timestamp(30), 10)).unwrap();
        assert_eq!(left, Vec::<String>::new());
    });
}
