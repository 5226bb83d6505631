//! Over both databases.

use actix_rt::Runtime;

use super::*;
use crate::build_data::Generator;
use crate::clock::ManualClock;
use crate::fsm::State;
use crate::node::Record;
use crate::store::build_data::Selection;
use crate::store::build_data::tests::collect;
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
            let keep = Keep { records_s, runs_s, ..Keep::default() };
            let gone = Runtime::new().unwrap().block_on(clear(&store, &clock, keep, KeepData::Yes)).unwrap();
            (gone.records, gone.runs)
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

#[test]
fn build_data_goes_by_its_age_and_by_its_number_and_its_documents_a_day_later() {
    for database in databases() {
        let store = Store::open(&database.url, 2).unwrap();
        for (run, at) in [(1, 1_000_000), (2, 2_000_000), (3, 3_000_000)] {
            collect(&store, run, &[(Generator::Unprocessed, format!("{{{run}}}"))], Timestamp(at));
        }
        let clock = ManualClock::at(Timestamp(10_000_000));
        let cleared = |builds_s, builds_each| {
            let keep = Keep { builds_s, builds_each, ..Keep::default() };
            let gone = Runtime::new().unwrap().block_on(clear(&store, &clock, keep, KeepData::Yes)).unwrap();
            (gone.builds, gone.documents)
        };
        assert_eq!(cleared(None, None), (0, 0));
        assert_eq!(cleared(Some(8), Some(9)), (1, 0), "the document was used just now");
        assert_eq!(cleared(None, Some(1)), (1, 0));
        clock.advance_seconds(25 * 3600);
        assert_eq!(cleared(None, Some(1)), (0, 2));
        let left = store.read_blocking(|session| session.builds(&Selection::default(), 9)).unwrap();
        assert_eq!(left.iter().map(|row| row.collected_us).collect::<Vec<_>>(), [3_000_000]);
        store.close();
    }
}
