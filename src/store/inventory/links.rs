//! Rows of `system_node_links`, and what speaks for a system being a node.
//!
//! Invariant: what speaks for a link is asked by system or by node, each way with an index.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::{Find, Found, list_of};
use crate::store::schema::{inventory_state, system_node_links};
use crate::store::{Job, QueryResult, Session};

/// Something that speaks for a system being a node.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, QueryableByName)]
pub struct EvidenceRow {
    /// The system.
    #[diesel(sql_type = BigInt)]
    pub system_pk: i64,
    /// The node.
    #[diesel(sql_type = Text)]
    pub node_uuid: String,
    /// What sort of evidence it is.
    #[diesel(sql_type = Text)]
    pub evidence: String,
    /// The value that both have.
    #[diesel(sql_type = Text)]
    pub detail: String,
}

/// A link between a system and a node.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = system_node_links, treat_none_as_default_value = false)]
pub struct LinkRow {
    /// The system.
    pub system_pk: i64,
    /// The node.
    pub node_uuid: String,
    /// `linked`, `suggested`, `conflict` or `history`.
    pub state: String,
    /// What speaks for it most.
    pub evidence: String,
    /// The value that both have.
    pub detail: String,
    /// Since when it is so, in microseconds since the epoch.
    pub since_us: i64,
}

/// How far links are up to date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = inventory_state)]
pub struct Mark {
    /// The generation of the inventory.
    pub generation: i64,
    /// The generation that links are up to date with.
    #[diesel(column_name = linked_generation)]
    pub linked: i64,
    /// The build data that links are up to date with.
    #[diesel(column_name = linked_build)]
    pub build: i64,
}

/// By which of the two evidence is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// By systems.
    System,
    /// By nodes.
    Node,
}

/// Evidence: what it is called, where it comes from, and the columns of system, node and value.
const ARMS: [(&str, &str, &str, &str, &str); 9] = [
    ("operator", "systems s", "s.pk", "s.node_uuid", "s.node_uuid"),
    (
        "mac",
        "adapters a JOIN sightings g ON g.kind = 'mac' AND g.value = a.mac AND g.present",
        "a.system",
        "g.node_uuid",
        "a.mac",
    ),
    (
        "mac",
        "registrations r JOIN adapters a ON a.registration = r.pk \
         JOIN sightings g ON g.kind = 'mac' AND g.value = a.mac AND g.present",
        "r.system",
        "g.node_uuid",
        "a.mac",
    ),
    ("mac", "adapters a JOIN registered_ports p ON p.address = a.mac", "a.system", "p.node_uuid", "a.mac"),
    (
        "mac",
        "registrations r JOIN adapters a ON a.registration = r.pk JOIN registered_ports p ON p.address = a.mac",
        "r.system",
        "p.node_uuid",
        "a.mac",
    ),
    (
        "serial",
        "systems s JOIN sightings g ON g.kind = 'serial' AND g.value = lower(s.serial) AND g.detail = 'system' AND g.present",
        "s.pk",
        "g.node_uuid",
        "s.serial",
    ),
    (
        "management_address",
        "systems s JOIN attributes t ON t.name = 'bmc_address' AND t.value = s.oob_ip",
        "s.pk",
        "t.node_uuid",
        "s.oob_ip",
    ),
    (
        "management_address",
        "systems s JOIN run_attributes t ON t.name = 'bmc_address' AND t.value = s.oob_ip",
        "s.pk",
        "t.node_uuid",
        "s.oob_ip",
    ),
    ("hostname", "systems s JOIN registered_nodes n ON n.name = s.hostname", "s.pk", "n.uuid", "s.hostname"),
];

/// When the serial number of a node is that of a system. The functions keep SQLite from reading all serial numbers.
const SAME_SERIAL: &str =
    "lower(g.kind) = 'serial' AND lower(s.serial) = lower(g.value) AND g.detail = 'system' AND g.present";

/// The statement; `LIST` stands for what is asked by.
pub(super) fn statement(by: By) -> String {
    let arms = ARMS.map(|(evidence, from, system, node, detail)| {
        let asked = if by == By::System { system } else { node };
        // SQLite takes the tables of a CROSS JOIN in their order; else it would read all systems.
        let (from, more) = match (by, evidence) {
            (By::Node, "serial") => ("sightings g CROSS JOIN systems s", format!(" AND {SAME_SERIAL}")),
            _ => (from, String::new()),
        };
        format!(
            "SELECT {system} AS system_pk, {node} AS node_uuid, '{evidence}' AS evidence, {detail} AS detail \
             FROM {from} WHERE {asked} IN (LIST) AND {system} IS NOT NULL AND {node} IS NOT NULL{more}"
        )
    });
    arms.join(" UNION ")
}

