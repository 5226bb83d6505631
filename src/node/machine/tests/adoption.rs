//! Machines that no run expects: discovery, and nodes in use.

use super::harness::{Harness, Luck, START, adoption};
use super::*;
use crate::fsm::Birth;
use crate::node::ManageBoot;
use crate::node::order::PowerPolicy;

#[test]
fn a_discovered_machine_is_enrolled_and_then_processed() {
    let mut harness = Harness::new();
    let ticket = harness.ticket();
    harness.feed(Input::Adopt(ticket, adoption(Birth::Discovery, &[])));
    let birth = harness.commit.clone().unwrap();
    assert_eq!(
        (birth.record.state, birth.runs.begun),
        (State::Enrolling, Some(crate::node::RunKind::Discovery))
    );
    assert!(birth.data.raw.is_some(), "the data is in the first commit");
    assert_eq!(birth.record.deadline, Some(START.plus_seconds(80)));
    harness.do_commit();
    assert!(harness.accepted.contains(&ticket));
    harness.do_commit();
    assert_eq!(harness.state(), Some(State::Processing));
    assert!(matches!(&harness.operation, Some(Operation::Process(_, _, PowerPolicy::Off))));
    harness.settle(Luck::Odd);
    assert_eq!(harness.state(), Some(State::Finished));
    assert_eq!(harness.answers[&ticket], Ok(()));
}

#[test]
fn a_machine_in_use_is_processed_again_and_again_and_keeps_its_power() {
    let mut harness = Harness::new();
    for _ in 0..2 {
        let ticket = harness.ticket();
        harness.feed(Input::Adopt(ticket, adoption(Birth::ActiveIntrospection, &[])));
        harness.do_commit();
        assert_eq!(harness.state(), Some(State::Waiting));
        assert_eq!(harness.row.as_ref().unwrap().manage_boot, ManageBoot::Unmanaged);
        harness.do_commit();
        assert!(matches!(&harness.operation, Some(Operation::Process(_, _, PowerPolicy::Leave))));
        harness.settle(Luck::Good);
        assert_eq!(harness.state(), Some(State::Finished));
        assert_eq!(harness.answers[&ticket], Ok(()));
    }
    assert_eq!(harness.ended_runs.len(), 2);
}

#[test]
fn a_machine_in_use_whose_ramdisk_failed_ends_in_error() {
    let mut harness = Harness::new();
    let ticket = harness.ticket();
    harness.feed(Input::Adopt(ticket, adoption(Birth::ActiveIntrospection, &["no"])));
    harness.settle(Luck::Good);
    assert_eq!(harness.row.as_ref().unwrap().error.as_deref(), Some("no"));
    assert!(harness.answers[&ticket].is_err());
}

#[test]
fn data_of_a_machine_that_is_being_enrolled_waits_for_its_turn() {
    let mut harness = Harness::new();
    let (first, second) = (harness.ticket(), harness.ticket());
    harness.feed(Input::Adopt(first, adoption(Birth::Discovery, &[])));
    harness.feed(Input::Adopt(second, adoption(Birth::Discovery, &[])));
    harness.settle(Luck::Good);
    assert_eq!(harness.answers[&first], Ok(()));
    assert!(harness.answers[&second].as_ref().unwrap_err().text.contains("already finished on"));
    assert_eq!(harness.ended_runs.len(), 1);
}

#[test]
fn an_enrolment_that_a_crash_interrupted_ends_and_says_so() {
    let mut harness = Harness::new();
    let ticket = harness.ticket();
    harness.feed(Input::Adopt(ticket, adoption(Birth::Discovery, &[])));
    harness.crash(true);
    harness.settle(Luck::Good);
    assert!(harness.row.as_ref().unwrap().error.as_deref().unwrap().contains("being enrolled"));
}
