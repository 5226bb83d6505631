//! What unattended cleaning asks: records to compare with the node service's list, and what has been kept long enough.
//!
//! Invariant: a record goes only with the version that it was judged by, and never one that has a run going on or a
//! machine still to be powered off; of a record that stays, the run that it belongs to stays too.

#[cfg(test)]
mod tests;

use diesel::prelude::*;
use uuid::Uuid;

use super::nodes::parse_uuid;
use super::schema::{nodes, power_jobs, runs};
use super::writer::QueryResult;
use crate::clock::Timestamp;
use crate::fsm::State;

/// A record, with the version that it was judged by.
pub type Judged = (Uuid, i64);

/// Queries of unattended cleaning.
pub trait HousekeepingQueries {
    /// A page of the records that have been in their state since before `moment`, in the order of their UUIDs.
    fn settled_page(
        &mut self,
        after: Option<Uuid>,
        moment: Timestamp,
        limit: i64,
    ) -> QueryResult<Vec<Judged>>;

    /// Records whose run ended before `moment`, some of them.
    fn ended_before(&mut self, moment: Timestamp, limit: i64) -> QueryResult<Vec<Judged>>;

    /// Runs that ended before `moment` and are no record's own, some of them.
    fn old_runs(&mut self, moment: Timestamp, limit: i64) -> QueryResult<Vec<String>>;

    /// Removes runs that are over; answers how many. One that is over is never again a record's own.
    fn delete_runs(&mut self, ids: &[String]) -> QueryResult<usize>;
}

macro_rules! housekeeping_queries {
    ($connection:ty) => {
        impl HousekeepingQueries for $connection {
            fn settled_page(
                &mut self,
                after: Option<Uuid>,
                moment: Timestamp,
                limit: i64,
            ) -> QueryResult<Vec<Judged>> {
                let after = after.map(|uuid| uuid.to_string()).unwrap_or_default();
                let rows: Vec<(String, i64)> = nodes::table
                    .filter(nodes::uuid.gt(after))
                    .filter(nodes::state_since.lt(moment.0))
                    .order(nodes::uuid.asc())
                    .limit(limit)
                    .select((nodes::uuid, nodes::version))
                    .load(self)?;
                judged(rows)
            }

            fn ended_before(&mut self, moment: Timestamp, limit: i64) -> QueryResult<Vec<Judged>> {
                let mut found = Vec::new();
                for state in [State::Finished, State::Error] {
                    // The order of starts has an index; a run ends after it has started.
                    let rows: Vec<(String, i64)> = nodes::table
                        .filter(nodes::state.eq(state.name()))
                        .filter(nodes::started_at.lt(moment.0))
                        .filter(nodes::finished_at.lt(moment.0))
                        .filter(nodes::uuid.ne_all(power_jobs::table.select(power_jobs::node_uuid)))
                        .order(nodes::started_at.asc())
                        .limit(limit)
                        .select((nodes::uuid, nodes::version))
                        .load(self)?;
                    found.extend(rows);
                }
                judged(found)
            }

            fn old_runs(&mut self, moment: Timestamp, limit: i64) -> QueryResult<Vec<String>> {
                runs::table
                    .filter(runs::finished_at.lt(moment.0))
                    .filter(diesel::dsl::not(diesel::dsl::exists(
                        nodes::table
                            .filter(nodes::uuid.eq(runs::node_uuid))
                            .filter(nodes::run_id.eq(runs::id)),
                    )))
                    .order(runs::finished_at.asc())
                    .limit(limit)
                    .select(runs::id)
                    .load(self)
            }

            fn delete_runs(&mut self, ids: &[String]) -> QueryResult<usize> {
                let old = runs::table.filter(runs::id.eq_any(ids)).filter(runs::finished_at.is_not_null());
                diesel::delete(old).execute(self)
            }
        }
    };
}

fn judged(rows: Vec<(String, i64)>) -> QueryResult<Vec<Judged>> {
    rows.into_iter().map(|(uuid, version)| Ok((parse_uuid(&uuid)?, version))).collect()
}

housekeeping_queries!(diesel::SqliteConnection);
housekeeping_queries!(diesel::PgConnection);
