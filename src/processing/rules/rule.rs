//! A rule as it is sent, stored and changed.
//!
//! Invariant: a rule that was read is valid: every part of it can be compiled.

use serde_json::Value;
use uuid::Uuid;

use super::{Action, Condition};
use crate::error::{Error, Result};
use crate::node_service::Object;
use crate::processing::python::to_text;

/// The longest scope, in characters.
const MAX_SCOPE: usize = 255;

/// A rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Its name: a UUID in whichever notation it was given.
    pub uuid: String,
    /// What it is for.
    pub description: Option<String>,
    /// The nodes it is for, by their `inspection_scope`; all where absent or empty.
    pub scope: Option<String>,
    /// Rules with a priority go first, higher ones before lower ones.
    pub priority: Option<i64>,
    /// Whether it is left out.
    pub disabled: bool,
    /// All of these have to hold.
    pub conditions: Vec<Condition>,
    /// What is done then.
    pub actions: Vec<Action>,
}

impl Rule {
    /// Reads a new rule; one without a UUID gets one. Members that mean nothing are ignored.
    ///
    /// # Errors
    /// 400 that names the member, in the contract's order of checks.
    pub fn from_object(object: &Object) -> Result<Self> {
        let uuid = uuid(object.get("uuid"))?;
        let scope = scope(object.get("scope").unwrap_or(&Value::Null))?;
        let member = |name: &str| object.get(name).cloned();
        let empty = || Value::Array(Vec::new());
        Ok(Self {
            uuid,
            scope,
            priority: priority(object.get("priority").unwrap_or(&Value::Null))?,
            disabled: disabled(object.get("disabled").unwrap_or(&Value::Null))?,
            description: object.get("description").and_then(description),
            conditions: Condition::list(&member("conditions").unwrap_or_else(empty))?,
            actions: Action::list(&member("actions").unwrap_or_else(empty))?,
        })
    }
}

/// What is to change of a rule; what is `None` stays.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RulePatch {
    /// A new description, or none any more.
    pub description: Option<Option<String>>,
    /// A new scope, or none any more.
    pub scope: Option<Option<String>>,
    /// A new priority, or none any more.
    pub priority: Option<Option<i64>>,
    /// Left out or not.
    pub disabled: Option<bool>,
    /// Other conditions.
    pub conditions: Option<Vec<Condition>>,
    /// Other actions.
    pub actions: Option<Vec<Action>>,
}

impl RulePatch {
    /// Reads a merge patch.
    ///
    /// # Errors
    /// 400 that names the member; so is one that can not be changed.
    pub fn from_object(object: &Object) -> Result<Self> {
        let mut patch = Self::default();
        for (name, value) in object {
            match name.as_str() {
                "description" => patch.description = Some(description(value)),
                "scope" => patch.scope = Some(scope(value)?),
                "priority" => patch.priority = Some(priority(value)?),
                "disabled" => patch.disabled = Some(disabled(value)?),
                "conditions" => patch.conditions = Some(Condition::list(value)?),
                "actions" => patch.actions = Some(Action::list(value)?),
                other => {
                    return Err(Error::bad_request(format!("Member {other} of a rule can not be changed")));
                }
            }
        }
        Ok(patch)
    }

    /// The rule with the changes.
    #[must_use]
    pub fn applied_to(&self, rule: Rule) -> Rule {
        let new = self.clone();
        Rule {
            uuid: rule.uuid,
            description: new.description.unwrap_or(rule.description),
            scope: new.scope.unwrap_or(rule.scope),
            priority: new.priority.unwrap_or(rule.priority),
            disabled: new.disabled.unwrap_or(rule.disabled),
            conditions: new.conditions.unwrap_or(rule.conditions),
            actions: new.actions.unwrap_or(rule.actions),
        }
    }
}

fn uuid(value: Option<&Value>) -> Result<String> {
    let invalid = || Error::bad_request("Invalid UUID value");
    match value {
        None | Some(Value::Null) => Ok(Uuid::new_v4().to_string()),
        Some(Value::String(text)) if text.is_empty() => Ok(Uuid::new_v4().to_string()),
        Some(Value::String(text)) if is_uuid_like(text) => Ok(text.clone()),
        Some(_) => Err(invalid()),
    }
}

/// Any notation will do, but it has to be fit for a path.
fn is_uuid_like(text: &str) -> bool {
    let plain = text.strip_prefix("urn:").unwrap_or(text);
    let plain = plain.strip_prefix("uuid:").unwrap_or(plain);
    let plain = plain.trim_matches(['{', '}']);
    let digits = plain.bytes().filter(|byte| *byte != b'-');
    let is_hex = digits.clone().all(|byte| byte.is_ascii_hexdigit());
    is_hex && digits.count() == 32 && text.len() <= 64
}

fn scope(value: &Value) -> Result<Option<String>> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) if text.chars().count() <= MAX_SCOPE => Ok(Some(text.clone())),
        Value::String(_) => {
            Err(Error::bad_request("Invalid scope: the length of the scope should be within 255 characters"))
        }
        _ => Err(Error::bad_request("Invalid scope: the scope should be a string")),
    }
}

/// Any type has always been taken; what is shown later is its text.
fn description(value: &Value) -> Option<String> {
    if value.is_null() { None } else { Some(to_text(value)) }
}

fn priority(value: &Value) -> Result<Option<i64>> {
    match value {
        Value::Null => Ok(None),
        other => other
            .as_i64()
            .map(Some)
            .ok_or_else(|| Error::bad_request("Invalid priority: the priority should be an integer")),
    }
}

fn disabled(value: &Value) -> Result<bool> {
    match value {
        Value::Null => Ok(false),
        Value::Bool(disabled) => Ok(*disabled),
        _ => Err(Error::bad_request("Invalid disabled: it should be true or false")),
    }
}
