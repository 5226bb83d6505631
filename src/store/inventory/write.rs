//! A planned import as one job of the writer.
//!
//! Invariant: nothing is written unless the generation is the one that the plan was made against. Names that change
//! hands or go are set aside first; then the kinds are written in the order of their dependence; what goes, goes last.

use diesel::prelude::*;
use serde::Serialize;

use super::listed::Lists;
use crate::inventory::model::{Id, Kind};
use crate::store::schema::{change_sets, changes};
use crate::store::{Job, QueryResult, Session};

/// Who changed the inventory, and why.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = change_sets, treat_none_as_default_value = false)]
pub struct ChangeSetHead {
    /// Its id: the client's, or one made up.
    pub id: String,
    /// When, in microseconds since the epoch.
    pub committed_us: i64,
    /// The generation that it made.
    pub generation: i64,
    /// The user.
    pub asker: Option<String>,
    /// The request.
    pub request_id: Option<String>,
    /// Why.
    pub comment: Option<String>,
    /// The address of who asked.
    pub source: Option<String>,
    /// The format of the request.
    pub format: String,
    /// SHA-256 of the request, hexadecimal.
    pub digest: String,
    /// How much was changed, JSON.
    pub summary: String,
}

/// A change set with its answer, which may be large.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = change_sets, treat_none_as_default_value = false)]
pub struct ChangeSetRow {
    /// Who, and why.
    #[diesel(embed)]
    pub head: ChangeSetHead,
    /// The answer, where the client chose the id; zstd.
    pub answer: Option<Vec<u8>>,
}

/// What became of an object.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Serialize)]
#[diesel(table_name = changes)]
pub struct ChangeRow {
    /// The change set.
    pub change_set: String,
    /// Its place in it.
    pub number: i64,
    /// When, in microseconds since the epoch.
    pub committed_us: i64,
    /// The kind of object.
    pub kind: String,
    /// Its key.
    pub pk: i64,
    /// The system that it belongs to.
    pub system_pk: i64,
    /// What it was called.
    pub label: String,
    /// `create`, `update`, `move` or `delete`.
    pub op: String,
    /// The object before, JSON.
    pub before: Option<String>,
    /// The object after, JSON.
    pub after: Option<String>,
}

/// What an import writes.
#[derive(Debug)]
pub struct Commit {
    /// The generation that it was planned against.
    pub generation: i64,
    /// The next key to be given out.
    pub next_pk: i64,
    /// When, in microseconds since the epoch.
    pub now_us: i64,
    /// New names.
    pub lookups: Lists,
    /// Objects that are deleted.
    pub deleted: Vec<Id>,
    /// Objects that give a name up, or take one that another has.
    pub aside: Vec<Id>,
    /// Objects that have no views, or others than before.
    pub unseen: Vec<i64>,
    /// New and changed objects, in the order in which their tables are written.
    pub objects: Vec<Lists>,
    /// The change set.
    pub set: ChangeSetRow,
    /// Its changes.
    pub changes: Lists,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Committed {
    /// All of it was written.
    Yes,
    /// Somebody else was faster: nothing was written.
    Outrun,
}

fn of_kind(ids: &[Id], kind: Kind) -> Vec<i64> {
    ids.iter().filter(|id| id.0 == kind).map(|id| id.1).collect()
}

impl Job for Commit {
    type Output = Committed;

    fn weight_bytes(&self) -> usize {
        let lists = self.objects.iter().chain([&self.lookups, &self.changes]);
        lists.map(Lists::bytes).sum()
    }

    fn is_long(&self) -> bool {
        true
    }

    fn run(&self, session: &mut dyn Session) -> QueryResult<Committed> {
        if !session.claim_generation(self.generation, self.next_pk)? {
            return Ok(Committed::Outrun);
        }
        session.put_rows(&self.lookups)?;
        for kind in Kind::ALL {
            let aside = of_kind(&self.aside, kind);
            if !aside.is_empty() {
                session.set_names_aside(kind, &aside)?;
            }
        }
        if !self.unseen.is_empty() {
            session.forget_views(&self.unseen)?;
        }
        for objects in &self.objects {
            session.put_rows(objects)?;
        }
        for kind in Kind::ALL.into_iter().rev() {
            let deleted = of_kind(&self.deleted, kind);
            if !deleted.is_empty() {
                session.delete_objects(kind, &deleted)?;
            }
        }
        session.add_change_set(&self.set)?;
        session.put_rows(&self.changes)?;
        Ok(Committed::Yes)
    }
}
