//! One action: as it is stored and shown, and as it is carried out.

use serde_json::Value;

use super::params::Signature;
use super::parse;
use super::template;
use super::working::Working;
use crate::error::{Error, Result};
use crate::node_service::Object;
use crate::processing::python::{is_truthy, to_text};

const NAMES: [&str; 7] =
    ["fail", "set-attribute", "set-capability", "extend-attribute", "add-trait", "remove-trait", "example"];

/// An action as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Action {
    /// What it does.
    pub action: String,
    /// With what.
    pub params: Object,
}

impl Action {
    /// Reads the actions of a rule.
    ///
    /// # Errors
    /// 400 with the contract's texts.
    pub fn list(value: &Value) -> Result<Vec<Self>> {
        let shape = |what: String| Error::bad_request(format!("Validation failed for actions: {what}"));
        let objects = parse::objects(value).map_err(shape)?;
        if objects.is_empty() {
            return Err(shape("[] should be non-empty".to_owned()));
        }
        let read = |object: &Object| -> Result<Self, String> {
            let action = parse::one_of(object, "action", &NAMES)?;
            Ok(Self { action, params: parse::params(object, &["action"]) })
        };
        let actions = objects.into_iter().map(read).collect::<Result<Vec<_>, String>>().map_err(shape)?;
        actions.iter().try_for_each(|action| Step::new(action).map(drop))?;
        Ok(actions)
    }

    /// The action as it is shown: its parameters beside its name, in order of names.
    #[must_use]
    pub fn members(&self) -> Object {
        let mut members = self.params.clone();
        members.insert("action".to_owned(), Value::String(self.action.clone()));
        members.sort_keys();
        members
    }
}

/// An action, ready to be carried out.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Fail(String),
    SetAttribute { path: String, value: Value, reset_interfaces: bool },
    SetCapability { name: String, value: Value },
    ExtendAttribute { path: String, value: Value, unique: bool },
    AddTrait(String),
    RemoveTrait(String),
    Example,
}

impl Step {
    /// Reads the parameters of an action.
    ///
    /// # Errors
    /// 400 that names what is missing, too much or wrong.
    pub(super) fn new(action: &Action) -> Result<Self> {
        Self::read(&action.action, &action.params).map_err(|what| {
            Error::bad_request(format!("Invalid parameters for action {}: {what}", action.action))
        })
    }

    fn read(action: &str, params: &Object) -> Result<Self, String> {
        signature(action).check(params)?;
        let value = || params.get("value").cloned().unwrap_or(Value::Null);
        let flag = |name: &str, default| params.get(name).filter(|v| !v.is_null()).map_or(default, is_truthy);
        let text = |name: &str| match params.get(name) {
            Some(Value::String(text)) => Ok(text.clone()),
            other => Err(format!(
                "invalid value: {name} {}",
                parse::not_of_type(other.unwrap_or(&Value::Null), "string")
            )),
        };
        Ok(match action {
            "fail" => Self::Fail(params.get("message").map(to_text).unwrap_or_default()),
            "set-attribute" => Self::SetAttribute {
                path: pointer(&text("path")?),
                value: value(),
                reset_interfaces: flag("reset_interfaces", true),
            },
            "set-capability" => Self::SetCapability { name: text("name")?, value: value() },
            "extend-attribute" => Self::ExtendAttribute {
                path: pointer(&text("path")?),
                value: value(),
                unique: flag("unique", false),
            },
            "add-trait" => Self::AddTrait(text("name")?),
            "remove-trait" => Self::RemoveTrait(text("name")?),
            _ => Self::Example,
        })
    }

    /// Carries the action out on the working copy.
    ///
    /// # Errors
    /// The text that the run fails with; then the node is as before.
    pub(super) fn apply(&self, data: &Value, node: &mut Working<'_>) -> Result<(), String> {
        match self {
            Self::Fail(message) => return Err(message.clone()),
            Self::SetAttribute { path, value, reset_interfaces } => {
                let value = template::render(value, data)?;
                if path.trim_matches('/') == "driver" {
                    node.set_driver(value, *reset_interfaces);
                } else {
                    node.set(path, value)?;
                }
            }
            Self::SetCapability { name, value } => match template::render(value, data)? {
                Value::Null => node.set_capability(name, None)?,
                value => node.set_capability(name, Some(&to_text(&value)))?,
            },
            Self::ExtendAttribute { path, value, unique } => {
                node.extend(path, template::render(value, data)?, *unique)?;
            }
            Self::AddTrait(name) => node.add_trait(name),
            Self::RemoveTrait(name) => node.remove_trait(name),
            Self::Example => log::debug!("The example action was carried out"),
        }
        Ok(())
    }
}

fn signature(action: &str) -> Signature {
    let takes = |required| Signature { required, optional: &[], nullable: &[] };
    match action {
        "fail" => takes(&["message"]),
        "set-attribute" => {
            Signature { optional: &["reset_interfaces"], nullable: &["value"], ..takes(&["path"]) }
        }
        "set-capability" => Signature { optional: &["value"], ..takes(&["name"]) },
        "extend-attribute" => Signature { optional: &["unique"], ..takes(&["path", "value"]) },
        "add-trait" | "remove-trait" => takes(&["name"]),
        _ => takes(&[]),
    }
}

/// The slash at the beginning may be left out.
fn pointer(path: &str) -> String {
    if path.starts_with('/') { path.to_owned() } else { format!("/{path}") }
}
