//! CSV: one line a system, with a dotted path as the head of each column; or one line an object of a kind.
//!
//! An empty cell keeps what is there, `\N` is null, `\E` is empty text, and a text that begins with a backslash or `#`
//! gets a backslash before it. Lists are JSON, `#7` is a key. Invariant: what is written is read back as the same values.

mod column;
mod show;
mod table;

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use self::column::{Column, Empty};
pub use self::show::{Table, heads, line, rows};
use self::table::{Line, Sheet, Spot, Spots};
use super::options::{self, Limits};
use super::problem::{Code, Findings, Place, Problem, escaped};
use super::reader::Reader;
use super::request::Request;

/// Columns of one table.
const MOST_COLUMNS: usize = 5_000;
/// Says whether empty cells keep what is there.
pub const SKIP_EMPTY: &str = "skip_empty";

/// Where the lines and columns of a table are, for mistakes in them.
#[derive(Clone, Debug, Default)]
pub struct Grid {
    spots: Spots,
    /// By the rest of the pointers.
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
        if self.spots.is_empty() {
            return;
        }
        for problem in problems.iter_mut().filter(|problem| problem.pointer.starts_with("/systems/")) {
            let Some((Spot { line, named_in }, path)) = self.spot_of(&problem.pointer) else { continue };
            let above = path.rsplit_once('/').map(|(above, _)| above);
            let own = || self.columns.get(path).or_else(|| self.columns.get(above?)).copied();
            (problem.line, problem.column) = (Some(line), named_in.or_else(own));
        }
    }

    /// The spot that a pointer leads into, and the rest of it.
    fn spot_of<'a>(&self, pointer: &'a str) -> Option<(Spot, &'a str)> {
        let mut at = pointer;
        loop {
            if let Some(spot) = self.spots.get(at) {
                return Some((*spot, pointer.get(at.len()..)?.trim_start_matches('/')));
            }
            at = at.rsplit_once('/')?.0;
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
    let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
    ends_in_quotes(body)?;
    let mut reader = ::csv::ReaderBuilder::new().from_reader(body);
    let heads = reader.headers().map_err(|error| malformed(&error, body))?.clone();
    let at_heads = |problem: Box<Problem>| Problem {
        line: line_of(body, heads.position()).or(problem.line),
        ..*problem
    };
    let mut sheet = Sheet::of(&heads).map_err(at_heads)?;
    let columns = places(&sheet.columns).map_err(at_heads)?;
    let mut grid = Grid { columns, ..Grid::default() };
    let mut members = members.clone();
    let mut blobs = Reader::new(options::Dialect::Own, limits);
    let empty = empty_cells(&mut members, &mut blobs.findings);
    for record in reader.records() {
        let record = record.map_err(|error| malformed(&error, body))?;
        if sheet.is_full(limits.systems, &record) {
            let text = format!("At most {} systems are taken in one request", limits.systems);
            blobs.findings.wrong(Problem::of_request("/systems", Code::Limit, text));
            blobs.over = true;
        }
        if blobs.over {
            break;
        }
        let number = line_of(body, record.position()).unwrap_or_default();
        sheet.take(Line { record: &record, number, empty }, &mut blobs, &mut grid.spots);
    }
    // A table is edited by people: a system is known by its name where it has no key.
    members.entry("match").or_insert_with(|| "hostname".into());
    if sheet.table != Table::Wide {
        members.entry("on_missing").or_insert_with(|| "fail".into());
    }
    let (options, lookups) = options::read(members, options::Dialect::Own, &mut blobs.findings);
    let (systems, left_out) = sheet.systems();
    let Reader { over, findings, .. } = blobs;
    Ok((Request { systems, options, lookups, over, left_out, findings }, grid))
}

/// The places of columns, counted from one, by their pointers.
fn places(columns: &[(usize, Column)]) -> Result<HashMap<String, u64>, Box<Problem>> {
    let mut places = HashMap::new();
    for (place, column) in columns {
        let number = u64::try_from(*place).unwrap_or_default().saturating_add(1);
        if places.insert(column.pointer(), number).is_some() {
            return Err(bad_head(*place, format!("The column {} stands there twice", column.head)));
        }
    }
    // Of two that speak of the same thing one would get lost.
    let within = |column: &Column| column.above().any(|above| places.contains_key(&pointer(above)));
    match columns.iter().find(|(_, column)| within(column)) {
        Some((place, Column { head, .. })) => {
            Err(bad_head(*place, format!("The column {head} is a part of another one")))
        }
        None => Ok(places),
    }
}

/// The line of a record, counted from one. The reader tells where the one before it ends: ends of lines that are left
/// there, and blank lines, come before it.
fn line_of(body: &[u8], position: Option<&::csv::Position>) -> Option<u64> {
    let position = position?;
    let rest = usize::try_from(position.byte()).ok().and_then(|at| body.get(at..)).unwrap_or_default();
    let passed = rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n'));
    let ends = u64::try_from(passed.filter(|byte| **byte == b'\n').count()).unwrap_or_default();
    Some(position.line().saturating_add(ends))
}

/// What empty cells say.
fn empty_cells(members: &mut Map<String, Value>, findings: &mut Findings) -> Empty {
    match members.shift_remove(SKIP_EMPTY) {
        None | Some(Value::Bool(true)) => Empty::Keeps,
        Some(Value::Bool(false)) => Empty::Clears,
        Some(other) => {
            let pointer = format!("/{SKIP_EMPTY}");
            let problem = Problem::of_request(&pointer, Code::Type, "true or false is expected");
            findings.wrong(problem.with(other));
            Empty::Keeps
        }
    }
}

fn bad_head(place: usize, text: String) -> Box<Problem> {
    let column = u64::try_from(place).unwrap_or_default().saturating_add(1);
    let problem = Problem::of_request("", Code::Malformed, text);
    Box::new(Problem { line: Some(1), column: Some(column), ..problem })
}

fn malformed(error: &::csv::Error, body: &[u8]) -> Box<Problem> {
    let fields = match error.kind() {
        ::csv::ErrorKind::Utf8 { err, .. } => err.field(),
        ::csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            usize::try_from(*expected_len.min(len)).unwrap_or_default()
        }
        _ => 0,
    };
    let column = u64::try_from(fields).unwrap_or_default().saturating_add(1);
    let problem = Problem::of_request("", Code::Malformed, format!("The request is no CSV: {error}"));
    Box::new(Problem { line: line_of(body, error.position()), column: Some(column), ..problem })
}

