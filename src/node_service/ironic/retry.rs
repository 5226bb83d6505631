//! When a failed call is made again.
//!
//! Invariant: pure; the answer depends only on the policy, the terms of the call and the outcomes so far. It
//! neither waits nor calls.

use std::time::Duration;

use crate::config;

/// How an attempt failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// No usable answer came: connection, deadline or an answer cut short.
    Lost,
    /// An answer with this status.
    Status(u16),
}

/// Which failures of a call are worth another attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// Any failure at all: BMCs are moody, and Ironic passes that on as 4xx.
    AnyFailure,
    /// Only those that are not about the request: lost answers and 5xx.
    PassingFailures,
}

/// How a call wants to be repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Which failures are worth another attempt.
    pub effort: Effort,
    /// A status that settles the matter at once, such as 404 on a removal.
    pub settled_by: Option<u16>,
}

/// What to do after a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Try again after this long.
    Wait(Duration),
    /// Report the failure.
    GiveUp,
}

/// The failures of one call so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    failures: u32,
    busy: u32,
}

/// How often, and how far apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Attempts in all.
    pub attempts: u32,
    /// Time between them.
    pub pause: Duration,
    /// How often a call is made again after 409 (locked) and 503; counted apart.
    pub busy_retries: u32,
    /// Time between those.
    pub busy_pause: Duration,
}

impl RetryPolicy {
    /// The policy of a configuration.
    #[must_use]
    pub fn new(config: &config::Ironic) -> Self {
        Self {
            attempts: 5,
            pause: Duration::from_secs(1),
            busy_retries: config.max_retries,
            busy_pause: Duration::from_secs(config.retry_interval),
        }
    }

    /// Counts a failed attempt and says what follows.
    pub fn after(&self, tally: &mut Tally, terms: Terms, outcome: Outcome) -> Verdict {
        match (outcome, terms.effort) {
            (Outcome::Status(status), _) if terms.settled_by == Some(status) => Verdict::GiveUp,
            (Outcome::Status(409 | 503), _) => {
                tally.busy = tally.busy.saturating_add(1);
                wait_if(tally.busy <= self.busy_retries, self.busy_pause)
            }
            (Outcome::Status(..500), Effort::PassingFailures) => Verdict::GiveUp,
            _ => {
                tally.failures = tally.failures.saturating_add(1);
                wait_if(tally.failures < self.attempts, self.pause)
            }
        }
    }
}

fn wait_if(more: bool, pause: Duration) -> Verdict {
    if more { Verdict::Wait(pause) } else { Verdict::GiveUp }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORDINARY: Terms = Terms { effort: Effort::PassingFailures, settled_by: None };
    const STUBBORN: Terms = Terms { effort: Effort::AnyFailure, settled_by: None };

    fn policy() -> RetryPolicy {
        RetryPolicy::new(&config::Ironic { max_retries: 7, retry_interval: 2, ..Default::default() })
    }

    /// The number of attempts, and the longest wait, where each attempt ends the same way.
    fn attempts(terms: Terms, outcome: Outcome) -> (u32, Duration) {
        let (mut tally, mut made, mut longest) = (Tally::default(), 1, Duration::ZERO);
        while let Verdict::Wait(pause) = policy().after(&mut tally, terms, outcome) {
            made += 1;
            longest = longest.max(pause);
        }
        (made, longest)
    }

    #[test]
    fn lost_answers_and_server_errors_are_tried_five_times() {
        for terms in [ORDINARY, STUBBORN] {
            for outcome in [Outcome::Lost, Outcome::Status(500), Outcome::Status(502), Outcome::Status(599)] {
                assert_eq!(attempts(terms, outcome), (5, Duration::from_secs(1)), "{terms:?} {outcome:?}");
            }
        }
    }

    #[test]
    fn a_refusal_is_final_except_for_stubborn_calls() {
        for status in [302, 400, 401, 403, 404, 406, 422] {
            assert_eq!(attempts(ORDINARY, Outcome::Status(status)), (1, Duration::ZERO), "{status}");
            assert_eq!(attempts(STUBBORN, Outcome::Status(status)).0, 5, "{status}");
        }
    }

    #[test]
    fn locked_and_busy_follow_the_configuration() {
        for terms in [ORDINARY, STUBBORN] {
            for status in [409, 503] {
                assert_eq!(attempts(terms, Outcome::Status(status)), (8, Duration::from_secs(2)), "{status}");
            }
        }
    }

    #[test]
    fn what_settles_a_call_is_never_tried_again() {
        for effort in [Effort::AnyFailure, Effort::PassingFailures] {
            let terms = Terms { effort, settled_by: Some(409) };
            assert_eq!(attempts(terms, Outcome::Status(409)).0, 1);
            assert_eq!(attempts(terms, Outcome::Status(503)).0, 8);
        }
    }

    #[test]
    fn the_two_counts_are_apart() {
        let mut tally = Tally::default();
        for _ in 0..7 {
            assert_ne!(policy().after(&mut tally, ORDINARY, Outcome::Status(409)), Verdict::GiveUp);
        }
        for _ in 0..4 {
            assert_ne!(policy().after(&mut tally, ORDINARY, Outcome::Lost), Verdict::GiveUp);
        }
        assert_eq!(policy().after(&mut tally, ORDINARY, Outcome::Lost), Verdict::GiveUp);
        assert_eq!(policy().after(&mut tally, ORDINARY, Outcome::Status(503)), Verdict::GiveUp);
    }
}
