//! The operators of conditions (processing 3.4).

use std::net::IpAddr;

use fancy_regex::{Regex, RegexBuilder};
use serde_json::Value;

use super::Surprise;
use super::compare::Relation;
use super::network::Network;
use super::params::Signature;
use crate::node_service::Object;
use crate::processing::python::{repr, to_text, type_name};

/// How far one regular expression may go back on one text.
const BACKTRACK_LIMIT: usize = 100_000;
/// How large a compiled regular expression may become.
const REGEX_BYTES: usize = 1 << 20;

/// The names of all operators.
pub(super) const NAMES: [&str; 10] =
    ["eq", "ne", "lt", "gt", "le", "ge", "in-net", "matches", "contains", "is-empty"];

/// How much of a text the patterns of `matches` speak of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Matching {
    /// All of it, with each alternative.
    #[default]
    Whole,
    /// As the ancestor has it: from its beginning, and to its end with the last alternative only.
    LastAlternative,
}

impl Matching {
    /// The pattern with what holds it to the text.
    fn framed(self, pattern: &str) -> String {
        match self {
            Self::Whole => format!(r"\A(?:{pattern})\z"),
            Self::LastAlternative if pattern.ends_with('$') => format!(r"\A(?:{pattern})"),
            // The end, for the ancestor, is also before a line feed that ends the text.
            Self::LastAlternative => format!(r"\A(?:{pattern}\n?\z)"),
        }
    }
}

/// An operator with its operand.
#[derive(Clone, Debug)]
pub(super) enum Test {
    Compare(Relation, Value),
    InNet(Network),
    Regex(Box<Regex>),
    IsEmpty,
}

impl Test {
    /// Makes the operator of this name.
    ///
    /// # Errors
    ///
    /// What is wrong with its parameters.
    pub(super) fn new(op: &str, params: &Object, matching: Matching) -> Result<Self, String> {
        let operand = params.get("value").unwrap_or(&Value::Null);
        check(op, params)?;
        Ok(match op {
            "eq" => Self::Compare(Relation::Equal, operand.clone()),
            "ne" => Self::Compare(Relation::Unequal, operand.clone()),
            "lt" => Self::Compare(Relation::Less, operand.clone()),
            "gt" => Self::Compare(Relation::Greater, operand.clone()),
            "le" => Self::Compare(Relation::AtMost, operand.clone()),
            "ge" => Self::Compare(Relation::AtLeast, operand.clone()),
            "in-net" => Self::InNet(network(operand)?),
            "matches" => Self::Regex(Box::new(regex(operand, |pattern| matching.framed(pattern))?)),
            "contains" => Self::Regex(Box::new(regex(operand, str::to_owned)?)),
            _ => Self::IsEmpty,
        })
    }

    /// Whether the value passes.
    ///
    /// # Errors
    ///
    /// A value that the operator can not be applied to.
    pub(super) fn passes(&self, value: &Value) -> Result<bool, Surprise> {
        match self {
            Self::Compare(relation, operand) => relation.holds(value, operand),
            Self::InNet(network) => {
                let address = value.as_str().and_then(|text| text.parse::<IpAddr>().ok());
                let none = || Surprise(format!("{} is no IP address", type_name(value)));
                address.map(|address| network.contains(address)).ok_or_else(none)
            }
            Self::Regex(regex) => {
                let gave_up = |error: fancy_regex::Error| Surprise(error.to_string());
                regex.is_match(&to_text(value)).map_err(gave_up)
            }
            Self::IsEmpty => Ok(is_empty(value)),
        }
    }
}

fn check(op: &str, params: &Object) -> Result<(), String> {
    let takes = |required| Signature { required, optional: &[], nullable: &[] };
    match op {
        "is-empty" => takes(&[]).check(params),
        // Further parameters of these two have always been kept and ignored.
        "matches" | "contains" if params.get("value").is_some_and(|value| !value.is_null()) => Ok(()),
        _ => takes(&["value"]).check(params),
    }
}

fn network(operand: &Value) -> Result<Network, String> {
    let network = operand.as_str().and_then(Network::parse);
    network.ok_or_else(|| format!("invalid value: invalid IPNetwork {}", to_text(operand)))
}

/// Compiles the pattern alone first: `a)(b` must not become valid by what is put around it.
fn regex(operand: &Value, framed: impl Fn(&str) -> String) -> Result<Regex, String> {
    let invalid = |reason: &str| format!("invalid regular expression: {reason}");
    let Value::String(pattern) = operand else {
        return Err(invalid(&format!("{} is not of type 'string'", repr(operand))));
    };
    let build = |pattern: &str| {
        RegexBuilder::new(pattern)
            .backtrack_limit(BACKTRACK_LIMIT)
            .delegate_size_limit(REGEX_BYTES)
            .build()
            .map_err(|error| invalid(&error.to_string()))
    };
    build(pattern)?;
    build(&framed(pattern))
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}
