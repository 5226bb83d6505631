//! Who is awake: from UUID to the node's actor.
//!
//! Actors live while something happens to their node, and a while longer; all other nodes live in the database
//! alone. Invariant: at most one actor of a node is in the table; one that is gone is woken again from the
//! database, and what was asked of it is asked once more.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use actix::dev::SendError;
use actix::prelude::*;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::actor::{Ask, Caller, NodeActor, Notice, Request};
use super::shared::Shared;
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

    /// Asks a node and waits for its answer. `accepted` is set on the way, when the data is committed.
    ///
    /// # Errors
    /// The node's refusal, or that it is too busy.
    pub async fn ask(
        self: &Arc<Self>,
        node: Uuid,
        request: Request,
        accepted: &Arc<AtomicBool>,
    ) -> Result<()> {
        match self.ask_once(node, request.clone(), accepted).await {
            Some(answer) => answer,
            // The actor went to sleep, or died, before it answered.
            None => self.ask_once(node, request, accepted).await.unwrap_or_else(|| Err(busy())),
        }
    }

    async fn ask_once(
        self: &Arc<Self>,
        node: Uuid,
        request: Request,
        accepted: &Arc<AtomicBool>,
    ) -> Option<Result<()>> {
        let (reply, answer) = oneshot::channel();
        let caller = Caller { reply, accepted: Arc::clone(accepted) };
        match self.address(node)?.try_send(Ask { request, caller }) {
            Ok(()) => answer.await.ok(),
            Err(SendError::Full(_)) => Some(Err(busy())),
            Err(SendError::Closed(_)) => {
                self.awake().remove(&node);
                None
            }
        }
    }

    /// Wakes a node to bring an interrupted run to its end.
    pub fn wake(self: &Arc<Self>, node: Uuid, notice: Notice) {
        if let Some(address) = self.address(node) {
            address.do_send(notice);
        }
    }

    /// Tells those of the nodes that are awake; answers those that are not.
    #[must_use]
    pub fn notify_awake(&self, nodes: Vec<Uuid>, notice: &Notice) -> Vec<Uuid> {
        let awake = self.awake();
        let told = |node: &Uuid| match awake.get(node) {
            Some(entry) => entry.address.try_send(notice.clone()).is_ok(),
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

    /// The node's actor, woken if need be; `None` only where there is no arbiter left.
    fn address(self: &Arc<Self>, node: Uuid) -> Option<Addr<NodeActor>> {
        let mut awake = self.awake();
        if let Some(entry) = awake.get_mut(&node).filter(|entry| entry.address.connected()) {
            entry.used = Instant::now();
            return Some(entry.address.clone());
        }
        let turn = self.turn.fetch_add(1, Ordering::Relaxed).checked_rem(self.arbiters.len())?;
        let arbiter = self.arbiters.get(turn)?;
        let (shared, registry) = (Arc::clone(&self.shared), Arc::downgrade(self));
        let address = NodeActor::start_in_arbiter(arbiter, move |_| {
            let service = (shared.services)();
            NodeActor::new(node, shared, service, registry)
        });
        awake.insert(node, Entry { address: address.clone(), used: Instant::now() });
        Some(address)
    }
}

fn busy() -> Error {
    Error::unavailable("The node is busy, please try again later")
}
