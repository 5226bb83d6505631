//! Rows of `runs`: every run there ever was, and what remains to be applied of the one that is going on.

use diesel::prelude::*;
use uuid::Uuid;

use super::prepared::prepared;
use super::schema::runs;
use super::writer::QueryResult;
use crate::clock::Timestamp;
use crate::node::timeline::Timeline;
use crate::node::{Outcome, RunKind};

#[derive(Insertable)]
#[diesel(table_name = runs)]
struct NewRun {
    id: String,
    node_uuid: String,
    kind: &'static str,
    started_at: i64,
}

/// A run as the history shows it.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = runs)]
pub struct RunRow {
    /// The run.
    pub id: String,
    /// The node.
    pub node_uuid: String,
    /// How it began: `start`, `reapply`, `discovery` or `active`.
    pub kind: String,
    /// When it began, in microseconds since the epoch.
    pub started_at: i64,
    /// When it ended.
    pub finished_at: Option<i64>,
    /// How it ended: `finished`, `error`, `superseded` or `forgotten`.
    pub outcome: Option<String>,
    /// Why it failed.
    pub error: Option<String>,
    /// What became of the power at its end.
    pub power: Option<String>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunEnd {
    /// How.
    pub outcome: Outcome,
    /// Why it failed.
    pub error: Option<String>,
    /// What became of the power.
    pub power: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// Queries on runs.
pub trait RunQueries {
    /// The runs of a node, the latest first.
    fn runs_of(&mut self, node: Uuid, limit: i64) -> QueryResult<Vec<RunRow>>;

    /// The plan that a run committed, JSON text.
    fn plan(&mut self, run: Uuid) -> QueryResult<Option<Vec<u8>>>;

    /// What happened in a run so far.
    fn timeline(&mut self, run: Uuid) -> QueryResult<Timeline>;

    /// Stores what happened in a run so far.
    fn put_timeline(&mut self, run: Uuid, timeline: &Timeline) -> QueryResult<()>;

    /// Begins a run.
    fn open_run(&mut self, run: Uuid, node: Uuid, kind: RunKind, at: Timestamp) -> QueryResult<()>;

    /// Commits what the run is about to apply.
    fn put_plan(&mut self, run: Uuid, plan: &[u8]) -> QueryResult<()>;

    /// Removes a run from the history.
    fn delete_run(&mut self, run: Uuid) -> QueryResult<()>;

    /// Ends a run that has not ended yet.
    fn close_run(&mut self, run: Uuid, end: &RunEnd) -> QueryResult<()>;

    /// Notes what became of the power after a run had ended.
    fn set_run_power(&mut self, run: Uuid, power: &str) -> QueryResult<()>;

    /// Ends the open runs of a node whose record is removed.
    fn close_runs_of(&mut self, node: Uuid, end: &RunEnd) -> QueryResult<()>;
}

macro_rules! run_queries {
    ($connection:ty) => {
        impl RunQueries for $connection {
            fn runs_of(&mut self, node: Uuid, limit: i64) -> QueryResult<Vec<RunRow>> {
                runs::table
                    .filter(runs::node_uuid.eq(node.to_string()))
                    .order(runs::started_at.desc())
                    .limit(limit)
                    .select(RunRow::as_select())
                    .load(self)
            }

            fn plan(&mut self, run: Uuid) -> QueryResult<Option<Vec<u8>>> {
                let plan: Option<Option<Vec<u8>>> =
                    runs::table.find(run.to_string()).select(runs::plan).get_result(self).optional()?;
                Ok(plan.flatten())
            }

            fn timeline(&mut self, run: Uuid) -> QueryResult<Timeline> {
                let stored: Option<Option<Vec<u8>>> =
                    runs::table.find(run.to_string()).select(runs::timeline).get_result(self).optional()?;
                Ok(stored.flatten().map(|text| Timeline::unpack(&text)).unwrap_or_default())
            }

            fn put_timeline(&mut self, run: Uuid, timeline: &Timeline) -> QueryResult<()> {
                let packed = timeline.pack();
                let put = diesel::update(runs::table.find(run.to_string())).set(runs::timeline.eq(packed));
                prepared(put.returning(runs::started_at)).get_result::<i64>(self).optional().map(drop)
            }

            fn open_run(&mut self, run: Uuid, node: Uuid, kind: RunKind, at: Timestamp) -> QueryResult<()> {
                let row = NewRun {
                    id: run.to_string(),
                    node_uuid: node.to_string(),
                    kind: kind.name(),
                    started_at: at.0,
                };
                diesel::insert_into(runs::table).values(&row).execute(self)?;
                Ok(())
            }

            fn put_plan(&mut self, run: Uuid, plan: &[u8]) -> QueryResult<()> {
                let put = diesel::update(runs::table.find(run.to_string())).set(runs::plan.eq(plan));
                prepared(put.returning(runs::started_at)).get_result::<i64>(self).optional().map(drop)
            }

            fn delete_run(&mut self, run: Uuid) -> QueryResult<()> {
                diesel::delete(runs::table.find(run.to_string())).execute(self)?;
                Ok(())
            }

            fn close_run(&mut self, run: Uuid, end: &RunEnd) -> QueryResult<()> {
                let open = runs::table.filter(runs::id.eq(run.to_string())).filter(runs::outcome.is_null());
                let close = diesel::update(open).set((
                    runs::outcome.eq(end.outcome.name()),
                    runs::finished_at.eq(end.at.0),
                    runs::error.eq(end.error.as_deref()),
                    runs::power.eq(end.power.as_deref()),
                    runs::plan.eq(None::<Vec<u8>>),
                ));
                prepared(close.returning(runs::started_at)).get_result::<i64>(self).optional().map(drop)
            }

            fn set_run_power(&mut self, run: Uuid, power: &str) -> QueryResult<()> {
                diesel::update(runs::table.find(run.to_string())).set(runs::power.eq(power)).execute(self)?;
                Ok(())
            }

            fn close_runs_of(&mut self, node: Uuid, end: &RunEnd) -> QueryResult<()> {
                let of_node = runs::table.filter(runs::node_uuid.eq(node.to_string()));
                let open = of_node.filter(runs::outcome.is_null());
                diesel::update(open)
                    .set((
                        runs::outcome.eq(end.outcome.name()),
                        runs::finished_at.eq(end.at.0),
                        runs::plan.eq(None::<Vec<u8>>),
                    ))
                    .execute(self)?;
                Ok(())
            }
        }
    };
}

run_queries!(diesel::SqliteConnection);
run_queries!(diesel::PgConnection);
