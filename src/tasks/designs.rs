//! Designs in tasks: read once for a task, pinned to it, and held against its nodes.
//!
//! Invariant: a task goes by the content that was pinned to it, whatever its place holds later.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use serde_json::{Value, json};
use uuid::Uuid;

use super::dispatcher::{Desk, finish, ours};
use super::jobs::{Finish, Pin, about_node, about_task};
use super::model::{Action, Outcome, Status};
use crate::build_data::facts::Facts;
use crate::build_data::{Generator, Item};
use crate::clock::Timestamp;
use crate::cluster::Term;
use crate::design::Resolver;
use crate::design::compare::compare;
use crate::design::finding::{Finding, Level, failed};
use crate::design::reference::Reference;
use crate::design::site::Site;
use crate::design::standing::report;
use crate::error::{Error, Kind, Result};
use crate::store::build_data::{Of, Selection};
use crate::store::documents::Packed;
use crate::store::tasks::{NewMessage, TaskRow};

/// Designs that are kept compiled.
const COMPILED: usize = 4;

/// Designs as the work on tasks needs them.
pub(super) struct Designs {
    resolver: Arc<Resolver>,
    compiled: RefCell<Vec<(String, Rc<Site>)>>,
}

impl Designs {
    pub fn new(resolver: Arc<Resolver>) -> Self {
        Self { resolver, compiled: RefCell::default() }
    }

    fn compiled(&self, digest: &str) -> Option<Rc<Site>> {
        let compiled = self.compiled.borrow();
        compiled.iter().find(|(known, _)| known == digest).map(|(_, site)| Rc::clone(site))
    }

    /// The design that is pinned to a task.
    async fn site(&self, desk: &Desk, digest: &str) -> Result<Rc<Site>> {
        if let Some(site) = self.compiled(digest) {
            return Ok(site);
        }
        let wanted = digest.to_owned();
        let content = desk
            .store()
            .read(move |session| match session.document_id(&wanted)? {
                Some(id) => session.kept_document(id),
                None => Ok(None),
            })
            .await?;
        let content = content
            .ok_or_else(|| Error::new(Kind::Unprocessable, "The design of the task is not kept any more"))?;
        let site = desk.registry.shared().compute(move || Ok(Site::read(&content.unpack()?))).await?;
        let site = Rc::new(site);
        let mut compiled = self.compiled.borrow_mut();
        compiled.truncate(COMPILED.saturating_sub(1));
        compiled.insert(0, (digest.to_owned(), Rc::clone(&site)));
        Ok(site)
    }

    /// The design that is pinned to a task, where it has one.
    pub async fn of_task(&self, desk: &Desk, task: &TaskRow) -> Result<Option<Rc<Site>>> {
        match task.design_digest.as_deref() {
            Some(digest) => self.site(desk, digest).await.map(Some),
            None => Ok(None),
        }
    }

    /// What differs between what is declared of a node and its last inventory, or that of a run.
    pub async fn findings(&self, desk: &Desk, child: &TaskRow, run: Option<Uuid>) -> Result<Vec<Finding>> {
        let refused = |why: String| Error::new(Kind::Unprocessable, why);
        let digest = child.design_digest.as_deref();
        let digest = digest.ok_or_else(|| refused("The task has no design.".to_owned()))?;
        let name = child.node_name.as_deref().unwrap_or_default();
        let declared = self.site(desk, digest).await?.nodes.get(name).cloned();
        let declared =
            declared.ok_or_else(|| refused(format!("The design does not declare a node {name:?}.")))?;
        let node = child.node_uuid.as_deref().and_then(|node| Uuid::parse_str(node).ok());
        let wanted = Selection {
            of: node.map(Of::Node),
            run,
            generator: Some(Generator::Facts.name().to_owned()),
            ..Selection::default()
        };
        let found = desk
            .store()
            .read(move |session| match session.builds(&wanted, 1)?.pop() {
                Some(row) => session.kept_document(row.document_id),
                None => Ok(None),
            })
            .await?;
        let found = found.ok_or_else(|| refused("There is no inventory of the node yet.".to_owned()))?;
        let work = move || {
            let facts: Facts = serde_json::from_slice(&found.unpack()?).map_err(Error::internal)?;
            Ok(compare(&declared, &facts))
        };
        desk.registry.shared().compute(work).await
    }
}

