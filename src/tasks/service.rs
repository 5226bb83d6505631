//! What may be asked of tasks, and the answers out of the database.
//!
//! Invariant: a request changes a task in one transaction, or not at all; what is wrong with it is told before.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use serde_json::{Value, json};
use uuid::Uuid;

use super::filter::{Candidate, NodeFilter, UseOfDesign};
use super::imports::{self, CreateImport};
use super::model::{Action, Outcome, Status};
use super::requests::{Answer, Create, Drop, Propagate, Retry, Terminate};
use super::selection;
use crate::clock::Timestamp;
use crate::context;
use crate::design::Resolver;
use crate::design::finding::Finding;
use crate::design::reference::Reference;
use crate::design::site::Site;
use crate::error::{Error, Result};
use crate::fsm::State;
use crate::inventory::service::Order as ImportOrder;
use crate::node::registry::Registry;
use crate::store::tasks::{MessageRow, TaskQuery, TaskRow};
use crate::store::{QueryResult, Session, Store};

/// Attempts after the first one.
const MAX_RETRY: i32 = 3;
/// Tasks that are read with one query.
const PAGE: usize = 500;
/// Tasks removed in one job, with all their messages.
const REMOVED: usize = 25;
/// Messages that are shown with their task.
const SHOWN: i64 = 1000;
/// Between two looks for a message that is waited for.
const LOOK: Duration = Duration::from_millis(300);
/// The longest text that a filter may have.
const FILTER_BYTES: usize = 4 << 20;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// What is done.
    pub action: Action,
    /// The design that it is about.
    pub design: Option<Reference>,
    /// For which nodes, as given; all where it is not.
    pub filter: Option<Value>,
    /// Attempts after the first one at most.
    pub max_retry: Option<i32>,
}

impl Order {
    /// The order with the design that it takes: the one that it names, or else, where one may tell something, the
    /// default.
    ///
    /// # Errors
    /// What is wrong with the filter, or that there is no design although there has to be one.
    pub fn settled(self, default: Option<&Reference>) -> Result<Self> {
        let by_filter = use_of_design(self.filter.as_ref())?;
        let takes_one = self.action.needs_design() || by_filter > UseOfDesign::Nothing;
        let design = self.design.clone().or_else(|| default.filter(|_| takes_one).cloned());
        match (&design, self.action.needs_design()) {
            (None, true) => {
                let action = self.action;
                Err(Error::bad_request(format!("Missing input required value: design_ref, for {action}")))
            }
            (None, false) => answerable(by_filter, design.as_ref()).map(|()| self),
            (Some(_), _) => Ok(Self { design, ..self }),
        }
    }
}

fn use_of_design(filter: Option<&Value>) -> Result<UseOfDesign> {
    Ok(checked(filter)?.map_or(UseOfDesign::Nothing, |filter| filter.use_of_design()))
}

/// Whether something tells what a filter asks for.
fn answerable(by_filter: UseOfDesign, design: Option<&Reference>) -> Result<()> {
    if design.is_some() || by_filter < UseOfDesign::Needed {
        return Ok(());
    }
    let why = "rack_labels are told by a design only: give a design_ref, or set [design]default";
    Err(Error::bad_request(format!("Invalid node_filter: {why}")))
}

/// How far the present attempt of a task has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Nodes.
    pub total: i64,
    /// Those that wait for their turn.
    pub queued: i64,
    /// Those at work.
    pub running: i64,
    /// Those done well.
    pub succeeded: i64,
    /// Those not done well.
    pub failed: i64,
}

/// A task with what belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whole {
    /// The task.
    pub row: TaskRow,
    /// Its children.
    pub children: Vec<String>,
    /// Entities of the present attempt that are done well.
    pub successes: Vec<String>,
    /// Those that are not.
    pub failures: Vec<String>,
    /// Relation and address of links.
    pub links: Vec<(String, String)>,
    /// Error messages.
    pub errors: i64,
    /// Messages, the first ones; none in lists.
    pub messages: Vec<MessageRow>,
    /// How far it has come; not in lists.
    pub progress: Option<Progress>,
}

/// Whether messages come along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Detail {
    Whole,
    Short,
}

/// What may be asked.
#[async_trait(?Send)]
pub trait Tasks {
    /// Creates a task and queues it.
    async fn create(&self, order: Order) -> Result<Whole>;

    /// Queues an import of the inventory that is too large to be waited for.
    async fn import(&self, order: ImportOrder) -> Result<Whole>;

