//! The leader's work on tasks: takes them from the queue, takes over what an earlier leader left.
//!
//! Invariant: only while this process leads; what is being worked on is in the database, so that it can be gone on with
//! from there at any moment by another one. It must not know how leaders are chosen.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use super::designs::Designs;
use super::jobs::{AT_WORK, Adopt, Finish, Take};
use super::model::{Action, Outcome, Status};
use super::{Limits, bulk, designs, imports};
use crate::cluster::Term;
use crate::design::Resolver;
use crate::error::Result;
use crate::inventory::service::Inventory;
use crate::node::registry::Registry;
use crate::node::service::Nodes;
use crate::store::tasks::TaskRow;
use crate::store::{Job, Store};

/// How often it is looked for tasks.
const LOOK: Duration = Duration::from_millis(500);
/// Before work that the database kept from going on is tried again.
const AGAIN: Duration = Duration::from_secs(1);
/// Tasks that are looked at in one go.
const PAGE: i64 = 100;
/// How long a task that does nothing takes, in looks at whether it is to stop.
const NOOP_LOOKS: u32 = 20;
/// How often work looks after its task.
pub(super) const POLL: Duration = Duration::from_millis(250);

/// What the work on tasks shares; of one thread.
pub(super) struct Desk {
    pub registry: Arc<Registry>,
    pub nodes: Nodes,
    pub limits: Limits,
    pub designs: Designs,
    pub inventory: Inventory,
    /// Children that something is being done for in this process.
    pub in_flight: RefCell<HashSet<String>>,
    /// Children at work, by task.
    pub at_work: RefCell<HashMap<String, usize>>,
    tasks: RefCell<HashSet<String>>,
}

impl Desk {
    pub fn store(&self) -> &Store {
        &self.registry.shared().store
    }

    pub fn leads(&self, term: &Term) -> bool {
        self.registry.shared().cluster.term().as_ref() == Some(term)
    }

    /// Writes what is void where another leads by now.
    pub async fn write<J: Job>(&self, term: &Term, job: J) -> Result<J::Output> {
        self.store().under(term.clone()).write(job).await
    }
}

/// Works on tasks for as long as the thread lives.
pub async fn run(registry: Arc<Registry>, designs: Arc<Resolver>, inventory: Inventory, limits: Limits) {
    let desk = Rc::new(Desk {
        nodes: Nodes::new(Arc::clone(&registry)),
        registry,
        designs: Designs::new(designs),
        inventory,
        limits,
        in_flight: RefCell::default(),
        at_work: RefCell::default(),
        tasks: RefCell::default(),
    });
    loop {
        if let Some(term) = desk.registry.shared().cluster.term()
            && let Err(error) = look(&desk, &term).await
        {
            log::error!("The tasks could not be looked through error={error}");
        }
        tokio::time::sleep(LOOK).await;
    }
}

async fn look(desk: &Rc<Desk>, term: &Term) -> Result<()> {
    let open = desk
        .store()
        .read(|session| {
            let mut open = session.roots_in(&AT_WORK, PAGE)?;
            open.extend(session.roots_in(&[Status::Queued], 1)?);
            Ok(open)
        })
        .await?;
    let (queued, at_work): (Vec<_>, Vec<_>) =
        open.into_iter().partition(|row| row.status == Status::Queued.name());
    for row in at_work {
        if desk.tasks.borrow().contains(&row.id) {
            continue;
        }
        let held = row.owner.as_deref() == Some(&*term.holder.name) && row.owner_epoch == Some(term.epoch);
        let adopt = Adopt { task: row.clone(), term: term.clone(), now: desk.registry.shared().now() };
        let taken = if held { Some(row) } else { desk.write(term, adopt).await? };
        if let Some(row) = taken.filter(|row| !is_final(row)) {
            log::info!("A task is gone on with task={} action={}", row.id, row.action);
            begin(desk, row, term);
        }
    }
    let mut more = !queued.is_empty();
    while more && desk.tasks.borrow().len() < desk.limits.tasks {
        let take = Take { term: term.clone(), now: desk.registry.shared().now() };
        match desk.write(term, take).await? {
            Some(row) => {
                log::info!("A task is begun task={} action={}", row.id, row.action);
                begin(desk, row, term);
            }
            None => more = false,
        }
    }
    Ok(())
}

fn is_final(row: &TaskRow) -> bool {
    row.status.parse::<Status>().is_ok_and(Status::is_final)
}

/// A task in the list of those that are worked on here, until it is dropped.
struct Listed(Rc<Desk>, String);

impl Drop for Listed {
    fn drop(&mut self) {
        self.0.tasks.borrow_mut().remove(&self.1);
        self.0.at_work.borrow_mut().remove(&self.1);
    }
}

fn begin(desk: &Rc<Desk>, row: TaskRow, term: &Term) {
    desk.tasks.borrow_mut().insert(row.id.clone());
    let (listed, term) = (Listed(Rc::clone(desk), row.id.clone()), term.clone());
    actix_rt::spawn(async move {
        let desk = Rc::clone(&listed.0);
        while let Err(error) = work(&desk, &row, &term).await {
            log::error!("A task can not be gone on with for now task={} error={error}", row.id);
            tokio::time::sleep(AGAIN).await;
        }
    });
}

/// Works on a task until it is over, or not ours any more.
async fn work(desk: &Rc<Desk>, row: &TaskRow, term: &Term) -> Result<()> {
    match row.action.parse::<Action>() {
        Ok(action) if action.child().is_some() => bulk::work(desk, &row.id, term).await,
        Ok(Action::ValidateDesign) => designs::validate(desk, &row.id, term).await,
        Ok(Action::ImportInventory) => imports::work(desk, &row.id, term).await,
        Ok(Action::Noop) => noop(desk, &row.id, term).await,
        _ => finish(desk, &row.id, term, Outcome::Failure, "The action is not known.").await,
    }
}

/// The task as long as it is ours to work on.
pub(super) async fn ours(desk: &Desk, id: &str, term: &Term) -> Result<Option<TaskRow>> {
    if !desk.leads(term) {
        return Ok(None);
    }
    let wanted = id.to_owned();
    let row = desk.store().read(move |session| session.task(&wanted)).await?;
    Ok(row.filter(|row| {
        let held = row.owner.as_deref() == Some(&*term.holder.name) && row.owner_epoch == Some(term.epoch);
        held && !is_final(row) && row.status != Status::Queued.name()
    }))
}

async fn noop(desk: &Desk, id: &str, term: &Term) -> Result<()> {
    for _ in 0..NOOP_LOOKS {
        match ours(desk, id, term).await? {
            None => return Ok(()),
            Some(row) if row.status == Status::Terminating.name() => break,
            Some(_) => tokio::time::sleep(POLL).await,
        }
    }
    let stopped = ours(desk, id, term).await?.is_some_and(|row| row.status == Status::Terminating.name());
    let outcome = if stopped { Outcome::Failure } else { Outcome::Success };
    finish(desk, id, term, outcome, "Noop action.").await
}

pub(super) async fn finish(
    desk: &Desk,
    id: &str,
    term: &Term,
    outcome: Outcome,
    summary: &str,
) -> Result<()> {
    let job = Finish {
        task: id.to_owned(),
        term: term.clone(),
        outcome: Some(outcome),
        summary: summary.to_owned(),
        messages: Vec::new(),
        now: desk.registry.shared().now(),
    };
    // Refused where it was asked to stop meanwhile: then it ends as such.
    if !desk.write(term, job.clone()).await? && ours(desk, id, term).await?.is_some() {
        desk.write(term, job).await?;
    }
    Ok(())
}
