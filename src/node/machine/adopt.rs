//! A run that begins with its data: of a machine that was discovered, or of one in use that nobody started.

use std::sync::Arc;

use uuid::Uuid;

use super::{Effect, Effects, First, Flow, Input, NodeMachine, Start, Then};
use crate::clock::Timestamp;
use crate::fsm::{Birth, Event, Refusal};
use crate::node::order::{Adoption, Ticket};
use crate::node::step;
use crate::node::{ManageBoot, Posted, RunKind};
use crate::store::transition::{Lookup, Transition};

impl NodeMachine {
    pub(super) fn on_adopt(&mut self, now: Timestamp, ticket: Ticket, adoption: Box<Adoption>) -> Effects {
        let mut effects = self.leave_data_alone();
        effects.extend(self.adopt(now, ticket, adoption));
        effects
    }

    fn adopt(&mut self, now: Timestamp, ticket: Ticket, adoption: Box<Adoption>) -> Effects {
        // Somebody was faster, and expects the data: it is a callback like any other.
        if self.is_locked() || self.state().is_some_and(|state| !state.is_terminal()) {
            return self.on_callback(now, ticket, adoption.posting);
        }
        let transition = match self.adopted(now, &adoption) {
            Ok(transition) => transition,
            Err(refusal) => return self.refused(now, ticket, self.refuse(refusal)),
        };
        self.told = false;
        self.matched = adoption.posting.matched.clone();
        let first = First { input: Input::Adopt(ticket, adoption.clone()), ticket: Some(ticket) };
        self.commit_first(transition, Then::Admit(ticket, adoption), first)
    }

    fn adopted(&self, now: Timestamp, adoption: &Adoption) -> Result<Transition, Refusal> {
        let (kind, manage_boot, seconds) = match adoption.birth {
            Birth::Discovery => {
                (RunKind::Discovery, ManageBoot::Managed, Some(self.settings.processing_timeout_s))
            }
            Birth::ActiveIntrospection => (RunKind::Active, ManageBoot::Unmanaged, self.settings.timeout_s),
            Birth::Start => (RunKind::Start, ManageBoot::Unmanaged, self.settings.timeout_s),
        };
        let deadline = seconds.map(|seconds| now.plus_seconds(seconds));
        let run = (Uuid::new_v4(), kind);
        let mut transition = step::born(self.uuid, self.record.as_ref(), adoption.birth, now, deadline, run)?;
        let digest = adoption.posting.raw.digest.clone();
        transition.record.manage_boot = manage_boot;
        transition.record.posted = Some(Posted { digest, answered: false });
        transition.lookup = Lookup::Set(adoption.attributes.clone());
        transition.data = self.settings.keep_data.without_old();
        transition.data.raw = Some(adoption.posting.raw.clone());
        Ok(transition)
    }

    /// The record is there, with the data: it is processed like that of any other callback.
    pub(super) fn admit_adopted(&mut self, now: Timestamp, ticket: Ticket, adoption: Adoption) -> Effects {
        let Adoption { posting, node, .. } = adoption;
        if !posting.failures.is_empty() {
            return self.refuse_posting(now, ticket, posting);
        }
        let Some(record) = &self.record else { return self.unlock(Vec::new()) };
        let deadline = Some(now.plus_seconds(self.settings.processing_timeout_s));
        match step::advance(record, Event::Process, now, deadline) {
            Ok(transition) => {
                let flow =
                    Flow { ticket: Some(ticket), posting: Some(Arc::clone(&posting)), origin: Start::Asked };
                let mut effects = vec![Effect::Accepted(ticket)];
                effects.extend(self.commit(transition, Then::Examine(flow, node)));
                effects
            }
            Err(refusal) => self.bug(refusal, vec![(ticket, Ok(()))]),
        }
    }
}
