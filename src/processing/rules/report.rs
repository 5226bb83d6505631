//! The dry run: what the rules would do, and why.
//!
//! Invariant: nothing is changed, and every condition is judged, even after one that does not hold.

use serde_json::{Value, json};

use super::condition::Judge;
use super::set::Compiled;
use super::{Matching, Outcome, Rule, RuleSet, Subject, Surprise};
use crate::error::{Error, Result};
use crate::node_service::Node;
use crate::processing::change::Change;

/// Tries the rules on a node and its data. `data` is a JSON object.
///
/// # Errors
/// Where the report can not be made; a rule that fails is part of the report.
pub fn dry_run(rules: &[Rule], matching: Matching, data: &Value, node: &Node) -> Result<Value> {
    let document = Subject::node_document(&node.document);
    let subject = Subject { data, node: &document };
    let judged =
        rules.iter().map(|rule| judged(rule, matching, &subject, node)).collect::<Result<Vec<_>>>()?;
    let mut change = Change::default();
    let error = match RuleSet::new(rules, matching).apply(data, node, &mut change).0 {
        Outcome::Applied => Value::Null,
        Outcome::Failed(text) => Value::String(text),
    };
    let change = serde_json::to_value(&change).map_err(Error::internal)?;
    Ok(json!({
        "change": {
            "node_patch": change.get("node_patch"),
            "reset_interfaces": change.get("reset_interfaces"),
            "traits": change.get("traits"),
        },
        "error": error,
        "rules": judged,
    }))
}

fn judged(rule: &Rule, matching: Matching, subject: &Subject<'_>, node: &Node) -> Result<Value> {
    let compiled = Compiled::new(rule, matching)?;
    let conditions: Vec<Value> = rule
        .conditions
        .iter()
        .zip(&compiled.judges)
        .map(|(shown, judge)| {
            let mut condition = shown.members();
            condition.extend(verdicts(judge, subject));
            Value::Object(condition)
        })
        .collect();
    let all_hold = conditions.iter().all(|condition| condition.get("holds") == Some(&Value::Bool(true)));
    let in_scope = compiled.is_in_scope(node);
    Ok(json!({
        "conditions": conditions,
        "description": rule.description,
        "disabled": rule.disabled,
        "in_scope": in_scope,
        "matches": !rule.disabled && in_scope && all_hold,
        "uuid": rule.uuid,
    }))
}

/// The values of the field, the verdict on each, and the verdict on all.
fn verdicts(judge: &Judge, subject: &Subject<'_>) -> Vec<(String, Value)> {
    let mut problems = Vec::new();
    let holds = judge.holds(subject, |_, Surprise(text)| problems.push(text.clone()));
    let values = judge.values(subject).unwrap_or_default();
    let each: Vec<Value> = values
        .iter()
        .map(|value| json!({"value": value, "holds": judge.passes(value).unwrap_or(false)}))
        .collect();
    vec![
        ("holds".to_owned(), Value::Bool(holds)),
        ("problems".to_owned(), json!(problems)),
        ("values".to_owned(), Value::Array(each)),
    ]
}
