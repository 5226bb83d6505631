//! The runs that tasks observe, as their rows tell it.
//!
//! Invariant: the rows of runs and nodes are only read; of build data only the task is noted, and once.

use diesel::prelude::*;

use crate::store::schema::{build_data, nodes, runs};
use crate::store::writer::QueryResult;

/// How a run stands that is observed.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub struct Mark {
    /// The run.
    pub run: String,
    /// Its node.
    pub node: String,
    /// How it ended.
    pub outcome: Option<String>,
    /// Why it failed.
    pub error: Option<String>,
    /// Transitions of the node while it is in this run; `None` where it is in another one, or gone.
    pub version: Option<i64>,
}

/// Queries on runs that are observed.
pub trait ObservedQueries {
    /// How runs stand.
    fn run_marks(&mut self, ids: &[String]) -> QueryResult<Vec<Mark>>;

    /// Notes for which task a run's build data was collected.
    fn tag_builds(&mut self, run: &str, task: &str) -> QueryResult<()>;
}

/// The bodies, once for both databases.
macro_rules! observed_queries {
    ($connection:ty) => {
        impl ObservedQueries for $connection {
            fn run_marks(&mut self, ids: &[String]) -> QueryResult<Vec<Mark>> {
                let in_run = nodes::uuid.eq(runs::node_uuid).and(nodes::run_id.eq(runs::id));
                runs::table
                    .left_join(nodes::table.on(in_run))
                    .filter(runs::id.eq_any(ids))
                    .select((
                        runs::id,
                        runs::node_uuid,
                        runs::outcome,
                        runs::error,
                        nodes::version.nullable(),
                    ))
                    .load(self)
            }

            fn tag_builds(&mut self, run: &str, task: &str) -> QueryResult<()> {
                use build_data as t;
                diesel::update(t::table.filter(t::run_id.eq(run)).filter(t::task_id.is_null()))
                    .set(t::task_id.eq(task))
                    .execute(self)?;
                Ok(())
            }
        }
    };
}

observed_queries!(diesel::SqliteConnection);
observed_queries!(diesel::PgConnection);
