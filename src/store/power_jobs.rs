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
}

/// Queries on power jobs.
pub trait PowerJobQueries {
    /// The jobs, the oldest first.
    fn power_jobs(&mut self, limit: i64) -> QueryResult<Vec<PowerJob>>;

    /// Adds a job, in the place of an older one of the same machine.
    fn put_power_job(&mut self, job: PowerJob, at: Timestamp) -> QueryResult<()>;

    /// Removes the job of a machine, if there is one.
    fn drop_power_job(&mut self, node: Uuid) -> QueryResult<()>;
}

macro_rules! power_job_queries {
    ($connection:ty) => {
        impl PowerJobQueries for $connection {
            fn power_jobs(&mut self, limit: i64) -> QueryResult<Vec<PowerJob>> {
                let rows: Vec<(String, String)> = power_jobs::table
                    .order(power_jobs::created_at.asc())
                    .limit(limit)
                    .select((power_jobs::node_uuid, power_jobs::run_id))
                    .load(self)?;
                let read = |(node, run): &(String, String)| {
                    Ok(PowerJob { node: parse_uuid(node)?, run: parse_uuid(run)? })
                };
                rows.iter().map(read).collect()
            }

            fn put_power_job(&mut self, job: PowerJob, at: Timestamp) -> QueryResult<()> {
                let run = job.run.to_string();
                diesel::insert_into(power_jobs::table)
                    .values((
                        power_jobs::node_uuid.eq(job.node.to_string()),
                        power_jobs::run_id.eq(&run),
                        power_jobs::created_at.eq(at.0),
                    ))
                    .on_conflict(power_jobs::node_uuid)
                    .do_update()
                    .set((power_jobs::run_id.eq(&run), power_jobs::created_at.eq(at.0)))
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
