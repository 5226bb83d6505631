//! The work on a document that was taken: hooks, Change, power, end.

use std::sync::Arc;

use super::{Activity, Effect, Effects, Flow, NodeMachine, Start, Then, Work};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::fsm::{Event, State};
use crate::node::ManageBoot;
use crate::node::order::{Ending, Finding, Operation, Plan, PowerPolicy, Processed, Ticket};
use crate::node::provision;
use crate::node::step::{self, End, KeepData};
use crate::node_service::{FailureKind, Node, ServiceError};
use crate::store::documents::Packed;
use crate::store::transition::DataWrite;

impl NodeMachine {
    pub(super) fn on_done(&mut self, now: Timestamp, finding: Finding) -> Effects {
        let working = match std::mem::replace(&mut self.activity, Activity::Idle) {
            Activity::Working(working) => working,
            other => {
                log::error!("An operation ended that was not begun node={}", self.uuid);
                self.activity = other;
                return Vec::new();
            }
        };
        match (working.work, finding) {
            (Work::BootDevice, Finding::BootDeviceSet(outcome)) => self.on_boot_device(now, outcome),
            (Work::Turn, Finding::Turn) => self.on_turn(now),
            (Work::Reboot, Finding::Rebooted(outcome)) => self.on_rebooted(now, outcome),
            (Work::Fetch(flow), Finding::Fetched(fetched)) => self.on_fetched(now, flow, fetched),
            (Work::Process(flow), Finding::Processed(outcome)) => self.on_processed(now, flow, outcome),
            (Work::Save(flow, plan, processed), Finding::Saved(outcome)) => {
                self.on_saved(now, flow, plan, processed, outcome)
            }
            (Work::LookAfterData, Finding::DataLookedAfter) => self.unlock(Vec::new()),
            (Work::Apply(flow, plan), Finding::Applied(outcome)) => self.on_applied(now, flow, plan, outcome),
            (Work::PowerOff(plan), Finding::PoweredOff(outcome)) => self.on_powered_off(now, &plan, outcome),
            (Work::TimedPowerOff(run), Finding::AbortPoweredOff(outcome)) => {
                self.on_timed_power_off(run, outcome)
            }
            (Work::Power(ticket), Finding::Powered(outcome)) => self.on_powered(ticket, outcome),
            (Work::AbortPowerOff, Finding::AbortPoweredOff(outcome)) => {
                self.on_abort_powered_off(now, outcome)
            }
            (work, _) => {
                log::error!("An operation ended as another node={}", self.uuid);
                self.activity = Activity::Working(Box::new(super::Working { reason: working.reason, work }));
                Vec::new()
            }
        }
    }

    /// The data is taken (`processing`): the node must still be one that may be introspected.
    pub(super) fn examine(&mut self, now: Timestamp, flow: Flow, node: Node) -> Effects {
        let mut effects: Effects = flow.ticket.map(Effect::Accepted).into_iter().collect();
        effects.extend(match provision::check(&node, self.settings.in_use) {
            Ok(()) => self.run_hooks(flow, node),
            Err(error) => self.fail_flow(now, flow, error),
        });
        effects
    }

    /// The node was read for data that is already taken: for a reapply, or after a restart.
    pub(super) fn on_fetched_again(
        &mut self,
        now: Timestamp,
        flow: Flow,
        fetched: Result<Box<Node>, ServiceError>,
    ) -> Effects {
        match fetched {
            Ok(node) if self.state() == Some(State::Processing) => self.examine(now, flow, *node),
            Ok(node) => self.run_hooks(flow, *node),
            Err(error) if error.kind == FailureKind::NotFound => {
                let text = format!("Node {} was not found in Ironic", self.uuid);
                self.fail_flow(now, flow, Error::not_found(text))
            }
            // After a restart the node service may come up later than we did: there is time until the deadline.
            Err(error) if error.is_passing() && flow.origin == Start::Resumed => {
                self.begin(Operation::FetchLater, Work::Fetch(flow))
            }
            Err(error) => {
                let text = format!("Cannot get node {}: {error}", self.uuid);
                self.fail_flow(now, flow, Error::unavailable(text))
            }
        }
    }

    fn run_hooks(&mut self, flow: Flow, node: Node) -> Effects {
        let Some(posting) = flow.posting.clone() else { return self.unlock(Vec::new()) };
        let policy = self.power_policy(&node);
        self.begin(Operation::Process(Box::new(node), posting, policy), Work::Process(flow))
    }

    fn power_policy(&self, node: &Node) -> PowerPolicy {
        let ours = self.record.as_ref().is_some_and(|record| {
            record.state == State::Processing && record.manage_boot == ManageBoot::Managed
        });
        if ours && self.settings.power_off && !node.is_in_use() {
            PowerPolicy::Off
        } else {
            PowerPolicy::Leave
        }
    }

