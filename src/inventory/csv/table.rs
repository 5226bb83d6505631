//! Which objects the lines of a table are about, and where they stand in a request.
//!
//! Invariant: a table of one kind becomes the same request as one with a line a system: its objects stand within the
//! systems that their parent columns name.

use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::super::problem::{Code, Findings, Place, Problem};
use super::column::{self, Column, Empty};
use super::show::{REGISTRATION, SYSTEM, Table};
use super::{MOST_COLUMNS, bad_head, object, pointer};

/// A table as its heads describe it.
#[derive(Debug)]
pub struct Sheet {
    /// What its lines are about.
    pub table: Table,
    /// The columns with their places.
    pub columns: Vec<(usize, Column)>,
    /// The places of the columns that name parents.
    parents: [Option<usize>; 2],
    /// Lines so far.
    rows: usize,
    /// Systems by what the lines call them, where a line is less than one.
    groups: IndexMap<String, Value>,
}

/// What a line says.
#[derive(Debug, Default)]
pub struct Row {
    /// The system, where the line is one.
    pub system: Option<(Place, Value)>,
    /// Pointers that lead into the line.
    pub pointers: Vec<String>,
}

impl Sheet {
    /// The table with these heads.
    ///
    /// # Errors
    /// Where there are none, or one is no path.
    pub fn of(heads: &::csv::StringRecord) -> Result<Self, Box<Problem>> {
        let place = |name: &str| heads.iter().position(|head| head.trim_matches(['\u{feff}', ' ']) == name);
        if heads.is_empty() {
            return Err(bad_head(0, "A first line with the heads of the columns is expected".to_owned()));
        }
        if heads.len() > MOST_COLUMNS {
            return Err(bad_head(MOST_COLUMNS, format!("At most {MOST_COLUMNS} columns are taken")));
        }
        let table = match (place(SYSTEM), place("hostname"), place(REGISTRATION), place("mac")) {
            (Some(_), None, Some(_), _) | (Some(_), None, None, Some(_)) => Table::Adapters,
            (Some(_), None, None, None) => Table::Registrations,
            _ => Table::Wide,
        };
        let parents = match table {
            Table::Wide | Table::Systems => [None, None],
            Table::Registrations => [place(SYSTEM), None],
            Table::Adapters => [place(SYSTEM), place(REGISTRATION)],
        };
        let mut columns = Vec::new();
        for (place, head) in heads.iter().enumerate().filter(|(place, _)| !parents.contains(&Some(*place))) {
            columns.push((place, Column::of(head, table.kind()).map_err(|text| bad_head(place, text))?));
        }
        Ok(Self { table, columns, parents, rows: 0, groups: IndexMap::new() })
    }

    fn parent<'a>(&self, which: usize, record: &'a ::csv::StringRecord) -> &'a str {
        let place = self.parents.get(which).copied().flatten();
        place.and_then(|place| record.get(place)).unwrap_or_default().trim()
    }

    /// Whether a further line is of one system too many.
    pub fn is_full(&self, most: usize, record: &::csv::StringRecord) -> bool {
        match self.table {
            Table::Wide => self.rows >= most,
            _ => self.groups.len() >= most && !self.groups.contains_key(self.parent(0, record)),
        }
    }

    /// What a line says.
    pub fn row(
        &mut self,
        record: &::csv::StringRecord,
        line: u64,
        empty: Empty,
        findings: &mut Findings,
    ) -> Row {
        let number = self.rows;
        self.rows = number.saturating_add(1);
        if self.table == Table::Wide {
            let path = format!("/systems/{number}");
            let named = self.columns.iter().find(|(_, column)| column.path == ["hostname"]);
            let named = named.and_then(|(place, _)| record.get(*place)).filter(|name| !name.is_empty());
            let place = Place {
                pointer: path.clone(),
                label: named.map_or_else(|| number.to_string(), str::to_owned),
            };
            let value = object(&self.columns, record, empty, &place, findings);
            return Row { system: Some((place, value)), pointers: vec![path] };
        }
        self.part(record, line, empty, findings)
    }

    /// A line that is a part of a system.
    fn part(
        &mut self,
        record: &::csv::StringRecord,
        line: u64,
        empty: Empty,
        findings: &mut Findings,
    ) -> Row {
        let system = self.parent(0, record).to_owned();
        if system.is_empty() {
            let problem = Problem::of_request("/systems", Code::Missing, "The column system says which one");
            findings.wrong(Problem {
                line: Some(line),
                column: self.parents[0].and_then(number_of),
                ..problem
            });
            return Row::default();
        }
        let known = self.groups.len();
        let (index, is_new) = match self.groups.get_index_of(&system) {
            Some(index) => (index, false),
            None => (known, true),
        };
        let mut path = vec!["systems".to_owned(), index.to_string()];
        let mut pointers = Vec::new();
        let mut note =
            |path: &[String], when: bool| pointers.extend(when.then(|| format!("/{}", pointer(path))));
        note(&path, is_new);
        let own = if self.table == Table::Adapters { "hwadapter_set" } else { "staticreg_set" };
        let registration = column::parent(self.parent(1, record));
        let mut at = Some(self.groups.entry(system.clone()).or_insert_with(|| named(&system)));
        if let Some(name) = registration.as_str().filter(|name| !name.is_empty()) {
            path.extend(["staticreg_set".to_owned(), name.to_owned()]);
            note(&path, true);
            let registrations = at.and_then(|system| children(system, "staticreg_set"));
            at = registrations.map(|all| all.entry(name).or_insert_with(|| Value::Object(Map::new())));
        }
        if let Some(all) = at.and_then(|parent| children(parent, own)) {
            let label = free(all, &label(&self.columns, record, line), line);
            path.extend([own.to_owned(), label.clone()]);
            note(&path, true);
            let place = Place { pointer: format!("/{}", pointer(&path)), label: label.clone() };
            all.insert(label, object(&self.columns, record, empty, &place, findings));
        }
        Row { system: None, pointers }
    }

    /// The systems of a table whose lines are parts of them.
    pub fn grouped(&mut self) -> impl Iterator<Item = (Place, Value)> + use<> {
        std::mem::take(&mut self.groups)
            .into_iter()
            .enumerate()
            .map(|(number, (label, value))| (Place { pointer: format!("/systems/{number}"), label }, value))
    }
}

/// The objects of a set; it is made where there is none.
fn children<'a>(parent: &'a mut Value, set: &str) -> Option<&'a mut Map<String, Value>> {
    let set = parent.as_object_mut()?.entry(set).or_insert_with(|| Value::Object(Map::new()));
    set.as_object_mut()
}

fn number_of(place: usize) -> Option<u64> {
    u64::try_from(place).ok().map(|place| place.saturating_add(1))
}

/// The system that a cell names.
fn named(cell: &str) -> Value {
    let parent = column::parent(cell);
    let member = if parent.is_number() { "pk" } else { "hostname" };
    Value::Object(Map::from_iter([(member.to_owned(), parent)]))
}

/// What the object of a line is called.
fn label(columns: &[(usize, Column)], record: &::csv::StringRecord, line: u64) -> String {
    let named = columns.iter().find(|(_, column)| column.path == ["name"]);
    let name = named.and_then(|(place, _)| record.get(*place)).filter(|name| !name.is_empty());
    name.map_or_else(|| format!("line {line}"), str::to_owned)
}

/// A label that stands for nothing yet.
fn free(children: &Map<String, Value>, label: &str, line: u64) -> String {
    if children.contains_key(label) { format!("{label} of line {line}") } else { label.to_owned() }
}
