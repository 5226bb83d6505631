//! A node as plain data: inputs in, effects out.
//!
//! [`NodeMachine`] holds the last committed row and what is in flight; it decides, and the actor carries out. Pure:
//! no runtime, no database, time is a parameter. Invariant: at most one commit or one operation is in flight (that
//! is the lock), the row changes only after its commit was reported, and each caller is answered exactly once.

mod abort;
mod activity;
mod adopt;
mod callback;
mod collected;
mod commits;
mod data;
mod deadline;
mod history;
mod messages;
mod power;
mod reapply;
mod recovery;
mod settings;
mod start;
#[cfg(test)]
mod tests;
mod token;
mod work;

pub use self::abort::power_text;
pub use self::messages::{Effect, Input};
pub use self::settings::{Settings, Spacing, Unknown};

use std::collections::VecDeque;
use std::sync::Arc;

use uuid::Uuid;

use self::activity::{Activity, Committing, First, Flow, Queued, Start, Then, Work, Working};
use self::collected::Collected;
use super::Record;
use super::matching::Explanation;
use super::order::{Operation, Ticket};
use super::step::{self, End};
use super::timeline::Timeline;
use crate::clock::Timestamp;
use crate::context::Asker;
use crate::error::{Error, Result};
use crate::fsm::{Event, Refusal, State};
use crate::node_service::recorded::Call;
use crate::processing::rules::Results;
use crate::store::transition::{DataWrite, Transition, Written};

type Effects = Vec<Effect>;

/// The plain state machine of one node.
#[derive(Debug)]
pub struct NodeMachine {
    uuid: Uuid,
    settings: Arc<Settings>,
    record: Option<Record>,
    activity: Activity,
    queue: VecDeque<Queued>,
    timeline: Timeline,
    /// Calls since the last entry of the timeline.
    calls: Vec<Call>,
    /// Who asks for what is judged just now.
    asker: Option<Asker>,
    /// Who asked for what is in flight.
    cause: Option<Asker>,
    /// Whether the one who posted the data of this run had an answer.
    told: bool,
    /// What the end of this run writes down for good.
    collected: Option<Collected>,
    /// How the data came to this node, for the next entry of the timeline.
    matched: Option<Explanation>,
    /// What became of the rules, until it is written down.
    rules: Option<Results>,
    /// Whether a process that is gone may have stored a processed document of this run that no row tells of.
    may_have_saved: bool,
}

impl NodeMachine {
    /// A machine that stands where its row stands.
    #[must_use]
    pub fn new(uuid: Uuid, settings: Arc<Settings>, record: Option<Record>, timeline: Timeline) -> Self {
        Self {
            uuid,
            settings,
            record,
            activity: Activity::Idle,
            queue: VecDeque::new(),
            timeline,
            calls: Vec::new(),
            asker: None,
            cause: None,
            told: false,
            collected: None,
            matched: None,
            rules: None,
            may_have_saved: false,
        }
    }

    /// The last committed row.
    #[must_use]
    pub fn record(&self) -> Option<&Record> {
        self.record.as_ref()
    }

