//! The second pass: which object each blob means, and what it is to become.
//!
//! Invariant: the after-state is complete before any rule is looked at, so that values may change hands within a
//! request. Nothing is written here.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use indexmap::{IndexMap, IndexSet};
use serde_json::Value;
use uuid::Uuid;

use super::blob::{Blob, Given, Ref, Wish};
use super::forest::Forest;
use super::lookups::{BUILDING, Lookups};
use super::model::{Field, Id, Kind, Need, Object, Type, Val};
use super::options::{Matching, Mode, OnMissing, Options, Versions};
use super::problem::{Code, Findings, Place, Problem};
use super::request::Request;
use super::snapshot::Snapshot;
use super::{validators, values};

/// Says of a registration that it is not in use any more.
const STATE: &str = "decommissioned";

/// The after-state as it grows.
#[derive(Debug)]
pub struct Work<'a> {
    options: &'a Options,
    /// How it was.
    pub before: &'a Forest,
    known: &'a HashMap<String, Vec<i64>>,
    /// All names, with the new ones.
    pub lookups: Lookups,
    /// New names.
    pub new_lookups: Vec<(i64, String, String)>,
    /// The next key to be given out.
    pub next_pk: i64,
    /// Objects as they will be, where the request speaks of them.
    pub after: HashMap<Id, Object>,
    /// Where the request speaks of an object, in its order.
    pub touched: IndexMap<Id, Arc<Place>>,
    /// Objects that go.
    pub deleted: IndexSet<Id>,
    /// The systems of the request, in its order.
    pub systems: Vec<Asked>,
    /// What was found.
    pub findings: Findings,
    created: HashSet<Id>,
    /// What was called how under which parent, of those that were asked about.
    named: HashMap<(Id, Kind), HashMap<&'a str, Id>>,
    pub(super) unnamed: Vec<(Id, String)>,
    replaced: Vec<(Id, Kind, Arc<Place>)>,
    pub(super) retired: Vec<Id>,
    pub(super) now_us: i64,
}

/// A system of the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Its key.
    pub pk: i64,
    /// Where it stands in the request, and what that calls it.
    pub place: Arc<Place>,
    /// The system whose history it takes over.
    pub history_of: Option<i64>,
}

/// Whether an object was there before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Was {
    There,
    Not,
}

impl<'a> Work<'a> {
    /// Carries out what a request says, in memory.
    #[must_use]
    pub fn done(request: &'a Request, snapshot: &'a Snapshot, now_us: i64) -> Self {
        let mut work = Self {
            options: &request.options,
            before: &snapshot.forest,
            known: &snapshot.known,
            lookups: snapshot.lookups.clone(),
            new_lookups: Vec::new(),
            next_pk: snapshot.next_pk,
            after: HashMap::new(),
            touched: IndexMap::new(),
            deleted: IndexSet::new(),
            systems: Vec::new(),
            findings: request.findings.clone(),
            created: HashSet::new(),
            named: HashMap::new(),
            unnamed: Vec::new(),
            replaced: Vec::new(),
            retired: Vec::new(),
            now_us,
        };
        for (kind, name) in &request.lookups {
            work.name_known(kind, name);
        }
        for blob in &request.systems {
            work.put(blob, None, Was::There);
        }
        work.delete_unnamed_children();
        work.take_out_of_use();
        work.make_names();
        work
    }

    fn wrong(&mut self, blob: &Blob, code: Code, text: impl Into<String>) {
        self.findings.wrong(Problem::of_object(blob.kind, &blob.place, code, text));
    }

    fn wrong_at(&mut self, blob: &Blob, field: &str, code: Code, text: impl Into<String>, value: Value) {
        self.findings.wrong(Problem::of_object(blob.kind, &blob.place, code, text).at(field).with(value));
    }

    fn give_key(&mut self) -> i64 {
        let pk = self.next_pk;
        self.next_pk = pk.saturating_add(1);
        pk
    }

    fn name_known(&mut self, kind: &str, name: &str) {
        if self.lookups.key(kind, name).is_none() {
            let pk = self.give_key();
            self.lookups.add(pk, kind, name);
            self.new_lookups.push((pk, kind.to_owned(), name.to_owned()));
        }
    }

    /// An object as it will be.
    pub fn now(&self, id: Id) -> Option<&Object> {
        if self.deleted.contains(&id) {
            return None;
        }
        self.after.get(&id).or_else(|| self.before.get(id).map(Arc::as_ref))
    }

