//! What a document of each kind may hold: JSON schemas, beside this file.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::{Map, Value};

/// The kinds that are understood.
pub(super) const KINDS: [&str; 6] =
    ["HardwareProfile", "HostProfile", "BaremetalNode", "Rack", "Region", "NetworkLink"];

static VALIDATORS: LazyLock<BTreeMap<&str, Validator>> = LazyLock::new(validators);

fn validators() -> BTreeMap<&'static str, Validator> {
    let all: Map<String, Value> = serde_json::from_str(include_str!("schema.json")).unwrap_or_default();
    let made = |kind: &'static str| {
        let mut schema = all.get(kind)?.clone();
        schema.as_object_mut()?.insert("$defs".to_owned(), all.get("$defs")?.clone());
        Some((kind, jsonschema::draft202012::new(&schema).ok()?))
    };
    KINDS.into_iter().filter_map(made).collect()
}

/// Everything that is wrong with the content of a document, with its path.
pub(super) fn violations(kind: &str, content: &Value) -> Vec<(String, String)> {
    let Some(validator) = VALIDATORS.get(kind) else { return Vec::new() };
    let told =
        |error: jsonschema::ValidationError<'_>| (error.instance_path().to_string(), error.to_string());
    validator.iter_errors(content).map(told).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_schema() {
        assert_eq!(VALIDATORS.len(), KINDS.len());
    }
}
