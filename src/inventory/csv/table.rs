//! Which objects the lines of a table are about, and where they stand in a request.
//!
//! Invariant: a table of one kind becomes the same request as one with a line a system: its objects stand within the
//! systems that their parent columns name. Each line is turned into its compact form as soon as it is read.

use std::collections::HashMap;

use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::super::blob::Blob;
use super::super::model::Kind;
use super::super::problem::{Code, Place, Problem};
use super::super::reader::Reader;
use super::column::{self, Column, Empty};
use super::show::{REGISTRATION, SYSTEM, Table};
use super::{MOST_COLUMNS, bad_head, object};

/// Where something stands in a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spot {
    /// Its line.
    pub line: u64,
    /// The column that names it, where the line is about something else.
    pub named_in: Option<u64>,
}

/// Where things stand, by their pointers.
pub type Spots = HashMap<String, Spot>;

/// A table as its heads describe it, and what its lines have said so far.
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
    /// Systems that are a line each.
    systems: Vec<Blob>,
    /// What is no system at all: how many come before it, and where it stands.
    left_out: Vec<(usize, String)>,
    /// Systems by what the lines call them, where a line is less than one.
    groups: IndexMap<String, Group>,
}

/// A line.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    /// Its cells.
    pub record: &'a ::csv::StringRecord,
    /// Its number in the file.
    pub number: u64,
    /// What empty cells say.
    pub empty: Empty,
}

impl Line<'_> {
    fn spot(self, named_in: Option<usize>) -> Spot {
        Spot { line: self.number, named_in: named_in.and_then(number_of) }
    }
}

/// A system of which the lines are parts.
#[derive(Debug)]
struct Group {
    place: Place,
    /// None where nobody can know which system it is.
    blob: Option<Blob>,
    /// The places of registrations that lines name, among what belongs to the system.
    registrations: HashMap<String, Option<usize>>,
}

impl Sheet {
    /// The table with these heads.
    ///
    /// # Errors
    /// Where there are none, or one is no path.
    pub fn of(heads: &::csv::StringRecord) -> Result<Self, Box<Problem>> {
        let place = |name: &str| heads.iter().position(|head| head.trim_matches(' ') == name);
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
        let (systems, left_out, groups) = (Vec::new(), Vec::new(), IndexMap::new());
        Ok(Self { table, columns, parents, rows: 0, systems, left_out, groups })
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

    /// Takes what a line says.
    pub fn take(&mut self, line: Line<'_>, reader: &mut Reader, spots: &mut Spots) {
        match self.table {
            Table::Wide | Table::Systems => self.whole(line, reader, spots),
            Table::Registrations => self.part(Kind::Registration, "staticreg_set", line, reader, spots),
            Table::Adapters => self.part(Kind::Adapter, "hwadapter_set", line, reader, spots),
        }
    }

    /// A line that is a system.
    fn whole(&mut self, line: Line<'_>, reader: &mut Reader, spots: &mut Spots) {
        let number = self.rows;
        self.rows = number.saturating_add(1);
        let pointer = format!("/systems/{number}");
        let named = self.columns.iter().find(|(_, column)| column.path == ["hostname"]);
        let named = named.and_then(|(place, _)| line.record.get(*place)).filter(|name| !name.is_empty());
        let label = named.map_or_else(|| number.to_string(), str::to_owned);
        let place = Place { pointer: pointer.clone(), label };
        spots.insert(pointer.clone(), line.spot(None));
        let value = object(&self.columns, line, &place, &mut reader.findings);
        match reader.blob(Kind::System, &value, place) {
            Some(blob) => self.systems.push(blob),
            None => self.left_out.push((self.systems.len(), pointer)),
        }
    }

    /// A line that is a part of a system.
    fn part(
        &mut self,
        kind: Kind,
        set: &'static str,
        line: Line<'_>,
        reader: &mut Reader,
        spots: &mut Spots,
    ) {
        let system = self.parent(0, line.record).to_owned();
        if system.is_empty() {
            let problem = Problem::of_request("/systems", Code::Missing, "The column system says which one");
            let Spot { line, named_in: column } = line.spot(self.parents[0]);
            return reader.findings.wrong(Problem { line: Some(line), column, ..problem });
        }
        let registration = column::parent(self.parent(1, line.record));
        let (number, [system_in, registration_in]) = (self.groups.len(), self.parents);
        let group = self.groups.entry(system).or_insert_with_key(|name| {
            let place = Place { pointer: format!("/systems/{number}"), label: name.clone() };
            Group::of(place, line.spot(system_in), reader, spots)
        });
        let (holder, place) = match is_named(&registration) {
            true => group.registration(registration, line.spot(registration_in), reader, spots),
            false => (group.blob.as_mut(), group.place.clone()),
        };
        let place = free(&place, set, &label(&self.columns, line), line.number, spots);
        spots.insert(place.pointer.clone(), line.spot(None));
        let value = object(&self.columns, line, &place, &mut reader.findings);
        let blob = reader.blob(kind, &value, place);
        if let (Some(holder), Some(blob)) = (holder, blob) {
            if !holder.sets.contains(&set) {
                holder.sets.push(set);
            }
            holder.children.push(blob);
        }
    }

    /// All systems, and what is none.
    pub fn systems(self) -> (Vec<Blob>, Vec<(usize, String)>) {
        let (mut systems, mut left_out) = (self.systems, self.left_out);
        for group in self.groups.into_values() {
            match group.blob {
                Some(blob) => systems.push(blob),
                None => left_out.push((systems.len(), group.place.pointer)),
            }
        }
        (systems, left_out)
    }
}

impl Group {
    fn of(place: Place, spot: Spot, reader: &mut Reader, spots: &mut Spots) -> Self {
        spots.insert(place.pointer.clone(), spot);
        let cell = column::parent(&place.label);
        let member = if cell.is_number() { "pk" } else { "hostname" };
        let blob = reader.blob(Kind::System, &only(member, cell), place.clone());
        Self { place, blob, registrations: HashMap::new() }
    }

