//! Which system is which node: what speaks for it, and what follows.
//!
//! Invariant: a link that an operator set is never replaced; evidence that leads to two nodes, or two systems to one
//! node, is a conflict and is never settled silently. What was written may be written again: it may be run at any time.

use std::collections::{BTreeMap, BTreeSet};

use super::service::Inventory;
use crate::error::Result;
use crate::store::inventory::links::{By, EvidenceRow, LinkRow, SaveLinks, differing, living};
use crate::store::inventory::list_of;
use crate::store::{QueryResult, Session};

/// Systems that are looked at in one go.
const AT_ONCE: usize = 500;
/// How far it is followed which systems claim which nodes.
const ROUNDS: usize = 3;

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

/// All that speaks for the links of systems, and of those that claim the same nodes; answers these systems, too.
fn gather(
    session: &mut dyn Session,
    systems: &[i64],
) -> QueryResult<(BTreeSet<i64>, Vec<EvidenceRow>, BTreeSet<String>)> {
    let mut known: BTreeSet<i64> = systems.iter().copied().collect();
    let mut evidence = Vec::new();
    for _ in 0..ROUNDS {
        let list: Vec<i64> = known.iter().copied().collect();
        evidence = session.evidence(By::System, &list_of(&list))?;
        let nodes: BTreeSet<&str> = evidence.iter().map(|row| row.node_uuid.as_str()).collect();
        let nodes: Vec<&str> = nodes.into_iter().collect();
        let others =
            if nodes.is_empty() { Vec::new() } else { session.evidence(By::Node, &list_of(&nodes))? };
        let before = known.len();
        known.extend(others.iter().map(|row| row.system_pk));
        evidence.extend(others);
        if known.len() == before {
            break;
        }
    }
    evidence.sort();
    evidence.dedup();
    let nodes: Vec<&str> = evidence.iter().map(|row| row.node_uuid.as_str()).collect();
    let alive = living(session, &nodes)?.into_iter().collect();
    Ok((known, evidence, alive))
}

impl Inventory {
    /// Brings the links up to date with all imports and runs since the last time. Blocks.
    ///
    /// # Errors
    /// Where the database can not be used; what was not done is done the next time.
    pub fn bring_links_up_to_date(&self, look: Look) -> Result<()> {
        let now_us = self.now_us();
        let (up_to, systems) = self.store.read_blocking(|session| {
            let (generation, _) = session.inventory_state()?;
            let (linked, build) = session.linked_up_to()?;
            let changed = if linked < generation { session.systems_changed(linked)? } else { Vec::new() };
            let mut systems: BTreeSet<i64> = changed.into_iter().map(|found| found.pk).collect();
            let looked_at = session.nodes_looked_at(build)?;
            let newest = looked_at.iter().map(|found| found.pk).max().unwrap_or(build);
            if !looked_at.is_empty() {
                let nodes: Vec<&str> = looked_at.iter().map(|found| found.key.as_str()).collect();
                systems.extend(
                    session.evidence(By::Node, &list_of(&nodes))?.into_iter().map(|row| row.system_pk),
                );
            }
            if look == Look::Gone {
                systems.extend(session.links_to_nothing()?.into_iter().map(|found| found.pk));
            }
            let up_to = (generation, newest);
            Ok(((up_to != (linked, build)).then_some(up_to), systems.into_iter().collect::<Vec<i64>>()))
        })?;
        for some in systems.chunks(AT_ONCE) {
            let (systems, links, held) = self.store.read_blocking(|session| {
                let (known, evidence, alive) = gather(session, some)?;
                let systems: Vec<i64> = known.into_iter().collect();
                let held = session.system_links(&list_of(&systems))?;
                Ok((systems, decide(&evidence, &alive, now_us), held))
            })?;
            // Most systems are no nodes, or still the same: for these the writer is not asked.
            if !differing(&held, &links, now_us).is_empty() {
                self.store.write_blocking(SaveLinks { systems, links, now_us, up_to: None })?;
            }
        }
        if up_to.is_some() {
            self.store.write_blocking(SaveLinks { systems: Vec::new(), links: Vec::new(), now_us, up_to })?;
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
