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

/// A value, and what it was found in.
#[derive(Clone)]
struct Found<'a> {
    value: Cow<'a, Value>,
    parent: Option<Rc<Found<'a>>>,
}

type Finds<'a> = Result<Vec<Rc<Found<'a>>>, Surprise>;

/// All values that the expression leads to from the document.
pub(super) fn find<'a>(node: &Node, document: &'a Value) -> Result<Vec<Cow<'a, Value>>, Surprise> {
    let root = Rc::new(Found { value: Cow::Borrowed(document), parent: None });
    let found = Search { steps_left: MAX_STEPS }.from(node, &root)?;
    Ok(found.into_iter().map(|found| found.value.clone()).collect())
}

struct Search {
    steps_left: usize,
}

impl Search {
    fn step(&mut self) -> Result<(), Surprise> {
        self.steps_left = self
            .steps_left
            .checked_sub(1)
            .ok_or_else(|| Surprise(format!("the search looked at {MAX_STEPS} values and was given up")))?;
        Ok(())
    }

    fn from<'a>(&mut self, node: &Node, at: &Rc<Found<'a>>) -> Finds<'a> {
        self.step()?;
        match node {
            Node::This => Ok(vec![Rc::clone(at)]),
            Node::Root => Ok(vec![root(at)]),
            Node::Parent => Ok(at.parent.iter().cloned().collect()),
            Node::Fields(names) => Ok(names.iter().filter_map(|name| field(at, name)).collect()),
            Node::AnyField => self.any_field(at),
            Node::Index(index) => Ok(element(at, *index)?.into_iter().collect()),
            Node::Slice(start, end) => self.slice(at, *start, *end),
            Node::Pair(link, left, right) => self.pair(*link, left, right, at),
        }
    }

    fn pair<'a>(&mut self, link: Link, left: &Node, right: &Node, at: &Rc<Found<'a>>) -> Finds<'a> {
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
    fn descend<'a>(
        &mut self,
        node: &Node,
        at: &Rc<Found<'a>>,
        found: &mut Vec<Rc<Found<'a>>>,
    ) -> Result<(), Surprise> {
        // An index into what has none ends a plain search, but here it only means that this is not the place.
        match self.from(node, at) {
            Ok(here) => found.extend(here),
            Err(surprise) if self.steps_left == 0 => return Err(surprise),
            Err(_) => {}
        }
        for child in children(at) {
            self.descend(node, &child, found)?;
        }
        Ok(())
    }

    fn any_field<'a>(&mut self, at: &Rc<Found<'a>>) -> Finds<'a> {
        let Cow::Borrowed(Value::Object(_)) = at.value else { return Ok(Vec::new()) };
        self.counted(children(at))
    }

    /// Text, an integer, a boolean and an object count as a list of themselves.
    fn slice<'a>(&mut self, at: &Rc<Found<'a>>, start: Option<i64>, end: Option<i64>) -> Finds<'a> {
        let all = match (type_name(&at.value), &at.value) {
            (_, Cow::Borrowed(Value::Array(_))) => self.counted(children(at))?,
            ("str" | "int" | "bool" | "dict", _) => vec![Rc::clone(at)],
            (other, _) => return Err(Surprise(format!("{other} has no elements"))),
        };
        let (from, to) = (bound(start.unwrap_or(0), all.len()), end.map(|end| bound(end, all.len())));
        let to = to.unwrap_or(all.len());
        Ok(all.get(from..to).unwrap_or_default().to_vec())
    }

    fn counted<'a>(&mut self, found: Vec<Rc<Found<'a>>>) -> Finds<'a> {
        for _ in &found {
            self.step()?;
        }
        Ok(found)
    }
}

fn root<'a>(at: &Rc<Found<'a>>) -> Rc<Found<'a>> {
    let mut top = at;
    while let Some(parent) = &top.parent {
        top = parent;
    }
    Rc::clone(top)
}

fn below<'a>(at: &Rc<Found<'a>>, value: Cow<'a, Value>) -> Rc<Found<'a>> {
    Rc::new(Found { value, parent: Some(Rc::clone(at)) })
}

fn field<'a>(at: &Rc<Found<'a>>, name: &str) -> Option<Rc<Found<'a>>> {
    match at.value {
        Cow::Borrowed(Value::Object(members)) => Some(below(at, Cow::Borrowed(members.get(name)?))),
        _ => None,
    }
}

/// All elements or members. Characters of a text are none.
fn children<'a>(at: &Rc<Found<'a>>) -> Vec<Rc<Found<'a>>> {
    match at.value {
        Cow::Borrowed(Value::Object(members)) => {
            members.values().map(|value| below(at, Cow::Borrowed(value))).collect()
        }
        Cow::Borrowed(Value::Array(items)) => {
            items.iter().map(|value| below(at, Cow::Borrowed(value))).collect()
        }
        _ => Vec::new(),
    }
}

/// An element of a list or a character of a text; none where there is no such one.
fn element<'a>(at: &Rc<Found<'a>>, index: i64) -> Result<Option<Rc<Found<'a>>>, Surprise> {
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
    Ok(value.map(|value| below(at, value)))
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
