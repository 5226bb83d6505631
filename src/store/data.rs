//! Rows of `introspection_data`: the last raw and the last processed document of each node.

use diesel::prelude::*;
use diesel::upsert::excluded;
use uuid::Uuid;

use super::documents::Packed;
use super::schema::introspection_data;
use super::writer::QueryResult;
use crate::clock::Timestamp;
use crate::node::Variant;

#[derive(Queryable, Selectable)]
#[diesel(table_name = introspection_data)]
struct BodyRow {
    codec: i16,
    digest: String,
    size_bytes: i64,
    body: Vec<u8>,
}

#[derive(Insertable)]
#[diesel(table_name = introspection_data)]
struct NewDocument<'a> {
    node_uuid: String,
    processed: bool,
    stored_at: i64,
    codec: i16,
    digest: &'a str,
    size_bytes: i64,
    body: &'a [u8],
}

/// Queries on introspection data.
pub trait DataQueries {
    /// A stored document, still compressed.
    fn document(&mut self, node: Uuid, variant: Variant) -> QueryResult<Option<Packed>>;

    /// The digest of a stored document.
    fn document_digest(&mut self, node: Uuid, variant: Variant) -> QueryResult<Option<String>>;

    /// Stores a document in the place of the last one.
    fn put_document(
        &mut self,
        node: Uuid,
        variant: Variant,
        document: &Packed,
        now: Timestamp,
    ) -> QueryResult<()>;

    /// Removes a document.
    fn delete_document(&mut self, node: Uuid, variant: Variant) -> QueryResult<()>;
}

macro_rules! data_queries {
    ($connection:ty) => {
        impl DataQueries for $connection {
            fn document(&mut self, node: Uuid, variant: Variant) -> QueryResult<Option<Packed>> {
                let row = introspection_data::table
                    .find((node.to_string(), variant == Variant::Processed))
                    .select(BodyRow::as_select())
                    .first(self)
                    .optional()?;
                Ok(row.map(|BodyRow { codec, digest, size_bytes, body }| Packed {
                    codec,
                    digest,
                    size_bytes,
                    body,
                }))
            }

            fn document_digest(&mut self, node: Uuid, variant: Variant) -> QueryResult<Option<String>> {
                introspection_data::table
                    .find((node.to_string(), variant == Variant::Processed))
                    .select(introspection_data::digest)
                    .first(self)
                    .optional()
            }

            fn put_document(
                &mut self,
                node: Uuid,
                variant: Variant,
                document: &Packed,
                now: Timestamp,
            ) -> QueryResult<()> {
                use introspection_data as t;
                let row = NewDocument {
                    node_uuid: node.to_string(),
                    processed: variant == Variant::Processed,
                    stored_at: now.0,
                    codec: document.codec,
                    digest: &document.digest,
                    size_bytes: document.size_bytes,
                    body: &document.body,
                };
                diesel::insert_into(t::table)
                    .values(&row)
                    .on_conflict((t::node_uuid, t::processed))
                    .do_update()
                    .set((
                        t::stored_at.eq(excluded(t::stored_at)),
                        t::codec.eq(excluded(t::codec)),
                        t::digest.eq(excluded(t::digest)),
                        t::size_bytes.eq(excluded(t::size_bytes)),
                        t::body.eq(excluded(t::body)),
                    ))
                    .execute(self)?;
                Ok(())
            }

            fn delete_document(&mut self, node: Uuid, variant: Variant) -> QueryResult<()> {
                let key = (node.to_string(), variant == Variant::Processed);
                diesel::delete(introspection_data::table.find(key)).execute(self)?;
                Ok(())
            }
        }
    };
}

data_queries!(diesel::SqliteConnection);
data_queries!(diesel::PgConnection);
