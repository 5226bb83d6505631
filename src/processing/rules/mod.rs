//! Introspection rules: conditions on the processed data and the node, and actions that change the node.
//!
//! Pure: a rule set reads a document and a node and adds to one [`Change`](super::change::Change). Invariant: all
//! conditions are judged before any action is carried out; every action sees the node as the ones before it left
//! it; what a document makes odd is a false condition, never a failure. It must not know actix or diesel.

mod action;
mod compare;
mod condition;
mod format_spec;
mod network;
mod operator;
mod params;
mod parse;
mod path;
mod report;
mod results;
mod rule;
mod set;
mod template;
#[cfg(test)]
mod tests;
mod working;

pub use action::Action;
pub use condition::{Condition, Multiple};
pub use operator::Matching;
pub use report::dry_run;
pub use results::{Doubt, MatchedRule, Results};
pub use rule::{Rule, RulePatch};
pub use set::{Outcome, RuleSet, Subject};

/// What a condition can not be applied to; it then counts as false.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Surprise(pub String);
