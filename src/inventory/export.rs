//! Exports: systems page by page, in the order of their host names.
//!
//! Invariant: a page is all that is held, however many systems there are; what is exported can be imported as it is.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::Value;

pub use super::csv::Table;
use super::forest::Forest;
use super::lookups::Lookups;
use super::model::Kind;
use super::observed::{self, Rows, Seen};
use super::search::Search;
use super::service::{Format, Inventory};
use super::shown::{Relations, Shape, Shown};
use super::{csv, yaml};
use crate::error::{Error, Result};
use crate::store::inventory::{Found, select};

/// Systems that are read at once.
const PAGE: usize = 500;

/// What is exported.
#[derive(Clone, Debug)]
pub struct Selection {
    /// Which systems.
    pub search: Search,
    /// How many at most; all where none.
    pub limit: Option<usize>,
    /// The last host name of the page before.
    pub marker: Option<String>,
    /// Only these members of systems, beside those that name one; all where empty.
    pub fields: Vec<String>,
    /// How relations are shown.
    pub relations: Relations,
    /// What is shown beside what was declared.
    pub related: Related,
    /// What the lines of a table are about.
    pub table: Table,
}

impl Selection {
    /// Nothing that was asked for is passed over.
    fn goes_together(&self) -> Result<()> {
        let of_systems = matches!(self.table, Table::Wide | Table::Systems);
        if of_systems || (self.fields.is_empty() && self.related == Related::Nothing) {
            return Ok(());
        }
        let text = "a table of registrations or adapters has no fields of systems, and not what was observed of them";
        Err(Error::bad_request(format!("Invalid kind: {text}")))
    }
}

/// What an export shows beside what was declared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Related {
    /// Nothing.
    #[default]
    Nothing,
    /// What was observed of the nodes.
    Observed,
}

/// An export as it goes on.
#[derive(Debug)]
pub struct Export {
    inventory: Inventory,
    selection: Selection,
    format: Format,
    /// The heads of a table.
    heads: Vec<String>,
    stage: Stage,
    given: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Before,
    Systems,
    After,
    Over,
}

/// Systems that were read together.
struct Page {
    found: Vec<Found>,
    forest: Forest,
    lookups: Lookups,
    /// What was observed, by system.
    observed: HashMap<i64, Value>,
}

impl Page {
    /// The systems as they are shown, with their names.
    fn shown<'a>(&'a self, selection: &'a Selection) -> impl Iterator<Item = (&'a str, Shown<'a>)> {
        let shape = Shape { lookups: &self.lookups, relations: selection.relations, first_new: None };
        self.found.iter().filter_map(move |found| {
            let system = self.forest.get((Kind::System, found.pk))?;
            let shown = shape.tree(&self.forest, system).only(&selection.fields);
            Some((found.key.as_str(), shown.with(self.observed.get(&found.pk))))
        })
    }
}

impl Export {
    /// An export that has given nothing yet; answers the generation that it begins at. Blocks.
    ///
    /// # Errors
    /// Where the parts of the selection do not go together, or the database can not be read.
    pub fn new(inventory: Inventory, selection: Selection, format: Format) -> Result<(Self, i64)> {
        selection.goes_together()?;
        let (generation, _) = inventory.store.read_blocking(|session| session.inventory_state())?;
        let mut export =
            Self { inventory, selection, format, heads: Vec::new(), stage: Stage::Before, given: 0 };
        if format == Format::Csv {
            export.heads = export.find_heads()?;
        }
        Ok((export, generation))
    }

    /// The heads of a table are known only when all systems were seen once.
    fn find_heads(&self) -> Result<Vec<String>> {
        let mut found = BTreeSet::new();
        let (mut marker, mut given) = (self.selection.marker.clone(), 0_usize);
        loop {
            let page = self.page(marker.as_deref(), given)?;
            let Some(last) = page.found.last() else { break };
            marker = Some(last.key.clone());
            given = given.saturating_add(page.found.len());
            for (_, system) in page.shown(&self.selection) {
                let system = serde_json::to_value(system).map_err(Error::internal)?;
                let rows = csv::rows(&system, self.selection.table);
                found.extend(rows.into_iter().flatten().map(|(head, _)| head));
            }
        }
        Ok(csv::heads(found, self.selection.table))
    }

