//! What became of a commit: it is done, met another row than expected, or failed.
//!
//! Invariant: what follows a commit begins only when it was reported; a first step is judged anew over another row and
//! given up where the database fails, a later one is committed again until it is.

use std::sync::Arc;

use super::{Activity, Committing, Effect, Effects, NodeMachine, Then, Work};
use crate::clock::Timestamp;
use crate::error::Error;
use crate::node::Record;
use crate::node::order::{Operation, Ticket};
use crate::node::timeline::Timeline;

impl NodeMachine {
    pub(super) fn on_committed(&mut self, now: Timestamp) -> Effects {
        let Activity::Committing(committing) = std::mem::replace(&mut self.activity, Activity::Idle) else {
            return Vec::new();
        };
        self.committed(now, *committing)
    }

    fn committed(&mut self, now: Timestamp, committing: Committing) -> Effects {
        self.record = Some(committing.transition.record.clone());
        self.timeline = committing.timeline;
        self.calls.clear();
        self.matched = None;
        self.rules = None;
        match committing.then {
            Then::Unlock(answers) => self.unlock(answers),
            Then::Prepare(ticket, order) => self.prepare(now, ticket, *order),
            Then::Admit(ticket, adoption) => self.admit_adopted(now, ticket, *adoption),
            Then::Reboot => self.begin(Operation::Reboot, Work::Reboot),
            Then::Examine(flow, node) => self.examine(now, flow, *node),
            Then::Reprocess(flow) => self.reprocess(now, flow),
            Then::Apply(flow, plan) => self.begin(Operation::Apply(plan.clone()), Work::Apply(flow, plan)),
            Then::PowerOff(ticket) => self.power_off_for_abort(now, ticket),
        }
    }

    /// Another has changed the row: it is read again, and the first step of a flow is judged anew.
    pub(super) fn on_lost(&mut self) -> Effects {
        match std::mem::replace(&mut self.activity, Activity::Idle) {
            Activity::Committing(committing) => {
                self.activity = Activity::Reloading(committing);
                vec![Effect::Reload]
            }
            other => {
                self.activity = other;
                Vec::new()
            }
        }
    }

    pub(super) fn on_reloaded(
        &mut self,
        now: Timestamp,
        record: Option<Record>,
        timeline: Timeline,
    ) -> Effects {
        let Activity::Reloading(committing) = std::mem::replace(&mut self.activity, Activity::Idle) else {
            return Vec::new();
        };
        if record.as_ref() == Some(&committing.transition.record) {
            // Our own commit, whose answer was lost.
            return self.committed(now, *committing);
        }
        self.record = record;
        self.timeline = timeline;
        match (committing.first, committing.failure) {
            (Some(first), Some(failure)) => {
                self.unlock(first.ticket.map(|ticket| (ticket, Err(failure))).into_iter().collect())
            }
            (Some(first), None) => self.take(now, first.input),
            (None, _) => self.abandon(committing.then),
        }
    }

    /// The run is not ours any more; who waits for it is told to ask again.
    fn abandon(&mut self, then: Then) -> Effects {
        log::warn!("The node was changed elsewhere while it was worked on node={}", self.uuid);
        let tickets: Vec<Ticket> = match then {
            Then::Unlock(answers) => answers.into_iter().map(|(ticket, _)| ticket).collect(),
            Then::Prepare(ticket, _) | Then::Admit(ticket, _) => vec![ticket],
            Then::Examine(flow, _) | Then::Reprocess(flow) | Then::Apply(flow, _) => {
                flow.ticket.into_iter().collect()
            }
            Then::PowerOff(ticket) => ticket.into_iter().collect(),
            Then::Reboot => Vec::new(),
        };
        let changed = Error::conflict("The node was changed meanwhile, please try again");
        self.unlock(tickets.into_iter().map(|ticket| (ticket, Err(changed.clone()))).collect())
    }

    /// A first step is given up, once it is certain that it was not committed after all; a later one is committed
    /// again until the database takes it.
    pub(super) fn on_commit_failed(&mut self, error: Error) -> Effects {
        let Activity::Committing(mut committing) = std::mem::replace(&mut self.activity, Activity::Idle)
        else {
            return Vec::new();
        };
        if committing.first.is_some() {
            committing.failure = Some(error);
            self.activity = Activity::Reloading(committing);
            return vec![Effect::Reload];
        }
        let effect = Effect::CommitLater(Arc::clone(&committing.transition));
        self.activity = Activity::Committing(committing);
        vec![effect]
    }
}
