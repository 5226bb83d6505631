//! The rules, in the order in which the ancestor applies them.
//!
//! Invariant: a rule that is here already stays as it is here, since the ancestor can not change one.

use serde_json::Value;

use super::times::{flag, time};
use super::{Mode, Report, Settings};
use crate::error::Result;
use crate::node_service::Object;
use crate::processing::rules::Rule;
use crate::store::Store;
use crate::store::ancestor::{Ancestor, AncestorAction, AncestorCondition, AncestorRule};
use crate::store::rules::CreateRule;

/// Takes all rules over.
///
/// # Errors
/// Where one of the databases can not be used.
pub(super) fn take_over(
    ancestor: &mut Ancestor,
    store: &Store,
    settings: &Settings,
    report: &mut Report,
) -> Result<()> {
    for row in ancestor.rules()? {
        let conditions = ancestor.conditions(&row.uuid)?;
        let actions = ancestor.actions(&row.uuid)?;
        match rule(&row, conditions, actions) {
            Ok(rule) => add(store, settings, report, &row, rule)?,
            Err(reason) => report.leave_rule(format!("rule {}", row.uuid), reason),
        }
    }
    Ok(())
}

fn add(
    store: &Store,
    settings: &Settings,
    report: &mut Report,
    row: &AncestorRule,
    rule: Rule,
) -> Result<()> {
    let uuid = rule.uuid.clone();
    let known = store.read_blocking(move |session| session.rule(&uuid))?;
    let count = match known {
        Some(known) if known == rule => &mut report.rules.unchanged,
        Some(_) => &mut report.rules.kept,
        None => {
            report.disabled_rules = report.disabled_rules.saturating_add(u64::from(rule.disabled));
            if settings.mode == Mode::Write {
                let at = row.created_at.as_deref().and_then(time).unwrap_or(settings.now);
                store.write_blocking(CreateRule { rule, at })?;
            }
            &mut report.rules.new
        }
    };
    *count = count.saturating_add(1);
    Ok(())
}

/// The rule as a client would send it: it is checked in the same way.
fn rule(
    row: &AncestorRule,
    conditions: Vec<AncestorCondition>,
    actions: Vec<AncestorAction>,
) -> Result<Rule, String> {
    let conditions = conditions.into_iter().map(condition).collect::<Result<Vec<_>, _>>()?;
    let actions = actions.into_iter().map(action).collect::<Result<Vec<_>, _>>()?;
    let mut object = Object::new();
    let mut set = |name: &str, value: Value| drop(object.insert(name.to_owned(), value));
    set("uuid", Value::from(row.uuid.as_str()));
    set("description", Value::from(row.description.clone()));
    set("scope", Value::from(row.scope.clone()));
    set("disabled", Value::Bool(flag(row.disabled.as_deref()).unwrap_or(false)));
    set("conditions", Value::Array(conditions));
    set("actions", Value::Array(actions));
    Rule::from_object(&object).map_err(|error| error.text)
}

fn condition(row: AncestorCondition) -> Result<Value, String> {
    let mut members = params(row.params)?;
    members.insert("op".to_owned(), Value::from(row.op));
    members.insert("field".to_owned(), Value::from(row.field.unwrap_or_default()));
    members.insert("multiple".to_owned(), Value::from(row.multiple));
    members.insert("invert".to_owned(), Value::Bool(flag(row.invert.as_deref()).unwrap_or(false)));
    Ok(Value::Object(members))
}

fn action(row: AncestorAction) -> Result<Value, String> {
    let mut members = params(row.params)?;
    members.insert("action".to_owned(), Value::from(row.action));
    Ok(Value::Object(members))
}

fn params(text: Option<String>) -> Result<Object, String> {
    let text = text.filter(|text| !text.is_empty() && text != "null");
    let read = text.map(|text| serde_json::from_str(&text)).transpose();
    read.map(Option::unwrap_or_default).map_err(|_| "its parameters are no JSON object".to_owned())
}
