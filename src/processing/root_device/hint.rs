//! One hint: its name, what it asks for, and whether a disk has it.

use std::cmp::Ordering;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::expression::{Comparison, Expression, Kind, Range};
use super::{HintError, boolean};
use crate::node_service::Object;
use crate::processing::python::{integer_of_text, to_text};

const GIB: f64 = 1_073_741_824.0;

/// What stays readable when text is made comparable.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'_').remove(b'.').remove(b'-').remove(b'~').remove(b'/');

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Hint {
    Rotational(bool),
    Size(Expression<f64>),
    Text { name: String, wanted: Expression<String> },
}

impl Hint {
    pub(super) fn parse(name: &str, value: &Value) -> Result<Self, HintError> {
        match (name, value) {
            ("rotational", value) => {
                boolean(value).map(Self::Rotational).ok_or_else(|| HintError::NotBoolean(to_text(value)))
            }
            ("size", value) => size(&to_text(value)).map(Self::Size),
            (_, Value::String(text)) => {
                let wanted = Expression::parse(name, text)?.map(|operand| Ok(normalised(&operand)))?;
                Ok(Self::Text { name: name.to_owned(), wanted })
            }
            (_, other) => Err(HintError::NotText(name.to_owned(), to_text(other))),
        }
    }

    pub(super) fn matches(&self, disk: &Object) -> bool {
        match self {
            Self::Rotational(wanted) => disk.get("rotational").and_then(boolean) == Some(*wanted),
            Self::Size(wanted) => size_of(disk).is_some_and(|size| size_matches(wanted, size)),
            Self::Text { name, wanted } => {
                let value = normalised(&to_text(disk.get(name).unwrap_or(&Value::Null)));
                !value.is_empty() && text_matches(wanted, &value)
            }
        }
    }
}

fn normalised(text: &str) -> String {
    utf8_percent_encode(&text.trim().to_lowercase(), ENCODED).to_string()
}

/// In GiB, with its fraction: 900 GiB and one byte is not 900 GiB (processing 2.6.9).
fn size_of(disk: &Object) -> Option<f64> {
    match disk.get("size")? {
        Value::Number(bytes) => bytes.as_f64().map(|bytes| bytes / GIB),
        _ => None,
    }
}

fn size(text: &str) -> Result<Expression<f64>, HintError> {
    let expression = Expression::parse("size", text)?;
    let integers = expression.map(|operand| {
        let integer = integer_of_text(&operand).ok_or_else(|| HintError::NotAnInteger(text.to_owned()))?;
        if integer <= 0 {
            return Err(HintError::NotPositive(text.to_owned()));
        }
        integer.to_string().parse().map_err(|_| HintError::NotAnInteger(text.to_owned()))
    })?;
    match integers {
        Expression::Compare(Kind::Text, ..) | Expression::In(_) | Expression::AllIn(_) => {
            Err(HintError::TextOperator(text.to_owned()))
        }
        numeric => Ok(numeric),
    }
}

fn size_matches(wanted: &Expression<f64>, size: f64) -> bool {
    match wanted {
        Expression::Plain(operand) => size.total_cmp(operand).is_eq(),
        Expression::Compare(_, comparison, operand) => comparison.holds(size.total_cmp(operand)),
        Expression::Or(operands) => operands.iter().any(|operand| size.total_cmp(operand).is_eq()),
        Expression::Within(range) => range.contains(|bound| Some(size.total_cmp(bound))),
        Expression::In(_) | Expression::AllIn(_) => false,
    }
}

fn text_matches(wanted: &Expression<String>, value: &str) -> bool {
    match wanted {
        Expression::Plain(operand) => value == operand,
        Expression::Compare(Kind::Text, comparison, operand) => comparison.holds(value.cmp(operand)),
        Expression::Compare(Kind::Number, comparison, operand) => comparison.holds(by_number(value, operand)),
        Expression::Or(operands) => operands.iter().any(|operand| value == operand),
        Expression::In(operand) => value.contains(operand.as_str()),
        Expression::AllIn(operands) => operands.iter().all(|operand| value.contains(operand.as_str())),
        Expression::Within(range) => range.contains(|bound| Some(by_number(value, bound))),
    }
}

/// By number where both are numbers; else as text.
fn by_number(value: &str, operand: &str) -> Ordering {
    match (value.parse::<f64>(), operand.parse::<f64>()) {
        (Ok(value), Ok(operand)) => value.total_cmp(&operand),
        _ => value.cmp(operand),
    }
}

impl Comparison {
    fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::Unequal => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
        }
    }
}

impl<T> Range<T> {
    fn contains(&self, compare: impl Fn(&T) -> Option<Ordering>) -> bool {
        let above = compare(&self.low).is_some_and(|order| self.from.holds(order));
        above && compare(&self.high).is_some_and(|order| self.to.holds(order))
    }
}