    /// Whether nothing is in flight or queued, so that the machine may be forgotten.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        !self.is_locked() && self.queue.is_empty()
    }

    /// When the actor has to call again with [`Input::Deadline`]: in active states only, the supervisor watches
    /// over `waiting`.
    #[must_use]
    pub fn alarm(&self) -> Option<Timestamp> {
        let record = self.record.as_ref().filter(|record| record.state.is_active())?;
        record.deadline
    }

    /// Who asked for what is in flight, as far as somebody did.
    #[must_use]
    pub fn cause(&self) -> Option<&Asker> {
        self.cause.as_ref()
    }

    /// Takes one input and answers what is to be done, in this order.
    pub fn handle(&mut self, now: Timestamp, input: Input) -> Effects {
        self.handle_for(None, now, input)
    }

    /// The same for somebody who asks.
    pub fn handle_for(&mut self, asker: Option<Asker>, now: Timestamp, input: Input) -> Effects {
        let was_locked = self.is_locked();
        self.asker = asker;
        let mut effects = self.take(now, input);
        self.settle_cause(was_locked);
        while !self.is_locked() {
            let Some(Queued { ticket, posting, asker }) = self.queue.pop_front() else { break };
            self.asker = asker;
            effects.extend(self.on_callback(now, ticket, posting));
            self.settle_cause(false);
        }
        effects
    }

    /// What has begun is done for who asks; what goes on is done for who asked for it.
    fn settle_cause(&mut self, was_locked: bool) {
        let asker = self.asker.take();
        if !self.is_locked() {
            self.cause = None;
        } else if !was_locked {
            self.cause = asker.or_else(|| self.cause.take());
        }
    }

    fn take(&mut self, now: Timestamp, input: Input) -> Effects {
        if !self.is_locked()
            && let Some(refused) = self.refused_for_another(&input)
        {
            return refused;
        }
        match input {
            Input::Start(ticket, order) => self.on_start(now, ticket, order),
            Input::Abort(ticket) => self.on_abort(now, ticket),
            Input::Reapply(ticket, posting, source) => self.on_reapply(now, ticket, posting, source),
            Input::Token(ticket, token) => self.on_token(now, ticket, token),
            Input::Power(ticket, order) => self.on_power(ticket, order),
            Input::Callback(ticket, posting) => self.on_callback(now, ticket, posting),
            Input::Adopt(ticket, adoption) => self.on_adopt(now, ticket, adoption),
            Input::Withdrawn(ticket) => self.on_withdrawn(ticket),
            Input::Committed(Written::Committed) => self.on_committed(now),
            Input::Committed(Written::Lost) => self.on_lost(),
            Input::CommitFailed(error) => self.on_commit_failed(error),
            Input::Reloaded(record, timeline) => self.on_reloaded(now, record, timeline),
            Input::Done(finding) => self.on_done(now, finding),
            Input::Called(calls) => {
                self.calls.extend(calls);
                Vec::new()
            }
            Input::Late(ticket, posting, line) => self.on_late(now, ticket, posting, line),
            Input::Deadline => self.on_deadline(now),
            Input::PowerJob(run) => self.on_power_job(run),
            Input::LookAfterData => self.on_look_after_data(),
            Input::Resume(remains) => self.on_resume(now, remains),
        }
    }

    fn state(&self) -> Option<State> {
        self.record.as_ref().map(|record| record.state)
    }

    /// The row as it is in the database now, where others may have changed it.
    pub fn refresh(&mut self, record: Option<Record>, timeline: Timeline) {
        if !self.is_locked() && self.record != record {
            let queue = std::mem::take(&mut self.queue);
            *self = Self { queue, ..Self::new(self.uuid, Arc::clone(&self.settings), record, timeline) };
        }
    }

    /// Where another process works on the node: that is said to who asks, and nothing is done by ourselves.
    fn refused_for_another(&self, input: &Input) -> Option<Effects> {
        let refusal = self.owned_elsewhere()?;
        match input {
            Input::Start(ticket, _)
            | Input::Abort(ticket)
            | Input::Reapply(ticket, ..)
            | Input::Token(ticket, _)
            | Input::Power(ticket, _)
            | Input::Callback(ticket, _)
            | Input::Adopt(ticket, _) => Some(vec![Effect::Answer(*ticket, Err(refusal))]),
            Input::Deadline | Input::PowerJob(_) | Input::LookAfterData | Input::Resume(_) => {
                Some(Vec::new())
            }
            _ => None,
        }
    }

    /// Why nothing may be asked of the node here: another process works on it.
    fn owned_elsewhere(&self) -> Option<Error> {
        let record = self.record.as_ref()?;
        let owner = record.owner.as_ref().filter(|owner| **owner != self.settings.me)?;
        let (uuid, state) = (self.uuid, record.state);
        Some(Error::conflict(format!("Node {uuid} is {state} and owned by {owner}, please try again later")))
    }

    fn is_locked(&self) -> bool {
        !matches!(self.activity, Activity::Idle)
    }

    /// A contract's literal, then the state and what it waits for, in brackets.
    fn explain(&self, literal: impl std::fmt::Display) -> String {
        let state = self.record.as_ref().map_or("no record", |record| record.state.name());
        let reason = match &self.activity {
            Activity::Idle => "",
            Activity::Committing(_) | Activity::Reloading(_) => ", waiting for the database",
            Activity::Working(working) => working.reason,
        };
        let comma = if reason.is_empty() || reason.starts_with(',') { "" } else { ", " };
        format!("{literal} [{state}{comma}{reason}]")
    }

    fn refuse(&self, refusal: Refusal) -> Error {
        Error::bad_request(self.explain(refusal))
    }

    /// Asks for the first commit of a flow.
    fn commit_first(&mut self, transition: Transition, then: Then, first: First) -> Effects {
        self.commit_step(transition, then, Some(first))
    }

    /// Asks for a later commit of a flow.
    fn commit(&mut self, transition: Transition, then: Then) -> Effects {
        self.commit_step(transition, then, None)
    }

    fn commit_step(&mut self, mut transition: Transition, then: Then, first: Option<First>) -> Effects {
        let timeline = self.timeline_with(&transition);
        let is_active = transition.record.state.is_active();
        transition.record.owner = is_active.then(|| self.settings.me.clone());
        if let Some(posted) = transition.record.posted.as_mut().filter(|posted| !posted.answered) {
            posted.answered = self.told;
        }
        transition.runs.timeline = Some(timeline.clone());
        self.add_collected(&mut transition);
        self.void_what_may_be_replaced(&mut transition);
        let transition = Arc::new(transition);
        let effect = Effect::Commit(Arc::clone(&transition));
        let committing = Committing { transition, timeline, then, first, failure: None };
        self.activity = Activity::Committing(Box::new(committing));
        vec![effect]
    }

    fn begin(&mut self, operation: Operation, work: Work) -> Effects {
        self.activity = Activity::Working(Box::new(Working { reason: operation.reason(), work }));
        vec![Effect::Begin(operation)]
    }

    /// Ends the run with a failure; the callers are answered when that is committed.
    fn fail(&mut self, now: Timestamp, end: End, answers: Vec<(Ticket, Result<()>)>) -> Effects {
        self.fail_with(now, end, answers, None)
    }

    /// The same with documents that the end leaves.
    fn fail_with(
        &mut self,
        now: Timestamp,
        end: End,
        answers: Vec<(Ticket, Result<()>)>,
        data: Option<DataWrite>,
    ) -> Effects {
        let Some(record) = &self.record else { return self.unlock(answers) };
        match step::close(record, Event::Error, now, end, self.settings.keep_data) {
            Ok(transition) => self.commit(transition.with_data(data), Then::Unlock(answers)),
            Err(refusal) => self.bug(refusal, answers),
        }
    }

    /// A transition of our own that the table refuses: a defect; the callers learn it, the row stays.
    fn bug(&mut self, refusal: Refusal, answers: Vec<(Ticket, Result<()>)>) -> Effects {
        log::error!("A transition that should be possible was refused: {refusal} node={}", self.uuid);
        let failed = answers.into_iter().map(|(ticket, _)| (ticket, Err(Error::internal(refusal))));
        let answers = failed.collect();
        self.unlock(answers)
    }

    /// Gives the lock back and answers.
    fn unlock(&mut self, answers: Vec<(Ticket, Result<()>)>) -> Effects {
        self.activity = Activity::Idle;
        answers.into_iter().map(|(ticket, answer)| Effect::Answer(ticket, answer)).collect()
    }
}
