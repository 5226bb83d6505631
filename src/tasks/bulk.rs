//! A task that is done node by node: its targets, the turns of its children, and its end.
//!
//! Invariant: all that is decided here is decided by what the database says, each time anew.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use futures_util::future::join_all;
use uuid::Uuid;

use super::designs;
use super::dispatcher::{Desk, POLL, finish, ours};
use super::drive;
use super::filter::NodeFilter;
use super::jobs::{AT_WORK, End, Finish, MakeChildren, Note, Release};
use super::model::{Action, Outcome, Status};
use super::observe::{self, Seen};
use super::selection;
use crate::clock::Timestamp;
use crate::cluster::Term;
use crate::error::{Error, Result};
use crate::node::timeline::Timeline;
use crate::store::tasks::{Mark, TaskRow};
use crate::store::{QueryResult, Session};

/// Children that are written in one job.
const CHUNK: usize = 125;
/// Runs that are read in one go.
const RUNS: usize = 250;
/// Children at most.
const ALL: i64 = i64::MAX;
/// Queued children that are looked at for one whose rack has room.
const LOOK_AHEAD: i64 = 1000;

/// Versions of nodes that were looked at, by run.
type Known = HashMap<String, Option<i64>>;

pub(super) async fn work(desk: &Rc<Desk>, id: &str, term: &Term) -> Result<()> {
    let mut known = Known::new();
    while let Some(task) = ours(desk, id, term).await? {
        let running = task.status == Status::Running.name();
        if running && task.design_ref.is_some() && task.design_digest.is_none() {
            // It is read once; where that fails, the task is over.
            designs::pin(desk, &task, term).await?;
            continue;
        }
        if running && task.expanded <= task.retry {
            expand(desk, &task, term).await?;
            continue;
        }
        let (wanted, retry) = (task.id.clone(), task.retry);
        let at_work =
            desk.store().read(move |session| session.children(&wanted, retry, &AT_WORK, ALL)).await?;
        if running {
            begin(desk, &task, &at_work, term).await?;
        }
        observe(desk, &at_work, &mut known, term).await?;
        look_after(desk, &at_work, term);
        if is_over(desk, &task).await? && end(desk, &task, term).await? {
            return Ok(());
        }
        tokio::time::sleep(POLL).await;
    }
    Ok(())
}

async fn is_over(desk: &Desk, task: &TaskRow) -> Result<bool> {
    let (wanted, retry) = (task.id.clone(), task.retry);
    let counts = desk.store().read(move |session| session.count_children(&wanted, retry)).await?;
    Ok(counts.iter().all(|(status, _, _)| status.parse::<Status>().is_ok_and(Status::is_final)))
}

async fn end(desk: &Desk, task: &TaskRow, term: &Term) -> Result<bool> {
    let id = task.id.clone();
    let entities = desk.store().read(move |session| session.entities(&[id])).await?;
    let good = entities.iter().filter(|(_, _, outcome)| outcome == Outcome::Success.name()).count();
    let summary = if entities.is_empty() {
        "No nodes in scope, no work to do.".to_owned()
    } else {
        format!("{good} nodes succeeded, {} failed.", entities.len().saturating_sub(good))
    };
    let job = Finish {
        task: task.id.clone(),
        term: term.clone(),
        outcome: None,
        summary,
        messages: Vec::new(),
        now: desk.registry.shared().now(),
    };
    desk.write(term, job).await
}

/// A node that the task is for.
struct Target {
    uuid: String,
    name: Option<String>,
    rack: Option<String>,
}

