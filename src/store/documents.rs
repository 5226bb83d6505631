//! Documents as they lie in the database: compressed, with their digest and size, each content once.
//!
//! Invariant: a document goes only when nothing refers to it and none was about to for a day; who keeps one again
//! notes that. It must not know what refers to it beyond the foreign keys.

use diesel::prelude::*;
use sha2::{Digest, Sha256};

use super::prepared::prepared;
use super::schema::{build_data, documents, introspection_data};
use super::writer::QueryResult;
use crate::clock::Timestamp;
use crate::error::{Error, Result};

/// The codec of documents that are kept as they came: compressed already.
const PLAIN: i16 = 0;
/// The codec of all others.
const ZSTD: i16 = 1;
/// How old the note of the last use may be before it is renewed.
const USE_NOTED_S: i64 = 3600;
/// Level 3 was measured to be no smaller for inventories, and slower.
const LEVEL: i32 = 1;

/// A document ready to be written.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = documents)]
pub struct Packed {
    /// How `body` is compressed.
    pub codec: i16,
    /// SHA-256 of the document, hexadecimal.
    pub digest: String,
    /// Bytes of the document.
    pub size_bytes: i64,
    /// The compressed document.
    pub body: Vec<u8>,
}

impl Packed {
    /// Compresses a document. Takes about 50 microseconds for 18 KB: not for the writer thread.
    ///
    /// # Errors
    /// Where the compressor fails.
    pub fn pack(document: &[u8]) -> Result<Self> {
        let body = zstd::bulk::compress(document, LEVEL).map_err(Error::internal)?;
        let size_bytes = i64::try_from(document.len()).map_err(Error::internal)?;
        Ok(Self { codec: ZSTD, digest: digest(document), size_bytes, body })
    }

    /// A document that can not be made smaller.
    ///
    /// # Errors
    /// One whose size can not be told.
    pub fn plain(body: Vec<u8>) -> Result<Self> {
        let size_bytes = i64::try_from(body.len()).map_err(Error::internal)?;
        Ok(Self { codec: PLAIN, digest: digest(&body), size_bytes, body })
    }

    /// The document. Takes long for a reactor thread.
    ///
    /// # Errors
    /// As [`unpack`].
    pub fn unpack(&self) -> Result<Vec<u8>> {
        unpack(self.codec, self.size_bytes, &self.body)
    }
}

/// SHA-256, hexadecimal.
#[must_use]
pub fn digest(document: &[u8]) -> String {
    hexadecimal(&Sha256::digest(document))
}

/// Two digits a byte.
#[must_use]
pub fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len().saturating_mul(2)), |mut text, byte| {
        // Writing to a String does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The document of a stored body.
///
/// # Errors
/// An unknown codec, or a damaged body.
pub fn unpack(codec: i16, size_bytes: i64, body: &[u8]) -> Result<Vec<u8>> {
    match codec {
        PLAIN => Ok(body.to_vec()),
        ZSTD => {
            let capacity = usize::try_from(size_bytes).map_err(Error::internal)?;
            zstd::bulk::decompress(body, capacity).map_err(Error::internal)
        }
        _ => Err(Error::internal(format!("a stored document has the unknown codec {codec}"))),
    }
}

#[derive(Insertable)]
#[diesel(table_name = documents)]
struct NewDocument<'a> {
    digest: &'a str,
    used_at: i64,
    codec: i16,
    size_bytes: i64,
    body: &'a [u8],
}

/// Where a search for documents that nothing refers to goes on: the last use, and the id.
pub type Cursor = (i64, i64);

/// Queries on documents.
pub trait DocumentQueries {
    /// Keeps a document, if it is not kept already; answers its id. What refers to it has a day to be written.
    fn keep_document(&mut self, document: &Packed, now: Timestamp) -> QueryResult<i64>;

    /// The id of the document with this digest.
    fn document_id(&mut self, digest: &str) -> QueryResult<Option<i64>>;

    /// A document, still compressed.
    fn kept_document(&mut self, id: i64) -> QueryResult<Option<Packed>>;

