//! What a migration came to.

use super::super::Key;
use super::item::Outcome;

/// Failures that are told one by one; more are counted only.
const TOLD: usize = 1000;

/// Counts, and what went wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Copied, and the target holds them.
    pub copied: u64,
    /// Bytes of those.
    pub copied_bytes: u64,
    /// The target held them before.
    pub held: u64,
    /// Neither the source nor anybody has them.
    pub absent: u64,
    /// Left, as a later run has stored or voided them here.
    pub newer: u64,
    /// Left, as a run of the node is going on.
    pub busy: u64,
    /// Could not be copied.
    pub failed: u64,
    /// Of which documents, and why.
    pub failures: Vec<String>,
}

impl Report {
    pub(super) fn add(&mut self, key: &Key, outcome: Outcome) {
        let count = match outcome {
            Outcome::Copied(bytes) => {
                self.copied_bytes =
                    self.copied_bytes.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
                &mut self.copied
            }
            Outcome::Held => &mut self.held,
            Outcome::Absent => &mut self.absent,
            Outcome::Newer => &mut self.newer,
            Outcome::Busy => &mut self.busy,
            Outcome::Failed(why) => {
                if self.failures.len() < TOLD {
                    self.failures.push(format!("{}: {why}", key.object()));
                }
                &mut self.failed
            }
        };
        *count = count.saturating_add(1);
    }

    /// Whether all that there is is in the target.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.failed == 0 && self.busy == 0
    }
}
