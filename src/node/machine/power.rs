//! The power of a node at rest, as an operator's task wants it.
//!
//! Invariant: it is switched under the node's lock, so that no run begins meanwhile; a run that is there is left alone.

use super::{Effect, Effects, NodeMachine, Work};
use crate::error::{Error, Result};
use crate::node::order::{Operation, PowerOrder, Ticket};

impl NodeMachine {
    pub(super) fn on_power(&mut self, ticket: Ticket, order: PowerOrder) -> Effects {
        let mut effects = self.leave_data_alone();
        let is_busy = self.is_locked() || self.state().is_some_and(|state| !state.is_terminal());
        effects.extend(if is_busy {
            let refusal = Error::conflict(self.explain("Conflict: the node is being worked on"));
            vec![Effect::Answer(ticket, Err(refusal))]
        } else {
            self.begin(Operation::Power(order), Work::Power(ticket))
        });
        effects
    }

    pub(super) fn on_powered(&mut self, ticket: Ticket, outcome: Result<()>) -> Effects {
        // They belong to no run.
        self.calls.clear();
        self.unlock(vec![(ticket, outcome)])
    }
}
