//! Root device hints: how an operator names the root disk (processing 2.6.6 to 2.6.11).
//!
//! Parsed once, then matched against each disk. Invariant: any hints and any disk are answered, with a match or
//! with the contract's refusal. It must not know nodes.

mod expression;
mod hint;

use std::str::FromStr;

use serde_json::Value;

use crate::node_service::Object;
use crate::processing::python::to_text;
use hint::Hint;

/// The names of hints, in the order in which refusals list them.
const VALID: &str = "size, model, wwn, serial, vendor, wwn_with_extension, wwn_vendor_extension, name, \
                     rotational, hctl, by_path";

/// Hints that are not valid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HintError {
    /// Not an object.
    #[error("The hints are not an object")]
    NotAnObject,
    /// Names that are no hints.
    #[error("The hints \"{0}\" are invalid. Valid hints are: \"{VALID}\"")]
    UnknownNames(String),
    /// A hint of text with another type.
    #[error("Root device hint \"{0}\" is not a string value. Hint expression: {1}")]
    NotText(String, String),
    /// Nothing to compare with.
    #[error("Root device hint \"{0}\" expression is empty")]
    Empty(String),
    /// A size that is no integer.
    #[error("Root device hint \"size\" is not an integer value. Current value: {0}")]
    NotAnInteger(String),
    /// A size of zero or less.
    #[error("Root device hint \"size\" should be a positive integer. Current value: {0}")]
    NotPositive(String),
    /// A size with an operator for text.
    #[error("Root device hint \"size\" can not be used with this operator. Current value: {0}")]
    TextOperator(String),
    /// Neither yes nor no.
    #[error("Root device hint \"rotational\" is not a Boolean value. Current value: {0}")]
    NotBoolean(String),
    /// A range without its brackets or bounds.
    #[error("Root device hint \"{0}\" is not a range of the form <range-in> [ a b ]. Current value: {1}")]
    NotARange(String, String),
}

/// All hints of a node; a disk has to satisfy each.
#[derive(Clone, Debug, PartialEq)]
pub struct Hints(Vec<Hint>);

impl Hints {
    /// Reads `properties.root_device`.
    ///
    /// # Errors
    ///
    /// Unknown names, or a value that its hint does not allow.
    pub fn parse(hints: &Value) -> Result<Self, HintError> {
        let hints = hints.as_object().ok_or(HintError::NotAnObject)?;
        let valid: Vec<&str> = VALID.split(", ").collect();
        let unknown: Vec<&str> =
            hints.keys().map(String::as_str).filter(|name| !valid.contains(name)).collect();
        if !unknown.is_empty() {
            return Err(HintError::UnknownNames(unknown.join(", ")));
        }
        hints.iter().map(|(name, value)| Hint::parse(name, value)).collect::<Result<_, _>>().map(Self)
    }

    /// Whether the disk satisfies all hints.
    #[must_use]
    pub fn match_disk(&self, disk: &Object) -> bool {
        self.0.iter().all(|hint| hint.matches(disk))
    }
}

/// A boolean in one of the usual words.
struct Word(bool);

impl FromStr for Word {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text.trim().to_lowercase().as_str() {
            "1" | "t" | "true" | "on" | "y" | "yes" => Ok(Self(true)),
            "0" | "f" | "false" | "off" | "n" | "no" => Ok(Self(false)),
            _ => Err(()),
        }
    }
}

fn boolean(value: &Value) -> Option<bool> {
    to_text(value).parse::<Word>().ok().map(|word| word.0)
}

#[cfg(test)]
mod tests;
