//! What a process that is gone left behind is brought to its end.

use super::{Effects, Flow, NodeMachine, Start, Work};
use crate::clock::Timestamp;
use crate::context::Asker;
use crate::fsm::State;
use crate::node::order::{Operation, Remains};
use crate::node::step::{End, KeepData};

const START_INTERRUPTED: &str = "Introspection was interrupted while the machine was being started: the service \
     was restarted. Please start it again";
const ENROLLING_INTERRUPTED: &str = "Introspection was interrupted while the node was being enrolled: the \
     service was restarted. The data can be processed again, or the introspection started";
const DATA_LOST: &str = "Introspection was interrupted: the service was restarted, and there is no data to go \
     on with. Please start it again";

impl NodeMachine {
    pub(super) fn on_resume(&mut self, now: Timestamp, remains: Remains) -> Effects {
        // The work goes on for who asked for it before.
        self.cause = self.timeline.entries.iter().rev().find_map(|entry| Asker::named(entry.by.as_deref()?));
        match self.state() {
            Some(State::Starting) => self.fail(now, End::failure(START_INTERRUPTED), Vec::new()),
            Some(State::Enrolling) => self.fail(now, End::failure(ENROLLING_INTERRUPTED), Vec::new()),
            Some(State::Aborting) => self.resume_abort(now),
            Some(State::Processing | State::Reapplying) => self.resume_work(now, remains),
            Some(State::Waiting | State::Finished | State::Error) | None => Vec::new(),
        }
    }

    fn resume_abort(&mut self, now: Timestamp) -> Effects {
        self.renew_deadline(now, self.settings.aborting_timeout_s);
        self.power_off_for_abort(now, None)
    }

    /// What was interrupted has its whole time before it: the time it lay still does not count.
    fn renew_deadline(&mut self, now: Timestamp, seconds: i64) {
        if let Some(record) = &mut self.record {
            record.deadline = Some(now.plus_seconds(seconds));
        }
    }

    fn resume_work(&mut self, now: Timestamp, remains: Remains) -> Effects {
        self.renew_deadline(now, self.settings.processing_timeout_s);
        self.may_have_saved = remains.plan.is_none() && self.settings.keep_data == KeepData::Elsewhere;
        let flow = Flow { ticket: None, posting: remains.posting, origin: Start::Resumed };
        match remains.plan {
            Some(plan) => {
                self.collect(&plan, Vec::new());
                self.begin(Operation::Apply(plan.clone()), Work::Apply(flow, plan))
            }
            None if flow.posting.is_some() => self.fetch_for(now, flow),
            None => self.fail(now, End::failure(DATA_LOST), Vec::new()),
        }
    }
}
