//! The draft: values in the form that the structs read, with where each came from.
//!
//! Invariant: it holds only values that are of the right type and that ask for nothing that is not there.

use std::collections::{BTreeMap, BTreeSet};

use toml::{Table, Value};

use super::kind::convert;
use super::names::{self, Known};
use super::report::Report;
use super::spec::{Class, Kind, Section, Spec};

/// A value as it was found.
pub(super) enum Found {
    /// In the file.
    Typed(Value),
    /// In the environment, which has no types.
    Text(String),
}

impl Found {
    fn is_empty(&self) -> bool {
        match self {
            Self::Typed(value) => value.as_str().is_some_and(str::is_empty),
            Self::Text(text) => text.is_empty(),
        }
    }
}

/// The values that were found good, and what is to be said of the others.
#[derive(Default)]
pub(super) struct Draft {
    /// What the structs read.
    pub values: Table,
    /// What is to be said.
    pub report: Report,
    /// Full name to the place where it was given.
    origins: BTreeMap<String, String>,
    /// Sections told of as having no effect.
    told: BTreeSet<&'static str>,
    /// The options that problems of several options together are about, and what is wrong.
    pub blamed: Vec<(String, String)>,
}

impl Draft {
    /// Takes one value; `origin` is where it was found.
    pub(super) fn put(&mut self, origin: &str, section: &'static Section, name: &str, found: Found) {
        match names::option(section, name) {
            Known::Option(spec) => self.take(origin, section, spec, found),
            Known::Rest(class) => self.tell_rest(origin, section, class),
            Known::Unknown => self.tell_unknown(origin, section.name, name),
        }
    }

    /// A problem of a value that was taken, or of one that is missing.
    pub(super) fn problem(&mut self, name: &str, text: &str) {
        self.blamed.push((name.to_owned(), text.to_owned()));
        let line = self.located(name, text);
        self.report.problems.push(line);
    }

    /// A warning about a value that was taken.
    pub(super) fn warning(&mut self, name: &str, text: &str) {
        let line = self.located(name, text);
        self.report.warnings.push(line);
    }

    /// Whether something was given for this option; the top level has an empty section.
    pub(super) fn has(&self, section: &str, name: &str) -> bool {
        let table = if section.is_empty() { Some(&self.values) } else { self.table(section) };
        table.is_some_and(|table| table.contains_key(name))
    }

    /// Whether anything was given in a section.
    pub(super) fn has_section(&self, section: &str) -> bool {
        self.table(section).is_some_and(|table| !table.is_empty())
    }

    fn table(&self, section: &str) -> Option<&Table> {
        self.values.get(section).and_then(Value::as_table)
    }

    fn located(&self, name: &str, text: &str) -> String {
        match self.origins.get(name) {
            Some(origin) => format!("{origin}: {name}: {text}"),
            None => format!("{name}: {text}"),
        }
    }

    fn take(&mut self, origin: &str, section: &'static Section, spec: &'static Spec, found: Found) {
        let full = names::full(section.name, spec.name);
        if let Class::NoEffect(reason) = spec.class {
            self.report.warnings.push(format!("{origin}: {full} has no effect: {reason}"));
            return;
        }
        match accept(spec, found) {
            Err(wrong) => self.report.problems.push(format!("{origin}: {full}: {wrong}")),
            Ok(value) => {
                self.set(section.name, spec.name, value);
                self.origins.insert(full, origin.to_owned());
            }
        }
    }

    fn set(&mut self, section: &str, name: &str, value: Option<Value>) {
        let table = if section.is_empty() {
            Some(&mut self.values)
        } else {
            let entry = self.values.entry(section.to_owned());
            entry.or_insert_with(|| Value::Table(Table::new())).as_table_mut()
        };
        match (table, value) {
            (Some(table), Some(value)) => drop(table.insert(name.to_owned(), value)),
            (Some(table), None) => drop(table.remove(name)),
            (None, _) => {}
        }
    }

    fn tell_rest(&mut self, origin: &str, section: &'static Section, class: Class) {
        if let Class::NoEffect(reason) = class
            && self.told.insert(section.name)
        {
            self.report.warnings.push(format!("{origin}: {} has no effect: {reason}", section.name));
        }
    }

    fn tell_unknown(&mut self, origin: &str, section: &str, name: &str) {
        let full = names::full(section, name);
        let hint = names::meant(section, name).map(|meant| hint(section, &meant)).unwrap_or_default();
        self.report.unknown.push(format!("{origin}: {full} is not a known option{hint}"));
    }
}

/// What to say of the option that may have been meant.
fn hint(section: &str, meant: &str) -> String {
    if section.is_empty() || meant.contains('.') {
        format!("; did you mean {meant}?")
    } else {
        format!("; {meant} belongs to the top level, before the first table")
    }
}

/// The value in the form of its kind. One from the environment is TOML where that fits, else a text.
fn read(kind: Kind, found: Found) -> Result<Value, String> {
    let text = match found {
        Found::Typed(value) => return convert(kind, value),
        Found::Text(text) => text,
    };
    let typed = text.parse::<Value>().ok().map(|value| convert(kind, value));
    match (typed, convert(kind, Value::String(text))) {
        (Some(Ok(value)), _) | (_, Ok(value)) => Ok(value),
        (Some(Err(wrong)), _) | (None, Err(wrong)) => Err(wrong),
    }
}

/// The value to keep; nothing where an empty text unsets the option.
pub(super) fn accept(spec: &Spec, found: Found) -> Result<Option<Value>, String> {
    if spec.default.is_none() && found.is_empty() {
        return Ok(None);
    }
    let value = read(spec.kind, found)?;
    match spec.class {
        Class::Only(working) => is_working(working, &value)?,
        Class::Lacks(part) if !is_default(spec, &value) => return Err(format!("not there yet: {part}")),
        _ => {}
    }
    Ok(Some(value))
}

fn is_working(working: &[&str], value: &Value) -> Result<(), String> {
    let word = value.as_str().unwrap_or_default();
    if working.contains(&word) {
        Ok(())
    } else {
        Err(format!("{word} is not there yet; what works: {}", working.join(", ")))
    }
}

/// Whether a value is the one that holds where nothing is given.
pub(super) fn is_default(spec: &Spec, value: &Value) -> bool {
    spec.default.and_then(|text| text.parse::<Value>().ok()).is_some_and(|default| default == *value)
}
