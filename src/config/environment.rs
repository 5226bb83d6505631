//! The environment: `ROLLCALL_<OPTION>` and `ROLLCALL_<SECTION>__<OPTION>`.
//!
//! Invariant: what is said of a variable names it and never shows its value.

use super::draft::{Draft, Found};
use super::names;

/// What all variables begin with.
const PREFIX: &str = "ROLLCALL_";

/// What other parts read: the file's name, what is logged, and what the tests are told.
const OTHERS: [&str; 13] = [
    "ROLLCALL_CONFIG",
    "ROLLCALL_URL",
    "ROLLCALL_PASSWORD",
    "ROLLCALL_LOG",
    "ROLLCALL_BIN",
    "ROLLCALL_CACHE",
    "ROLLCALL_CONFORMANCE",
    "ROLLCALL_SOAK_SECONDS",
    "ROLLCALL_AGENT_VENV",
    "ROLLCALL_IRONIC_VENV",
    "ROLLCALL_KEYSTONE_VENV",
    "ROLLCALL_SCHEMATHESIS_VENV",
    "ROLLCALL_SCHEMATHESIS_SECONDS",
];
/// Beginning of the names that belong to tests alone.
const TESTS: &str = "ROLLCALL_TEST_";

/// Adds what the environment says, in the order of the variables' names.
pub(super) fn read(variables: impl Iterator<Item = (String, String)>, draft: &mut Draft) {
    let is_option =
        |name: &str| name.starts_with(PREFIX) && !name.starts_with(TESTS) && !OTHERS.contains(&name);
    let mut ours: Vec<_> = variables.filter(|(name, _)| is_option(name)).collect();
    ours.sort();
    for (variable, value) in ours {
        add(&variable, value, draft);
    }
}

fn add(variable: &str, value: String, draft: &mut Draft) {
    let option = variable.strip_prefix(PREFIX).unwrap_or(variable).to_lowercase();
    let (section, name) = option.split_once("__").unwrap_or(("", option.as_str()));
    match names::section(section) {
        Some(section) => draft.put(variable, section, name, Found::Text(value)),
        None => draft.report.unknown.push(format!("{variable}: {section} is not a known section")),
    }
}
