//! Rows of `introspection_data`: the last raw and the last processed document of each node, and where they are.

use diesel::prelude::*;
use diesel::upsert::excluded;
use uuid::Uuid;

use super::documents::{DocumentQueries, Packed};
use super::nodes::parse_uuid;
use super::prepared::prepared;
use super::schema::{documents, introspection_data, nodes};
use super::writer::QueryResult;
use crate::clock::Timestamp;
use crate::fsm::State;
use crate::node::Variant;

/// Where a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In our database.
    Here,
    /// In our database, until it is delivered to the data store.
    Spooled,
    /// In the data store.
    Elsewhere,
    /// Nowhere: what the data store may still have is of an earlier run.
    Nowhere,
}

impl Place {
    const ALL: [Self; 4] = [Self::Here, Self::Spooled, Self::Elsewhere, Self::Nowhere];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Here => "here",
            Self::Spooled => "spooled",
            Self::Elsewhere => "elsewhere",
            Self::Nowhere => "nowhere",
        }
    }

    fn named(name: &str) -> QueryResult<Self> {
        let known = Self::ALL.into_iter().find(|place| place.name() == name);
        known.ok_or_else(|| super::nodes::damaged("place", name))
    }
}

/// What is known of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Where it is.
    pub place: Place,
    /// Its SHA-256, hexadecimal; nothing where it is nowhere.
    pub digest: Option<String>,
    /// The document itself, where it is in our database.
    pub document: Option<Packed>,
}

#[derive(Insertable)]
#[diesel(table_name = introspection_data)]
struct Row<'a> {
    node_uuid: String,
    processed: bool,
    stored_at: i64,
    place: &'static str,
    digest: Option<&'a str>,
    document_id: Option<i64>,
}

/// Queries on introspection data.
pub trait DataQueries {
    /// What is known of a document.
    fn stored(&mut self, node: Uuid, variant: Variant) -> QueryResult<Option<Stored>>;

    /// A document that is in our database.
    fn document(&mut self, node: Uuid, variant: Variant) -> QueryResult<Option<Packed>>;

    /// The digest of a document.
    fn document_digest(&mut self, node: Uuid, variant: Variant) -> QueryResult<Option<String>>;

    /// Keeps a document in our database in the place of the last one.
    fn put_document(
        &mut self,
        node: Uuid,
        variant: Variant,
        document: &Packed,
        place: Place,
        now: Timestamp,
    ) -> QueryResult<()>;

    /// Notes that the data store has the document with this digest.
    fn put_elsewhere(
        &mut self,
        node: Uuid,
        variant: Variant,
        digest: &str,
        now: Timestamp,
    ) -> QueryResult<()>;

    /// Notes that a document that was kept here is in the data store now; answers whether it is still that one.
    fn mark_elsewhere(&mut self, node: Uuid, variant: Variant, digest: &str) -> QueryResult<bool>;

    /// Notes that there is no document, whatever the data store may still have.
    fn put_nowhere(&mut self, node: Uuid, variant: Variant, now: Timestamp) -> QueryResult<()>;

    /// Documents of nodes at rest that are still to be delivered to the data store, the oldest first.
    fn spooled(&mut self, limit: i64) -> QueryResult<Vec<(Uuid, Variant)>>;

    /// Removes a document.
    fn delete_document(&mut self, node: Uuid, variant: Variant) -> QueryResult<()>;
}

fn key(node: Uuid, variant: Variant) -> (String, bool) {
    (node.to_string(), variant == Variant::Processed)
}

/// The states in which nothing is done to a node's documents.
fn at_rest() -> [&'static str; 2] {
    [State::Finished, State::Error].map(State::name)
}

