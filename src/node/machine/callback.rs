//! The ramdisk's data: admission, and what is found out before the work begins.

use std::sync::Arc;

use super::{Activity, Effect, Effects, First, Flow, Input, NodeMachine, Queued, Start, Then, Work};
use crate::clock::Timestamp;
use crate::error::Error;
use crate::fsm::{Event, State};
use crate::node::Posted;
use crate::node::order::{Operation, Ticket};
use crate::node::posting::Posting;
use crate::node::step::{self, End};
use crate::node_service::{FailureKind, Node, ServiceError};
use crate::processing::pipeline;

impl NodeMachine {
    pub(super) fn on_callback(&mut self, now: Timestamp, ticket: Ticket, posting: Arc<Posting>) -> Effects {
        if self.is_locked() {
            return self.enqueue(ticket, posting);
        }
        if self.state() == Some(State::Waiting)
            && let Some(refused) = self.token_refused(now, ticket, &posting)
        {
            return refused;
        }
        match self.state() {
            Some(State::Waiting) if posting.failures.is_empty() => {
                let flow = Flow { ticket: Some(ticket), posting: Some(posting), origin: Start::Asked };
                self.begin(Operation::Fetch, Work::Fetch(flow))
            }
            Some(State::Waiting) => self.refuse_posting(now, ticket, posting),
            _ => {
                let refusal = self.not_expected();
                self.repeated(now, ticket, posting, refusal)
            }
        }
    }

    fn enqueue(&mut self, ticket: Ticket, posting: Arc<Posting>) -> Effects {
        if self.queue.len() >= self.settings.queue_length {
            let busy = self.explain("Too many callbacks wait for this node, please try again later");
            return vec![Effect::Answer(ticket, Err(Error::unavailable(busy)))];
        }
        self.queue.push_back(Queued { ticket, posting, asker: self.asker.clone() });
        Vec::new()
    }

    /// The run is over, or there never was one.
    fn not_expected(&self) -> Error {
        let ended = self.record.as_ref().and_then(|record| Some((record.state, record.finished_at?)));
        let uuid = self.uuid;
        let line = match ended {
            Some((_, at)) => {
                let at = at.to_string().replacen('T', " ", 1);
                format!("Look up error: Introspection for node {uuid} already finished on {at}")
            }
            None => format!(
                "Look up error: Could not find node {uuid} in introspection cache, probably it's not on \
                 introspection now"
            ),
        };
        Error::bad_request(pipeline::refusal_text(&[line]))
    }

    /// What the pre hooks found wrong ends the run, in one transaction with the raw data.
    pub(super) fn refuse_posting(
        &mut self,
        now: Timestamp,
        ticket: Ticket,
        posting: Arc<Posting>,
    ) -> Effects {
        let end = End::failure(posting.failures.join("\n"));
        let answer = Error::bad_request(pipeline::refusal_text(&posting.failures));
        self.end_before_work(now, ticket, posting, end, answer)
    }

    /// A failure that is met in `waiting`: through `process` into `error`.
    fn end_before_work(
        &mut self,
        now: Timestamp,
        ticket: Ticket,
        posting: Arc<Posting>,
        end: End,
        answer: Error,
    ) -> Effects {
        let Some(record) = &self.record else { return self.unlock(Vec::new()) };
        let closed = step::close_through(record, Event::Process, now, end, self.settings.keep_data);
        let mut transition = match closed {
            Ok(transition) => transition,
            Err(refusal) => return self.bug(refusal, vec![(ticket, Err(answer))]),
        };
        if transition.data.removed.is_empty() {
            transition.data = self.settings.keep_data.with_raw(&posting.raw);
        }
        transition.record.posted = Some(Posted { digest: posting.raw.digest.clone(), answered: true });
        transition.record.token = None;
        self.matched = posting.matched.clone();
        self.collect_posted(&posting);
        let mut effects = vec![Effect::StoreLogs(Arc::clone(&posting))];
        let then = Then::Unlock(vec![(ticket, Err(answer))]);
        // An active state must not be left behind where the database fails: only `waiting` can be.
        effects.extend(if self.state() == Some(State::Waiting) {
            let first = First { input: Input::Callback(ticket, posting), ticket: Some(ticket) };
            self.commit_first(transition, then, first)
        } else {
            self.commit(transition, then)
        });
        effects
    }

    /// The node is known: its data is taken. After a restart, or for a reapply, the state is there already.
    pub(super) fn on_fetched(
        &mut self,
        now: Timestamp,
        flow: Flow,
        fetched: Result<Box<Node>, ServiceError>,
    ) -> Effects {
        if self.state() != Some(State::Waiting) {
            return self.on_fetched_again(now, flow, fetched);
        }
        // A caller that is gone has been told nothing: its data is not taken.
        let (Some(ticket), Some(posting)) = (flow.ticket, flow.posting) else {
            return self.unlock(Vec::new());
        };
        match fetched {
            Ok(node) => self.admit(now, ticket, posting, node),
            Err(error) if error.kind == FailureKind::NotFound => {
                let text = format!("Node {} was not found in Ironic", self.uuid);
                let answer = Error::not_found(text.clone());
                self.end_before_work(now, ticket, posting, End::failure(text), answer)
            }
            Err(error) => {
                let text = format!("The node service does not answer, please try again later: {error}");
                self.unlock(vec![(ticket, Err(Error::unavailable(text)))])
            }
        }
    }

    fn admit(&mut self, now: Timestamp, ticket: Ticket, posting: Arc<Posting>, node: Box<Node>) -> Effects {
        let Some(record) = &self.record else { return self.unlock(Vec::new()) };
        let deadline = Some(now.plus_seconds(self.settings.processing_timeout_s));
        let mut transition = match step::advance(record, Event::Process, now, deadline) {
            Ok(transition) => transition,
            Err(refusal) => return self.bug(refusal, vec![(ticket, Ok(()))]),
        };
        transition.data = self.settings.keep_data.with_raw(&posting.raw);
        transition.record.posted = Some(Posted { digest: posting.raw.digest.clone(), answered: false });
        transition.record.token = None;
        self.told = false;
        self.matched = posting.matched.clone();
        let first = First { input: Input::Callback(ticket, Arc::clone(&posting)), ticket: Some(ticket) };
        let flow = Flow { ticket: Some(ticket), posting: Some(posting), origin: Start::Asked };
        self.commit_first(transition, Then::Examine(flow, node), first)
    }

    /// A caller that is gone is not served any more; what was taken already goes on.
    pub(super) fn on_withdrawn(&mut self, ticket: Ticket) -> Effects {
        self.queue.retain(|queued| queued.ticket != ticket);
        let work = match &mut self.activity {
            Activity::Working(working) => &mut working.work,
            Activity::Committing(committing) => {
                committing.then.forget(ticket);
                return Vec::new();
            }
            Activity::Idle | Activity::Reloading(_) => return Vec::new(),
        };
        let is_given_up = match work {
            Work::Fetch(flow) => flow.ticket == Some(ticket),
            Work::Power(caller) => *caller == ticket,
            _ => false,
        };
        match work {
            _ if is_given_up => {
                let mut effects = vec![Effect::Cancel];
                effects.extend(self.unlock(Vec::new()));
                effects
            }
            Work::Process(flow) | Work::Save(flow, ..) | Work::Apply(flow, _)
                if flow.ticket == Some(ticket) =>
            {
                flow.ticket = None;
                Vec::new()
            }
            _ => Vec::new(),
        }
    }
}
