//! Data processed again.

use std::sync::Arc;

use uuid::Uuid;

use super::{Effect, Effects, First, Flow, Input, NodeMachine, Start, Then, Work};
use crate::clock::Timestamp;
use crate::error::Error;
use crate::fsm::Event;
use crate::node::RunKind;
use crate::node::order::{Operation, Source, Ticket};
use crate::node::posting::Posting;
use crate::node::step::{self, End, KeepData};
use crate::processing::pipeline;

const LOCKED: &str = "Node locked, please, try again later";

impl NodeMachine {
    pub(super) fn on_reapply(
        &mut self,
        now: Timestamp,
        ticket: Ticket,
        posting: Arc<Posting>,
        source: Source,
    ) -> Effects {
        let mut effects = self.leave_data_alone();
        effects.extend(self.reapply(now, ticket, posting, source));
        effects
    }

    fn reapply(&mut self, now: Timestamp, ticket: Ticket, posting: Arc<Posting>, source: Source) -> Effects {
        if self.is_locked() {
            let locked = Error::conflict(self.explain(LOCKED));
            return self.refused(now, ticket, locked);
        }
        let Some(record) = &self.record else {
            let missing = Error::not_found(format!("Could not find node {} in cache", self.uuid));
            return vec![Effect::Answer(ticket, Err(missing))];
        };
        let deadline = Some(now.plus_seconds(self.settings.processing_timeout_s));
        let run = (Uuid::new_v4(), RunKind::Reapply);
        let mut transition = match step::begin(record, Event::Reapply, now, deadline, run) {
            Ok(transition) => transition,
            Err(refusal) => {
                let refused = Error::conflict(self.explain(refusal));
                return self.refused(now, ticket, refused);
            }
        };
        // Where it is elsewhere, the run could not go on with it after a crash.
        if source == Source::Given || self.settings.keep_data == KeepData::Elsewhere {
            transition.data = self.settings.keep_data.with_raw(&posting.raw);
        }
        let input = Input::Reapply(ticket, Arc::clone(&posting), source);
        let flow = Flow { ticket: Some(ticket), posting: Some(posting), origin: Start::Asked };
        self.commit_first(transition, Then::Reprocess(flow), First { input, ticket: Some(ticket) })
    }

    /// The record is in `reapplying`: the caller is answered, the rest is done in the background.
    pub(super) fn reprocess(&mut self, now: Timestamp, flow: Flow) -> Effects {
        let mut effects: Effects =
            flow.ticket.map(|ticket| Effect::Answer(ticket, Ok(()))).into_iter().collect();
        effects.extend(self.fetch_for(now, Flow { ticket: None, ..flow }));
        effects
    }

    /// Goes on with data that is taken already, unless the pre hooks found it wanting.
    pub(super) fn fetch_for(&mut self, now: Timestamp, flow: Flow) -> Effects {
        match &flow.posting {
            Some(posting) if !posting.failures.is_empty() => {
                let posting = Arc::clone(posting);
                self.collect_posted(&posting);
                let end = End::failure(pipeline::reapply_refusal_text(&posting.failures));
                self.fail(now, end, Vec::new())
            }
            _ => self.begin(Operation::Fetch, Work::Fetch(flow)),
        }
    }
}
