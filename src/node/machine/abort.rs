//! A waiting run ended by an operator: the intent is committed, then the machine is powered off.

use std::time::Duration;

use super::{Effect, Effects, First, Input, NodeMachine, Then};
use crate::clock::Timestamp;
use crate::error::Error;
use crate::fsm::{self, Event, State};
use crate::node::ManageBoot;
use crate::node::order::{Operation, Ticket};
use crate::node::step::{self, End};

const LOCKED: &str = "Node is locked, please, retry later";
const CANCELED: &str = "Canceled by operator";

impl NodeMachine {
    pub(super) fn on_abort(&mut self, now: Timestamp, ticket: Ticket) -> Effects {
        if self.is_locked() {
            return self.refused(now, ticket, Error::conflict(self.explain(LOCKED)));
        }
        let Some(record) = &self.record else {
            let missing = Error::not_found(format!("Could not find node {} in cache", self.uuid));
            return vec![Effect::Answer(ticket, Err(missing))];
        };
        // The table lets `error` be aborted into itself; nothing would happen, and the caller is told so.
        if record.state != State::Waiting {
            let refusal = fsm::Refusal { state: record.state, event: Event::Abort };
            return self.refused(now, ticket, Error::conflict(self.explain(refusal)));
        }
        let deadline = Some(now.plus_seconds(self.settings.aborting_timeout_s));
        let transition = match step::advance(record, Event::Abort, now, deadline) {
            Ok(transition) => transition,
            Err(refusal) => return self.refused(now, ticket, Error::conflict(self.explain(refusal))),
        };
        let first = First { input: Input::Abort(ticket), ticket: Some(ticket) };
        self.commit_first(transition, Then::PowerOff(Some(ticket)), first)
    }

    /// The record is in `aborting`.
    pub(super) fn power_off_for_abort(&mut self, now: Timestamp, ticket: Option<Ticket>) -> Effects {
        let mut effects: Effects = ticket.map(|ticket| Effect::Answer(ticket, Ok(()))).into_iter().collect();
        let managed = self.record.as_ref().is_some_and(|record| record.manage_boot == ManageBoot::Managed);
        effects.extend(if managed {
            self.begin(Operation::AbortPowerOff(self.power_off_time()), super::Work::AbortPowerOff)
        } else {
            self.end_abort(now, "not_managed".to_owned())
        });
        effects
    }

    /// So long a power-off is tried: it shall end before its state does, to tell what went wrong.
    pub(super) fn power_off_time(&self) -> Duration {
        let seconds = u64::try_from(self.settings.aborting_timeout_s).unwrap_or(0);
        Duration::from_secs(seconds).saturating_sub(Duration::from_secs(1)).max(Duration::from_millis(500))
    }

    pub(super) fn on_abort_powered_off(&mut self, now: Timestamp, outcome: Result<(), String>) -> Effects {
        self.end_abort(now, power_text(outcome))
    }

    pub(super) fn end_abort(&mut self, now: Timestamp, power: String) -> Effects {
        let Some(record) = &self.record else { return self.unlock(Vec::new()) };
        let end = End { error: Some(CANCELED.to_owned()), power: Some(power) };
        match step::close(record, Event::AbortEnd, now, end, self.settings.keep_data) {
            Ok(transition) => self.commit(transition, Then::Unlock(Vec::new())),
            Err(refusal) => self.bug(refusal, Vec::new()),
        }
    }
}

/// What became of the power, for the history.
pub fn power_text(outcome: Result<(), String>) -> String {
    match outcome {
        Ok(()) => "powered_off".to_owned(),
        Err(cause) => format!("power_unknown: {cause}"),
    }
}
