//! Rows of `import_orders`: imports that wait to be worked on as a task.
//!
//! Invariant: an order is written with its task, and goes when that is over: carried out, stopped or given up.

use diesel::prelude::*;

use crate::store::QueryResult;
use crate::store::schema::import_orders;

/// An import that is to be worked on.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = import_orders)]
pub struct ImportOrderRow {
    /// The task.
    pub task_id: String,
    /// How it is to be carried out, JSON text.
    pub manner: String,
    /// How the request is compressed.
    pub codec: i16,
    /// Bytes of the request.
    pub size_bytes: i64,
    /// The compressed request.
    pub body: Vec<u8>,
}

/// Queries on imports that wait.
pub trait OrderQueries {
    /// Adds one.
    fn add_import_order(&mut self, row: &ImportOrderRow) -> QueryResult<()>;

    /// That of a task.
    fn import_order(&mut self, task: &str) -> QueryResult<Option<ImportOrderRow>>;

    /// Removes that of a task.
    fn delete_import_order(&mut self, task: &str) -> QueryResult<()>;
}

macro_rules! order_queries {
    ($connection:ty) => {
        impl OrderQueries for $connection {
            fn add_import_order(&mut self, row: &ImportOrderRow) -> QueryResult<()> {
                diesel::insert_into(import_orders::table).values(row).execute(self).map(drop)
            }

            fn import_order(&mut self, task: &str) -> QueryResult<Option<ImportOrderRow>> {
                import_orders::table.find(task).select(ImportOrderRow::as_select()).first(self).optional()
            }

            fn delete_import_order(&mut self, task: &str) -> QueryResult<()> {
                diesel::delete(import_orders::table.find(task)).execute(self).map(drop)
            }
        }
    };
}

order_queries!(diesel::SqliteConnection);
order_queries!(diesel::PgConnection);