    /// A page of tasks, the newest first, without their messages. `marker` is the last one of the page before.
    async fn list(&self, query: TaskQuery, marker: Option<Uuid>, limit: usize) -> Result<Vec<Whole>>;

    /// A task.
    async fn show(&self, id: Uuid) -> Result<Whole>;

    /// A task and what is below it, as many levels as are asked for; all where `None`.
    async fn tree(&self, id: Uuid, levels: Option<usize>) -> Result<Vec<Whole>>;

    /// Messages with a higher number. Where there is none yet, it waits for one, but not for longer than `wait`, nor
    /// for a task that is over.
    async fn messages(&self, id: Uuid, after: i64, limit: usize, wait: Duration) -> Result<Vec<MessageRow>>;

    /// Asks a task to stop.
    async fn terminate(&self, id: Uuid, propagate: Propagate) -> Result<Whole>;

    /// Queues a task anew for what failed.
    async fn retry(&self, id: Uuid) -> Result<Whole>;

    /// Removes tasks that are over and were created so many days ago, or only counts them.
    async fn purge(&self, days: i64, mode: Purge) -> Result<usize>;

    /// The nodes of the node service, in the order of their names.
    async fn nodes(&self) -> Result<Vec<Listed>>;

    /// What is wrong with a design, or is to be known of it.
    async fn validate(&self, reference: &Reference) -> Result<Vec<Finding>>;

    /// The names of the nodes that a filter means, by a design where one is given.
    async fn select(&self, filter: Option<Value>, design: Option<Reference>) -> Result<Vec<String>>;
}

/// A node as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its UUID.
    pub uuid: Uuid,
    /// Its name.
    pub name: Option<String>,
    /// Where its introspection stands.
    pub state: Option<State>,
    /// Memory in MiB, as the node service knows it.
    pub memory_mb: Option<i64>,
    /// CPUs, as the node service knows them.
    pub cpus: Option<i64>,
    /// What the node service says of its power.
    pub power_state: Option<String>,
}

/// Whether what is old is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purge {
    /// It is.
    Remove,
    /// It is only counted.
    Count,
}

/// The tasks of the database.
pub struct StoredTasks {
    registry: Arc<Registry>,
    designs: Arc<Resolver>,
}

impl StoredTasks {
    /// The tasks beside the nodes of a registry.
    #[must_use]
    pub fn new(registry: Arc<Registry>, designs: Arc<Resolver>) -> Self {
        Self { registry, designs }
    }

    fn store(&self) -> &Store {
        &self.registry.shared().store
    }

    async fn site(&self, reference: &Reference) -> Result<Site> {
        let content = self.designs.content(reference).await?;
        self.registry.shared().compute(move || Ok(Site::read(&content))).await
    }

    async fn answered(&self, id: Uuid, answer: Answer) -> Result<Whole> {
        match answer {
            Answer::Done => self.show(id).await,
            Answer::Unknown => Err(unknown(id)),
            Answer::Refused(status) => {
                Err(Error::conflict(format!("Task {id} is {status}, so that can not be done")))
            }
            Answer::NothingFailed => Err(Error::conflict(format!("Nothing of task {id} has failed"))),
            Answer::OutOfAttempts => Err(Error::conflict("Retry requested, out of attempts.")),
        }
    }
}

/// The answer to an id that is none of a task.
#[must_use]
pub fn unknown(id: impl std::fmt::Display) -> Error {
    Error::not_found(format!("Task {id} does not exist"))
}

fn user() -> Option<String> {
    context::asker().and_then(|asker| asker.user).map(|user| user.to_string())
}

/// A task of which nothing is to be told yet.
fn new(row: TaskRow) -> Whole {
    Whole {
        row,
        children: Vec::new(),
        successes: Vec::new(),
        failures: Vec::new(),
        links: Vec::new(),
        errors: 0,
        messages: Vec::new(),
        progress: None,
    }
}

fn missing() -> Error {
    Error::internal("a new task is not there")
}

/// The filter of a request, checked.
fn checked(filter: Option<&Value>) -> Result<Option<NodeFilter>> {
    filter.filter(|given| !given.is_null()).map(NodeFilter::parse).transpose()
}

