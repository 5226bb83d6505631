//! Single flows by hand.

use super::harness::{Harness, Luck, START, order, posting, power_off};
use super::*;
use crate::build_data::Collection;
use crate::error::Kind;
use crate::node::ManageBoot;
use crate::node::order::{Ending, Processed};
use crate::processing::change::Change;
use crate::store::documents::Packed;
use crate::store::transition::PowerJobWrite;

fn waiting(manage_boot: ManageBoot) -> Harness {
    let mut harness = Harness::new();
    let ticket = harness.ticket();
    harness.feed(Input::Start(ticket, order(manage_boot)));
    harness.settle(Luck::Good);
    assert_eq!(harness.state(), Some(State::Waiting));
    assert_eq!(harness.answers[&ticket], Ok(()));
    harness
}

#[test]
fn a_run_goes_from_start_to_finished() {
    let mut harness = waiting(ManageBoot::Managed);
    let ticket = harness.ticket();
    harness.feed(Input::Callback(ticket, posting(&[])));
    harness.settle(Luck::Good);
    assert_eq!(harness.state(), Some(State::Finished));
    assert_eq!(harness.answers[&ticket], Ok(()));
    assert!(harness.accepted.contains(&ticket));
}

#[test]
fn unmanaged_boot_asks_for_no_power_call() {
    let mut harness = waiting(ManageBoot::Unmanaged);
    let ticket = harness.ticket();
    harness.feed(Input::Abort(ticket));
    harness.do_commit();
    assert_eq!(harness.operation, None);
    harness.settle(Luck::Good);
    assert_eq!(harness.row.as_ref().unwrap().error.as_deref(), Some("Canceled by operator"));
}

#[test]
fn a_callback_while_starting_waits_for_its_turn() {
    let mut harness = Harness::new();
    let start = harness.ticket();
    harness.feed(Input::Start(start, order(ManageBoot::Managed)));
    harness.do_commit();
    assert_eq!(harness.state(), Some(State::Starting));
    let callback = harness.ticket();
    harness.feed(Input::Callback(callback, posting(&[])));
    assert!(!harness.answers.contains_key(&callback));
    harness.settle(Luck::Good);
    assert_eq!(harness.answers[&callback], Ok(()));
    assert_eq!(harness.state(), Some(State::Finished));
}

/// Who the machine works for.
fn cause(harness: &Harness) -> Option<String> {
    harness.machine.cause().map(ToString::to_string)
}

#[test]
fn each_step_is_done_and_noted_for_who_asked_for_it() {
    let mut harness = Harness::new();
    let [start, callback, abort] = [(); 3].map(|()| harness.ticket());
    harness.feed_for(Some("req-start"), Input::Start(start, order(ManageBoot::Managed)));
    harness.do_commit();
    harness.feed_for(Some("req-post"), Input::Callback(callback, posting(&[])));
    harness.feed_for(Some("req-abort"), Input::Abort(abort));
    assert!(harness.answers[&abort].is_err());
    assert_eq!(cause(&harness).as_deref(), Some("req-start"), "it goes on for who began it");
    while harness.state() != Some(State::Waiting) {
        harness.do_operation(Luck::Good);
        harness.do_commit();
    }
    assert_eq!(cause(&harness).as_deref(), Some("req-post"), "then it is the turn of who waited");
    harness.settle(Luck::Good);
    assert_eq!((harness.state(), cause(&harness)), (Some(State::Finished), None));
    let told: Vec<_> = harness.timeline.entries.iter().map(|entry| entry.by.as_deref().unwrap()).collect();
    let [start, refused, rest @ ..] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!((*start, *refused), ("req-start", "req-abort"));
    assert_eq!(rest, ["req-start", "req-start", "req-post", "req-post", "req-post"]);
}

#[test]
fn what_a_crash_interrupts_goes_on_for_who_asked_for_it() {
    let mut harness = waiting(ManageBoot::Managed);
    let ticket = harness.ticket();
    harness.feed_for(Some("req-post"), Input::Callback(ticket, posting(&[])));
    harness.do_operation(Luck::Good);
    harness.do_commit();
    harness.crash(true);
    assert_eq!(cause(&harness).as_deref(), Some("req-post"));
}

