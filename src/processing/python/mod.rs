//! JSON values as Python sees them: truth, type names and conversion to text and to integers.
//!
//! Rules, hooks and error texts of the contract are written in these terms (processing 0.3, 0.5). Invariant:
//! every function is total; no document can make one fail. It must not know hooks or nodes.

mod number;
mod text;

pub use number::{integer_of_text, to_integer};
pub use text::{repr, to_text};

use serde_json::Value;

/// The name of the type that Python's decoder gives the value.
#[must_use]
pub fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "NoneType",
        Value::Bool(_) => "bool",
        Value::Number(number) if number::is_integer(number.as_str()) => "int",
        Value::Number(_) => "float",
        Value::String(_) => "str",
        Value::Array(_) => "list",
        Value::Object(_) => "dict",
    }
}

/// Whether the value counts as true: not null, false, zero or empty.
#[must_use]
pub fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(truth) => *truth,
        Value::Number(number) => number::is_nonzero(number.as_str()),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
    }
}

/// The member where it is there and counts as true.
#[must_use]
pub fn truthy<'a>(object: &'a serde_json::Map<String, Value>, member: &str) -> Option<&'a Value> {
    object.get(member).filter(|value| is_truthy(value))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn types_have_python_names() {
        let cases = [
            (json!(null), "NoneType"),
            (json!(true), "bool"),
            (json!(4), "int"),
            (json!(4.0), "float"),
            (serde_json::from_str("1e3").unwrap(), "float"),
            (json!("x"), "str"),
            (json!([]), "list"),
            (json!({}), "dict"),
        ];
        for (value, name) in cases {
            assert_eq!(type_name(&value), name, "{value}");
        }
    }

    #[test]
    fn empty_and_zero_values_are_false() {
        for text in ["null", "false", "0", "-0", "0.0", "-0.00", "0e5", "\"\"", "[]", "{}"] {
            assert!(!is_truthy(&serde_json::from_str(text).unwrap()), "{text}");
        }
        for text in ["true", "1", "1e-400", "-12345678901234567890123", "\"0\"", "[0]", "{\"a\":null}"] {
            assert_eq!(is_truthy(&serde_json::from_str(text).unwrap()), text != "1e-400", "{text}");
        }
    }
}