    /// Where the request speaks of an object, or of what that belongs to.
    pub fn place(&self, id: Id) -> Arc<Place> {
        let mut at = Some(id);
        while let Some(id) = at {
            if let Some(place) = self.touched.get(&id) {
                return Arc::clone(place);
            }
            at = self.before.get(id).and_then(|held| held.parent);
        }
        Arc::default()
    }

    fn put(&mut self, blob: &Blob, parent: Option<Id>, parent_was: Was) {
        let Some(found) = self.identify(blob, parent, parent_was) else { return };
        match found {
            Some(id) => self.change(blob, id, parent),
            None if blob.wish == Wish::Delete => {
                self.wrong(blob, Code::Missing, "Only an object with a key can be deleted");
            }
            None => self.create(blob, parent),
        }
    }

    /// The object that is meant: none inside where it is new, none at all where that is not to be told.
    fn identify(&mut self, blob: &Blob, parent: Option<Id>, parent_was: Was) -> Option<Option<Id>> {
        let Some(parent) = parent else { return self.identify_system(blob) };
        let Some(pk) = blob.pk else {
            let natural = self.options.matching != Matching::Pk || blob.kind == Kind::Attribute;
            return Some(if natural { self.namesake(blob, parent) } else { None });
        };
        if parent_was == Was::Not && blob.wish != Wish::Adopt {
            let text =
                "Something in a new object has a key; a registration or an adapter may say \"adopt\": true";
            self.wrong_at(blob, "pk", Code::PkInNew, text, Value::from(pk));
            return None;
        }
        let id = (blob.kind, pk);
        let Some(held) = self.before.get(id) else {
            self.wrong_at(
                blob,
                "pk",
                Code::NotFound,
                format!("There is no {} {pk}", blob.kind.name()),
                pk.into(),
            );
            return None;
        };
        if blob.kind == Kind::Attribute && held.parent != Some(parent) {
            let owner = held.parent.map(|(kind, pk)| format!("{} {pk}", kind.name())).unwrap_or_default();
            self.wrong_at(blob, "pk", Code::WrongParent, format!("The pair belongs to {owner}"), pk.into());
            return None;
        }
        Some(Some(id))
    }

    fn identify_system(&mut self, blob: &Blob) -> Option<Option<Id>> {
        if let Some(pk) = blob.pk {
            let id = (Kind::System, pk);
            let Some(held) = self.before.get(id) else {
                self.wrong_at(blob, "pk", Code::NotFound, format!("There is no system {pk}"), pk.into());
                return None;
            };
            if let Some(uuid) = blob.uuid.as_deref().filter(|uuid| held.text("uuid") != Some(uuid)) {
                let text = "The system with this key has another UUID, and that never changes";
                self.wrong_at(blob, "uuid", Code::Conflict, text, uuid.into());
                return None;
            }
            return Some(Some(id));
        }
        let (field, natural) = match (&blob.uuid, self.options.matching) {
            (Some(uuid), _) => ("uuid", Some(uuid.as_str())),
            (None, Matching::Hostname) => ("hostname", Request::text_of(blob, "hostname")),
            (None, Matching::Serial) => ("serial", Request::text_of(blob, "serial")),
            (None, Matching::Uuid | Matching::Pk) => ("pk", None),
        };
        let held = natural.and_then(|text| self.known.get(text)).cloned().unwrap_or_default();
        match (held.as_slice(), natural) {
            ([pk], _) => Some(Some((Kind::System, *pk))),
            ([], Some(uuid)) if field == "uuid" => {
                self.wrong_at(blob, field, Code::NotFound, "There is no system with this UUID", uuid.into());
                None
            }
            ([], _) if self.options.on_missing == OnMissing::Fail => {
                let text = "The system is not known, and on_missing is fail";
                self.wrong_at(blob, field, Code::NotFound, text, natural.map_or(Value::Null, Value::from));
                None
            }
            ([], _) => Some(None),
            (_, _) => {
                let text = format!("More than one system has this {field}");
                self.wrong_at(blob, field, Code::Conflict, text, natural.map_or(Value::Null, Value::from));
                None
            }
        }
    }

    /// What is called the same under the same parent.
    fn namesake(&mut self, blob: &Blob, parent: Id) -> Option<Id> {
        let given = Request::text_of(blob, blob.kind.label_field());
        let name = given.unwrap_or(&blob.place.label);
        let before = self.before;
        let named = self.named.entry((parent, blob.kind)).or_insert_with(|| {
            let mut named = HashMap::new();
            for child in before.of(parent, blob.kind) {
                named.entry(child.label()).or_insert(child.id);
            }
            named
        });
        named.get(name).copied()
    }

