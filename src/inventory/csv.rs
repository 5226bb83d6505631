//! CSV: one line a system, with a dotted path as the head of each column.
//!
//! An empty cell keeps what is there, `\N` is null, `\E` is empty text, and a text that begins with a backslash or `#`
//! gets a backslash before it. Lists are JSON, `#7` is the key of a relation. Invariant: what is written is read back as the same values.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Map, Value};

use super::model::{Kind, Type};
use super::options::{self, Limits};
use super::problem::{Code, Findings, Place, Problem, escaped};
use super::reader::Reader;
use super::request::Request;

/// Columns of one table.
const MOST_COLUMNS: usize = 5_000;

/// What stands in a column.
#[derive(Clone, Debug)]
struct Column {
    head: String,
    path: Vec<String>,
    cell: Cell,
}

/// How a cell is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cell {
    /// As text.
    Text,
    /// As a number.
    Number,
    /// As yes or no.
    Bool,
    /// As a name, or as a key behind `#`.
    Reference,
    /// As JSON.
    Json,
    /// As the value of a pair.
    Pair,
}

/// Where the lines and columns of a table are, for mistakes in them.
#[derive(Clone, Debug, Default)]
pub struct Grid {
    lines: Vec<u64>,
    columns: HashMap<String, u64>,
}

impl Grid {
    /// The same mistakes, with their places in the table.
    #[must_use]
    pub fn located(&self, mut findings: Findings) -> Findings {
        self.locate(&mut findings.problems);
        findings
    }

    /// Adds their places in the table to mistakes.
    pub fn locate(&self, problems: &mut [Problem]) {
        for problem in problems {
            let Some(rest) = problem.pointer.strip_prefix("/systems/") else { continue };
            let (row, path) = rest.split_once('/').unwrap_or((rest, ""));
            problem.line = row.parse().ok().and_then(|row: usize| self.lines.get(row)).copied();
            problem.column = self.columns.get(path).copied();
        }
    }
}

/// Reads a table; `members` are those beside `systems`.
///
/// # Errors
/// Where it is no CSV, or a head is no path.
pub fn read(
    body: &[u8],
    members: &Map<String, Value>,
    limits: Limits,
) -> Result<(Request, Grid), Box<Problem>> {
    let mut reader = ::csv::ReaderBuilder::new().from_reader(body);
    let heads = reader.headers().map_err(|error| malformed(&error))?.clone();
    if heads.len() > MOST_COLUMNS {
        let text = format!("At most {MOST_COLUMNS} columns are taken");
        return Err(Box::new(Problem::of_request("", Code::Malformed, text)));
    }
    let mut grid = Grid::default();
    let mut columns = Vec::new();
    for (number, head) in (1_u64..).zip(heads.iter()) {
        let column = column(head).map_err(|text| {
            let problem = Problem::of_request("", Code::Malformed, text);
            Box::new(Problem { line: Some(1), column: Some(number), ..problem })
        })?;
        let pointer: Vec<String> = column.path.iter().map(|segment| escaped(segment)).collect();
        grid.columns.insert(pointer.join("/"), number);
        columns.push(column);
    }
    let mut blobs = Reader::new(options::Dialect::Own, limits);
    let mut systems = Vec::new();
    for (row, record) in reader.records().enumerate() {
        let record = record.map_err(|error| malformed(&error))?;
        grid.lines.push(record.position().map_or(0, ::csv::Position::line));
        let value = system(&columns, &record, row, &mut blobs.findings);
        let name =
            value.get("hostname").and_then(Value::as_str).map_or_else(|| row.to_string(), str::to_owned);
        let place = Place { pointer: format!("/systems/{row}"), label: name };
        if systems.len() >= limits.systems {
            let text = format!("At most {} systems are taken in one request", limits.systems);
            blobs.findings.wrong(Problem::of_request("/systems", Code::Limit, text));
            blobs.over = true;
            break;
        }
        systems.extend(blobs.blob(Kind::System, &value, place));
    }
    // A table is edited by people: a system is known by its name where it has no key.
    let mut members = members.clone();
    members.entry("match").or_insert_with(|| "hostname".into());
    let (options, lookups) = options::read(members, options::Dialect::Own, &mut blobs.findings);
    let findings = blobs.findings;
    Ok((Request { systems, options, lookups, over: blobs.over, findings, ..Request::default() }, grid))
}

