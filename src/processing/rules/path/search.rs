//! The search for what a path leads to.
//!
//! Invariant: every value that is looked at is counted, so that `..` inside `..` ends early on a large document.

use std::borrow::Cow;
use std::rc::Rc;

use serde_json::Value;

use super::{Link, Node};
use crate::processing::python::type_name;
use crate::processing::rules::Surprise;

/// How many values one search may look at.
const MAX_STEPS: usize = 1_000_000;

/// A value, and what it was found in, where that is asked for.
#[derive(Clone)]
struct Found<'a> {
    value: Cow<'a, Value>,
    parent: Option<Rc<Found<'a>>>,
}

type Finds<'a> = Result<Vec<Found<'a>>, Surprise>;

/// All values that the expression leads to from the document.
pub(super) fn find<'a>(node: &Node, document: &'a Value) -> Result<Vec<Cow<'a, Value>>, Surprise> {
    let root = Found { value: Cow::Borrowed(document), parent: None };
    let mut search = Search { steps_left: MAX_STEPS, document, keeps_parents: names_parent(node) };
    Ok(search.from(node, &root)?.into_iter().map(|found| found.value).collect())
}

/// Whether the expression goes up anywhere.
fn names_parent(node: &Node) -> bool {
    match node {
        Node::Parent => true,
        Node::Pair(_, left, right) => names_parent(left) || names_parent(right),
        _ => false,
    }
}

struct Search<'a> {
    steps_left: usize,
    document: &'a Value,
    /// Remembering what each value was found in takes an allocation a value; few paths ask for it.
    keeps_parents: bool,
}

impl<'a> Search<'a> {
    fn step(&mut self) -> Result<(), Surprise> {
        self.steps_left = self
            .steps_left
            .checked_sub(1)
            .ok_or_else(|| Surprise(format!("the search looked at {MAX_STEPS} values and was given up")))?;
        Ok(())
    }

