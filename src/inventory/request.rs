//! The first pass: what a document says, read and checked for types, object by object.
//!
//! Invariant: nothing here stops at the first mistake except where the document can not be read at all. A system is
//! turned into its compact form as soon as it is read: of JSON no more than one is held as a tree. YAML comes as a whole
//! tree, and is taken apart here.

use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::blob::{Blob, Given};
use super::model::Kind;
use super::options::{Dialect, Limits, Options};
use super::problem::{Code, Findings, Place, Problem, escaped};
use super::reader::Reader;
use super::unique::{NUMBER, Unique, twice};

/// What a document is to be.
const WANTED: &str = "an object with the member systems";

/// A request as it was read.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The systems, in the order of the document.
    pub systems: Vec<Blob>,
    /// How it is to be carried out.
    pub options: Options,
    /// Names that are to be known: kind and name.
    pub lookups: Vec<(String, String)>,
    /// What is wrong so far.
    pub findings: Findings,
    /// Whether there is more than is taken in one request.
    pub over: bool,
    /// What is no system at all: how many come before it, and where it stands.
    pub left_out: Vec<(usize, String)>,
}

/// Reads a document that is given by a deserializer; the members of `over` count more than those of the document.
///
/// # Errors
/// Where it can not be read to its end.
pub fn read<'de, D: Deserializer<'de>>(
    document: D,
    dialect: Dialect,
    limits: Limits,
    over: &Map<String, Value>,
) -> Result<Request, D::Error> {
    let mut parts = Parts { reader: Reader::new(dialect, limits), ..Parts::default() };
    document.deserialize_any(Main(&mut parts))?;
    Ok(parts.request(over))
}

/// The same of a document that is a tree already, by a reader that has read nothing yet.
///
/// # Errors
/// Where it is no object.
pub fn of_tree(document: Value, reader: Reader, over: &Map<String, Value>) -> Result<Request, String> {
    let Value::Object(mut main) = document else { return Err(format!("{WANTED} is expected")) };
    let mut parts = Parts { reader, ..Parts::default() };
    if let Some(systems) = main.shift_remove("systems") {
        parts.found_systems = Found::Yes;
        match systems {
            // What was read is let go of at once.
            Value::Object(all) => {
                all.into_iter().for_each(|(label, value)| parts.system(&label, &label, &value));
            }
            Value::Array(all) => {
                all.into_iter().enumerate().for_each(|(place, value)| parts.item(place, &value));
            }
            _ => parts.no_systems(),
        }
    }
    parts.main = main;
    Ok(parts.request(over))
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Found {
    #[default]
    No,
    Yes,
}

#[derive(Debug, Default)]
struct Parts {
    reader: Reader,
    systems: Vec<Blob>,
    left_out: Vec<(usize, String)>,
    main: Map<String, Value>,
    found_systems: Found,
}

impl Parts {
    fn system(&mut self, label: &str, segment: &str, value: &Value) {
        let place = Place { pointer: format!("/systems/{}", escaped(segment)), label: label.to_owned() };
        if self.systems.len() >= self.reader.limits.systems {
            let most = self.reader.limits.systems;
            if self.systems.len() == most && !self.reader.over {
                self.reader.over = true;
                let text = format!("At most {most} systems are taken in one request");
                self.reader.findings.wrong(Problem::of_request("/systems", Code::Limit, text));
            }
            return;
        }
        let pointer = place.pointer.clone();
        match self.reader.blob(Kind::System, value, place) {
            Some(blob) => self.systems.push(blob),
            None => self.left_out.push((self.systems.len(), pointer)),
        }
    }

    /// A system of a list.
    fn item(&mut self, place: usize, value: &Value) {
        let segment = place.to_string();
        let label = value.get("hostname").and_then(Value::as_str).unwrap_or(&segment).to_owned();
        self.system(&label, &segment, value);
    }

    /// Whether no member was read yet.
    fn is_new(&self) -> bool {
        self.main.is_empty() && self.found_systems == Found::No
    }

    fn no_systems(&mut self) {
        let text = "An object of systems, or a list of them, is expected";
        self.reader.findings.wrong(Problem::of_request("/systems", Code::Type, text));
    }

    fn request(self, over: &Map<String, Value>) -> Request {
        let Self { mut reader, systems, left_out, mut main, found_systems } = self;
        let dialect = reader.dialect;
        main.extend(over.clone());
        if found_systems == Found::No {
            reader.findings.wrong(Problem::of_request("", Code::Missing, "The member systems is expected"));
        }
        let (options, lookups) = super::options::read(main, dialect, &mut reader.findings);
        Request { systems, options, lookups, over: reader.over, left_out, findings: reader.findings }
    }
}

struct Main<'a>(&'a mut Parts);