fn malformed(error: &::csv::Error) -> Box<Problem> {
    let place = error.position();
    let problem = Problem::of_request("", Code::Malformed, format!("The request is no CSV: {error}"));
    Box::new(Problem { line: place.map(::csv::Position::line), column: place.map(|_| 1), ..problem })
}

/// What the head of a column means.
fn column(head: &str) -> Result<Column, String> {
    let mut path = Vec::new();
    let mut kind = Kind::System;
    let mut rest = head.trim_start_matches('\u{feff}');
    // The key of a pair may have blanks around it.
    rest = if rest.contains("keyvalue_set.") { rest } else { rest.trim() };
    let no_path = || format!("The column {head} is no path into a system");
    loop {
        let (segment, below) =
            rest.split_once('.').map_or((rest, None), |(segment, below)| (segment, Some(below)));
        let segment = if segment == "srs" { "staticreg_set" } else { segment };
        path.push(segment.to_owned());
        let set = kind.children().iter().find(|(set, _)| *set == segment);
        let cell = match (set, below) {
            (Some((_, Kind::Attribute)), Some(key)) if !key.is_empty() => {
                path.push(key.to_owned());
                Cell::Pair
            }
            (Some((_, Kind::Alias)), None) => Cell::Json,
            (Some((_, child @ (Kind::Registration | Kind::Adapter))), Some(below)) => {
                let (label, below) = below.split_once('.').ok_or_else(no_path)?;
                path.push(label.to_owned());
                (kind, rest) = (*child, below);
                continue;
            }
            (None, None) => match (segment, kind.field(segment)) {
                ("pk" | "version", _) => Cell::Number,
                ("delete" | "adopt", _) => Cell::Bool,
                (_, Some((_, field))) => match field.ty {
                    Type::Int(..) => Cell::Number,
                    Type::Bool => Cell::Bool,
                    Type::Relation(_) => Cell::Reference,
                    Type::Views => Cell::Json,
                    _ => Cell::Text,
                },
                // What is not known is told for each line, with what is near to it.
                (_, None) => Cell::Text,
            },
            _ => return Err(no_path()),
        };
        return Ok(Column { head: head.to_owned(), path, cell });
    }
}

fn system(columns: &[Column], record: &::csv::StringRecord, row: usize, findings: &mut Findings) -> Value {
    let mut system = Value::Object(Map::new());
    for (column, text) in columns.iter().zip(record) {
        if text.is_empty() {
            continue;
        }
        match cell(column.cell, text) {
            Ok(value) => insert(&mut system, &column.path, column.cell, value),
            Err(wanted) => {
                let pointer = column.path.iter().fold(format!("/systems/{row}"), |pointer, segment| {
                    format!("{pointer}/{}", escaped(segment))
                });
                let text = format!("{}: {wanted} is expected", column.head);
                findings.wrong(Problem {
                    kind: Some(Kind::System.name()),
                    field: column.path.last().cloned(),
                    ..Problem::of_request(&pointer, Code::Type, text)
                        .with(record_value(record, column, columns))
                });
            }
        }
    }
    system
}

fn record_value(record: &::csv::StringRecord, column: &Column, columns: &[Column]) -> Value {
    let place = columns.iter().position(|other| other.head == column.head);
    place.and_then(|place| record.get(place)).map_or(Value::Null, Value::from)
}

