//! Reading a document wherever it is: in our database, in the data store, or nowhere.
//!
//! Invariant: what our rows say counts. A document of the data store is taken for the run's only if it is the one
//! that was stored; one that we have no row of is what the ancestor left.

use super::{DataStore, Failure, Key};
use crate::error::{Error, Result};
use crate::node::Variant;
use crate::store::data::{Place, Stored};
use crate::store::documents;
use crate::store::{QueryResult, Session};

/// Whether a run is about to replace what is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Run {
    /// It is.
    GoesOn,
    /// The node is at rest.
    None,
}

/// What our database knows of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known {
    /// Nothing: it is for the data store to tell.
    Nothing,
    /// What its row says.
    Row(Stored, Run),
    /// The record is gone, and its documents are about to be removed.
    Removed,
}

/// Reads what is known of a document.
///
/// # Errors
/// Any error of the database.
pub fn known(session: &mut dyn Session, key: &Key) -> QueryResult<Known> {
    if let Some(stored) = session.stored(key.node, key.variant)? {
        let is_active = session.node(key.node)?.is_some_and(|record| record.state.is_active());
        return Ok(Known::Row(stored, if is_active { Run::GoesOn } else { Run::None }));
    }
    Ok(if session.has_data_removal(key.node)? { Known::Removed } else { Known::Nothing })
}

/// A document; nothing where there is none.
///
/// # Errors
/// Where the store does not answer, or has another document than the one that was stored.
pub async fn document(known: Known, external: Option<&dyn DataStore>, key: &Key) -> Result<Option<Vec<u8>>> {
    let digest = match known {
        Known::Row(Stored { document: Some(packed), .. }, _) => return packed.unpack().map(Some),
        Known::Row(Stored { place: Place::Elsewhere, digest, .. }, Run::None) => digest,
        // The data store has it before our row says so.
        Known::Row(Stored { place: Place::Elsewhere, .. }, Run::GoesOn) => None,
        Known::Row(..) | Known::Removed => return Ok(None),
        Known::Nothing => None,
    };
    let Some(external) = external else { return Ok(None) };
    let found = external.get(key).await.map_err(Error::from)?;
    match (&found, digest) {
        (Some(bytes), Some(digest)) if documents::digest(bytes) != digest => Err(Failure::lasting(format!(
            "The data store has another document under {} than the one that was stored",
            key.object()
        ))
        .into()),
        _ => Ok(found.map(Vec::from)),
    }
}

/// That there is no such document, in the ancestor's words.
#[must_use]
pub fn not_found(key: &Key) -> Error {
    let processed = if key.variant == Variant::Processed { "True" } else { "False" };
    Error::not_found(format!("Introspection data not found for node {}, processed={processed}", key.node))
}
