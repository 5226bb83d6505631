//! Rows of `result_message`: what is told of tasks.
//!
//! Invariant: the messages of a task are numbered without gaps, in the order of their commits; what is too long is
//! shortened, never lost.

use diesel::prelude::*;

use super::{CONTEXT_CHARS, MESSAGE_CHARS, cut};
use crate::clock::Timestamp;
use crate::store::schema::{result_message, tasks};
use crate::store::writer::QueryResult;

/// A message to be added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMessage {
    /// What is told.
    pub text: String,
    /// Whether it counts as an error.
    pub error: bool,
    /// How bad it is.
    pub level: &'static str,
    /// What the context is: `node` or `task`.
    pub context_type: &'static str,
    /// The node or task that it is about.
    pub context: String,
    /// When it happened.
    pub at: Timestamp,
    /// More about it, a JSON object.
    pub extra: String,
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = result_message)]
pub struct MessageRow {
    /// Of which task.
    pub task_id: String,
    /// Its number: 1, 2, 3.
    pub seq: i64,
    /// What is told.
    pub message: String,
    /// Whether it counts as an error.
    pub error: bool,
    /// `Info`, `Warning` or `Error`.
    pub level: String,
    /// What the context is.
    pub context_type: String,
    /// What it is about.
    pub context: String,
    /// When it happened.
    pub ts_us: i64,
    /// More about it, JSON text.
    pub extra: String,
}

/// Queries on messages.
pub trait MessageQueries {
    /// Adds messages; answers the number of the last one, nothing where there is no such task.
    fn add_messages(&mut self, task: &str, messages: &[NewMessage]) -> QueryResult<Option<i64>>;

    /// Messages with a higher number, in their order.
    fn messages(&mut self, task: &str, after: i64, limit: i64) -> QueryResult<Vec<MessageRow>>;

    /// Error messages of tasks, by task.
    fn error_counts(&mut self, ids: &[String]) -> QueryResult<Vec<(String, i64)>>;
}

fn rows(task: &str, first: i64, messages: &[NewMessage]) -> Vec<MessageRow> {
    let row = |(seq, message): (i64, &NewMessage)| MessageRow {
        task_id: task.to_owned(),
        seq,
        // PostgreSQL takes no NUL.
        message: cut(&message.text.replace('\0', "\u{fffd}"), MESSAGE_CHARS),
        error: message.error,
        level: message.level.to_owned(),
        context_type: message.context_type.to_owned(),
        context: cut(&message.context, CONTEXT_CHARS),
        ts_us: message.at.0,
        extra: message.extra.clone(),
    };
    (first..).zip(messages).map(row).collect()
}

/// The bodies, once for both databases.
macro_rules! message_queries {
    ($connection:ty) => {
        impl MessageQueries for $connection {
            fn add_messages(&mut self, task: &str, messages: &[NewMessage]) -> QueryResult<Option<i64>> {
                use tasks as t;
                let count = i64::try_from(messages.len()).unwrap_or(i64::MAX);
                let last: Option<i64> = diesel::update(t::table.find(task))
                    .set(t::next_seq.eq(t::next_seq + count))
                    .returning(t::next_seq)
                    .get_result(self)
                    .optional()?;
                let Some(last) = last else { return Ok(None) };
                for row in rows(task, last.saturating_sub(count).saturating_add(1), messages) {
                    diesel::insert_into(result_message::table).values(&row).execute(self)?;
                }
                Ok(Some(last))
            }

            fn messages(&mut self, task: &str, after: i64, limit: i64) -> QueryResult<Vec<MessageRow>> {
                use result_message as t;
                t::table
                    .filter(t::task_id.eq(task))
                    .filter(t::seq.gt(after))
                    .order(t::seq.asc())
                    .limit(limit)
                    .select(MessageRow::as_select())
                    .load(self)
            }

            fn error_counts(&mut self, ids: &[String]) -> QueryResult<Vec<(String, i64)>> {
                use result_message as t;
                t::table
                    .filter(t::task_id.eq_any(ids))
                    .filter(t::error.eq(true))
                    .group_by(t::task_id)
                    .select((t::task_id, diesel::dsl::count_star()))
                    .load(self)
            }
        }
    };
}

message_queries!(diesel::SqliteConnection);
message_queries!(diesel::PgConnection);
