//! A YAML document as a tree, in which a plain scalar is what it is in JSON and text otherwise.
//!
//! Invariant: no scalar loses a character. `no`, `007`, `0x10` and `1_000` are text, `1.10` is a number that is still
//! written so, and what is in quotes is text always. What aliases and merges copy counts as what is written out.

use std::collections::HashMap;

use granit_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput, Tag};
use serde_json::{Map, Number, Value};

/// Nodes of the largest document.
const MOST_NODES: usize = 10_000_000;
/// Bytes of all its scalars.
const MOST_BYTES: usize = 1 << 30;
/// How deep things may lie in one another.
const MOST_DEPTH: usize = 64;

/// What is wrong with a document, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// For people.
    pub text: String,
    /// Counted from one.
    pub line: usize,
    /// Counted from one.
    pub column: usize,
}

impl Flaw {
    fn at(span: &Span, text: impl Into<String>) -> Self {
        Self { text: text.into(), line: span.start.line(), column: span.start.col().saturating_add(1) }
    }
}

impl From<ScanError> for Flaw {
    fn from(error: ScanError) -> Self {
        let place = error.marker();
        Self { line: place.line(), column: place.col().saturating_add(1), text: error.to_string() }
    }
}

/// The document of a text; nothing but white space and comments is null.
///
/// # Errors
/// Where it is no YAML, holds more than one document, or a key twice.
pub fn document(text: &str) -> Result<Value, Flaw> {
    let mut composer = Composer {
        parser: Parser::new_from_str(text),
        anchors: HashMap::new(),
        spent: Spent::default(),
        depth: 0,
    };
    let Some((event, span)) = composer.next()? else { return Ok(Value::Null) };
    let root = composer.node(event, &span)?;
    match composer.next()? {
        None => Ok(root.value),
        Some((_, span)) => Err(Flaw::at(&span, "only one document is expected")),
    }
}

/// What is put together, and how high it is.
#[derive(Clone, Debug)]
struct Node {
    value: Value,
    height: usize,
}

/// How much was put together.
#[derive(Clone, Copy, Debug, Default)]
struct Spent {
    nodes: usize,
    bytes: usize,
}

struct Composer<'a> {
    parser: Parser<'a, StrInput<'a>>,
    anchors: HashMap<usize, (Node, Spent)>,
    spent: Spent,
    depth: usize,
}

impl<'a> Composer<'a> {
    /// The next event that stands for a node or an end of one; none at the end of all.
    fn next(&mut self) -> Result<Option<(Event<'a>, Span)>, Flaw> {
        while let Some(event) = self.parser.next_event() {
            let (event, span) = event?;
            let counts = matches!(
                event,
                Event::Scalar(..)
                    | Event::SequenceStart(..)
                    | Event::SequenceEnd
                    | Event::MappingStart(..)
                    | Event::MappingEnd
                    | Event::Alias(_)
            );
            if counts {
                return Ok(Some((event, span)));
            }
        }
        Ok(None)
    }

    fn must(&mut self, within: &Span) -> Result<(Event<'a>, Span), Flaw> {
        self.next()?.ok_or_else(|| Flaw::at(within, "this is not brought to its end"))
    }

    fn spend(&mut self, span: &Span, nodes: usize, bytes: usize) -> Result<(), Flaw> {
        self.spent.nodes = self.spent.nodes.saturating_add(nodes);
        self.spent.bytes = self.spent.bytes.saturating_add(bytes);
        if self.spent.nodes > MOST_NODES || self.spent.bytes > MOST_BYTES {
            return Err(Flaw::at(span, "the document holds too much"));
        }
        Ok(())
    }

    fn node(&mut self, event: Event<'a>, span: &Span) -> Result<Node, Flaw> {
        let before = self.spent;
        let (node, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.spend(span, 1, text.len())?;
                (Node { value: scalar(&text, style, tag.as_deref()), height: 0 }, anchor)
            }
            Event::SequenceStart(_, anchor, _) => (self.within(span, Self::sequence)?, anchor),
            Event::MappingStart(_, anchor, _) => (self.within(span, Self::mapping)?, anchor),
            Event::Alias(id) => return self.copy(id, span),
            _ => return Err(Flaw::at(span, "a value is expected")),
        };
        if anchor != 0 {
            let nodes = self.spent.nodes.saturating_sub(before.nodes);
            let bytes = self.spent.bytes.saturating_sub(before.bytes);
            self.anchors.insert(anchor, (node.clone(), Spent { nodes, bytes }));
        }
        Ok(node)
    }

    fn within(
        &mut self,
        span: &Span,
        read: impl FnOnce(&mut Self, &Span) -> Result<Node, Flaw>,
    ) -> Result<Node, Flaw> {
        self.spend(span, 1, 0)?;
        self.depth = self.depth.saturating_add(1);
        self.not_too_deep(span, 0)?;
        let node = read(self, span)?;
        self.depth = self.depth.saturating_sub(1);
        Ok(node)
    }

    fn not_too_deep(&self, span: &Span, height: usize) -> Result<(), Flaw> {
        if self.depth.saturating_add(height) > MOST_DEPTH {
            return Err(Flaw::at(span, format!("things lie more than {MOST_DEPTH} deep in one another")));
        }
        Ok(())
    }

    fn copy(&mut self, id: usize, span: &Span) -> Result<Node, Flaw> {
        let Some((node, Spent { nodes, bytes })) = self.anchors.get(&id).cloned() else {
            return Err(Flaw::at(span, "an alias is within what it stands for"));
        };
        self.not_too_deep(span, node.height)?;
        self.spend(span, nodes, bytes)?;
        Ok(node)
    }

    fn sequence(&mut self, span: &Span) -> Result<Node, Flaw> {
        let (mut items, mut height) = (Vec::new(), 0);
        loop {
            let (event, at) = self.must(span)?;
            if event == Event::SequenceEnd {
                return Ok(Node { value: Value::Array(items), height: height + 1 });
            }
            let node = self.node(event, &at)?;
            height = height.max(node.height);
            items.push(node.value);
        }
    }

    fn mapping(&mut self, span: &Span) -> Result<Node, Flaw> {
        let (mut members, mut merged, mut height) = (Map::new(), Vec::new(), 0);
        loop {
            let (event, at) = self.must(span)?;
            if event == Event::MappingEnd {
                break;
            }
            let Event::Scalar(key, style, _, _) = event else {
                return Err(Flaw::at(&at, "a key has to be text"));
            };
            self.spend(&at, 0, key.len())?;
            let (event, value_at) = self.must(&at)?;
            let node = self.node(event, &value_at)?;
            height = height.max(node.height);
            if key == "<<" && style == ScalarStyle::Plain {
                merged.push((node.value, value_at));
            } else if members.insert(key.to_string(), node.value).is_some() {
                return Err(Flaw::at(&at, format!("the key {key} stands there twice")));
            }
        }
        for (value, at) in merged {
            merge(&mut members, value, &at)?;
        }
        Ok(Node { value: Value::Object(members), height: height + 1 })
    }
}

