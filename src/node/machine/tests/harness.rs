//! Plays actor, database and node service for a machine: carries effects out in memory, and checks after every
//! step what must always be true.

use crate::build_data::{Collection, Generator};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::documents::Documents;
use super::*;
use crate::data_store::Key;
use crate::fsm::{self, Birth};
use crate::node::data::Delivered;
use crate::node::order::{Ending, PowerOrder, PowerPolicy, Processed};
use crate::node::{Attribute, MAC, ManageBoot, Outcome, Variant};
use crate::node_service::{FailureKind, Object, Persistence, PowerTarget, ServiceError};
use crate::processing::change::Change;
use crate::processing::ramdisk_logs::Origin;
use crate::store::Store;
use crate::store::documents::Packed;
use crate::store::transition::{Expected, Lookup};

pub(super) const START: Timestamp = Timestamp(1_000_000_000);

pub(super) fn me() -> Owner {
    Owner { name: "alone".into(), epoch: 1 }
}

pub(super) fn settings() -> Arc<Settings> {
    settings_with(KeepData::Yes)
}

pub(super) fn settings_with(keep_data: KeepData) -> Arc<Settings> {
    Arc::new(Settings {
        me: me(),
        timeout_s: Some(100),
        starting_timeout_s: 60,
        processing_timeout_s: 80,
        aborting_timeout_s: 30,
        keep_data,
        power_off: true,
        always_store_logs: false,
        queue_length: 2,
        timeout_power: TimeoutPower::Off,
        spacing: Spacing::Spaced,
        in_use: InUse::Permitted,
        unknown: Unknown::Refused,
        tokens: Tokens::Unused,
        generators: vec![Generator::Unprocessed],
    })
}

pub(super) fn order(manage_boot: ManageBoot) -> Box<StartOrder> {
    Box::new(StartOrder {
        manage_boot,
        attributes: Ok(vec![Attribute { name: MAC, value: "52:54:00:00:00:01".to_owned() }]),
        persistence: Persistence::Once,
        token: None,
    })
}

pub(super) fn power_off() -> PowerOrder {
    PowerOrder { target: PowerTarget::Off, within: Duration::from_secs(1) }
}

pub(super) fn posting(failures: &[&str]) -> Arc<Posting> {
    posting_of(b"{}", failures)
}

pub(super) fn posting_of(document: &[u8], failures: &[&str]) -> Arc<Posting> {
    let failures = failures.iter().map(|text| (*text).to_owned()).collect();
    let origin = Origin::of(None, &Object::new());
    Arc::new(Posting::new(Packed::pack(document).unwrap(), failures, None, origin))
}

pub(super) fn node(provision_state: &str) -> Box<Node> {
    let document = json!({"provision_state": provision_state}).as_object().cloned().unwrap();
    Box::new(Node { uuid: Uuid::nil(), document })
}

pub(super) fn adoption(birth: Birth, failures: &[&str]) -> Box<Adoption> {
    let state = if birth == Birth::Discovery { "enroll" } else { "active" };
    let attributes = vec![Attribute { name: MAC, value: "52:54:00:00:00:01".to_owned() }];
    Box::new(Adoption { birth, attributes, posting: posting(failures), node: node(state) })
}

/// Database, node service and callers, played in memory.
pub(super) struct Harness {
    pub(super) machine: NodeMachine,
    pub(super) now: Timestamp,
    /// A real database, which must say the same as the row below.
    pub(super) store: Option<Store>,
    /// The row in the "database".
    pub(super) row: Option<Record>,
    pub(super) attributes: HashSet<String>,
    pub(super) documents: Documents,
    /// What the run is about to apply.
    plan: Option<Box<Plan>>,
    pub(super) keep_data: KeepData,
    /// Documents that the hooks made.
    made: u32,
    pub(super) open_runs: HashSet<Uuid>,
    pub(super) ended_runs: HashMap<Uuid, Outcome>,
    pub(super) commit: Option<Arc<Transition>>,
    pub(super) operation: Option<Operation>,
    pub(super) reloading: bool,
    pub(super) timeline: Timeline,
    pub(super) power_ended: Vec<(Uuid, Result<(), String>)>,
    pub(super) asked: HashSet<Ticket>,
    pub(super) answers: HashMap<Ticket, Result<()>>,
    pub(super) accepted: HashSet<Ticket>,
    pub(super) next_ticket: Ticket,
}

