//! Values compared as Python compares them (processing 3.4.2).
//!
//! The operand decides: a number in it makes the field a number. Invariant: total; what Python would raise on is
//! a [`Surprise`].

use std::cmp::Ordering;

use serde_json::Value;

use super::Surprise;
use crate::processing::python::{integer_of_text, repr, to_integer, type_name};

/// How two values are to relate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relation {
    Equal,
    Unequal,
    Less,
    Greater,
    AtMost,
    AtLeast,
}

impl Relation {
    /// Whether the field relates so to the operand.
    ///
    /// # Errors
    ///
    /// A field that can not become what the operand is, or two values without an order.
    pub(super) fn holds(self, field: &Value, operand: &Value) -> Result<bool, Surprise> {
        if let Some(wanted) = number(operand) {
            return Ok(self.admits(converted(field, operand)?.order(wanted)));
        }
        match self {
            Self::Equal => Ok(equal(field, operand)),
            Self::Unequal => Ok(!equal(field, operand)),
            _ => Ok(self.admits(order(field, operand)?)),
        }
    }

    /// `None` is the order of what is not a number.
    fn admits(self, order: Option<Ordering>) -> bool {
        match self {
            Self::Equal => order == Some(Ordering::Equal),
            Self::Unequal => order != Some(Ordering::Equal),
            Self::Less => order == Some(Ordering::Less),
            Self::Greater => order == Some(Ordering::Greater),
            Self::AtMost => matches!(order, Some(Ordering::Less | Ordering::Equal)),
            Self::AtLeast => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
        }
    }
}

/// A number, as exact as it can be.
#[derive(Clone, Copy, Debug)]
enum Number {
    Integer(i128),
    Float(f64),
}

impl Number {
    fn order(self, other: Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Integer(a), Self::Integer(b)) => Some(a.cmp(&b)),
            (a, b) => a.float().partial_cmp(&b.float()),
        }
    }

    #[expect(clippy::as_conversions, reason = "the nearest float is wanted, as in Python")]
    fn float(self) -> f64 {
        match self {
            Self::Integer(integer) => integer as f64,
            Self::Float(float) => float,
        }
    }
}

/// Numbers and booleans as numbers.
fn number(value: &Value) -> Option<Number> {
    match value {
        Value::Number(number) if type_name(value) == "float" => {
            number.as_str().parse().ok().map(Number::Float)
        }
        Value::Number(_) | Value::Bool(_) => to_integer(value).map(Number::Integer),
        _ => None,
    }
}

/// The field as a number of the operand's sort.
fn converted(field: &Value, operand: &Value) -> Result<Number, Surprise> {
    let wanted = if type_name(operand) == "float" { "float" } else { "int" };
    let number = if wanted == "float" {
        float(field).map(Number::Float)
    } else {
        to_integer(field).map(Number::Integer)
    };
    number.ok_or_else(|| Surprise(format!("{} is no {wanted}", shortened(field))))
}

fn float(value: &Value) -> Option<f64> {
    match value {
        // Python reads the same words for what is no number and for the infinities.
        Value::String(text) => text.trim().parse().ok().or_else(|| {
            let integer = integer_of_text(text)?;
            Some(Number::Integer(integer).float())
        }),
        other => number(other).map(Number::float),
    }
}

fn shortened(value: &Value) -> String {
    repr(value).chars().take(60).collect()
}

/// `field == operand`.
fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(name, a)| b.get(name).is_some_and(|b| equal(a, b)))
        }
        _ => match (number(a), number(b)) {
            (Some(a), Some(b)) => a.order(b) == Some(Ordering::Equal),
            _ => a == b,
        },
    }
}

/// The order of two values of one sort; lists are ordered by their first difference.
fn order(a: &Value, b: &Value) -> Result<Option<Ordering>, Surprise> {
    match (a, b) {
        (Value::String(a), Value::String(b)) => Ok(Some(a.cmp(b))),
        (Value::Array(a), Value::Array(b)) => match a.iter().zip(b).find(|(a, b)| !equal(a, b)) {
            Some((a, b)) => order(a, b),
            None => Ok(Some(a.len().cmp(&b.len()))),
        },
        _ => match (number(a), number(b)) {
            (Some(a), Some(b)) => Ok(a.order(b)),
            _ => Err(Surprise(format!("{} and {} have no order", type_name(a), type_name(b)))),
        },
    }
}
