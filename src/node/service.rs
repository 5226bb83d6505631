//! What may be asked of the nodes, carried out: the way from a request to the node's actor and back.
//!
//! One a thread, since the node service's client is not shared between threads. Invariant: nothing here changes a
//! record; it checks what can be checked without one, and asks the actor.

use std::cmp::Reverse;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use uuid::Uuid;

use super::actor::{Notice, Progress, Request};
use super::callback::Found;
use super::order::{PowerOrder, Source, StartOrder};
use super::prepare;
use super::registry::Registry;
use super::shared::Shared;
use super::step::KeepData;
use super::timeline::Timeline;
use super::token::{Token, Tokens};
use super::{
    CallbackQuery, Introspection, ListQuery, ManageBoot, Record, RunHistory, Started, Variant, provision,
};
use crate::admission::Admitted;
use crate::context;
use crate::data_store::{DataStore, Key, reading};
use crate::error::{Error, Result};
use crate::fsm::State;
use crate::metrics::{self, Counted};
use crate::node_service::{FailureKind, Node, NodeService, Object, Validation};
use crate::store::nodes::Page;
use crate::store::runs::RunRow;
use crate::store::{QueryResult, Session};

/// Runs that a history shows.
const HISTORY_RUNS: i64 = 20;
/// How long an operator's request may wait for the node's first commit.
const ASK_TIMEOUT: Duration = Duration::from_secs(60);
/// How long an operator's request may wait for the node service: longer than its retries, but not until an
/// outage is over.
const OUTSIDE_TIMEOUT: Duration = Duration::from_secs(150);

/// The nodes, as one thread asks them.
pub struct Nodes {
    pub(super) registry: Arc<Registry>,
    pub(super) service: Rc<dyn NodeService>,
}

impl Nodes {
    /// The nodes behind a registry. To be made on the thread that uses it.
    #[must_use]
    pub fn new(registry: Arc<Registry>) -> Self {
        let service = registry.shared().services.local();
        Self { registry, service }
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        self.registry.shared()
    }

    /// Switches the power of a node at rest under its lock; answers when it is as wanted. Who does not wait for that
    /// calls [`Self::withdrawn`].
    ///
    /// # Errors
    /// Why it is not as wanted; a conflict where nothing was done, since the node is being worked on.
    pub async fn power(&self, node: Uuid, order: PowerOrder) -> Result<()> {
        self.registry.ask(node, Request::Power(order), &Arc::default()).await
    }

    /// Has a node see that somebody who asked it is gone.
    pub fn withdrawn(&self, node: Uuid) {
        self.registry.wake(node, Notice::Withdrawn);
    }

    async fn ask(&self, node: Uuid, request: Request) -> Result<()> {
        let progress = Arc::default();
        let asked = self.registry.ask(node, request, &progress);
        let late = |_| Err(Error::unavailable("The node did not answer in time, please try again later"));
        tokio::time::timeout(ASK_TIMEOUT, asked).await.unwrap_or_else(late)
    }

    /// The UUID that a path names: itself in any notation, or that of the node with this name.
    pub(super) async fn resolve(&self, ident: &str) -> Result<Uuid> {
        match Uuid::try_parse(ident) {
            Ok(uuid) => Ok(uuid),
            Err(_) => in_time(self.node(ident)).await.map(|node| node.uuid),
        }
    }

    pub(super) async fn node(&self, ident: &str) -> Result<Node> {
        let canonical = Uuid::try_parse(ident).map(|uuid| uuid.to_string());
        self.service.node(canonical.as_deref().unwrap_or(ident)).await.map_err(|error| match error.kind {
            FailureKind::NotFound => Error::not_found(format!("Node {ident} was not found in Ironic")),
            FailureKind::Refused => Error::bad_request(format!("Cannot get node {ident}: {error}")),
            _ => Error::unavailable(format!(
                "The node service does not answer, node {ident} can not be read: {error}"
            )),
        })
    }

    async fn validate_power(&self, node: Uuid) -> Result<()> {
        match self.service.validate_power(node).await {
            Ok(Validation::Passed) => Ok(()),
            Ok(Validation::Failed(reason)) => Err(Error::bad_request(format!(
                "Failed validation of power interface: Validation failed for required interfaces of node \
                 {node}: power ({reason})"
            ))),
            Err(error) => Err(Error::unavailable(format!(
                "The power interface of node {node} can not be validated: {error}"
            ))),
        }
    }

