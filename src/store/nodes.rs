//! Rows of `nodes` and `attributes`: the records, and who matches a callback.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;
use uuid::Uuid;

use super::prepared::prepared;
use super::schema::{attributes, nodes, run_attributes};
use super::writer::QueryResult;
use crate::clock::Timestamp;
use crate::cluster::Owner;
use crate::fsm::State;
use crate::node::token::TokenDigest;
use crate::node::{Attribute, ManageBoot, Posted, Record};

/// Rows of ended runs that are looked at for one late callback.
const LATE_ROWS: i64 = 1000;

/// A row of `nodes`.
#[derive(Clone, Debug, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = nodes)]
#[diesel(treat_none_as_null = true)]
pub(super) struct NodeRow {
    uuid: String,
    version: i64,
    state: String,
    state_since: i64,
    deadline_at: Option<i64>,
    started_at: i64,
    finished_at: Option<i64>,
    error: Option<String>,
    manage_boot: bool,
    run_id: String,
    last_event: String,
    posted_digest: Option<String>,
    posted_answered: bool,
    token_digest: Option<String>,
    owner: Option<String>,
    owner_epoch: Option<i64>,
}

impl NodeRow {
    pub(super) fn of(record: &Record) -> Self {
        Self {
            uuid: record.uuid.to_string(),
            version: record.version,
            state: record.state.name().to_owned(),
            state_since: record.state_since.0,
            deadline_at: record.deadline.map(|time| time.0),
            started_at: record.started_at.0,
            finished_at: record.finished_at.map(|time| time.0),
            error: record.error.clone(),
            manage_boot: record.manage_boot == ManageBoot::Managed,
            run_id: record.run.to_string(),
            last_event: record.last_event.name().to_owned(),
            posted_digest: record.posted.as_ref().map(|posted| posted.digest.clone()),
            posted_answered: record.posted.as_ref().is_some_and(|posted| posted.answered),
            token_digest: record.token.as_ref().map(|token| token.as_str().to_owned()),
            owner: record.owner.as_ref().map(|owner| owner.name.to_string()),
            owner_epoch: record.owner.as_ref().map(|owner| owner.epoch),
        }
    }

    fn into_record(self) -> QueryResult<Record> {
        let state = self.state.parse::<State>().map_err(|_| damaged("state", &self.state))?;
        Ok(Record {
            uuid: parse_uuid(&self.uuid)?,
            version: self.version,
            state,
            state_since: Timestamp(self.state_since),
            deadline: self.deadline_at.map(Timestamp),
            started_at: Timestamp(self.started_at),
            finished_at: self.finished_at.map(Timestamp),
            error: self.error,
            manage_boot: if self.manage_boot { ManageBoot::Managed } else { ManageBoot::Unmanaged },
            run: parse_uuid(&self.run_id)?,
            last_event: self.last_event.parse().map_err(|_| damaged("event", &self.last_event))?,
            token: self.token_digest.map(TokenDigest::stored),
            owner: Owner::stored(self.owner, self.owner_epoch),
            posted: self.posted_digest.map(|digest| Posted { digest, answered: self.posted_answered }),
        })
    }
}

/// The rows that can be read; one that is damaged must not hide the others.
fn sound(rows: Vec<NodeRow>) -> Vec<Record> {
    let read = |row: NodeRow| {
        let uuid = row.uuid.clone();
        row.into_record()
            .inspect_err(|error| log::error!("A damaged record is left out node={uuid} {error}"))
            .ok()
    };
    rows.into_iter().filter_map(read).collect()
}

/// An error for a value that this program never wrote.
pub(super) fn damaged(column: &str, value: &str) -> diesel::result::Error {
    diesel::result::Error::DeserializationError(format!("{column} {value:?} is not known").into())
}

pub(super) fn parse_uuid(text: &str) -> QueryResult<Uuid> {
    Uuid::parse_str(text).map_err(|_| damaged("uuid", text))
}

