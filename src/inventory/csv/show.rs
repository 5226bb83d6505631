//! Systems as lines of a table.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::model::{Kind, Type};

/// The column that names the system of an object.
pub const SYSTEM: &str = "system";
/// The column that names the registration of an adapter; empty where it belongs to the system.
pub const REGISTRATION: &str = "registration";

/// What the lines of a table are about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Table {
    /// Systems, with all that belongs to them.
    #[default]
    Wide,
    /// Systems, with their pairs.
    Systems,
    /// Registrations, with their aliases and pairs.
    Registrations,
    /// Adapters, with their pairs.
    Adapters,
}

/// The cells of a line, by the heads of their columns.
type Cells = Vec<(String, String)>;

impl Table {
    /// The table of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "systems" => Some(Self::Systems),
            "registrations" => Some(Self::Registrations),
            "adapters" => Some(Self::Adapters),
            _ => None,
        }
    }

    /// What its lines are.
    #[must_use]
    pub fn kind(self) -> Kind {
        match self {
            Self::Wide | Self::Systems => Kind::System,
            Self::Registrations => Kind::Registration,
            Self::Adapters => Kind::Adapter,
        }
    }

    fn first(self) -> &'static [&'static str] {
        match self {
            Self::Wide | Self::Systems => &["hostname", "pk", "version", "uuid"],
            Self::Registrations => &[SYSTEM, "name", "pk", "version"],
            Self::Adapters => &[SYSTEM, REGISTRATION, "name", "pk", "version"],
        }
    }
}

/// The lines that a system takes.
#[must_use]
pub fn rows(system: &Value, table: Table) -> Vec<Cells> {
    let name = system.get("hostname").map(show).unwrap_or_default();
    match table {
        Table::Wide | Table::Systems => vec![flat(system, table)],
        Table::Registrations => children(system, "staticreg_set")
            .map(|(_, registration)| line_of(registration, table, &[(SYSTEM, &name)]))
            .collect(),
        Table::Adapters => {
            let own = children(system, "hwadapter_set")
                .map(|(_, adapter)| line_of(adapter, table, &[(SYSTEM, &name), (REGISTRATION, "")]));
            let below = children(system, "staticreg_set").flat_map(|(label, registration)| {
                let name = &name;
                children(registration, "hwadapter_set").map(move |(_, adapter)| {
                    line_of(adapter, table, &[(SYSTEM, name), (REGISTRATION, label)])
                })
            });
            own.chain(below).collect()
        }
    }
}

fn children<'a>(object: &'a Value, set: &str) -> impl Iterator<Item = (&'a String, &'a Value)> + use<'a> {
    object.get(set).and_then(Value::as_object).into_iter().flatten()
}

fn line_of(object: &Value, table: Table, parents: &[(&str, &str)]) -> Cells {
    let parents = parents.iter().map(|(head, cell)| ((*head).to_owned(), (*cell).to_owned()));
    parents.chain(flat(object, table)).collect()
}

fn flat(object: &Value, table: Table) -> Cells {
    let mut cells = Vec::new();
    flatten(object, table.kind(), table == Table::Wide, "", &mut cells);
    cells
}

fn flatten(value: &Value, kind: Kind, all: bool, prefix: &str, cells: &mut Cells) {
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
            Some(_) if !all => {}
            Some((_, child)) => {
                for (label, object) in value.as_object().into_iter().flatten() {
                    flatten(object, *child, all, &format!("{head}.{label}."), cells);
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

/// The heads of a table in which the names stand first.
#[must_use]
pub fn heads(found: BTreeSet<String>, table: Table) -> Vec<String> {
    let first = table.first();
    let rest = found.into_iter().filter(|head| !first.contains(&head.as_str()));
    first.iter().map(|head| (*head).to_owned()).chain(rest).collect()
}
