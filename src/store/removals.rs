//! Rows of `data_removals`: nodes whose record is gone, and whose documents the data store still has.

use diesel::prelude::*;
use uuid::Uuid;

use super::data::Place;
use super::nodes::parse_uuid;
use super::schema::{data_removals, introspection_data, nodes};
use super::writer::QueryResult;
use crate::clock::Timestamp;

/// Queries on documents to be removed.
pub trait RemovalQueries {
    /// Notes that the documents of a node are to be removed from the data store.
    fn put_data_removal(&mut self, node: Uuid, now: Timestamp) -> QueryResult<()>;

    /// Whether the documents of a node are to be removed.
    fn has_data_removal(&mut self, node: Uuid) -> QueryResult<bool>;

    /// Whether the data store has a document of a node, as our rows say.
    fn has_data_elsewhere(&mut self, node: Uuid) -> QueryResult<bool>;

    /// How many records there are.
    fn node_count(&mut self) -> QueryResult<i64>;

    /// Nodes whose documents are to be removed, those that wait longest first.
    fn data_removals(&mut self, limit: i64) -> QueryResult<Vec<Uuid>>;

    /// Notes that there is nothing to be removed any more.
    fn drop_data_removal(&mut self, node: Uuid) -> QueryResult<()>;
}

macro_rules! removal_queries {
    ($connection:ty) => {
        impl RemovalQueries for $connection {
            fn put_data_removal(&mut self, node: Uuid, now: Timestamp) -> QueryResult<()> {
                use data_removals as t;
                diesel::insert_into(t::table)
                    .values((t::node_uuid.eq(node.to_string()), t::created_at.eq(now.0)))
                    .on_conflict(t::node_uuid)
                    .do_nothing()
                    .execute(self)?;
                Ok(())
            }

            fn has_data_removal(&mut self, node: Uuid) -> QueryResult<bool> {
                let found: Option<String> = data_removals::table
                    .find(node.to_string())
                    .select(data_removals::node_uuid)
                    .first(self)
                    .optional()?;
                Ok(found.is_some())
            }

            fn has_data_elsewhere(&mut self, node: Uuid) -> QueryResult<bool> {
                use introspection_data as t;
                let found: Option<String> = t::table
                    .filter(t::node_uuid.eq(node.to_string()))
                    .filter(t::place.eq(Place::Elsewhere.name()))
                    .select(t::node_uuid)
                    .first(self)
                    .optional()?;
                Ok(found.is_some())
            }

            fn node_count(&mut self) -> QueryResult<i64> {
                nodes::table.count().get_result(self)
            }

            fn data_removals(&mut self, limit: i64) -> QueryResult<Vec<Uuid>> {
                let rows: Vec<String> = data_removals::table
                    .order((data_removals::created_at.asc(), data_removals::node_uuid.asc()))
                    .limit(limit)
                    .select(data_removals::node_uuid)
                    .load(self)?;
                rows.iter().map(|node| parse_uuid(node)).collect()
            }

            fn drop_data_removal(&mut self, node: Uuid) -> QueryResult<()> {
                diesel::delete(data_removals::table.find(node.to_string())).execute(self)?;
                Ok(())
            }
        }
    };
}

removal_queries!(diesel::SqliteConnection);
removal_queries!(diesel::PgConnection);
