//! The token that the callback of a run has to carry.

use std::sync::Arc;

use super::{Activity, Effects, First, Input, NodeMachine, Then};
use crate::clock::Timestamp;
use crate::error::{Error, Kind};
use crate::fsm::State;
use crate::node::order::Ticket;
use crate::node::posting::Posting;
use crate::node::step;
use crate::node::token::{TokenDigest, Tokens};

const REFUSED: &str = "The token of the run is missing or wrong";

impl NodeMachine {
    /// Gives the waiting run another token; the one before is void.
    pub(super) fn on_token(&mut self, now: Timestamp, ticket: Ticket, token: TokenDigest) -> Effects {
        let Some(record) = &self.record else {
            let text = format!("Could not find node {} in cache", self.uuid);
            return self.refused(now, ticket, Error::not_found(text));
        };
        if !matches!(self.activity, Activity::Idle) || record.state != State::Waiting {
            let text = self.explain("A token can be given to a waiting node only, please, try again later");
            return self.refused(now, ticket, Error::conflict(text));
        }
        let mut transition = step::stay(record, now);
        transition.record.token = Some(token.clone());
        let first = First { input: Input::Token(ticket, token), ticket: Some(ticket) };
        self.commit_first(transition, Then::Unlock(vec![(ticket, Ok(()))]), first)
    }

    /// Refuses data for the waiting run that does not carry its token; nothing changes, whatever was posted.
    pub(super) fn token_refused(
        &mut self,
        now: Timestamp,
        ticket: Ticket,
        posting: &Arc<Posting>,
    ) -> Option<Effects> {
        let expected = self.record.as_ref().and_then(|record| record.token.as_ref());
        let carried = posting.token.as_ref();
        let fits = match self.settings.tokens {
            Tokens::Unused => true,
            Tokens::Required => {
                expected.zip(carried).is_some_and(|(expected, carried)| expected.matches(carried))
            }
        };
        (!fits).then(|| self.refused(now, ticket, Error::new(Kind::Forbidden, REFUSED)))
    }
}