macro_rules! data_queries {
    ($connection:ty, $put:ident) => {
        fn $put(connection: &mut $connection, row: &Row<'_>) -> QueryResult<()> {
            use introspection_data as t;
            let put = diesel::insert_into(t::table)
                .values(row)
                .on_conflict((t::node_uuid, t::processed))
                .do_update()
                .set((
                    t::stored_at.eq(excluded(t::stored_at)),
                    t::place.eq(excluded(t::place)),
                    t::digest.eq(excluded(t::digest)),
                    t::document_id.eq(excluded(t::document_id)),
                ))
                .returning(t::processed);
            prepared(put).get_result::<bool>(connection).map(drop)
        }

        impl DataQueries for $connection {
            fn stored(&mut self, node: Uuid, variant: Variant) -> QueryResult<Option<Stored>> {
                let row: Option<(String, Option<String>, Option<Packed>)> = introspection_data::table
                    .left_join(documents::table)
                    .filter(introspection_data::node_uuid.eq(node.to_string()))
                    .filter(introspection_data::processed.eq(variant == Variant::Processed))
                    .select((
                        introspection_data::place,
                        introspection_data::digest,
                        Option::<Packed>::as_select(),
                    ))
                    .get_result(self)
                    .optional()?;
                row.map(|(place, digest, document)| {
                    Ok(Stored { place: Place::named(&place)?, digest, document })
                })
                .transpose()
            }

            fn document(&mut self, node: Uuid, variant: Variant) -> QueryResult<Option<Packed>> {
                Ok(self.stored(node, variant)?.and_then(|stored| stored.document))
            }

            fn document_digest(&mut self, node: Uuid, variant: Variant) -> QueryResult<Option<String>> {
                let digest: Option<Option<String>> = introspection_data::table
                    .find(key(node, variant))
                    .select(introspection_data::digest)
                    .get_result(self)
                    .optional()?;
                Ok(digest.flatten())
            }

            fn put_document(
                &mut self,
                node: Uuid,
                variant: Variant,
                document: &Packed,
                place: Place,
                now: Timestamp,
            ) -> QueryResult<()> {
                let id = self.keep_document(document, now)?;
                let (node_uuid, processed) = key(node, variant);
                let digest = Some(document.digest.as_str());
                let place = place.name();
                $put(
                    self,
                    &Row { node_uuid, processed, stored_at: now.0, place, digest, document_id: Some(id) },
                )
            }

            fn put_elsewhere(
                &mut self,
                node: Uuid,
                variant: Variant,
                digest: &str,
                now: Timestamp,
            ) -> QueryResult<()> {
                let (node_uuid, processed) = key(node, variant);
                let place = Place::Elsewhere.name();
                let digest = Some(digest);
                $put(self, &Row { node_uuid, processed, stored_at: now.0, place, digest, document_id: None })
            }

            fn mark_elsewhere(&mut self, node: Uuid, variant: Variant, digest: &str) -> QueryResult<bool> {
                use introspection_data as t;
                let same = t::table
                    .find(key(node, variant))
                    .filter(t::digest.eq(digest))
                    .filter(t::document_id.is_not_null());
                let moved = diesel::update(same)
                    .set((t::place.eq(Place::Elsewhere.name()), t::document_id.eq(None::<i64>)))
                    .execute(self)?;
                Ok(moved == 1)
            }

            fn put_nowhere(&mut self, node: Uuid, variant: Variant, now: Timestamp) -> QueryResult<()> {
                let (node_uuid, processed) = key(node, variant);
                let place = Place::Nowhere.name();
                let (digest, document_id) = (None, None);
                $put(self, &Row { node_uuid, processed, stored_at: now.0, place, digest, document_id })
            }

            fn spooled(&mut self, limit: i64) -> QueryResult<Vec<(Uuid, Variant)>> {
                use introspection_data as t;
                let rows: Vec<(String, bool)> = t::table
                    .inner_join(nodes::table)
                    .filter(t::place.eq(Place::Spooled.name()))
                    .filter(nodes::state.eq_any(at_rest()))
                    .order(t::stored_at.asc())
                    .limit(limit)
                    .select((t::node_uuid, t::processed))
                    .load(self)?;
                let known = |(node, processed): (String, bool)| {
                    let variant = if processed { Variant::Processed } else { Variant::Raw };
                    Ok((parse_uuid(&node)?, variant))
                };
                rows.into_iter().map(known).collect()
            }

            fn delete_document(&mut self, node: Uuid, variant: Variant) -> QueryResult<()> {
                diesel::delete(introspection_data::table.find(key(node, variant))).execute(self)?;
                Ok(())
            }
        }
    };
}

data_queries!(diesel::SqliteConnection, put_sqlite);
data_queries!(diesel::PgConnection, put_postgres);
