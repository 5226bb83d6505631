//! Values as Python's `str` and `repr` write them.

use std::fmt::Write;

use serde_json::Value;

use super::number::number_text;

/// `str(value)`: text as it is, everything else as a literal.
#[must_use]
pub fn to_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => repr(other),
    }
}

/// `repr(value)`: a literal, with quoted text.
#[must_use]
pub fn repr(value: &Value) -> String {
    let mut out = String::new();
    write_value(&mut out, value);
    out
}

fn write_value(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("None"),
        Value::Bool(true) => out.push_str("True"),
        Value::Bool(false) => out.push_str("False"),
        Value::Number(number) => out.push_str(&number_text(number.as_str())),
        Value::String(text) => write_quoted(out, text),
        Value::Array(items) => {
            out.push('[');
            write_joined(out, items, write_value);
            out.push(']');
        }
        Value::Object(members) => {
            out.push('{');
            write_joined(out, members, |out, (name, value)| {
                write_quoted(out, name);
                out.push_str(": ");
                write_value(out, value);
            });
            out.push('}');
        }
    }
}

fn write_joined<T>(
    out: &mut String,
    items: impl IntoIterator<Item = T>,
    mut write_one: impl FnMut(&mut String, T),
) {
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        write_one(out, item);
    }
}

/// Single quotes, unless the text has such and no double ones.
fn write_quoted(out: &mut String, text: &str) {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    out.push(quote);
    for character in text.chars() {
        write_escaped(out, character, quote);
    }
    out.push(quote);
}

fn write_escaped(out: &mut String, character: char, quote: char) {
    match character {
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        c if c == quote => {
            out.push('\\');
            out.push(c);
        }
        c if is_printable(c) => out.push(c),
        c => write_code(out, u32::from(c)),
    }
}

fn write_code(out: &mut String, code: u32) {
    let written = match code {
        0..=0xff => write!(out, "\\x{code:02x}"),
        0x100..=0xffff => write!(out, "\\u{code:04x}"),
        _ => write!(out, "\\U{code:08x}"),
    };
    debug_assert!(written.is_ok(), "writing to a String cannot fail");
}

/// The standard library escapes just the characters that Python calls unprintable, where they follow a letter
/// (a combining mark alone would be escaped too).
fn is_printable(character: char) -> bool {
    match character {
        ' '..='~' => true,
        c if c.is_ascii() => false,
        c => !format!("a{c}").escape_debug().any(|shown| shown == '\\'),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_written_as_python_literals() {
        let value = json!({"a": [1, null], "b": {"c": true, "d": 2.5}, "e": "x"});
        assert_eq!(to_text(&value), "{'a': [1, None], 'b': {'c': True, 'd': 2.5}, 'e': 'x'}");
        assert_eq!(to_text(&json!("plain 'text'")), "plain 'text'");
        assert_eq!(to_text(&json!(null)), "None");
        assert_eq!(to_text(&json!([])), "[]");
    }

    #[test]
    fn quotes_are_chosen_as_python_does() {
        assert_eq!(repr(&json!("it's")), "\"it's\"");
        assert_eq!(repr(&json!("say \"hi\"")), "'say \"hi\"'");
        assert_eq!(repr(&json!("it's \"hi\"")), "'it\\'s \"hi\"'");
    }

    #[test]
    fn unprintable_characters_are_escaped() {
        assert_eq!(repr(&json!("a\\b\n\t\u{1}\u{7f}")), "'a\\\\b\\n\\t\\x01\\x7f'");
        assert_eq!(repr(&json!("Grüße ☃ 😀 e\u{301}")), "'Grüße ☃ 😀 e\u{301}'");
        assert_eq!(repr(&json!("\u{a0}\u{200b}\u{e0001}")), "'\\xa0\\u200b\\U000e0001'");
    }
}