    fn page(&self, marker: Option<&str>, given: usize) -> Result<Page> {
        let most = self.selection.limit.unwrap_or(usize::MAX).saturating_sub(given).min(PAGE);
        let limit = i64::try_from(most).map_err(Error::internal)?;
        let search = &self.selection.search;
        let (found, objects, names, rows) = self.inventory.store.snapshot_blocking(|session| {
            let found = if most == 0 { Vec::new() } else { select::page(session, search, marker, limit)? };
            let pks: Vec<i64> = found.iter().map(|found| found.pk).collect();
            let objects = if pks.is_empty() { Vec::new() } else { session.inventory_trees(&pks)? };
            let rows = match self.selection.related {
                Related::Observed => observed::read(session, &pks)?,
                Related::Nothing => Rows::default(),
            };
            Ok((found, objects, session.lookups()?, rows))
        })?;
        let mut lookups = Lookups::default();
        names.iter().for_each(|row| lookups.add(row.pk, &row.kind, &row.name));
        let forest = Forest::new(objects.into_iter().map(Arc::new));
        let shown =
            |(pk, seen): (i64, Seen)| Some((pk, seen.show(&forest, forest.get((Kind::System, pk))?)?));
        let observed = rows.by_system()?.into_iter().filter_map(shown).collect();
        Ok(Page { found, forest, lookups, observed })
    }

    /// How many systems were given so far.
    #[must_use]
    pub fn given(&self) -> usize {
        self.given
    }

    /// The next part of the text; none at the end. Blocks.
    ///
    /// # Errors
    /// Where the database can not be read.
    pub fn next_part(&mut self) -> Result<Option<Vec<u8>>> {
        match self.stage {
            Stage::Before => {
                self.stage = Stage::Systems;
                self.beginning().map(Some)
            }
            Stage::Systems => {
                let page = self.page(self.selection.marker.as_deref(), self.given)?;
                let Some(last) = page.found.last() else {
                    self.stage = Stage::After;
                    return self.next_part();
                };
                let part = self.part(&page)?;
                self.selection.marker = Some(last.key.clone());
                self.given = self.given.saturating_add(page.found.len());
                Ok(Some(part))
            }
            Stage::After => {
                self.stage = Stage::Over;
                let end = match (self.format, self.given) {
                    (Format::Json, _) => "}}\n",
                    (Format::Yaml, 0) => " {}\n",
                    (Format::Yaml, _) => "\n",
                    (Format::Csv, _) => "",
                };
                Ok(Some(end.as_bytes().to_vec()))
            }
            Stage::Over => Ok(None),
        }
    }

    fn beginning(&self) -> Result<Vec<u8>> {
        match self.format {
            Format::Csv => csv::line(self.heads.iter().map(String::as_str)),
            Format::Json => Ok(format!("{{\"lookups\":{},\"systems\":{{", self.lookups()?).into_bytes()),
            Format::Yaml => {
                let mut text = "\"lookups\":".to_owned();
                yaml::write(&mut text, &self.lookups()?, 1);
                text.push_str("\n\"systems\":");
                Ok(text.into_bytes())
            }
        }
    }

    /// All names, so that an export can be imported elsewhere.
    fn lookups(&self) -> Result<Value> {
        let names = self.inventory.store.read_blocking(|session| session.lookups())?;
        let mut lookups = Lookups::default();
        names.iter().for_each(|row| lookups.add(row.pk, &row.kind, &row.name));
        let mut kinds = super::lookups::KINDS;
        kinds.sort_unstable();
        let all = kinds.iter().map(|kind| ((*kind).to_owned(), Value::from(lookups.of_kind(kind))));
        Ok(Value::Object(all.collect()))
    }

    fn part(&self, page: &Page) -> Result<Vec<u8>> {
        let mut part = Vec::new();
        for (place, (name, system)) in page.shown(&self.selection).enumerate() {
            match self.format {
                Format::Json => {
                    if self.given > 0 || place > 0 {
                        part.push(b',');
                    }
                    part.push(b'\n');
                    serde_json::to_writer(&mut part, name).map_err(Error::internal)?;
                    part.push(b':');
                    serde_json::to_writer(&mut part, &system).map_err(Error::internal)?;
                }
                Format::Yaml => {
                    let system = serde_json::to_value(system).map_err(Error::internal)?;
                    let mut text = format!("\n  {}:", Value::from(name));
                    yaml::write(&mut text, &system, 2);
                    part.extend(text.into_bytes());
                }
                Format::Csv => {
                    let system = serde_json::to_value(system).map_err(Error::internal)?;
                    for row in csv::rows(&system, self.selection.table) {
                        let cells: HashMap<String, String> = row.into_iter().collect();
                        let cells = self.heads.iter().map(|head| cells.get(head).map_or("", String::as_str));
                        part.extend(csv::line(cells)?);
                    }
                }
            }
        }
        Ok(part)
    }
}