/// What a run is told to differ in from the design of its task, as it is kept; nothing where there is no such design,
/// or it does not declare the node.
pub(super) async fn of_run(desk: &Desk, child: &TaskRow, outcome: Outcome) -> Option<Item> {
    let (reference, digest) = child.design_ref.as_deref().zip(child.design_digest.as_deref())?;
    let run = child.run_id.as_deref().and_then(|run| Uuid::parse_str(run).ok())?;
    let looks = [Action::IntrospectNode, Action::ReapplyNode].map(Action::name).contains(&&*child.action);
    if !looks || outcome != Outcome::Success {
        return None;
    }
    let found = match desk.designs.findings(desk, child, Some(run)).await {
        Ok(findings) => report(reference, digest, &findings),
        Err(error) => {
            log::info!("A run was not held against the design of its task run={run} reason={error}");
            return None;
        }
    };
    Item::json(Generator::DesignFindings, &found).ok()
}

fn level(found: &Finding) -> &'static str {
    match found.level {
        Level::Info => "Info",
        Level::Warning => "Warning",
        Level::Error => "Error",
    }
}

/// A finding about the node of a child.
pub(super) fn message(child: &TaskRow, found: &Finding, at: Timestamp) -> NewMessage {
    as_found(about_node(child, found.message.clone(), found.level == Level::Error, at), found)
}

/// With the level, code and place of a finding.
fn as_found(message: NewMessage, found: &Finding) -> NewMessage {
    let mut extra: Value = serde_json::from_str(&message.extra).unwrap_or_else(|_| json!({}));
    if let Some(members) = extra.as_object_mut() {
        members.insert("code".to_owned(), json!(found.code));
        members.insert("place".to_owned(), json!(found.place));
    }
    NewMessage { level: level(found), extra: extra.to_string(), ..message }
}

/// Reads the design of a task and pins it; where that is not possible, the task is over.
pub(super) async fn pin(desk: &Desk, task: &TaskRow, term: &Term) -> Result<()> {
    match read(desk, task).await {
        Ok(content) => {
            let content = desk.registry.shared().compute(move || Packed::pack(&content)).await?;
            let (id, now) = (task.id.clone(), desk.registry.shared().now());
            desk.write(term, Pin { task: id, term: term.clone(), content, now }).await.map(drop)
        }
        Err(error) => finish(desk, &task.id, term, Outcome::Failure, &error.text).await,
    }
}

async fn read(desk: &Desk, task: &TaskRow) -> Result<bytes::Bytes> {
    let reference = Reference::parse(task.design_ref.as_deref().unwrap_or_default())?;
    desk.designs.resolver.content(&reference).await
}

/// Reads a design, and tells what is wrong with it.
pub(super) async fn validate(desk: &Desk, id: &str, term: &Term) -> Result<()> {
    while let Some(task) = ours(desk, id, term).await? {
        if task.status != Status::Running.name() {
            return finish(desk, id, term, Outcome::Failure, "Action terminated.").await;
        }
        let Some(digest) = task.design_digest.as_deref() else {
            pin(desk, &task, term).await?;
            continue;
        };
        let site = desk.designs.site(desk, digest).await?;
        let job = verdict(id, &site, term, desk.registry.shared().now());
        if desk.write(term, job).await? {
            return Ok(());
        }
    }
    Ok(())
}

fn verdict(id: &str, site: &Site, term: &Term, now: Timestamp) -> Finish {
    let told = |found: &Finding| {
        let is_error = found.level == Level::Error;
        as_found(about_task(id, found.message.clone(), is_error, now), found)
    };
    let (outcome, summary) = if failed(&site.findings) {
        (Outcome::Failure, "Site design failed validation.".to_owned())
    } else {
        let count = site.nodes.len();
        (Outcome::Success, format!("Site design passed validation: {count} nodes are declared."))
    };
    Finish {
        task: id.to_owned(),
        term: term.clone(),
        outcome: Some(outcome),
        summary,
        messages: site.findings.iter().map(told).collect(),
        now,
    }
}
