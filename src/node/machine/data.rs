//! Documents on their way to the data store, or out of it, while the node is at rest.
//!
//! Invariant: it is done under the node's lock, so that no document of an earlier run can come after one of a later
//! run; and it keeps nobody waiting: who asks for something has it dropped, and it is done later.

use super::{Activity, Effect, Effects, NodeMachine, Work};
use crate::fsm::State;
use crate::node::Variant;
use crate::node::order::Operation;
use crate::store::transition::{Removal, Transition};

impl NodeMachine {
    pub(super) fn on_look_after_data(&mut self) -> Effects {
        // What the database says counts: the record may be gone without our knowing.
        if self.is_locked() || self.state().is_some_and(State::is_active) {
            return Vec::new();
        }
        self.begin(Operation::LookAfterData, Work::LookAfterData)
    }

    /// Where the process before this one may have replaced the processed document in the data store, and this run ends
    /// without storing another, it is nobody's: neither of this run nor of the one before.
    pub(super) fn void_what_may_be_replaced(&mut self, transition: &mut Transition) {
        let data = &mut transition.data;
        if data.elsewhere.iter().any(|(variant, _)| *variant == Variant::Processed) {
            self.may_have_saved = false;
        }
        if !transition.record.state.is_terminal() || !std::mem::take(&mut self.may_have_saved) {
            return;
        }
        if data.processed.is_none() && data.removed.is_empty() {
            data.removed = vec![Variant::Processed];
            data.removal = Removal::Void;
        }
    }

    /// Drops such work, if it is what is in flight.
    pub(super) fn leave_data_alone(&mut self) -> Effects {
        match &self.activity {
            Activity::Working(working) if matches!(working.work, Work::LookAfterData) => {
                self.activity = Activity::Idle;
                vec![Effect::Cancel]
            }
            _ => Vec::new(),
        }
    }
}
