//! How commands that ask a service show what it answers.

use std::io::Write;

use clap::ValueEnum;
use comfy_table::{Table, presets};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::error::{Error, Result};

/// How an answer is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Table,
    /// For programs.
    Json,
    /// For both.
    Yaml,
}

/// A JSON value whose numbers other formats understand.
struct Plain<'a>(&'a Value);

impl Serialize for Plain<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Null => serializer.serialize_none(),
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::String(text) => serializer.serialize_str(text),
            Value::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(whole), _) => serializer.serialize_i64(whole),
                (None, Some(broken)) => serializer.serialize_f64(broken),
                (None, None) => serializer.serialize_str(&number.to_string()),
            },
            Value::Array(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                items.iter().try_for_each(|item| list.serialize_element(&Plain(item)))?;
                list.end()
            }
            Value::Object(members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                members.iter().try_for_each(|(name, value)| map.serialize_entry(name, &Plain(value)))?;
                map.end()
            }
        }
    }
}

/// Prints an answer; `table` makes the form for people.
///
/// # Errors
/// Where `out` can not be written.
pub fn print(
    value: &Value,
    format: Format,
    table: impl FnOnce(&Value) -> Table,
    out: &mut impl Write,
) -> Result<()> {
    let text = match format {
        Format::Table => table(value).to_string(),
        Format::Json => serde_json::to_string_pretty(value).map_err(Error::internal)?,
        Format::Yaml => serde_saphyr::to_string(&Plain(value)).map_err(Error::internal)?,
    };
    writeln!(out, "{}", text.trim_end()).map_err(Error::internal)
}

/// An empty table with this head.
#[must_use]
pub fn table(head: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::ASCII_FULL_CONDENSED);
    table.set_header(head);
    table
}

/// A table of objects: a column for each pointer.
#[must_use]
pub fn rows(value: &Value, columns: &[(&str, &str)]) -> Table {
    let mut table = table(&columns.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    for item in value.as_array().into_iter().flatten() {
        table.add_row(columns.iter().map(|(_, pointer)| cell(item.pointer(pointer))));
    }
    table
}

/// A table of one object: a row for each pointer that there is something under.
#[must_use]
pub fn members(value: &Value, fields: &[(&str, &str)]) -> Table {
    let mut table = table(&["Field", "Value"]);
    for (name, pointer) in fields {
        if let Some(found) = value.pointer(pointer).filter(|found| !found.is_null()) {
            table.add_row([(*name).to_owned(), cell(Some(found))]);
        }
    }
    table
}

/// A value as the text of a cell.
#[must_use]
pub fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(items)) if items.iter().all(Value::is_string) => {
            items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n")
        }
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_answer_is_shown_in_each_form() {
        let value = json!([{"name": "a", "count": 3, "list": ["x", "y"], "none": null, "part": 0.5}]);
        let shown = |format| {
            let mut out = Vec::new();
            print(&value, format, |value| rows(value, &[("Name", "/name"), ("None", "/none")]), &mut out)
                .unwrap();
            String::from_utf8(out).unwrap()
        };
        assert!(shown(Format::Table).contains("| a    | -    |"), "{}", shown(Format::Table));
        assert_eq!(serde_json::from_str::<Value>(&shown(Format::Json)).unwrap(), value);
        let yaml = shown(Format::Yaml);
        assert_eq!(serde_saphyr::from_str::<Value>(&yaml).unwrap(), value, "{yaml}");
        assert!(yaml.contains("count: 3"), "{yaml}");
    }
}
