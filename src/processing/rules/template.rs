//! Values with placeholders: `{data[inventory][cpu][count]:>4}` (processing 3.7).
//!
//! Python's format strings over one name, `data`, without access to attributes. Invariant: total and bounded; what
//! can not be filled in is an error that names the value and the key.

use serde_json::Value;

use super::format_spec::Spec;
use crate::node_service::Object;
use crate::processing::python::{repr, to_text};

/// The longest text that a placeholder may become, in bytes.
const MAX_BYTES: usize = 1 << 20;

/// Fills in every text of a value, names of members included.
///
/// # Errors
///
/// The text that the run fails with.
pub(super) fn render(value: &Value, data: &Value) -> Result<Value, String> {
    Ok(match value {
        Value::String(text) => Value::String(fill(text, data)?),
        Value::Array(items) => {
            Value::Array(items.iter().map(|item| render(item, data)).collect::<Result<_, _>>()?)
        }
        Value::Object(members) => {
            let filled = members.iter().map(|(name, value)| Ok((fill(name, data)?, render(value, data)?)));
            Value::Object(filled.collect::<Result<Object, String>>()?)
        }
        other => other.clone(),
    })
}

fn fill(text: &str, data: &Value) -> Result<String, String> {
    if !text.contains(['{', '}']) {
        return Ok(text.to_owned());
    }
    expand(text, data)
        .map_err(|what| format!("Invalid formatting variable key provided in value {text}: {what}"))
}

fn expand(text: &str, data: &Value) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        let (plain, tail) = rest.split_at(at);
        out.push_str(plain);
        if let Some(tail) = tail.strip_prefix("{{") {
            out.push('{');
            rest = tail;
        } else if let Some(tail) = tail.strip_prefix("}}") {
            out.push('}');
            rest = tail;
        } else if let Some(tail) = tail.strip_prefix('{') {
            let (field, tail) = field(tail)?;
            out.push_str(&placeholder(field, data)?);
            rest = tail;
        } else {
            return Err("Single '}' encountered in format string".to_owned());
        }
        if out.len() > MAX_BYTES {
            return Err(format!("the result is longer than {MAX_BYTES} bytes"));
        }
    }
    out.push_str(rest);
    Ok(out)
}

/// What stands before the closing brace, and what follows it. Braces in brackets are part of a key.
fn field(text: &str) -> Result<(&str, &str), String> {
    let mut in_brackets = false;
    for (at, c) in text.char_indices() {
        match c {
            '[' => in_brackets = true,
            ']' => in_brackets = false,
            '{' if !in_brackets => return Err("a placeholder inside a placeholder".to_owned()),
            '}' if !in_brackets => {
                let (field, tail) = text.split_at(at);
                return Ok((field, tail.strip_prefix('}').unwrap_or(tail)));
            }
            _ => {}
        }
    }
    Err("expected '}' before end of string".to_owned())
}

/// `name[key]...!conversion:spec`
fn placeholder(field: &str, data: &Value) -> Result<String, String> {
    let mut in_brackets = false;
    let end = field.char_indices().find(|(_, c)| {
        in_brackets = (in_brackets || *c == '[') && *c != ']';
        !in_brackets && matches!(c, '!' | ':')
    });
    let (name, rest) = field.split_at(end.map_or(field.len(), |(at, _)| at));
    let value = lookup(name, data)?;
    let (conversion, spec) = conversion(rest)?;
    let converted = match conversion {
        None => None,
        Some('r') => Some(repr(value)),
        Some('s') => Some(to_text(value)),
        Some('a') => Some(ascii(&repr(value))),
        Some(other) => return Err(format!("Unknown conversion specifier {other:?}")),
    };
    match converted {
        Some(text) => Spec::parse(spec)?.text(&text),
        None => Spec::parse(spec)?.value(value),
    }
}

fn conversion(rest: &str) -> Result<(Option<char>, &str), String> {
    let Some(tail) = rest.strip_prefix('!') else {
        return Ok((None, rest.strip_prefix(':').unwrap_or(rest)));
    };
    let mut chars = tail.chars();
    let conversion = chars.next().ok_or("end of string while looking for conversion specifier")?;
    match chars.as_str() {
        "" => Ok((Some(conversion), "")),
        tail => match tail.strip_prefix(':') {
            Some(spec) => Ok((Some(conversion), spec)),
            None => Err("expected ':' after conversion specifier".to_owned()),
        },
    }
}

/// What a name with keys leads to.
fn lookup<'a>(name: &str, data: &'a Value) -> Result<&'a Value, String> {
    let (first, mut keys) = name.split_at(name.find(['[', '.']).unwrap_or(name.len()));
    if first != "data" {
        return Err(format!("{}, the only name is data", repr(&Value::String(first.to_owned()))));
    }
    let mut value = data;
    while !keys.is_empty() {
        let tail = keys.strip_prefix('[').ok_or("attributes can not be read, only keys in brackets")?;
        let (key, tail) = tail.split_once(']').ok_or("expected ']'")?;
        value = member(value, key)?;
        keys = tail;
    }
    Ok(value)
}

