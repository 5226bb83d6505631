//! What was observed of systems, beside what was declared: the last introspection, what it found, what comparisons
//! told, and where that is not what was declared.
//!
//! Invariant: read-only. What was observed never becomes part of a record.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Value, json};

use super::forest::Forest;
use super::model::{Kind, Object};
use crate::build_data::facts::Facts;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::store::documents;
use crate::store::inventory::links::LinkRow;
use crate::store::inventory::list_of;
use crate::store::inventory::observed::{DesignRow, FactsRow, FindingRow, StandingRow};
use crate::store::{QueryResult, Session};

/// What is read of systems, before it is unpacked.
#[derive(Debug, Default)]
pub struct Rows {
    links: Vec<LinkRow>,
    standing: Vec<StandingRow>,
    facts: Vec<FactsRow>,
    findings: Vec<FindingRow>,
    designs: Vec<DesignRow>,
}

/// What is known of one system.
#[derive(Debug, Default)]
pub struct Seen {
    /// Its links to nodes.
    pub links: Vec<LinkRow>,
    /// The node that it is.
    pub node: Option<String>,
    /// Where its introspection stands.
    pub introspection: Option<Value>,
    /// What the last run found.
    pub facts: Option<Facts>,
    /// What the last comparison with a design told, whether it was asked for or came with a run.
    pub findings: Vec<Value>,
}

/// Reads what is known of systems.
///
/// # Errors
/// Where the database can not be read.
pub fn read(session: &mut dyn Session, systems: &[i64]) -> QueryResult<Rows> {
    let links = session.system_links(&list_of(systems))?;
    let nodes: Vec<&str> = links.iter().filter(|link| is_linked(link)).map(|link| &*link.node_uuid).collect();
    if nodes.is_empty() {
        return Ok(Rows { links, ..Rows::default() });
    }
    let nodes = list_of(&nodes);
    let (standing, facts) = (session.standing(&nodes)?, session.latest_facts(&nodes)?);
    let (findings, designs) = (session.latest_findings(&nodes)?, session.latest_designs(&nodes)?);
    Ok(Rows { links, standing, facts, findings, designs })
}

fn is_linked(link: &LinkRow) -> bool {
    link.state == "linked"
}

impl Rows {
    /// What is known, by system.
    ///
    /// # Errors
    /// Where a stored document is damaged.
    pub fn by_system(self) -> Result<HashMap<i64, Seen>> {
        let mut standing: HashMap<String, StandingRow> =
            self.standing.into_iter().map(|row| (row.node_uuid.clone(), row)).collect();
        let mut facts: HashMap<String, Facts> = HashMap::new();
        for row in self.facts {
            let text = documents::unpack(row.codec, row.size_bytes, &row.body)?;
            facts.insert(row.node_uuid, serde_json::from_slice(&text).map_err(Error::internal)?);
        }
        let mut findings = findings(self.findings, self.designs)?;
        let mut systems: HashMap<i64, Seen> = HashMap::new();
        for link in self.links {
            let node = is_linked(&link).then(|| link.node_uuid.clone());
            let seen = systems.entry(link.system_pk).or_default();
            seen.links.push(link);
            let Some(node) = node else { continue };
            // A node is linked to one system only.
            seen.introspection = standing.remove(&node).map(introspection);
            seen.facts = facts.remove(&node);
            seen.findings = findings.remove(&node).unwrap_or_default();
            seen.node = Some(node);
        }
        Ok(systems)
    }
}

/// What was told of each node at last: by a comparison that was asked for, or by a run.
fn findings(compared: Vec<FindingRow>, runs: Vec<DesignRow>) -> Result<HashMap<String, Vec<Value>>> {
    let mut told: HashMap<String, (i64, Vec<Value>)> = HashMap::new();
    for row in compared {
        let (over_us, all) = told.entry(row.node_uuid.clone()).or_default();
        *over_us = row.over_us.max(*over_us);
        all.extend(finding(row));
    }
    for row in runs {
        let is_newer = told.get(&row.node_uuid).is_none_or(|(over_us, _)| *over_us < row.collected_us);
        if is_newer {
            let all = of_run(&row)?;
            told.insert(row.node_uuid, (row.collected_us, all));
        }
    }
    Ok(told.into_iter().map(|(node, (_, all))| (node, all)).collect())
}

fn introspection(row: StandingRow) -> Value {
    json!({
        "state": row.state,
        "started_at": Timestamp(row.started_us).to_string(),
        "finished_at": row.finished_us.map(|moment| Timestamp(moment).to_string()),
        "error": row.error,
    })
}

fn finding(row: FindingRow) -> Option<Value> {
    let (message, at) = (row.message?, Timestamp(row.ts_us?).to_string());
    Some(json!({"level": row.level, "message": message, "task": row.task_id, "at": at}))
}

/// What the report of a run tells.
fn of_run(row: &DesignRow) -> Result<Vec<Value>> {
    let text = documents::unpack(row.codec, row.size_bytes, &row.body)?;
    let report: Value = serde_json::from_slice(&text).map_err(Error::internal)?;
    let list = report.pointer("/details/messageList").and_then(Value::as_array);
    let at = Timestamp(row.collected_us).to_string();
    let shown = |entry: &Value| json!({"level": entry.get("level"), "message": entry.get("message"), "task": row.task_id, "at": at});
    Ok(list.into_iter().flatten().map(shown).collect())
}

impl Seen {
    /// What an export shows beside a system; nothing where it is no node.
    #[must_use]
    pub fn show(&self, forest: &Forest, system: &Object) -> Option<Value> {
        let node = self.node.as_ref()?;
        Some(json!({
            "node_uuid": node,
            "introspection": self.introspection,
            "facts": self.facts.as_ref().map(|facts| &facts.0),
            "findings": self.findings,
            "differences": self.differences(forest, system),
        }))
    }

    /// Where what was declared and what was observed are not the same.
    #[must_use]
    pub fn differences(&self, forest: &Forest, system: &Object) -> Vec<Value> {
        self.facts.as_ref().map(|facts| differences(forest, system, facts)).unwrap_or_default()
    }
}

/// The same for facts.
fn differences(forest: &Forest, system: &Object, facts: &Facts) -> Vec<Value> {
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
