//! The path language of conditions (processing 3.3.5): names, indexes, slices, descendants, `where`, unions.
//!
//! Invariant: no path and no document can make a search panic, recurse without bound or run without end; what the
//! language has no answer for is a [`Surprise`]. It must not know rules or nodes.

mod lexer;
mod parser;
mod search;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use serde_json::Value;

use super::Surprise;

/// A path, ready to be searched for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path(Node);

/// One expression of the language.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Node {
    Root,
    This,
    Parent,
    Fields(Vec<String>),
    AnyField,
    Index(i64),
    Slice(Option<i64>, Option<i64>),
    Pair(Link, Box<Node>, Box<Node>),
}

/// How two expressions belong together, the loosest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Link {
    Descendants,
    Child,
    Union,
    Intersection,
    Where,
}

impl Path {
    /// Reads a path.
    ///
    /// # Errors
    ///
    /// What is wrong with it, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        parser::parse(&lexer::tokens(text)?).map(Self)
    }

    /// All values that the path leads to, in order.
    ///
    /// # Errors
    ///
    /// Where the document is of a shape that the path can not be applied to, or the search would take too long.
    pub fn find<'a>(&self, document: &'a Value) -> Result<Vec<Cow<'a, Value>>, Surprise> {
        search::find(&self.0, document)
    }
}