/// Systems with changes after a generation.
const CHANGED: &str = "SELECT DISTINCT '' AS key, c.system_pk AS pk FROM changes c \
     JOIN change_sets s ON s.id = c.change_set WHERE s.generation > $1";
/// Nodes with build data after this one, the newest of each.
const LOOKED_AT: &str = "SELECT node_uuid AS key, MAX(id) AS pk FROM \
     (SELECT node_uuid, id FROM build_data WHERE id > $1 ORDER BY id LIMIT 1000) AS later GROUP BY node_uuid";
/// Nodes with build data of late.
const LATELY: &str = "SELECT node_uuid AS key, MAX(id) AS pk FROM build_data \
     WHERE id > $1 AND collected_us > $2 GROUP BY node_uuid";
/// Systems that are linked to nodes.
const LINKED: &str = "SELECT node_uuid AS key, system_pk AS pk FROM system_node_links \
     WHERE state <> 'history' AND node_uuid IN (LIST)";
/// Systems whose links lead to nodes that are gone.
const GONE: &str = "SELECT l.node_uuid AS key, l.system_pk AS pk FROM system_node_links l \
     WHERE l.state IN ('linked', 'conflict') AND l.system_pk > $1 \
     AND NOT EXISTS (SELECT 1 FROM nodes n WHERE n.uuid = l.node_uuid) \
     AND NOT EXISTS (SELECT 1 FROM registered_nodes n WHERE n.uuid = l.node_uuid)";

/// Queries on links.
pub trait LinkQueries {
    /// What speaks for systems, or nodes, being the other.
    fn evidence(&mut self, by: By, list: &str) -> QueryResult<Vec<EvidenceRow>>;

    /// The links of systems.
    fn system_links(&mut self, systems: &str) -> QueryResult<Vec<LinkRow>>;

    /// Writes a link.
    fn put_link(&mut self, link: &LinkRow) -> QueryResult<()>;

    /// How far links are up to date.
    fn links_mark(&mut self) -> QueryResult<Mark>;

    /// Notes what links are up to date with.
    fn set_linked_up_to(&mut self, generation: i64, build: i64) -> QueryResult<()>;

    /// Systems with changes after a generation.
    fn systems_changed(&mut self, generation: i64) -> QueryResult<Vec<Found>>;

    /// Nodes with build data after this one, and their newest.
    fn nodes_looked_at(&mut self, build: i64) -> QueryResult<Vec<Found>>;

    /// Nodes with build data after this one that was collected after this moment.
    fn nodes_looked_at_lately(&mut self, build: i64, since_us: i64) -> QueryResult<Vec<Found>>;

    /// The systems that are linked to nodes by now, whatever speaks for it.
    fn systems_linked_to(&mut self, nodes: &str) -> QueryResult<Vec<Found>>;

    /// Systems with links to nodes that are gone.
    fn links_to_nothing(&mut self) -> QueryResult<Vec<Found>>;
}

