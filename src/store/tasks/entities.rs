//! Rows of `task_entities` and `task_links`: for whom the attempts of a task ended how, and where there is more.
//!
//! Invariant: in each attempt an entity has one outcome, the first that was told.

use diesel::prelude::*;
use diesel::sql_types::Text;

use super::names;
use crate::store::schema::{task_entities, task_links, tasks};
use crate::store::writer::QueryResult;
use crate::tasks::model::{Outcome, Status};

/// Queries on what belongs to tasks.
pub trait EntityQueries {
    /// Notes how an attempt ended for an entity; the first word on it counts.
    fn add_entity(&mut self, task: &str, retry: i32, entity: &str, outcome: Outcome) -> QueryResult<()>;

    /// Notes the same for all children of an attempt that have one of these statuses.
    fn add_entities(&mut self, parent: &str, retry: i32, of: &[Status], outcome: Outcome) -> QueryResult<()>;

    /// How the present attempts of tasks ended: task, entity, outcome.
    fn entities(&mut self, ids: &[String]) -> QueryResult<Vec<(String, String, String)>>;

    /// Adds a link as the last one, unless it is there.
    fn add_link(&mut self, task: &str, rel: &str, href: &str) -> QueryResult<()>;

    /// Links of tasks: task, relation, address.
    fn links(&mut self, ids: &[String]) -> QueryResult<Vec<(String, String, String)>>;
}

/// The bodies, once for both databases.
macro_rules! entity_queries {
    ($connection:ty) => {
        impl EntityQueries for $connection {
            fn add_entity(
                &mut self,
                task: &str,
                retry: i32,
                entity: &str,
                outcome: Outcome,
            ) -> QueryResult<()> {
                use task_entities as t;
                let row = (
                    t::task_id.eq(task),
                    t::retry.eq(retry),
                    t::entity.eq(entity),
                    t::outcome.eq(outcome.name()),
                );
                diesel::insert_into(t::table).values(row).on_conflict_do_nothing().execute(self)?;
                Ok(())
            }

            fn add_entities(
                &mut self,
                parent: &str,
                retry: i32,
                of: &[Status],
                outcome: Outcome,
            ) -> QueryResult<()> {
                use task_entities as t;
                let entity = diesel::dsl::sql::<Text>("COALESCE(node_name, node_uuid, '')");
                let children = tasks::table
                    .filter(tasks::parent_id.eq(parent))
                    .filter(tasks::retry.eq(retry))
                    .filter(tasks::status.eq_any(names(of)))
                    .select((
                        tasks::parent_id.assume_not_null(),
                        tasks::retry,
                        entity,
                        outcome.name().into_sql::<Text>(),
                    ));
                children
                    .insert_into(t::table)
                    .into_columns((t::task_id, t::retry, t::entity, t::outcome))
                    .on_conflict_do_nothing()
                    .execute(self)?;
                Ok(())
            }

            fn entities(&mut self, ids: &[String]) -> QueryResult<Vec<(String, String, String)>> {
                use task_entities as t;
                t::table
                    .inner_join(tasks::table)
                    .filter(t::task_id.eq_any(ids))
                    .filter(t::retry.eq(tasks::retry))
                    .order(t::entity.asc())
                    .select((t::task_id, t::entity, t::outcome))
                    .load(self)
            }

            fn add_link(&mut self, task: &str, rel: &str, href: &str) -> QueryResult<()> {
                use task_links as t;
                let there: Vec<(i32, String, String)> =
                    t::table.filter(t::task_id.eq(task)).select((t::position, t::rel, t::href)).load(self)?;
                if there.iter().any(|(_, known, at)| known == rel && at == href) {
                    return Ok(());
                }
                let position = i32::try_from(there.len()).unwrap_or(i32::MAX);
                let row = (t::task_id.eq(task), t::position.eq(position), t::rel.eq(rel), t::href.eq(href));
                diesel::insert_into(t::table).values(row).on_conflict_do_nothing().execute(self)?;
                Ok(())
            }

            fn links(&mut self, ids: &[String]) -> QueryResult<Vec<(String, String, String)>> {
                use task_links as t;
                t::table
                    .filter(t::task_id.eq_any(ids))
                    .order(t::position.asc())
                    .select((t::task_id, t::rel, t::href))
                    .load(self)
            }
        }
    };
}

entity_queries!(diesel::SqliteConnection);
entity_queries!(diesel::PgConnection);
