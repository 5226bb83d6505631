//! The file: TOML to values with their line numbers.

use std::path::Path;

use toml::de::{DeTable, Error};
use toml::{Spanned, Table, Value};

use super::draft::{Draft, Found};
use super::names;

/// Adds what the file at `path` says.
pub(super) fn read(path: &Path, draft: &mut Draft) {
    match std::fs::read_to_string(path) {
        Ok(text) => parse(&path.display().to_string(), &text, draft),
        Err(error) => draft.report.problems.push(format!("{}: {error}", path.display())),
    }
}

/// Adds what `text` says; `place` is the name of the file.
pub(super) fn parse(place: &str, text: &str, draft: &mut Draft) {
    let (spans, errors) = DeTable::parse_recoverable(text);
    let parsed =
        if errors.is_empty() { text.parse::<Table>().map_err(|error| vec![error]) } else { Err(errors) };
    match parsed {
        Err(errors) => {
            draft.report.problems.extend(errors.iter().map(|error| syntax_error(place, text, error)));
        }
        Ok(table) => File { place, text, spans: spans.get_ref() }.add(table, draft),
    }
}

fn syntax_error(place: &str, text: &str, error: &Error) -> String {
    let line = error.span().map_or(1, |span| line_of(text, span.start));
    format!("{place}:{line}: {}", error.message().replace('\n', "; "))
}

/// The number of the line in which the byte at `offset` stands.
fn line_of(text: &str, offset: usize) -> usize {
    let before = text.bytes().take(offset);
    before.filter(|byte| *byte == b'\n').count().saturating_add(1)
}

/// A parsed file.
struct File<'a> {
    place: &'a str,
    text: &'a str,
    spans: &'a DeTable<'a>,
}

impl File<'_> {
    fn add(&self, table: Table, draft: &mut Draft) {
        let Some(root) = names::section("") else { return };
        for (key, value) in table {
            let origin = self.origin(self.spans, &key);
            match value {
                Value::Table(options) if root.options.iter().all(|spec| spec.name != key) => {
                    self.add_section(&origin, &key, options, draft);
                }
                _ if !key.is_empty() && names::section(&key).is_some() => {
                    draft.report.problems.push(format!("{origin}: {key}: a table is expected"));
                }
                value => draft.put(&origin, root, &key, Found::Typed(value)),
            }
        }
    }

    fn add_section(&self, origin: &str, name: &str, options: Table, draft: &mut Draft) {
        let Some(section) = names::section(name).filter(|section| !section.name.is_empty()) else {
            return tell_unknown(origin, name, draft);
        };
        let spans = self.spans.get(name).and_then(|value| value.get_ref().as_table());
        for (key, value) in options {
            let origin = spans.map_or_else(|| origin.to_owned(), |spans| self.origin(spans, &key));
            draft.put(&origin, section, &key, Found::Typed(value));
        }
    }

    /// Where a key of a table stands.
    fn origin(&self, table: &DeTable<'_>, key: &str) -> String {
        let span = table.get_key_value(key).map(|(key, _)| Spanned::span(key));
        let line = span.map_or(1, |span| line_of(self.text, span.start));
        format!("{}:{line}", self.place)
    }
}

/// A table that means nothing. The ancestor's `[DEFAULT]` is a refusal: to skip it would drop, for one, who may
/// use the API.
fn tell_unknown(origin: &str, name: &str, draft: &mut Draft) {
    if name == "DEFAULT" {
        let text = "its options stand at top level here, before the first table";
        return draft.report.problems.push(format!("{origin}: [DEFAULT]: {text}"));
    }
    let hint =
        names::meant_section(name).map(|meant| format!("; did you mean [{meant}]?")).unwrap_or_default();
    draft.report.unknown.push(format!("{origin}: [{name}] is not a known section{hint}"));
}
