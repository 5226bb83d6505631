//! What the leader writes of the tasks that it works on.
//!
//! Invariant: each job begins with the condition that the task is still worked on in the leader's term, and changes
//! nothing where it is not. What ends a child is one transaction with what that means for its parent.

use serde_json::json;
use uuid::Uuid;

use super::model::{Action, Outcome, Status};
use crate::build_data::{Collection, Item};
use crate::clock::Timestamp;
use crate::cluster::Term;
use crate::store::documents::Packed;
use crate::store::tasks::{Change, NewMessage, TaskRow};
use crate::store::{Job, QueryResult, Session};

/// How often a task that can not be taken up is begun anew by another leader.
const MAX_REQUEUED: i32 = 3;
/// Those that are being worked on.
pub(super) const AT_WORK: [Status; 2] = [Status::Running, Status::Terminating];

/// Whether the task is still worked on in this term. Locks its row until the transaction ends.
fn is_held(session: &mut dyn Session, task: &str, term: &Term, now: Timestamp) -> QueryResult<bool> {
    session.change_task(task, &AT_WORK, Some(term), &Change::default(), now)
}

fn level(error: bool) -> &'static str {
    if error { "Error" } else { "Info" }
}

/// A message about a task itself.
pub(super) fn about_task(task: &str, text: String, error: bool, at: Timestamp) -> NewMessage {
    NewMessage {
        text,
        error,
        level: level(error),
        context_type: "task",
        context: task.to_owned(),
        at,
        extra: "{}".to_owned(),
    }
}

/// A message about the node of a child.
pub(super) fn about_node(child: &TaskRow, text: String, error: bool, at: Timestamp) -> NewMessage {
    let context = child.node_uuid.clone().unwrap_or_default();
    let extra = json!({"node_name": child.node_name, "run_id": child.run_id}).to_string();
    NewMessage { text, error, level: level(error), context_type: "node", context, at, extra }
}

/// What results name a child's node.
pub(super) fn entity(child: &TaskRow) -> String {
    child.node_name.clone().or_else(|| child.node_uuid.clone()).unwrap_or_default()
}

/// Takes the oldest queued task.
#[derive(Clone, Debug)]
pub(super) struct Take {
    pub term: Term,
    pub now: Timestamp,
}

impl Job for Take {
    type Output = Option<TaskRow>;

    fn run(&self, session: &mut dyn Session) -> QueryResult<Option<TaskRow>> {
        let Some(oldest) = session.roots_in(&[Status::Queued], 1)?.pop() else { return Ok(None) };
        let change = Change {
            started_us: Some(self.now.0),
            owner: Some(self.term.holder.name.to_string()),
            owner_epoch: Some(self.term.epoch),
            ..Change::to(Status::Running, self.now)
        };
        if !session.change_task(&oldest.id, &[Status::Queued], None, &change, self.now)? {
            return Ok(None);
        }
        session.task(&oldest.id)
    }
}

/// Takes over a task that an earlier leader worked on. One that is not done node by node begins anew, a few times.
#[derive(Clone, Debug)]
pub(super) struct Adopt {
    pub task: TaskRow,
    pub term: Term,
    pub now: Timestamp,
}

impl Job for Adopt {
    type Output = Option<TaskRow>;

