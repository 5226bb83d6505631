//! Our own database as one data store among others, for moving documents.
//!
//! Invariant: what it holds of a run is never replaced: a document is taken only where there is none, or where the row
//! says that exactly this one is elsewhere. Runs do not come by here, their documents are part of their transitions.

use async_trait::async_trait;
use bytes::Bytes;

use super::{DataStore, Failure, Key, StoreResult};
use crate::clock::{Clock, SystemClock, Timestamp};
use crate::error;
use crate::store::data::Place;
use crate::store::documents::{self, Packed};
use crate::store::{Job, QueryResult, Session, Store};

/// Our database.
#[derive(Clone)]
pub struct Database(Store);

impl Database {
    /// The documents of this database.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self(store)
    }
}

/// What became of a document that was brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Brought {
    /// It is here now.
    Taken,
    /// It was here before.
    Held,
    /// The node has no record any more.
    NoRecord,
    /// A run is going on.
    Busy,
    /// What is here, or was voided here, is of a later run.
    Newer,
}

/// Brings a document into the database.
#[derive(Clone, Debug)]
pub struct Bring {
    /// Which.
    pub key: Key,
    /// The document.
    pub document: Packed,
    /// The present moment.
    pub now: Timestamp,
}

impl Bring {
    /// What would become of it.
    ///
    /// # Errors
    /// Any error of the database.
    pub fn judge(&self, session: &mut dyn Session) -> QueryResult<Brought> {
        let Key { node, variant } = self.key;
        match session.node(node)? {
            None => return Ok(Brought::NoRecord),
            Some(record) if record.state.is_active() => return Ok(Brought::Busy),
            Some(_) => {}
        }
        let same = |digest: &Option<String>| digest.as_deref() == Some(self.document.digest.as_str());
        match session.stored(node, variant)? {
            None => {}
            Some(stored) if stored.place == Place::Elsewhere && same(&stored.digest) => {}
            Some(stored) if stored.document.is_some() && same(&stored.digest) => return Ok(Brought::Held),
            Some(_) => return Ok(Brought::Newer),
        }
        Ok(Brought::Taken)
    }
}

impl Job for Bring {
    type Output = Brought;

    fn run(&self, session: &mut dyn Session) -> QueryResult<Brought> {
        let judged = self.judge(session)?;
        if judged == Brought::Taken {
            let Key { node, variant } = self.key;
            session.put_document(node, variant, &self.document, Place::Here, self.now)?;
        }
        Ok(judged)
    }

    fn weight_bytes(&self) -> usize {
        self.document.body.len()
    }
}

impl Database {
    /// Brings a document; compressing it takes long for a reactor thread.
    ///
    /// # Errors
    /// Where the database does not take it.
    pub async fn bring(&self, key: &Key, document: Bytes) -> error::Result<Brought> {
        let packed = tokio::task::spawn_blocking(move || Packed::pack(&document)).await;
        let document = packed.map_err(error::Error::internal)??;
        self.0.write(Bring { key: *key, document, now: SystemClock.now() }).await
    }
}

fn failed(error: error::Error) -> Failure {
    Failure::passing(error.to_string())
}

#[async_trait]
impl DataStore for Database {
    async fn save(&self, key: &Key, document: Bytes) -> StoreResult<()> {
        match self.bring(key, document).await.map_err(failed)? {
            Brought::Taken | Brought::Held => Ok(()),
            Brought::NoRecord => Err(Failure::lasting("the node has no record")),
            Brought::Busy => Err(Failure::passing("a run of the node is going on")),
            Brought::Newer => Err(Failure::lasting("a later run of the node has stored or voided its data")),
        }
    }

    async fn get(&self, key: &Key) -> StoreResult<Option<Bytes>> {
        let Key { node, variant } = *key;
        let packed = self.0.read(move |session| session.document(node, variant)).await.map_err(failed)?;
        packed.map(|packed| packed.unpack().map(Bytes::from)).transpose().map_err(failed)
    }

    async fn holds(&self, key: &Key, document: &Bytes) -> StoreResult<bool> {
        let Key { node, variant } = *key;
        let stored = self.0.read(move |session| session.stored(node, variant)).await.map_err(failed)?;
        let here = stored.filter(|stored| stored.document.is_some()).and_then(|stored| stored.digest);
        Ok(here.is_some_and(|digest| digest == documents::digest(document)))
    }

    async fn remove(&self, key: &Key) -> StoreResult<()> {
        self.0.write(Remove(*key)).await.map_err(failed)
    }
}

#[derive(Clone, Copy, Debug)]
struct Remove(Key);

impl Job for Remove {
    type Output = ();

    fn run(&self, session: &mut dyn Session) -> QueryResult<()> {
        session.delete_document(self.0.node, self.0.variant)
    }
}
