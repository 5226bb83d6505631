//! Rows of `build_data` and `sightings`: what runs found, and where components are or were.
//!
//! Invariant: rows are added and removed, never changed; they outlive the node's record. The latest row of a node and
//! generator is the one collected last, the higher id where two were collected at the same time.

#[cfg(test)]
pub(crate) mod tests;

use std::collections::{BTreeMap, HashMap};

use diesel::dsl::{exists, not};
use diesel::prelude::*;
use diesel::upsert::excluded;
use uuid::Uuid;

use super::documents::Packed;
use super::prepared::prepared;
use super::schema::{build_data, documents, sightings};
use super::writer::QueryResult;
use crate::build_data::{Collection, Generator, Sighting};
use crate::clock::Timestamp;

/// Who the data is of, as it is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Of {
    /// The node with this UUID.
    Node(Uuid),
    /// All nodes that had this name.
    Name(String),
}

/// Which rows: those that fulfil all of it, collected last first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Of this node.
    pub of: Option<Of>,
    /// Of this task.
    pub task: Option<Uuid>,
    /// Of this run.
    pub run: Option<Uuid>,
    /// Of this generator.
    pub generator: Option<String>,
    /// Collected then or later.
    pub since: Option<Timestamp>,
    /// Collected then or earlier.
    pub until: Option<Timestamp>,
    /// Only the latest of each node and generator.
    pub latest: Latest,
    /// The last row of the page before.
    pub marker: Option<i64>,
}

/// Whether only the latest rows count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Latest {
    /// All rows.
    #[default]
    All,
    /// Of each node and generator the one that was collected last.
    Only,
}

/// A row without its content.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub struct Build {
    /// Its number; later rows have higher ones.
    pub id: i64,
    /// The node.
    pub node_uuid: String,
    /// The name that it had.
    pub node_name: Option<String>,
    /// The task that it was collected for.
    pub task_id: Option<String>,
    /// The run that found it.
    pub run_id: Option<String>,
    /// What made it.
    pub generator: String,
    /// The media type of its content.
    pub data_format: String,
    /// When, in microseconds since the epoch.
    pub collected_us: i64,
    /// Where the content is.
    pub document_id: i64,
    /// SHA-256 of the content, hexadecimal.
    pub digest: String,
    /// Bytes of the content.
    pub size_bytes: i64,
}

#[derive(Insertable)]
#[diesel(table_name = build_data)]
struct NewBuild<'a> {
    node_uuid: &'a str,
    node_name: Option<&'a str>,
    run_id: String,
    generator: &'static str,
    data_format: &'static str,
    collected_us: i64,
    document_id: i64,
}

/// A component where it is or was.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = sightings)]
pub struct SightingRow {
    /// `mac`, `serial` or `switch_port`.
    pub kind: String,
    /// What it is known by.
    pub value: String,
    /// The node.
    pub node_uuid: String,
    /// Which part of the node.
    pub detail: String,
    /// When it was seen there first, in microseconds since the epoch.
    pub first_us: i64,
    /// When the node's components were last found to be others than before, and it was among them.
    pub last_us: i64,
    /// Whether the node's last run saw it.
    pub present: bool,
}

/// Which components.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sought {
    /// Of this kind, with this value or, where it ends in `/`, one that begins with it.
    pub value: Option<(&'static str, String)>,
    /// In this node.
    pub node: Option<Uuid>,
    /// Only those that are there, or are not any more.
    pub present: Option<bool>,
    /// The last of the page before: kind, value, node.
    pub after: Option<(String, String, String)>,
}

/// Queries on build data.
pub trait BuildQueries {
    /// Adds a run's rows; the contents have to be kept already.
    fn add_builds(&mut self, node: Uuid, run: Uuid, written: &Collection, now: Timestamp) -> QueryResult<()>;

    /// A page of rows.
    fn builds(&mut self, selection: &Selection, limit: i64) -> QueryResult<Vec<Build>>;

    /// A row and its content.
    fn build(&mut self, id: i64) -> QueryResult<Option<(Build, Packed)>>;

    /// Rows collected before `moment`, some of them.
    fn old_builds(&mut self, moment: Timestamp, limit: i64) -> QueryResult<Vec<i64>>;

