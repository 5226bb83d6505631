//! Over a database, with our own registry as the node service.

use std::collections::BTreeSet;

use actix_rt::Runtime;
use uuid::Uuid;

use super::*;
use crate::clock::ManualClock;
use crate::fsm::State;
use crate::node::Record;
use crate::node_service::local::Local;
use crate::store::registered::RegisteredNode;
use crate::store::tests::{databases, make, record};

fn registered(number: u128) -> RegisteredNode {
    let uuid = Uuid::from_u128(number).to_string();
    RegisteredNode { uuid, name: None, power_state: None, document: "{}".to_owned() }
}

/// Registers and removes nodes.
struct Change {
    added: Vec<u128>,
    removed: Vec<u128>,
}

impl Job for Change {
    type Output = ();

    fn run(&self, session: &mut dyn Session) -> QueryResult<()> {
        for number in &self.added {
            session.put_registered_node(&registered(*number))?;
        }
        for number in &self.removed {
            session.delete_registered_node(Uuid::from_u128(*number))?;
        }
        Ok(())
    }
}

/// A database with records, and what the watch has seen so far.
struct Watch {
    store: Store,
    clock: ManualClock,
    service: Local,
    missing: Missing,
    keep_data: KeepData,
}

impl Watch {
    fn over(store: Store) -> Self {
        let (service, clock) = (Local::new(store.clone()), ManualClock::at(Timestamp(1000)));
        Self { store, clock, service, missing: Missing::default(), keep_data: KeepData::Yes }
    }

    fn change(&self, added: &[u128], removed: &[u128]) {
        self.store.write_blocking(Change { added: added.to_vec(), removed: removed.to_vec() }).unwrap();
    }

    /// Looks once; the records that are left.
    fn look(&mut self) -> BTreeSet<u128> {
        let looked = look(&self.store, &self.clock, &self.service, self.keep_data, &mut self.missing);
        Runtime::new().unwrap().block_on(looked).unwrap();
        let left = self.store.read_blocking(|session| session.settled_page(None, Timestamp(i64::MAX), 100));
        left.unwrap().into_iter().map(|(uuid, _)| uuid.as_u128()).collect()
    }
}

#[test]
fn a_record_goes_after_two_listings_without_its_node_and_an_empty_one_never_counts() {
    for database in databases() {
        let store = Store::open(&database.url, 2).unwrap();
        for number in 1..=3 {
            make(&store, record(number, State::Waiting));
        }
        let mut watch = Watch::over(store);
        let all = BTreeSet::from([1, 2, 3]);
        assert_eq!([watch.look(), watch.look()], [all.clone(), all.clone()], "nothing is listed");
        watch.change(&[1, 2], &[]);
        assert_eq!(watch.look(), all, "once is not enough");
        watch.change(&[], &[1, 2]);
        assert_eq!(watch.look(), all, "an empty listing does not count");
        watch.change(&[1], &[]);
        assert_eq!(watch.look(), BTreeSet::from([1, 2]), "2 was there the time before");
        watch.change(&[2], &[]);
        assert_eq!(watch.look(), BTreeSet::from([1, 2]));
        watch.change(&[], &[2]);
        assert_eq!([watch.look(), watch.look()], [BTreeSet::from([1, 2]), BTreeSet::from([1])]);
        watch.store.close();
    }
}

#[test]
fn a_record_that_moves_while_the_list_is_read_stays() {
    for database in databases() {
        let store = Store::open(&database.url, 2).unwrap();
        make(&store, record(1, State::Waiting));
        make(&store, Record { state_since: Timestamp(1000), ..record(2, State::Waiting) });
        let mut watch = Watch::over(store);
        watch.change(&[7], &[]);
        watch.look();
        assert_eq!(watch.look(), BTreeSet::from([2]));
        watch.clock.advance_seconds(1);
        watch.look();
        assert_eq!(watch.look(), BTreeSet::new());
        watch.store.close();
    }
}

#[test]
fn the_documents_of_a_record_that_goes_are_to_be_removed_from_the_data_store() {
    for (keep_data, wanted) in [(KeepData::Elsewhere, vec![2]), (KeepData::Yes, Vec::new())] {
        for database in databases() {
            let store = Store::open(&database.url, 2).unwrap();
            for number in 1..=2 {
                make(&store, record(number, State::Waiting));
            }
            let mut watch = Watch { keep_data, ..Watch::over(store) };
            watch.change(&[1], &[]);
            assert_eq!([watch.look(), watch.look()], [BTreeSet::from([1, 2]), BTreeSet::from([1])]);
            let removals = || watch.store.read_blocking(|session| session.data_removals(10)).unwrap();
            let numbers: Vec<u128> = removals().iter().map(Uuid::as_u128).collect();
            assert_eq!(numbers, wanted, "{keep_data:?}");
            // One that is born again takes its documents into its own hands.
            let again = crate::node::Record { run: Uuid::from_u128(1 << 64), ..record(2, State::Waiting) };
            make(&watch.store, again);
            assert!(removals().is_empty());
        }
    }
}

#[test]
fn what_the_data_store_has_is_removed_though_another_one_is_used_by_now() {
    for database in databases() {
        let store = Store::open(&database.url, 2).unwrap();
        for number in 1..=2 {
            make(&store, record(number, State::Finished));
        }
        store.write_blocking(Elsewhere(Uuid::from_u128(2))).unwrap();
        let mut watch = Watch::over(store);
        watch.change(&[3], &[]);
        watch.look();
        assert_eq!(watch.look(), BTreeSet::new());
        let removals = watch.store.read_blocking(|session| session.data_removals(10)).unwrap();
        assert_eq!(removals, [Uuid::from_u128(2)]);
    }
}

struct Elsewhere(Uuid);

impl Job for Elsewhere {
    type Output = ();

    fn run(&self, session: &mut dyn Session) -> QueryResult<()> {
        session.put_elsewhere(self.0, crate::node::Variant::Raw, "d", Timestamp(1))
    }
}