    fn run(&self, session: &mut dyn Session) -> QueryResult<Option<TaskRow>> {
        let Self { task, term, now } = self;
        let Some(row) = session.task(&task.id)? else { return Ok(None) };
        let moved_on = (&row.owner, row.owner_epoch) != (&task.owner, task.owner_epoch);
        if moved_on || row.owner_epoch.is_some_and(|epoch| epoch > term.epoch) {
            return Ok(None);
        }
        let change = Change {
            owner: Some(term.holder.name.to_string()),
            owner_epoch: Some(term.epoch),
            requeued: Some(row.requeued.saturating_add(1)),
            ..Change::default()
        };
        if !session.change_task(&row.id, &AT_WORK, None, &change, *now)? {
            return Ok(None);
        }
        let by_node = row.action.parse::<Action>().is_ok_and(|action| action.child().is_some());
        let text = if by_node {
            "The task goes on under another leader."
        } else if row.status == Status::Terminating.name() {
            "The leader that worked on the task is gone."
        } else if row.requeued >= MAX_REQUEUED {
            let end = Change::to(Status::Complete, *now)
                .with_result(Outcome::Failure, Some("The task was interrupted too often.".to_owned()));
            session.change_task(&row.id, &AT_WORK, Some(term), &end, *now)?;
            over(session, &row)?;
            "The task was interrupted too often."
        } else {
            "The task was interrupted, and begins anew."
        };
        session.add_messages(&row.id, &[about_task(&row.id, text.to_owned(), false, *now)])?;
        session.task(&row.id)
    }
}

/// Pins the content of a design to a task: from now on it counts, whatever its place holds later.
#[derive(Clone, Debug)]
pub(super) struct Pin {
    pub task: String,
    pub term: Term,
    pub content: Packed,
    pub now: Timestamp,
}

impl Job for Pin {
    type Output = bool;

    fn run(&self, session: &mut dyn Session) -> QueryResult<bool> {
        let Self { task, term, content, now } = self;
        let change = Change { design_digest: Some(content.digest.clone()), ..Change::default() };
        session.keep_document(content, *now)?;
        session.change_task(task, &AT_WORK, Some(term), &change, *now)
    }

    fn weight_bytes(&self) -> usize {
        self.content.body.len()
    }
}

/// Makes children, which wait until all of them are made.
#[derive(Clone, Debug)]
pub(super) struct MakeChildren {
    pub parent: String,
    pub term: Term,
    pub rows: Vec<TaskRow>,
    pub now: Timestamp,
}

impl Job for MakeChildren {
    type Output = bool;

    fn run(&self, session: &mut dyn Session) -> QueryResult<bool> {
        if !is_held(session, &self.parent, &self.term, self.now)? {
            return Ok(false);
        }
        session.insert_tasks(&self.rows).map(|()| true)
    }
}

/// Releases the children of an attempt: from now on its targets stand.
#[derive(Clone, Debug)]
pub(super) struct Release {
    pub parent: String,
    pub retry: i32,
    pub nodes: usize,
    pub term: Term,
    pub now: Timestamp,
}

impl Job for Release {
    type Output = bool;

    fn run(&self, session: &mut dyn Session) -> QueryResult<bool> {
        let Self { parent, retry, nodes, term, now } = self;
        let change = Change { expanded: Some(retry.saturating_add(1)), ..Change::default() };
        if !session.change_task(parent, &AT_WORK, Some(term), &change, *now)? {
            return Ok(false);
        }
        let queued = Change::to(Status::Queued, *now);
        session.change_children(parent, *retry, &[Status::Requested], &queued, *now)?;
        let text = if *retry == 0 {
            format!("The task is for {nodes} nodes.")
        } else {
            format!("Retrying task {parent} on {nodes} previous failed entities.")
        };
        session.add_messages(parent, &[about_task(parent, text, false, *now)])?;
        Ok(true)
    }
}

/// Begins the work on a child.
#[derive(Clone, Debug)]
pub(super) struct Begin {
    pub child: TaskRow,
    pub term: Term,
    pub now: Timestamp,
}

impl Job for Begin {
    type Output = bool;

