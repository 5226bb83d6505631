//! Rows of `tasks`; what belongs to them is beside this file.
//!
//! Invariant: a row is changed by columns, under a condition on its status and, where its leader works on it, on the
//! leader; never written whole.

pub mod entities;
pub mod messages;
pub mod observed;
#[cfg(test)]
mod tests;

use diesel::prelude::*;

pub use self::messages::{MessageRow, NewMessage};
pub use self::observed::Mark;
use super::schema::tasks;
use super::writer::QueryResult;
use crate::clock::Timestamp;
use crate::cluster::Term;
use crate::tasks::model::{Action, Outcome, Status};

/// Characters of a message that are kept.
const MESSAGE_CHARS: usize = 4096;
/// Characters of a context that are kept.
const CONTEXT_CHARS: usize = 255;

/// A task.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = tasks)]
pub struct TaskRow {
    /// Its UUID.
    pub id: String,
    /// The task that it is a part of.
    pub parent_id: Option<String>,
    /// What is done.
    pub action: String,
    /// Where it is in its life.
    pub status: String,
    /// How it went.
    pub result_status: String,
    /// That in one line.
    pub result_message: Option<String>,
    /// Why.
    pub result_reason: Option<String>,
    /// Attempts before this one.
    pub retry: i32,
    /// Attempts after the first one at most.
    pub max_retry: i32,
    /// Attempts whose children are made.
    pub expanded: i32,
    /// Leaders that began it anew.
    pub requeued: i32,
    /// Where the design is.
    pub design_ref: Option<String>,
    /// Which content of it counts.
    pub design_digest: Option<String>,
    /// Which nodes, JSON text.
    pub node_filter: Option<String>,
    /// Who asked, JSON text.
    pub request_context: Option<String>,
    /// The node of a child.
    pub node_uuid: Option<String>,
    /// Its name.
    pub node_name: Option<String>,
    /// Its rack.
    pub rack: Option<String>,
    /// The run that is observed.
    pub run_id: Option<String>,
    /// Entries of its timeline that were taken over.
    pub observed: i32,
    /// When it was asked for, in microseconds since the epoch; so are all times.
    pub created_us: i64,
    /// By whom.
    pub created_by: Option<String>,
    /// When it was changed last.
    pub updated_us: i64,
    /// When the work on it began.
    pub started_us: Option<i64>,
    /// When it ended.
    pub finished_us: Option<i64>,
    /// When it was asked to stop.
    pub terminate_us: Option<i64>,
    /// By whom.
    pub terminated_by: Option<String>,
    /// The instance that works on it.
    pub owner: Option<String>,
    /// Its epoch as the leader.
    pub owner_epoch: Option<i64>,
    /// Messages so far.
    pub next_seq: i64,
    /// Counts the changes.
    pub version: i64,
}

impl TaskRow {
    /// A task that is asked for now and that nothing was done for yet; the rest is said over it.
    #[must_use]
    pub fn new(id: String, action: Action, now: Timestamp) -> Self {
        Self {
            id,
            parent_id: None,
            action: action.name().to_owned(),
            status: Status::Requested.name().to_owned(),
            result_status: Outcome::Incomplete.name().to_owned(),
            result_message: None,
            result_reason: None,
            retry: 0,
            max_retry: 0,
            expanded: 0,
            requeued: 0,
            design_ref: None,
            design_digest: None,
            node_filter: None,
            request_context: None,
            node_uuid: None,
            node_name: None,
            rack: None,
            run_id: None,
            observed: 0,
            created_us: now.0,
            created_by: None,
            updated_us: now.0,
            started_us: None,
            finished_us: None,
            terminate_us: None,
            terminated_by: None,
            owner: None,
            owner_epoch: None,
            next_seq: 0,
            version: 1,
        }
    }
}

/// What is changed; nothing where `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq, AsChangeset)]
#[diesel(table_name = tasks)]
pub struct Change {
    /// Where it is now.
    pub status: Option<String>,
    /// How it went.
    pub result_status: Option<String>,
    /// That in one line.
    pub result_message: Option<Option<String>>,
    /// Why.
    pub result_reason: Option<Option<String>>,
    /// Attempts before this one.
    pub retry: Option<i32>,
    /// Attempts whose children are made.
    pub expanded: Option<i32>,
    /// Leaders that began it anew.
    pub requeued: Option<i32>,
    /// Which content of the design counts.
    pub design_digest: Option<String>,
    /// The run that is observed.
    pub run_id: Option<Option<String>>,
    /// Entries of its timeline that were taken over.
    pub observed: Option<i32>,
    /// When the work began.
    pub started_us: Option<i64>,
    /// When it ended.
    pub finished_us: Option<Option<i64>>,
    /// When it was asked to stop.
    pub terminate_us: Option<Option<i64>>,
    /// By whom.
    pub terminated_by: Option<Option<String>>,
    /// The instance that works on it.
    pub owner: Option<String>,
    /// Its epoch as the leader.
    pub owner_epoch: Option<i64>,
}

