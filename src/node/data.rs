//! Documents between our database and the data store.
//!
//! Invariant: a document leaves our database only after the data store has it, and by its digest: one that has been
//! replaced meanwhile stays. What is done here may be done twice, and may be dropped at any moment.

use std::time::Duration;

use bytes::Bytes;
use uuid::Uuid;

use super::Variant;
use super::posting::Posting;
use super::shared::Shared;
use crate::crash;
use crate::data_store::{DataStore, Failure, Key, Passing, StoreResult};
use crate::error::{Error, Result};
use crate::store::data::Place;
use crate::store::documents::Packed;
use crate::store::{Job, QueryResult, Session};

/// How often a run tries to store a document.
const ATTEMPTS: u32 = 5;
/// The pause between two attempts.
const PAUSE: Duration = Duration::from_secs(1);
/// How long a run may take to store its documents, with all attempts.
const SAVE_TIMEOUT: Duration = Duration::from_secs(60);

/// Stores both documents of a run.
///
/// # Errors
/// Why the data store does not have both.
pub(super) async fn save(shared: &Shared, node: Uuid, posting: &Posting, processed: Packed) -> Result<()> {
    let Some(store) = &shared.data_store else { return Err(Error::internal("there is no data store")) };
    let raw = posting.raw.clone();
    let unpacked = move || Ok((Bytes::from(raw.unpack()?), Bytes::from(processed.unpack()?)));
    let (raw, processed) = shared.compute(unpacked).await?;
    let both = async {
        stubbornly(store, &Key::new(node, Variant::Raw), raw).await?;
        crash::point("save.raw_stored");
        stubbornly(store, &Key::new(node, Variant::Processed), processed).await
    };
    match tokio::time::timeout(SAVE_TIMEOUT, both).await {
        Ok(outcome) => outcome.map_err(Error::from),
        Err(_) => Err(Failure::passing(late()).into()),
    }
}

fn late() -> String {
    format!("The data store did not take the data within {} seconds", SAVE_TIMEOUT.as_secs())
}

async fn stubbornly(store: &dyn DataStore, key: &Key, document: Bytes) -> StoreResult<()> {
    let mut attempt = 1;
    loop {
        match store.save(key, document.clone()).await {
            Err(failure) if failure.passing == Passing::Yes && attempt < ATTEMPTS => {
                log::warn!("A document is stored again after a failure node={} error={failure}", key.node);
            }
            outcome => return outcome,
        }
        attempt = attempt.saturating_add(1);
        tokio::time::sleep(PAUSE).await;
    }
}

/// Delivers the documents of a node that wait for the data store; or where its record is gone, removes what the data
/// store has. One attempt; the supervisor asks again.
pub(super) async fn look_after(shared: &Shared, node: Uuid) {
    let Some(store) = &shared.data_store else { return };
    if let Err(error) = deliver_or_discard(shared, store, node).await {
        log::warn!("Documents wait for the data store still node={node} error={error}");
    }
}

async fn deliver_or_discard(shared: &Shared, store: &dyn DataStore, node: Uuid) -> Result<()> {
    if shared.store.read_for_run(move |session| session.has_data_removal(node)).await? {
        return discard(shared, store, node).await;
    }
    for variant in [Variant::Raw, Variant::Processed] {
        deliver(shared, store, Key::new(node, variant)).await?;
    }
    Ok(())
}

async fn deliver(shared: &Shared, store: &dyn DataStore, key: Key) -> Result<()> {
    let Key { node, variant } = key;
    let stored = shared.store.read_for_run(move |session| session.stored(node, variant)).await?;
    let spooled = stored.filter(|stored| stored.place == Place::Spooled).and_then(|stored| stored.document);
    let Some(packed) = spooled else { return Ok(()) };
    crash::point("deliver.begun");
    let digest = packed.digest.clone();
    let bytes = shared.compute(move || packed.unpack()).await?;
    store.save(&key, bytes.into()).await?;
    crash::point("deliver.sent");
    shared.store.write(Delivered { key, digest }).await?;
    crash::point("deliver.done");
    log::info!("A document was delivered to the data store node={node} object={}", key.object());
    Ok(())
}

/// Notes that the data store has a document.
#[derive(Clone, Debug)]
pub(super) struct Delivered {
    pub(super) key: Key,
    pub(super) digest: String,
}

impl Job for Delivered {
    type Output = bool;

    fn nodes(&self) -> Vec<Uuid> {
        vec![self.key.node]
    }

    fn run(&self, session: &mut dyn Session) -> QueryResult<bool> {
        session.mark_elsewhere(self.key.node, self.key.variant, &self.digest)
    }
}

async fn discard(shared: &Shared, store: &dyn DataStore, node: Uuid) -> Result<()> {
    crash::point("discard.begun");
    for variant in [Variant::Raw, Variant::Processed] {
        store.remove(&Key::new(node, variant)).await?;
    }
    crash::point("discard.sent");
    shared.store.write(Discarded(node)).await?;
    crash::point("discard.done");
    log::info!("The data of a node that is gone was removed from the data store node={node}");
    Ok(())
}

/// Notes that there is nothing to be removed any more.
#[derive(Clone, Copy, Debug)]
struct Discarded(Uuid);

impl Job for Discarded {
    type Output = ();

    fn run(&self, session: &mut dyn Session) -> QueryResult<()> {
        session.drop_data_removal(self.0)
    }
}
