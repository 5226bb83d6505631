//! YAML: the same shape as JSON, with comments.
//!
//! Invariant: what is written is read back as it was meant whatever the reader: every text stands in quotes, so that
//! no MAC address is a number and no `no` a boolean.

use serde_json::{Map, Value};

use super::options::{Dialect, Limits};
use super::problem::{Code, Problem};
use super::request::{self, Request};

/// Nodes of the largest document: objects and their members.
const MOST_NODES: usize = 10_000_000;

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
    let malformed = |text: String, line: Option<u64>, column: Option<u64>| {
        let text = format!("The request is no YAML: {text}");
        Box::new(Problem { line, column, ..Problem::of_request("", Code::Malformed, text) })
    };
    let text = std::str::from_utf8(body).map_err(|error| malformed(error.to_string(), None, None))?;
    let document: Value = serde_saphyr::from_str_with_options(text, options()).map_err(|error| {
        let place = error.location();
        let (line, column) = (place.map(|place| place.line()), place.map(|place| place.column()));
        malformed(error.to_string(), line, column)
    })?;
    request::read(document, dialect, limits, over).map_err(|error| malformed(error.to_string(), None, None))
}

fn options() -> serde_saphyr::Options {
    let mut options = serde_saphyr::Options::default();
    if let Some(budget) = &mut options.budget {
        budget.max_nodes = MOST_NODES;
        budget.max_events = MOST_NODES.saturating_mul(4);
        budget.max_total_scalar_bytes = 1 << 30;
        budget.max_reader_input_bytes = None;
    }
    options
}

/// Writes a value at this depth, beginning after its key.
pub fn write(text: &mut String, value: &Value, depth: usize) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (key, value) in members {
                line(text, depth);
                text.push_str(&Value::from(key.as_str()).to_string());
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
            text.push_str(&scalar.to_string());
        }
    }
}

fn line(text: &mut String, depth: usize) {
    text.push('\n');
    text.push_str(&"  ".repeat(depth));
}
