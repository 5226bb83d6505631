//! The machine by hand and against a model: random sequences of inputs, with time moved by hand.
//!
//! The harness plays actor, database and node service: it carries effects out in memory, and checks after every
//! step what must always be true.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::fsm::{self, Birth};
use crate::node::order::{Ending, PowerPolicy};
use crate::node::{Attribute, MAC, ManageBoot, Outcome};
use crate::node_service::{FailureKind, Persistence, ServiceError};
use crate::processing::change::Change;
use crate::store::documents::Packed;
use crate::store::transition::{Expected, Lookup};

const START: Timestamp = Timestamp(1_000_000_000);

fn settings() -> Arc<Settings> {
    Arc::new(Settings {
        timeout_s: Some(100),
        starting_timeout_s: 60,
        processing_timeout_s: 80,
        aborting_timeout_s: 30,
        keep_data: KeepData::Yes,
        power_off: true,
        always_store_logs: false,
        queue_length: 2,
        spacing: Spacing::Spaced,
        in_use: InUse::Permitted,
        unknown: Unknown::Refused,
    })
}

fn order(manage_boot: ManageBoot) -> Box<StartOrder> {
    Box::new(StartOrder {
        manage_boot,
        attributes: Ok(vec![Attribute { name: MAC, value: "52:54:00:00:00:01".to_owned() }]),
        persistence: Persistence::Once,
    })
}

fn posting(failures: &[&str]) -> Arc<Posting> {
    Arc::new(Posting {
        document: crate::node_service::Object::new(),
        raw: Packed::pack(b"{}").unwrap(),
        failures: failures.iter().map(|text| (*text).to_owned()).collect(),
        logs: None,
        origin: crate::processing::ramdisk_logs::Origin::of(None, &crate::node_service::Object::new()),
        matched: None,
    })
}

fn node(provision_state: &str) -> Box<Node> {
    let document = json!({"provision_state": provision_state}).as_object().cloned().unwrap();
    Box::new(Node { uuid: Uuid::nil(), document })
}

fn adoption(birth: Birth, failures: &[&str]) -> Box<Adoption> {
    let state = if birth == Birth::Discovery { "enroll" } else { "active" };
    let attributes = vec![Attribute { name: MAC, value: "52:54:00:00:00:01".to_owned() }];
    Box::new(Adoption { birth, attributes, posting: posting(failures), node: node(state) })
}

/// Database, node service and callers, played in memory.
struct Harness {
    machine: NodeMachine,
    now: Timestamp,
    /// The row in the "database".
    row: Option<Record>,
    attributes: HashSet<String>,
    open_runs: HashSet<Uuid>,
    ended_runs: HashMap<Uuid, Outcome>,
    commit: Option<Arc<Transition>>,
    operation: Option<Operation>,
    reloading: bool,
    timeline: Timeline,
    asked: HashSet<Ticket>,
    answers: HashMap<Ticket, Result<()>>,
    accepted: HashSet<Ticket>,
    next_ticket: Ticket,
}

impl Harness {
    fn new() -> Self {
        Self {
            machine: NodeMachine::new(Uuid::nil(), settings(), None, Timeline::default()),
            now: START,
            row: None,
            attributes: HashSet::new(),
            open_runs: HashSet::new(),
            ended_runs: HashMap::new(),
            commit: None,
            operation: None,
            reloading: false,
            timeline: Timeline::default(),
            asked: HashSet::new(),
            answers: HashMap::new(),
            accepted: HashSet::new(),
            next_ticket: 0,
        }
    }

    fn ticket(&mut self) -> Ticket {
        self.next_ticket += 1;
        self.asked.insert(self.next_ticket);
        self.next_ticket
    }