    fn run(&self, session: &mut dyn Session) -> QueryResult<bool> {
        let Self { child, term, now } = self;
        let parent = child.parent_id.as_deref().unwrap_or_default();
        // One that is to stop begins nothing any more.
        if !session.change_task(parent, &[Status::Running], Some(term), &Change::default(), *now)? {
            return Ok(false);
        }
        let change = Change { started_us: Some(now.0), ..Change::to(Status::Running, *now) };
        if !session.change_task(&child.id, &[Status::Queued], None, &change, *now)? {
            return Ok(false);
        }
        let text = format!("Started subtask {} for action {}", child.id, child.action);
        let extra = json!({"node_uuid": child.node_uuid, "node_name": child.node_name}).to_string();
        let message = NewMessage { extra, ..about_task(parent, text, false, *now) };
        session.add_messages(parent, &[message])?;
        Ok(true)
    }
}

/// Notes what was seen of a child: its run, and what happened in it.
#[derive(Clone, Debug)]
pub(super) struct Note {
    pub child: TaskRow,
    pub term: Term,
    pub run: Option<String>,
    pub observed: i32,
    pub messages: Vec<NewMessage>,
    pub now: Timestamp,
}

impl Job for Note {
    type Output = bool;

    fn run(&self, session: &mut dyn Session) -> QueryResult<bool> {
        let Self { child, term, run, observed, messages, now } = self;
        let parent = child.parent_id.as_deref().unwrap_or_default();
        let change = Change { run_id: run.clone().map(Some), observed: Some(*observed), ..Change::default() };
        if !is_held(session, parent, term, *now)?
            || !session.change_task(&child.id, &AT_WORK, None, &change, *now)?
        {
            return Ok(false);
        }
        if !messages.is_empty() {
            session.add_messages(&child.id, messages)?;
        }
        Ok(true)
    }
}

/// Puts a child that was interrupted before it began anything back into the queue.
#[derive(Clone, Debug)]
pub(super) struct PutBack {
    pub child: TaskRow,
    pub term: Term,
    pub now: Timestamp,
}

impl Job for PutBack {
    type Output = bool;

    fn run(&self, session: &mut dyn Session) -> QueryResult<bool> {
        let Self { child, term, now } = self;
        let parent = child.parent_id.as_deref().unwrap_or_default();
        let change =
            Change { requeued: Some(child.requeued.saturating_add(1)), ..Change::to(Status::Queued, *now) };
        Ok(is_held(session, parent, term, *now)?
            && session.change_task(&child.id, &[Status::Running], None, &change, *now)?)
    }
}

/// Ends a child, and tells its parent.
#[derive(Clone, Debug)]
pub(super) struct End {
    pub child: TaskRow,
    pub term: Term,
    /// Well, or not.
    pub outcome: Outcome,
    /// That in one line.
    pub summary: String,
    /// Entries of the run's timeline that are told by now.
    pub observed: i32,
    pub messages: Vec<NewMessage>,
    /// What the run is told to differ in from the task's design.
    pub found: Option<Item>,
    pub now: Timestamp,
}

impl Job for End {
    type Output = bool;

    fn run(&self, session: &mut dyn Session) -> QueryResult<bool> {
        let Self { child, term, outcome, summary, observed, messages, found, now } = self;
        let parent = child.parent_id.as_deref().unwrap_or_default();
        // From here on the parent's row is locked, and with it what becomes of its children.
        if !is_held(session, parent, term, *now)? {
            return Ok(false);
        }
        let Some(row) = session.task(&child.id)? else { return Ok(false) };
        let stopped = row.status == Status::Terminating.name() && *outcome != Outcome::Success;
        let status = if stopped { Status::Terminated } else { Status::Complete };
        let change = Change {
            observed: Some(*observed),
            ..Change::to(status, *now).with_result(*outcome, Some(summary.clone()))
        };
        if !session.change_task(&child.id, &AT_WORK, None, &change, *now)? {
            return Ok(false);
        }
        session.add_messages(&child.id, messages)?;
        session.add_entity(&child.id, child.retry, &entity(child), *outcome)?;
        if let Some(item) = found {
            keep(session, child, item, *now)?;
        }
        if let (Some(run), Some(parent)) = (&child.run_id, &child.parent_id) {
            session.tag_builds(run, parent)?;
            session.add_link(parent, "detail_logs", &format!("/v1/tasks/{parent}/builddata"))?;
        }
        let failed = (*outcome == Outcome::Failure).then_some(summary.as_str());
        count_child(session, child, *outcome, failed, *now)?;
        Ok(true)
    }
}