fn cell(cell: Cell, text: &str) -> Result<Value, &'static str> {
    if text == "\\N" {
        return Ok(Value::Null);
    }
    let plain = match text {
        "\\E" => "",
        _ => text.strip_prefix('\\').unwrap_or(text),
    };
    match cell {
        Cell::Text | Cell::Pair => Ok(Value::from(plain)),
        Cell::Number => text.parse::<i64>().map(Value::from).map_err(|_| "a whole number"),
        Cell::Bool => match text.to_ascii_lowercase().as_str() {
            "true" => Ok(Value::from(true)),
            "false" => Ok(Value::from(false)),
            _ => Err("true or false"),
        },
        Cell::Reference => match text.strip_prefix('#').map(str::parse::<i64>) {
            Some(Ok(key)) => Ok(Value::from(key)),
            _ => Ok(Value::from(plain)),
        },
        Cell::Json => serde_json::from_str(text).map_err(|_| "a list in JSON"),
    }
}

fn insert(system: &mut Value, path: &[String], cell: Cell, value: Value) {
    let Some((last, above)) = path.split_last() else { return };
    let mut at = system;
    for segment in above {
        let Value::Object(members) = at else { return };
        at = members.entry(segment.clone()).or_insert_with(|| Value::Object(Map::new()));
    }
    let value = match cell {
        Cell::Pair => Value::Object(Map::from_iter([
            ("key".to_owned(), Value::from(last.as_str())),
            ("value".to_owned(), value),
        ])),
        _ => value,
    };
    if let Value::Object(members) = at {
        members.insert(last.clone(), value);
    }
}

/// The cells of a system, by the heads of their columns.
#[must_use]
pub fn flat(system: &Value) -> Vec<(String, String)> {
    let mut cells = Vec::new();
    flatten(system, Kind::System, "", &mut cells);
    cells
}

fn flatten(value: &Value, kind: Kind, prefix: &str, cells: &mut Vec<(String, String)>) {
    let Value::Object(members) = value else { return };
    for (name, value) in members {
        let head = format!("{prefix}{name}");
        match kind.children().iter().find(|(set, _)| set == name) {
            Some((_, Kind::Attribute)) => {
                for (key, pair) in value.as_object().into_iter().flatten() {
                    cells.push((format!("{head}.{key}"), show(pair.get("value").unwrap_or(&Value::Null))));
                }
            }
            Some((_, Kind::Alias)) => cells.push((head, value.to_string())),
            Some((_, child)) => {
                for (label, object) in value.as_object().into_iter().flatten() {
                    flatten(object, *child, &format!("{head}.{label}."), cells);
                }
            }
            None if value.is_number() && is_relation(kind, name) => cells.push((head, format!("#{value}"))),
            None => cells.push((head, show(value))),
        }
    }
}

fn is_relation(kind: Kind, name: &str) -> bool {
    kind.field(name).is_some_and(|(_, field)| matches!(field.ty, Type::Relation(_)))
}

fn show(value: &Value) -> String {
    match value {
        Value::Null => "\\N".to_owned(),
        Value::String(text) if text.is_empty() => "\\E".to_owned(),
        Value::String(text) if text.starts_with(['\\', '#']) => format!("\\{text}"),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// One line of a table.
///
/// # Errors
/// Never, unless it can not be written.
pub fn line<'a>(cells: impl Iterator<Item = &'a str>) -> crate::error::Result<Vec<u8>> {
    let mut writer = ::csv::WriterBuilder::new().from_writer(Vec::new());
    writer.write_record(cells).map_err(crate::error::Error::internal)?;
    writer.into_inner().map_err(crate::error::Error::internal)
}

/// The heads of a table in which the name stands first.
#[must_use]
pub fn heads(found: BTreeSet<String>) -> Vec<String> {
    let first = ["hostname", "pk", "version", "uuid"];
    let rest = found.into_iter().filter(|head| !first.contains(&head.as_str()));
    first.iter().map(|head| (*head).to_owned()).chain(rest).collect()
}
