//! What becomes of a node here, where there may be a record of it already. Pure.

use super::node::Incoming;
use crate::clock::Timestamp;
use crate::fsm::State;
use crate::node::timeline::{Entry, Timeline};
use crate::node::{Attribute, Record, Variant};

/// The name of the entry that tells of an import.
pub(super) const IMPORTED: &str = "imported";

/// What is here of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Existing {
    /// Its record.
    pub record: Record,
    /// What happened in its run.
    pub timeline: Timeline,
    /// What a callback is matched by.
    pub attributes: Vec<Attribute>,
    /// The digests of its documents.
    pub digests: Vec<(Variant, String)>,
}

impl Existing {
    /// Whether the record is as an import left it: nothing has happened to it here.
    fn is_untouched(&self) -> bool {
        let last = self.timeline.entries.iter().rev().find(|entry| entry.event != "refused");
        last.is_some_and(|entry| entry.event == IMPORTED)
    }
}

/// What becomes of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was not known here.
    New(Taken),
    /// What is here came from there, and is newer there.
    Updated(Taken),
    /// It is here as it is there.
    Unchanged,
    /// Something has happened to it here; that counts.
    Kept,
}

/// What is written of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The state it gets.
    pub state: State,
    /// Whether a run was interrupted by it.
    pub interrupted: bool,
    /// How many documents come with it.
    pub documents: usize,
}

/// What becomes of a node.
pub(super) fn judge(existing: Option<&Existing>, incoming: &Incoming) -> Verdict {
    let taken = Taken {
        state: incoming.record.state,
        interrupted: incoming.is_interrupted(),
        documents: incoming.documents.len(),
    };
    let Some(existing) = existing else { return Verdict::New(taken) };
    let same_run = existing.record.run == incoming.record.run;
    if !existing.is_untouched() {
        Verdict::Kept
    } else if same_run && is_same(existing, incoming) {
        Verdict::Unchanged
    } else if same_run || incoming.record.started_at > existing.record.started_at {
        Verdict::Updated(taken)
    } else {
        Verdict::Unchanged
    }
}

fn is_same(existing: &Existing, incoming: &Incoming) -> bool {
    let (here, there) = (&existing.record, &incoming.record);
    // The end of an interrupted run is the time of the import, which is another one each time.
    let same_end = here.finished_at == there.finished_at || incoming.is_interrupted();
    let missing = |(variant, packed): &(Variant, crate::store::documents::Packed)| {
        !existing.digests.iter().any(|(known, digest)| known == variant && *digest == packed.digest)
    };
    here.state == there.state
        && here.error == there.error
        && here.manage_boot == there.manage_boot
        && same_end
        && existing.attributes == incoming.attributes
        && !incoming.documents.iter().any(missing)
}

/// The entry that tells of the import in the history of the run.
pub(super) fn entry(now: Timestamp, incoming: &Incoming) -> Entry {
    Entry {
        at_us: now.0,
        event: IMPORTED.to_owned(),
        from: None,
        to: Some(incoming.record.state),
        cause: Some(format!("taken over from ironic-inspector, where it was {}", incoming.state_there)),
        by: Some("rollcall db import".to_owned()),
        took_ms: None,
        calls: Vec::new(),
        matched: None,
        rules: None,
    }
}
