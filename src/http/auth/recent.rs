//! What was found out a while ago, bounded in number and time.
//!
//! Invariant: nothing is told beyond its time, and no more is kept than allowed; what is asked for often stays longest.

use std::collections::HashMap;
use std::time::Instant;

use super::digest::Digest;

/// Findings by the digest of what they are about, in two generations: when the young ones fill their half, the old ones
/// go and the young become old.
pub(super) struct Recent<V> {
    /// How many a generation holds.
    half: usize,
    young: HashMap<Digest, (V, Instant)>,
    old: HashMap<Digest, (V, Instant)>,
}

impl<V: Clone> Recent<V> {
    /// Keeps no more than `most`, which is at least two.
    pub(super) fn new(most: usize) -> Self {
        Self { half: (most / 2).max(1), young: HashMap::new(), old: HashMap::new() }
    }

    /// What is known, if its time is not over.
    pub(super) fn get(&mut self, digest: &Digest, now: Instant) -> Option<V> {
        if let Some((value, until)) = self.young.get(digest) {
            return (now < *until).then(|| value.clone());
        }
        let (value, until) = self.old.remove(digest)?;
        if now >= until {
            return None;
        }
        self.insert(*digest, value.clone(), until);
        Some(value)
    }

    /// Keeps a finding.
    pub(super) fn insert(&mut self, digest: Digest, value: V, until: Instant) {
        if self.young.len() >= self.half {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(digest, (value, until));
    }

    /// How many there are.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn digest(number: u8) -> Digest {
        [number; 32]
    }

    #[test]
    fn a_finding_ends_with_its_time() {
        let (mut recent, now) = (Recent::new(4), Instant::now());
        let later = now + Duration::from_secs(1);
        recent.insert(digest(1), "a", later);
        assert_eq!(recent.get(&digest(1), now), Some("a"));
        assert_eq!(recent.get(&digest(1), later), None);
        assert_eq!(recent.get(&digest(2), now), None);
    }

    #[test]
    fn what_is_asked_for_stays_and_the_rest_makes_room() {
        let (mut recent, now) = (Recent::new(8), Instant::now());
        let later = now + Duration::from_secs(1);
        recent.insert(digest(0), 0, later);
        for number in 1..100 {
            assert_eq!(recent.get(&digest(0), now), Some(0), "after {number}");
            recent.insert(digest(number), number, later);
            assert!(recent.len() <= 8);
        }
        assert_eq!(recent.get(&digest(1), now), None);
        assert_eq!(recent.get(&digest(99), now), Some(99));
    }
}
