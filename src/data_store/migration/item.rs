//! One document on its way.

use bytes::Bytes;

use super::super::database::{Bring, Brought};
use super::super::reading::{self, Known};
use super::super::{DataStore, Failure, Key, Passing};
use super::{Migration, Mode, Rows};
use crate::clock::{Clock, SystemClock};
use crate::error::{Error, Result};
use crate::node::step::KeepData;
use crate::store::documents::{self, Packed};

/// How often a document is tried.
const ATTEMPTS: u32 = 3;
/// The pause before it is tried again.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(500);

/// What became of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was copied, so many bytes.
    Copied(usize),
    /// The target held it.
    Held,
    /// There is none.
    Absent,
    /// What is here is of a later run.
    Newer,
    /// A run is going on.
    Busy,
    /// It could not be copied.
    Failed(String),
}

/// What was found in the source.
enum Source {
    Document(Bytes),
    Absent,
    Busy,
    /// The target is our database, which has it or knows better.
    Here,
}

/// Copies one document.
pub(super) async fn copy(migration: &Migration, key: &Key) -> Outcome {
    let mut attempt = 1;
    loop {
        match copy_once(migration, key).await {
            Ok(outcome) => return outcome,
            Err(failure) if failure.passing == Passing::No || attempt == ATTEMPTS => {
                return Outcome::Failed(failure.text);
            }
            Err(_) => attempt = attempt.saturating_add(1),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn from_us(error: Error) -> Failure {
    Failure::lasting(error.to_string())
}

async fn copy_once(migration: &Migration, key: &Key) -> std::result::Result<Outcome, Failure> {
    let document = match read(migration, key).await? {
        Source::Document(document) => document,
        Source::Absent => return Ok(Outcome::Absent),
        Source::Busy => return Ok(Outcome::Busy),
        Source::Here => return Ok(Outcome::Held),
    };
    match migration.to.keeps {
        KeepData::Yes | KeepData::No => bring(migration, key, document).await,
        KeepData::Elsewhere => send(migration, key, document).await,
    }
}

/// Reads a document as the daemon would: what our rows say counts, where they are about this store.
async fn read(migration: &Migration, key: &Key) -> std::result::Result<Source, Failure> {
    let (known, is_busy) = look(migration, key).await.map_err(from_us)?;
    if is_busy {
        return Ok(Source::Busy);
    }
    let is_here = matches!(&known, Known::Row(stored, _) if stored.document.is_some());
    let found = match (migration.from.keeps, migration.from.rows) {
        (KeepData::Elsewhere, Rows::Count) if is_here && migration.to.keeps == KeepData::Yes => {
            return Ok(Source::Here);
        }
        (KeepData::Elsewhere, Rows::Count) => {
            reading::document(known, Some(migration.from.store.as_ref()), key).await.map_err(from_store)?
        }
        (KeepData::Elsewhere, Rows::AreOfAnother) => migration.from.store.get(key).await?.map(Vec::from),
        (KeepData::Yes | KeepData::No, _) if !is_here => None,
        (KeepData::Yes | KeepData::No, _) => reading::document(known, None, key).await.map_err(from_us)?,
    };
    Ok(found.map_or(Source::Absent, |document| Source::Document(document.into())))
}

/// A store that does not answer may do so the next time.
fn from_store(error: Error) -> Failure {
    Failure::passing(error.to_string())
}

async fn look(migration: &Migration, key: &Key) -> Result<(Known, bool)> {
    let key = *key;
    let read = migration.store.read(move |session| {
        let is_busy = session.node(key.node)?.is_some_and(|record| record.state.is_active());
        Ok((reading::known(session, &key)?, is_busy))
    });
    read.await
}

/// Into our database: only where no run has stored or voided anything since.
async fn bring(migration: &Migration, key: &Key, document: Bytes) -> std::result::Result<Outcome, Failure> {
    let bytes = document.len();
    let packed = tokio::task::spawn_blocking(move || Packed::pack(&document)).await;
    let packed = packed.map_err(Error::internal).and_then(|packed| packed).map_err(from_us)?;
    let bring = Bring { key: *key, document: packed, now: SystemClock.now() };
    let brought = match migration.mode {
        Mode::Write => migration.store.write(bring).await,
        Mode::DryRun => migration.store.read(move |session| bring.judge(session)).await,
    };
    Ok(match brought.map_err(from_us)? {
        Brought::Taken => Outcome::Copied(bytes),
        Brought::Held => Outcome::Held,
        // It went while it was copied.
        Brought::NoRecord => Outcome::Absent,
        Brought::Busy => Outcome::Busy,
        Brought::Newer => Outcome::Newer,
    })
}

/// Into a store outside.
async fn send(migration: &Migration, key: &Key, document: Bytes) -> std::result::Result<Outcome, Failure> {
    let to: &dyn DataStore = migration.to.store.as_ref();
    if to.holds(key, &document).await? {
        return Ok(Outcome::Held);
    }
    if migration.mode == Mode::DryRun {
        return Ok(Outcome::Copied(document.len()));
    }
    to.save(key, document.clone()).await?;
    if !to.holds(key, &document).await? {
        return Err(Failure::passing("what was saved is not what the target holds"));
    }
    let changed = migration.to.rows == Rows::Count && written_over(migration, key, &document).await?;
    if changed {
        return Err(Failure::lasting(
            "a run has stored its data at the same moment, and may have lost it: introspect the node again",
        ));
    }
    Ok(Outcome::Copied(document.len()))
}

/// Whether a run has stored another document in the target since it was read here.
async fn written_over(
    migration: &Migration,
    key: &Key,
    document: &Bytes,
) -> std::result::Result<bool, Failure> {
    let (known, _) = look(migration, key).await.map_err(from_us)?;
    Ok(match known {
        Known::Row(stored, _) if stored.document.is_none() => {
            stored.digest.is_some_and(|digest| digest != documents::digest(document))
        }
        _ => false,
    })
}
