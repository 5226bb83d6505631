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
}

impl Watch {
    fn over(store: Store) -> Self {
        let service = Local::new(store.clone());
        Self { store, clock: ManualClock::at(Timestamp(1000)), service, missing: Missing::default() }
    }

    fn change(&self, added: &[u128], removed: &[u128]) {
        self.store.write_blocking(Change { added: added.to_vec(), removed: removed.to_vec() }).unwrap();
    }

    /// Looks once; the records that are left.
    fn look(&mut self) -> BTreeSet<u128> {
        let looked = look(&self.store, &self.clock, &self.service, &mut self.missing);
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
