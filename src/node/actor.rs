//! The shell around a [`NodeMachine`]: turns messages into inputs and carries effects out.
//!
//! Invariant: a commit holds the mailbox until it is reported, an operation goes on beside it. Handlers neither
//! block nor panic; an actor that is gone is woken from the database by the registry.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use actix::prelude::*;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::machine::{Effect, Input, NodeMachine};
use super::operations;
use super::order::{Posting, Remains, Source, StartOrder, Ticket};
use super::prepare;
use super::registry::Registry;
use super::shared::Shared;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::node_service::NodeService;
use crate::store::transition::{Transition, Written};

/// Messages that may wait at one node.
const MAILBOX: usize = 64;
/// The pause before a commit that failed is tried again.
const COMMIT_AGAIN: Duration = Duration::from_secs(1);

/// What is asked of a node.
#[derive(Clone, Debug)]
pub enum Request {
    /// Start an introspection.
    Start(Box<StartOrder>),
    /// End it.
    Abort,
    /// Process data again.
    Reapply(Arc<Posting>, Source),
    /// Take the ramdisk's data.
    Callback(Arc<Posting>),
}

/// Who asked, and waits.
#[derive(Debug)]
pub struct Caller {
    /// Where the answer goes.
    pub reply: oneshot::Sender<Result<()>>,
    /// Set when the caller's data is committed.
    pub accepted: Arc<AtomicBool>,
}

/// A request with its caller.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Ask {
    /// What is asked.
    pub request: Request,
    /// By whom.
    pub caller: Caller,
}

/// Word from the supervisor.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub enum Notice {
    /// The deadline of `waiting` may have passed.
    Deadline,
    /// The process that worked on the node is gone.
    Resume(Box<Remains>),
    /// Nobody asked for a while: stop, if nothing is in flight.
    Passivate,
}

/// The actor of one node.
pub struct NodeActor {
    uuid: Uuid,
    shared: Arc<Shared>,
    service: Rc<dyn NodeService>,
    registry: Weak<Registry>,
    machine: NodeMachine,
    callers: HashMap<Ticket, Caller>,
    last_ticket: Ticket,
    operation: Option<SpawnHandle>,
    alarm: Option<(Timestamp, SpawnHandle)>,
}

impl NodeActor {
    pub(super) fn new(
        uuid: Uuid,
        shared: Arc<Shared>,
        service: Rc<dyn NodeService>,
        registry: Weak<Registry>,
    ) -> Self {
        let machine = NodeMachine::new(uuid, Arc::clone(&shared.settings), None);
        Self {
            uuid,
            shared,
            service,
            registry,
            machine,
            callers: HashMap::new(),
            last_ticket: 0,
            operation: None,
            alarm: None,
        }
    }

    fn feed(&mut self, ctx: &mut Context<Self>, input: Input) {
        let now = self.shared.now();
        let gone: Vec<Ticket> = self
            .callers
            .iter()
            .filter(|(_, caller)| caller.reply.is_closed())
            .map(|(ticket, _)| *ticket)
            .collect();
        for ticket in gone {
            self.callers.remove(&ticket);
            self.machine.handle(now, Input::Withdrawn(ticket));
        }
        for effect in self.machine.handle(now, input) {
            self.carry_out(ctx, effect);
        }
        self.set_alarm(ctx, now);
    }

    fn carry_out(&mut self, ctx: &mut Context<Self>, effect: Effect) {
        match effect {
            Effect::Answer(ticket, answer) => self.answer(ticket, answer),
            Effect::Accepted(ticket) => {
                if let Some(caller) = self.callers.get(&ticket) {
                    caller.accepted.store(true, Ordering::Release);
                }
            }
            Effect::Commit(transition) => self.commit(ctx, transition, Duration::ZERO),
            Effect::CommitLater(transition) => self.commit(ctx, transition, COMMIT_AGAIN),
            Effect::Begin(operation) => {
                let work = operations::carry_out(
                    Arc::clone(&self.shared),
                    Rc::clone(&self.service),
                    self.uuid,
                    operation,
                );
                let reported = work.into_actor(self).map(|finding, actor, ctx| {
                    actor.operation = None;
                    actor.feed(ctx, Input::Done(finding));
                });
                self.operation = Some(ctx.spawn(reported));
            }
            Effect::Cancel => {
                if let Some(handle) = self.operation.take() {
                    ctx.cancel_future(handle);
                }
            }
            Effect::Reload => self.reload(ctx),
            Effect::StoreLogs(posting) => self.store_logs(ctx, posting),
        }
    }

    fn answer(&mut self, ticket: Ticket, answer: Result<()>) {
        if let Some(caller) = self.callers.remove(&ticket) {
            // A caller that is gone does not need its answer.
            drop(caller.reply.send(answer));
        }
    }

    fn commit(&self, ctx: &mut Context<Self>, transition: Arc<Transition>, pause: Duration) {
        let store = self.shared.store.clone();
        let uuid = self.uuid;
        let written = async move {
            tokio::time::sleep(pause).await;
            let outcome = store.write(Arc::clone(&transition)).await;
            report(uuid, &transition, &outcome);
            outcome
        };
        ctx.wait(written.into_actor(self).map(|outcome, actor, ctx| {
            actor.feed(
                ctx,
                match outcome {
                    Ok(written) => Input::Committed(written),
                    Err(error) => Input::CommitFailed(error),
                },
            );
        }));
    }