/// Adds build data to the run of a child.
fn keep(session: &mut dyn Session, child: &TaskRow, item: &Item, now: Timestamp) -> QueryResult<()> {
    let uuid = |text: &Option<String>| text.as_deref().and_then(|text| Uuid::parse_str(text).ok());
    let (Some(node), Some(run)) = (uuid(&child.node_uuid), uuid(&child.run_id)) else { return Ok(()) };
    session.keep_document(&item.content, now)?;
    let written = Collection {
        node_name: child.node_name.clone(),
        items: vec![item.reference()],
        ..Collection::default()
    };
    session.add_builds(node, run, &written, now)
}

/// What the end of a child means for its parent.
pub(super) fn count_child(
    session: &mut dyn Session,
    child: &TaskRow,
    outcome: Outcome,
    failed: Option<&str>,
    now: Timestamp,
) -> QueryResult<()> {
    let Some(parent) = child.parent_id.as_deref() else { return Ok(()) };
    session.add_entity(parent, child.retry, &entity(child), outcome)?;
    if let Some(why) = failed {
        let text = format!("Subtask {} on {} failed: {why}", child.id, entity(child));
        session.add_messages(parent, &[about_node(child, text, true, now)])?;
    }
    let Some(row) = session.task(parent)? else { return Ok(()) };
    let before: Outcome = row.result_status.parse().unwrap_or(Outcome::Incomplete);
    let after = before.after_child(outcome);
    if after != before && row.retry == child.retry {
        let change = Change { result_status: Some(after.name().to_owned()), ..Change::default() };
        let any = [Status::Queued, Status::Running, Status::Terminating];
        session.change_task(parent, &any, None, &change, now)?;
    }
    Ok(())
}

/// Ends a task.
#[derive(Clone, Debug)]
pub(super) struct Finish {
    pub task: String,
    pub term: Term,
    /// How it went; what its children made of it, where `None`.
    pub outcome: Option<Outcome>,
    /// That in one line.
    pub summary: String,
    pub messages: Vec<NewMessage>,
    pub now: Timestamp,
}

impl Job for Finish {
    type Output = bool;

    fn run(&self, session: &mut dyn Session) -> QueryResult<bool> {
        let Self { task, term, outcome, summary, messages, now } = self;
        let Some(row) = session.task(task)? else { return Ok(false) };
        let from: Status = row.status.parse().unwrap_or(Status::Running);
        let stopped = from == Status::Terminating;
        let children: Outcome = row.result_status.parse().unwrap_or(Outcome::Incomplete);
        let outcome = outcome.unwrap_or(match children {
            Outcome::Incomplete if stopped => Outcome::Failure,
            Outcome::Incomplete => Outcome::Success,
            told => told,
        });
        let status = if stopped { Status::Terminated } else { Status::Complete };
        let summary = if stopped { "Action terminated.".to_owned() } else { summary.clone() };
        let change = Change::to(status, *now).with_result(outcome, Some(summary.clone()));
        // Where it was asked to stop meanwhile, this is tried again with that known.
        if !session.change_task(task, &[from], Some(term), &change, *now)? {
            return Ok(false);
        }
        let failed = outcome == Outcome::Failure;
        let mut all = messages.clone();
        all.push(about_task(task, summary, failed, *now));
        session.add_messages(task, &all)?;
        over(session, &row)?;
        Ok(true)
    }
}

/// What a task does not need any more once it is over: the request that it was to carry out.
pub(super) fn over(session: &mut dyn Session, task: &TaskRow) -> QueryResult<()> {
    if task.action == Action::ImportInventory.name() {
        session.delete_import_order(&task.id)?;
    }
    Ok(())
}