    fn feed(&mut self, input: Input) {
        for effect in self.machine.handle(self.now, input) {
            match effect {
                Effect::Answer(ticket, answer) => {
                    let twice = self.answers.insert(ticket, answer);
                    assert!(twice.is_none(), "ticket {ticket} was answered twice");
                }
                Effect::Accepted(ticket) => {
                    self.accepted.insert(ticket);
                }
                Effect::Commit(transition) | Effect::CommitLater(transition) => {
                    assert!(self.commit.is_none(), "two commits in flight");
                    self.commit = Some(transition);
                }
                Effect::Begin(operation) => {
                    assert!(self.operation.is_none(), "two operations in flight");
                    self.operation = Some(operation);
                }
                Effect::Cancel => {
                    assert!(self.operation.take().is_some(), "nothing to cancel");
                }
                Effect::Reload => self.reloading = true,
                Effect::StoreLogs(_) => {}
                Effect::File(_, entry) => self.timeline.push(*entry),
            }
        }
        self.check();
    }

    /// What is always true.
    fn check(&self) {
        if let Some(row) = &self.row {
            assert_eq!(row.state.is_terminal(), row.finished_at.is_some());
            assert_eq!(row.state == State::Error, row.error.is_some());
            assert!(!row.state.is_terminal() || self.attributes.is_empty(), "attributes left behind");
            assert_eq!(self.open_runs.contains(&row.run), !row.state.is_terminal());
            assert!(self.open_runs.len() <= 1, "more than one open run");
        }
        if self.commit.is_none() && self.operation.is_none() && !self.reloading {
            assert!(self.machine.is_idle(), "locked, and nothing in flight");
            let waiting: Vec<_> =
                self.asked.iter().filter(|ticket| !self.answers.contains_key(ticket)).collect();
            assert!(waiting.is_empty(), "idle, and {waiting:?} not answered");
        }
    }

    /// Carries the commit out as the store does.
    fn do_commit(&mut self) {
        let Some(transition) = self.commit.take() else { return };
        let fits = match transition.expected {
            Expected::Absent => self.row.is_none(),
            Expected::Version(version) => self.row.as_ref().is_some_and(|row| row.version == version),
        };
        if !fits {
            return self.feed(Input::Committed(Written::Lost));
        }
        self.apply(&transition);
        self.feed(Input::Committed(Written::Committed));
    }

    fn apply(&mut self, transition: &Transition) {
        let from = self.row.as_ref().map(|row| row.state);
        assert!(is_step(from, transition.record.state), "{from:?} -> {}", transition.record.state);
        match &transition.lookup {
            Lookup::Keep => {}
            Lookup::Clear(_) => self.attributes.clear(),
            Lookup::Set(set) => self.attributes = set.iter().map(|a| a.value.clone()).collect(),
        }
        if let Some((run, end)) = &transition.runs.ended {
            assert!(self.open_runs.remove(run), "a run that is not open has ended");
            assert!(self.ended_runs.insert(*run, end.outcome).is_none(), "a run has ended twice");
        }
        if transition.runs.begun.is_some() {
            self.open_runs.insert(transition.record.run);
        }
        if let Some(timeline) = &transition.runs.timeline {
            self.timeline = timeline.clone();
        }
        self.row = Some(transition.record.clone());
    }

