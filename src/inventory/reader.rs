//! Reads one object of a document, and all that is within it.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::blob::{Blob, Given, Ref, Wish};
use super::model::{Kind, Type, Val};
use super::options::{Dialect, Limits};
use super::problem::{Code, Findings, Place, Problem, escaped};
use super::values;

/// Members of every object beside those of its kind.
const COMMON: [&str; 3] = ["pk", "version", "delete"];

/// What a number says where text is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scalars {
    /// That it is none.
    #[default]
    Typed,
    /// Its digits: the sender could not tell the two apart.
    Plain,
}

/// Reads objects, and notes what is wrong with them.
#[derive(Debug, Default)]
pub struct Reader {
    /// Whose manners count.
    pub dialect: Dialect,
    /// What numbers say.
    pub scalars: Scalars,
    /// How much may be taken.
    pub limits: Limits,
    /// What was found.
    pub findings: Findings,
    /// Whether there is too much.
    pub over: bool,
    /// Nested objects so far.
    objects: usize,
}

impl Reader {
    /// A reader that has read nothing.
    #[must_use]
    pub fn new(dialect: Dialect, limits: Limits) -> Self {
        Self { dialect, limits, ..Self::default() }
    }

    /// Reads an object; none where it is not even one, where it does not say which it is, or where there are too many.
    pub fn blob(&mut self, kind: Kind, value: &Value, place: Place) -> Option<Blob> {
        if kind != Kind::System && !self.counted() {
            return None;
        }
        let Value::Object(members) = value else {
            let text = format!("An object is expected for {}", one(kind));
            self.findings.wrong(Problem::of_object(kind, &place, Code::Type, text).with(value.clone()));
            return None;
        };
        let mut blob = Blob {
            kind,
            place: Arc::new(place),
            pk: None,
            uuid: None,
            family: None,
            version: None,
            wish: Wish::Put,
            fields: Vec::with_capacity(members.len()),
            children: Vec::new(),
            sets: Vec::new(),
            history_of: None,
        };
        for (name, value) in members {
            self.member(&mut blob, members, name, value);
        }
        // What else is wrong with it can not be known where nobody knows which one it is.
        let knows = |name: &str, found: bool| found || members.get(name).is_none_or(Value::is_null);
        let known =
            knows("pk", blob.pk.is_some()) && (kind != Kind::System || knows("uuid", blob.uuid.is_some()));
        known.then_some(blob)
    }

    fn counted(&mut self) -> bool {
        self.objects = self.objects.saturating_add(1);
        if self.objects > self.limits.objects && !self.over {
            self.over = true;
            let text =
                format!("At most {} objects within systems are taken in one request", self.limits.objects);
            self.findings.wrong(Problem::of_request("/systems", Code::Limit, text));
        }
        self.objects <= self.limits.objects
    }

    fn wrong(&mut self, blob: &Blob, name: &str, code: Code, text: impl Into<String>, value: &Value) {
        let problem = Problem::of_object(blob.kind, &blob.place, code, text).at(name);
        self.findings.wrong(problem.with(value.clone()));
    }

    fn member(&mut self, blob: &mut Blob, members: &Map<String, Value>, name: &str, value: &Value) {
        if let Some(child) = blob.kind.children().iter().find(|(set, _)| *set == name) {
            return self.set(blob, *child, value);
        }
        match (name, blob.kind) {
            ("pk", _) => blob.pk = self.key(blob, name, value),
            ("version", _) => blob.version = self.key(blob, name, value),
            ("delete", _) => self.wish(blob, name, value, Wish::Delete),
            ("adopt", Kind::Registration | Kind::Adapter) => self.wish(blob, name, value, Wish::Adopt),
            ("uuid", Kind::System) => self.uuid(blob, value),
            ("ip_type", Kind::Registration) => self.family(blob, members, value),
            ("observed", Kind::System) => {
                let pointer = format!("{}/observed", blob.place.pointer);
                self.findings.tell(&pointer, "observed", "What was observed is not imported");
            }
            ("clone", Kind::System) => self.clone_of(blob, value),
            _ => match blob.kind.field(name) {
                Some((place, field)) => self.field(blob, place, field, value),
                None => self.unknown(blob, name, value),
            },
        }
    }