/// A key of digits is an index, any other the name of a member.
fn member<'a>(value: &'a Value, key: &str) -> Result<&'a Value, String> {
    let is_index = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_digit());
    let found = match value {
        Value::Object(members) if !is_index => members.get(key),
        Value::Array(items) if is_index => key.parse().ok().and_then(|index: usize| items.get(index)),
        _ => None,
    };
    found.ok_or_else(|| repr(&Value::String(key.to_owned())))
}

fn ascii(text: &str) -> String {
    let escaped = text.chars().map(|c| match u32::from(c) {
        0..=0x7f => c.to_string(),
        code @ 0x80..=0xff => format!("\\x{code:02x}"),
        code @ 0x100..=0xffff => format!("\\u{code:04x}"),
        code => format!("\\U{code:08x}"),
    });
    escaped.collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn data() -> Value {
        json!({
            "cpus": 4, "arch": "x86_64", "float": 2.5, "yes": true, "none": null, "\u{fc}": "\u{fc}",
            "a}b": 1, "a:b": 2, "big": 1_234_567, "neg": -7,
            "inventory": {"bmc_address": "192.0.2.1", "disks": [{"name": "/dev/sda"}],
                          "boot": {"current_boot_mode": "uefi"}},
        })
    }

    fn filled(text: &str) -> Result<String, String> {
        fill(text, &data())
    }

    #[test]
    fn placeholders_are_filled_in_as_python_does() {
        let cases = [
            ("plain", "plain"),
            ("{{literal}} {{{data[cpus]}}}", "{literal} {4}"),
            ("{data[inventory][bmc_address]}", "192.0.2.1"),
            ("{data[inventory][disks][0][name]}:{data[arch]}", "/dev/sda:x86_64"),
            ("{data[none]} {data[yes]} {data[cpus]} {data[float]}", "None True 4 2.5"),
            ("{data[inventory][boot]}", "{'current_boot_mode': 'uefi'}"),
            ("{data[cpus]:05d}|{data[cpus]:>4}|{data[cpus]:<4}|{data[cpus]:^5}", "00004|   4|4   |  4  "),
            ("{data[cpus]:*^+6}|{data[neg]:05}|{data[neg]: d}|{data[cpus]: d}", "**+4**|-0007|-7| 4"),
            (
                "{data[big]:,}|{data[big]:_d}|{data[big]:x}|{data[cpus]:#b}",
                "1,234,567|1_234_567|12d687|0b100",
            ),
            (
                "{data[float]:.2f}|{data[float]:8.1f}|{data[cpus]:.1f}|{data[float]:%}",
                "2.50|     2.5|4.0|250.000000%",
            ),
            ("{data[big]:.3e}|{data[float]:g}|{data[big]:g}", "1.235e+06|2.5|1.23457e+06"),
            (
                "{data[arch]:>8}|{data[arch]:.3}|{data[arch]!r}|{data[arch]!r:>10}",
                "  x86_64|x86|'x86_64'|  'x86_64'",
            ),
            ("{data[\u{fc}]!a}|{data[\u{fc}]!r}", "'\\xfc'|'\u{fc}'"),
            ("{data[a}b]} {data[a:b]} {data[a:b]:03}", "1 2 002"),
            ("{data[yes]:d}|{data[yes]:5}", "1|    1"),
        ];
        for (text, wanted) in cases {
            assert_eq!(filled(text).as_deref(), Ok(wanted), "{text}");
        }
    }

    #[test]
    fn what_can_not_be_filled_in_names_value_and_key() {
        let wanted = "Invalid formatting variable key provided in value {data[no_such_key]}: 'no_such_key'";
        assert_eq!(filled("{data[no_such_key]}"), Err(wanted.to_owned()));
        for text in [
            "{",
            "}",
            "{data",
            "{data[cpus}",
            "{}",
            "{0}",
            "{node[name]}",
            "{data.inventory}",
            "{data[cpus].real}",
            "{data[inventory][disks][9]}",
            "{data[inventory][disks][-1]}",
            "{data[inventory][disks][name]}",
            "{data[arch][0][0]}",
            "{data[cpus]!x}",
            "{data[cpus]!}",
            "{data[cpus]!r5}",
            "{data[arch]:d}",
            "{data[cpus]:{data[cpus]}}",
            "{data[none]:5}",
            "{data[cpus]:99999999999}",
            "{data[float]:d}",
            "{data[arch]:+}",
            "{data[cpus]:z}",
            "{data[cpus]:.2d}",
            "{data[]}",
        ] {
            assert!(filled(text).is_err(), "{text}: {:?}", filled(text));
        }
    }

    #[test]
    fn containers_are_filled_in_to_their_ends() {
        let value = json!({"{data[arch]}": ["{data[cpus]}", 5, null, {"k": "{data[float]}"}]});
        assert_eq!(render(&value, &data()), Ok(json!({"x86_64": ["4", 5, null, {"k": "2.5"}]})));
    }

    proptest! {
        #[test]
        fn no_template_panics(text in "[{}\\[\\]!:.a-d0-9<>^+#,_%xfge \u{fc}]{0,30}") {
            let _ = filled(&text);
            let _ = filled(&format!("{{data[cpus]:{text}}}"));
            let _ = filled(&format!("{{data[float]:{text}}}"));
            let _ = filled(&format!("{{data[arch]:{text}}}"));
        }
    }
}