/// Makes the children of an attempt. Goes on where it was interrupted.
async fn expand(desk: &Desk, task: &TaskRow, term: &Term) -> Result<()> {
    let targets = match targets(desk, task).await {
        Ok(targets) => targets,
        Err(error) => {
            log::warn!("A task has no targets task={} error={error}", task.id);
            return finish(desk, &task.id, term, Outcome::Failure, &error.text).await;
        }
    };
    let child = task.action.parse::<Action>().ok().and_then(Action::child);
    let action = child.ok_or_else(|| Error::internal("a task has no action for its children"))?;
    let (wanted, retry) = (task.id.clone(), task.retry);
    let made = desk.store().read(move |session| session.children(&wanted, retry, Status::ALL, ALL)).await?;
    let made: HashSet<String> = made.into_iter().filter_map(|child| child.node_uuid).collect();
    let now = desk.registry.shared().now();
    let nodes = targets.len();
    let missing = targets.into_iter().filter(|target| !made.contains(&target.uuid));
    // A moment apart each, so that they take their turns in the order of their names.
    let moments = (now.0..).map(Timestamp);
    let rows: Vec<TaskRow> =
        missing.zip(moments).map(|(target, at)| child_of(task, action, target, at)).collect();
    for chunk in rows.chunks(CHUNK) {
        let job = MakeChildren { parent: task.id.clone(), term: term.clone(), rows: chunk.to_vec(), now };
        if !desk.write(term, job).await? {
            return Ok(());
        }
    }
    let release = Release { parent: task.id.clone(), retry, nodes, term: term.clone(), now };
    desk.write(term, release).await.map(drop)
}

async fn targets(desk: &Desk, task: &TaskRow) -> Result<Vec<Target>> {
    if let Some(before) = task.retry.checked_sub(1).filter(|before| *before >= 0) {
        let id = task.id.clone();
        let ended = [Status::Terminated, Status::Complete];
        let children = desk.store().read(move |session| session.children(&id, before, &ended, ALL)).await?;
        let failed = children.into_iter().filter(|child| child.result_status != Outcome::Success.name());
        return Ok(failed
            .filter_map(|child| {
                Some(Target { uuid: child.node_uuid?, name: child.node_name, rack: child.rack })
            })
            .collect());
    }
    let filter = task.node_filter.as_deref().map(|text| {
        let given = serde_json::from_str(text).map_err(Error::internal)?;
        NodeFilter::parse(&given)
    });
    let filter = filter.transpose()?;
    let service = desk.registry.shared().services.local();
    let site = desk.designs.of_task(desk, task).await?;
    let nodes = selection::select(service.as_ref(), desk.store(), filter.as_ref(), site.as_deref()).await?;
    Ok(nodes
        .into_iter()
        .map(|node| Target { uuid: node.uuid.to_string(), name: node.name, rack: node.rack })
        .collect())
}

fn child_of(task: &TaskRow, action: Action, target: Target, now: Timestamp) -> TaskRow {
    TaskRow {
        parent_id: Some(task.id.clone()),
        retry: task.retry,
        design_ref: task.design_ref.clone(),
        design_digest: task.design_digest.clone(),
        request_context: task.request_context.clone(),
        created_by: task.created_by.clone(),
        node_uuid: Some(target.uuid),
        node_name: target.name,
        rack: target.rack,
        ..TaskRow::new(Uuid::new_v4().to_string(), action, now)
    }
}

/// Begins as many children as there is room for.
async fn begin(desk: &Rc<Desk>, task: &TaskRow, at_work: &[TaskRow], term: &Term) -> Result<()> {
    let limits = desk.limits;
    let of_task = limits.children.saturating_sub(at_work.len());
    desk.at_work.borrow_mut().insert(task.id.clone(), at_work.len());
    let all: usize = desk.at_work.borrow().values().sum();
    let room = of_task.min(limits.all_children.saturating_sub(all));
    if room == 0 {
        return Ok(());
    }
    let (id, retry) = (task.id.clone(), task.retry);
    let queued =
        desk.store().read(move |session| session.children(&id, retry, &[Status::Queued], LOOK_AHEAD)).await?;
    let by_rack = limits.per_rack > 0 && names_racks(task);
    let mut racks: HashMap<&str, usize> = HashMap::new();
    for rack in at_work.iter().filter_map(|child| child.rack.as_deref()) {
        *racks.entry(rack).or_default() += 1;
    }
    let mut begun = 0_usize;
    for child in &queued {
        if begun >= room {
            break;
        }
        if let Some(rack) = child.rack.as_deref().filter(|_| by_rack) {
            let busy = racks.entry(rack).or_default();
            if *busy >= limits.per_rack {
                continue;
            }
            *busy += 1;
        }
        // One that is being begun already takes its place as well.
        begun += 1;
        drive::begin(desk, child.clone(), term);
    }
    Ok(())
}

