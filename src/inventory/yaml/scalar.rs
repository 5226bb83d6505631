//! What scalars are, and what tags mean.
//!
//! Invariant: no scalar loses a character, and no tag is passed over: what it asks for is done, or refused.

use granit_parser::Tag;
use serde_json::{Number, Value};

/// What a scalar is whose tag says it.
///
/// # Errors
/// Where it is something else, or the tag means nothing here.
pub fn tagged(text: &str, tag: &Tag) -> Result<Value, String> {
    let kind = match tag.core_suffix() {
        Some("str") => return Ok(Value::from(text)),
        None if is_unspecific(tag) => return Ok(Value::from(text)),
        Some(kind) => kind,
        None => return Err(unknown(tag)),
    };
    let value = plain(text);
    let fits = match (kind, &value) {
        ("null", Value::Null) | ("bool", Value::Bool(_)) | ("float", Value::Number(_)) => true,
        ("int", Value::Number(number)) => !number.as_str().contains('.'),
        _ => false,
    };
    if fits { Ok(value) } else { Err(format!("{text} is not what the tag {kind} says")) }
}

/// Whether a collection of this kind may have the tag.
pub fn is_collection(tag: &Tag, kind: &str) -> bool {
    tag.is_yaml_core_schema_tag(kind) || is_unspecific(tag)
}

/// Whether it is `!`, which says nothing of a collection, and that a scalar is text.
fn is_unspecific(tag: &Tag) -> bool {
    let (handle, suffix) = tag.parts();
    [handle, suffix].concat() == "!"
}

/// What is wrong with a tag. Passed over, it would make something else of what is meant.
pub fn unknown(tag: &Tag) -> String {
    let (handle, suffix) = tag.original_parts();
    format!("the tag {handle}{suffix} means nothing here")
}

/// What a scalar without quotes is.
pub fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::from(true),
        "false" | "False" | "FALSE" => Value::from(false),
        _ if text.starts_with(|first: char| first == '-' || first.is_ascii_digit()) => {
            // An exponent would not be written again as it stands there.
            let number = text.parse::<Number>().ok().filter(|number| number.as_str() == text);
            number.map_or_else(|| Value::from(text), Value::Number)
        }
        _ => Value::from(text),
    }
}
