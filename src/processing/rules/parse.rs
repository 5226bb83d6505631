//! The shape of conditions and actions, as the contract's validator words what is wrong with it.

use serde_json::Value;

use crate::node_service::Object;
use crate::processing::python::repr;

/// The objects of a list.
pub(super) fn objects(value: &Value) -> Result<Vec<&Object>, String> {
    let Value::Array(items) = value else { return Err(not_of_type(value, "array")) };
    items.iter().map(|item| item.as_object().ok_or_else(|| not_of_type(item, "object"))).collect()
}

/// A member that has to be text.
pub(super) fn text(object: &Object, name: &str) -> Result<String, String> {
    match object.get(name) {
        Some(Value::String(text)) => Ok(text.clone()),
        Some(other) => Err(not_of_type(other, "string")),
        None => Err(format!("'{name}' is a required property")),
    }
}

/// A member that has to be one of these names.
pub(super) fn one_of(object: &Object, name: &str, known: &[&str]) -> Result<String, String> {
    let given = text(object, name)?;
    if known.contains(&given.as_str()) { Ok(given) } else { Err(not_one_of(&Value::String(given), known)) }
}

/// What is wrong with a value that is none of these names.
pub(super) fn not_one_of(value: &Value, known: &[&str]) -> String {
    let known: Vec<String> = known.iter().map(|name| format!("'{name}'")).collect();
    format!("{} is not one of [{}]", repr(value), known.join(", "))
}

/// What is wrong with a value of another type.
pub(super) fn not_of_type(value: &Value, wanted: &str) -> String {
    format!("{} is not of type '{wanted}'", repr(value))
}

/// The members but these: the parameters.
pub(super) fn params(object: &Object, but: &[&str]) -> Object {
    let others = object.iter().filter(|(name, _)| !but.contains(&name.as_str()));
    others.map(|(name, value)| (name.clone(), value.clone())).collect()
}
