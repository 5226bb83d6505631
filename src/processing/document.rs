//! The posted document: from bytes to a JSON object, and from an object to the text that is stored and served.
//!
//! Invariant: what is not understood is kept; numbers keep their very digits. It must not know any member.

use std::io;

use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{CharEscape, Formatter, Serializer};

use super::python;
use super::surrogates::without_lone_surrogates;
use crate::error::{Error, Result};
use crate::node_service::Object;

/// How many lists and objects may be inside one another.
pub const MAX_DEPTH: usize = 127;

/// How many values a document may hold. One of two bytes takes some hundred in memory, so that the size of the body
/// alone bounds little; the largest machines come to some ten thousand.
pub const MAX_VALUES: usize = 250_000;

/// Reads a document.
///
/// # Errors
///
/// 400 for what is no JSON object, with its type or the place where reading stopped; likewise for one that is
/// nested more than [`MAX_DEPTH`] deep, or that holds more than [`MAX_VALUES`].
pub fn decode(body: &[u8]) -> Result<Object> {
    if has_too_many_values(body) {
        return Err(not_an_object(&format!("None (it has more than {MAX_VALUES} values)")));
    }
    match parse(body) {
        Ok(Value::Object(document)) => Ok(document),
        Ok(other) => Err(not_an_object(python::type_name(&other))),
        Err(error) => Err(not_an_object(&format!("None ({})", reason(&error)))),
    }
}

/// Counts what begins a value or follows one: brackets, braces and commas outside of texts.
fn has_too_many_values(body: &[u8]) -> bool {
    // Each byte counts once at most.
    if body.len() <= MAX_VALUES {
        return false;
    }
    let (mut count, mut is_text, mut is_escaped) = (0_usize, false, false);
    for byte in body {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_text => is_escaped = true,
            b'"' => is_text = !is_text,
            b'[' | b'{' | b',' if !is_text => count = count.saturating_add(1),
            _ => {}
        }
    }
    count > MAX_VALUES
}

/// Ramdisks send bytes that were no UTF-8 as halves of surrogate pairs; that must not cost the whole document.
fn parse(body: &[u8]) -> serde_json::Result<Value> {
    serde_json::from_slice(body).or_else(|error| match without_lone_surrogates(body) {
        Some(mended) => serde_json::from_slice(&mended),
        None => Err(error),
    })
}

fn not_an_object(what: &str) -> Error {
    Error::bad_request(format!("Invalid data: expected a JSON object, got {what}"))
}

fn reason(error: &serde_json::Error) -> String {
    let (line, column) = (error.line(), error.column());
    let text = error.to_string();
    let what = text.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&text);
    if what.starts_with("recursion limit") {
        return format!("line {line} column {column}: nested deeper than {MAX_DEPTH} levels");
    }
    format!("line {line} column {column}: {what}")
}

/// The text of a document in the ancestor's manner: blanks after commas and colons, ASCII only.
#[must_use]
#[expect(clippy::expect_used, reason = "neither writing to memory nor text keys can fail")]
pub fn encode(document: &Object) -> Vec<u8> {
    let mut out = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut out, PythonFormatter);
    document.serialize(&mut serializer).expect("an object in memory is always writable");
    out
}

/// Writes JSON byte for byte as Python's `json.dumps` does.
struct PythonFormatter;

impl Formatter for PythonFormatter {
    fn begin_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        writer.write_all(separator(first))
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        writer.write_all(separator(first))
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }

    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut rest = fragment;
        while let Some((at, special)) = rest.char_indices().find(|(_, c)| !matches!(c, ' '..='~')) {
            let (plain, from_special) = rest.split_at(at);
            writer.write_all(plain.as_bytes())?;
            for unit in special.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            rest = from_special.strip_prefix(special).unwrap_or_default();
        }
        writer.write_all(rest.as_bytes())
    }

    fn write_char_escape<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        escape: CharEscape,
    ) -> io::Result<()> {
        match escape {
            CharEscape::Quote => writer.write_all(b"\\\""),
            CharEscape::ReverseSolidus => writer.write_all(b"\\\\"),
            CharEscape::Solidus => writer.write_all(b"/"),
            CharEscape::Backspace => writer.write_all(b"\\b"),
            CharEscape::FormFeed => writer.write_all(b"\\f"),
            CharEscape::LineFeed => writer.write_all(b"\\n"),
            CharEscape::CarriageReturn => writer.write_all(b"\\r"),
            CharEscape::Tab => writer.write_all(b"\\t"),
            CharEscape::AsciiControl(code) => write!(writer, "\\u{code:04x}"),
        }
    }
}