    /// A positive number; null stands for none.
    fn key(&mut self, blob: &Blob, name: &str, value: &Value) -> Option<i64> {
        if value.is_null() {
            return None;
        }
        let number = value.as_i64().filter(|number| *number > 0);
        if number.is_none() {
            self.wrong(blob, name, Code::Type, "A positive whole number is expected", value);
        }
        number
    }

    fn wish(&mut self, blob: &mut Blob, name: &str, value: &Value, wish: Wish) {
        match value {
            Value::Bool(true) => blob.wish = wish,
            Value::Bool(false) => {}
            _ => self.wrong(blob, name, Code::Type, "true or false is expected", value),
        }
    }

    fn uuid(&mut self, blob: &mut Blob, value: &Value) {
        if value.is_null() {
            return;
        }
        match values::read(Type::Uuid, &self.meant(Type::Uuid, value)) {
            Ok(Val::Text(uuid)) => blob.uuid = Some(uuid),
            Ok(_) => {}
            Err((code, text)) => self.wrong(blob, "uuid", code, text, value),
        }
    }

    /// The system whose history it takes over.
    fn clone_of(&mut self, blob: &mut Blob, value: &Value) {
        match self.meant(Type::Text(255), value).as_str() {
            Some(name) if name.contains('\0') => {
                self.wrong(blob, "clone", Code::Syntax, "A host name is expected", value);
            }
            None if self.dialect == Dialect::Own && !value.is_null() => {
                self.wrong(blob, "clone", Code::Type, "A host name is expected", value);
            }
            name => blob.history_of = name.map(str::to_owned),
        }
    }

    /// The family says nothing that the address does not say, but it has to agree.
    fn family(&mut self, blob: &mut Blob, members: &Map<String, Value>, value: &Value) {
        let said =
            value.as_str().map(str::to_owned).or_else(|| value.as_i64().map(|number| number.to_string()));
        let address = members.get("ip_str").and_then(Value::as_str).and_then(values::bytes_of);
        match (said.as_deref(), address) {
            (None, _) if value.is_null() => {}
            (Some(said @ ("4" | "6")), None) => blob.family = said.parse().ok(),
            (Some(said @ ("4" | "6")), Some((family, _))) if family.to_string() == said => {}
            (Some("4" | "6"), Some(_)) => {
                self.wrong(blob, "ip_type", Code::Choice, "The address is of the other family", value);
            }
            _ => self.wrong(blob, "ip_type", Code::Choice, "\"4\" or \"6\" is expected", value),
        }
    }

    fn field(&mut self, blob: &mut Blob, place: usize, field: &super::model::Field, value: &Value) {
        let given = match (field.ty, value) {
            (Type::Views, _) => views(value),
            (_, Value::Null) if field.need == super::model::Need::No => Ok(Given::Val(Val::Null)),
            // Null asks for a made name, as a missing member does.
            (Type::Numbered(_), Value::Null) => return,
            (_, Value::Null) => Err((Code::Missing, "a value is expected, not null".to_owned())),
            (Type::Relation(_), _) => reference(value).map(Given::Ref),
            (Type::Address, Value::String(text)) if text.is_empty() => Ok(Given::Val(Val::Null)),
            (_, Value::String(text)) if text.is_empty() && is_key_of_pair(blob.kind, field) => {
                Err((Code::Missing, "a key has one character at least".to_owned()))
            }
            (ty, value) => values::read(ty, &self.meant(ty, value)).map(Given::Val),
        };
        match given {
            Ok(given) => blob.fields.push((place, given)),
            Err((code, text)) => self.wrong(blob, field.name, code, text, value),
        }
    }

