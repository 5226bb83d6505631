//! Over both databases.

use actix_rt::Runtime;

use super::*;
use crate::clock::ManualClock;
use crate::fsm::State;
use crate::node::Record;
use crate::store::tests::{databases, make, record};

#[test]
fn old_records_and_runs_go_in_batches_and_all_others_stay() {
    for database in databases() {
        let store = Store::open(&database.url, 2).unwrap();
        for number in 1..=300 {
            make(&store, record(number, State::Error));
        }
        make(&store, record(301, State::Waiting));
        make(&store, Record { finished_at: Some(Timestamp(6_000_000)), ..record(302, State::Finished) });
        let clock = ManualClock::at(Timestamp(10_000_000));
        let cleared = |records_s, runs_s| {
            let cleared = clear(&store, &clock, Keep { records_s, runs_s }, KeepData::Yes);
            Runtime::new().unwrap().block_on(cleared).unwrap()
        };
        assert_eq!(cleared(Some(20), Some(20)), (0, 0));
        assert_eq!(cleared(Some(5), None), (300, 0));
        assert_eq!(cleared(Some(4), None), (0, 0), "302 ended just then");
        assert_eq!(cleared(Some(3), None), (1, 0));
        let left = store.read_blocking(|session| session.settled_page(None, Timestamp(i64::MAX), 9)).unwrap();
        assert_eq!(left.len(), 1);
        // The runs of records that are gone were ended as forgotten when these went.
        assert_eq!(cleared(None, Some(1)), (0, 0));
        clock.advance_seconds(2);
        assert_eq!(cleared(None, Some(1)), (0, 301));
        store.close();
    }
}