fn row_of(order: &Order, now: Timestamp) -> Result<TaskRow> {
    checked(order.filter.as_ref())?;
    let filter = order.filter.as_ref().filter(|given| !given.is_null()).map(Value::to_string);
    if filter.as_ref().is_some_and(|text| text.len() > FILTER_BYTES) {
        return Err(Error::bad_request(format!("Invalid node_filter: more than {FILTER_BYTES} bytes")));
    }
    let asker = context::asker();
    let asked = json!({"user": user(), "request_id": asker.map(|asker| asker.request_id.to_string())});
    Ok(TaskRow {
        max_retry: order.max_retry.unwrap_or(MAX_RETRY),
        design_ref: order.design.as_ref().map(Reference::shown),
        node_filter: filter,
        request_context: Some(asked.to_string()),
        created_by: user(),
        ..TaskRow::new(Uuid::new_v4().to_string(), order.action, now)
    })
}

/// Rows with what belongs to them, in their order.
fn whole(session: &mut dyn Session, rows: Vec<TaskRow>, detail: Detail) -> QueryResult<Vec<Whole>> {
    let mut all = Vec::with_capacity(rows.len());
    for page in rows.chunks(PAGE) {
        let ids: Vec<String> = page.iter().map(|row| row.id.clone()).collect();
        let (children, entities) = (session.child_ids(&ids)?, session.entities(&ids)?);
        let (links, errors) = (session.links(&ids)?, session.error_counts(&ids)?);
        for row in page {
            let named = |outcome: Outcome| {
                let of_task =
                    entities.iter().filter(|(task, _, how)| *task == row.id && how == outcome.name());
                of_task.map(|(_, entity, _)| entity.clone()).collect()
            };
            let of_task = children.iter().filter(|(parent, _)| *parent == row.id);
            let (messages, progress) = match detail {
                Detail::Whole => (session.messages(&row.id, 0, SHOWN)?, Some(progress(session, row)?)),
                Detail::Short => (Vec::new(), None),
            };
            all.push(Whole {
                children: of_task.map(|(_, child)| child.clone()).collect(),
                successes: named(Outcome::Success),
                failures: named(Outcome::Failure),
                links: links
                    .iter()
                    .filter(|(task, _, _)| *task == row.id)
                    .map(|(_, rel, href)| (rel.clone(), href.clone()))
                    .collect(),
                errors: errors.iter().find(|(task, _)| *task == row.id).map_or(0, |(_, count)| *count),
                messages,
                progress: progress.filter(|progress| progress.total > 0),
                row: row.clone(),
            });
        }
    }
    Ok(all)
}

fn progress(session: &mut dyn Session, row: &TaskRow) -> QueryResult<Progress> {
    let mut progress = Progress::default();
    for (status, result, count) in session.count_children(&row.id, row.retry)? {
        progress.total += count;
        match status.parse() {
            Ok(Status::Requested | Status::Queued) => progress.queued += count,
            Ok(Status::Running | Status::Terminating) => progress.running += count,
            _ if result == Outcome::Success.name() => progress.succeeded += count,
            _ => progress.failed += count,
        }
    }
    Ok(progress)
}

#[async_trait(?Send)]
impl Tasks for StoredTasks {
    async fn create(&self, order: Order) -> Result<Whole> {
        let now = self.registry.shared().now();
        let row = row_of(&order.settled(self.designs.default())?, now)?;
        self.store().write(Create { row, now }).await?.map(new).ok_or_else(missing)
    }

    async fn import(&self, order: ImportOrder) -> Result<Whole> {
        let now = self.registry.shared().now();
        let blank = Order { action: Action::ImportInventory, design: None, filter: None, max_retry: Some(0) };
        let row = row_of(&blank, now)?;
        let kept = self.registry.shared().compute({
            let task = row.id.clone();
            move || imports::spooled(&task, &order)
        });
        let job = CreateImport { create: Create { row, now }, order: kept.await? };
        self.store().write(job).await?.map(new).ok_or_else(missing)
    }

