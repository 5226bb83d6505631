//! All rules, compiled once, and their application to one node.

use serde_json::{Value, json};

use super::action::Step;
use super::condition::Judge;
use super::working::Working;
use super::{Matching, Results, Rule, Surprise};
use crate::error::Result;
use crate::node_service::{Node, Object};
use crate::processing::change::Change;

/// The names by which rules have known members of a node, and the node service's own.
const NODE_NAMES: [(&str, &str); 11] = [
    ("id", "uuid"),
    ("instance_id", "instance_uuid"),
    ("chassis_id", "chassis_uuid"),
    ("allocation_id", "allocation_uuid"),
    ("is_maintenance", "maintenance"),
    ("is_console_enabled", "console_enabled"),
    ("is_automated_clean_enabled", "automated_clean"),
    ("is_protected", "protected"),
    ("is_retired", "retired"),
    ("is_secure_boot", "secure_boot"),
    ("port_groups", "portgroups"),
];

/// The rules that are in force, in the order in which they are applied.
#[derive(Clone, Debug, Default)]
pub struct RuleSet {
    rules: Vec<Compiled>,
}

/// A rule, ready to be applied.
#[derive(Clone, Debug)]
pub(super) struct Compiled {
    pub(super) uuid: String,
    description: Option<String>,
    pub(super) scope: Option<String>,
    pub(super) judges: Vec<Judge>,
    pub(super) steps: Vec<Step>,
}

/// What rules are judged by.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The processed data.
    pub data: &'a Value,
    /// The node as the hooks leave it, with both sets of names; see [`Subject::node_document`].
    pub node: &'a Value,
}

impl Subject<'_> {
    /// The document of a node as conditions see it: members answer to the names of both APIs.
    #[must_use]
    pub fn node_document(node: &Object) -> Value {
        let mut document = node.clone();
        for (name, original) in NODE_NAMES {
            if let Some(value) = node.get(original) {
                document.insert(name.to_owned(), value.clone());
            }
        }
        Value::Object(document)
    }
}

/// How the application of the rules ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All actions were carried out.
    Applied,
    /// An action failed, with this text; what the ones before it wanted stays in the Change.
    Failed(String),
}

impl RuleSet {
    /// Compiles rules, which come in the order of their creation. One that can not be compiled any more is left out.
    #[must_use]
    pub fn new(rules: &[Rule], matching: Matching) -> Self {
        let mut enabled: Vec<&Rule> = rules.iter().filter(|rule| !rule.disabled).collect();
        // A stable sort: equal ones stay in the order of their creation.
        enabled.sort_by_key(|rule| std::cmp::Reverse(rule.priority));
        let compiled = |rule: &&Rule| match Compiled::new(rule, matching) {
            Ok(compiled) => Some(compiled),
            Err(error) => {
                log::error!("A stored rule can not be used any more rule={} error={error}", rule.uuid);
                None
            }
        };
        Self { rules: enabled.iter().filter_map(compiled).collect() }
    }

    /// Whether there is nothing to apply.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Judges all rules, then carries out the actions of those that hold. `data` is a JSON object.
    pub fn apply(&self, data: &Value, node: &Node, change: &mut Change) -> (Outcome, Results) {
        let mut results = Results::default();
        if self.is_empty() {
            return (Outcome::Applied, results);
        }
        let mut working = Working::new(node, change);
        let document = Subject::node_document(&working.document());
        let subject = Subject { data, node: &document };
        let holds = |rule: &&Compiled| rule.holds(&subject, node, &mut results);
        let chosen: Vec<&Compiled> = self.rules.iter().filter(holds).collect();
        for rule in chosen {
            log::info!("A rule applies node={} rule={}", node.uuid, rule.uuid);
            results.add_match(&rule.uuid, rule.description.as_deref());
            if let Err(text) = rule.steps.iter().try_for_each(|step| step.apply(data, &mut working)) {
                log::info!("A rule failed node={} rule={} error={text:?}", node.uuid, rule.uuid);
                results.failed = Some(rule.uuid.clone());
                return (Outcome::Failed(text), results);
            }
        }
        (Outcome::Applied, results)
    }
}

impl Compiled {
    /// Compiles a rule.
    pub(super) fn new(rule: &Rule, matching: Matching) -> Result<Self> {
        let judge = |condition| Judge::new(condition, matching);
        Ok(Self {
            uuid: rule.uuid.clone(),
            description: rule.description.clone(),
            scope: rule.scope.clone().filter(|scope| !scope.is_empty()),
            judges: rule.conditions.iter().map(judge).collect::<Result<_>>()?,
            steps: rule.actions.iter().map(Step::new).collect::<Result<_>>()?,
        })
    }

    fn holds(&self, subject: &Subject<'_>, node: &Node, results: &mut Results) -> bool {
        self.is_in_scope(node) && self.judges.iter().all(|judge| self.passes(judge, subject, node, results))
    }

    /// One condition; of all the values that surprise it the first is told of.
    fn passes(&self, judge: &Judge, subject: &Subject<'_>, node: &Node, results: &mut Results) -> bool {
        let mut is_told = false;
        judge.holds(subject, |field, Surprise(text)| {
            if is_told {
                return;
            }
            is_told = true;
            results.add_doubt(&self.uuid, field, text);
            log::warn!(
                "A condition counts as false: {text:?} node={} rule={} field={field:?}",
                node.uuid,
                self.uuid
            );
        })
    }

    /// Whether the rule is for all nodes, or for those of this one's scope.
    pub(super) fn is_in_scope(&self, node: &Node) -> bool {
        self.scope.as_ref().is_none_or(|scope| node.property("inspection_scope") == Some(&json!(scope)))
    }
}