    fn change(&mut self, blob: &Blob, id: Id, parent: Option<Id>) {
        let Some(held) = self.before.get(id).cloned() else { return };
        if let Some(first) = self.touched.get(&id) {
            let text =
                format!("The request speaks of this {} at {} already", blob.kind.name(), first.pointer);
            self.wrong(blob, Code::DuplicateInRequest, text);
            return;
        }
        self.touched.insert(id, blob.place.clone());
        match (blob.version, self.options.versions) {
            (Some(version), _) if version != held.version => {
                let text = format!("It was changed meanwhile: version {} is the one of now", held.version);
                self.wrong_at(blob, "version", Code::Stale, text, held.version.into());
            }
            (None, Versions::Required) => {
                self.wrong_at(blob, "version", Code::Missing, "require_version asks for one", Value::Null);
            }
            _ => {}
        }
        if blob.kind == Kind::System {
            self.ask(blob, id.1);
        }
        if blob.wish == Wish::Delete {
            self.deleted.extend(self.before.below(id));
            return;
        }
        let mut object = Object { parent, ..held.as_ref().clone() };
        self.assign(blob, &mut object);
        if id.0 == Kind::Registration && object.is(STATE) && !held.is(STATE) {
            self.retired.push(id);
        }
        self.after.insert(id, object);
        for child in &blob.children {
            self.put(child, Some(id), Was::There);
        }
        if self.options.mode == Mode::Replace {
            let sets = blob.kind.children().iter().filter(|(set, _)| blob.sets.contains(set));
            self.replaced.extend(sets.map(|(_, kind)| (id, *kind, blob.place.clone())));
        }
    }

    fn create(&mut self, blob: &Blob, parent: Option<Id>) {
        let id = (blob.kind, self.give_key());
        self.created.insert(id);
        self.touched.insert(id, blob.place.clone());
        let mut object = Object::blank(id, parent);
        match blob.kind {
            Kind::System => {
                object.set("uuid", Val::Text(Uuid::new_v4().hyphenated().to_string()));
                object.created_us = self.now_us;
                let status = self.lookups.key("system_status", BUILDING);
                object.set("system_status", status.map_or(Val::Null, Val::Int));
                self.ask(blob, id.1);
            }
            Kind::Alias => {
                let target =
                    parent.and_then(|parent| self.now(parent)).map(|parent| parent.get("fqdn").clone());
                object.set("target", target.unwrap_or(Val::Null));
            }
            Kind::Registration | Kind::Adapter | Kind::Attribute => {}
        }
        self.assign(blob, &mut object);
        for (field, value) in blob.kind.fields().iter().zip(&object.values) {
            if field.need == Need::Yes && *value == Val::Null && !is_given(blob, field) {
                let text = format!("A new {} needs {}", blob.kind.name(), field.name);
                self.wrong_at(blob, field.name, Code::Missing, text, Value::Null);
            }
        }
        if matches!(blob.kind, Kind::Registration | Kind::Adapter) && *object.get("name") == Val::Null {
            self.unnamed.push((id, blob.place.label.clone()));
        }
        self.after.insert(id, object);
        for child in &blob.children {
            self.put(child, Some(id), Was::Not);
        }
    }

    fn ask(&mut self, blob: &Blob, pk: i64) {
        let history_of = blob.history_of.as_ref().and_then(|name| self.history_of(blob, name));
        self.systems.push(Asked { pk, place: Arc::clone(&blob.place), history_of });
    }

    fn history_of(&mut self, blob: &Blob, name: &str) -> Option<i64> {
        let found = self.known.get(&name.to_lowercase()).and_then(|pks| pks.first()).copied();
        if found.is_none() {
            self.wrong_at(
                blob,
                "clone",
                Code::NotFound,
                "There is no system with this host name",
                Value::from(name),
            );
        }
        found
    }

