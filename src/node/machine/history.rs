//! What is written down: the timeline of a run, and requests that were refused.

use std::sync::Arc;

use super::{Effect, Effects, NodeMachine};
use crate::clock::Timestamp;
use crate::error::Error;
use crate::fsm::Event;
use crate::node::order::Ticket;
use crate::node::posting::Posting;
use crate::node::timeline::{Entry, Timeline};
use crate::store::transition::Transition;

impl NodeMachine {
    /// The timeline with an entry for a transition; a new one, where it begins a run.
    pub(super) fn timeline_with(&self, transition: &Transition) -> Timeline {
        let (record, before) = (&transition.record, self.record.as_ref());
        let mut timeline =
            if transition.runs.begun.is_some() { Timeline::default() } else { self.timeline.clone() };
        let moved = before.is_none_or(|before| before.state_since != record.state_since);
        timeline.push(Entry {
            at_us: transition.at.0,
            event: self.name_of(transition, moved).to_owned(),
            from: before.map(|before| before.state),
            to: Some(record.state),
            cause: record.error.clone(),
            by: self.by(record.last_event),
            took_ms: before.map(|before| transition.at.since_us(before.state_since) / 1000),
            calls: self.calls.clone(),
            matched: self.matched.clone(),
            rules: self.rules.clone(),
        });
        timeline
    }

    /// The event, or what was added within a state.
    fn name_of(&self, transition: &Transition, moved: bool) -> &'static str {
        let token_before = self.record.as_ref().and_then(|record| record.token.as_ref());
        match transition.record.token.as_ref() {
            _ if moved => transition.record.last_event.name(),
            Some(token) if Some(token) != token_before => "token",
            _ => "plan",
        }
    }

    /// Who asked for a transition. Nobody asks for a deadline to pass.
    fn by(&self, event: Event) -> Option<String> {
        let asker = self.asker.as_ref().or(self.cause.as_ref()).filter(|_| event != Event::Timeout);
        asker.map(ToString::to_string)
    }

    /// Refuses a request: it changes nothing, and is written down.
    pub(super) fn refused(&mut self, now: Timestamp, ticket: Ticket, error: Error) -> Effects {
        let mut effects = self.file(now, &error.text);
        effects.push(Effect::Answer(ticket, Err(error)));
        effects
    }

    /// A callback for a run that is over. It is refused, unless it is the one whose first post was taken and never
    /// got its answer.
    pub(super) fn repeated(
        &mut self,
        now: Timestamp,
        ticket: Ticket,
        posting: Arc<Posting>,
        refusal: Error,
    ) -> Effects {
        let posted = self.record.as_ref().and_then(|record| record.posted.as_ref());
        if posted.is_some_and(|posted| !posted.answered && posted.digest == posting.raw.digest) {
            return vec![Effect::Answer(ticket, Ok(()))];
        }
        let mut effects = vec![Effect::StoreLogs(posting)];
        effects.extend(self.refused(now, ticket, refusal));
        effects
    }

    /// A callback that matches only a run that is over: whatever the node does by now is none of its business.
    pub(super) fn on_late(
        &mut self,
        now: Timestamp,
        ticket: Ticket,
        posting: Arc<Posting>,
        line: String,
    ) -> Effects {
        self.repeated(now, ticket, posting, Error::bad_request(line))
    }

    /// Writes a refusal down: with the next commit where something is in flight, else at once.
    fn file(&mut self, now: Timestamp, cause: &str) -> Effects {
        let by = self.asker.as_ref().map(ToString::to_string);
        let entry = Entry::refused(now, self.state(), cause.to_owned(), by);
        self.timeline.push(entry.clone());
        match &self.record {
            Some(record) if !self.is_locked() => vec![Effect::File(record.run, Box::new(entry))],
            _ => Vec::new(),
        }
    }
}
