//! From `start` to `waiting`.

use uuid::Uuid;

use super::{Effects, First, Input, NodeMachine, Spacing, Then, Unknown, Work};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::fsm::{self, Birth, Event, Refusal};
use crate::node::order::{Operation, StartOrder, Ticket};
use crate::node::step::{self, End};
use crate::node::{Attribute, ManageBoot, RunKind};
use crate::store::transition::{Lookup, Transition};

const NO_ATTRIBUTES: &str = "No lookup attributes were found, inspector won't be able to find it after \
     introspection, consider creating ironic ports or providing an IPMI address";

impl NodeMachine {
    pub(super) fn on_start(&mut self, now: Timestamp, ticket: Ticket, order: Box<StartOrder>) -> Effects {
        let mut effects = self.leave_data_alone();
        effects.extend(self.start(now, ticket, order));
        effects
    }

    fn start(&mut self, now: Timestamp, ticket: Ticket, order: Box<StartOrder>) -> Effects {
        if self.is_locked() {
            let state = self.state().unwrap_or(fsm::State::Starting);
            let refusal = self.refuse(Refusal { state, event: Event::Start });
            return self.refused(now, ticket, refusal);
        }
        let mut transition = match self.starting(now) {
            Ok(transition) => transition,
            Err(refusal) => return self.refused(now, ticket, self.refuse(refusal)),
        };
        transition.record.manage_boot = order.manage_boot;
        transition.record.token.clone_from(&order.token);
        transition.lookup = Lookup::Set(order.attributes.clone().unwrap_or_default());
        transition.data = self.settings.keep_data.without_old();
        let input = Input::Start(ticket, order.clone());
        self.commit_first(transition, Then::Prepare(ticket, order), First { input, ticket: Some(ticket) })
    }

    fn starting(&self, now: Timestamp) -> Result<Transition, Refusal> {
        let deadline = Some(now.plus_seconds(self.settings.starting_timeout_s));
        let run = (Uuid::new_v4(), RunKind::Start);
        match &self.record {
            Some(record) => step::begin(record, Event::Start, now, deadline, run),
            None => step::born(self.uuid, None, Birth::Start, now, deadline, run),
        }
    }

    /// The record is in `starting`: the rest is done in the background where the boot is managed.
    pub(super) fn prepare(&mut self, now: Timestamp, ticket: Ticket, order: StartOrder) -> Effects {
        if let Err(text) = self.usable(&order.attributes) {
            let answer = match order.manage_boot {
                ManageBoot::Managed => Ok(()),
                ManageBoot::Unmanaged => Err(Error::bad_request(text.clone())),
            };
            return self.fail(now, End::failure(text), vec![(ticket, answer)]);
        }
        match order.manage_boot {
            ManageBoot::Unmanaged => self.wait(now, vec![(ticket, Ok(()))]),
            ManageBoot::Managed => {
                let mut effects = vec![super::Effect::Answer(ticket, Ok(()))];
                effects.extend(self.begin(Operation::BootDevice(order.persistence), Work::BootDevice));
                effects
            }
        }
    }

    pub(super) fn on_boot_device(&mut self, now: Timestamp, outcome: Result<(), String>) -> Effects {
        match outcome {
            Ok(()) if self.settings.spacing == Spacing::Spaced => self.begin(Operation::Turn, Work::Turn),
            Ok(()) => self.begin(Operation::Reboot, Work::Reboot),
            Err(text) => self.fail(now, End::failure(text), Vec::new()),
        }
    }

    /// The time of `starting` counts from the turn, however long the queue was.
    pub(super) fn on_turn(&mut self, now: Timestamp) -> Effects {
        let Some(record) = &self.record else { return self.unlock(Vec::new()) };
        let mut transition = step::stay(record, now);
        transition.record.deadline = Some(now.plus_seconds(self.settings.starting_timeout_s));
        self.commit(transition, Then::Reboot)
    }

    pub(super) fn on_rebooted(&mut self, now: Timestamp, outcome: Result<(), String>) -> Effects {
        match outcome {
            Ok(()) => self.wait(now, Vec::new()),
            Err(text) => self.fail(now, End::failure(text), Vec::new()),
        }
    }

    fn wait(&mut self, now: Timestamp, answers: Vec<(Ticket, Result<()>)>) -> Effects {
        let Some(record) = &self.record else { return self.unlock(answers) };
        let deadline = self.settings.timeout_s.map(|seconds| now.plus_seconds(seconds));
        match step::advance(record, Event::Wait, now, deadline) {
            Ok(transition) => self.commit(transition, Then::Unlock(answers)),
            Err(refusal) => self.bug(refusal, answers),
        }
    }

    /// Without attributes the callback could not be told from that of an unknown machine.
    fn usable(&self, attributes: &Result<Vec<Attribute>, String>) -> Result<(), String> {
        match attributes {
            Ok(found) if found.is_empty() && self.settings.unknown == Unknown::Refused => {
                Err(NO_ATTRIBUTES.to_owned())
            }
            Ok(_) => Ok(()),
            Err(text) => Err(text.clone()),
        }
    }
}
