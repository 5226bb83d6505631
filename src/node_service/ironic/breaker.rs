//! The circuit breaker: whether calls are sent at all while Ironic can not be reached.
//!
//! Invariant: pure; the time is passed in. It opens only after many transport failures in a row over several nodes,
//! so that no single BMC opens it, lets one call a second through while it is open, and closes at the first answer.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;

/// Transport failures in a row.
const FAILURES: u32 = 20;
/// Over at least this many nodes.
const NODES: usize = 5;
/// How often a call is let through while it is open.
const PROBE_EVERY: Duration = Duration::from_secs(1);

/// Whether a call may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// At once.
    Go,
    /// To be asked again after this long.
    Wait(Duration),
}

/// What a transport failure or an answer has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing.
    None,
    /// Calls are held from now on.
    Opened,
    /// Held calls may go on.
    Closed,
}

/// The breaker; closed at first.
#[derive(Debug, Default)]
pub struct Breaker {
    failures: u32,
    nodes: BTreeSet<String>,
    /// When the next call is let through; only while it is open.
    next_probe: Option<Instant>,
}

impl Breaker {
    /// Whether calls are held.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.next_probe.is_some()
    }

    /// Asks for a call to be let through.
    pub fn admit(&mut self, now: Instant) -> Admission {
        match self.next_probe {
            Some(next) if now < next => Admission::Wait(next.duration_since(now)),
            Some(_) => {
                self.next_probe = Some(now + PROBE_EVERY);
                Admission::Go
            }
            None => Admission::Go,
        }
    }

    /// No answer came to a call about `node`, where it was about one.
    pub fn failed(&mut self, now: Instant, node: Option<&str>) -> Change {
        self.failures = self.failures.saturating_add(1);
        if let Some(node) = node.filter(|_| self.nodes.len() < NODES) {
            self.nodes.insert(node.to_owned());
        }
        if self.is_open() || self.failures < FAILURES || self.nodes.len() < NODES {
            return Change::None;
        }
        self.next_probe = Some(now + PROBE_EVERY);
        Change::Opened
    }

    /// An answer came, whatever it says.
    pub fn answered(&mut self) -> Change {
        let was_open = self.is_open();
        self.failures = 0;
        self.nodes.clear();
        self.next_probe = None;
        if was_open { Change::Closed } else { Change::None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Failures of this many calls, spread over this many nodes.
    fn after(calls: usize, nodes: usize, now: Instant) -> Breaker {
        let mut breaker = Breaker::default();
        for call in 0..calls {
            breaker.failed(now, Some(&(call % nodes).to_string()));
        }
        breaker
    }

    #[test]
    fn it_takes_twenty_failures_over_five_nodes() {
        let now = Instant::now();
        assert!(!after(19, 5, now).is_open());
        assert!(!after(200, 4, now).is_open());
        assert!(after(20, 5, now).is_open());
        let mut breaker = after(200, 4, now);
        assert_eq!(breaker.failed(now, None), Change::None);
        assert_eq!(breaker.failed(now, Some("another")), Change::Opened);
        assert_eq!(breaker.failed(now, Some("another")), Change::None);
    }

    #[test]
    fn one_answer_begins_the_count_anew() {
        let now = Instant::now();
        let mut breaker = after(19, 5, now);
        assert_eq!(breaker.answered(), Change::None);
        for call in 0..19 {
            assert_eq!(breaker.failed(now, Some(&call.to_string())), Change::None);
        }
        assert_eq!(breaker.failed(now, Some("1")), Change::Opened);
    }

    #[test]
    fn one_call_a_second_is_let_through_until_one_is_answered() {
        let now = Instant::now();
        let mut breaker = after(20, 5, now);
        assert_eq!(breaker.admit(now), Admission::Wait(PROBE_EVERY));
        let later = now + PROBE_EVERY;
        assert_eq!(breaker.admit(later), Admission::Go);
        assert_eq!(breaker.admit(later), Admission::Wait(PROBE_EVERY));
        assert_eq!(breaker.failed(later, Some("1")), Change::None);
        assert_eq!(breaker.admit(later + PROBE_EVERY / 4), Admission::Wait(PROBE_EVERY * 3 / 4));
        assert_eq!(breaker.admit(later + PROBE_EVERY), Admission::Go);
        assert_eq!(breaker.answered(), Change::Closed);
        assert_eq!(breaker.admit(later + PROBE_EVERY), Admission::Go);
        assert_eq!(breaker.admit(later + PROBE_EVERY), Admission::Go);
    }
}
