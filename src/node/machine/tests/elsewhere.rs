//! Runs whose documents go to a data store outside of the database.

use super::harness::{Harness, Luck, order, posting_of};
use super::*;
use crate::node::{ManageBoot, Variant};
use crate::store::data::Place;

fn waiting() -> Harness {
    let mut harness = Harness::with(KeepData::Elsewhere);
    let ticket = harness.ticket();
    harness.feed(Input::Start(ticket, order(ManageBoot::Unmanaged)));
    harness.settle(Luck::Good);
    assert_eq!(harness.state(), Some(State::Waiting));
    harness
}

/// A callback that has come as far as to the data store.
fn saving() -> (Harness, Ticket) {
    let mut harness = waiting();
    let ticket = harness.ticket();
    harness.feed(Input::Callback(ticket, posting_of(b"{\"raw\": 1}", &[])));
    harness.do_operation(Luck::Good);
    harness.do_commit();
    assert_eq!(place(&harness, Variant::Raw), Some(Place::Spooled), "it is safe before it is processed");
    harness.do_operation(Luck::Good);
    assert!(matches!(harness.operation, Some(Operation::Save(..))));
    assert!(harness.commit.is_none(), "the Change is not committed before the data is stored");
    (harness, ticket)
}

fn place(harness: &Harness, variant: Variant) -> Option<Place> {
    harness.documents.rows.get(&variant).map(|(place, _)| *place)
}

fn places(harness: &Harness) -> [Option<Place>; 2] {
    [Variant::Raw, Variant::Processed].map(|variant| place(harness, variant))
}

fn finished() -> Harness {
    let (mut harness, _) = saving();
    harness.settle(Luck::Good);
    assert_eq!(harness.state(), Some(State::Finished));
    harness
}

#[test]
fn a_run_that_ends_well_leaves_nothing_in_the_database() {
    let harness = finished();
    assert_eq!(places(&harness), [Some(Place::Elsewhere); 2]);
    assert!(harness.documents.bodies.is_empty());
}

#[test]
fn what_the_data_store_does_not_take_fails_the_run_and_waits_for_it() {
    for luck in [Luck::Bad, Luck::Odd, Luck::Gone] {
        let (mut harness, ticket) = saving();
        harness.do_operation(luck);
        harness.do_commit();
        assert_eq!(harness.row.as_ref().unwrap().error.as_deref(), Some("no store"));
        assert_eq!(harness.answers[&ticket], Err(Error::bad_request("no store")));
        assert_eq!(places(&harness), [Some(Place::Spooled); 2]);
        harness.feed(Input::LookAfterData);
        harness.do_operation(Luck::Bad);
        assert_eq!(places(&harness), [Some(Place::Spooled); 2]);
        harness.feed(Input::LookAfterData);
        harness.do_operation(Luck::Good);
        assert_eq!(places(&harness), [Some(Place::Elsewhere); 2]);
    }
}

#[test]
fn a_run_that_times_out_while_it_stores_leaves_what_it_was_about_to_store() {
    let (mut harness, ticket) = saving();
    harness.now = harness.now.plus_seconds(81);
    harness.feed(Input::Deadline);
    assert!(harness.operation.is_none());
    harness.do_commit();
    assert_eq!(harness.row.as_ref().unwrap().error.as_deref(), Some(step::TIMEOUT_TEXT));
    assert!(harness.answers[&ticket].is_err());
    assert_eq!(places(&harness), [Some(Place::Spooled); 2]);
}

#[test]
fn a_caller_that_leaves_while_the_data_is_stored_changes_nothing() {
    let (mut harness, ticket) = saving();
    harness.asked.remove(&ticket);
    harness.feed(Input::Withdrawn(ticket));
    harness.settle(Luck::Good);
    assert_eq!(harness.state(), Some(State::Finished));
    assert!(!harness.answers.contains_key(&ticket));
}

#[test]
fn a_start_voids_what_the_data_store_has() {
    let mut harness = finished();
    let ticket = harness.ticket();
    harness.feed(Input::Start(ticket, order(ManageBoot::Unmanaged)));
    harness.do_commit();
    assert_eq!(places(&harness), [Some(Place::Nowhere); 2]);
    assert_eq!(harness.documents.there.len(), 2);
}

#[test]
fn a_reapply_of_stored_data_has_it_in_the_database_while_it_goes_on() {
    let mut harness = finished();
    let ticket = harness.ticket();
    harness.feed(Input::Reapply(ticket, posting_of(b"{\"raw\": 1}", &[]), Source::Stored));
    harness.do_commit();
    assert_eq!(places(&harness), [Some(Place::Spooled), Some(Place::Elsewhere)]);
    harness.crash(false);
    harness.settle(Luck::Good);
    assert_eq!(harness.state(), Some(State::Finished));
    assert_eq!(places(&harness), [Some(Place::Elsewhere); 2]);
}

#[test]
fn who_asks_for_something_does_not_wait_for_a_delivery() {
    let failed = || {
        let (mut harness, _) = saving();
        harness.do_operation(Luck::Bad);
        harness.do_commit();
        harness.feed(Input::LookAfterData);
        assert!(matches!(harness.operation, Some(Operation::LookAfterData)));
        harness
    };
    let mut harness = failed();
    let ticket = harness.ticket();
    harness.feed(Input::Start(ticket, order(ManageBoot::Unmanaged)));
    harness.settle(Luck::Good);
    assert_eq!((harness.state(), &harness.answers[&ticket]), (Some(State::Waiting), &Ok(())));
    let mut harness = failed();
    let ticket = harness.ticket();
    harness.feed(Input::Reapply(ticket, posting_of(b"{}", &[]), Source::Given));
    harness.settle(Luck::Good);
    assert_eq!((harness.state(), &harness.answers[&ticket]), (Some(State::Finished), &Ok(())));
}

#[test]
fn nothing_is_delivered_under_the_hands_of_a_run() {
    let (mut harness, _) = saving();
    harness.feed(Input::LookAfterData);
    assert!(matches!(harness.operation, Some(Operation::Save(..))));
}

#[test]
fn what_is_left_of_a_record_is_looked_after_though_its_removal_is_not_known() {
    let mut gone = Harness::with(KeepData::Elsewhere);
    for harness in [&mut gone, &mut waiting(), &mut finished()] {
        harness.feed(Input::LookAfterData);
        assert!(matches!(harness.operation, Some(Operation::LookAfterData)));
    }
}
