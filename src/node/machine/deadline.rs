//! The deadline of a state.

use uuid::Uuid;

use super::{Activity, Effect, Effects, First, Input, NodeMachine, Then, Work};
use crate::clock::Timestamp;
use crate::error::Error;
use crate::fsm::State;
use crate::node::order::{Operation, Ticket};
use crate::node::step::{self, TIMEOUT_TEXT};
use crate::store::transition::DataWrite;

impl NodeMachine {
    pub(super) fn on_deadline(&mut self, now: Timestamp) -> Effects {
        let Some(record) = &self.record else { return Vec::new() };
        if record.deadline.is_none_or(|deadline| now < deadline) {
            return Vec::new();
        }
        match (&self.activity, record.state) {
            (Activity::Idle, _) => self.expire(now, Vec::new()),
            // A commit is short, and the actor asks again after it. A callback that came in time is judged first.
            (Activity::Committing(_) | Activity::Reloading(_), _)
            | (Activity::Working(_), State::Waiting) => Vec::new(),
            // The time of `starting` counts from the turn.
            (Activity::Working(working), _) if matches!(working.work, Work::Turn) => Vec::new(),
            (Activity::Working(_), State::Aborting) => {
                let mut effects = vec![Effect::Cancel];
                effects.extend(self.end_abort(now, "power_unknown: out of time".to_owned()));
                effects
            }
            (Activity::Working(_), _) => self.interrupt(now),
        }
    }

    fn interrupt(&mut self, now: Timestamp) -> Effects {
        let late = Error::unavailable(TIMEOUT_TEXT);
        let answers = self.waiting_caller().map(|ticket| (ticket, Err(late))).into_iter().collect();
        let mut effects = vec![Effect::Cancel];
        let unsaved = self.unsaved();
        effects.extend(self.expire_with(now, answers, unsaved));
        effects
    }

    fn waiting_caller(&self) -> Option<Ticket> {
        let Activity::Working(working) = &self.activity else { return None };
        match &working.work {
            Work::Fetch(flow) | Work::Process(flow) | Work::Save(flow, ..) | Work::Apply(flow, _) => {
                flow.ticket
            }
            Work::Power(ticket) => Some(*ticket),
            Work::BootDevice
            | Work::Turn
            | Work::Reboot
            | Work::PowerOff(_)
            | Work::AbortPowerOff
            | Work::LookAfterData
            | Work::TimedPowerOff(_) => None,
        }
    }

    /// Powers the machine of a run that has timed out off, unless another run has begun.
    pub(super) fn on_power_job(&mut self, run: Uuid) -> Effects {
        let timed_out =
            self.record.as_ref().is_some_and(|record| record.run == run && record.state == State::Error);
        if !timed_out || self.is_locked() {
            return Vec::new();
        }
        self.begin(Operation::AbortPowerOff(self.power_off_time()), Work::TimedPowerOff(run))
    }

    pub(super) fn on_timed_power_off(&mut self, run: Uuid, outcome: Result<(), String>) -> Effects {
        let mut effects = self.unlock(Vec::new());
        effects.push(Effect::PowerJobTried(run, outcome));
        effects
    }

    fn expire(&mut self, now: Timestamp, answers: Vec<(Ticket, crate::error::Result<()>)>) -> Effects {
        self.expire_with(now, answers, None)
    }

    fn expire_with(
        &mut self,
        now: Timestamp,
        answers: Vec<(Ticket, crate::error::Result<()>)>,
        unsaved: Option<DataWrite>,
    ) -> Effects {
        let Some(record) = &self.record else { return Vec::new() };
        let expired = step::expire(record, now, self.settings.keep_data, self.settings.timeout_power);
        match expired.map(|transition| transition.with_data(unsaved)) {
            Ok(transition) if record.state == State::Waiting => {
                let first = First { input: Input::Deadline, ticket: None };
                self.commit_first(transition, Then::Unlock(answers), first)
            }
            Ok(transition) => self.commit(transition, Then::Unlock(answers)),
            Err(refusal) => self.bug(refusal, answers),
        }
    }
}
