//! The shell around a [`NodeMachine`]: turns messages into inputs and carries effects out.
//!
//! Invariant: a commit holds the mailbox until it is reported, an operation goes on beside it. Handlers neither
//! block nor panic; an actor that is gone is woken from the database by the registry.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::{Arc, Weak};
use std::time::Duration;

use actix::prelude::*;
use uuid::Uuid;

use super::Record;
pub use super::asking::{Ask, Caller, Notice, Progress, Request};
use super::machine::{Effect, Input, NodeMachine};
use super::observe;
use super::operations::{self, Standing};
use super::order::{Operation, Ticket};
use super::posting::Posting;
use super::power_job;
use super::prepare;
use super::registry::Registry;
use super::remains;
use super::shared::Shared;
use super::timeline::{Entry, Timeline};
use crate::clock::Timestamp;
use crate::cluster::Sharing;
use crate::context::{self, Asker};
use crate::crash;
use crate::error::{Error, Result};
use crate::metrics::{self, Counted};
use crate::node_service::NodeService;
use crate::store::transition::{Transition, Written};
use crate::store::{Job, QueryResult, Session};

/// Messages that may wait at one node.
const MAILBOX: usize = 64;
/// The pause before a commit that failed is tried again.
const COMMIT_AGAIN: Duration = Duration::from_secs(1);

/// The actor of one node.
pub struct NodeActor {
    uuid: Uuid,
    shared: Arc<Shared>,
    service: Rc<dyn NodeService>,
    registry: Weak<Registry>,
    machine: NodeMachine,
    callers: HashMap<Ticket, Caller>,
    last_ticket: Ticket,
    /// The operation in flight; a cancelled one may still report, under an older number.
    operation: Option<(u64, SpawnHandle)>,
    last_operation: u64,
    alarm: Option<(Timestamp, SpawnHandle)>,
    /// Whether the row was read just now.
    is_fresh: bool,
    /// The breaks of the lease when the row was last known to be as the machine has it.
    breaks: u64,
    _counted: Counted,
}

impl NodeActor {
    pub(super) fn new(
        uuid: Uuid,
        shared: Arc<Shared>,
        service: Rc<dyn NodeService>,
        registry: Weak<Registry>,
    ) -> Self {
        let machine = NodeMachine::new(uuid, Arc::clone(&shared.settings), None, Timeline::default());
        Self {
            uuid,
            shared,
            service,
            registry,
            machine,
            callers: HashMap::new(),
            last_ticket: 0,
            operation: None,
            last_operation: 0,
            alarm: None,
            is_fresh: false,
            breaks: 0,
            _counted: Counted::new(&metrics::get().awake),
        }
    }

    fn feed(&mut self, ctx: &mut Context<Self>, input: Input) {
        self.feed_for(None, ctx, input);
    }

    fn feed_for(&mut self, asker: Option<Asker>, ctx: &mut Context<Self>, input: Input) {
        let now = self.shared.now();
        self.withdraw(ctx, now);
        let before = asker.clone().or_else(|| self.machine.cause().cloned());
        let effects = context::on_behalf(before.clone(), || self.machine.handle_for(asker, now, input));
        for effect in effects {
            // What is begun is for who asked for it; all else belongs to what led here.
            let begins = matches!(effect, Effect::Begin(_) | Effect::Commit(_) | Effect::CommitLater(_));
            let cause = self.machine.cause().filter(|_| begins).cloned();
            context::on_behalf(cause.or_else(|| before.clone()), || self.carry_out(ctx, effect));
        }
        self.set_alarm(ctx, now);
    }

    /// Callers that are gone need no answer; what they asked for is not begun any more.
    fn withdraw(&mut self, ctx: &mut Context<Self>, now: Timestamp) {
        let closed = self.callers.iter().filter(|(_, caller)| caller.reply.is_closed());
        let gone: Vec<Ticket> = closed.map(|(ticket, _)| *ticket).collect();
        for ticket in gone {
            let told = self.callers.remove(&ticket).is_some_and(|caller| caller.is_told());
            if told {
                continue;
            }
            for effect in self.machine.handle(now, Input::Withdrawn(ticket)) {
                self.carry_out(ctx, effect);
            }
        }
    }

    fn carry_out(&mut self, ctx: &mut Context<Self>, effect: Effect) {
        match effect {
            Effect::Answer(ticket, answer) => self.answer(ticket, answer),
            Effect::Accepted(ticket) => {
                if let Some(caller) = self.callers.get(&ticket) {
                    caller.progress.accept();
                }
            }
            Effect::Commit(transition) => self.commit(ctx, transition, Duration::ZERO),
            Effect::CommitLater(transition) => self.commit(ctx, transition, COMMIT_AGAIN),
            Effect::Begin(operation) => self.begin(ctx, operation),
            Effect::Cancel => {
                if let Some((_, handle)) = self.operation.take() {
                    ctx.cancel_future(handle);
                }
            }
            Effect::Reload => self.reload(ctx),
            Effect::StoreLogs(posting) => self.store_logs(ctx, posting),
            Effect::File(run, entry) => self.file(ctx, run, entry),
            Effect::PowerJobTried(run, outcome) => self.note_power_job(ctx, run, outcome),
        }
    }