    fn assign(&mut self, blob: &Blob, object: &mut Object) {
        for (place, given) in &blob.fields {
            let Some(field) = blob.kind.fields().get(*place) else { continue };
            let value = match given {
                Given::Val(value) => Some(value.clone()),
                Given::Ref(wanted) => self.looked_up(blob, field, relation_kind(field), wanted).map(Val::Int),
                Given::Views(wanted) => self.views(blob, field, wanted).map(|views| sorted(&views)),
                Given::Delta(add, remove) => self.delta(blob, field, object, add, remove),
            };
            if let Some(value) = value {
                object.set_at(*place, value);
            }
        }
        let family = object.text("ip_str").and_then(values::bytes_of).map(|(family, _)| family);
        if blob.family.is_some_and(|said| family.is_some_and(|family| family != said)) {
            let said = blob.family.map(|family| Value::from(family.to_string())).unwrap_or_default();
            self.wrong_at(blob, "ip_type", Code::Choice, "The address is of the other family", said);
        }
        if let (Kind::Attribute, Some((owner, _))) = (blob.kind, object.parent)
            && let Some(value) = validators::normal(owner, object)
        {
            object.set("value", Val::Text(value));
        }
    }

    fn looked_up(&mut self, blob: &Blob, field: &Field, kind: &str, wanted: &Ref) -> Option<i64> {
        let found = self.lookups.find(kind, wanted);
        if found.is_none() {
            let (text, value) = match wanted {
                Ref::Key(pk) => (format!("There is no {kind} {pk}"), Value::from(*pk)),
                Ref::Name(name) => {
                    let near = self.lookups.nearest(kind, name);
                    let hint = near.map(|near| format!("; {near} is near to it")).unwrap_or_default();
                    let text = format!("There is no {kind} of this name{hint}; lookups makes new ones");
                    (text, Value::from(name.as_str()))
                }
            };
            self.wrong_at(blob, field.name, Code::NotFound, text, value);
        }
        found
    }

    fn views(&mut self, blob: &Blob, field: &Field, wanted: &[Ref]) -> Option<Vec<i64>> {
        let found: Vec<Option<i64>> =
            wanted.iter().map(|wanted| self.looked_up(blob, field, super::lookups::VIEW, wanted)).collect();
        found.into_iter().collect()
    }

    fn delta(
        &mut self,
        blob: &Blob,
        field: &Field,
        object: &Object,
        add: &[Ref],
        remove: &[Ref],
    ) -> Option<Val> {
        let (add, remove) = (self.views(blob, field, add)?, self.views(blob, field, remove)?);
        let Val::Set(held) = object.get(field.name) else { return None };
        let kept = held.iter().filter(|view| !remove.contains(view)).copied();
        Some(sorted(&kept.chain(add).collect::<Vec<i64>>()))
    }

    /// What `mode: replace` leaves out of a set goes, unless the request has moved it elsewhere.
    fn delete_unnamed_children(&mut self) {
        for (parent, kind, place) in std::mem::take(&mut self.replaced) {
            let left_out: Vec<Id> = self
                .before
                .of(parent, kind)
                .map(|child| child.id)
                .filter(|id| !self.touched.contains_key(id))
                .collect();
            for id in left_out {
                let label = self.before.get(id).map(|child| child.label().to_owned()).unwrap_or_default();
                self.touched.insert(id, Arc::new(Place { pointer: place.pointer.clone(), label }));
                self.deleted.extend(self.before.below(id));
            }
        }
        // What was moved out of something that goes stays, but for what is to go by itself.
        let moved = self.deleted.iter().filter(|id| {
            let parent = self.after.get(*id).and_then(|object| object.parent);
            parent.is_some_and(|parent| !self.deleted.contains(&parent))
        });
        let below: Vec<Id> = moved.flat_map(|id| self.before.below(*id)).collect();
        let asked = |id: &&Id| {
            self.deleted.contains(*id) && self.touched.contains_key(*id) && !self.after.contains_key(*id)
        };
        let gone: HashSet<Id> = below.iter().filter(asked).flat_map(|id| self.before.below(*id)).collect();
        let kept: HashSet<Id> = below.into_iter().filter(|id| !gone.contains(id)).collect();
        self.deleted.retain(|id| !kept.contains(id));
    }

    /// Whether an object is new.
    pub fn is_new(&self, id: Id) -> bool {
        self.created.contains(&id)
    }
}

fn relation_kind(field: &Field) -> &'static str {
    match field.ty {
        Type::Relation(kind) => kind,
        _ => "",
    }
}

fn is_given(blob: &Blob, field: &Field) -> bool {
    blob.kind.field(field.name).is_some_and(|(place, _)| blob.fields.iter().any(|(at, _)| *at == place))
}

fn sorted(views: &[i64]) -> Val {
    let mut views = views.to_vec();
    views.sort_unstable();
    views.dedup();
    Val::Set(views)
}
