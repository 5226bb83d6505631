//! What is done for one child: the start, abort, reapply or power of its node.
//!
//! Invariant: that it was begun is committed before anything is asked of the node, and nothing more is begun once it is
//! to stop. Runs are not waited for here: they are observed.

use std::rc::Rc;
use std::time::{Duration, Instant};

use serde_json::Value;
use uuid::Uuid;

use super::designs;
use super::dispatcher::Desk;
use super::jobs::{Begin, End, Note, PutBack, about_node};
use super::model::{Action, Outcome, Status};
use crate::cluster::Term;
use crate::context::{Asker, ID_PREFIX, Request};
use crate::design::finding::Level;
use crate::error::{Error, Kind, Result};
use crate::fsm::State;
use crate::node::order::PowerOrder;
use crate::node::{Introspection, ManageBoot, Record};
use crate::node_service::PowerTarget;
use crate::store::tasks::{NewMessage, TaskRow};

/// Between two looks at whether a child is to stop.
const LOOK: Duration = Duration::from_secs(1);
/// Between two attempts to abort a run that can not be aborted yet.
const ABORT_AGAIN: Duration = Duration::from_secs(1);
/// How often that is tried.
const ABORTS: u32 = 120;
/// How often an interrupted child is put back into the queue.
const MAX_REQUEUED: i32 = 3;

/// A child in the list of those that something is done for, until it is dropped.
struct InFlight(Rc<Desk>, String);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.borrow_mut().remove(&self.1);
    }
}