fn separator(first: bool) -> &'static [u8] {
    if first { b"" } else { b", " }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(body: &[u8]) -> String {
        let Err(error) = decode(body) else { panic!("it is taken") };
        assert_eq!(error.kind, crate::error::Kind::BadRequest);
        error.text
    }

    #[test]
    fn other_json_types_are_refused_by_their_python_name() {
        let cases: [(&[u8], &str); 7] = [
            (b"[]", "list"),
            (b"\"text\"", "str"),
            (b"42", "int"),
            (b"4.2", "float"),
            (b"1e2", "float"),
            (b"true", "bool"),
            (b"null", "NoneType"),
        ];
        for (body, name) in cases {
            assert_eq!(refusal(body), format!("Invalid data: expected a JSON object, got {name}"));
        }
    }

    #[test]
    fn what_is_no_json_is_refused_with_the_position() {
        assert_eq!(
            refusal(b"{\"a\": }"),
            "Invalid data: expected a JSON object, got None (line 1 column 7: expected value)"
        );
        let bodies: [&[u8]; 7] =
            [b"", b"{", b"not json", b"\xff\xfe", b"{\"a\": \"\xff\"}", b"{} x", b"{\"a\":NaN}"];
        for body in bodies {
            let text = refusal(body);
            assert!(
                text.starts_with("Invalid data: expected a JSON object, got None (line 1 column "),
                "{text}"
            );
        }
    }

    #[test]
    fn nesting_has_a_limit() {
        let nested = |depth: usize| format!("{{\"a\": {}{}}}", "[".repeat(depth - 1), "]".repeat(depth - 1));
        assert!(decode(nested(MAX_DEPTH).as_bytes()).is_ok());
        assert!(refusal(nested(MAX_DEPTH + 1).as_bytes()).contains("nested deeper than 127 levels"));
        assert!(refusal(nested(100_000).as_bytes()).contains("nested deeper"));
    }

    #[test]
    fn the_number_of_values_has_a_limit_and_texts_do_not_count() {
        let list = |item: &str, count: usize| format!("{{\"a\": [{}]}}", vec![item; count].join(","));
        assert!(decode(list("1", MAX_VALUES - 1).as_bytes()).is_ok());
        assert!(refusal(list("1", MAX_VALUES).as_bytes()).contains("more than 250000 values"));
        assert!(decode(list("{}", MAX_VALUES / 2 - 1).as_bytes()).is_ok());
        assert!(refusal(list("{}", MAX_VALUES / 2 + 1).as_bytes()).contains("more than 250000 values"));
        let text = format!("{{\"a\": \"{}\"}}", "[,{\\\"".repeat(MAX_VALUES));
        assert!(decode(text.as_bytes()).is_ok());
    }

    #[test]
    fn a_document_is_written_as_python_writes_it() {
        let text = r#"{"b": [1, 2.50, null, true, {"a": []}], "empty": {}, "n": -12345678901234567890123, "t": "Gr\u00fc\u00dfe \u2603 \ud83d\ude00 \"q\" \\ / \n\t\b\f\r\u0001\u007f"}"#;
        assert_eq!(String::from_utf8(encode(&decode(text.as_bytes()).unwrap())).unwrap(), text);
    }

    #[test]
    fn half_a_surrogate_pair_becomes_a_replacement_character() {
        let document = decode(br#"{"serial": "a\udcffb", "ok": "\ud83d\ude00"}"#).unwrap();
        assert_eq!(document["serial"], "a\u{fffd}b");
        assert_eq!(document["ok"], "\u{1f600}");
        assert!(refusal(br#"{"a": "\udcff", }"#).contains("line 1 column"));
    }

    #[test]
    fn the_order_of_members_is_kept() {
        let text = br#"{"z": 1, "a": 2, "m": 3}"#;
        assert_eq!(encode(&decode(text).unwrap()), text);
    }
}