/// Adds members that an object does not have itself.
fn merge(members: &mut Map<String, Value>, value: Value, at: &Span) -> Result<(), Flaw> {
    let sources = match value {
        Value::Array(items) => items,
        one => vec![one],
    };
    for source in sources {
        let Value::Object(source) = source else {
            return Err(Flaw::at(at, "only members of an object can be merged"));
        };
        for (key, value) in source {
            members.entry(key).or_insert(value);
        }
    }
    Ok(())
}

fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Value {
    let forced = tag.is_some_and(|tag| tag.suffix() == "str" || [tag.handle(), tag.suffix()].concat() == "!");
    if style != ScalarStyle::Plain || forced {
        return Value::from(text);
    }
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_plain_scalar_is_what_it_is_in_json_and_text_otherwise() {
        for text in [
            "no",
            "yes",
            "on",
            "y",
            "007",
            "0x10",
            "0o17",
            "1_000",
            "12:30:45",
            ".inf",
            "+5",
            "1e3",
            "12E03",
            "1.",
            "2026-01-01",
        ] {
            assert_eq!(document(&format!("a: {text}")), Ok(json!({"a": text})));
        }
        for number in ["7", "-1.50", "123456789012345678901234567890", "0.10"] {
            let found = document(&format!("a: {number}")).unwrap();
            assert_eq!(found["a"].as_number().map(Number::as_str), Some(number));
        }
        for (text, value) in [
            ("", json!(null)),
            ("~", json!(null)),
            ("True", json!(true)),
            ("!!str 5", json!("5")),
            ("'7'", json!("7")),
            ("\"no\"", json!("no")),
            ("|\n  a\n  b\n", json!("a\nb\n")),
            ("# nothing", json!(null)),
        ] {
            assert_eq!(document(&format!("a: {text}")), Ok(json!({"a": value})), "{text}");
        }
        assert_eq!(document("1: a\n~: b"), Ok(json!({"1": "a", "~": "b"})));
        assert_eq!(document("# nothing\n"), Ok(Value::Null));
        assert_eq!(document("--- # one\na: [1]\n...\n"), Ok(json!({"a": [1]})));
    }

    #[test]
    fn aliases_and_merges_are_written_out_and_count() {
        let text = "x: &x {a: 1, b: 2}\ny: {<<: *x, b: 3}\nz: *x\nw: {<<: [{a: 0}, *x]}";
        let whole = json!({"x": {"a": 1, "b": 2}, "y": {"b": 3, "a": 1}, "z": {"a": 1, "b": 2}, "w": {"a": 0, "b": 2}});
        assert_eq!(document(text), Ok(whole));
        let mut bomb = "a0: &a0 [x]\n".to_owned();
        for number in 1..60 {
            let before = format!("*a{}", number - 1);
            bomb.push_str(&format!("a{number}: &a{number} [{before},{before},{before},{before},{before}]\n"));
        }
        assert_eq!(document(&bomb).unwrap_err().text, "the document holds too much");
        let mut tower = "a0: &a0 [x]\n".to_owned();
        for number in 1..100 {
            tower.push_str(&format!("a{number}: &a{number} [*a{}]\n", number - 1));
        }
        assert!(document(&tower).unwrap_err().text.contains("deep"));
        assert!(document("a: &a [*a]").is_err());
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let place = |text: &str| document(text).map_err(|flaw| (flaw.line, flaw.column)).unwrap_err();
        assert_eq!(place("a: 1\nb: 2\na: 3"), (3, 1));
        assert_eq!(place("a:\n  {b: 1, b: 2}"), (2, 10));
        assert_eq!(place("a: 1\n---\nb: 2"), (3, 1));
        assert_eq!(place("[a]: 1").0, 1);
        assert_eq!(place("a: {").0, 1);
        assert_eq!(place("a: 1\n<<: 5").0, 2);
        assert!(document(&"[".repeat(100_000)).is_err());
        assert!(
            document(&format!("{}1{}", "{a: ".repeat(70), "}".repeat(70))).unwrap_err().text.contains("deep")
        );
    }
}
