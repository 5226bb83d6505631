//! YAML: the same shape as JSON, with comments.
//!
//! Invariant: what is written is read back as it was meant whatever the reader: every text stands in quotes, so that
//! no MAC address is a number and no `no` a boolean.

mod compose;
mod scalar;

use serde_json::{Map, Value};

use super::options::{Dialect, Limits};
use super::problem::{Code, Problem};
use super::reader::{Reader, Scalars};
use super::request::{self, Request};

/// Members beside `systems` that hold text, or names.
const TEXTS: [&str; 3] = ["comment", "change_set", "lookups"];

/// Reads a document.
///
/// # Errors
/// Where it is no YAML.
pub fn read(
    body: &[u8],
    dialect: Dialect,
    limits: Limits,
    over: &Map<String, Value>,
) -> Result<Request, Box<Problem>> {
    let malformed = |text: String, (line, column): (usize, usize)| {
        let place = |number: usize| u64::try_from(number).ok();
        let text = format!("The request is no YAML: {text}");
        let problem = Problem::of_request("", Code::Malformed, text);
        Box::new(Problem { line: place(line), column: place(column), ..problem })
    };
    let text = std::str::from_utf8(body)
        .map_err(|error| malformed(error.to_string(), place_of(body, error.valid_up_to())))?;
    let mut document =
        compose::document(text).map_err(|flaw| malformed(flaw.text, (flaw.line, flaw.column)))?;
    for name in TEXTS {
        document.get_mut(name).into_iter().for_each(as_text);
    }
    let mut reader = Reader::new(dialect, limits);
    reader.scalars = Scalars::Plain;
    request::of_tree(document, reader, over).map_err(|text| malformed(text, (1, 1)))
}

/// The line and the column of a byte, counted from one.
fn place_of(body: &[u8], at: usize) -> (usize, usize) {
    let before = body.get(..at).unwrap_or_default();
    let line = before.split(|byte| *byte == b'\n');
    let column = line.clone().next_back().map_or(0, |line| String::from_utf8_lossy(line).chars().count());
    (line.count(), column.saturating_add(1))
}

/// Numbers that stand where text is meant.
fn as_text(value: &mut Value) {
    match value {
        Value::Number(number) => *value = Value::from(number.to_string()),
        Value::Array(items) => items.iter_mut().for_each(as_text),
        Value::Object(members) => members.values_mut().for_each(as_text),
        _ => {}
    }
}

/// Writes a value at this depth, beginning after its key.
pub fn write(text: &mut String, value: &Value, depth: usize) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (key, value) in members {
                line(text, depth);
                push(text, &Value::from(key.as_str()));
                text.push(':');
                write(text, value, depth.saturating_add(1));
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                line(text, depth);
                text.push('-');
                write(text, item, depth.saturating_add(1));
            }
        }
        scalar => {
            text.push(' ');
            push(text, scalar);
        }
    }
}

/// A scalar as JSON writes it; what YAML does not take as it is gets its number.
fn push(text: &mut String, scalar: &Value) {
    for char in scalar.to_string().chars() {
        match char {
            '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => {
                text.push_str(&format!("\\u{:04x}", u32::from(char)));
            }
            plain => text.push(plain),
        }
    }
}

fn line(text: &mut String, depth: usize) {
    text.push('\n');
    text.push_str(&"  ".repeat(depth));
}