/// A row of `attributes`.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = attributes)]
pub(super) struct AttributeRow {
    pub(super) node_uuid: String,
    pub(super) name: String,
    pub(super) value: String,
}

/// A page of a listing, as the table is asked for it.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    /// Start time and UUID of the row after which the page begins.
    pub after: Option<(Timestamp, Uuid)>,
    /// Rows at most.
    pub limit: i64,
}

/// Queries on nodes.
pub trait NodeQueries {
    /// The record of a node.
    fn node(&mut self, uuid: Uuid) -> QueryResult<Option<Record>>;

    /// A page of the records in one state, or in any; started last first, then by UUID descending.
    fn nodes_page(&mut self, state: Option<State>, page: Page) -> QueryResult<Vec<Record>>;

    /// Records in one of the states, in no special order.
    fn nodes_in(&mut self, states: &[State]) -> QueryResult<Vec<Record>>;

    /// Waiting nodes whose deadline has passed, the longest overdue first.
    fn overdue(&mut self, now: Timestamp, limit: i64) -> QueryResult<Vec<Record>>;

    /// The same of nodes that a process works on.
    fn overdue_of(&mut self, owner: &Owner, now: Timestamp, limit: i64) -> QueryResult<Vec<Record>>;

    /// The earliest deadline of the waiting nodes.
    fn earliest_deadline(&mut self) -> QueryResult<Option<Timestamp>>;

    /// How many distinct attributes of each node are among the given ones.
    fn matches(&mut self, wanted: &[Attribute]) -> QueryResult<BTreeMap<Uuid, usize>>;

    /// Whether a node has look-up attributes.
    fn attributes(&mut self, node: Uuid) -> QueryResult<Vec<Attribute>>;

    /// Inserts a record where there is none; answers whether it did.
    fn insert_node(&mut self, record: &Record) -> QueryResult<bool>;

    /// Replaces the record where it still has the given version; answers whether it did.
    fn update_node(&mut self, record: &Record, expected_version: i64) -> QueryResult<bool>;

    /// Removes a record with its attributes, options and data, where it still has the given version; answers
    /// whether it did.
    fn delete_node(&mut self, uuid: Uuid, version: i64) -> QueryResult<bool>;

    /// Keeps the look-up attributes of a run that ends, to file late callbacks.
    fn keep_lookup(&mut self, node: Uuid, run: Uuid, until: Timestamp) -> QueryResult<()>;

    /// Removes kept attributes whose time is over; answers how many.
    fn drop_kept_lookup(&mut self, now: Timestamp, limit: i64) -> QueryResult<usize>;

    /// How many distinct attributes of the ended runs of each node are among the given ones.
    fn late_matches(&mut self, wanted: &[Attribute]) -> QueryResult<BTreeMap<Uuid, usize>>;

    /// Removes the look-up attributes and options of a node.
    fn clear_lookup(&mut self, node: Uuid) -> QueryResult<()>;

    /// Adds look-up attributes.
    fn add_attributes(&mut self, node: Uuid, added: &[Attribute]) -> QueryResult<()>;

    /// Adds options: names and values.
    fn add_options(&mut self, node: Uuid, added: &[(String, Option<String>)]) -> QueryResult<()>;
}

