//! A batch of nodes, judged and written in one short transaction.

use super::node::Incoming;
use super::verdict::{self, Existing, Verdict};
use super::{Mode, Settings};
use crate::node::timeline::Timeline;
use crate::node::{Outcome, RunKind, Variant};
use crate::store::data::Place;
use crate::store::runs::RunEnd;
use crate::store::{Job, QueryResult, Session};

/// Nodes of one transaction: measured to hold the writer for about 30 ms.
const NODES: usize = 50;
/// A batch ends where its documents reach this size.
const BYTES: usize = 1024 * 1024;

/// Nodes that are written together.
#[derive(Debug, Default)]
pub(super) struct Batch {
    nodes: Vec<Incoming>,
    bytes: usize,
}

impl Batch {
    pub(super) fn push(&mut self, node: Incoming) {
        self.bytes = self.bytes.saturating_add(node.weight_bytes());
        self.nodes.push(node);
    }

    pub(super) fn is_full(&self) -> bool {
        self.nodes.len() >= NODES || self.bytes >= BYTES
    }

    pub(super) fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }
}

/// Takes a batch over; answers what became of each node.
#[derive(Debug)]
pub(super) struct TakeOver {
    batch: Batch,
    settings: Settings,
}

impl TakeOver {
    pub(super) fn new(batch: Batch, settings: Settings) -> Self {
        Self { batch, settings }
    }

    fn take(&self, session: &mut dyn Session, incoming: &Incoming) -> QueryResult<Verdict> {
        let existing = existing(session, incoming)?;
        let verdict = verdict::judge(existing.as_ref(), incoming);
        let is_newer = matches!(verdict, Verdict::New(_) | Verdict::Updated(_));
        if !is_newer || self.settings.mode == Mode::DryRun {
            return Ok(verdict);
        }
        let is_written = self.write(session, incoming, existing.as_ref())?;
        Ok(if is_written { verdict } else { Verdict::Kept })
    }

    /// Writes a node; answers false, with nothing written, where a daemon was faster.
    fn write(
        &self,
        session: &mut dyn Session,
        incoming: &Incoming,
        existing: Option<&Existing>,
    ) -> QueryResult<bool> {
        let mut record = incoming.record.clone();
        let is_taken = match existing {
            None => session.insert_node(&record)?,
            Some(existing) => {
                record.version = existing.record.version.saturating_add(1);
                session.update_node(&record, existing.record.version)?
            }
        };
        if !is_taken {
            return Ok(false);
        }
        if let Some(existing) = existing {
            self.end_old_run(session, incoming, existing)?;
        }
        session.clear_lookup(record.uuid)?;
        session.add_attributes(record.uuid, &incoming.attributes)?;
        session.add_options(record.uuid, &incoming.options)?;
        self.write_documents(session, incoming)?;
        self.write_run(session, incoming, existing)?;
        Ok(true)
    }

    /// The run that was here: the same one begins anew, another one is followed by this one.
    fn end_old_run(
        &self,
        session: &mut dyn Session,
        incoming: &Incoming,
        existing: &Existing,
    ) -> QueryResult<()> {
        if existing.record.run == incoming.record.run {
            return session.delete_run(existing.record.run);
        }
        let at = self.settings.now;
        let end = RunEnd { outcome: Outcome::Superseded, error: None, power: None, at };
        session.close_run(existing.record.run, &end)
    }

    fn write_documents(&self, session: &mut dyn Session, incoming: &Incoming) -> QueryResult<()> {
        let node = incoming.record.uuid;
        for variant in [Variant::Raw, Variant::Processed] {
            session.delete_document(node, variant)?;
        }
        let stored_at = incoming.record.finished_at.unwrap_or(incoming.record.started_at);
        for (variant, packed) in &incoming.documents {
            session.put_document(node, *variant, packed, Place::Here, stored_at)?;
        }
        Ok(())
    }

    fn write_run(
        &self,
        session: &mut dyn Session,
        incoming: &Incoming,
        existing: Option<&Existing>,
    ) -> QueryResult<()> {
        let record = &incoming.record;
        session.open_run(record.run, record.uuid, RunKind::Start, record.started_at)?;
        let same_run = existing.filter(|existing| existing.record.run == record.run);
        let mut timeline = same_run.map_or_else(Timeline::default, |existing| existing.timeline.clone());
        timeline.push(verdict::entry(self.settings.now, incoming));
        session.put_timeline(record.run, &timeline)?;
        let Some(at) = record.finished_at else { return Ok(()) };
        let outcome = if record.error.is_some() { Outcome::Error } else { Outcome::Finished };
        session.close_run(record.run, &RunEnd { outcome, error: record.error.clone(), power: None, at })
    }
}

impl Job for TakeOver {
    type Output = Vec<Verdict>;

    fn run(&self, session: &mut dyn Session) -> QueryResult<Vec<Verdict>> {
        self.batch.nodes.iter().map(|incoming| self.take(session, incoming)).collect()
    }

    fn weight_bytes(&self) -> usize {
        self.batch.bytes
    }
}

/// What is here of a node.
fn existing(session: &mut dyn Session, incoming: &Incoming) -> QueryResult<Option<Existing>> {
    let Some(record) = session.node(incoming.record.uuid)? else { return Ok(None) };
    let timeline = session.timeline(record.run)?;
    let mut attributes = session.attributes(record.uuid)?;
    attributes.sort();
    let mut digests = Vec::new();
    for variant in [Variant::Raw, Variant::Processed] {
        if let Some(digest) = session.document_digest(record.uuid, variant)? {
            digests.push((variant, digest));
        }
    }
    Ok(Some(Existing { record, timeline, attributes, digests }))
}