#[test]
fn too_many_callbacks_at_one_node_are_told_to_come_again() {
    let mut harness = waiting(ManageBoot::Managed);
    let tickets: Vec<Ticket> = (0..4).map(|_| harness.ticket()).collect();
    for ticket in &tickets {
        harness.feed(Input::Callback(*ticket, posting(&[])));
    }
    assert_eq!(harness.answers[&tickets[3]].as_ref().unwrap_err().kind, crate::error::Kind::Unavailable);
    harness.settle(Luck::Good);
    assert_eq!(harness.answers[&tickets[0]], Ok(()));
    let late = harness.answers[&tickets[1]].as_ref().unwrap_err();
    assert!(late.text.contains("already finished on"), "{}", late.text);
}

#[test]
fn data_for_a_node_whose_record_has_gone_is_refused_with_the_known_text() {
    let mut harness = Harness::new();
    let ticket = harness.ticket();
    harness.feed(Input::Callback(ticket, posting(&[])));
    harness.settle(Luck::Good);
    let refusal = harness.answers[&ticket].as_ref().unwrap_err();
    let line = format!(
        "Look up error: Could not find node {} in introspection cache, probably it's not on introspection now",
        uuid::Uuid::nil()
    );
    assert!(refusal.text.ends_with(&line), "{}", refusal.text);
    assert_eq!((refusal.kind, harness.state()), (crate::error::Kind::BadRequest, None));
}

#[test]
fn what_the_pre_hooks_find_wrong_ends_the_run_at_once() {
    let mut harness = waiting(ManageBoot::Managed);
    let ticket = harness.ticket();
    harness.feed(Input::Callback(ticket, posting(&["Preprocessing hook x: no", "second"])));
    let transition = harness.commit.clone().unwrap();
    assert!(transition.data.raw.is_some(), "the data is kept for a reapply");
    harness.settle(Luck::Good);
    let row = harness.row.as_ref().unwrap();
    assert_eq!(row.error.as_deref(), Some("Preprocessing hook x: no\nsecond"));
    assert!(
        harness.answers[&ticket].as_ref().unwrap_err().text.ends_with("Preprocessing hook x: no\nsecond")
    );
}

#[test]
fn a_failing_rule_is_applied_as_far_as_it_came_and_then_ends_the_run() {
    let mut harness = waiting(ManageBoot::Managed);
    let ticket = harness.ticket();
    harness.feed(Input::Callback(ticket, posting(&[])));
    harness.do_operation(Luck::Good);
    harness.do_commit();
    assert!(matches!(harness.operation.take(), Some(Operation::Process(..))));
    let ending = Ending::Fail("too many cores".to_owned());
    let plan = Plan { change: Change::default(), ending, build: Collection::default() };
    let rules = Results { failed: Some("r".to_owned()), ..Results::default() };
    let processed = Processed {
        plan: Box::new(plan),
        data: Packed::pack(b"{}").unwrap(),
        rules: rules.clone(),
        contents: Vec::new(),
    };
    harness.feed(Input::Done(Finding::Processed(Ok(processed))));
    let transition = harness.commit.clone().unwrap();
    assert!(transition.data.processed.is_some() && transition.runs.plan.is_some());
    let written = transition.runs.timeline.clone().unwrap().entries;
    assert_eq!(written.last().unwrap().rules, Some(rules), "it is told with the plan");
    assert_eq!(written.iter().filter(|entry| entry.rules.is_some()).count(), 1);
    harness.do_commit();
    assert!(matches!(harness.operation, Some(Operation::Apply(_))));
    assert!(!harness.answers.contains_key(&ticket), "not before the end is committed");
    harness.settle(Luck::Good);
    let row = harness.row.as_ref().unwrap();
    assert_eq!((row.state, row.error.as_deref()), (State::Error, Some("too many cores")));
    assert_eq!(harness.answers[&ticket], Err(Error::bad_request("too many cores")));
}

