//! Deadlines, and what is cleared away when its time is over.
//!
//! One timer on the earliest stored deadline, read again each second, for however many nodes. What an actor holds
//! is left to the actor, and an active node without one is woken; waiting nodes that are asleep are ended in batches
//! through the writer, between the callbacks' commits.

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use crate::clock::Timestamp;
use crate::cluster::Owner;
use crate::crash;
use crate::error::Result;
use crate::fsm::{Event, State};
use crate::node::Record;
use crate::node::actor::Notice;
use crate::node::observe;
use crate::node::registry::Registry;
use crate::node::step::{self, KeepData, TimeoutPower};
use crate::node::timeline::Entry;
use crate::store::transition::Written;
use crate::store::{Job, QueryResult, Session, Store};

/// How often it is looked for what can be cleared away.
const CLEAR: Duration = Duration::from_secs(600);
/// How often the earliest deadline is read again.
const LOOK: Duration = Duration::from_secs(1);
/// Nodes ended in one job: measured to hold the writer for 15 to 35 ms.
const BATCH: i64 = 250;

/// Ends the given waiting nodes if they are still overdue.
#[derive(Clone, Debug)]
pub struct ExpireOverdue {
    /// Which.
    pub nodes: Vec<Uuid>,
    /// The present moment.
    pub now: Timestamp,
    /// Whether their data stays.
    pub keep: KeepData,
    /// What becomes of their power.
    pub power: TimeoutPower,
}

impl Job for ExpireOverdue {
    type Output = Vec<Uuid>;

    fn nodes(&self) -> Vec<Uuid> {
        self.nodes.clone()
    }

    fn run(&self, session: &mut dyn Session) -> QueryResult<Vec<Uuid>> {
        let mut ended = Vec::new();
        for node in &self.nodes {
            let Some(record) = session.node(*node)? else { continue };
            let overdue = record.deadline.is_some_and(|deadline| self.now >= deadline);
            // One that is held for something is looked at again in a moment.
            if !overdue || record.state != State::Waiting || record.owner.is_some() {
                continue;
            }
            let Ok(transition) = step::expire(&record, self.now, self.keep, self.power) else { continue };
            let mut timeline = session.timeline(record.run)?;
            timeline.push(timed_out(&record, self.now));
            let mut transition = transition;
            transition.runs.timeline = Some(timeline);
            if transition.write(session)? == Written::Committed {
                ended.push(*node);
            }
        }
        Ok(ended)
    }
}

pub(super) async fn run(registry: Arc<Registry>) {
    loop {
        let wait = match sweep(&registry).await {
            Ok(next) => next,
            Err(error) => {
                log::error!("The deadlines could not be looked through error={error}");
                LOOK
            }
        };
        tokio::time::sleep(wait).await;
    }
}

/// Ends what is overdue, and answers when to look again.
async fn sweep(registry: &Arc<Registry>) -> Result<Duration> {
    let shared = registry.shared();
    wake_overdue(registry).await?;
    match shared.cluster.leading(&shared.store) {
        Some(store) => expire(registry, &store).await,
        None => Ok(LOOK),
    }
}

/// The actors that work on nodes have an alarm of their own; this is for those that have gone.
async fn wake_overdue(registry: &Arc<Registry>) -> Result<()> {
    let shared = registry.shared();
    let (now, me) = (shared.now(), shared.cluster.me().clone());
    let active = shared.store.read(move |session| session.overdue_of(&me, now, BATCH)).await?;
    for record in active {
        registry.wake(record.uuid, Notice::Deadline);
    }
    Ok(())
}

/// Ends the waiting nodes that are overdue. The leader's.
async fn expire(registry: &Arc<Registry>, store: &Store) -> Result<Duration> {
    let shared = registry.shared();
    let now = shared.now();
    let waiting = store.read(move |session| session.overdue(now, BATCH)).await?;
    if waiting.is_empty() {
        let earliest = store.read(|session| session.earliest_deadline()).await?;
        return Ok(until(earliest, shared.now()));
    }
    let full = i64::try_from(waiting.len()).is_ok_and(|count| count >= BATCH);
    let nodes = waiting.iter().map(|record| record.uuid).collect();
    let asleep = registry.notify_awake(nodes, Notice::Deadline);
    let told_all = asleep.is_empty();
    let (keep, power) = (shared.settings.keep_data, shared.settings.timeout_power);
    crash::point("sweep.found");
    let ended = store.write(ExpireOverdue { nodes: asleep, now, keep, power }).await?;
    crash::point("sweep.committed");
    for record in waiting.iter().filter(|record| ended.contains(&record.uuid)) {
        observe::expired(record, now, shared.now());
    }
    if !ended.is_empty() {
        log::info!("Waiting nodes have timed out count={}", ended.len());
    }
    // Nodes that are awake may take a moment; they must not be asked without a pause.
    Ok(if full && !told_all { Duration::ZERO } else { Duration::from_millis(100) })
}

fn timed_out(record: &Record, now: Timestamp) -> Entry {
    Entry {
        at_us: now.0,
        event: Event::Timeout.name().to_owned(),
        from: Some(record.state),
        to: Some(State::Error),
        cause: Some(step::TIMEOUT_TEXT.to_owned()),
        by: Some("supervisor".to_owned()),
        took_ms: Some(now.since_us(record.state_since) / 1000),
        calls: Vec::new(),
        matched: None,
        rules: None,
    }
}

/// Removes kept look-up attributes whose time is over.
#[derive(Clone, Copy, Debug)]
struct DropKept(Timestamp);

impl Job for DropKept {
    type Output = usize;

    fn run(&self, session: &mut dyn Session) -> QueryResult<usize> {
        session.drop_kept_lookup(self.0, BATCH)
    }
}

/// A heartbeat, for want of anything else to write.
#[derive(Clone, Debug)]
struct Beat(Owner);

impl Job for Beat {
    type Output = bool;

    fn run(&self, session: &mut dyn Session) -> QueryResult<bool> {
        session.heartbeat(&self.0)
    }
}

/// Clears away, batch by batch, what is kept only for a time.
pub(super) async fn clear_away(registry: Arc<Registry>) {
    let shared = registry.shared();
    loop {
        let store = shared.cluster.lead(&shared.store).await;
        match store.write(DropKept(shared.now())).await {
            Ok(0) => tokio::time::sleep(CLEAR).await,
            Ok(_) => tokio::time::sleep(LOOK).await,
            Err(error) => {
                log::error!("Kept attributes could not be cleared away error={error}");
                tokio::time::sleep(CLEAR).await;
            }
        }
    }
}

/// Writes while the last write has failed, so that a trouble that is over is found to be over without a request.
pub(super) async fn try_to_write(registry: Arc<Registry>) {
    let shared = registry.shared();
    loop {
        tokio::time::sleep(LOOK).await;
        if !shared.store.troubles().is_empty()
            && let Err(error) = shared.store.write(Beat(shared.cluster.me().clone())).await
        {
            log::error!("The database can still not be written error={error}");
        }
    }
}

fn until(earliest: Option<Timestamp>, now: Timestamp) -> Duration {
    let Some(earliest) = earliest else { return LOOK };
    let left = u64::try_from(earliest.since_us(now)).unwrap_or(0);
    // A little late rather than early: the row must be overdue when it is read.
    Duration::from_micros(left).saturating_add(Duration::from_millis(1)).min(LOOK)
}