    /// Rows beyond the latest `keep` of their node and generator, some of them.
    fn surplus_builds(&mut self, keep: i64, limit: i64) -> QueryResult<Vec<i64>>;

    /// How many rows were collected before `moment` or are beyond the latest `keep`.
    fn count_surplus(&mut self, moment: Timestamp, keep: i64) -> QueryResult<i64>;

    /// Removes rows; answers how many.
    fn delete_builds(&mut self, ids: &[i64]) -> QueryResult<usize>;

    /// Components, in the order of kind, value and node.
    fn sightings(&mut self, sought: &Sought, limit: i64) -> QueryResult<Vec<SightingRow>>;

    /// When the components of a node were last looked at, and the name that it had.
    fn last_look(&mut self, node: &str) -> QueryResult<Option<(i64, Option<String>)>>;
}

#[derive(QueryableByName)]
struct Numbered {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    id: i64,
}

/// The rows beyond the latest few of their node and generator.
const SURPLUS: &str = "SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY node_uuid, generator \
     ORDER BY collected_us DESC, id DESC) AS place FROM build_data) AS ranked WHERE place > $1 LIMIT $2";

/// How many these are, and those that are old.
const COUNT_SURPLUS: &str = "SELECT count(*) AS id FROM (SELECT collected_us, row_number() OVER (PARTITION BY \
     node_uuid, generator ORDER BY collected_us DESC, id DESC) AS place FROM build_data) AS ranked \
     WHERE collected_us < $1 OR place > $2";

/// Rows that PostgreSQL is handed at a time.
const ROWS_AT_A_TIME: usize = 1000;

/// The components as rows, each one once.
fn rows_of(node: &str, seen: &[Sighting], at: i64) -> Vec<SightingRow> {
    let row = |one: &Sighting| SightingRow {
        kind: one.kind.name().to_owned(),
        value: one.value.clone(),
        node_uuid: node.to_owned(),
        detail: one.detail.clone(),
        first_us: at,
        last_us: at,
        present: true,
    };
    let rows: BTreeMap<_, _> = seen.iter().map(|one| ((one.kind.name(), &one.value), row(one))).collect();
    rows.into_values().collect()
}

/// Puts components where they are: a statement for each, which costs no way to a server.
fn put_in_sqlite(connection: &mut diesel::SqliteConnection, rows: &[SightingRow]) -> QueryResult<()> {
    use sightings as t;
    for row in rows {
        let put = diesel::insert_into(t::table)
            .values(row)
            .on_conflict((t::kind, t::value, t::node_uuid))
            .do_update()
            .set((t::detail.eq(&row.detail), t::last_us.eq(row.last_us), t::present.eq(true)))
            .returning(t::present);
        prepared(put).get_result::<bool>(connection)?;
    }
    Ok(())
}

/// The same in as few statements as can be.
fn put_in_postgres(connection: &mut diesel::PgConnection, rows: &[SightingRow]) -> QueryResult<()> {
    use sightings as t;
    for some in rows.chunks(ROWS_AT_A_TIME) {
        diesel::insert_into(t::table)
            .values(some)
            .on_conflict((t::kind, t::value, t::node_uuid))
            .do_update()
            .set((
                t::detail.eq(excluded(t::detail)),
                t::last_us.eq(excluded(t::last_us)),
                t::present.eq(true),
            ))
            .execute(connection)?;
    }
    Ok(())
}

