//! How many nodes may be made in an hour.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use crate::clock::Timestamp;

const HOUR_US: i64 = 3_600_000_000;

/// The places of the last hour.
#[derive(Debug)]
pub(super) struct Quota {
    limit: usize,
    taken: Mutex<VecDeque<Timestamp>>,
}

/// Whether there was a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// It is taken.
    Taken,
    /// There is none.
    None,
}

impl Quota {
    /// So many an hour; 0 sets no limit.
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, taken: Mutex::default() }
    }

    /// Takes a place.
    pub(super) fn take(&self, now: Timestamp) -> Place {
        if self.limit == 0 {
            return Place::Taken;
        }
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        while taken.front().is_some_and(|at| now.since_us(*at) >= HOUR_US) {
            taken.pop_front();
        }
        if taken.len() >= self.limit {
            return Place::None;
        }
        taken.push_back(now);
        Place::Taken
    }

    /// Gives the last place back: nothing was made.
    pub(super) fn give_back(&self) {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).pop_back();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_free_again_after_an_hour_or_when_given_back() {
        let quota = Quota::new(2);
        let at = |second: i64| Timestamp(0).plus_seconds(second);
        assert_eq!(
            (quota.take(at(0)), quota.take(at(10)), quota.take(at(20))),
            (Place::Taken, Place::Taken, Place::None)
        );
        assert_eq!(quota.take(at(3600)), Place::Taken);
        assert_eq!(quota.take(at(3601)), Place::None);
        quota.give_back();
        assert_eq!(quota.take(at(3602)), Place::Taken);
        let free = Quota::new(0);
        assert!((0..100).all(|second| free.take(at(second)) == Place::Taken));
    }
}
