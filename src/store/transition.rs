//! One transition of a node, with all that becomes true with it: committed together or not at all.

use uuid::Uuid;

use super::Session;
use super::data::Place;
use super::documents::Packed;
use super::runs::RunEnd;
use super::writer::{Job, QueryResult};
use crate::build_data;
use crate::clock::Timestamp;
use crate::node::timeline::Timeline;
use crate::node::{Attribute, Record, RunKind, Variant};

/// What the row must be like for the transition to count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// There is none.
    Absent,
    /// It has this version.
    Version(i64),
}

/// What becomes of the look-up attributes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Lookup {
    /// They stay.
    #[default]
    Keep,
    /// They are replaced.
    Set(Vec<Attribute>),
    /// They go, and the options too; kept apart until this time to file late callbacks.
    Clear(Timestamp),
}

/// What becomes of the stored documents.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DataWrite {
    /// Removed first.
    pub removed: Vec<Variant>,
    /// What removal means.
    pub removal: Removal,
    /// Stored as raw data.
    pub raw: Option<Packed>,
    /// Stored as processed data.
    pub processed: Option<Packed>,
    /// For how long what is stored stays in our database.
    pub stay: Stay,
    /// Documents that the data store has, with their digests.
    pub elsewhere: Vec<(Variant, String)>,
}

/// What it means that a document is removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Removal {
    /// Nothing is known of it any more.
    #[default]
    Forget,
    /// It counts no more, whatever the data store may have.
    Void,
}

/// For how long a document stays in our database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stay {
    /// For good.
    #[default]
    Here,
    /// Until the data store has it.
    Spooled,
}

/// What becomes of the runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunWrite {
    /// A run that ends.
    pub ended: Option<(Uuid, RunEnd)>,
    /// The record's run begins.
    pub begun: Option<RunKind>,
    /// What the record's run is about to apply, JSON text.
    pub plan: Option<Vec<u8>>,
    /// What happened in the record's run so far.
    pub timeline: Option<Timeline>,
}

/// What the run found, beside the documents of the node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BuildWrite {
    /// Contents that are kept, so that rows can refer to them.
    pub contents: Vec<Packed>,
    /// The rows of the run that ends.
    pub written: Option<build_data::Collection>,
}

/// What becomes of the job to power the machine off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PowerJobWrite {
    /// It stays, if there is one.
    #[default]
    Keep,
    /// It is added for the record's run.
    Add,
    /// It is dropped.
    Drop,
}

/// A transition, or an addition within a state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    /// The row as it is to be.
    pub record: Record,
    /// The row as it has to be before.
    pub expected: Expected,
    /// When.
    pub at: Timestamp,
    /// Look-up attributes.
    pub lookup: Lookup,
    /// Documents.
    pub data: DataWrite,
    /// History.
    pub runs: RunWrite,
    /// The power, after a timeout.
    pub power_job: PowerJobWrite,
    /// Build data.
    pub build: BuildWrite,
}

/// Whether the transition took place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// It did.
    Committed,
    /// The row was not as expected; nothing was written.
    Lost,
}

impl Transition {
    /// The same with other documents, where there are any.
    #[must_use]
    pub fn with_data(self, data: Option<DataWrite>) -> Self {
        match data {
            Some(data) => Self { data, ..self },
            None => self,
        }
    }

    /// Writes it, in the transaction of the caller.
    ///
    /// # Errors
    /// Any error of the database.
    pub fn write(&self, session: &mut dyn Session) -> QueryResult<Written> {
        let taken = match self.expected {
            Expected::Absent => session.insert_node(&self.record)?,
            Expected::Version(version) => session.update_node(&self.record, version)?,
        };
        if !taken {
            return Ok(Written::Lost);
        }
        if self.expected == Expected::Absent {
            // What an earlier record of the node left is not to be removed under the hands of this one.
            session.drop_data_removal(self.record.uuid)?;
        }
        self.write_lookup(session)?;
        self.write_data(session)?;
        self.write_runs(session)?;
        self.write_power_job(session)?;
        self.write_build(session)?;
        Ok(Written::Committed)
    }

    fn write_lookup(&self, session: &mut dyn Session) -> QueryResult<()> {
        match &self.lookup {
            Lookup::Keep => Ok(()),
            Lookup::Clear(until) => {
                session.keep_lookup(self.record.uuid, self.record.run, *until)?;
                session.clear_lookup(self.record.uuid)
            }
            Lookup::Set(attributes) => {
                session.clear_lookup(self.record.uuid)?;
                session.add_attributes(self.record.uuid, attributes)
            }
        }
    }

    fn write_data(&self, session: &mut dyn Session) -> QueryResult<()> {
        let node = self.record.uuid;
        for variant in &self.data.removed {
            match self.data.removal {
                Removal::Forget => session.delete_document(node, *variant)?,
                Removal::Void => session.put_nowhere(node, *variant, self.at)?,
            }
        }
        let place = match self.data.stay {
            Stay::Here => Place::Here,
            Stay::Spooled => Place::Spooled,
        };
        let stored = [(Variant::Raw, &self.data.raw), (Variant::Processed, &self.data.processed)];
        for (variant, document) in stored {
            if let Some(document) = document {
                session.put_document(node, variant, document, place, self.at)?;
            }
        }
        for (variant, digest) in &self.data.elsewhere {
            session.put_elsewhere(node, *variant, digest, self.at)?;
        }
        Ok(())
    }

    fn write_build(&self, session: &mut dyn Session) -> QueryResult<()> {
        for content in &self.build.contents {
            session.keep_document(content, self.at)?;
        }
        match &self.build.written {
            Some(written) => session.add_builds(self.record.uuid, self.record.run, written, self.at),
            None => Ok(()),
        }
    }

    fn write_power_job(&self, session: &mut dyn Session) -> QueryResult<()> {
        let node = self.record.uuid;
        match self.power_job {
            PowerJobWrite::Keep => Ok(()),
            PowerJobWrite::Add => session.put_power_job(node, self.record.run, self.at),
            PowerJobWrite::Drop => session.drop_power_job(node),
        }
    }

    fn write_runs(&self, session: &mut dyn Session) -> QueryResult<()> {
        if let Some((run, end)) = &self.runs.ended {
            session.close_run(*run, end)?;
        }
        if let Some(kind) = self.runs.begun {
            session.open_run(self.record.run, self.record.uuid, kind, self.at)?;
        }
        if let Some(timeline) = &self.runs.timeline {
            session.put_timeline(self.record.run, timeline)?;
        }
        if let Some(plan) = &self.runs.plan {
            session.put_plan(self.record.run, plan)?;
        }
        Ok(())
    }
}

impl Job for Transition {
    type Output = Written;

    fn nodes(&self) -> Vec<Uuid> {
        vec![self.record.uuid]
    }

    fn run(&self, session: &mut dyn Session) -> QueryResult<Written> {
        self.write(session)
    }

    fn weight_bytes(&self) -> usize {
        let size = |document: &Option<Packed>| document.as_ref().map_or(0, |packed| packed.body.len());
        let documents = size(&self.data.raw).saturating_add(size(&self.data.processed));
        let contents = self.build.contents.iter().map(|content| content.body.len());
        contents.fold(documents, usize::saturating_add)
    }
}