macro_rules! link_queries {
    ($connection:ty, $open:literal, $ints:literal, $texts:literal) => {
        impl LinkQueries for $connection {
            fn evidence(&mut self, by: By, list: &str) -> QueryResult<Vec<EvidenceRow>> {
                let unfolded = match by {
                    By::System => concat!($open, "$1", $ints),
                    By::Node => concat!($open, "$1", $texts),
                };
                let query = statement(by).replace("LIST", unfolded);
                diesel::sql_query(query).bind::<Text, _>(list).load(self)
            }

            fn system_links(&mut self, systems: &str) -> QueryResult<Vec<LinkRow>> {
                use diesel::dsl::sql;
                system_node_links::table
                    .select(LinkRow::as_select())
                    .filter(
                        sql::<diesel::sql_types::Bool>(concat!("system_pk IN (", $open))
                            .bind::<Text, _>(systems)
                            .sql(concat!($ints, ")")),
                    )
                    .order((system_node_links::system_pk, system_node_links::node_uuid))
                    .load(self)
            }

            fn put_link(&mut self, link: &LinkRow) -> QueryResult<()> {
                use system_node_links as t;
                diesel::insert_into(t::table)
                    .values(link)
                    .on_conflict((t::system_pk, t::node_uuid))
                    .do_update()
                    .set(link)
                    .execute(self)?;
                Ok(())
            }

            fn links_mark(&mut self) -> QueryResult<Mark> {
                inventory_state::table.select(Mark::as_select()).first(self)
            }

            fn set_linked_up_to(&mut self, generation: i64, build: i64) -> QueryResult<()> {
                use inventory_state as t;
                let later = t::linked_generation.le(generation).and(t::linked_build.le(build));
                diesel::update(t::table.filter(later))
                    .set((t::linked_generation.eq(generation), t::linked_build.eq(build)))
                    .execute(self)?;
                Ok(())
            }

            fn systems_changed(&mut self, generation: i64) -> QueryResult<Vec<Found>> {
                diesel::sql_query(CHANGED).bind::<BigInt, _>(generation).load(self)
            }

            fn nodes_looked_at(&mut self, build: i64) -> QueryResult<Vec<Found>> {
                diesel::sql_query(LOOKED_AT).bind::<BigInt, _>(build).load(self)
            }

            fn nodes_looked_at_lately(&mut self, build: i64, since_us: i64) -> QueryResult<Vec<Found>> {
                let query = diesel::sql_query(LATELY).bind::<BigInt, _>(build).bind::<BigInt, _>(since_us);
                query.load(self)
            }

            fn systems_linked_to(&mut self, nodes: &str) -> QueryResult<Vec<Found>> {
                let query = LINKED.replace("LIST", concat!($open, "$1", $texts));
                diesel::sql_query(query).bind::<Text, _>(nodes).load(self)
            }

            fn links_to_nothing(&mut self) -> QueryResult<Vec<Found>> {
                diesel::sql_query(GONE).bind::<BigInt, _>(0).load(self)
            }
        }
    };
}

link_queries!(diesel::SqliteConnection, "SELECT value FROM json_each(", ")", ")");
link_queries!(
    diesel::PgConnection,
    "SELECT jsonb_array_elements_text(CAST(",
    " AS jsonb))::bigint",
    " AS jsonb))"
);

/// Which of these nodes there are.
///
/// # Errors
/// Where the database can not be read.
pub fn living(session: &mut dyn Session, nodes: &[&str]) -> QueryResult<Vec<String>> {
    if nodes.is_empty() {
        return Ok(Vec::new());
    }
    let found = session.inventory_find(Find::LivingNode, &list_of(nodes))?;
    Ok(found.into_iter().map(|found| found.key).collect())
}

/// Links of systems as they are by now; those that are not there any more become history. Answers whether they were
/// written: they are not where somebody else has changed the inventory, or brought links up to date, meanwhile.
#[derive(Clone, Debug)]
pub struct SaveLinks {
    /// The systems that were looked at.
    pub systems: Vec<i64>,
    /// Their links.
    pub links: Vec<LinkRow>,
    /// When, in microseconds since the epoch.
    pub now_us: i64,
    /// How it was when the links were gathered.
    pub mark: Mark,
    /// What links are up to date with afterwards.
    pub up_to: Option<(i64, i64)>,
}

impl Job for SaveLinks {
    type Output = bool;

    fn run(&self, session: &mut dyn Session) -> QueryResult<bool> {
        if session.links_mark()? != self.mark {
            return Ok(false);
        }
        let held = session.system_links(&list_of(&self.systems))?;
        for link in differing(&held, &self.links, self.now_us) {
            session.put_link(&link)?;
        }
        if let Some((generation, build)) = self.up_to {
            session.set_linked_up_to(generation, build)?;
        }
        Ok(true)
    }
}

/// The rows to be written where links are held and others follow; what is over becomes history.
#[must_use]
pub fn differing(held: &[LinkRow], links: &[LinkRow], now_us: i64) -> Vec<LinkRow> {
    type Between<'a> = (i64, &'a str);
    fn by_ends(links: &[LinkRow]) -> HashMap<Between<'_>, &LinkRow> {
        links.iter().map(|link| ((link.system_pk, link.node_uuid.as_str()), link)).collect()
    }
    let (before, after) = (by_ends(held), by_ends(links));
    let over = held.iter().filter(|held| {
        held.state != "history" && !after.contains_key(&(held.system_pk, held.node_uuid.as_str()))
    });
    let over = over.map(|over| LinkRow { state: "history".to_owned(), since_us: now_us, ..over.clone() });
    let new = links.iter().filter_map(|link| {
        let before = before.get(&(link.system_pk, link.node_uuid.as_str()));
        let same_state = before.filter(|before| before.state == link.state);
        let link =
            LinkRow { since_us: same_state.map_or(link.since_us, |before| before.since_us), ..link.clone() };
        (before != Some(&&link)).then_some(link)
    });
    new.chain(over).collect()
}
