//! Rows of `power_jobs`: machines that are to be powered off because their run has timed out.

use diesel::prelude::*;
use uuid::Uuid;

use super::nodes::parse_uuid;
use super::schema::power_jobs;
use super::writer::QueryResult;
use crate::clock::Timestamp;

/// A machine to be powered off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PowerJob {
    /// The machine.
    pub node: Uuid,
    /// The run that has timed out.
    pub run: Uuid,
    /// How often it was tried without success.
    pub attempts: i32,
}

/// Queries on power jobs.
pub trait PowerJobQueries {
    /// The jobs that are due, those that have been due longest first.
    fn power_jobs(&mut self, now: Timestamp, limit: i64) -> QueryResult<Vec<PowerJob>>;

    /// The job of a machine.
    fn power_job(&mut self, node: Uuid) -> QueryResult<Option<PowerJob>>;

    /// Notes an attempt that failed, and when the next one is due.
    fn postpone_power_job(&mut self, job: PowerJob, due: Timestamp) -> QueryResult<()>;

    /// Adds a job that is due at once, in the place of an older one of the same machine.
    fn put_power_job(&mut self, node: Uuid, run: Uuid, at: Timestamp) -> QueryResult<()>;

    /// Removes the job of a machine, if there is one.
    fn drop_power_job(&mut self, node: Uuid) -> QueryResult<()>;
}

fn read((node, run, attempts): &(String, String, i32)) -> QueryResult<PowerJob> {
    Ok(PowerJob { node: parse_uuid(node)?, run: parse_uuid(run)?, attempts: *attempts })
}

macro_rules! power_job_queries {
    ($connection:ty) => {
        impl PowerJobQueries for $connection {
            fn power_jobs(&mut self, now: Timestamp, limit: i64) -> QueryResult<Vec<PowerJob>> {
                let rows: Vec<(String, String, i32)> = power_jobs::table
                    .filter(power_jobs::due_at.le(now.0))
                    .order((power_jobs::due_at.asc(), power_jobs::node_uuid.asc()))
                    .limit(limit)
                    .select((power_jobs::node_uuid, power_jobs::run_id, power_jobs::attempts))
                    .load(self)?;
                rows.iter().map(read).collect()
            }

            fn power_job(&mut self, node: Uuid) -> QueryResult<Option<PowerJob>> {
                let row: Option<(String, String, i32)> = power_jobs::table
                    .find(node.to_string())
                    .select((power_jobs::node_uuid, power_jobs::run_id, power_jobs::attempts))
                    .first(self)
                    .optional()?;
                row.as_ref().map(read).transpose()
            }

            fn postpone_power_job(&mut self, job: PowerJob, due: Timestamp) -> QueryResult<()> {
                diesel::update(power_jobs::table.find(job.node.to_string()))
                    .filter(power_jobs::run_id.eq(job.run.to_string()))
                    .set((power_jobs::attempts.eq(job.attempts), power_jobs::due_at.eq(due.0)))
                    .execute(self)?;
                Ok(())
            }

            fn put_power_job(&mut self, node: Uuid, run: Uuid, at: Timestamp) -> QueryResult<()> {
                let fresh = (
                    power_jobs::run_id.eq(run.to_string()),
                    power_jobs::created_at.eq(at.0),
                    power_jobs::attempts.eq(0),
                    power_jobs::due_at.eq(at.0),
                );
                diesel::insert_into(power_jobs::table)
                    .values((power_jobs::node_uuid.eq(node.to_string()), fresh.clone()))
                    .on_conflict(power_jobs::node_uuid)
                    .do_update()
                    .set(fresh)
                    .execute(self)?;
                Ok(())
            }

            fn drop_power_job(&mut self, node: Uuid) -> QueryResult<()> {
                diesel::delete(power_jobs::table.find(node.to_string())).execute(self)?;
                Ok(())
            }
        }
    };
}

power_job_queries!(diesel::SqliteConnection);
power_job_queries!(diesel::PgConnection);
