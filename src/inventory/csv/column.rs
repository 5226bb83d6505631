//! Columns of a table: what their heads mean, and how their cells are read.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::super::model::{Field, Kind, Need, Type};
use super::super::unique::Unique;
use super::pointer;

/// What stands in a column.
#[derive(Clone, Debug)]
pub struct Column {
    /// Its head.
    pub head: String,
    /// The members that lead to it.
    pub path: Vec<String>,
    /// What it belongs to.
    pub kind: Kind,
    cell: Cell,
    field: Option<&'static Field>,
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

/// What an empty cell says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Empty {
    /// Nothing.
    Keeps,
    /// That there is nothing, where there may be nothing, of an object that the line speaks of.
    Clears,
}

impl Column {
    /// What the head of a column means, beginning at an object of this kind.
    ///
    /// # Errors
    /// Where it is no path into one.
    pub fn of(head: &str, about: Kind) -> Result<Self, String> {
        let mut kind = about;
        let mut path = Vec::new();
        // The key of a pair may have blanks around it.
        let mut rest = if head.contains("keyvalue_set.") { head } else { head.trim() };
        let no_path = || format!("The column {head} is no path into the {}", about.name());
        loop {
            let (segment, below) =
                rest.split_once('.').map_or((rest, None), |(segment, below)| (segment, Some(below)));
            let segment = if segment == "srs" { "staticreg_set" } else { segment };
            path.push(segment.to_owned());
            let set = kind.children().iter().find(|(set, _)| *set == segment);
            let (cell, field) = match (set, below) {
                (Some((_, Kind::Attribute)), Some(key)) if !key.is_empty() => {
                    path.push(key.to_owned());
                    kind = Kind::Attribute;
                    (Cell::Pair, None)
                }
                (Some((_, Kind::Alias)), None) => (Cell::Json, None),
                // The only element, as there is no name for it.
                (Some((_, Kind::Alias)), Some(below)) => {
                    path.push("0".to_owned());
                    (kind, rest) = (Kind::Alias, below);
                    continue;
                }
                (Some((_, child @ (Kind::Registration | Kind::Adapter))), Some(below)) => {
                    let (label, below) = below.split_once('.').ok_or_else(no_path)?;
                    path.push(label.to_owned());
                    (kind, rest) = (*child, below);
                    continue;
                }
                // What is not known is told for each line, with what is near to it.
                (None, None) => {
                    let field = kind.field(segment).map(|(_, field)| field);
                    (Cell::of(segment, field), field)
                }
                _ => return Err(no_path()),
            };
            return Ok(Self { head: head.to_owned(), path, kind, cell, field });
        }
    }

    /// Its path as the end of a pointer.
    pub fn pointer(&self) -> String {
        pointer(&self.path)
    }

    /// The paths of the objects that it is within, its own among them.
    pub fn above(&self) -> impl Iterator<Item = &[String]> {
        (0..self.path.len()).filter_map(|length| self.path.get(..length))
    }

    /// What its object is called; none for the one that the table is about.
    pub fn label(&self) -> Option<&str> {
        let place = if self.kind == Kind::Attribute { 1 } else { 2 };
        self.path
            .iter()
            .nth_back(place.min(self.path.len()).saturating_sub(1))
            .filter(|_| self.path.len() > 1)
            .map(String::as_str)
    }

    /// Whether an empty cell takes something away: what may be null, of an object that something is said of.
    pub fn clears(&self, spoken_of: &HashSet<&[String]>) -> bool {
        let own = self.path.len().checked_sub(1).and_then(|length| self.path.get(..length));
        self.field.is_some_and(|field| field.need == Need::No)
            && own.is_some_and(|own| spoken_of.contains(own))
    }

    /// What a cell says.
    ///
    /// # Errors
    /// What is expected instead.
    pub fn read(&self, text: &str) -> Result<Value, &'static str> {
        self.cell.read(text)
    }

    /// Puts what a cell says into its object.
    pub fn insert(&self, object: &mut Value, value: Value) {
        let Some((last, above)) = self.path.split_last() else { return };
        let mut at = object;
        for segment in above {
            at = match at {
                Value::Object(members) => {
                    members.entry(segment.clone()).or_insert_with(|| match segment.as_str() {
                        "cname" => Value::Array(vec![Value::Object(Map::new())]),
                        _ => Value::Object(Map::new()),
                    })
                }
                Value::Array(items) => match items.first_mut() {
                    Some(only) => only,
                    None => return,
                },
                _ => return,
            };
        }
        let value = match self.cell {
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
}

/// What the cell of a parent says: a name, or a key behind `#`.
pub fn parent(text: &str) -> Value {
    Cell::Reference.read(text).unwrap_or(Value::Null)
}

impl Cell {
    fn of(name: &str, field: Option<&Field>) -> Self {
        match (name, field.map(|field| field.ty)) {
            ("pk" | "version", _) | (_, Some(Type::Int(..))) => Self::Number,
            ("delete" | "adopt", _) | (_, Some(Type::Bool)) => Self::Bool,
            (_, Some(Type::Relation(_))) => Self::Reference,
            (_, Some(Type::Views)) => Self::Json,
            _ => Self::Text,
        }
    }

    fn read(self, text: &str) -> Result<Value, &'static str> {
        if text == "\\N" {
            return Ok(Value::Null);
        }
        let plain = match text {
            "\\E" => "",
            _ => text.strip_prefix('\\').unwrap_or(text),
        };
        match self {
            Self::Text | Self::Pair => Ok(Value::from(plain)),
            Self::Number => text.parse::<i64>().map(Value::from).map_err(|_| "a whole number"),
            Self::Bool => match text.to_ascii_lowercase().as_str() {
                "true" => Ok(Value::from(true)),
                "false" => Ok(Value::from(false)),
                _ => Err("true or false"),
            },
            Self::Reference => match text.strip_prefix('#').map(str::parse::<i64>) {
                Some(Ok(key)) => Ok(Value::from(key)),
                _ => Ok(Value::from(plain)),
            },
            Self::Json => match serde_json::from_str(text) {
                Ok(Unique(value)) => Ok(value),
                Err(_) => Err("a list in JSON, in which no member stands twice,"),
            },
        }
    }
}
