//! One host: what is declared of it, which node it is, and what was observed there.
//!
//! Invariant: what was observed stands beside what was declared, never over it.

use std::sync::Arc;

use serde_json::{Value, json};
use uuid::Uuid;

use super::forest::Forest;
use super::lookups::Lookups;
use super::model::Kind;
use super::observed::{self, Rows};
use super::service::Inventory;
use super::shown::{Relations, Shape};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::store::inventory::links::LinkRow;
use crate::store::inventory::{Find, LookupRow, list_of};
use crate::store::{QueryResult, Session};

impl Inventory {
    /// All that is known of a system; `ident` is its key, its UUID or its host name. Blocks.
    ///
    /// # Errors
    /// Where there is no such system, or the database can not be read.
    pub fn host(&self, ident: &str) -> Result<Value> {
        let ident = ident.to_owned();
        let found = self.store.read_blocking(|session| read(session, &ident))?;
        let unknown = || Error::not_found(format!("There is no system {ident}"));
        let Found { pk, forest, names, rows } = found.ok_or_else(unknown)?;
        let system = forest.get((Kind::System, pk)).cloned().ok_or_else(unknown)?;
        let mut lookups = Lookups::default();
        names.iter().for_each(|row| lookups.add(row.pk, &row.kind, &row.name));
        let seen = rows.by_system()?.remove(&pk).unwrap_or_default();
        let shape = Shape { lookups: &lookups, relations: Relations::Names, first_new: None };
        Ok(json!({
            "system": shape.tree(&forest, &system),
            "links": seen.links.iter().map(show_link).collect::<Vec<Value>>(),
            "introspection": seen.introspection,
            "observed": seen.facts.as_ref().map(|facts| &facts.0),
            "findings": seen.findings,
            "differences": seen.differences(&forest, &system),
        }))
    }
}

impl Inventory {
    /// The key of a system; `ident` is that, its UUID or its host name. A key is taken for one that there is, or was.
    /// Blocks.
    ///
    /// # Errors
    /// Where there is no such system, or the database can not be read.
    pub fn key_of(&self, ident: &str) -> Result<i64> {
        let wanted = ident.to_owned();
        let found = self.store.read_blocking(|session| key(session, &wanted))?;
        found.ok_or_else(|| Error::not_found(format!("There is no system {ident}")))
    }
}

struct Found {
    pk: i64,
    forest: Forest,
    names: Vec<LookupRow>,
    rows: Rows,
}

fn read(session: &mut dyn Session, ident: &str) -> QueryResult<Option<Found>> {
    let Some(pk) = key(session, ident)? else { return Ok(None) };
    let forest = Forest::new(session.inventory_trees(&[pk])?.into_iter().map(Arc::new));
    let (names, rows) = (session.lookups()?, observed::read(session, &[pk])?);
    Ok(Some(Found { pk, forest, names, rows }))
}

/// The key of the system that is meant.
fn key(session: &mut dyn Session, ident: &str) -> QueryResult<Option<i64>> {
    if let Ok(pk) = ident.parse::<i64>() {
        return Ok(Some(pk));
    }
    let (find, text) = match Uuid::try_parse(ident) {
        Ok(uuid) => (Find::Uuid, uuid.hyphenated().to_string()),
        Err(_) => (Find::Hostname, ident.to_lowercase()),
    };
    Ok(session.inventory_find(find, &list_of(&[text.replace('\0', "")]))?.first().map(|found| found.pk))
}

fn show_link(link: &LinkRow) -> Value {
    json!({
        "node_uuid": link.node_uuid, "state": link.state, "evidence": link.evidence, "detail": link.detail,
        "since": Timestamp(link.since_us).to_string(),
    })
}