fn names_racks(task: &TaskRow) -> bool {
    let given = task.node_filter.as_deref().and_then(|text| serde_json::from_str(text).ok());
    given.is_some_and(|given| NodeFilter::parse(&given).is_ok_and(|filter| filter.names_racks()))
}

/// Runs as they stand, each with its timeline where something has happened since it was looked at.
fn look(
    session: &mut dyn Session,
    ids: &[String],
    known: &Known,
) -> QueryResult<Vec<(Mark, Option<Timeline>)>> {
    let mut found = Vec::new();
    for mark in session.run_marks(ids)? {
        let news = mark.outcome.is_some() || known.get(&mark.run) != Some(&mark.version);
        let run = Uuid::parse_str(&mark.run).ok().filter(|_| news);
        let timeline = run.map(|run| session.timeline(run)).transpose()?;
        found.push((mark, timeline));
    }
    Ok(found)
}

/// Tells what happened in the runs of children, and ends those whose run is over.
async fn observe(desk: &Desk, at_work: &[TaskRow], known: &mut Known, term: &Term) -> Result<()> {
    let observing: Vec<&TaskRow> = at_work.iter().filter(|child| child.run_id.is_some()).collect();
    for chunk in observing.chunks(RUNS) {
        let ids: Vec<String> = chunk.iter().filter_map(|child| child.run_id.clone()).collect();
        let seen = known.clone();
        let found = desk.store().read(move |session| look(session, &ids, &seen)).await?;
        let mut found: HashMap<String, (Mark, Option<Timeline>)> =
            found.into_iter().map(|(mark, timeline)| (mark.run.clone(), (mark, timeline))).collect();
        let now = desk.registry.shared().now();
        let mut writes = Vec::new();
        for child in chunk {
            let Some(run) = &child.run_id else { continue };
            let seen = match found.remove(run) {
                Some((mark, Some(timeline))) => {
                    known.insert(run.clone(), mark.version);
                    observe::look(child, &timeline, &mark, now)
                }
                Some((_, None)) => continue,
                None => Seen {
                    observed: child.observed,
                    messages: Vec::new(),
                    end: Some((Outcome::Failure, "The run is not in the history any more.".to_owned())),
                },
            };
            writes.push(write(desk, child, seen, term, now));
        }
        for written in join_all(writes).await {
            written?;
        }
    }
    Ok(())
}

async fn write(desk: &Desk, child: &TaskRow, seen: Seen, term: &Term, now: Timestamp) -> Result<()> {
    let Seen { observed, messages, end } = seen;
    let (child, of) = (child.clone(), term.clone());
    match end {
        Some((outcome, summary)) => {
            // Whoever wanted a run to end has got what was wanted.
            let aborting = child.action == Action::AbortNode.name();
            let outcome = if aborting { Outcome::Success } else { outcome };
            let found = designs::of_run(desk, &child, outcome).await;
            desk.write(term, End { child, term: of, outcome, summary, observed, messages, found, now })
                .await?;
        }
        None if observed == child.observed && messages.is_empty() => {}
        None => {
            desk.write(term, Note { child, term: of, run: None, observed, messages, now }).await?;
        }
    }
    Ok(())
}

/// Takes up what an earlier leader left half done, and stops what is to stop.
fn look_after(desk: &Rc<Desk>, at_work: &[TaskRow], term: &Term) {
    for child in at_work {
        if desk.in_flight.borrow().contains(&child.id) {
            continue;
        }
        if child.run_id.is_none() {
            drive::take_up(desk, child.clone(), term);
        } else if child.status == Status::Terminating.name() {
            drive::stop(desk, child.clone(), term);
        }
    }
}
