//! Who is awake: from UUID to the node's actor.
//!
//! Actors live while something happens to their node, and a while longer; all other nodes live in the database
//! alone. Invariant: at most one actor of a node is in the table; one that is gone is woken again from the
//! database, and what was asked of it is asked once more.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use actix::dev::SendError;
use actix::prelude::*;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::actor::{Ask, Caller, NodeActor, Notice, Progress, Request};
use super::shared::Shared;
use crate::context;
use crate::error::{Error, Result};

/// How often it is looked whether everything has come to rest.
const SETTLE_POLL: Duration = Duration::from_millis(20);

struct Entry {
    address: Addr<NodeActor>,
    used: Instant,
}

/// The actors that are awake.
pub struct Registry {
    shared: Arc<Shared>,
    arbiters: Vec<ArbiterHandle>,
    turn: AtomicUsize,
    awake: Mutex<HashMap<Uuid, Entry>>,
}

impl Registry {
    /// A registry whose actors live on these arbiters.
    #[must_use]
    pub fn new(shared: Arc<Shared>, arbiters: Vec<ArbiterHandle>) -> Arc<Self> {
        Arc::new(Self { shared, arbiters, turn: AtomicUsize::new(0), awake: Mutex::new(HashMap::new()) })
    }

    /// What all nodes share.
    #[must_use]
    pub fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Asks a node and waits for its answer. `progress` tells on the way how far the caller's data has come.
    ///
    /// # Errors
    /// The node's refusal, or that it is too busy.
    pub async fn ask(self: &Arc<Self>, node: Uuid, request: Request, progress: &Arc<Progress>) -> Result<()> {
        match self.ask_once(node, request.clone(), progress).await {
            Some(answer) => answer,
            // The actor went to sleep, or died, before it answered.
            None => self.ask_once(node, request, progress).await.unwrap_or_else(|| Err(busy())),
        }
    }

    async fn ask_once(
        self: &Arc<Self>,
        node: Uuid,
        request: Request,
        progress: &Arc<Progress>,
    ) -> Option<Result<()>> {
        let (reply, answer) = oneshot::channel();
        let caller = Caller { reply, progress: Arc::clone(progress), asker: context::asker() };
        match self.send(node, Ask { request, caller })? {
            Ok(()) => answer.await.ok(),
            Err(SendError::Full(_)) => Some(Err(busy())),
            Err(SendError::Closed(_)) => None,
        }
    }

    /// Sends through the table's own address: each clone of an address would have a place in the mailbox of its
    /// own, and the mailbox no bound.
    fn send(self: &Arc<Self>, node: Uuid, ask: Ask) -> Option<Result<(), SendError<Ask>>> {
        let mut awake = self.awake();
        let sent = self.wake_up(&mut awake, node)?.address.try_send(ask);
        if matches!(sent, Err(SendError::Closed(_))) {
            awake.remove(&node);
        }
        Some(sent)
    }

    /// Wakes a node to bring an interrupted run to its end.
    pub fn wake(self: &Arc<Self>, node: Uuid, notice: Notice) {
        let mut awake = self.awake();
        if let Some(entry) = self.wake_up(&mut awake, node) {
            entry.address.do_send(notice);
        }
    }

    /// Tells those of the nodes that are awake; answers those that are not.
    #[must_use]
    pub fn notify_awake(&self, nodes: Vec<Uuid>, notice: Notice) -> Vec<Uuid> {
        let awake = self.awake();
        let told = |node: &Uuid| match awake.get(node) {
            Some(entry) => entry.address.try_send(notice).is_ok(),
            None => false,
        };
        nodes.into_iter().filter(|node| !told(node)).collect()
    }

    /// Lets those go to sleep that nobody asked for this long.
    pub fn passivate(&self, idle: Duration) {
        for entry in self.awake().values().filter(|entry| entry.used.elapsed() >= idle) {
            // A full mailbox is not idle.
            drop(entry.address.try_send(Notice::Passivate));
        }
    }

    /// How many are awake.
    #[must_use]
    pub fn count(&self) -> usize {
        self.awake().len()
    }

    /// Waits until nothing is in flight any more, but not longer than `grace`: what is left is taken up again at
    /// the next start.
    pub async fn settle(&self, grace: Duration) {
        let give_up = Instant::now() + grace;
        loop {
            self.passivate(Duration::ZERO);
            let left = self.count();
            if left == 0 {
                return;
            }
            if Instant::now() >= give_up {
                log::warn!("Operations are left for the next start count={left}");
                return;
            }
            tokio::time::sleep(SETTLE_POLL).await;
        }
    }

    pub(super) fn forget(&self, node: Uuid, address: &Addr<NodeActor>) {
        let mut awake = self.awake();
        if awake.get(&node).is_some_and(|entry| entry.address == *address) {
            awake.remove(&node);
        }
    }

    fn awake(&self) -> MutexGuard<'_, HashMap<Uuid, Entry>> {
        self.awake.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The node's actor, woken if need be; `None` only where there is no arbiter.
    fn wake_up<'a>(
        self: &Arc<Self>,
        awake: &'a mut HashMap<Uuid, Entry>,
        node: Uuid,
    ) -> Option<&'a mut Entry> {
        if !awake.get(&node).is_some_and(|entry| entry.address.connected()) {
            let turn = self.turn.fetch_add(1, Ordering::Relaxed).checked_rem(self.arbiters.len())?;
            let (shared, registry) = (Arc::clone(&self.shared), Arc::downgrade(self));
            let address = NodeActor::start_in_arbiter(self.arbiters.get(turn)?, move |_| {
                let service = shared.services.local();
                NodeActor::new(node, shared, service, registry)
            });
            awake.insert(node, Entry { address, used: Instant::now() });
        }
        let entry = awake.get_mut(&node)?;
        entry.used = Instant::now();
        Some(entry)
    }
}

fn busy() -> Error {
    Error::unavailable("The node is busy, please try again later")
}