    /// Ends the operation as a healthy (or failing) node service would.
    fn do_operation(&mut self, luck: Luck) {
        let Some(operation) = self.operation.take() else { return };
        let failure = || ServiceError::new(FailureKind::Failed, "no");
        let finding = match (operation, luck) {
            (Operation::BootDevice(_), Luck::Good) => Finding::BootDeviceSet(Ok(())),
            (Operation::BootDevice(_), _) => Finding::BootDeviceSet(Err("no".to_owned())),
            (Operation::Turn, _) => Finding::Turn,
            (Operation::Reboot, Luck::Good) => Finding::Rebooted(Ok(())),
            (Operation::Reboot, _) => Finding::Rebooted(Err("no".to_owned())),
            (Operation::FetchLater, _) => Finding::Fetched(Ok(node("manageable"))),
            (Operation::Fetch, Luck::Good) => Finding::Fetched(Ok(node("manageable"))),
            (Operation::Fetch, Luck::Odd) => Finding::Fetched(Ok(node("available"))),
            (Operation::Fetch, Luck::Gone) => {
                Finding::Fetched(Err(ServiceError::new(FailureKind::NotFound, "gone")))
            }
            (Operation::Fetch, Luck::Bad) => Finding::Fetched(Err(failure())),
            (Operation::Process(_, _, policy), Luck::Good | Luck::Odd) => {
                let ending = match (policy, luck) {
                    (PowerPolicy::Leave, _) => Ending::LeavePower,
                    (PowerPolicy::Off, Luck::Odd) => Ending::TryPowerOff,
                    (PowerPolicy::Off, _) => Ending::PowerOff,
                };
                let plan = Plan { change: Change::default(), ending };
                Finding::Processed(Ok((Box::new(plan), Packed::pack(b"{}").unwrap())))
            }
            (Operation::Process(..), _) => Finding::Processed(Err(Error::bad_request("hook"))),
            (Operation::Apply(_), Luck::Good | Luck::Odd) => Finding::Applied(Ok(())),
            (Operation::Apply(_), _) => Finding::Applied(Err(Error::internal("no"))),
            (Operation::PowerOff, Luck::Good) => Finding::PoweredOff(Ok(())),
            (Operation::PowerOff, _) => Finding::PoweredOff(Err("no".to_owned())),
            (Operation::AbortPowerOff, Luck::Good) => Finding::AbortPoweredOff(Ok(())),
            (Operation::AbortPowerOff, _) => Finding::AbortPoweredOff(Err("no".to_owned())),
        };
        self.feed(Input::Done(finding));
    }

    fn do_reload(&mut self) {
        if std::mem::take(&mut self.reloading) {
            self.feed(Input::Reloaded(self.row.clone(), self.timeline.clone()));
        }
    }

    /// The process dies, another starts over the same row.
    fn crash(&mut self, committed: bool) {
        if let Some(transition) = self.commit.take().filter(|_| committed) {
            let fits = match transition.expected {
                Expected::Absent => self.row.is_none(),
                Expected::Version(version) => self.row.as_ref().is_some_and(|row| row.version == version),
            };
            if fits {
                self.apply(&transition);
            }
        }
        self.operation = None;
        self.commit = None;
        self.reloading = false;
        self.asked.clear();
        self.machine = NodeMachine::new(Uuid::nil(), settings(), self.row.clone(), self.timeline.clone());
        let remains = Remains { plan: None, posting: Some(posting(&[])) };
        self.feed(Input::Resume(remains));
    }

    /// Somebody else ends the waiting run.
    fn swept(&mut self) {
        let Some(row) = self.row.clone().filter(|row| row.state == State::Waiting) else { return };
        let transition = step::expire(&row, self.now, KeepData::Yes).unwrap();
        self.apply(&transition);
    }

    fn settle(&mut self, luck: Luck) {
        for _ in 0..40 {
            self.do_reload();
            self.do_commit();
            self.do_operation(luck);
        }
    }

    fn state(&self) -> Option<State> {
        self.row.as_ref().map(|row| row.state)
    }
}

/// Whether the table (or an addition within a state) leads there; a failure may pass through `processing`.
fn is_step(from: Option<State>, to: State) -> bool {
    let born = matches!(to, State::Starting | State::Enrolling | State::Waiting);
    let Some(from) = from.filter(|from| !(born && from.is_terminal())) else { return born };
    let reaches = |from| Event::ALL.iter().any(|event| fsm::next(from, *event) == Ok(to));
    from == to || reaches(from) || (from == State::Waiting && reaches(State::Processing))
}

#[derive(Clone, Copy, Debug)]
enum Luck {
    Good,
    Odd,
    Bad,
    Gone,
}