    /// A number as its digits, where text is meant and the two can not be told apart.
    fn meant<'a>(&self, ty: Type, value: &'a Value) -> Cow<'a, Value> {
        match (self.scalars, value) {
            (Scalars::Plain, Value::Number(number)) if ty.is_text() => {
                Cow::Owned(Value::from(number.to_string()))
            }
            _ => Cow::Borrowed(value),
        }
    }

    fn set(&mut self, blob: &mut Blob, (name, kind): (&'static str, Kind), value: &Value) {
        blob.sets.push(name);
        let children: Vec<(String, &Value)> = match (value, kind) {
            (Value::Object(set), kind) if kind != Kind::Alias => {
                set.iter().map(|(label, value)| (label.clone(), value)).collect()
            }
            (Value::Array(list), Kind::Alias) => {
                list.iter().enumerate().map(|(place, value)| (place.to_string(), value)).collect()
            }
            _ => {
                let wanted = match kind {
                    Kind::Alias => "A list of aliases".to_owned(),
                    _ => format!("An object of {}s", kind.name()),
                };
                return self.wrong(blob, name, Code::Type, format!("{wanted} is expected"), value);
            }
        };
        for (label, value) in children {
            let place = blob.place.below(name, &label);
            if let Some(child) = self.blob(kind, value, place) {
                blob.children.push(child);
            }
        }
    }

    fn unknown(&mut self, blob: &Blob, name: &str, value: &Value) {
        let kind = blob.kind;
        let own = kind.fields().iter().map(|field| field.name);
        let sets = kind.children().iter().map(|(set, _)| *set);
        let near = nearest(name, own.chain(sets).chain(COMMON));
        let elsewhere = Kind::ALL.into_iter().find(|other| {
            other.field(name).is_some() || other.children().iter().any(|(set, _)| *set == name)
        });
        let hint = match (near, elsewhere) {
            (Some(near), _) => format!("; {near} is near to it"),
            (None, Some(other)) => format!("; it belongs to {}", one(other)),
            (None, None) => String::new(),
        };
        // What was misspelt is not missing, too.
        if let Some(near) = near {
            self.findings.misspelt(format!("{}/{}", blob.place.pointer, escaped(near)));
        }
        let text = format!("{} {} has no member {name}{hint}", article(kind, "A"), kind.name());
        self.wrong(blob, name, Code::UnknownMember, text, value);
    }
}

/// Whether it is what a pair is known by.
pub fn is_key_of_pair(kind: Kind, field: &super::model::Field) -> bool {
    kind == Kind::Attribute && field.name == kind.label_field()
}

/// A kind with its article.
fn one(kind: Kind) -> String {
    format!("{} {}", article(kind, "a"), kind.name())
}

fn article(kind: Kind, first: &str) -> String {
    if kind.name().starts_with('a') { format!("{first}n") } else { first.to_owned() }
}

/// The name that is meant most likely, where one is near enough.
pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let closeness = |known: &'a str| (known, strsim::jaro_winkler(name, known));
    let near = known.map(closeness).filter(|(_, closeness)| *closeness >= 0.87);
    near.max_by(|one, other| one.1.total_cmp(&other.1)).map(|(known, _)| known)
}

fn reference(value: &Value) -> Result<Ref, values::Refusal> {
    match (value.as_i64(), value.as_str()) {
        (Some(key), _) => Ok(Ref::Key(key)),
        (None, Some(name)) => Ok(Ref::Name(name.to_owned())),
        (None, None) => Err((Code::Type, "a name or a key is expected".to_owned())),
    }
}

fn views(value: &Value) -> Result<Given, values::Refusal> {
    let wanted = || (Code::Type, "a list of views, or an object with add and remove, is expected".to_owned());
    let list = |value: &Value| -> Result<Vec<Ref>, values::Refusal> {
        value.as_array().ok_or_else(wanted)?.iter().map(reference).collect()
    };
    match value {
        Value::Array(_) => Ok(Given::Views(list(value)?)),
        Value::Object(delta) if delta.keys().all(|key| key == "add" || key == "remove") => {
            let part = |key: &str| delta.get(key).map_or(Ok(Vec::new()), list);
            let (add, remove) = (part("add")?, part("remove")?);
            if add.iter().any(|view| remove.contains(view)) {
                return Err((Code::DuplicateInRequest, "a view is added and removed".to_owned()));
            }
            Ok(Given::Delta(add, remove))
        }
        _ => Err(wanted()),
    }
}
