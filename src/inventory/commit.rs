//! A plan as what is written: the objects, and the history of what became of them.
//!
//! Invariant: every changed object has one row of history, with all that it was and will be.

use std::sync::Arc;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::model::{Id, Kind, Object};
use super::options::Commit as Wish;
use super::plan::{Change, Op, Plan};
use super::shown::{Relations, Shape, Shown};
use crate::error::{Error, Result};
use crate::store::inventory::listed::{Lists, Table, rows_of};
use crate::store::inventory::{ChangeRow, ChangeSetHead, ChangeSetRow, Commit, LookupRow};

/// Makes the job; `copied` are histories that new systems take over, by the keys of those.
///
/// # Errors
/// Never, unless it can not be written as JSON.
pub fn job(plan: &Plan, set: ChangeSetRow, copied: Vec<(i64, Vec<ChangeRow>)>) -> Result<Commit> {
    let ids = |wanted: fn(&Change) -> bool| {
        plan.changes.iter().filter(move |change| wanted(change)).map(|change| change.id)
    };
    let seen = |id: &Id| matches!(id.0, Kind::Registration | Kind::Alias);
    let after = plan.changes.iter().filter_map(|change| change.after.as_deref());
    Ok(Commit {
        generation: plan.generation,
        next_pk: plan.next_pk,
        now_us: set.head.committed_us,
        lookups: lookups(plan).map_err(Error::internal)?,
        deleted: ids(|change| change.op == Op::Delete).collect(),
        aside: ids(|change| change.op != Op::Create && change.renames()).collect(),
        unseen: ids(|change| change.op != Op::Create).filter(seen).map(|id| id.1).collect(),
        objects: rows_of(after, set.head.committed_us).map_err(Error::internal)?,
        changes: history(plan, &set.head, copied).map_err(Error::internal)?,
        set,
    })
}

fn lookups(plan: &Plan) -> serde_json::Result<Lists> {
    let mut rows = Lists::of(Table::Lookups);
    for (pk, kind, name) in plan.new_lookups.iter().cloned() {
        rows.push(&LookupRow { pk, kind, name })?;
    }
    rows.ended()
}

fn history(
    plan: &Plan,
    set: &ChangeSetHead,
    copied: Vec<(i64, Vec<ChangeRow>)>,
) -> serde_json::Result<Lists> {
    let shape = plan.shape(Wish::Commit, Relations::Names);
    let mut rows = Lists::of(Table::Changes);
    let mut numbers = 1_i64..;
    for (change, number) in plan.changes.iter().zip(numbers.by_ref()) {
        rows.push(&Row::new(change, number, set, shape))?;
    }
    for (pk, copied) in copied {
        for (row, number) in copied.into_iter().zip(numbers.by_ref()) {
            let change_set = set.id.clone();
            rows.push(&ChangeRow { change_set, number, pk, system_pk: pk, op: "clone".to_owned(), ..row })?;
        }
    }
    rows.ended()
}

/// A [`ChangeRow`] as it is written.
#[derive(Serialize)]
struct Row<'a> {
    change_set: &'a str,
    number: i64,
    committed_us: i64,
    kind: &'static str,
    pk: i64,
    system_pk: i64,
    label: &'a str,
    op: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<Recorded<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<Recorded<'a>>,
}

impl<'a> Row<'a> {
    fn new(change: &'a Change, number: i64, set: &'a ChangeSetHead, shape: Shape<'a>) -> Self {
        let recorded =
            |object: &'a Arc<Object>| Recorded { members: shape.members(object), parent: object.parent };
        Self {
            change_set: &set.id,
            number,
            committed_us: set.committed_us,
            kind: change.id.0.name(),
            pk: change.id.1,
            system_pk: change.system,
            label: change.label(),
            op: change.op.name(),
            before: change.before.as_ref().map(recorded),
            after: change.after.as_ref().map(recorded),
        }
    }
}

/// An object with what it belongs to.
struct Recorded<'a> {
    members: Shown<'a>,
    parent: Option<Id>,
}

impl Serialize for Recorded<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.members.write(&mut map)?;
        if let Some((kind, pk)) = self.parent {
            map.serialize_entry(kind.name(), &pk)?;
        }
        map.end()
    }
}
