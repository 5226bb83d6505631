//! What an import would do: every change with its object before and after.
//!
//! Invariant: a plan is made against one generation; equal values make no change, so a round trip makes none at all.

use std::collections::HashSet;
use std::sync::Arc;

use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::apply::{Asked, Work};
use super::fates::Fate;
use super::forest::Forest;
use super::lookups::Lookups;
use super::model::{Field, Id, Kind, Object, Val};
use super::options::{Commit, MaxChanges, Options};
use super::problem::{Code, Findings, Place, Problem};
use super::request::Request;
use super::rights::Rights;
use super::shown::{Relations, Shape};
use super::{rules, snapshot};
use crate::store::{QueryResult, Session};

/// What becomes of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// It is made.
    Create,
    /// Its members change.
    Update,
    /// It belongs to something else.
    Move,
    /// It goes.
    Delete,
}

impl Op {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Create, Self::Update, Self::Move, Self::Delete];

    /// The name in answers and in the history.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Move => "move",
            Self::Delete => "delete",
        }
    }
}

/// One object that changes.
#[derive(Clone, Debug)]
pub struct Change {
    /// What becomes of it.
    pub op: Op,
    /// The object.
    pub id: Id,
    /// Where the request speaks of it.
    pub place: Arc<Place>,
    /// As it was.
    pub before: Option<Arc<Object>>,
    /// As it will be.
    pub after: Option<Arc<Object>>,
    /// The system that it belongs to, afterwards or at the end.
    pub system: i64,
}

/// What an import would do.
#[derive(Debug)]
pub struct Plan {
    /// The generation that it was made against.
    pub generation: i64,
    /// The first key that it gives out.
    pub first_new: i64,
    /// The first key that it leaves.
    pub next_pk: i64,
    /// New names: key, kind, name.
    pub new_lookups: Vec<(i64, String, String)>,
    /// All names.
    pub lookups: Lookups,
    /// What changes.
    pub changes: Vec<Change>,
    /// Objects that stay as they are.
    pub unchanged: usize,
    /// The systems of the request as they will be, and all that was read with them.
    pub after: Forest,
    /// The systems of the request, in its order.
    pub systems: Vec<Asked>,
    /// What was found.
    pub findings: Findings,
    /// What becomes of each system, where a mistake keeps only its system out.
    pub fates: Option<Vec<Fate>>,
}

/// What a plan depends on beside the request.
#[derive(Clone, Copy, Debug)]
pub struct Given<'a> {
    /// The generation that the sender knows.
    pub expected: Option<i64>,
    /// The time, in microseconds since the epoch.
    pub now_us: i64,
    /// What who asks may do.
    pub rights: &'a Rights,
}

/// Plans a request: the passes two and three.
///
/// # Errors
/// Where the database can not be read.
pub fn make(session: &mut dyn Session, request: &Request, given: &Given<'_>) -> QueryResult<Plan> {
    let Given { expected, now_us, rights } = *given;
    let snapshot = snapshot::read(session, request)?;
    let mut work = Work::done(request, &snapshot, now_us);
    if expected.is_some_and(|expected| expected != snapshot.generation) {
        let text = format!(
            "The inventory was changed meanwhile: it is \"inventory-{}\" by now",
            snapshot.generation
        );
        work.findings.wrong(Problem::of_request("", Code::Stale, text));
    }
    rules::check(&mut work, session)?;
    let (changes, unchanged) = changes(&mut work);
    rights.check(&changes, &mut work.findings);
    guard(&request.options, &changes, snapshot.systems, &mut work.findings);
    let after = after(&work, &changes);
    Ok(Plan {
        generation: snapshot.generation,
        first_new: snapshot.next_pk,
        next_pk: work.next_pk,
        new_lookups: work.new_lookups,
        lookups: work.lookups,
        changes,
        unchanged,
        after,
        systems: work.systems,
        findings: work.findings,
        fates: None,
    })
}

/// What changes, and how much stays as it is. The objects are taken out of the after-state.
fn changes(work: &mut Work<'_>) -> (Vec<Change>, usize) {
    let mut changes = Vec::new();
    let mut unchanged: usize = 0;
    for (id, place) in work.touched.iter().filter(|(id, _)| !work.deleted.contains(*id)) {
        let Some(now) = work.now(*id) else { continue };
        let before = work.before.get(*id).cloned();
        let op = match &before {
            None => Op::Create,
            Some(before) if before.parent != now.parent => Op::Move,
            Some(before) if before.values != now.values => Op::Update,
            Some(_) => {
                unchanged = unchanged.saturating_add(1);
                continue;
            }
        };
        let (place, system) = (Arc::clone(place), system_of(work, *id));
        changes.push(Change { op, id: *id, place, before, after: None, system });
    }
    for change in &mut changes {
        let version = change.before.as_ref().map_or(1, |before| before.version.saturating_add(1));
        change.after = work.after.remove(&change.id).map(|now| Arc::new(Object { version, ..now }));
    }
    for id in &work.deleted {
        let Some(before) = work.before.get(*id).cloned() else { continue };
        let system = work.before.system_of(*id).map_or(0, |system| system.id.1);
        let place = work.place(*id);
        changes.push(Change { op: Op::Delete, id: *id, place, before: Some(before), after: None, system });
    }
    // In the order of kinds, within them as the request has it.
    changes.sort_by_key(|change| change.id.0);
    (changes, unchanged)
}

fn system_of(work: &Work<'_>, id: Id) -> i64 {
    let mut at = id;
    while let Some(parent) = work.now(at).and_then(|object| object.parent) {
        at = parent;
    }
    at.1
}

