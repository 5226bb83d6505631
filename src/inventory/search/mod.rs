//! The search: what an expression asks for, as typed tests of known fields.
//!
//! Invariant: a search that was read can be asked of the database; what is not known is refused with what there is.
//! It must not know SQL.

mod fields;
mod parser;
#[cfg(test)]
mod tests;

use regex::Regex;

use crate::error::{Error, Result};

pub use fields::{Target, Within};

/// The longest expression.
const LONGEST: usize = 8192;
/// The deepest one.
const DEEPEST: usize = 50;

/// What is asked for.
#[derive(Clone, Debug)]
pub enum Search {
    /// All systems.
    All,
    /// Those that all of it is true of.
    And(Vec<Search>),
    /// Those that any of it is true of.
    Or(Vec<Search>),
    /// All others.
    Not(Box<Search>),
    /// Those that a test is true of.
    Is(Target, Test),
}

/// A test of a value.
#[derive(Clone, Debug)]
pub enum Test {
    /// There is none.
    Null,
    /// It is this one.
    Equal(Bound),
    /// It is in order to this one.
    Compare(Order, Bound),
    /// It lies between these, both included.
    Between(Bound, Bound),
    /// It begins with this text.
    Begins(String),
    /// It looks like this: `*` is any text, `?` any character; case does not count.
    Like(String),
    /// It contains this text; case does not count.
    Contains(String),
    /// A regular expression finds something in it.
    Matches(Regex),
}

/// How a value is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    More,
    /// `>=`
    AtLeast,
}

/// What a value is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bound {
    /// Text.
    Text(String),
    /// A number.
    Int(i64),
    /// Yes or no.
    Bool(bool),
    /// An address: its family and its bytes.
    Address(i16, Vec<u8>),
}

/// Reads an expression.
///
/// # Errors
/// One that is no expression, or asks for what there is not.
pub fn read(text: &str) -> Result<Search> {
    if text.trim().is_empty() {
        return Ok(Search::All);
    }
    if text.contains('\0') {
        return Err(Error::bad_request("Invalid q: there is a NUL character in it"));
    }
    let mut depth: usize = 0;
    let deepest = text.chars().fold(0, |deepest, char| {
        match char {
            '(' | '!' => depth = depth.saturating_add(1),
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth.max(deepest)
    });
    if text.len() > LONGEST || deepest > DEEPEST {
        return Err(Error::bad_request("Invalid q: the expression is too long or too deep"));
    }
    parser::parse(text)
        .and_then(|tree| tree.resolved())
        .map_err(|text| Error::bad_request(format!("Invalid q: {text}")))
}