#[test]
fn a_node_service_that_does_not_answer_leaves_the_node_waiting() {
    let mut harness = waiting(ManageBoot::Managed);
    let version = harness.row.as_ref().unwrap().version;
    let ticket = harness.ticket();
    harness.feed(Input::Callback(ticket, posting(&[])));
    harness.do_operation(Luck::Bad);
    assert_eq!(harness.answers[&ticket].as_ref().unwrap_err().kind, crate::error::Kind::Unavailable);
    assert_eq!(harness.row.as_ref().unwrap().version, version, "nothing was written");
}

#[test]
fn a_node_that_is_gone_ends_in_error_and_404() {
    let mut harness = waiting(ManageBoot::Managed);
    let ticket = harness.ticket();
    harness.feed(Input::Callback(ticket, posting(&[])));
    harness.settle(Luck::Gone);
    assert_eq!(harness.answers[&ticket].as_ref().unwrap_err().kind, crate::error::Kind::NotFound);
    assert_eq!(harness.state(), Some(State::Error));
}

#[test]
fn a_caller_that_is_gone_before_its_data_is_taken_changes_nothing() {
    let mut harness = waiting(ManageBoot::Managed);
    let ticket = harness.ticket();
    harness.feed(Input::Callback(ticket, posting(&[])));
    harness.asked.remove(&ticket);
    harness.feed(Input::Withdrawn(ticket));
    harness.settle(Luck::Good);
    assert_eq!(harness.state(), Some(State::Waiting));
}

#[test]
fn a_caller_that_leaves_while_its_data_is_committed_may_post_it_again() {
    for commits in [0, 1] {
        let mut harness = waiting(ManageBoot::Managed);
        let ticket = harness.ticket();
        harness.feed(Input::Callback(ticket, posting(&[])));
        harness.do_operation(Luck::Good);
        for _ in 0..commits {
            harness.do_commit();
            harness.do_operation(Luck::Good);
        }
        assert!(harness.commit.is_some());
        harness.asked.remove(&ticket);
        harness.feed(Input::Withdrawn(ticket));
        harness.settle(Luck::Good);
        assert_eq!(harness.state(), Some(State::Finished));
        let again = harness.ticket();
        harness.feed(Input::Callback(again, posting(&[])));
        assert_eq!(harness.answers[&again], Ok(()), "{commits}");
    }
}

#[test]
fn operators_are_refused_while_the_node_is_locked_and_told_why() {
    let mut harness = Harness::new();
    let start = harness.ticket();
    harness.feed(Input::Start(start, order(ManageBoot::Managed)));
    harness.do_commit();
    let (again, abort, reapply) = (harness.ticket(), harness.ticket(), harness.ticket());
    harness.feed(Input::Start(again, order(ManageBoot::Managed)));
    harness.feed(Input::Abort(abort));
    harness.feed(Input::Reapply(reapply, posting(&[]), Source::Given));
    let text = |ticket| harness.answers[&ticket].as_ref().unwrap_err().text.clone();
    assert_eq!(
        text(again),
        "Can not transition from state 'starting' on event 'start' (no defined transition) [starting, \
         setting the boot device]"
    );
    assert!(text(abort).starts_with("Node is locked, please, retry later [starting"));
    assert!(text(reapply).starts_with("Node locked, please, try again later [starting"));
}

#[test]
fn an_abort_that_can_not_power_off_still_ends_the_run_and_says_so() {
    let mut harness = waiting(ManageBoot::Managed);
    let ticket = harness.ticket();
    harness.feed(Input::Abort(ticket));
    harness.do_commit();
    harness.do_operation(Luck::Bad);
    let (_, end) = harness.commit.clone().unwrap().runs.ended.clone().unwrap();
    assert_eq!(end.power.as_deref(), Some("power_unknown: no"));
    harness.settle(Luck::Good);
    assert_eq!(harness.row.as_ref().unwrap().error.as_deref(), Some("Canceled by operator"));
}

#[test]
fn a_deadline_in_an_active_state_cancels_what_is_going_on() {
    let mut harness = Harness::new();
    let start = harness.ticket();
    harness.feed(Input::Start(start, order(ManageBoot::Managed)));
    harness.do_commit();
    assert_eq!(harness.machine.alarm(), Some(START.plus_seconds(60)));
    harness.feed(Input::Deadline);
    assert!(harness.operation.is_some(), "too early");
    harness.now = START.plus_seconds(60);
    harness.feed(Input::Deadline);
    assert!(harness.operation.is_none());
    harness.settle(Luck::Good);
    assert_eq!(harness.row.as_ref().unwrap().error.as_deref(), Some("Introspection timeout"));
}