    /// The registration of this name or key. It is no given set: what the table does not speak of stays, whatever the
    /// mode.
    fn registration(
        &mut self,
        cell: Value,
        spot: Spot,
        reader: &mut Reader,
        spots: &mut Spots,
    ) -> (Option<&mut Blob>, Place) {
        let label = cell.as_str().map_or_else(|| format!("#{cell}"), str::to_owned);
        let place = self.place.below("staticreg_set", &label);
        let Some(system) = self.blob.as_mut() else { return (None, place) };
        let at = *self.registrations.entry(label).or_insert_with(|| {
            spots.insert(place.pointer.clone(), spot);
            // It takes its label for its name.
            let value = if cell.is_number() { only("pk", cell) } else { Value::Object(Map::new()) };
            let blob = reader.blob(Kind::Registration, &value, place.clone())?;
            system.children.push(blob);
            system.children.len().checked_sub(1)
        });
        (at.and_then(|at| system.children.get_mut(at)), place)
    }
}

/// Whether the cell of a parent says something.
fn is_named(cell: &Value) -> bool {
    cell.is_number() || cell.as_str().is_some_and(|name| !name.is_empty())
}

fn only(member: &str, value: Value) -> Value {
    Value::Object(Map::from_iter([(member.to_owned(), value)]))
}

fn number_of(place: usize) -> Option<u64> {
    u64::try_from(place).ok().map(|place| place.saturating_add(1))
}

/// What the object of a line is called.
fn label(columns: &[(usize, Column)], line: Line<'_>) -> String {
    let named = columns.iter().find(|(_, column)| column.path == ["name"]);
    let name = named.and_then(|(place, _)| line.record.get(*place)).filter(|name| !name.is_empty());
    name.map_or_else(|| format!("line {}", line.number), str::to_owned)
}

/// A place where nothing stands yet.
fn free(above: &Place, set: &str, label: &str, line: u64, spots: &Spots) -> Place {
    let place = above.below(set, label);
    if spots.contains_key(&place.pointer) {
        return above.below(set, &format!("{label} of line {line}"));
    }
    place
}
