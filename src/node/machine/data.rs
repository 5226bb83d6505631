//! Documents on their way to the data store, or out of it, while the node is at rest.
//!
//! Invariant: it is done under the node's lock, so that no document of an earlier run can come after one of a later
//! run; and it keeps nobody waiting: who asks for something has it dropped, and it is done later.

use super::{Activity, Effect, Effects, NodeMachine, Work};
use crate::fsm::State;
use crate::node::order::Operation;

impl NodeMachine {
    pub(super) fn on_look_after_data(&mut self) -> Effects {
        // What the database says counts: the record may be gone without our knowing.
        if self.is_locked() || self.state().is_some_and(State::is_active) {
            return Vec::new();
        }
        self.begin(Operation::LookAfterData, Work::LookAfterData)
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
