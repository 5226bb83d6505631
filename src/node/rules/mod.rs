//! The introspection rules: what may be asked of them, and the set that is in force.
//!
//! Invariant: rules are compiled once for each change of theirs, whichever instance made it.

mod book;
mod service;
#[cfg(test)]
mod tests;

use async_trait::async_trait;
use serde_json::Value;

use crate::error::Result;
use crate::node_service::Object;
use crate::processing::rules::{Rule, RulePatch};

pub use book::RuleBook;
pub use service::StoredRules;

/// What a dry run tries.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DryRun {
    /// The node, by UUID or name; without one, conditions on it find nothing.
    pub node: Option<String>,
    /// The data as the hooks leave it; without it, the stored processed data of the node.
    pub data: Option<Object>,
    /// The only rule to try; without it, all that are stored.
    pub rule: Option<Rule>,
}

/// What may be asked of the rules. A UUID is compared as it is written.
#[async_trait(?Send)]
pub trait Rules {
    /// Adds a rule; a taken UUID is a conflict.
    async fn create(&self, rule: Rule) -> Result<()>;

    /// All rules, in order of their creation.
    async fn all(&self) -> Result<Vec<Rule>>;

    /// A rule.
    async fn one(&self, uuid: &str) -> Result<Rule>;

    /// Changes a rule; answers it as it is then.
    async fn patch(&self, uuid: &str, patch: RulePatch) -> Result<Rule>;

    /// Removes a rule.
    async fn delete(&self, uuid: &str) -> Result<()>;

    /// Removes all rules.
    async fn delete_all(&self) -> Result<()>;

    /// Tries rules; nothing is changed.
    async fn dry_run(&self, order: DryRun) -> Result<Value>;
}