    fn reload(&self, ctx: &mut Context<Self>) {
        let store = self.shared.store.clone();
        let uuid = self.uuid;
        let read = async move {
            loop {
                match store.read(move |session| session.node(uuid)).await {
                    Ok(record) => return record,
                    Err(error) => log::warn!("The node could not be read node={uuid} error={error}"),
                }
                tokio::time::sleep(COMMIT_AGAIN).await;
            }
        };
        ctx.wait(read.into_actor(self).map(|record, actor, ctx| actor.feed(ctx, Input::Reloaded(record))));
    }

    fn store_logs(&self, ctx: &mut Context<Self>, posting: Arc<Posting>) {
        let (shared, node) = (Arc::clone(&self.shared), self.uuid);
        let stored = async move { prepare::store_logs(&shared, posting, Some(node)).await };
        ctx.spawn(stored.into_actor(self));
    }

    fn set_alarm(&mut self, ctx: &mut Context<Self>, now: Timestamp) {
        let wanted = self.machine.alarm();
        if self.alarm.map(|(at, _)| at) == wanted {
            return;
        }
        if let Some((_, handle)) = self.alarm.take() {
            ctx.cancel_future(handle);
        }
        if let Some(at) = wanted {
            let wait = Duration::from_micros(u64::try_from(at.since_us(now)).unwrap_or(0));
            self.alarm = Some((at, ctx.run_later(wait, |actor, ctx| actor.ring(ctx))));
        }
    }

    /// The alarm went off. Where the deadline can not be acted on yet, it goes off again a second later.
    fn ring(&mut self, ctx: &mut Context<Self>) {
        self.alarm = None;
        self.feed(ctx, Input::Deadline);
        if let Some((at, handle)) = self.alarm.take() {
            ctx.cancel_future(handle);
            let left = u64::try_from(at.since_us(self.shared.now())).unwrap_or(0);
            let wait = Duration::from_micros(left).max(COMMIT_AGAIN);
            self.alarm = Some((at, ctx.run_later(wait, |actor, ctx| actor.ring(ctx))));
        }
    }

    fn ticket(&mut self, caller: Caller) -> Ticket {
        self.last_ticket = self.last_ticket.wrapping_add(1);
        self.callers.insert(self.last_ticket, caller);
        self.last_ticket
    }
}

/// One line a transition, readable alone.
fn report(uuid: Uuid, transition: &Transition, outcome: &Result<Written>) {
    let record = &transition.record;
    match outcome {
        Ok(Written::Committed) => log::info!(
            "The node is {} node={uuid} state={} version={} error={:?}",
            record.state,
            record.state,
            record.version,
            record.error
        ),
        Ok(Written::Lost) => log::info!("The node was changed elsewhere node={uuid}"),
        Err(error) => log::error!("The transition could not be committed node={uuid} error={error}"),
    }
}

impl Actor for NodeActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        let store = self.shared.store.clone();
        let uuid = self.uuid;
        let read = async move { store.read(move |session| session.node(uuid)).await };
        ctx.wait(read.into_actor(self).map(|record, actor, ctx| match record {
            Ok(record) => {
                let settings = Arc::clone(&actor.shared.settings);
                actor.machine = NodeMachine::new(actor.uuid, settings, record);
            }
            Err(error) => {
                log::error!("The node could not be read node={} error={error}", actor.uuid);
                ctx.stop();
            }
        }));
    }

    fn stopping(&mut self, ctx: &mut Self::Context) -> Running {
        if let Some(registry) = self.registry.upgrade() {
            registry.forget(self.uuid, &ctx.address());
        }
        Running::Stop
    }
}

impl Handler<Ask> for NodeActor {
    type Result = ();

    fn handle(&mut self, Ask { request, caller }: Ask, ctx: &mut Self::Context) {
        if caller.reply.is_closed() {
            return;
        }
        let ticket = self.ticket(caller);
        let input = match request {
            Request::Start(order) => Input::Start(ticket, order),
            Request::Abort => Input::Abort(ticket),
            Request::Reapply(posting, source) => Input::Reapply(ticket, posting, source),
            Request::Callback(posting) => Input::Callback(ticket, posting),
        };
        self.feed(ctx, input);
    }
}

impl Handler<Notice> for NodeActor {
    type Result = ();

    fn handle(&mut self, notice: Notice, ctx: &mut Self::Context) {
        match notice {
            Notice::Deadline => self.feed(ctx, Input::Deadline),
            Notice::Resume(remains) => self.feed(ctx, Input::Resume(*remains)),
            Notice::Passivate if self.machine.is_idle() => ctx.stop(),
            Notice::Passivate => {}
        }
    }
}

impl From<MailboxError> for Error {
    fn from(cause: MailboxError) -> Self {
        Self::unavailable("The node is busy, please try again later").caused_by(cause)
    }
}