    async fn list(&self, query: TaskQuery, marker: Option<Uuid>, limit: usize) -> Result<Vec<Whole>> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let read = move |session: &mut dyn Session| {
            let mut query = query;
            if let Some(marker) = marker {
                let Some(row) = session.task(&marker.to_string())? else { return Ok(None) };
                query.after = Some((row.created_us, row.id));
            }
            let rows = session.tasks_page(&query, limit)?;
            whole(session, rows, Detail::Short).map(Some)
        };
        self.store().read(read).await?.ok_or_else(|| Error::not_found("The requested task was not found."))
    }

    async fn show(&self, id: Uuid) -> Result<Whole> {
        self.tree(id, Some(1)).await?.pop().ok_or_else(|| unknown(id))
    }

    async fn tree(&self, id: Uuid, levels: Option<usize>) -> Result<Vec<Whole>> {
        let read = move |session: &mut dyn Session| {
            let mut all = Vec::new();
            let mut level: Vec<TaskRow> = session.task(&id.to_string())?.into_iter().collect();
            let mut depth = 0_usize;
            while !level.is_empty() {
                let found = whole(session, level, Detail::Whole)?;
                level = Vec::new();
                depth = depth.saturating_add(1);
                if levels.is_none_or(|levels| depth < levels) {
                    for child in found.iter().flat_map(|task| &task.children) {
                        level.extend(session.task(child)?);
                    }
                }
                all.extend(found);
            }
            Ok(all)
        };
        let all = self.store().read(read).await?;
        if all.is_empty() { Err(unknown(id)) } else { Ok(all) }
    }

    async fn messages(&self, id: Uuid, after: i64, limit: usize, wait: Duration) -> Result<Vec<MessageRow>> {
        let give_up = Instant::now() + wait;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        loop {
            let read = move |session: &mut dyn Session| {
                let row = session.task(&id.to_string())?;
                Ok((row, session.messages(&id.to_string(), after, limit)?))
            };
            let (row, messages) = self.store().read(read).await?;
            let status = row.ok_or_else(|| unknown(id))?.status;
            let over = status.parse::<Status>().is_ok_and(Status::is_final);
            if !messages.is_empty() || over || Instant::now() >= give_up {
                return Ok(messages);
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn terminate(&self, id: Uuid, propagate: Propagate) -> Result<Whole> {
        let now = self.registry.shared().now();
        let job = Terminate { id: id.to_string(), propagate, by: user(), now };
        let answer = self.store().write(job).await?;
        self.answered(id, answer).await
    }

    async fn retry(&self, id: Uuid) -> Result<Whole> {
        let job = Retry { id: id.to_string(), now: self.registry.shared().now() };
        let answer = self.store().write(job).await?;
        self.answered(id, answer).await
    }

    async fn purge(&self, days: i64, mode: Purge) -> Result<usize> {
        purge(self.store(), self.registry.shared().now(), days, mode).await
    }

    async fn nodes(&self) -> Result<Vec<Listed>> {
        let service = self.registry.shared().services.local();
        selection::listed(service.as_ref(), self.store()).await
    }

    async fn validate(&self, reference: &Reference) -> Result<Vec<Finding>> {
        self.site(reference).await.map(|site| site.findings)
    }

    async fn select(&self, filter: Option<Value>, design: Option<Reference>) -> Result<Vec<String>> {
        let by_filter = use_of_design(filter.as_ref())?;
        let default = || self.designs.default().filter(|_| by_filter > UseOfDesign::Nothing).cloned();
        let design = design.or_else(default);
        answerable(by_filter, design.as_ref())?;
        let site = match &design {
            Some(reference) => Some(self.site(reference).await?),
            None => None,
        };
        let (service, filter) = (self.registry.shared().services.local(), checked(filter.as_ref())?);
        let nodes = selection::select(service.as_ref(), self.store(), filter.as_ref(), site.as_ref()).await?;
        Ok(nodes.iter().map(Candidate::entity).collect())
    }
}

/// Removes, or counts, tasks that are over and were created so many days ago: whole trees, from below, in batches.
///
/// # Errors
/// Any error of the database; what was removed before stays removed.
pub async fn purge(store: &Store, now: Timestamp, days: i64, mode: Purge) -> Result<usize> {
    let before = now.plus_seconds(days.saturating_mul(86_400).saturating_neg());
    let mut count = 0_usize;
    loop {
        let limit = if mode == Purge::Count { i64::MAX } else { 50 };
        let (roots, below) = store
            .read(move |session| {
                let roots = session.ended_tasks(before, limit)?;
                let mut below = Vec::new();
                for page in roots.chunks(PAGE) {
                    below.extend(session.child_ids(page)?.into_iter().map(|(_, child)| child));
                }
                Ok((roots, below))
            })
            .await?;
        if mode == Purge::Count || roots.is_empty() {
            let found = roots.len().saturating_add(below.len());
            return Ok(count.saturating_add(found));
        }
        for ids in below.chunks(REMOVED).chain(roots.chunks(REMOVED)) {
            count = count.saturating_add(store.write(Drop(ids.to_vec())).await?);
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
