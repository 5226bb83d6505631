//! Rows that are written by one statement however many they are: as a JSON list, which the database unfolds.
//!
//! Invariant: a row with a key that is there already becomes what the list says. What a list is written from is made
//! before the writer is asked for: the writer is held for the statement alone.

use diesel::{PgConnection, SqliteConnection};
use serde::Serialize;

use super::rows::{self, AdapterRow, AliasRow, AttributeRow, RegistrationRow, SystemRow};
use crate::inventory::model::{Kind, Object};

/// Rows of one list: one value of the database holds it, and its memory as often as the database copies it.
const AT_ONCE: usize = 10_000;
/// Bytes after which a list ends as well: databases take no value of a gigabyte.
const LARGE: usize = 8 * 1024 * 1024;

/// A table that is written so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    /// Names that records refer to.
    Lookups,
    /// Objects of a kind.
    Of(Kind),
    /// The views of objects.
    Views,
    /// What became of objects.
    Changes,
}

impl Table {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Lookups => "lookups",
            Self::Of(Kind::System) => "systems",
            Self::Of(Kind::Registration) => "registrations",
            Self::Of(Kind::Adapter) => "adapters",
            Self::Of(Kind::Alias) => "aliases",
            Self::Of(Kind::Attribute) => "object_attributes",
            Self::Views => "object_views",
            Self::Changes => "changes",
        }
    }

    fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Lookups => &["pk", "kind", "name"],
            Self::Of(Kind::System) => SystemRow::COLUMNS,
            Self::Of(Kind::Registration) => RegistrationRow::COLUMNS,
            Self::Of(Kind::Adapter) => AdapterRow::COLUMNS,
            Self::Of(Kind::Alias) => AliasRow::COLUMNS,
            Self::Of(Kind::Attribute) => AttributeRow::COLUMNS,
            Self::Views => &["owner", "view"],
            Self::Changes => &[
                "change_set",
                "number",
                "committed_us",
                "kind",
                "pk",
                "system_pk",
                "label",
                "op",
                "before",
                "after",
            ],
        }
    }

    /// The statement that writes what a list, its one parameter, says.
    pub(super) fn statement<C: Unfold>(self) -> String {
        let (name, columns) = (self.name(), self.columns());
        let cells: Vec<String> = columns.iter().map(|column| C::cell(column)).collect();
        // SQLite would take ON CONFLICT for a part of a join without the WHERE.
        let (into, cells, rows) = (columns.join(", "), cells.join(", "), C::rows(name));
        let insert = format!("INSERT INTO {name} ({into}) SELECT {cells} FROM {rows} WHERE true");
        let Self::Of(_) = self else { return insert };
        let set: Vec<String> = columns.iter().map(|column| format!("{column} = excluded.{column}")).collect();
        format!("{insert} ON CONFLICT (pk) DO UPDATE SET {}", set.join(", "))
    }
}

/// How a database unfolds a list.
pub(super) trait Unfold {
    /// The rows of the list, for this table.
    fn rows(table: &str) -> String;
    /// What one of them holds for a column.
    fn cell(column: &str) -> String;
}

impl Unfold for SqliteConnection {
    fn rows(_table: &str) -> String {
        "jsonb_each($1)".to_owned()
    }

    fn cell(column: &str) -> String {
        match column {
            "address" => r"unhex(value ->> 'address', '\x')".to_owned(),
            _ => format!("value ->> '{column}'"),
        }
    }
}

impl Unfold for PgConnection {
    fn rows(table: &str) -> String {
        format!("json_populate_recordset(NULL::{table}, CAST($1 AS json))")
    }

    fn cell(column: &str) -> String {
        column.to_owned()
    }
}

/// Rows of a table, as the lists that are written.
#[derive(Clone, Debug)]
pub struct Lists {
    pub(super) table: Table,
    lists: Vec<String>,
    open: Vec<u8>,
    rows: usize,
}

impl Lists {
    /// No rows yet.
    #[must_use]
    pub fn of(table: Table) -> Self {
        Self { table, lists: Vec::new(), open: Vec::new(), rows: 0 }
    }

    /// Adds a row: its members are the columns. A text may as well be given as the JSON that it is.
    ///
    /// # Errors
    /// Never, unless it can not be written as JSON.
    pub fn push<T: Serialize + ?Sized>(&mut self, row: &T) -> serde_json::Result<()> {
        if self.rows == AT_ONCE || self.open.len() >= LARGE {
            self.close()?;
        }
        self.open.push(if self.rows == 0 { b'[' } else { b',' });
        self.rows = self.rows.saturating_add(1);
        serde_json::to_writer(&mut self.open, row)
    }

    /// Ends the list that is being written.
    fn close(&mut self) -> serde_json::Result<()> {
        let mut list = std::mem::take(&mut self.open);
        self.rows = 0;
        list.push(b']');
        self.lists.push(String::from_utf8(list).map_err(serde::ser::Error::custom)?);
        Ok(())
    }

    /// The whole, once there is no more.
    ///
    /// # Errors
    /// As [`Self::push`].
    pub fn ended(mut self) -> serde_json::Result<Self> {
        if self.rows > 0 {
            self.close()?;
        }
        Ok(self)
    }

    /// How much it is.
    pub(super) fn bytes(&self) -> usize {
        self.lists.iter().map(String::len).sum()
    }

    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        self.lists.iter().map(String::as_str)
    }
}

/// All rows of objects, in the order in which their tables are written.
///
/// # Errors
/// As [`Lists::push`].
pub fn rows_of<'a>(objects: impl Iterator<Item = &'a Object>, now_us: i64) -> serde_json::Result<Vec<Lists>> {
    let mut kinds = Kind::ALL.map(|kind| Lists::of(Table::Of(kind)));
    let mut views = Lists::of(Table::Views);
    for object in objects {
        let Some(lists) = kinds.iter_mut().find(|lists| lists.table == Table::Of(object.id.0)) else {
            continue;
        };
        match object.id.0 {
            Kind::System => lists.push(&SystemRow::new(object, now_us)),
            Kind::Registration => lists.push(&RegistrationRow::new(object)),
            Kind::Adapter => lists.push(&AdapterRow::new(object)),
            Kind::Alias => lists.push(&AliasRow::new(object)),
            Kind::Attribute => lists.push(&AttributeRow::new(object)),
        }?;
        rows::views_of(object).iter().try_for_each(|view| views.push(view))?;
    }
    kinds.into_iter().chain([views]).map(Lists::ended).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_long_is_more_than_one_list() {
        let mut lists = Lists::of(Table::Lookups);
        for number in 0..=AT_ONCE {
            lists.push(&number).unwrap();
        }
        let lists = lists.ended().unwrap();
        let texts: Vec<Vec<usize>> = lists.texts().map(|text| serde_json::from_str(text).unwrap()).collect();
        assert_eq!(texts.concat(), (0..=AT_ONCE).collect::<Vec<_>>());
        assert_eq!(texts.len(), 2);
        let mut lists = Lists::of(Table::Lookups);
        let row = "x".repeat(LARGE / 2);
        (0..5).for_each(|_| lists.push(&row).unwrap());
        assert_eq!(lists.ended().unwrap().texts().count(), 3);
    }

    #[test]
    fn nothing_is_no_list() {
        assert_eq!(Lists::of(Table::Changes).ended().unwrap().texts().count(), 0);
    }
}