impl Harness {
    pub(super) fn new() -> Self {
        Self::with(KeepData::Yes)
    }

    pub(super) fn with(keep_data: KeepData) -> Self {
        Self {
            machine: NodeMachine::new(Uuid::nil(), settings_with(keep_data), None, Timeline::default()),
            now: START,
            store: None,
            row: None,
            attributes: HashSet::new(),
            documents: Documents::default(),
            plan: None,
            keep_data,
            made: 0,
            open_runs: HashSet::new(),
            ended_runs: HashMap::new(),
            commit: None,
            operation: None,
            reloading: false,
            timeline: Timeline::default(),
            power_ended: Vec::new(),
            asked: HashSet::new(),
            answers: HashMap::new(),
            accepted: HashSet::new(),
            next_ticket: 0,
        }
    }

    pub(super) fn ticket(&mut self) -> Ticket {
        self.next_ticket += 1;
        self.asked.insert(self.next_ticket);
        self.next_ticket
    }

    pub(super) fn feed(&mut self, input: Input) {
        self.feed_for(None, input);
    }

    /// An input that somebody asks for.
    pub(super) fn feed_for(&mut self, asker: Option<&str>, input: Input) {
        for effect in self.machine.handle_for(asker.map(Asker::anonymous), self.now, input) {
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
                Effect::PowerJobTried(run, outcome) => self.power_ended.push((run, outcome)),
            }
        }
        self.check();
    }

    /// The real database holds what the model holds.
    pub(super) fn compare(&self) {
        let Some(store) = &self.store else { return };
        let node = Uuid::nil();
        let (row, attributes, runs) = store
            .read_blocking(|session| {
                Ok((session.node(node)?, session.attributes(node)?, session.runs_of(node, 1000)?))
            })
            .unwrap();
        assert_eq!(row, self.row);
        for variant in [Variant::Raw, Variant::Processed] {
            let stored = store.read_blocking(|session| session.stored(node, variant)).unwrap();
            let known = stored.as_ref().map(|stored| (stored.place, stored.digest.clone()));
            assert_eq!(known.as_ref(), self.documents.rows.get(&variant), "{variant:?}");
            let body = stored.and_then(|stored| stored.document);
            assert_eq!(body.as_ref(), self.documents.bodies.get(&variant), "{variant:?}");
        }
        let values: HashSet<String> = attributes.into_iter().map(|attribute| attribute.value).collect();
        assert_eq!(values, self.attributes);
        for run in &runs {
            let ended = self.ended_runs.get(&run.id.parse().unwrap());
            assert_eq!(run.outcome.as_deref(), ended.map(|outcome| outcome.name()), "{run:?}");
        }
        assert_eq!(runs.len(), self.open_runs.len() + self.ended_runs.len());
        if let Some(row) = &self.row {
            let stored = store.read_blocking(|session| session.timeline(row.run)).unwrap();
            assert!(stored.entries.len() <= self.timeline.entries.len());
        }
    }

    /// What is always true.
    pub(super) fn check(&self) {
        self.documents.check(self.state().is_some_and(State::is_active));
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
    pub(super) fn do_commit(&mut self) {
        let Some(transition) = self.commit.take() else { return };
        let fits = match transition.expected {
            Expected::Absent => self.row.is_none(),
            Expected::Version(version) => self.row.as_ref().is_some_and(|row| row.version == version),
        };
        if let Some(store) = &self.store {
            let wanted = if fits { Written::Committed } else { Written::Lost };
            assert_eq!(store.write_blocking(Arc::clone(&transition)), Ok(wanted));
        }
        if !fits {
            return self.feed(Input::Committed(Written::Lost));
        }
        self.apply(&transition);
        self.feed(Input::Committed(Written::Committed));
    }

    pub(super) fn apply(&mut self, transition: &Transition) {
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
            self.plan = None;
            self.open_runs.insert(transition.record.run);
        }
        if let Some(timeline) = &transition.runs.timeline {
            self.timeline = timeline.clone();
        }
        if let Some(plan) = &transition.runs.plan {
            self.plan = Some(serde_json::from_slice(plan).unwrap());
        }
        self.documents.apply(&transition.data);
        self.row = Some(transition.record.clone());
    }

    /// Ends the operation as a healthy (or failing) node service would.
    pub(super) fn do_operation(&mut self, luck: Luck) {
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
                let plan = Plan { change: Change::default(), ending, build: Collection::default() };
                self.made += 1;
                let data = Packed::pack(format!("{{\"made\": {}}}", self.made).as_bytes()).unwrap();
                Finding::Processed(Ok(Processed {
                    plan: Box::new(plan),
                    data,
                    rules: Results::default(),
                    contents: Vec::new(),
                }))
            }
            (Operation::Process(..), _) => Finding::Processed(Err(Error::bad_request("hook"))),
            (Operation::Save(posting, processed), luck) => {
                self.documents.save(&posting.raw, &processed, luck)
            }
            (Operation::LookAfterData, luck) => {
                self.do_deliver(luck);
                Finding::DataLookedAfter
            }
            (Operation::Apply(_), Luck::Good | Luck::Odd) => Finding::Applied(Ok(())),
            (Operation::Apply(_), _) => Finding::Applied(Err(Error::internal("no"))),
            (Operation::Power(_), Luck::Good) => Finding::Powered(Ok(())),
            (Operation::Power(_), _) => Finding::Powered(Err(Error::bad_request("no"))),
            (Operation::PowerOff, Luck::Good) => Finding::PoweredOff(Ok(())),
            (Operation::PowerOff, _) => Finding::PoweredOff(Err("no".to_owned())),
            (Operation::AbortPowerOff(_), Luck::Good) => Finding::AbortPoweredOff(Ok(())),
            (Operation::AbortPowerOff(_), _) => Finding::AbortPoweredOff(Err("no".to_owned())),
        };
        self.feed(Input::Done(finding));
    }

    fn do_deliver(&mut self, luck: Luck) {
        for (variant, digest) in self.documents.deliver(luck) {
            if let Some(store) = &self.store {
                let delivered = Delivered { key: Key::new(Uuid::nil(), variant), digest };
                assert_eq!(store.write_blocking(delivered), Ok(true));
            }
        }
    }

    pub(super) fn do_reload(&mut self) {
        if std::mem::take(&mut self.reloading) {
            self.feed(Input::Reloaded(self.row.clone(), self.timeline.clone()));
        }
    }

    /// The process dies, another starts over the same row.
    pub(super) fn crash(&mut self, committed: bool) {
        if let Some(transition) = self.commit.take().filter(|_| committed) {
            let fits = match transition.expected {
                Expected::Absent => self.row.is_none(),
                Expected::Version(version) => self.row.as_ref().is_some_and(|row| row.version == version),
            };
            if fits {
                self.write_through(&transition);
                self.apply(&transition);
            }
        }
        self.operation = None;
        self.commit = None;
        self.reloading = false;
        self.asked.clear();
        let settings = settings_with(self.keep_data);
        self.machine = NodeMachine::new(Uuid::nil(), settings, self.row.clone(), self.timeline.clone());
        let raw = self.documents.bodies.get(&Variant::Raw).map(|raw| raw.unpack().unwrap());
        let plan = self.plan.clone();
        let posting = raw.filter(|_| plan.is_none()).map(|raw| posting_of(&raw, &[]));
        let remains = Remains { plan, posting };
        self.feed(Input::Resume(remains));
    }

    /// Somebody else ends the waiting run.
    pub(super) fn swept(&mut self) {
        let Some(row) = self.row.clone().filter(|row| row.state == State::Waiting) else { return };
        let transition = step::expire(&row, self.now, self.keep_data, TimeoutPower::Leave).unwrap();
        self.write_through(&transition);
        self.apply(&transition);
    }

    fn write_through(&self, transition: &Transition) {
        if let Some(store) = &self.store {
            assert_eq!(store.write_blocking(transition.clone()), Ok(Written::Committed));
        }
    }

    pub(super) fn settle(&mut self, luck: Luck) {
        for _ in 0..40 {
            self.do_reload();
            self.do_commit();
            self.do_operation(luck);
        }
    }

    pub(super) fn state(&self) -> Option<State> {
        self.row.as_ref().map(|row| row.state)
    }
}

/// Whether the table (or an addition within a state) leads there; a failure may pass through `processing`.
pub(super) fn is_step(from: Option<State>, to: State) -> bool {
    let born = matches!(to, State::Starting | State::Enrolling | State::Waiting);
    let Some(from) = from.filter(|from| !(born && from.is_terminal())) else { return born };
    let reaches = |from| Event::ALL.iter().any(|event| fsm::next(from, *event) == Ok(to));
    from == to || reaches(from) || (from == State::Waiting && reaches(State::Processing))
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Luck {
    Good,
    Odd,
    Bad,
    Gone,
}