impl Change {
    /// Into this status; a final one has its end noted.
    #[must_use]
    pub fn to(status: Status, now: Timestamp) -> Self {
        let finished_us = status.is_final().then_some(Some(now.0));
        Self { status: Some(status.name().to_owned()), finished_us, ..Self::default() }
    }

    /// With this result.
    #[must_use]
    pub fn with_result(mut self, result: Outcome, message: Option<String>) -> Self {
        self.result_status = Some(result.name().to_owned());
        self.result_message = message.map(|text| Some(cut(&text, MESSAGE_CHARS)));
        self
    }
}

/// Which tasks, the newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskQuery {
    /// With this status.
    pub status: Option<Status>,
    /// With this action.
    pub action: Option<String>,
    /// Children of this task; without it only tasks that are no children, unless they are asked for.
    pub parent: Option<String>,
    /// Whether children are shown among others.
    pub children: bool,
    /// Asked for by this user.
    pub created_by: Option<String>,
    /// The last task of the page before: when it was created, and its id.
    pub after: Option<(i64, String)>,
}

/// Children of one attempt by status and result.
pub type Count = (String, String, i64);

/// Queries on tasks.
pub trait TaskQueries {
    /// Adds tasks.
    fn insert_tasks(&mut self, rows: &[TaskRow]) -> QueryResult<()>;

    /// A task.
    fn task(&mut self, id: &str) -> QueryResult<Option<TaskRow>>;

    /// Tasks, the newest first.
    fn tasks_page(&mut self, wanted: &TaskQuery, limit: i64) -> QueryResult<Vec<TaskRow>>;

    /// The oldest tasks with one of these statuses that are no children.
    fn roots_in(&mut self, statuses: &[Status], limit: i64) -> QueryResult<Vec<TaskRow>>;

    /// The children of tasks, in the order of their making: parent and child.
    fn child_ids(&mut self, parents: &[String]) -> QueryResult<Vec<(String, String)>>;

    /// Children of an attempt with one of these statuses.
    fn children(
        &mut self,
        parent: &str,
        retry: i32,
        statuses: &[Status],
        limit: i64,
    ) -> QueryResult<Vec<TaskRow>>;

    /// How the children of an attempt stand.
    fn count_children(&mut self, parent: &str, retry: i32) -> QueryResult<Vec<Count>>;

    /// Changes a task that has one of these statuses and, where a term is given, is worked on in it; answers whether
    /// there was one.
    fn change_task(
        &mut self,
        id: &str,
        from: &[Status],
        term: Option<&Term>,
        change: &Change,
        now: Timestamp,
    ) -> QueryResult<bool>;

    /// Changes all children of an attempt that have one of these statuses; answers how many.
    fn change_children(
        &mut self,
        parent: &str,
        retry: i32,
        from: &[Status],
        change: &Change,
        now: Timestamp,
    ) -> QueryResult<usize>;

    /// Tasks without a parent that ended before `moment`, some of them.
    fn ended_tasks(&mut self, moment: Timestamp, limit: i64) -> QueryResult<Vec<String>>;

    /// Removes tasks with their messages; answers how many tasks.
    fn delete_tasks(&mut self, ids: &[String]) -> QueryResult<usize>;
}

/// A text of at most so many characters; what is cut off is shown by an ellipsis.
fn cut(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    let kept: String = text.chars().take(limit.saturating_sub(1)).collect();
    format!("{kept}\u{2026}")
}

fn names(statuses: &[Status]) -> Vec<&'static str> {
    statuses.iter().map(|status| status.name()).collect()
}