    /// What a start needs to know of a node that may be started.
    async fn order(&self, ident: &str, manage_boot: ManageBoot) -> Result<(Uuid, StartOrder)> {
        let node = self.node(ident).await?;
        provision::check(&node, self.shared().settings.in_use)?;
        provision::check_boot(&node, manage_boot)?;
        if manage_boot == ManageBoot::Managed {
            self.validate_power(node.uuid).await?;
        }
        let attributes =
            prepare::attributes(self.service.as_ref(), &node, &self.shared().bmc_address_fields).await;
        let order =
            StartOrder { manage_boot, attributes, persistence: prepare::persistence(&node), token: None };
        Ok((node.uuid, order))
    }

    /// Holds the answer to a reapply back until it is over, but not for long. Clients that look for a changed
    /// `finished_at` would take the null that stands there meanwhile for the end.
    async fn wait_a_little(&self, node: Uuid) {
        for pause in [5, 10, 20, 40, 80, 160, 160].map(Duration::from_millis) {
            tokio::time::sleep(pause).await;
            let record = self.shared().store.read(move |session| session.node(node)).await;
            if !matches!(record, Ok(Some(Record { state: State::Reapplying, .. }))) {
                return;
            }
        }
    }

    /// The raw data for a reapply without a document of its own.
    pub(super) async fn stored_raw(&self, node: Uuid) -> Result<Vec<u8>> {
        if self.shared().settings.keep_data == KeepData::No {
            return Err(Error::bad_request(
                "Inspector is not configured to store introspection data. Set the \
                 [processing]store_data configuration option to change this.",
            ));
        }
        self.document(node, Variant::Raw).await
    }

    pub(super) async fn document(&self, node: Uuid, variant: Variant) -> Result<Vec<u8>> {
        let key = Key::new(node, variant);
        let look = || self.shared().store.read(move |session| reading::known(session, &key));
        let external = self.shared().data_store.as_ref().map(|store| -> &dyn DataStore { store });
        let known = look().await?;
        let mut found = reading::document(known.clone(), external, &key).await;
        if found.is_err() && external.is_some() {
            // A run may have stored another one under our hands.
            let now = look().await?;
            if now != known {
                found = reading::document(now, external, &key).await;
            }
        }
        found?.ok_or_else(|| reading::not_found(&key))
    }
}

#[async_trait(?Send)]
impl Introspection for Nodes {
    async fn start(&self, ident: &str, manage_boot: ManageBoot) -> Result<Started> {
        let (node, order) = in_time(self.order(ident, manage_boot)).await?;
        let token = (self.shared().settings.tokens == Tokens::Required).then(Token::random);
        let order = StartOrder { token: token.as_ref().map(Token::digest), ..order };
        self.ask(node, Request::Start(Box::new(order))).await?;
        Ok(Started { token })
    }

    async fn renew_token(&self, ident: &str) -> Result<Token> {
        let node = self.resolve(ident).await?;
        if self.shared().settings.tokens == Tokens::Unused {
            return Err(Error::bad_request("Callbacks need no token: [callback]require_token is not set"));
        }
        let token = Token::random();
        self.ask(node, Request::Token(token.digest())).await?;
        Ok(token)
    }

    async fn abort(&self, ident: &str) -> Result<()> {
        let node = self.resolve(ident).await?;
        self.ask(node, Request::Abort).await
    }

    async fn reapply(&self, ident: &str, document: Option<Object>) -> Result<()> {
        let node = self.resolve(ident).await?;
        let source = if document.is_some() { Source::Given } else { Source::Stored };
        let pipeline = Arc::clone(&self.shared().pipeline);
        let prepared = match document {
            Some(document) => {
                self.shared().compute(move || prepare::from_document(&pipeline, document)).await?
            }
            None => {
                let raw = self.stored_raw(node).await?;
                self.shared().compute(move || prepare::from_body(&pipeline, &raw)).await?
            }
        };
        self.ask(node, Request::Reapply(Arc::new(prepared.posting), source)).await?;
        self.wait_a_little(node).await;
        Ok(())
    }

