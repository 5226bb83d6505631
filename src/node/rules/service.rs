//! What may be asked of the rules, carried out over the database.

use std::rc::Rc;

use async_trait::async_trait;
use serde_json::Value;
use uuid::Uuid;

use super::{DryRun, Rules};
use crate::error::{Error, Result};
use crate::node::service::Nodes;
use crate::node::{Introspection, Variant};
use crate::node_service::{Node, Object};
use crate::processing::document;
use crate::processing::rules::{self, Rule, RulePatch};
use crate::store::rules::{CreateRule, DeleteRules, PatchRule};

/// The rules of the database, as one thread asks for them.
pub struct StoredRules {
    nodes: Rc<Nodes>,
}

impl StoredRules {
    /// The rules beside the nodes of a thread.
    #[must_use]
    pub fn new(nodes: Rc<Nodes>) -> Self {
        Self { nodes }
    }
}

fn not_found(uuid: &str) -> Error {
    Error::not_found(format!("Rule {uuid} was not found"))
}

#[async_trait(?Send)]
impl Rules for StoredRules {
    async fn create(&self, rule: Rule) -> Result<()> {
        let (uuid, shared) = (rule.uuid.clone(), self.nodes.shared());
        if shared.store.write(CreateRule { rule, at: shared.now() }).await? {
            Ok(())
        } else {
            Err(Error::conflict(format!("Rule with UUID {uuid} already exists")))
        }
    }

    async fn all(&self) -> Result<Vec<Rule>> {
        self.nodes.shared().store.read(|session| session.rules()).await
    }

    async fn one(&self, uuid: &str) -> Result<Rule> {
        let wanted = uuid.to_owned();
        let rule = self.nodes.shared().store.read(move |session| session.rule(&wanted)).await?;
        rule.ok_or_else(|| not_found(uuid))
    }

    async fn patch(&self, uuid: &str, patch: RulePatch) -> Result<Rule> {
        let job = PatchRule { uuid: uuid.to_owned(), patch };
        self.nodes.shared().store.write(job).await?.ok_or_else(|| not_found(uuid))
    }

    async fn delete(&self, uuid: &str) -> Result<()> {
        let removed = self.nodes.shared().store.write(DeleteRules::One(uuid.to_owned())).await?;
        if removed { Ok(()) } else { Err(not_found(uuid)) }
    }

    async fn delete_all(&self) -> Result<()> {
        self.nodes.shared().store.write(DeleteRules::All).await.map(drop)
    }

    async fn dry_run(&self, order: DryRun) -> Result<Value> {
        let node = match &order.node {
            Some(ident) => self.nodes.node(ident).await?,
            None => Node { uuid: Uuid::nil(), document: Object::new() },
        };
        let data = match (order.data, &order.node) {
            (Some(data), _) => data,
            (None, Some(ident)) => document::decode(&self.nodes.data(ident, Variant::Processed).await?)?,
            (None, None) => return Err(Error::bad_request("A dry run needs node or data")),
        };
        let rules = match order.rule {
            Some(rule) => vec![rule],
            None => self.all().await?,
        };
        let shared = self.nodes.shared();
        let matching = shared.rules.matching;
        shared.compute(move || rules::dry_run(&rules, matching, &Value::Object(data), &node)).await
    }
}
