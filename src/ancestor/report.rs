//! What came of an import.

use std::collections::BTreeMap;

use super::node::Extent;
use super::verdict::{Taken, Verdict};
use crate::fsm::State;

/// Lines that are kept of what was left; the others are counted.
const MAX_LINES: usize = 100;

/// How many became what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Were not known here.
    pub new: u64,
    /// Are newer there.
    pub updated: u64,
    /// Are the same.
    pub unchanged: u64,
    /// Were changed here, which counts.
    pub kept: u64,
    /// Can not be taken over.
    pub left: u64,
}

impl Counts {
    /// All of them.
    #[must_use]
    pub fn total(&self) -> u64 {
        [self.new, self.updated, self.unchanged, self.kept, self.left].iter().sum()
    }
}

/// Something that can not be taken over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// What it is.
    pub what: String,
    /// Why.
    pub reason: String,
}

/// What came of an import.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The nodes.
    pub nodes: Counts,
    /// The rules.
    pub rules: Counts,
    /// How many nodes got each state, as they are named.
    pub states: BTreeMap<&'static str, u64>,
    /// Runs that were being worked on there.
    pub interrupted: u64,
    /// Documents that came with new and updated nodes.
    pub documents: u64,
    /// What else there was.
    pub extent: Extent,
    /// Documents that belong to no node.
    pub orphans: u64,
    /// Rules that are marked as disabled, which the ancestor does not look at.
    pub disabled_rules: u64,
    /// What can not be taken over, the first of it.
    pub lines: Vec<Left>,
}

impl Report {
    /// Whether nothing is missing here that was there.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        let Extent { documents_left, documents_unusable, values_unusable: _ } = self.extent;
        self.nodes.left == 0 && self.rules.left == 0 && documents_left == 0 && documents_unusable == 0
    }

    pub(super) fn leave(&mut self, what: String, reason: String) {
        self.nodes.left = self.nodes.left.saturating_add(1);
        self.note(what, reason);
    }

    pub(super) fn leave_rule(&mut self, what: String, reason: String) {
        self.rules.left = self.rules.left.saturating_add(1);
        self.note(what, reason);
    }

    fn note(&mut self, what: String, reason: String) {
        if self.lines.len() < MAX_LINES {
            self.lines.push(Left { what, reason });
        }
    }

    pub(super) fn add_extent(&mut self, more: Extent) {
        let all = &mut self.extent;
        all.documents_left = all.documents_left.saturating_add(more.documents_left);
        all.documents_unusable = all.documents_unusable.saturating_add(more.documents_unusable);
        all.values_unusable = all.values_unusable.saturating_add(more.values_unusable);
    }

    pub(super) fn add_node(&mut self, verdict: Verdict) {
        let count = match verdict {
            Verdict::New(_) => &mut self.nodes.new,
            Verdict::Updated(_) => &mut self.nodes.updated,
            Verdict::Unchanged => &mut self.nodes.unchanged,
            Verdict::Kept => &mut self.nodes.kept,
        };
        *count = count.saturating_add(1);
        if let Verdict::New(taken) | Verdict::Updated(taken) = verdict {
            self.add_taken(taken);
        }
    }

    fn add_taken(&mut self, Taken { state, interrupted, documents }: Taken) {
        let of_state = self.states.entry(State::name(state)).or_default();
        *of_state = of_state.saturating_add(1);
        self.interrupted = self.interrupted.saturating_add(u64::from(interrupted));
        self.documents = self.documents.saturating_add(u64::try_from(documents).unwrap_or(u64::MAX));
    }
}