/// The bodies, once for both databases.
macro_rules! task_queries {
    ($connection:ty) => {
        impl TaskQueries for $connection {
            fn insert_tasks(&mut self, rows: &[TaskRow]) -> QueryResult<()> {
                for row in rows {
                    diesel::insert_into(tasks::table).values(row).execute(self)?;
                }
                Ok(())
            }

            fn task(&mut self, id: &str) -> QueryResult<Option<TaskRow>> {
                tasks::table.find(id).select(TaskRow::as_select()).first(self).optional()
            }

            fn tasks_page(&mut self, wanted: &TaskQuery, limit: i64) -> QueryResult<Vec<TaskRow>> {
                use tasks as t;
                let mut rows = t::table.into_boxed();
                if let Some(status) = wanted.status {
                    rows = rows.filter(t::status.eq(status.name()));
                }
                if let Some(action) = &wanted.action {
                    rows = rows.filter(t::action.eq(action));
                }
                if let Some(user) = &wanted.created_by {
                    rows = rows.filter(t::created_by.eq(user));
                }
                match &wanted.parent {
                    Some(parent) => rows = rows.filter(t::parent_id.eq(parent)),
                    None if wanted.children => {}
                    None => rows = rows.filter(t::parent_id.is_null()),
                }
                if let Some((at, id)) = &wanted.after {
                    let same = t::created_us.eq(*at).and(t::id.lt(id));
                    rows = rows.filter(t::created_us.lt(*at).or(same));
                }
                rows.order((t::created_us.desc(), t::id.desc()))
                    .limit(limit)
                    .select(TaskRow::as_select())
                    .load(self)
            }

            fn roots_in(&mut self, statuses: &[Status], limit: i64) -> QueryResult<Vec<TaskRow>> {
                use tasks as t;
                t::table
                    .filter(t::parent_id.is_null())
                    .filter(t::status.eq_any(names(statuses)))
                    .order((t::created_us.asc(), t::id.asc()))
                    .limit(limit)
                    .select(TaskRow::as_select())
                    .load(self)
            }

            fn child_ids(&mut self, parents: &[String]) -> QueryResult<Vec<(String, String)>> {
                use tasks as t;
                t::table
                    .filter(t::parent_id.eq_any(parents))
                    .order((t::created_us.asc(), t::id.asc()))
                    .select((t::parent_id.assume_not_null(), t::id))
                    .load(self)
            }

            fn children(
                &mut self,
                parent: &str,
                retry: i32,
                statuses: &[Status],
                limit: i64,
            ) -> QueryResult<Vec<TaskRow>> {
                use tasks as t;
                t::table
                    .filter(t::parent_id.eq(parent))
                    .filter(t::retry.eq(retry))
                    .filter(t::status.eq_any(names(statuses)))
                    .order((t::created_us.asc(), t::id.asc()))
                    .limit(limit)
                    .select(TaskRow::as_select())
                    .load(self)
            }

            fn count_children(&mut self, parent: &str, retry: i32) -> QueryResult<Vec<Count>> {
                use tasks as t;
                t::table
                    .filter(t::parent_id.eq(parent))
                    .filter(t::retry.eq(retry))
                    .group_by((t::status, t::result_status))
                    .select((t::status, t::result_status, diesel::dsl::count_star()))
                    .load(self)
            }

            fn change_task(
                &mut self,
                id: &str,
                from: &[Status],
                term: Option<&Term>,
                change: &Change,
                now: Timestamp,
            ) -> QueryResult<bool> {
                use tasks as t;
                let meant = t::table.find(id).filter(t::status.eq_any(names(from)));
                let set = (change, t::updated_us.eq(now.0), t::version.eq(t::version + 1));
                let changed = match term {
                    Some(term) => {
                        let held = t::owner.eq(&*term.holder.name).and(t::owner_epoch.eq(term.epoch));
                        diesel::update(meant.filter(held)).set(set).execute(self)?
                    }
                    None => diesel::update(meant).set(set).execute(self)?,
                };
                Ok(changed == 1)
            }

            fn change_children(
                &mut self,
                parent: &str,
                retry: i32,
                from: &[Status],
                change: &Change,
                now: Timestamp,
            ) -> QueryResult<usize> {
                use tasks as t;
                let meant = t::table
                    .filter(t::parent_id.eq(parent))
                    .filter(t::retry.eq(retry))
                    .filter(t::status.eq_any(names(from)));
                diesel::update(meant)
                    .set((change, t::updated_us.eq(now.0), t::version.eq(t::version + 1)))
                    .execute(self)
            }

            fn ended_tasks(&mut self, moment: Timestamp, limit: i64) -> QueryResult<Vec<String>> {
                use tasks as t;
                t::table
                    .filter(t::parent_id.is_null())
                    .filter(t::status.eq_any(names(&[Status::Terminated, Status::Complete])))
                    .filter(t::created_us.lt(moment.0))
                    .order((t::created_us.asc(), t::id.asc()))
                    .limit(limit)
                    .select(t::id)
                    .load(self)
            }

            fn delete_tasks(&mut self, ids: &[String]) -> QueryResult<usize> {
                diesel::delete(tasks::table.filter(tasks::id.eq_any(ids))).execute(self)
            }
        }
    };
}

task_queries!(diesel::SqliteConnection);
task_queries!(diesel::PgConnection);