    fn begin(&mut self, ctx: &mut Context<Self>, operation: Operation) {
        let (shared, service) = (Arc::clone(&self.shared), Rc::clone(&self.service));
        let standing = self.machine.record().map(|record| Standing::of(record, self.breaks));
        let work = context::carried(operations::carry_out(shared, service, self.uuid, standing, operation));
        self.last_operation = self.last_operation.wrapping_add(1);
        let number = self.last_operation;
        let reported = work.into_actor(self).map(move |(finding, calls), actor, ctx| {
            // actix polls a cancelled future once more: it must not be taken for the one that came after it.
            if actor.operation.is_some_and(|(current, _)| current == number) {
                actor.operation = None;
                actor.machine.handle(actor.shared.now(), Input::Called(calls));
                actor.feed(ctx, Input::Done(finding));
            }
        });
        self.operation = Some((number, ctx.spawn(reported)));
    }

    fn note_power_job(&self, ctx: &mut Context<Self>, run: Uuid, outcome: Result<(), String>) {
        let (store, node) = (self.shared.store.clone(), self.uuid);
        let tried = power_job::Tried { node, run, outcome, now: self.shared.now() };
        let noted = async move {
            log::info!("A machine whose run timed out: {} node={node}", tried.power());
            if let Err(error) = store.write(tried).await {
                // The job stays as it was, and is done again.
                log::warn!("The outcome of a power-off could not be stored node={node} error={error}");
            }
        };
        ctx.spawn(context::carried(noted).into_actor(self));
    }

    fn file(&self, ctx: &mut Context<Self>, run: Uuid, entry: Box<Entry>) {
        let (store, node) = (self.shared.store.clone(), self.uuid);
        let filed = async move {
            if let Err(error) = store.write(FileEntry { node, run, entry: *entry }).await {
                log::warn!("A refused request could not be filed run={run} error={error}");
            }
        };
        ctx.spawn(context::carried(filed).into_actor(self));
    }

    fn answer(&mut self, ticket: Ticket, answer: Result<()>) {
        if let Some(caller) = self.callers.remove(&ticket) {
            // A caller that is gone does not need its answer.
            drop(caller.reply.send(answer));
            let state = self.machine.record().map_or("none", |record| record.state.name());
            crash::point_of(state, "answered");
        }
    }

