//! A plan as what is written: the objects, and the history of what became of them.
//!
//! Invariant: every changed object has one row of history, with all that it was and will be.

use std::sync::Arc;

use serde_json::Value;

use super::forest::{Relations, Shape};
use super::model::Object;
use super::options::Commit as Wish;
use super::plan::{Change, Op, Plan};
use crate::store::inventory::{ChangeRow, ChangeSetRow, Commit, LookupRow};

/// Makes the job; `copied` are histories that new systems take over, by the keys of those.
pub fn job(plan: &Plan, set: ChangeSetRow, copied: Vec<(i64, Vec<ChangeRow>)>) -> Commit {
    let shape = plan.shape(Wish::Commit, Relations::Names);
    let of = |ops: &[Op]| -> Vec<Arc<Object>> {
        let some = plan.changes.iter().filter(|change| ops.contains(&change.op));
        some.filter_map(|change| change.after.clone()).collect()
    };
    let aside = plan.changes.iter().filter(|change| change.op != Op::Create && change.renames());
    let deleted = plan.changes.iter().filter(|change| change.op == Op::Delete);
    let lookups = plan.new_lookups.iter().cloned();
    Commit {
        generation: plan.generation,
        next_pk: plan.next_pk,
        now_us: set.committed_us,
        lookups: lookups.map(|(pk, kind, name)| LookupRow { pk, kind, name }).collect(),
        deleted: deleted.map(|change| change.id).collect(),
        aside: aside.map(|change| change.id).collect(),
        created: of(&[Op::Create]),
        updated: of(&[Op::Update, Op::Move]),
        changes: history(plan, &set, &shape, copied),
        set,
    }
}

fn history(
    plan: &Plan,
    set: &ChangeSetRow,
    shape: &Shape<'_>,
    copied: Vec<(i64, Vec<ChangeRow>)>,
) -> Vec<ChangeRow> {
    let own = plan.changes.iter().map(|change| row(change, set, shape));
    let taken_over = copied.into_iter().flat_map(|(pk, rows)| {
        rows.into_iter().map(move |row| ChangeRow {
            change_set: set.id.clone(),
            pk,
            system_pk: pk,
            op: "clone".to_owned(),
            ..row
        })
    });
    let mut all: Vec<ChangeRow> = own.chain(taken_over).collect();
    for (number, row) in (1..).zip(&mut all) {
        row.number = number;
    }
    all
}

fn row(change: &Change, set: &ChangeSetRow, shape: &Shape<'_>) -> ChangeRow {
    let shown = |object: &Arc<Object>| {
        let mut members = shape.members(object);
        if let Some((kind, pk)) = object.parent {
            members.insert(kind.name().to_owned(), Value::from(pk));
        }
        Value::Object(members).to_string()
    };
    ChangeRow {
        change_set: set.id.clone(),
        number: 0,
        committed_us: set.committed_us,
        kind: change.id.0.name().to_owned(),
        pk: change.id.1,
        system_pk: change.system,
        label: change.label().to_owned(),
        op: change.op.name().to_owned(),
        before: change.before.as_ref().map(shown),
        after: change.after.as_ref().map(shown),
    }
}
