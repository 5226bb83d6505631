//! What the TLVs of one interface say, by name.
//!
//! Invariant: a single value is never replaced; a list only grows.

use serde_json::Value;

use crate::node_service::Object;

/// Names and values.
#[derive(Debug, Default)]
pub(super) struct Findings(Object);

impl Findings {
    /// A single value: the first one counts.
    pub fn set(&mut self, name: &str, value: impl Into<Value>) {
        if !self.0.contains_key(name) {
            self.0.insert(name.to_owned(), value.into());
        }
    }

    /// One more of a list.
    pub fn push(&mut self, name: &str, value: impl Into<Value>) {
        let list = self.0.entry(name).or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(items) = list {
            items.push(value.into());
        }
    }

    pub fn into_object(self) -> Object {
        self.0
    }
}

/// The names of the bits that are set; `names` begins with the lowest bit.
pub(super) fn bit_names(bits: u16, names: &[Option<&'static str>]) -> Vec<&'static str> {
    let is_set = |(place, name): (usize, &Option<&'static str>)| {
        let mask = 1_u16.checked_shl(u32::try_from(place).ok()?)?;
        if bits & mask == 0 { None } else { *name }
    };
    names.iter().enumerate().filter_map(is_set).collect()
}