    /// What is elsewhere is stored before the Change is committed: a transition can not wait for it.
    fn on_processed(&mut self, now: Timestamp, flow: Flow, outcome: Result<Processed>) -> Effects {
        let Processed { plan, data: processed, rules, contents } = match outcome {
            Ok(done) => done,
            Err(error) => return self.fail_flow(now, flow, error),
        };
        self.collect(&plan, contents);
        // For the next entry of the timeline, whichever it is.
        self.rules = (!rules.is_empty()).then_some(rules);
        match (self.settings.keep_data, &flow.posting) {
            (KeepData::Elsewhere, Some(posting)) => {
                let operation = Operation::Save(Arc::clone(posting), processed.clone());
                self.begin(operation, Work::Save(flow, plan, Box::new(processed)))
            }
            (keep, _) => self.commit_plan(now, flow, plan, keep.with_processed(processed)),
        }
    }

    fn on_saved(
        &mut self,
        now: Timestamp,
        flow: Flow,
        plan: Box<Plan>,
        processed: Box<Packed>,
        outcome: Result<()>,
    ) -> Effects {
        let keep = self.settings.keep_data;
        match (outcome, &flow.posting) {
            (Ok(()), Some(posting)) => {
                let data = keep.delivered(&posting.raw, &processed);
                self.commit_plan(now, flow, plan, data)
            }
            (Ok(()), None) => self.commit_plan(now, flow, plan, keep.with_processed(*processed)),
            // What was tried may have arrived all the same: it is kept, so that what is there is known.
            (Err(error), _) => self.fail_flow_with(now, flow, error, Some(keep.with_processed(*processed))),
        }
    }

    /// What was about to be stored.
    pub(super) fn unsaved(&mut self) -> Option<DataWrite> {
        let Activity::Working(working) = &self.activity else { return None };
        let Work::Save(_, _, processed) = &working.work else { return None };
        Some(self.settings.keep_data.with_processed(processed.as_ref().clone()))
    }

    /// The Change and the processed data are committed before any of it is sent.
    fn commit_plan(&mut self, now: Timestamp, flow: Flow, plan: Box<Plan>, data: DataWrite) -> Effects {
        let Some(record) = &self.record else { return self.unlock(Vec::new()) };
        let mut transition = step::stay(record, now);
        transition.data = data;
        transition.runs.plan = match serde_json::to_vec(&plan) {
            Ok(text) => Some(text),
            Err(error) => return self.fail_flow(now, flow, Error::internal(error)),
        };
        self.commit(transition, Then::Apply(flow, plan))
    }

    fn on_applied(&mut self, now: Timestamp, flow: Flow, plan: Box<Plan>, outcome: Result<()>) -> Effects {
        if let Err(error) = outcome {
            return self.fail_flow(now, flow, error);
        }
        if let Ending::Fail(text) = plan.ending {
            return self.fail_flow(now, flow, Error::bad_request(text));
        }
        self.told = flow.ticket.is_some();
        let mut effects: Effects =
            flow.ticket.map(|ticket| Effect::Answer(ticket, Ok(()))).into_iter().collect();
        if self.settings.always_store_logs && self.state() == Some(State::Processing) {
            effects.extend(flow.posting.map(Effect::StoreLogs));
        }
        effects.extend(match plan.ending {
            Ending::LeavePower | Ending::Fail(_) => self.finish(now, None),
            Ending::PowerOff | Ending::TryPowerOff => self.begin(Operation::PowerOff, Work::PowerOff(plan)),
        });
        effects
    }

    fn on_powered_off(&mut self, now: Timestamp, plan: &Plan, outcome: Result<(), String>) -> Effects {
        match outcome {
            Ok(()) => self.finish(now, Some("powered_off".to_owned())),
            Err(text) if plan.ending == Ending::TryPowerOff => {
                log::info!("The power-off of a node in enroll failed node={} error={text}", self.uuid);
                self.finish(now, Some(format!("power_unknown: {text}")))
            }
            Err(text) => {
                let error = format!(
                    "Failed to power off node {}, check its power management configuration: {text}",
                    self.uuid
                );
                let power = Some(format!("power_unknown: {text}"));
                self.fail(now, End { error: Some(error), power }, Vec::new())
            }
        }
    }

    fn finish(&mut self, now: Timestamp, power: Option<String>) -> Effects {
        let Some(record) = &self.record else { return self.unlock(Vec::new()) };
        match step::close(record, Event::Finish, now, End::success(power), self.settings.keep_data) {
            Ok(transition) => self.commit(transition, Then::Unlock(Vec::new())),
            Err(refusal) => self.bug(refusal, Vec::new()),
        }
    }

    /// The document's way ends here: the record gets the text, the caller the error.
    pub(super) fn fail_flow(&mut self, now: Timestamp, flow: Flow, error: Error) -> Effects {
        self.fail_flow_with(now, flow, error, None)
    }

    fn fail_flow_with(
        &mut self,
        now: Timestamp,
        flow: Flow,
        error: Error,
        data: Option<DataWrite>,
    ) -> Effects {
        if let Some(posting) = &flow.posting {
            self.collect_posted(posting);
        }
        let mut effects = Vec::new();
        if self.state() == Some(State::Processing) {
            self.told = flow.ticket.is_some();
            effects.extend(flow.posting.map(Effect::StoreLogs));
        }
        let end = End::failure(error.text.clone());
        let answers: Vec<(Ticket, Result<()>)> =
            flow.ticket.map(|ticket| (ticket, Err(error))).into_iter().collect();
        effects.extend(self.fail_with(now, end, answers, data));
        effects
    }
}
