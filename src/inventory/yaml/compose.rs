//! A YAML document as a tree, in which a plain scalar is what it is in JSON and text otherwise.
//!
//! Invariant: no scalar loses a character. `no`, `007`, `0x10` and `1_000` are text, `1.10` is a number that is still
//! written so, and what is in quotes is text always. What is written out is bounded by the text itself; what aliases and
//! merges copy, and what is kept for them, is counted before it is copied.

use std::collections::HashMap;

use granit_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput, Tag};
use serde_json::{Map, Value};

use super::scalar;

/// Nodes that aliases copy at most, and as many are kept for them.
const MOST_NODES: usize = 1_000_000;
/// Bytes of the scalars among them.
const MOST_BYTES: usize = 64 << 20;
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
        made: Size::default(),
        copied: Size::default(),
        kept: Size::default(),
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

/// How much something is.
#[derive(Clone, Copy, Debug, Default)]
struct Size {
    nodes: usize,
    bytes: usize,
}

impl Size {
    fn of(nodes: usize, bytes: usize) -> Self {
        Self { nodes, bytes }
    }

    fn add(&mut self, more: Self) {
        self.nodes = self.nodes.saturating_add(more.nodes);
        self.bytes = self.bytes.saturating_add(more.bytes);
    }

    fn since(self, before: Self) -> Self {
        Self::of(self.nodes.saturating_sub(before.nodes), self.bytes.saturating_sub(before.bytes))
    }

    /// Adds what is copied, where that is not too much.
    fn spend(&mut self, more: Self, span: &Span) -> Result<(), Flaw> {
        self.add(more);
        if self.nodes > MOST_NODES || self.bytes > MOST_BYTES {
            return Err(Flaw::at(span, "anchors and aliases stand for too much"));
        }
        Ok(())
    }
}

struct Composer<'a> {
    parser: Parser<'a, StrInput<'a>>,
    anchors: HashMap<usize, (Node, Size)>,
    /// What was put together.
    made: Size,
    /// What aliases have copied of it.
    copied: Size,
    /// What is kept for aliases.
    kept: Size,
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

    fn node(&mut self, event: Event<'a>, span: &Span) -> Result<Node, Flaw> {
        let before = self.made;
        let (node, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.made.add(Size::of(1, text.len()));
                (leaf(&text, style, tag.as_deref(), span)?, anchor)
            }
            Event::SequenceStart(_, anchor, tag) => {
                has_no_other_tag(tag.as_deref(), "seq", span)?;
                (self.within(span, Self::sequence)?, anchor)
            }
            Event::MappingStart(_, anchor, tag) => {
                has_no_other_tag(tag.as_deref(), "map", span)?;
                (self.within(span, Self::mapping)?, anchor)
            }
            Event::Alias(id) => return self.copy(id, span),
            _ => return Err(Flaw::at(span, "a value is expected")),
        };
        self.keep(anchor, &node, self.made.since(before), span)?;
        Ok(node)
    }

    /// Keeps what has an anchor.
    fn keep(&mut self, anchor: usize, node: &Node, size: Size, span: &Span) -> Result<(), Flaw> {
        if anchor != 0 {
            self.kept.spend(size, span)?;
            self.anchors.insert(anchor, (node.clone(), size));
        }
        Ok(())
    }

    fn within(
        &mut self,
        span: &Span,
        read: impl FnOnce(&mut Self, &Span) -> Result<Node, Flaw>,
    ) -> Result<Node, Flaw> {
        self.made.add(Size::of(1, 0));
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
        let Some((node, size)) = self.anchors.get(&id) else {
            return Err(Flaw::at(span, "an alias is within what it stands for"));
        };
        self.not_too_deep(span, node.height)?;
        self.copied.spend(*size, span)?;
        self.made.add(*size);
        Ok(node.clone())
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
            let Event::Scalar(key, style, anchor, tag) = event else {
                return Err(Flaw::at(&at, "a key has to be text, written out"));
            };
            let size = Size::of(1, key.len());
            self.made.add(size);
            let of_key = leaf(&key, style, tag.as_deref(), &at)?;
            self.keep(anchor, &of_key, size, &at)?;
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

fn leaf(text: &str, style: ScalarStyle, tag: Option<&Tag>, span: &Span) -> Result<Node, Flaw> {
    let value = match tag {
        None if style == ScalarStyle::Plain => scalar::plain(text),
        None => Value::from(text),
        Some(tag) => scalar::tagged(text, tag).map_err(|told| Flaw::at(span, told))?,
    };
    Ok(Node { value, height: 0 })
}

fn has_no_other_tag(tag: Option<&Tag>, kind: &str, span: &Span) -> Result<(), Flaw> {
    match tag {
        Some(tag) if !scalar::is_collection(tag, kind) => Err(Flaw::at(span, scalar::unknown(tag))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Number, json};

    use super::*;

    const TOO_MUCH: &str = "anchors and aliases stand for too much";

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
        for number in ["7", "-1.50", "123456789012345678901234567890", "0.10", "-0", "0.000001"] {
            let found = document(&format!("a: {number}")).unwrap();
            assert_eq!(found["a"].as_number().map(Number::as_str), Some(number));
        }
        for (text, value) in [
            ("", json!(null)),
            ("~", json!(null)),
            ("True", json!(true)),
            ("!!str 5", json!("5")),
            ("! 5", json!("5")),
            ("!!int \"5\"", json!(5)),
            ("!!null ''", json!(null)),
            ("!!seq [1]", json!([1])),
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
        assert_eq!(document(&bomb).unwrap_err().text, TOO_MUCH);
        let mut tower = "a0: &a0 [x]\n".to_owned();
        for number in 1..100 {
            tower.push_str(&format!("a{number}: &a{number} [*a{}]\n", number - 1));
        }
        assert!(document(&tower).unwrap_err().text.contains("deep"));
        assert!(document("a: &a [*a]").is_err());
        assert_eq!(
            document("&k a: 1\nb: *k\n&n 7: c\nd: *n"),
            Ok(json!({"a": 1, "b": "a", "7": "c", "d": 7}))
        );
    }

    #[test]
    fn what_is_kept_for_aliases_counts_and_what_is_written_out_does_not() {
        let nulls = |count: usize| vec!["~"; count].join(",");
        // Each of the lists holds all that is within, and all of them are kept.
        let nested = |count: usize| {
            let opened: String = (0..40).map(|number| format!("&a{number} [")).collect();
            format!("{opened}{}{}", nulls(count), "]".repeat(40))
        };
        assert!(document(&nested(1_000)).is_ok());
        assert_eq!(document(&nested(30_000)).unwrap_err().text, TOO_MUCH);
        let copies = |count: usize| format!("a: &a [{}]\nb: [{}]", nulls(999), vec!["*a"; count].join(","));
        assert!(document(&copies(1_000)).is_ok());
        assert_eq!(document(&copies(1_001)).unwrap_err().text, TOO_MUCH);
        assert!(document(&format!("[{}]", nulls(MOST_NODES + 1))).is_ok());
    }

    #[test]
    fn a_tag_that_says_something_else_is_refused() {
        for text in [
            "!include x",
            "!!binary aGk=",
            "!!timestamp 2026-01-31",
            "!!set {a: ~}",
            "!!map []",
            "!!int 007",
            "!!int 1.5",
            "!!bool no",
            "{!x a: 1}",
            "[!x a]",
        ] {
            assert!(document(&format!("a: {text}")).unwrap_err().text.contains("tag"), "{text}");
        }
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
