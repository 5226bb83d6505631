//! Which system is which node: what speaks for it, and what follows.
//!
//! Invariant: a link that an operator set is never replaced; evidence that leads to two nodes, or two systems to one
//! node, is a conflict and is never settled silently. What was written may be written again: it may be run at any time,
//! and in several processes: who was outrun by another leaves it to that one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;

use super::service::Inventory;
use crate::error::Result;
use crate::store::inventory::links::{By, EvidenceRow, LinkRow, Mark, SaveLinks, differing, living};
use crate::store::inventory::list_of;
use crate::store::{QueryResult, Session};

/// Systems that are looked at in one go.
const AT_ONCE: usize = 500;
/// How far it is followed which systems claim which nodes.
const ROUNDS: usize = 8;
/// How long, and for how many rows of build data, it is looked back: several writers do not commit in the order of
/// their keys.
const BACK_US: i64 = 60_000_000;
const BACK_ROWS: i64 = 10_000;

/// What speaks for a link, the strongest first.
const STRENGTHS: [&str; 5] = ["operator", "mac", "serial", "management_address", "hostname"];
/// What an operator said.
const OPERATOR: &str = "operator";
/// What is too little to link by.
const SUGGESTION: &str = "hostname";

/// Whether nodes that are gone are looked for, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// Only what is new.
    New,
    /// Also for what is gone.
    Gone,
}

/// The links that follow from all that is known; `alive` are the nodes that there are.
#[must_use]
pub fn decide(evidence: &[EvidenceRow], alive: &BTreeSet<String>, now_us: i64) -> Vec<LinkRow> {
    let mut of_system: BTreeMap<i64, Vec<&EvidenceRow>> = BTreeMap::new();
    for row in evidence.iter().filter(|row| row.evidence == OPERATOR || alive.contains(&row.node_uuid)) {
        of_system.entry(row.system_pk).or_default().push(row);
    }
    let mut links: Vec<LinkRow> = of_system.values().flat_map(|rows| of_one(rows, alive, now_us)).collect();
    let mut claims: BTreeMap<String, Vec<bool>> = BTreeMap::new();
    for link in links.iter().filter(|link| link.state == "linked") {
        claims.entry(link.node_uuid.clone()).or_default().push(link.evidence == OPERATOR);
    }
    for link in &mut links {
        let Some(claims) = claims.get(&link.node_uuid) else { continue };
        let settled = link.state == "linked" && (claims.len() == 1 || link.evidence == OPERATOR);
        if !settled && link.state != "conflict" {
            "conflict".clone_into(&mut link.state);
        }
    }
    links
}

/// What follows for one system from its strongest evidence.
fn of_one(rows: &[&EvidenceRow], alive: &BTreeSet<String>, now_us: i64) -> Vec<LinkRow> {
    let strongest = STRENGTHS.iter().find(|strength| rows.iter().any(|row| row.evidence == **strength));
    let Some(strongest) = strongest else { return Vec::new() };
    let mut nodes: BTreeMap<&str, &EvidenceRow> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.evidence == *strongest) {
        nodes.entry(&row.node_uuid).or_insert(row);
    }
    let many = nodes.len() > 1;
    let link = |row: &&EvidenceRow| {
        let state = match *strongest {
            OPERATOR if !alive.contains(&row.node_uuid) => "suggested",
            SUGGESTION => "suggested",
            _ if many => "conflict",
            _ => "linked",
        };
        LinkRow {
            system_pk: row.system_pk,
            node_uuid: row.node_uuid.clone(),
            state: state.to_owned(),
            evidence: row.evidence.clone(),
            detail: row.detail.clone(),
            since_us: now_us,
        }
    };
    nodes.values().map(link).collect()
}

/// What was gathered in order to decide on the links of systems.
#[derive(Debug, Default)]
struct Gathered {
    /// The systems of which all is known: those asked about, those that claim the same nodes, and those that are linked
    /// to them by now.
    systems: Vec<i64>,
    evidence: Vec<EvidenceRow>,
    alive: BTreeSet<String>,
}

fn gather(session: &mut dyn Session, systems: &[i64]) -> QueryResult<Gathered> {
    let mut known: BTreeSet<i64> = systems.iter().copied().collect();
    let mut found = Gathered::default();
    for _ in 0..ROUNDS {
        if known.len() == found.systems.len() {
            break;
        }
        found.systems = known.iter().copied().collect();
        found.evidence = session.evidence(By::System, &list_of(&found.systems))?;
        let held = session.system_links(&list_of(&found.systems))?;
        let held = held.iter().filter(|held| held.state != "history").map(|held| held.node_uuid.as_str());
        let nodes = found.evidence.iter().map(|row| row.node_uuid.as_str()).chain(held);
        let nodes: BTreeSet<&str> = nodes.collect();
        if nodes.is_empty() {
            break;
        }
        let (others, linked) = about_nodes(session, &nodes.into_iter().collect::<Vec<_>>())?;
        known.extend(others.iter().map(|row| row.system_pk).chain(linked));
        found.evidence.extend(others);
    }
    found.evidence.sort();
    found.evidence.dedup();
    let nodes: Vec<&str> = found.evidence.iter().map(|row| row.node_uuid.as_str()).collect();
    found.alive = living(session, &nodes)?.into_iter().collect();
    Ok(found)
}