    fn from(&mut self, node: &Node, at: &Found<'a>) -> Finds<'a> {
        self.step()?;
        match node {
            Node::This => Ok(vec![at.clone()]),
            Node::Root => Ok(vec![Found { value: Cow::Borrowed(self.document), parent: None }]),
            Node::Parent => Ok(at.parent.iter().map(|parent| parent.as_ref().clone()).collect()),
            Node::Fields(names) => Ok(self.fields(at, names)),
            Node::AnyField => self.any_field(at),
            Node::Index(index) => Ok(self.element(at, *index)?.into_iter().collect()),
            Node::Slice(start, end) => self.slice(at, *start, *end),
            Node::Pair(link, left, right) => self.pair(*link, left, right, at),
        }
    }

    fn pair(&mut self, link: Link, left: &Node, right: &Node, at: &Found<'a>) -> Finds<'a> {
        if link == Link::Intersection {
            return Err(Surprise("& is not supported in a path".to_owned()));
        }
        let mut found = self.from(left, at)?;
        match link {
            Link::Union => found.extend(self.from(right, at)?),
            Link::Where => {
                let mut kept = Vec::new();
                for one in found {
                    if !self.from(right, &one)?.is_empty() {
                        kept.push(one);
                    }
                }
                found = kept;
            }
            Link::Child | Link::Descendants | Link::Intersection => {
                let mut below = Vec::new();
                for one in &found {
                    match link {
                        Link::Descendants => self.descend(right, one, &mut below)?,
                        _ => below.extend(self.from(right, one)?),
                    }
                }
                found = below;
            }
        }
        Ok(found)
    }

    /// What `node` leads to from here, then from everything below.
    fn descend(&mut self, node: &Node, at: &Found<'a>, found: &mut Vec<Found<'a>>) -> Result<(), Surprise> {
        // An index into what has none ends a plain search, but here it only means that this is not the place.
        match self.from(node, at) {
            Ok(here) => found.extend(here),
            Err(surprise) if self.steps_left == 0 => return Err(surprise),
            Err(_) => {}
        }
        for child in self.children(at) {
            self.descend(node, &child, found)?;
        }
        Ok(())
    }

    fn any_field(&mut self, at: &Found<'a>) -> Finds<'a> {
        let Cow::Borrowed(Value::Object(_)) = at.value else { return Ok(Vec::new()) };
        let found = self.children(at);
        self.counted(found)
    }

    /// Text, an integer, a boolean and an object count as a list of themselves.
    fn slice(&mut self, at: &Found<'a>, start: Option<i64>, end: Option<i64>) -> Finds<'a> {
        let all = match (type_name(&at.value), &at.value) {
            (_, Cow::Borrowed(Value::Array(_))) => {
                let found = self.children(at);
                self.counted(found)?
            }
            ("str" | "int" | "bool" | "dict", _) => vec![at.clone()],
            (other, _) => return Err(Surprise(format!("{other} has no elements"))),
        };
        let (from, to) = (bound(start.unwrap_or(0), all.len()), end.map(|end| bound(end, all.len())));
        let to = to.unwrap_or(all.len());
        if (from, to) == (0, all.len()) {
            return Ok(all);
        }
        Ok(all.get(from..to).unwrap_or_default().to_vec())
    }

    fn counted(&mut self, found: Vec<Found<'a>>) -> Finds<'a> {
        for _ in &found {
            self.step()?;
        }
        Ok(found)
    }

    /// What is found in a value.
    fn below(&self, parent: Option<&Rc<Found<'a>>>, value: Cow<'a, Value>) -> Found<'a> {
        Found { value, parent: parent.map(Rc::clone) }
    }

    /// The value as the parent of others, where that is asked for.
    fn parent(&self, at: &Found<'a>) -> Option<Rc<Found<'a>>> {
        self.keeps_parents.then(|| Rc::new(at.clone()))
    }

    fn fields(&self, at: &Found<'a>, names: &[String]) -> Vec<Found<'a>> {
        let Cow::Borrowed(Value::Object(members)) = at.value else { return Vec::new() };
        let parent = self.parent(at);
        let values = names.iter().filter_map(|name| members.get(name));
        values.map(|value| self.below(parent.as_ref(), Cow::Borrowed(value))).collect()
    }

    /// All elements or members. Characters of a text are none.
    fn children(&self, at: &Found<'a>) -> Vec<Found<'a>> {
        let parent = self.parent(at);
        let one = |value| self.below(parent.as_ref(), Cow::Borrowed(value));
        match at.value {
            Cow::Borrowed(Value::Object(members)) => members.values().map(one).collect(),
            Cow::Borrowed(Value::Array(items)) => items.iter().map(one).collect(),
            _ => Vec::new(),
        }
    }

    /// An element of a list or a character of a text; none where there is no such one.
    fn element(&self, at: &Found<'a>, index: i64) -> Result<Option<Found<'a>>, Surprise> {
        let value = match at.value {
            Cow::Borrowed(Value::Array(items)) => {
                position(index, items.len()).and_then(|at| items.get(at)).map(Cow::Borrowed)
            }
            Cow::Borrowed(Value::Object(members)) if members.is_empty() => None,
            ref other => {
                let text =
                    other.as_str().ok_or_else(|| Surprise(format!("{} has no index", type_name(other))))?;
                position(index, text.chars().count())
                    .and_then(|at| text.chars().nth(at))
                    .map(|c| Cow::Owned(Value::String(c.to_string())))
            }
        };
        Ok(value.map(|value| self.below(self.parent(at).as_ref(), value)))
    }
}

/// An index from the front, or from the end where it is negative.
fn position(index: i64, length: usize) -> Option<usize> {
    match usize::try_from(index) {
        Ok(index) => Some(index),
        Err(_) => length.checked_sub(usize::try_from(index.unsigned_abs()).ok()?),
    }
}

/// A bound of a slice, within the list.
fn bound(index: i64, length: usize) -> usize {
    if index < 0 { position(index, length).unwrap_or(0) } else { position(index, length).unwrap_or(length) }
        .min(length)
}