/// What keeps a run-away import from doing harm.
fn guard(options: &Options, changes: &[Change], systems: i64, findings: &mut Findings) {
    let deletes = changes.iter().filter(|change| change.op == Op::Delete).count();
    if u64::try_from(deletes).unwrap_or(u64::MAX) > options.max_deletes {
        let text = format!("{deletes} objects would be deleted, and max_deletes is {}", options.max_deletes);
        findings.wrong(Problem::of_request("/max_deletes", Code::Limit, text).with(deletes.into()));
    }
    let (found, most, what) = match options.max_changes {
        None => return,
        Some(MaxChanges::Count(most)) => (changes.len(), most, "objects"),
        Some(MaxChanges::Percent(percent)) => {
            let touched: HashSet<i64> = changes.iter().map(|change| change.system).collect();
            let all = u64::try_from(systems).unwrap_or_default();
            (touched.len(), all.saturating_mul(percent).div_euclid(100), "systems")
        }
    };
    if u64::try_from(found).unwrap_or(u64::MAX) > most {
        let text = format!("{found} {what} would be changed, and max_changes allows {most}");
        findings.wrong(Problem::of_request("/max_changes", Code::Limit, text).with(found.into()));
    }
}

fn after(work: &Work<'_>, changes: &[Change]) -> Forest {
    let gone: HashSet<Id> = changes.iter().map(|change| change.id).collect();
    let kept = work.before.objects.values().filter(|object| !gone.contains(&object.id)).cloned();
    let new = changes.iter().filter_map(|change| change.after.clone());
    Forest::new(kept.chain(new))
}

impl Plan {
    /// How its objects are shown: with keys only where they are given out.
    #[must_use]
    pub fn shape(&self, commit: Commit, relations: Relations) -> Shape<'_> {
        let first_new = (commit == Commit::DryRun).then_some(self.first_new);
        Shape { lookups: &self.lookups, relations, first_new }
    }

    /// How many objects change, by what becomes of them.
    #[must_use]
    pub fn summary(&self) -> Value {
        let count = |op: Op| self.changes.iter().filter(|change| change.op == op).count();
        let mut summary: Map<String, Value> =
            Op::ALL.into_iter().map(|op| (op.name().to_owned(), count(op).into())).collect();
        summary.insert("unchanged".to_owned(), self.unchanged.into());
        Value::Object(summary)
    }

    /// Systems that take a history over: their keys, and those of the systems that have it.
    pub fn copies(&self) -> impl Iterator<Item = (i64, i64)> {
        self.systems.iter().filter_map(|asked| Some((asked.pk, asked.history_of?)))
    }

    /// Whether there is nothing to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.new_lookups.is_empty()
    }
}

impl Change {
    /// What it is called: its name before, for those that have gone.
    #[must_use]
    pub fn label(&self) -> &str {
        self.after.as_ref().or(self.before.as_ref()).map_or("", |object| object.label())
    }

    /// Whether a name that only one may have is given up or taken.
    #[must_use]
    pub fn renames(&self) -> bool {
        let (Some(before), Some(after)) = (&self.before, &self.after) else { return self.op == Op::Delete };
        let names: &[&str] = match self.id.0 {
            Kind::System => &["hostname", "node_uuid"],
            Kind::Registration => &["name", "fqdn", "ip_str"],
            Kind::Adapter => &["name"],
            Kind::Alias => &["fqdn"],
            Kind::Attribute => &["key"],
        };
        before.parent != after.parent || names.iter().any(|name| before.get(name) != after.get(name))
    }
}

/// A change as it is shown.
#[derive(Clone, Copy, Debug)]
pub struct ShownChange<'a> {
    /// The change.
    pub change: &'a Change,
    /// How its objects are shown.
    pub shape: Shape<'a>,
}

impl Serialize for ShownChange<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { change, shape } = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("pointer", &change.place.pointer)?;
        map.serialize_entry("kind", change.id.0.name())?;
        map.serialize_entry("pk", &shape.key(change.id.1))?;
        map.serialize_entry("label", change.label())?;
        map.serialize_entry("op", change.op.name())?;
        map.serialize_entry("fields", &Fields(*self))?;
        if let (Some(first), Op::Create) = (shape.first_new, change.op) {
            let handle = format!("new-{}", change.id.1.saturating_sub(first).saturating_add(1));
            map.serialize_entry("handle", &handle)?;
        }
        map.end()
    }
}

/// What differs.
struct Fields<'a>(ShownChange<'a>);

/// A member before and after.
#[derive(Serialize)]
struct Differs<T> {
    field: &'static str,
    from: T,
    to: T,
}

/// What an object belongs to.
#[derive(Serialize)]
struct Parent {
    kind: &'static str,
    pk: Option<i64>,
}

impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let ShownChange { change, shape } = self.0;
        let sides = [&change.before, &change.after];
        let mut fields = serializer.serialize_seq(None)?;
        if change.op == Op::Move {
            let parent = |(kind, pk): Id| Parent { kind: kind.name(), pk: shape.key(pk) };
            let [from, to] = sides.map(|side| side.as_ref().and_then(|object| object.parent).map(parent));
            fields.serialize_element(&Differs { field: "parent", from, to })?;
        }
        for (place, field) in change.id.0.fields().iter().enumerate() {
            let [from, to] = sides.map(|side| value_at(side.as_deref(), place));
            if from != to {
                let cell = |value| shape.cell(field, value);
                let Field { name, .. } = *field;
                fields.serialize_element(&Differs { field: name, from: cell(from), to: cell(to) })?;
            }
        }
        fields.end()
    }
}

fn value_at(object: Option<&Object>, place: usize) -> &Val {
    object.and_then(|object| object.values.get(place)).unwrap_or(&Val::Null)
}
