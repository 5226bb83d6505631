//! One host: what is declared of it, which node it is, and what was observed there.
//!
//! Invariant: what was observed stands beside what was declared, never over it.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};
use uuid::Uuid;

use super::forest::{Forest, Relations, Shape};
use super::lookups::Lookups;
use super::model::{Kind, Object};
use super::service::Inventory;
use crate::build_data::Generator;
use crate::build_data::facts::Facts;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::store::build_data::{Latest, Of, Selection};
use crate::store::inventory::links::LinkRow;
use crate::store::inventory::{Find, list_of};
use crate::store::{QueryResult, Session};

impl Inventory {
    /// All that is known of a system; `ident` is its key, its UUID or its host name. Blocks.
    ///
    /// # Errors
    /// Where there is no such system, or the database can not be read.
    pub fn host(&self, ident: &str) -> Result<Value> {
        let ident = ident.to_owned();
        let found = self.store.read_blocking(|session| read(session, &ident))?;
        found.ok_or_else(|| Error::not_found(format!("There is no system {ident}")))?
    }
}

fn read(session: &mut dyn Session, ident: &str) -> QueryResult<Option<Result<Value>>> {
    let Some(pk) = key(session, ident)? else { return Ok(None) };
    let forest = Forest::new(session.inventory_trees(&[pk])?.into_iter().map(Arc::new));
    let Some(system) = forest.get((Kind::System, pk)).cloned() else { return Ok(None) };
    let mut lookups = Lookups::default();
    session.lookups()?.iter().for_each(|row| lookups.add(row.pk, &row.kind, &row.name));
    let links = session.system_links(&list_of(&[pk]))?;
    let linked =
        links.iter().find(|link| link.state == "linked").and_then(|link| link.node_uuid.parse::<Uuid>().ok());
    let (run, facts) = match linked {
        Some(node) => (session.node(node)?, facts(session, node)?),
        None => (None, None),
    };
    let facts = match facts.transpose() {
        Ok(facts) => facts,
        Err(error) => return Ok(Some(Err(error))),
    };
    let shape = Shape { lookups: &lookups, relations: Relations::Names, first_new: None };
    let introspection = run.map(|record| {
        json!({
            "state": record.state.name(),
            "started_at": Timestamp(record.started_at.0).to_string(),
            "finished_at": record.finished_at.map(|moment| moment.to_string()),
            "error": record.error,
        })
    });
    Ok(Some(Ok(json!({
        "system": shape.tree(&forest, &system),
        "links": links.iter().map(show_link).collect::<Vec<Value>>(),
        "introspection": introspection,
        "observed": facts.as_ref().map(|facts| &facts.0),
        "differences": facts.as_ref().map(|facts| differences(&forest, &system, facts)).unwrap_or_default(),
    }))))
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

/// What the last run found.
fn facts(session: &mut dyn Session, node: Uuid) -> QueryResult<Option<Result<Facts>>> {
    let selection = Selection {
        of: Some(Of::Node(node)),
        generator: Some(Generator::Facts.name().to_owned()),
        latest: Latest::Only,
        ..Selection::default()
    };
    let Some(row) = session.builds(&selection, 1)?.into_iter().next() else { return Ok(None) };
    let Some((_, content)) = session.build(row.id)? else { return Ok(None) };
    let read = content.unpack().and_then(|text| serde_json::from_slice(&text).map_err(Error::internal));
    Ok(Some(read))
}

fn show_link(link: &LinkRow) -> Value {
    json!({
        "node_uuid": link.node_uuid, "state": link.state, "evidence": link.evidence, "detail": link.detail,
        "since": Timestamp(link.since_us).to_string(),
    })
}

/// Where what was declared and what was observed are not the same.
fn differences(forest: &Forest, system: &Arc<Object>, facts: &Facts) -> Vec<Value> {
    let property = |kind: &str, name: &str| {
        let found =
            facts.of_kind(kind).find_map(|(_, properties)| properties.get(name)?.as_str().map(str::to_owned));
        found.filter(|text| !text.is_empty())
    };
    let mut all = Vec::new();
    let pairs = [
        ("serial", system.text("serial"), property("system", "serial_number")),
        ("oob_ip", system.text("oob_ip"), property("bmc", "bmc_address")),
    ];
    for (field, declared, observed) in pairs {
        if let (Some(declared), Some(observed)) = (declared, observed)
            && !declared.eq_ignore_ascii_case(&observed)
        {
            all.push(json!({"field": field, "declared": declared, "observed": observed}));
        }
    }
    let adapters = forest.below(system.id).into_iter().filter(|id| id.0 == Kind::Adapter);
    let declared: BTreeSet<String> =
        adapters.filter_map(|id| Some(forest.get(id)?.text("mac")?.to_owned())).collect();
    let observed: BTreeSet<String> = facts
        .of_kind("nics")
        .filter_map(|(_, nic)| Some(nic.get("mac_address")?.as_str()?.to_lowercase()))
        .collect();
    let only = |field: &str, one: &BTreeSet<String>, other: &BTreeSet<String>, side: &str| -> Vec<Value> {
        one.difference(other)
            .map(|mac| {
                let (declared, observed) =
                    if side == "declared" { (Some(mac), None) } else { (None, Some(mac)) };
                json!({"field": field, "declared": declared, "observed": observed})
            })
            .collect()
    };
    all.extend(only("mac", &declared, &observed, "declared"));
    all.extend(only("mac", &observed, &declared, "observed"));
    all
}