    /// Documents last used before `moment` from the cursor on, and those of them that nothing refers to.
    fn unreferenced(
        &mut self,
        after: Cursor,
        moment: Timestamp,
        limit: i64,
    ) -> QueryResult<(Option<Cursor>, Vec<i64>)>;

    /// Removes those of the documents that nothing refers to and that were last used before `moment`.
    fn drop_unreferenced(&mut self, ids: &[i64], moment: Timestamp) -> QueryResult<usize>;
}

macro_rules! document_queries {
    ($connection:ty) => {
        impl DocumentQueries for $connection {
            fn keep_document(&mut self, document: &Packed, now: Timestamp) -> QueryResult<i64> {
                use documents as t;
                let same = t::table.filter(t::digest.eq(&document.digest));
                let found: Option<(i64, i64)> =
                    same.select((t::id, t::used_at)).get_result(self).optional()?;
                if let Some((id, used_at)) = found {
                    let noted = used_at >= now.plus_seconds(-USE_NOTED_S).0;
                    // It may have been cleared away since it was found.
                    let note = diesel::update(t::table.find(id)).set(t::used_at.eq(now.0)).returning(t::id);
                    if noted || prepared(note).get_result::<i64>(self).optional()?.is_some() {
                        return Ok(id);
                    }
                }
                let row = NewDocument {
                    digest: &document.digest,
                    used_at: now.0,
                    codec: document.codec,
                    size_bytes: document.size_bytes,
                    body: &document.body,
                };
                // Another connection may have been faster: then it is that one's.
                let add = diesel::insert_into(t::table)
                    .values(&row)
                    .on_conflict(t::digest)
                    .do_update()
                    .set(t::used_at.eq(now.0))
                    .returning(t::id);
                prepared(add).get_result(self)
            }

            fn document_id(&mut self, digest: &str) -> QueryResult<Option<i64>> {
                documents::table
                    .filter(documents::digest.eq(digest))
                    .select(documents::id)
                    .get_result(self)
                    .optional()
            }

            fn kept_document(&mut self, id: i64) -> QueryResult<Option<Packed>> {
                documents::table.find(id).select(Packed::as_select()).get_result(self).optional()
            }

            fn unreferenced(
                &mut self,
                after: Cursor,
                moment: Timestamp,
                limit: i64,
            ) -> QueryResult<(Option<Cursor>, Vec<i64>)> {
                use diesel::dsl::{exists, not};
                use documents as t;
                let (used_at, id) = after;
                let later = t::used_at.gt(used_at).or(t::used_at.eq(used_at).and(t::id.gt(id)));
                let page: Vec<Cursor> = t::table
                    .filter(t::used_at.ge(used_at))
                    .filter(later)
                    .filter(t::used_at.lt(moment.0))
                    .order((t::used_at.asc(), t::id.asc()))
                    .limit(limit)
                    .select((t::used_at, t::id))
                    .load(self)?;
                let ids: Vec<i64> = page.iter().map(|(_, id)| *id).collect();
                let of_data =
                    introspection_data::table.filter(introspection_data::document_id.eq(t::id.nullable()));
                let of_builds = build_data::table.filter(build_data::document_id.eq(t::id));
                let unused = t::table
                    .filter(t::id.eq_any(ids))
                    .filter(not(exists(of_data)))
                    .filter(not(exists(of_builds)))
                    .select(t::id)
                    .load(self)?;
                Ok((page.last().copied(), unused))
            }

            fn drop_unreferenced(&mut self, ids: &[i64], moment: Timestamp) -> QueryResult<usize> {
                use diesel::dsl::{exists, not};
                use documents as t;
                let of_data =
                    introspection_data::table.filter(introspection_data::document_id.eq(t::id.nullable()));
                let of_builds = build_data::table.filter(build_data::document_id.eq(t::id));
                let unused = t::table
                    .filter(t::id.eq_any(ids))
                    .filter(t::used_at.lt(moment.0))
                    .filter(not(exists(of_data)))
                    .filter(not(exists(of_builds)));
                diesel::delete(unused).execute(self)
            }
        }
    };
}

document_queries!(diesel::SqliteConnection);
document_queries!(diesel::PgConnection);

#[cfg(test)]
mod tests;