/// Does something for a child beside all others, unless something is being done for it already.
fn beside<F>(desk: &Rc<Desk>, child: TaskRow, term: &Term, work: impl FnOnce(Turn) -> F + 'static)
where
    F: Future<Output = Result<()>> + 'static,
{
    if !desk.in_flight.borrow_mut().insert(child.id.clone()) {
        return;
    }
    let guard = InFlight(Rc::clone(desk), child.id.clone());
    let asker = asker(&child);
    let turn = Turn { desk: Rc::clone(desk), child, term: term.clone() };
    actix_rt::spawn(async move {
        let task = guard.1.clone();
        let request = Request { asker, received: Instant::now() };
        if let Err(error) = request.scope(work(turn)).await {
            // The child stands as it stood in the database, and is taken up from there.
            log::warn!("A subtask could not be gone on with task={task} error={error}");
        }
    });
}

/// In whose name the work is done.
pub(super) fn asker(child: &TaskRow) -> Asker {
    let context: Value =
        child.request_context.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let id = context.get("request_id").and_then(Value::as_str).filter(|id| id.starts_with(ID_PREFIX));
    let id = id.map_or_else(|| format!("{ID_PREFIX}{}", child.id), str::to_owned);
    Asker { user: child.created_by.as_deref().map(Into::into), ..Asker::anonymous(&id) }
}

/// Begins a queued child.
pub(super) fn begin(desk: &Rc<Desk>, child: TaskRow, term: &Term) {
    beside(desk, child, term, |turn| async move {
        let job = Begin { child: turn.child.clone(), term: turn.term.clone(), now: turn.now() };
        if turn.desk.write(&turn.term, job).await? { turn.act().await } else { Ok(()) }
    });
}

/// Goes on with a child that an earlier leader began, and of which no run is known.
pub(super) fn take_up(desk: &Rc<Desk>, child: TaskRow, term: &Term) {
    beside(desk, child, term, |turn| async move {
        let Some(child) = turn.read().await? else { return Ok(()) };
        Turn { child, ..turn }.take_up().await
    });
}

/// Ends the run of a child that is to stop.
pub(super) fn stop(desk: &Rc<Desk>, child: TaskRow, term: &Term) {
    beside(desk, child, term, |turn| async move {
        if matches!(turn.record().await?, Some(record) if record.state == State::Waiting && turn.is_of(&record))
        {
            // Refused where it has gone on meanwhile; then it is tried again.
            drop(turn.desk.nodes.abort(&turn.node()).await);
        }
        tokio::time::sleep(ABORT_AGAIN).await;
        Ok(())
    });
}

/// The work for one child.
struct Turn {
    desk: Rc<Desk>,
    child: TaskRow,
    term: Term,
}

impl Turn {
    fn now(&self) -> crate::clock::Timestamp {
        self.desk.registry.shared().now()
    }

    fn node(&self) -> String {
        self.child.node_uuid.clone().unwrap_or_default()
    }

    fn uuid(&self) -> Result<Uuid> {
        Uuid::parse_str(&self.node()).map_err(Error::internal)
    }

    /// The child as it stands, where there is still something to be done for it.
    async fn read(&self) -> Result<Option<TaskRow>> {
        let id = self.child.id.clone();
        let row = self.desk.store().read(move |session| session.task(&id)).await?;
        let open = [Status::Running.name(), Status::Terminating.name()];
        Ok(row.filter(|row| row.run_id.is_none() && open.contains(&row.status.as_str())))
    }

    async fn is_to_stop(&self) -> Result<bool> {
        Ok(self.read().await?.is_none_or(|row| row.status == Status::Terminating.name()))
    }

    async fn record(&self) -> Result<Option<Record>> {
        let node = self.uuid()?;
        self.desk.store().read(move |session| session.node(node)).await
    }

    /// Whether the record is in the run that the child observes.
    fn is_of(&self, record: &Record) -> bool {
        self.child.run_id.as_deref() == Some(record.run.to_string().as_str())
    }

    async fn act(&self) -> Result<()> {
        match self.child.action.parse::<Action>() {
            Ok(Action::IntrospectNode) => self.introspect().await,
            Ok(Action::ReapplyNode) => self.reapply().await,
            Ok(Action::AbortNode) => self.abort().await,
            Ok(Action::PowerOnNode) => self.power(PowerTarget::On).await,
            Ok(Action::PowerOffNode) => self.power(PowerTarget::Off).await,
            Ok(Action::CompareNode) => self.compare().await,
            Ok(Action::RebootNode) => self.power(PowerTarget::Reboot).await,
            _ => self.end(Outcome::Failure, "The action is not known.", Vec::new()).await,
        }
    }

    async fn take_up(&self) -> Result<()> {
        let stopping = self.child.status == Status::Terminating.name();
        match self.child.action.parse::<Action>() {
            Ok(Action::IntrospectNode | Action::ReapplyNode) => {
                let begun = self.child.started_us.unwrap_or(i64::MAX);
                match self.record().await? {
                    Some(record) if record.started_at.0 >= begun => {
                        let text = "Observing the run that the node is in.";
                        self.attach(record.run, vec![self.tell(text, false)]).await
                    }
                    _ if stopping => self.stopped().await,
                    _ => self.put_back().await,
                }
            }
            Ok(Action::AbortNode | Action::CompareNode) if !stopping => self.put_back().await,
            Ok(Action::AbortNode | Action::CompareNode) => self.stopped().await,
            _ => self.end(Outcome::Failure, "The power command was interrupted.", Vec::new()).await,
        }
    }

    async fn put_back(&self) -> Result<()> {
        if self.child.requeued >= MAX_REQUEUED {
            return self.end(Outcome::Failure, "The subtask was interrupted too often.", Vec::new()).await;
        }
        let job = PutBack { child: self.child.clone(), term: self.term.clone(), now: self.now() };
        self.desk.write(&self.term, job).await.map(drop)
    }

    /// The record, unless the node is being introspected: one node, one run.
    async fn free(&self) -> Result<Option<Record>, String> {
        match self.record().await {
            Ok(Some(record)) if record.state.is_active() || record.state == State::Waiting => Err(format!(
                "Conflict: the node is being introspected already, its state is {}.",
                record.state
            )),
            Ok(record) => Ok(record),
            Err(error) => Err(error.text),
        }
    }

    async fn introspect(&self) -> Result<()> {
        if let Err(why) = self.free().await {
            return self.end(Outcome::Failure, &why, Vec::new()).await;
        }
        match self.desk.nodes.start(&self.node(), ManageBoot::Managed).await {
            Ok(_started) => self.attach_to_present(Vec::new()).await,
            Err(error) => self.refused(&error).await,
        }
    }

    async fn reapply(&self) -> Result<()> {
        if let Err(why) = self.free().await {
            return self.end(Outcome::Failure, &why, Vec::new()).await;
        }
        match self.desk.nodes.reapply(&self.node(), None).await {
            Ok(()) => self.attach_to_present(Vec::new()).await,
            Err(error) => self.refused(&error).await,
        }
    }

    async fn abort(&self) -> Result<()> {
        for _ in 0..ABORTS {
            let record = self.record().await?;
            let Some(record) = record.filter(|record| !record.state.is_terminal()) else {
                let text = "The node is not being introspected.";
                return self.end(Outcome::Success, text, vec![self.tell(text, false)]).await;
            };
            match self.desk.nodes.abort(&self.node()).await {
                Ok(()) => return self.attach(record.run, Vec::new()).await,
                // It is worked on at the moment.
                Err(error) if error.kind == Kind::Conflict || error.kind == Kind::Unavailable => {}
                Err(error) => return self.refused(&error).await,
            }
            if self.is_to_stop().await? {
                return self.stopped().await;
            }
            tokio::time::sleep(ABORT_AGAIN).await;
        }
        self.end(Outcome::Failure, "The run could not be aborted.", Vec::new()).await
    }

    async fn compare(&self) -> Result<()> {
        let findings = match self.desk.designs.findings(&self.desk, &self.child, None).await {
            Ok(findings) => findings,
            Err(error) if error.kind == Kind::Unprocessable => return self.refused(&error).await,
            Err(error) => return Err(error),
        };
        let at = self.now();
        let messages = findings.iter().map(|found| designs::message(&self.child, found, at)).collect();
        let errors = findings.iter().filter(|found| found.level == Level::Error).count();
        let (outcome, summary) = match errors {
            0 => (Outcome::Success, "The node is as declared.".to_owned()),
            errors => (Outcome::Failure, format!("{errors} facts are other than declared.")),
        };
        self.conclude(outcome, &summary, messages).await
    }

    async fn power(&self, target: PowerTarget) -> Result<()> {
        if let Err(why) = self.free().await {
            return self.end(Outcome::Failure, &why, Vec::new()).await;
        }
        // Looked at right before: another leader would find it interrupted.
        if !self.desk.leads(&self.term) {
            return Ok(());
        }
        let (node, order) = (self.uuid()?, PowerOrder { target, within: self.desk.limits.power_timeout });
        let outcome = tokio::select! {
            outcome = self.desk.nodes.power(node, order) => Some(outcome),
            () = self.to_stop() => None,
        };
        let asked = self.tell(&format!("Asked for: {}.", target.name()), false);
        match outcome {
            Some(Ok(())) => {
                let text = format!("The node is in the state {}.", target.state());
                let reached = self.tell(&text, false);
                self.end(Outcome::Success, &text, vec![asked, reached]).await
            }
            Some(Err(error)) if error.kind == Kind::Conflict => self.refused(&error).await,
            Some(Err(error)) => self.end(Outcome::Failure, &error.text, vec![asked]).await,
            None => {
                self.desk.nodes.withdrawn(node);
                self.end(Outcome::Failure, "Action terminated.", vec![asked]).await
            }
        }
    }

    /// Waits until the child is to stop, or another leads.
    async fn to_stop(&self) {
        loop {
            tokio::time::sleep(LOOK).await;
            // What the database does not tell now it tells at the next look.
            if !self.desk.leads(&self.term) || self.is_to_stop().await.unwrap_or(false) {
                return;
            }
        }
    }

    async fn refused(&self, error: &Error) -> Result<()> {
        self.end(Outcome::Failure, &error.text, Vec::new()).await
    }

    async fn stopped(&self) -> Result<()> {
        self.end(Outcome::Failure, "Action terminated.", Vec::new()).await
    }

    fn tell(&self, text: &str, error: bool) -> NewMessage {
        about_node(&self.child, text.to_owned(), error, self.now())
    }

    async fn attach_to_present(&self, messages: Vec<NewMessage>) -> Result<()> {
        match self.record().await? {
            Some(record) => self.attach(record.run, messages).await,
            None => self.end(Outcome::Failure, "The node is gone.", messages).await,
        }
    }

    /// From now on the run is observed.
    async fn attach(&self, run: Uuid, messages: Vec<NewMessage>) -> Result<()> {
        let job = Note {
            child: self.child.clone(),
            term: self.term.clone(),
            run: Some(run.to_string()),
            observed: 0,
            messages,
            now: self.now(),
        };
        self.desk.write(&self.term, job).await.map(drop)
    }

    /// The last message tells how it ended, unless that is among the given ones.
    async fn end(&self, outcome: Outcome, summary: &str, mut messages: Vec<NewMessage>) -> Result<()> {
        if outcome == Outcome::Failure {
            messages.push(self.tell(summary, true));
        }
        self.conclude(outcome, summary, messages).await
    }

    async fn conclude(&self, outcome: Outcome, summary: &str, messages: Vec<NewMessage>) -> Result<()> {
        let job = End {
            child: self.child.clone(),
            term: self.term.clone(),
            outcome,
            summary: summary.to_owned(),
            observed: self.child.observed,
            messages,
            found: None,
            now: self.now(),
        };
        self.desk.write(&self.term, job).await.map(drop)
    }
}