macro_rules! build_queries {
    ($connection:ty, $put:ident, $note:ident, $name:ident, $rows:ident) => {
        /// Where the components are by now; what is as it was found the last time needs no writing.
        fn $note(connection: &mut $connection, node: &str, seen: &[Sighting], at: i64) -> QueryResult<()> {
            use sightings as t;
            let of_node = t::table.filter(t::node_uuid.eq(node)).filter(t::present.eq(true));
            let gone = diesel::update(of_node).set(t::present.eq(false)).returning(t::present);
            prepared(gone).get_results::<bool>(connection)?;
            $put(connection, &rows_of(node, seen, at))
        }

        /// The content of the last row of a generator, and the name that the node had.
        fn $name(
            connection: &mut $connection,
            node: &str,
            generator: Option<Generator>,
        ) -> QueryResult<Option<(i64, i64, Option<String>)>> {
            use build_data as t;
            let mut rows = t::table.filter(t::node_uuid.eq(node)).into_boxed();
            if let Some(generator) = generator {
                rows = rows.filter(t::generator.eq(generator.name()));
            }
            rows.order((t::collected_us.desc(), t::id.desc()))
                .select((t::document_id, t::collected_us, t::node_name))
                .first(connection)
                .optional()
        }

        fn $rows(connection: &mut $connection, selection: &Selection, limit: i64) -> QueryResult<Vec<Build>> {
            use build_data as t;
            let mut rows = t::table.inner_join(documents::table).into_boxed();
            match &selection.of {
                Some(Of::Node(node)) => rows = rows.filter(t::node_uuid.eq(node.to_string())),
                Some(Of::Name(name)) => rows = rows.filter(t::node_name.eq(name)),
                None => {}
            }
            if let Some(task) = selection.task {
                rows = rows.filter(t::task_id.eq(task.to_string()));
            }
            if let Some(run) = selection.run {
                rows = rows.filter(t::run_id.eq(run.to_string()));
            }
            if let Some(generator) = &selection.generator {
                rows = rows.filter(t::generator.eq(generator));
            }
            if let Some(since) = selection.since {
                rows = rows.filter(t::collected_us.ge(since.0));
            }
            if let Some(until) = selection.until {
                rows = rows.filter(t::collected_us.le(until.0));
            }
            if selection.latest == Latest::Only {
                let later = diesel::alias!(build_data as later);
                let collected = later.field(t::collected_us);
                let greater = collected
                    .gt(t::collected_us)
                    .or(collected.eq(t::collected_us).and(later.field(t::id).gt(t::id)));
                rows = rows.filter(not(exists(
                    later
                        .filter(later.field(t::node_uuid).eq(t::node_uuid))
                        .filter(later.field(t::generator).eq(t::generator))
                        .filter(greater),
                )));
            }
            if let Some(marker) = selection.marker {
                let at: Option<i64> =
                    t::table.find(marker).select(t::collected_us).first(connection).optional()?;
                let Some(at) = at else { return Err(diesel::result::Error::NotFound) };
                rows = rows.filter(t::collected_us.le(at));
                rows = rows.filter(t::collected_us.lt(at).or(t::id.lt(marker)));
            }
            rows.order((t::collected_us.desc(), t::id.desc()))
                .limit(limit)
                .select((t::all_columns, documents::digest, documents::size_bytes))
                .load::<((_, _, _, _, _, _, _, _, _), String, i64)>(connection)
                .map(|rows| rows.into_iter().map(build_of).collect())
        }

        impl BuildQueries for $connection {
            fn add_builds(
                &mut self,
                node: Uuid,
                run: Uuid,
                written: &Collection,
                now: Timestamp,
            ) -> QueryResult<()> {
                let node = node.to_string();
                let name = match &written.node_name {
                    Some(name) => Some(name.clone()),
                    None => $name(self, &node, None)?.and_then(|(_, _, name)| name),
                };
                let known = match &written.sightings {
                    Some(_) => $name(self, &node, Some(Generator::Facts))?.map(|(document, _, _)| document),
                    None => None,
                };
                let digests = written.items.iter().map(|item| item.digest.as_str());
                let kept: Vec<(String, i64)> = documents::table
                    .filter(documents::digest.eq_any(digests))
                    .select((documents::digest, documents::id))
                    .load(self)?;
                let kept: HashMap<String, i64> = kept.into_iter().collect();
                let mut facts = None;
                for item in &written.items {
                    let Some(document_id) = kept.get(&item.digest).copied() else {
                        log::error!(
                            "The content of build data is gone node={node} generator={}",
                            item.generator
                        );
                        continue;
                    };
                    if item.generator == Generator::Facts {
                        facts = Some(document_id);
                    }
                    let row = NewBuild {
                        node_uuid: &node,
                        node_name: name.as_deref(),
                        run_id: run.to_string(),
                        generator: item.generator.name(),
                        data_format: item.generator.data_format(),
                        collected_us: now.0,
                        document_id,
                    };
                    let add = diesel::insert_into(build_data::table).values(&row).returning(build_data::id);
                    prepared(add).get_result::<i64>(self)?;
                }
                match &written.sightings {
                    Some(seen) if facts.is_none() || facts != known => $note(self, &node, seen, now.0),
                    _ => Ok(()),
                }
            }

            fn builds(&mut self, selection: &Selection, limit: i64) -> QueryResult<Vec<Build>> {
                $rows(self, selection, limit)
            }

            fn build(&mut self, id: i64) -> QueryResult<Option<(Build, Packed)>> {
                build_data::table
                    .inner_join(documents::table)
                    .filter(build_data::id.eq(id))
                    .select((build_data::all_columns, Packed::as_select()))
                    .first::<((_, _, _, _, _, _, _, _, _), Packed)>(self)
                    .optional()
                    .map(|row| {
                        let (row, content) = row?;
                        Some((build_of((row, content.digest.clone(), content.size_bytes)), content))
                    })
            }

            fn old_builds(&mut self, moment: Timestamp, limit: i64) -> QueryResult<Vec<i64>> {
                build_data::table
                    .filter(build_data::collected_us.lt(moment.0))
                    .order((build_data::collected_us.asc(), build_data::id.asc()))
                    .limit(limit)
                    .select(build_data::id)
                    .load(self)
            }

            fn surplus_builds(&mut self, keep: i64, limit: i64) -> QueryResult<Vec<i64>> {
                use diesel::sql_types::BigInt;
                let rows: Vec<Numbered> =
                    diesel::sql_query(SURPLUS).bind::<BigInt, _>(keep).bind::<BigInt, _>(limit).load(self)?;
                Ok(rows.into_iter().map(|row| row.id).collect())
            }

            fn count_surplus(&mut self, moment: Timestamp, keep: i64) -> QueryResult<i64> {
                use diesel::sql_types::BigInt;
                let counted: Numbered = diesel::sql_query(COUNT_SURPLUS)
                    .bind::<BigInt, _>(moment.0)
                    .bind::<BigInt, _>(keep)
                    .get_result(self)?;
                Ok(counted.id)
            }

            fn delete_builds(&mut self, ids: &[i64]) -> QueryResult<usize> {
                diesel::delete(build_data::table.filter(build_data::id.eq_any(ids))).execute(self)
            }

            fn sightings(&mut self, sought: &Sought, limit: i64) -> QueryResult<Vec<SightingRow>> {
                use sightings as t;
                let mut rows = t::table.into_boxed();
                if let Some((kind, value)) = &sought.value {
                    rows = rows.filter(t::kind.eq(kind));
                    rows = match value.strip_suffix('/') {
                        // All that begin with it: '0' is the character that follows '/'.
                        Some(start) => {
                            rows.filter(t::value.ge(value)).filter(t::value.lt(format!("{start}0")))
                        }
                        None => rows.filter(t::value.eq(value)),
                    };
                }
                if let Some(node) = sought.node {
                    rows = rows.filter(t::node_uuid.eq(node.to_string()));
                }
                if let Some(present) = sought.present {
                    rows = rows.filter(t::present.eq(present));
                }
                if let Some((kind, value, node)) = &sought.after {
                    let later_node = t::value.eq(value).and(t::node_uuid.gt(node));
                    let later_value = t::kind.eq(kind).and(t::value.gt(value).or(later_node));
                    rows = rows.filter(t::kind.gt(kind).or(later_value));
                }
                rows.order((t::kind.asc(), t::value.asc(), t::node_uuid.asc()))
                    .limit(limit)
                    .select(SightingRow::as_select())
                    .load(self)
            }

            fn last_look(&mut self, node: &str) -> QueryResult<Option<(i64, Option<String>)>> {
                let row = $name(self, node, Some(Generator::Facts))?;
                Ok(row.map(|(_, at, name)| (at, name)))
            }
        }
    };
}

type Columns = (i64, String, Option<String>, Option<String>, Option<String>, String, String, i64, i64);

fn build_of((row, digest, size_bytes): (Columns, String, i64)) -> Build {
    let (id, node_uuid, node_name, task_id, run_id, generator, data_format, collected_us, document_id) = row;
    Build {
        id,
        node_uuid,
        node_name,
        task_id,
        run_id,
        generator,
        data_format,
        collected_us,
        document_id,
        digest,
        size_bytes,
    }
}

build_queries!(diesel::SqliteConnection, put_in_sqlite, note_in_sqlite, last_in_sqlite, rows_in_sqlite);
build_queries!(diesel::PgConnection, put_in_postgres, note_in_postgres, last_in_postgres, rows_in_postgres);
