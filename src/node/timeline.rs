//! What happened in a run: transitions, who asked, how long it took, and what the node service answered.
//!
//! One compressed row a run, written in the transaction of each transition. Invariant: bounded; what is left out
//! is counted.

use serde::{Deserialize, Serialize};

use super::matching::Explanation;
use crate::clock::Timestamp;
use crate::fsm::State;
use crate::node_service::recorded::Call;
use crate::processing::rules::Results;

/// Entries of one run at most: a run has about ten, the rest are refused requests.
const LIMIT: usize = 200;
/// Compressing harder gains little on a few kilobytes.
const LEVEL: i32 = 1;
/// A timeline is never larger than this when it is read.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// What happened in a run so far, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timeline {
    /// What happened.
    pub entries: Vec<Entry>,
    /// Entries that were left out because there were too many.
    #[serde(default)]
    pub left_out: usize,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When, in microseconds since the epoch.
    pub at_us: i64,
    /// The event of the state machine, `plan` for a committed Change, `token` for a token that was given, or `refused`.
    pub event: String,
    /// The state before.
    pub from: Option<State>,
    /// The state after.
    pub to: Option<State>,
    /// Why: an error text, or what was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// Who asked: a request's id, or a part of the service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Milliseconds in the state before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took_ms: Option<i64>,
    /// Calls of the node service since the last entry.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<Call>,
    /// How the data came to this node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matched: Option<Explanation>,
    /// What became of the rules.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<Results>,
}

impl Timeline {
    /// Adds an entry, or counts it where there are too many.
    pub fn push(&mut self, entry: Entry) {
        if self.entries.len() < LIMIT {
            self.entries.push(entry);
        } else {
            self.left_out = self.left_out.saturating_add(1);
        }
    }

    /// The stored form.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        // Neither step can fail on such data; an empty timeline is then better than a run that can not go on.
        let text = serde_json::to_vec(self).unwrap_or_default();
        zstd::bulk::compress(&text, LEVEL).unwrap_or_default()
    }

    /// Reads the stored form; what can not be read is left out.
    #[must_use]
    pub fn unpack(stored: &[u8]) -> Self {
        let text = zstd::bulk::decompress(stored, MAX_BYTES).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }
}

impl Entry {
    /// A request that was refused; it changed nothing.
    #[must_use]
    pub fn refused(now: Timestamp, state: Option<State>, cause: String, by: Option<String>) -> Self {
        Self {
            at_us: now.0,
            event: "refused".to_owned(),
            from: state,
            to: state,
            cause: Some(cause),
            by,
            took_ms: None,
            calls: Vec::new(),
            matched: None,
            rules: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeline_comes_back_as_it_went_in_and_is_bounded() {
        let mut timeline = Timeline::default();
        for number in 0..LIMIT + 3 {
            let at = Timestamp(i64::try_from(number).unwrap());
            timeline.push(Entry::refused(at, Some(State::Waiting), "locked".to_owned(), None));
        }
        assert_eq!((timeline.entries.len(), timeline.left_out), (LIMIT, 3));
        let packed = timeline.pack();
        assert!(packed.len() < 3000, "{}", packed.len());
        assert_eq!(Timeline::unpack(&packed), timeline);
        assert_eq!(Timeline::unpack(b"nonsense"), Timeline::default());
    }
}
