//! The difference of two snapshots: components that were added, removed or changed.
//!
//! Pure. Invariant: the order is that of the kinds, then of the keys, so that the same question has the same answer;
//! the same snapshot twice has no difference.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::facts::{Components, Facts, KINDS, ONLY, Properties};

/// Values that differ from run to run without any change of the hardware, as `kind.property`.
pub const VOLATILE: [&str; 5] =
    ["cpu.frequency", "nics.has_carrier", "nics.ipv4_address", "nics.ipv6_address", "nics.speed_mbps"];

/// What became of a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It has other properties.
    Changed,
}

/// A property before and after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Values {
    /// Before; null where there was none.
    pub from: Value,
    /// After; null where there is none.
    pub to: Value,
}

/// What became of one component.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Difference {
    /// Its kind.
    pub component: String,
    /// What it is known by; null where there is one a machine.
    #[schema(required)]
    pub key: Option<String>,
    /// What became of it.
    pub change: Verdict,
    /// The properties that differ: of an added or removed component, all that it has.
    pub properties: BTreeMap<String, Values>,
}

/// The differences, leaving out what is volatile.
#[must_use]
pub fn between(from: &Facts, to: &Facts, volatile: &[String]) -> Vec<Difference> {
    let empty = Components::new();
    let mut found = Vec::new();
    for kind in KINDS {
        let (before, after) = (from.0.get(kind).unwrap_or(&empty), to.0.get(kind).unwrap_or(&empty));
        let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        let steady = |name: &str| !volatile.iter().any(|path| is_path(path, kind, name));
        found.extend(keys.into_iter().filter_map(|key| {
            let (change, properties) = compare(before.get(key), after.get(key), steady)?;
            let key = (key != ONLY).then(|| key.clone());
            Some(Difference { component: kind.to_owned(), key, change, properties })
        }));
    }
    found
}

/// Whether `path` names this property: `kind.property`, or `kind` for all of it.
fn is_path(path: &str, kind: &str, name: &str) -> bool {
    match path.split_once('.') {
        Some((of_kind, of_name)) => of_kind == kind && of_name == name,
        None => path == kind,
    }
}

fn compare(
    before: Option<&Properties>,
    after: Option<&Properties>,
    steady: impl Fn(&str) -> bool,
) -> Option<(Verdict, BTreeMap<String, Values>)> {
    let change = match (before, after) {
        (None, _) => Verdict::Added,
        (_, None) => Verdict::Removed,
        _ => Verdict::Changed,
    };
    let empty = Properties::new();
    let (before, after) = (before.unwrap_or(&empty), after.unwrap_or(&empty));
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let value = |side: &Properties, name: &String| side.get(name).cloned().unwrap_or(Value::Null);
    let properties: BTreeMap<String, Values> = names
        .into_iter()
        .filter(|name| steady(name) && before.get(*name) != after.get(*name))
        .map(|name| (name.clone(), Values { from: value(before, name), to: value(after, name) }))
        .collect();
    (!properties.is_empty()).then_some((change, properties))
}

#[cfg(test)]
mod tests;