impl<'de> Visitor<'de> for Main<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(WANTED)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let parts = self.0;
        while let Some(key) = map.next_key::<String>()? {
            if key == NUMBER && parts.is_new() {
                return Err(serde::de::Error::custom(format!("{WANTED} is expected")));
            }
            if key != "systems" {
                if parts.main.contains_key(&key) {
                    return Err(twice(&key));
                }
                parts.main.insert(key, map.next_value::<Unique>()?.0);
            } else if parts.found_systems == Found::Yes {
                return Err(twice(&key));
            } else {
                parts.found_systems = Found::Yes;
                map.next_value_seed(Systems(parts))?;
            }
        }
        Ok(())
    }
}

struct Systems<'a>(&'a mut Parts);

impl<'de> serde::de::DeserializeSeed<'de> for Systems<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Systems<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("systems")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut labels = HashSet::new();
        while let Some(label) = map.next_key::<String>()? {
            if label == NUMBER && labels.is_empty() {
                map.next_value::<serde::de::IgnoredAny>()?;
                return self.visit_unit();
            }
            let Unique(value) = map.next_value()?;
            self.0.system(&label, &label, &value);
            if let Some(label) = labels.replace(label) {
                let place = Place { pointer: format!("/systems/{}", escaped(&label)), label };
                let text = "The label stands there twice";
                let problem = Problem::of_object(Kind::System, &place, Code::DuplicateInRequest, text);
                self.0.reader.findings.wrong(problem);
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let mut place: usize = 0;
        while let Some(Unique(value)) = list.next_element()? {
            self.0.item(place, &value);
            place = place.saturating_add(1);
        }
        Ok(())
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        self.0.no_systems();
        Ok(())
    }

    fn visit_bool<E: serde::de::Error>(self, _: bool) -> Result<(), E> {
        self.visit_unit()
    }

    fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<(), E> {
        self.visit_unit()
    }

    fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<(), E> {
        self.visit_unit()
    }

    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<(), E> {
        self.visit_unit()
    }

    fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<(), E> {
        self.visit_unit()
    }
}

impl Request {
    /// Leaves systems out, and what is wrong with them.
    pub fn without(&mut self, pointers: &HashSet<String>) {
        let kept = |pointer: &str| {
            super::problem::system_of(pointer).is_none_or(|system| !pointers.contains(system))
        };
        self.systems.retain(|blob| kept(&blob.place.pointer));
        let findings = &mut self.findings;
        findings.problems.retain(|problem| kept(&problem.pointer));
        findings.notices.retain(|notice| kept(&notice.pointer));
        findings.wrong_systems.retain(|system| !pointers.contains(system));
        findings.truncated = false;
    }

    /// The given text of a member of a blob, where it is text already.
    #[must_use]
    pub fn text_of<'a>(blob: &'a Blob, field: &str) -> Option<&'a str> {
        let (place, _) = blob.kind.field(field)?;
        blob.fields.iter().find_map(|(at, given)| match given {
            Given::Val(super::model::Val::Text(text)) if *at == place => Some(text.as_str()),
            _ => None,
        })
    }
}