#[test]
fn a_machine_that_timed_out_is_powered_off_unless_another_run_has_begun() {
    let mut harness = waiting(ManageBoot::Managed);
    harness.now = harness.now.plus_seconds(1000);
    harness.feed(Input::Deadline);
    assert_eq!(harness.commit.clone().unwrap().power_job, PowerJobWrite::Add);
    harness.settle(Luck::Good);
    let run = harness.row.as_ref().unwrap().run;
    harness.feed(Input::PowerJob(run));
    assert!(matches!(harness.operation, Some(Operation::AbortPowerOff(_))));
    harness.do_operation(Luck::Good);
    assert_eq!(harness.power_ended, [(run, Ok(()))]);
    let ticket = harness.ticket();
    harness.feed(Input::Start(ticket, order(ManageBoot::Managed)));
    assert_eq!(harness.commit.clone().unwrap().power_job, PowerJobWrite::Drop);
    harness.settle(Luck::Good);
    harness.feed(Input::PowerJob(run));
    assert_eq!(harness.operation, None);
}

#[test]
fn the_power_is_switched_only_while_the_node_is_at_rest_and_nothing_begins_meanwhile() {
    let mut harness = Harness::new();
    let powered = harness.ticket();
    harness.feed(Input::Power(powered, power_off()));
    assert_eq!(harness.operation, Some(Operation::Power(power_off())));
    let refused = harness.ticket();
    harness.feed(Input::Start(refused, order(ManageBoot::Managed)));
    let text = harness.answers[&refused].as_ref().unwrap_err().text.clone();
    assert!(text.contains("switching the power for a task"), "{text}");
    let second = harness.ticket();
    harness.feed(Input::Power(second, power_off()));
    assert_eq!(harness.answers[&second].as_ref().unwrap_err().kind, Kind::Conflict);
    harness.do_operation(Luck::Good);
    assert_eq!(harness.answers[&powered], Ok(()));
    assert_eq!(harness.row, None, "it is not part of any run");

    let ticket = harness.ticket();
    harness.feed(Input::Start(ticket, order(ManageBoot::Managed)));
    harness.settle(Luck::Good);
    let during = harness.ticket();
    harness.feed(Input::Power(during, power_off()));
    assert_eq!(harness.answers[&during].as_ref().unwrap_err().kind, Kind::Conflict);
    assert_eq!((harness.operation.clone(), harness.state()), (None, Some(State::Waiting)));
}

#[test]
fn power_that_nobody_waits_for_any_more_gives_the_node_free() {
    let mut harness = Harness::new();
    let gone = harness.ticket();
    harness.feed(Input::Power(gone, power_off()));
    harness.asked.remove(&gone);
    harness.feed(Input::Withdrawn(gone));
    assert_eq!(harness.operation, None);
    assert!(harness.machine.is_idle());
}

#[test]
fn what_a_crash_interrupted_is_brought_to_its_end() {
    let ended = |harness: &mut Harness| {
        harness.crash(true);
        harness.settle(Luck::Good);
        harness.row.clone().unwrap()
    };
    let mut harness = Harness::new();
    let ticket = harness.ticket();
    harness.feed(Input::Start(ticket, order(ManageBoot::Managed)));
    assert!(ended(&mut harness).error.unwrap().contains("interrupted"));

    let mut harness = waiting(ManageBoot::Managed);
    assert_eq!(ended(&mut harness).state, State::Waiting);

    let ticket = harness.ticket();
    harness.feed(Input::Callback(ticket, posting(&[])));
    harness.do_operation(Luck::Good);
    assert_eq!(ended(&mut harness).state, State::Finished);

    let mut harness = waiting(ManageBoot::Managed);
    let ticket = harness.ticket();
    harness.feed(Input::Abort(ticket));
    assert_eq!(ended(&mut harness).error.as_deref(), Some("Canceled by operator"));
}