/// A file that was cut within quotes would else be read as if the rest of it were one cell.
fn ends_in_quotes(body: &[u8]) -> Result<(), Box<Problem>> {
    let (mut line, mut column) = (1_u64, 1_u64);
    let (mut opened, mut at_start) = (None, true);
    for byte in body {
        match (byte, opened) {
            (b'"', Some(_)) => opened = None,
            // A quote directly behind the one that closed is a quote within.
            (b'"', None) if at_start => opened = Some((line, column)),
            (b',', None) => column = column.saturating_add(1),
            (b'\n', None) => (line, column) = (line.saturating_add(1), 1),
            (b'\n', Some(_)) => line = line.saturating_add(1),
            _ => {}
        }
        // Two quotes within quotes close and open again.
        at_start = matches!(byte, b',' | b'\n' | b'\r' | b'"') && opened.is_none();
    }
    let Some((line, column)) = opened else { return Ok(()) };
    let text = "The request is no CSV: a quote is never closed";
    let problem = Problem::of_request("", Code::Malformed, text);
    Err(Box::new(Problem { line: Some(line), column: Some(column), ..problem }))
}

/// What a line says of one object: a cell that is wrong is told, and left out.
fn object(
    columns: &[(usize, Column)],
    Line { record, empty, .. }: Line<'_>,
    at: &Place,
    findings: &mut Findings,
) -> Value {
    let mut object = Value::Object(Map::new());
    let cells = || columns.iter().filter_map(|(place, column)| Some((column, record.get(*place)?)));
    let spoken_of: HashSet<&[String]> = match empty {
        Empty::Keeps => HashSet::new(),
        Empty::Clears => {
            cells().filter(|(_, text)| !text.is_empty()).flat_map(|(column, _)| column.above()).collect()
        }
    };
    for (column, text) in cells() {
        let read = match text {
            "" if empty == Empty::Clears && column.clears(&spoken_of) => Ok(Value::Null),
            "" => continue,
            text => column.read(text),
        };
        match read {
            Ok(value) => column.insert(&mut object, value),
            Err(wanted) => {
                let label = column.label().unwrap_or(&at.label).to_owned();
                let place = Place { pointer: format!("{}/{}", at.pointer, column.pointer()), label };
                let text = format!("{}: {wanted} is expected", column.head);
                let problem = Problem::of_object(column.kind, &place, Code::Type, text);
                let field = column.path.last().cloned();
                findings
                    .wrong(Problem { field, ..problem.with(Value::from(text_of(record, columns, column))) });
            }
        }
    }
    object
}

fn text_of(record: &::csv::StringRecord, columns: &[(usize, Column)], wanted: &Column) -> String {
    let place = columns.iter().find(|(_, column)| column.path == wanted.path).map(|(place, _)| *place);
    place.and_then(|place| record.get(place)).unwrap_or_default().to_owned()
}

/// A pointer of segments.
fn pointer(path: &[String]) -> String {
    let segments: Vec<String> = path.iter().map(|segment| escaped(segment)).collect();
    segments.join("/")
}
