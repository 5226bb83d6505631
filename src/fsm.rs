//! The state machine of a node: the one place that decides which state follows.
//!
//! A pure, total function from (state, event) to the next state or to a named refusal. Invariant: no other code
//! in the crate chooses a state. It must not know time, the database or the actors.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Where a node stands in its introspection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Discovered: a record was made for a node that has just been created in the node service.
    Enrolling,
    /// A start was accepted; the machine is being prepared and rebooted.
    Starting,
    /// The ramdisk is expected to call back.
    Waiting,
    /// The callback's data is being processed, until the machine is powered off.
    Processing,
    /// Stored or given data is being processed again.
    Reapplying,
    /// An abort was accepted; the machine is being powered off.
    Aborting,
    /// Ended with success.
    Finished,
    /// Ended by a failure, an abort or a timeout.
    Error,
}

/// What happens to a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// An operator starts an introspection.
    Start,
    /// The preparation is done.
    Wait,
    /// The ramdisk's data arrived.
    Process,
    /// The work on the data is done.
    Finish,
    /// Something failed.
    Error,
    /// An operator has data processed again.
    Reapply,
    /// An operator ends the run.
    Abort,
    /// The power-off of an abort is over.
    AbortEnd,
    /// The deadline of the state passed.
    Timeout,
}

/// How a record comes into being (or, over an ended one, begins anew).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Birth {
    /// A start of a node that has no record.
    Start,
    /// Discovery of an unknown node.
    Discovery,
    /// A callback of an unknown node that is in use.
    ActiveIntrospection,
}

/// An event that the table does not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The state at that time.
    pub state: State,
    /// The event that is not defined there.
    pub event: Event,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { state, event } = self;
        write!(f, "Can not transition from state '{state}' on event '{event}' (no defined transition)")
    }
}

impl State {
    /// All states, in the order of a run.
    pub const ALL: [Self; 8] = [
        Self::Enrolling,
        Self::Starting,
        Self::Waiting,
        Self::Processing,
        Self::Reapplying,
        Self::Aborting,
        Self::Finished,
        Self::Error,
    ];

    /// The name on the wire and in the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Enrolling => "enrolling",
            Self::Starting => "starting",
            Self::Waiting => "waiting",
            Self::Processing => "processing",
            Self::Reapplying => "reapplying",
            Self::Aborting => "aborting",
            Self::Finished => "finished",
            Self::Error => "error",
        }
    }

    /// Whether the service works on the node in this state.
    #[must_use]
    pub fn is_active(self) -> bool {
        !matches!(self, Self::Waiting | Self::Finished | Self::Error)
    }

    /// Whether a run is over in this state.
    #[must_use]
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Finished | Self::Error)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is no state's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownState;

impl FromStr for State {
    type Err = UnknownState;

    fn from_str(name: &str) -> Result<Self, UnknownState> {
        Self::ALL.into_iter().find(|state| state.name() == name).ok_or(UnknownState)
    }
}

impl Event {
    /// All events.
    pub const ALL: [Self; 9] = [
        Self::Start,
        Self::Wait,
        Self::Process,
        Self::Finish,
        Self::Error,
        Self::Reapply,
        Self::Abort,
        Self::AbortEnd,
        Self::Timeout,
    ];

    /// The name in messages and in the history.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Wait => "wait",
            Self::Process => "process",
            Self::Finish => "finish",
            Self::Error => "error",
            Self::Reapply => "reapply",
            Self::Abort => "abort",
            Self::AbortEnd => "abort_end",
            Self::Timeout => "timeout",
        }
    }
}

/// A name that is no event's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownEvent;

impl FromStr for Event {
    type Err = UnknownEvent;

