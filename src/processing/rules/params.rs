//! The parameters of operators and actions: which must be there, which may.

use crate::node_service::Object;

/// What an operator or an action takes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signature {
    /// These must be given, and not as null.
    pub required: &'static [&'static str],
    /// These may be given.
    pub optional: &'static [&'static str],
    /// These may be null, but must be there.
    pub nullable: &'static [&'static str],
}

impl Signature {
    /// Checks that all is there and nothing else.
    ///
    /// # Errors
    ///
    /// The names that are missing or too much, in words.
    pub(super) fn check(&self, params: &Object) -> Result<(), String> {
        let is_given = |name: &str| {
            params.get(name).is_some_and(|value| !value.is_null() || self.nullable.contains(&name))
        };
        let required = || self.required.iter().chain(self.nullable).copied();
        let known = |name: &str| required().chain(self.optional.iter().copied()).any(|known| known == name);
        let missing: Vec<&str> = required().filter(|name| !is_given(name)).collect();
        let unexpected: Vec<&str> =
            params.keys().map(String::as_str).filter(|name| is_given(name) && !known(name)).collect();
        let lines: Vec<String> = [("missing required", missing), ("unexpected", unexpected)]
            .into_iter()
            .filter(|(_, names)| !names.is_empty())
            .map(|(what, names)| format!("{what} parameter(s): {}", names.join(", ")))
            .collect();
        if lines.is_empty() { Ok(()) } else { Err(lines.join("; ")) }
    }
}