    fn commit(&self, ctx: &mut Context<Self>, transition: Arc<Transition>, pause: Duration) {
        let shared = Arc::clone(&self.shared);
        let uuid = self.uuid;
        let breaks = self.breaks_now();
        let deadline = self.machine.record().and_then(|record| record.deadline);
        let written = async move {
            tokio::time::sleep(pause).await;
            let what = point_name(&transition);
            crash::point_of(what, "before");
            let outcome = shared.store.write(Arc::clone(&transition)).await;
            crash::point_of(what, "committed");
            report(uuid, &transition, &outcome);
            if let Ok(Written::Committed) = outcome {
                observe::committed(&transition, deadline, shared.now());
            }
            outcome
        };
        ctx.wait(context::carried(written).into_actor(self).map(move |outcome, actor, ctx| {
            if let Ok(Written::Committed) = outcome {
                actor.breaks = breaks;
            }
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
        let (uuid, breaks) = (self.uuid, self.breaks_now());
        let read = async move {
            loop {
                match store.read_for_run(move |session| load(session, uuid)).await {
                    Ok(loaded) => return loaded,
                    Err(error) => log::warn!("The node could not be read node={uuid} error={error}"),
                }
                tokio::time::sleep(COMMIT_AGAIN).await;
            }
        };
        ctx.wait(context::carried(read).into_actor(self).map(move |(record, timeline), actor, ctx| {
            actor.breaks = breaks;
            actor.feed(ctx, Input::Reloaded(record, timeline));
        }));
    }

    fn store_logs(&self, ctx: &mut Context<Self>, posting: Arc<Posting>) {
        let (shared, node) = (Arc::clone(&self.shared), self.uuid);
        let stored = async move { prepare::store_logs(&shared, posting, Some(node)).await };
        ctx.spawn(context::carried(stored).into_actor(self));
    }

    /// Goes on with a row that is as the database has it: while nothing is in flight, others may change it.
    fn refreshed(
        &mut self,
        ctx: &mut Context<Self>,
        then: impl FnOnce(&mut Self, &mut Context<Self>) + 'static,
    ) {
        let is_known = std::mem::take(&mut self.is_fresh) || !self.machine.is_idle();
        if is_known || self.shared.cluster.sharing() == Sharing::Sole {
            return then(self, ctx);
        }
        let (store, uuid, breaks) = (self.shared.store.clone(), self.uuid, self.breaks_now());
        let read = async move { store.read_for_run(move |session| load(session, uuid)).await };
        ctx.wait(read.into_actor(self).map(move |loaded, actor, ctx| match loaded {
            Ok((record, timeline)) => {
                actor.breaks = breaks;
                actor.machine.refresh(record, timeline);
                actor.set_alarm(ctx, actor.shared.now());
                then(actor, ctx);
            }
            // Who asks is told so as the actor goes, and it is asked once more.
            Err(error) => {
                log::error!("The node could not be read node={} error={error}", actor.uuid);
                ctx.stop();
            }
        }));
    }

    fn take_request(&mut self, ctx: &mut Context<Self>, Ask { request, caller }: Ask) {
        if caller.reply.is_closed() {
            return;
        }
        let asker = caller.asker.clone();
        let ticket = self.ticket(caller);
        let input = match request {
            Request::Start(order) => Input::Start(ticket, order),
            Request::Abort => Input::Abort(ticket),
            Request::Reapply(posting, source) => Input::Reapply(ticket, posting, source),
            Request::Token(token) => Input::Token(ticket, token),
            Request::Power(order) => Input::Power(ticket, order),
            Request::Callback(posting) => Input::Callback(ticket, posting),
            Request::Adopt(adoption) => Input::Adopt(ticket, adoption),
            Request::Late(posting, line) => Input::Late(ticket, posting, line),
        };
        self.feed_for(asker, ctx, input);
    }

    /// Reads what the run left, and goes on with it.
    fn resume(&self, ctx: &mut Context<Self>) {
        let shared = Arc::clone(&self.shared);
        let record = self.machine.record().cloned();
        let read = async move {
            loop {
                match remains::of(&shared, record.as_ref()).await {
                    Ok(remains) => return remains,
                    Err(error) => log::warn!("An interrupted run could not be read error={error}"),
                }
                tokio::time::sleep(COMMIT_AGAIN).await;
            }
        };
        ctx.wait(read.into_actor(self).map(|remains, actor, ctx| {
            crash::point("recovery.read");
            actor.feed(ctx, Input::Resume(remains));
        }));
    }

    /// To be asked before the row is read or written: a break after that is one that counts.
    fn breaks_now(&self) -> u64 {
        self.shared.cluster.lease().breaks()
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

/// The row of a node, and what happened in its run.
fn load(session: &mut dyn Session, node: Uuid) -> QueryResult<(Option<Record>, Timeline)> {
    let record = session.node(node)?;
    let timeline = record.as_ref().map(|record| session.timeline(record.run)).transpose()?;
    Ok((record, timeline.unwrap_or_default()))
}

/// Adds to the timeline of a run.
struct FileEntry {
    node: Uuid,
    run: Uuid,
    entry: Entry,
}

impl Job for FileEntry {
    type Output = ();

    fn run(&self, session: &mut dyn Session) -> QueryResult<()> {
        let mut timeline = session.timeline(self.run)?;
        timeline.push(self.entry.clone());
        session.put_timeline(self.run, &timeline)
    }

    fn nodes(&self) -> Vec<Uuid> {
        vec![self.node]
    }
}

/// How the points around a commit are called: by its event, or by what is added within a state.
fn point_name(transition: &Transition) -> &'static str {
    let record = &transition.record;
    if record.state_since == transition.at {
        record.last_event.name()
    } else if transition.runs.plan.is_some() {
        "plan"
    } else {
        "turn"
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
        let (uuid, breaks) = (self.uuid, self.breaks_now());
        let read = async move { store.read_for_run(move |session| load(session, uuid)).await };
        ctx.wait(read.into_actor(self).map(move |loaded, actor, ctx| match loaded {
            Ok((record, timeline)) => {
                actor.breaks = breaks;
                let settings = Arc::clone(&actor.shared.settings);
                actor.machine = NodeMachine::new(actor.uuid, settings, record, timeline);
                actor.is_fresh = true;
                actor.set_alarm(ctx, actor.shared.now());
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

    fn handle(&mut self, ask: Ask, ctx: &mut Self::Context) {
        self.refreshed(ctx, |actor, ctx| actor.take_request(ctx, ask));
    }
}

impl Handler<Notice> for NodeActor {
    type Result = ();

    fn handle(&mut self, notice: Notice, ctx: &mut Self::Context) {
        let input = match notice {
            Notice::Deadline => Input::Deadline,
            Notice::PowerJob(run) => Input::PowerJob(run),
            Notice::LookAfterData => Input::LookAfterData,
            Notice::Resume => return self.refreshed(ctx, |actor, ctx| actor.resume(ctx)),
            Notice::Withdrawn => return self.withdraw(ctx, self.shared.now()),
            Notice::Passivate if self.machine.is_idle() => return ctx.stop(),
            Notice::Passivate => return,
        };
        self.refreshed(ctx, |actor, ctx| actor.feed(ctx, input));
    }
}

impl From<MailboxError> for Error {
    fn from(cause: MailboxError) -> Self {
        Self::unavailable("The node is busy, please try again later").caused_by(cause)
    }
}