    fn from_str(name: &str) -> Result<Self, UnknownEvent> {
        Self::ALL.into_iter().find(|event| event.name() == name).ok_or(UnknownEvent)
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The state that follows `state` on `event`.
///
/// # Errors
/// The refusal, where the table has no such transition.
pub fn next(state: State, event: Event) -> Result<State, Refusal> {
    use Event as E;
    use State as S;
    match (state, event) {
        (S::Starting, E::Wait) => Ok(S::Waiting),
        (S::Enrolling | S::Waiting, E::Process) => Ok(S::Processing),
        (S::Processing | S::Reapplying | S::Finished, E::Finish) => Ok(S::Finished),
        (S::Error | S::Finished | S::Reapplying, E::Reapply) => Ok(S::Reapplying),
        (S::Error | S::Finished | S::Waiting, E::Start) => Ok(S::Starting),
        (S::Waiting, E::Abort) => Ok(S::Aborting),
        (S::Error, E::Abort) | (S::Aborting, E::AbortEnd) => Ok(S::Error),
        (S::Enrolling | S::Error | S::Processing | S::Reapplying | S::Starting, E::Error) => Ok(S::Error),
        (
            S::Aborting | S::Enrolling | S::Processing | S::Reapplying | S::Starting | S::Waiting,
            E::Timeout,
        ) => Ok(S::Error),
        _ => Err(Refusal { state, event }),
    }
}

/// The first state of a new record, over no record or over one that has ended.
///
/// # Errors
/// A refusal of `start`, where a record exists that has not ended.
pub fn create(birth: Birth, over: Option<State>) -> Result<State, Refusal> {
    match over {
        Some(state) if !state.is_terminal() => Err(Refusal { state, event: Event::Start }),
        _ => Ok(match birth {
            Birth::Start => State::Starting,
            Birth::Discovery => State::Enrolling,
            Birth::ActiveIntrospection => State::Waiting,
        }),
    }
}

/// The state in which the record of an ironic-inspector is taken over: what it was working on is not taken up.
#[must_use]
pub fn taken_over(there: State) -> State {
    if there.is_active() { State::Error } else { there }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of the design, a line a state.
    const TABLE: &str = "
        aborting: abort_end error, timeout error
        enrolling: error error, process processing, timeout error
        error: abort error, error error, reapply reapplying, start starting
        finished: finish finished, reapply reapplying, start starting
        processing: error error, finish finished, timeout error
        reapplying: error error, finish finished, reapply reapplying, timeout error
        starting: error error, wait waiting, timeout error
        waiting: abort aborting, process processing, start starting, timeout error";

    fn allowed(state: State, event: Event) -> Option<State> {
        let line = TABLE.lines().map(str::trim).find(|l| l.starts_with(&format!("{state}:")))?;
        let (_, steps) = line.split_once(':')?;
        steps.split(',').find_map(|step| {
            let (name, to) = step.trim().split_once(' ')?;
            (name == event.name()).then(|| to.parse().ok()).flatten()
        })
    }

    #[test]
    fn every_pair_of_state_and_event_is_as_the_table_says() {
        let mut defined = 0;
        for state in State::ALL {
            for event in Event::ALL {
                let wanted = allowed(state, event);
                defined += usize::from(wanted.is_some());
                assert_eq!(next(state, event).ok(), wanted, "{state} on {event}");
            }
        }
        assert_eq!(defined, 26);
    }

    #[test]
    fn a_refusal_reads_as_the_contract_says() {
        let refusal = next(State::Finished, Event::Process).unwrap_err();
        assert_eq!(
            refusal.to_string(),
            "Can not transition from state 'finished' on event 'process' (no defined transition)"
        );
    }

    #[test]
    fn records_are_born_only_over_nothing_or_an_end() {
        for state in State::ALL {
            let made = create(Birth::Start, Some(state)).is_ok();
            assert_eq!(made, state.is_terminal(), "{state}");
        }
        assert_eq!(create(Birth::Start, None), Ok(State::Starting));
        assert_eq!(create(Birth::Discovery, None), Ok(State::Enrolling));
        assert_eq!(create(Birth::ActiveIntrospection, None), Ok(State::Waiting));
    }

    #[test]
    fn only_what_nobody_works_on_is_taken_over_as_it_was() {
        let same = State::ALL.into_iter().filter(|state| taken_over(*state) == *state);
        assert_eq!(same.collect::<Vec<_>>(), [State::Waiting, State::Finished, State::Error]);
        assert!(State::ALL.into_iter().all(|state| !taken_over(state).is_active()));
    }

    #[test]
    fn names_go_both_ways() {
        for state in State::ALL {
            assert_eq!(state.name().parse(), Ok(state));
        }
        assert_eq!("Waiting".parse::<State>(), Err(UnknownState));
    }
}
