//! Values: whether one is of the type that its option takes, and its one form inside.
//!
//! Invariant: a refusal never shows a value that may be secret.

use toml::{Table, Value};

use super::spec::{Form, Kind};

/// The one form of `value` that the structs read, or what is wrong with it.
///
/// # Errors
/// What was expected, and what was found.
pub(super) fn convert(kind: Kind, value: Value) -> Result<Value, String> {
    match (kind, value) {
        (Kind::Any, value) => Ok(value),
        (Kind::Text | Kind::Secret | Kind::CommaText, Value::String(text)) => Ok(Value::String(text)),
        (Kind::Form(form), Value::String(text)) => (form.check)(&text).map(|()| Value::String(text)),
        (Kind::ListOf(form), value) => each(form, convert(Kind::List, value)?),
        (Kind::Bool, Value::Boolean(choice)) => Ok(Value::Boolean(choice)),
        (Kind::Integer(least, most), Value::Integer(number)) => integer(number, least, most),
        (Kind::Choice(words), Value::String(word)) => choice(words, word),
        (Kind::List, Value::String(text)) => Ok(split(&text)),
        (Kind::Multi, Value::String(text)) => Ok(Value::Array(vec![Value::String(text)])),
        (Kind::List | Kind::Multi, Value::Array(items)) if all_text(&items) => Ok(Value::Array(items)),
        (Kind::CommaText, Value::Array(items)) if all_text(&items) => Ok(Value::String(join(&items))),
        (Kind::Dict, Value::Table(table)) if table.values().all(Value::is_str) => Ok(Value::Table(table)),
        (Kind::Dict, Value::String(text)) => pairs(&text),
        (kind, value) => Err(format!("{} is expected, not {}", expected(kind), found(&value))),
    }
}

/// A list whose items all are of a form.
fn each(form: Form, list: Value) -> Result<Value, String> {
    for (number, item) in list.as_array().into_iter().flatten().enumerate() {
        let text = item.as_str().unwrap_or_default();
        (form.check)(text).map_err(|wrong| format!("item {}: {wrong}", number.saturating_add(1)))?;
    }
    Ok(list)
}

fn integer(number: i64, least: i64, most: i64) -> Result<Value, String> {
    if number < least {
        Err(format!("{number} is too small, at least {least} is needed"))
    } else if number > most {
        Err(format!("{number} is too large, at most {most} is possible"))
    } else {
        Ok(Value::Integer(number))
    }
}

fn choice(words: &[&str], word: String) -> Result<Value, String> {
    if words.contains(&word.as_str()) {
        Ok(Value::String(word))
    } else {
        Err(format!("{word:?} is not one of {}", words.join(", ")))
    }
}

fn all_text(items: &[Value]) -> bool {
    items.iter().all(Value::is_str)
}

fn join(items: &[Value]) -> String {
    items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(",")
}

/// The parts of a text with commas, without blanks around them; an empty text has none.
fn split(text: &str) -> Value {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    Value::Array(parts.map(|part| Value::String(part.to_owned())).collect())
}

/// The table that `key:value,key:value` stands for. A value may hold colons.
fn pairs(text: &str) -> Result<Value, String> {
    let mut table = Table::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let (key, value) =
            part.split_once(':').ok_or("key:value pairs are expected, and one has no colon")?;
        table.insert(key.trim().to_owned(), Value::String(value.trim().to_owned()));
    }
    Ok(Value::Table(table))
}

fn expected(kind: Kind) -> &'static str {
    match kind {
        Kind::Text | Kind::Secret | Kind::Form(_) => "a text",
        Kind::Bool => "true or false",
        Kind::Integer(..) => "a whole number",
        Kind::Choice(_) => "a word",
        Kind::List | Kind::ListOf(_) | Kind::Multi | Kind::CommaText => "a list of texts",
        Kind::Dict => "a table of texts",
        Kind::Any => "anything",
    }
}

/// What a value is, for the reader of an error.
fn found(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "a text",
        Value::Integer(_) => "a whole number",
        Value::Float(_) => "a decimal number",
        Value::Boolean(_) => "true or false",
        Value::Datetime(_) => "a date",
        Value::Array(_) => "such a list",
        Value::Table(_) => "such a table",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::String(text.to_owned())
    }

    #[test]
    fn a_list_may_be_one_text_with_commas() {
        let list = convert(Kind::List, text("a, b,,c")).unwrap();
        assert_eq!(list, Value::Array(vec![text("a"), text("b"), text("c")]));
        assert_eq!(convert(Kind::List, text("")), Ok(Value::Array(vec![])));
    }

    #[test]
    fn an_item_of_a_multi_option_keeps_its_commas() {
        assert_eq!(convert(Kind::Multi, text("{a,b}")), Ok(Value::Array(vec![text("{a,b}")])));
    }

    #[test]
    fn a_text_with_commas_may_be_a_list() {
        let list = Value::Array(vec![text("a"), text("b")]);
        assert_eq!(convert(Kind::CommaText, list), Ok(text("a,b")));
    }

    #[test]
    fn a_table_may_be_pairs_and_keeps_their_order() {
        let table = convert(Kind::Dict, text("vmx:cpu_vt, aes:cpu:aes")).unwrap();
        let keys: Vec<_> = table.as_table().unwrap().iter().collect();
        assert_eq!(keys, [(&"vmx".to_owned(), &text("cpu_vt")), (&"aes".to_owned(), &text("cpu:aes"))]);
        assert!(convert(Kind::Dict, text("vmx")).unwrap_err().contains("colon"));
    }

    #[test]
    fn limits_are_part_of_a_number() {
        assert_eq!(convert(Kind::Integer(1, 5), Value::Integer(5)), Ok(Value::Integer(5)));
        assert!(convert(Kind::Integer(1, 5), Value::Integer(0)).unwrap_err().contains("at least 1"));
        assert!(convert(Kind::Integer(1, 5), Value::Integer(6)).unwrap_err().contains("at most 5"));
    }

    #[test]
    fn a_wrong_type_is_told_without_the_value() {
        let error = convert(Kind::Integer(0, 9), text("s3cret")).unwrap_err();
        assert_eq!(error, "a whole number is expected, not a text");
        assert!(convert(Kind::Bool, text("true")).is_err());
        assert!(convert(Kind::List, Value::Array(vec![Value::Integer(1)])).is_err());
    }
}