#[derive(Clone, Debug)]
enum Step {
    Start(bool),
    Abort,
    Reapply(bool),
    Callback(bool),
    Adopt(bool, bool),
    Withdraw,
    Commit,
    CommitFails,
    Operation(Luck),
    Reload,
    Pass(u8),
    Alarm,
    Sweep,
    Crash(bool),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let luck = prop_oneof![
        6 => Just(Luck::Good), 1 => Just(Luck::Odd), 1 => Just(Luck::Bad), 1 => Just(Luck::Gone)
    ];
    // The length of a case matters more than its number: most of what can go wrong needs a dozen steps.
    let step = prop_oneof![
        3 => any::<bool>().prop_map(Step::Start),
        1 => Just(Step::Abort),
        1 => any::<bool>().prop_map(Step::Reapply),
        3 => prop::bool::weighted(0.8).prop_map(Step::Callback),
        2 => (any::<bool>(), prop::bool::weighted(0.8)).prop_map(|(new, good)| Step::Adopt(new, good)),
        1 => Just(Step::Withdraw),
        8 => Just(Step::Commit),
        1 => Just(Step::CommitFails),
        8 => luck.prop_map(Step::Operation),
        4 => Just(Step::Reload),
        1 => (1u8..120).prop_map(Step::Pass),
        1 => Just(Step::Alarm),
        1 => Just(Step::Sweep),
        1 => any::<bool>().prop_map(Step::Crash),
    ];
    prop::collection::vec(step, 1..120)
}

impl Harness {
    fn take(&mut self, step: &Step) {
        // A commit holds the mailbox: meanwhile only its report and the end of the operation come through.
        let held = self.commit.is_some() || self.reloading;
        match step {
            Step::Start(managed) if !held => {
                let boot = if *managed { ManageBoot::Managed } else { ManageBoot::Unmanaged };
                let ticket = self.ticket();
                self.feed(Input::Start(ticket, order(boot)));
            }
            Step::Abort if !held => {
                let ticket = self.ticket();
                self.feed(Input::Abort(ticket));
            }
            Step::Reapply(good) if !held => {
                let ticket = self.ticket();
                let posting = posting(if *good { &[] } else { &["bad"] });
                self.feed(Input::Reapply(ticket, posting, Source::Given));
            }
            Step::Callback(good) if !held => {
                let ticket = self.ticket();
                let posting = posting(if *good { &[] } else { &["bad"] });
                self.feed(Input::Callback(ticket, posting));
            }
            Step::Adopt(new, good) if !held => {
                let ticket = self.ticket();
                let birth = if *new { Birth::Discovery } else { Birth::ActiveIntrospection };
                self.feed(Input::Adopt(ticket, adoption(birth, if *good { &[] } else { &["bad"] })));
            }
            Step::Withdraw => {
                let ticket = self.next_ticket;
                if self.asked.remove(&ticket) {
                    self.feed(Input::Withdrawn(ticket));
                    self.answers.remove(&ticket);
                }
            }
            Step::Commit => self.do_commit(),
            Step::CommitFails if self.commit.take().is_some() => {
                self.feed(Input::CommitFailed(Error::unavailable("disk")));
            }
            Step::Operation(luck) if !held => self.do_operation(*luck),
            Step::Reload => self.do_reload(),
            Step::Pass(seconds) => self.now = self.now.plus_seconds(i64::from(*seconds)),
            Step::Alarm if !held => self.feed(Input::Deadline),
            Step::Sweep => self.swept(),
            Step::Crash(committed) => self.crash(*committed),
            _ => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn whatever_happens_every_run_ends_once_and_every_caller_is_answered_once(steps in steps()) {
        let mut harness = Harness::new();
        for step in &steps {
            harness.take(step);
        }
        harness.settle(Luck::Good);
        // Left alone, every record comes to rest.
        prop_assert!(harness.state().is_none_or(|state| !state.is_active()), "{:?}", harness.state());
        harness.now = harness.now.plus_seconds(1000);
        harness.feed(Input::Deadline);
        harness.settle(Luck::Good);
        prop_assert!(harness.state().is_none_or(State::is_terminal), "{:?}", harness.state());
        prop_assert!(harness.open_runs.is_empty());
    }
}

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
    let plan = Plan { change: Change::default(), ending: Ending::Fail("too many cores".to_owned()) };
    let processed = Packed::pack(b"{}").unwrap();
    harness.feed(Input::Done(Finding::Processed(Ok((Box::new(plan), processed)))));
    let transition = harness.commit.clone().unwrap();
    assert!(transition.data.processed.is_some() && transition.runs.plan.is_some());
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