macro_rules! node_queries {
    ($connection:ty) => {
        impl NodeQueries for $connection {
            fn node(&mut self, uuid: Uuid) -> QueryResult<Option<Record>> {
                let row = nodes::table
                    .find(uuid.to_string())
                    .select(NodeRow::as_select())
                    .get_result(self)
                    .optional()?;
                row.map(NodeRow::into_record).transpose()
            }

            fn nodes_page(&mut self, state: Option<State>, page: Page) -> QueryResult<Vec<Record>> {
                let mut query = nodes::table
                    .select(NodeRow::as_select())
                    .order((nodes::started_at.desc(), nodes::uuid.desc()))
                    .limit(page.limit)
                    .into_boxed();
                if let Some(state) = state {
                    query = query.filter(nodes::state.eq(state.name()));
                }
                if let Some((started, uuid)) = page.after {
                    let same_time = nodes::started_at.eq(started.0).and(nodes::uuid.lt(uuid.to_string()));
                    query = query.filter(nodes::started_at.lt(started.0).or(same_time));
                }
                Ok(sound(query.load(self)?))
            }

            fn nodes_in(&mut self, states: &[State]) -> QueryResult<Vec<Record>> {
                let names: Vec<&str> = states.iter().map(|state| state.name()).collect();
                let rows = nodes::table
                    .filter(nodes::state.eq_any(names))
                    .select(NodeRow::as_select())
                    .load(self)?;
                Ok(sound(rows))
            }

            fn overdue(&mut self, now: Timestamp, limit: i64) -> QueryResult<Vec<Record>> {
                let rows = nodes::table
                    .filter(nodes::state.eq(State::Waiting.name()))
                    .filter(nodes::deadline_at.le(now.0))
                    .order(nodes::deadline_at.asc())
                    .limit(limit)
                    .select(NodeRow::as_select())
                    .load(self)?;
                Ok(sound(rows))
            }

            fn overdue_of(&mut self, owner: &Owner, now: Timestamp, limit: i64) -> QueryResult<Vec<Record>> {
                let rows = nodes::table
                    .filter(nodes::owner.eq(owner.name.to_string()))
                    .filter(nodes::owner_epoch.eq(owner.epoch))
                    .filter(nodes::deadline_at.le(now.0))
                    .order(nodes::deadline_at.asc())
                    .limit(limit)
                    .select(NodeRow::as_select())
                    .load(self)?;
                Ok(sound(rows))
            }

            fn earliest_deadline(&mut self) -> QueryResult<Option<Timestamp>> {
                let earliest: Option<Option<i64>> = nodes::table
                    .filter(nodes::state.eq(State::Waiting.name()))
                    .filter(nodes::deadline_at.is_not_null())
                    .order(nodes::deadline_at.asc())
                    .select(nodes::deadline_at)
                    .first(self)
                    .optional()?;
                Ok(earliest.flatten().map(Timestamp))
            }

            fn matches(&mut self, wanted: &[Attribute]) -> QueryResult<BTreeMap<Uuid, usize>> {
                let mut counts = BTreeMap::new();
                for name in crate::node::ATTRIBUTE_NAMES {
                    let of_name = wanted.iter().filter(|attribute| attribute.name == name);
                    let values: Vec<&str> = of_name.map(|attribute| attribute.value.as_str()).collect();
                    let found: Vec<String> = attributes::table
                        .filter(attributes::name.eq(name))
                        .filter(attributes::value.eq_any(values))
                        .select(attributes::node_uuid)
                        .load(self)?;
                    for node in found {
                        let count: &mut usize = counts.entry(parse_uuid(&node)?).or_default();
                        *count = count.saturating_add(1);
                    }
                }
                Ok(counts)
            }

            fn late_matches(&mut self, wanted: &[Attribute]) -> QueryResult<BTreeMap<Uuid, usize>> {
                let mut seen = BTreeSet::new();
                for name in crate::node::ATTRIBUTE_NAMES {
                    let of_name = wanted.iter().filter(|attribute| attribute.name == name);
                    let values: Vec<&str> = of_name.map(|attribute| attribute.value.as_str()).collect();
                    let found: Vec<(String, String)> = run_attributes::table
                        .filter(run_attributes::name.eq(name))
                        .filter(run_attributes::value.eq_any(values))
                        .select((run_attributes::node_uuid, run_attributes::value))
                        .limit(LATE_ROWS)
                        .load(self)?;
                    seen.extend(found.into_iter().map(|(node, value)| (node, name, value)));
                }
                let mut counts = BTreeMap::new();
                for (node, _, _) in seen {
                    let count: &mut usize = counts.entry(parse_uuid(&node)?).or_default();
                    *count = count.saturating_add(1);
                }
                Ok(counts)
            }

            fn keep_lookup(&mut self, node: Uuid, run: Uuid, until: Timestamp) -> QueryResult<()> {
                use diesel::sql_types::{BigInt, Text};
                diesel::sql_query(
                    "INSERT INTO run_attributes (run_id, node_uuid, name, value, kept_until) \
                     SELECT CAST($1 AS TEXT), node_uuid, name, value, CAST($2 AS BIGINT) \
                     FROM attributes WHERE node_uuid = $3",
                )
                .bind::<Text, _>(run.to_string())
                .bind::<BigInt, _>(until.0)
                .bind::<Text, _>(node.to_string())
                .execute(self)?;
                Ok(())
            }

            fn drop_kept_lookup(&mut self, now: Timestamp, limit: i64) -> QueryResult<usize> {
                let old: Vec<String> = run_attributes::table
                    .filter(run_attributes::kept_until.lt(now.0))
                    .select(run_attributes::run_id)
                    .limit(limit)
                    .load(self)?;
                diesel::delete(run_attributes::table.filter(run_attributes::run_id.eq_any(old))).execute(self)
            }

            fn attributes(&mut self, node: Uuid) -> QueryResult<Vec<Attribute>> {
                let rows = attributes::table
                    .filter(attributes::node_uuid.eq(node.to_string()))
                    .select(AttributeRow::as_select())
                    .load(self)?;
                let known = |name: &str| crate::node::ATTRIBUTE_NAMES.into_iter().find(|n| *n == name);
                Ok(rows
                    .into_iter()
                    .filter_map(|row| Some(Attribute { name: known(&row.name)?, value: row.value }))
                    .collect())
            }

            fn insert_node(&mut self, record: &Record) -> QueryResult<bool> {
                let row = NodeRow::of(record);
                let add = diesel::insert_into(nodes::table)
                    .values(&row)
                    .on_conflict_do_nothing()
                    .returning(nodes::version);
                Ok(prepared(add).get_result::<i64>(self).optional()?.is_some())
            }

            fn update_node(&mut self, record: &Record, expected_version: i64) -> QueryResult<bool> {
                let row = NodeRow::of(record);
                let same = nodes::table
                    .filter(nodes::uuid.eq(&row.uuid))
                    .filter(nodes::version.eq(expected_version));
                let replace = diesel::update(same).set(&row).returning(nodes::version);
                Ok(prepared(replace).get_result::<i64>(self).optional()?.is_some())
            }

            fn delete_node(&mut self, uuid: Uuid, version: i64) -> QueryResult<bool> {
                // Attributes, options and data go with the record by their foreign keys.
                let same =
                    nodes::table.filter(nodes::uuid.eq(uuid.to_string())).filter(nodes::version.eq(version));
                Ok(diesel::delete(same).execute(self)? == 1)
            }

            fn clear_lookup(&mut self, node: Uuid) -> QueryResult<()> {
                use super::schema::options;
                let node = node.to_string();
                diesel::delete(attributes::table.filter(attributes::node_uuid.eq(&node))).execute(self)?;
                diesel::delete(options::table.filter(options::node_uuid.eq(&node))).execute(self)?;
                Ok(())
            }

            fn add_options(&mut self, node: Uuid, added: &[(String, Option<String>)]) -> QueryResult<()> {
                use super::schema::options as t;
                for (name, value) in added {
                    let row = (t::node_uuid.eq(node.to_string()), t::name.eq(name), t::value.eq(value));
                    diesel::insert_into(t::table).values(row).on_conflict_do_nothing().execute(self)?;
                }
                Ok(())
            }

            fn add_attributes(&mut self, node: Uuid, added: &[Attribute]) -> QueryResult<()> {
                for attribute in added {
                    let row = AttributeRow {
                        node_uuid: node.to_string(),
                        name: attribute.name.to_owned(),
                        value: attribute.value.clone(),
                    };
                    diesel::insert_into(attributes::table)
                        .values(&row)
                        .on_conflict_do_nothing()
                        .execute(self)?;
                }
                Ok(())
            }
        }
    };
}

node_queries!(diesel::SqliteConnection);
node_queries!(diesel::PgConnection);