/// What speaks for systems being these nodes, and the systems that are linked to them by now.
fn about_nodes(session: &mut dyn Session, nodes: &[&str]) -> QueryResult<(Vec<EvidenceRow>, Vec<i64>)> {
    let nodes = list_of(nodes);
    let linked = session.systems_linked_to(&nodes)?.into_iter().map(|found| found.pk).collect();
    Ok((session.evidence(By::Node, &nodes)?, linked))
}

/// What is to be looked at.
struct Work {
    /// What was up to date before.
    mark: Mark,
    /// What is up to date afterwards.
    up_to: (i64, i64),
    systems: Vec<i64>,
}

fn work(session: &mut dyn Session, look: Look, now_us: i64) -> QueryResult<Work> {
    let mark = session.links_mark()?;
    let changed =
        if mark.linked < mark.generation { session.systems_changed(mark.linked)? } else { Vec::new() };
    let mut systems: BTreeSet<i64> = changed.into_iter().map(|found| found.pk).collect();
    let mut looked_at = session.nodes_looked_at(mark.build)?;
    let newest = looked_at.iter().map(|found| found.pk).max().unwrap_or(mark.build);
    if look == Look::Gone {
        let (from, since_us) = (mark.build.saturating_sub(BACK_ROWS), now_us.saturating_sub(BACK_US));
        looked_at.extend(session.nodes_looked_at_lately(from, since_us)?);
        systems.extend(session.links_to_nothing()?.into_iter().map(|found| found.pk));
    }
    if !looked_at.is_empty() {
        let nodes: Vec<&str> = looked_at.iter().map(|found| found.key.as_str()).collect();
        let (evidence, linked) = about_nodes(session, &nodes)?;
        systems.extend(evidence.into_iter().map(|row| row.system_pk).chain(linked));
    }
    Ok(Work { mark, up_to: (mark.generation, newest), systems: systems.into_iter().collect() })
}

impl Inventory {
    /// Brings the links up to date with all imports and runs since the last time. Blocks.
    ///
    /// # Errors
    /// Where the database can not be used; what was not done is done the next time.
    pub fn bring_links_up_to_date(&self, look: Look) -> Result<()> {
        let _alone = self.linking.lock().unwrap_or_else(PoisonError::into_inner);
        let now_us = self.now_us();
        let Work { mark, up_to, systems } =
            self.store.read_blocking(|session| work(session, look, now_us))?;
        let job = |systems, links, up_to| SaveLinks { systems, links, now_us, mark, up_to };
        for some in systems.chunks(AT_ONCE) {
            let (systems, links, held) = self.store.read_blocking(|session| {
                let Gathered { systems, evidence, alive } = gather(session, some)?;
                let held = session.system_links(&list_of(&systems))?;
                let mut links = decide(&evidence, &alive, now_us);
                links.retain(|link| systems.binary_search(&link.system_pk).is_ok());
                Ok((systems, links, held))
            })?;
            // Most systems are no nodes, or still the same: for these the writer is not asked.
            let differs = !differing(&held, &links, now_us).is_empty();
            if differs && !self.store.write_blocking(job(systems, links, None))? {
                return Ok(());
            }
        }
        if up_to != (mark.linked, mark.build) {
            self.store.write_blocking(job(Vec::new(), Vec::new(), Some(up_to)))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(system_pk: i64, node: &str, evidence: &str) -> EvidenceRow {
        EvidenceRow {
            system_pk,
            node_uuid: node.to_owned(),
            evidence: evidence.to_owned(),
            detail: String::new(),
        }
    }

    fn links(evidence: &[EvidenceRow]) -> Vec<(i64, String, String)> {
        let alive = ["a", "b", "c"].map(str::to_owned).into();
        decide(evidence, &alive, 1)
            .into_iter()
            .map(|link| (link.system_pk, link.node_uuid, link.state))
            .collect()
    }

    fn link(system: i64, node: &str, state: &str) -> (i64, String, String) {
        (system, node.to_owned(), state.to_owned())
    }

    #[test]
    fn the_strongest_evidence_counts() {
        let all = ["hostname", "management_address", "serial", "mac", "operator"];
        for (place, strength) in all.iter().enumerate() {
            let rows: Vec<EvidenceRow> = all[..place]
                .iter()
                .map(|weaker| row(1, "b", weaker))
                .chain([row(1, "a", strength)])
                .collect();
            let state = if place == 0 { "suggested" } else { "linked" };
            assert_eq!(links(&rows), [link(1, "a", state)], "{strength}");
        }
    }

    #[test]
    fn what_leads_to_two_is_a_conflict() {
        assert_eq!(
            links(&[row(1, "a", "mac"), row(1, "b", "mac")]),
            [link(1, "a", "conflict"), link(1, "b", "conflict")]
        );
        assert_eq!(
            links(&[row(1, "a", "mac"), row(2, "a", "serial")]),
            [link(1, "a", "conflict"), link(2, "a", "conflict")]
        );
        assert_eq!(
            links(&[row(1, "a", "operator"), row(2, "a", "mac")]),
            [link(1, "a", "linked"), link(2, "a", "conflict")]
        );
    }

    #[test]
    fn a_node_that_is_not_there_is_no_link() {
        assert_eq!(links(&[row(1, "gone", "mac")]), []);
        assert_eq!(links(&[row(1, "gone", "operator")]), [link(1, "gone", "suggested")]);
    }
}