    async fn callback(&self, posted: Admitted, query: CallbackQuery) -> Result<Uuid> {
        let _counted = Counted::new(&metrics::get().callbacks);
        let progress = Arc::new(Progress::default());
        let found = Found::default();
        let work = self.take_posting(posted, query, &progress, &found);
        tokio::pin!(work);
        // One clock runs from the request's head.
        let end = context::received() + self.shared().callback_deadline;
        // The work is dropped after the match: who is told here must not be taken for one that is gone.
        match (tokio::time::timeout_at(end.into(), &mut work).await, found.get()) {
            (Ok(Ok(())), Some(node)) => Ok(node),
            (Ok(Err(error)), _) => Err(error),
            // The data is safe: the ramdisk must not wait longer, the work goes on.
            (Err(_), Some(node)) if progress.is_accepted() => {
                progress.tell();
                Ok(node)
            }
            _ => Err(Error::unavailable("The data could not be taken in time, please try again later")),
        }
    }

    async fn status(&self, ident: &str) -> Result<Record> {
        let node = self.resolve(ident).await?;
        let record = self.shared().store.read(move |session| session.node(node)).await?;
        record.ok_or_else(|| Error::not_found(format!("Could not find node {node} in cache")))
    }

    async fn list(&self, query: ListQuery) -> Result<Vec<Record>> {
        let after = match query.marker {
            None => None,
            Some(uuid) => {
                let marker = self.shared().store.read(move |session| session.node(uuid)).await?;
                let unknown = || Error::not_found("The requested node was not found.");
                marker.ok_or_else(unknown).map(|record| Some((record.started_at, record.uuid)))?
            }
        };
        let page = Page { after, limit: i64::try_from(query.limit).unwrap_or(i64::MAX) };
        let mut states: Vec<Option<State>> = query.states.into_iter().map(Some).collect();
        if states.is_empty() {
            states.push(None);
        }
        let read = move |session: &mut dyn Session| {
            states.dedup();
            let pages = states.iter().map(|state| session.nodes_page(*state, page));
            pages.collect::<Result<Vec<_>, _>>()
        };
        Ok(merge(self.shared().store.read(read).await?, query.limit))
    }

    async fn history(&self, ident: &str) -> Result<Vec<RunHistory>> {
        let node = self.resolve(ident).await?;
        let mut runs = self.shared().store.read(move |session| histories(session, node)).await?;
        if runs.is_empty() {
            return Err(Error::not_found(format!("Could not find node {node} in cache")));
        }
        runs.reverse();
        Ok(runs)
    }

    async fn data(&self, ident: &str, variant: Variant) -> Result<Vec<u8>> {
        let node = self.resolve(ident).await?;
        if self.shared().settings.keep_data == KeepData::No {
            return Err(Error::not_found(
                "Inspector is not configured to store data. Set the [processing]store_data \
                 configuration option to change this.",
            ));
        }
        self.document(node, variant).await
    }
}

/// What an operator waits for, but not for ever.
async fn in_time<T>(asked: impl Future<Output = Result<T>>) -> Result<T> {
    let late =
        |_| Err(Error::unavailable("The node service does not answer in time, please try again later"));
    tokio::time::timeout(OUTSIDE_TIMEOUT, asked).await.unwrap_or_else(late)
}

/// The last runs of a node, the latest first.
fn histories(session: &mut dyn Session, node: Uuid) -> QueryResult<Vec<RunHistory>> {
    let runs = session.runs_of(node, HISTORY_RUNS)?;
    let whole = |run: RunRow| -> QueryResult<RunHistory> {
        let timeline = match Uuid::parse_str(&run.id) {
            Ok(id) => session.timeline(id)?,
            Err(_) => Timeline::default(),
        };
        Ok(RunHistory { run, timeline })
    };
    runs.into_iter().map(whole).collect()
}

/// One page of several, each in the order of the listing. One index serves each state; none serves several.
fn merge(pages: Vec<Vec<Record>>, limit: usize) -> Vec<Record> {
    let mut all: Vec<Record> = pages.into_iter().flatten().collect();
    all.sort_unstable_by_key(|record| Reverse((record.started_at, record.uuid)));
    all.dedup_by_key(|record| record.uuid);
    all.truncate(limit);
    all
}
