//! A rule as it was understood, and whether a caller satisfies it.

use std::collections::BTreeMap;

use super::caller::{Attribute, Caller};

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Check {
    /// `@`, or nothing at all: anybody.
    Always,
    /// `!`: nobody.
    Never,
    /// Compares with an attribute of a target. Requests have no target here, so nobody satisfies it.
    OfTarget,
    /// `not ...`
    Not(Box<Self>),
    /// `... and ...`
    All(Vec<Self>),
    /// `... or ...`
    Any(Vec<Self>),
    /// `rule:NAME`
    Rule(String),
    /// `role:NAME`
    Role(String),
    /// `ATTRIBUTE:VALUE`
    Is(Attribute, String),
}

impl Check {
    /// Whether the caller satisfies it. A rule that is not among the others is satisfied by nobody.
    pub(super) fn allows(&self, caller: &Caller, others: &BTreeMap<String, Self>) -> bool {
        match self {
            Self::Always => true,
            Self::Never | Self::OfTarget => false,
            Self::Not(check) => !check.allows(caller, others),
            Self::All(checks) => checks.iter().all(|check| check.allows(caller, others)),
            Self::Any(checks) => checks.iter().any(|check| check.allows(caller, others)),
            Self::Rule(name) => others.get(name).is_some_and(|check| check.allows(caller, others)),
            Self::Role(name) => caller.has_role(name),
            Self::Is(attribute, value) => caller.is(*attribute, value),
        }
    }

    /// Calls `visit` with each part of the rule, and with the rule itself.
    pub(super) fn walk<'a>(&'a self, visit: &mut dyn FnMut(&'a Self)) {
        visit(self);
        match self {
            Self::Not(check) => check.walk(visit),
            Self::All(checks) | Self::Any(checks) => checks.iter().for_each(|check| check.walk(visit)),
            _ => {}
        }
    }

    /// The names of the rules that it refers to.
    pub(super) fn references(&self) -> Vec<&str> {
        let mut names = Vec::new();
        self.walk(&mut |check| {
            if let Self::Rule(name) = check {
                names.push(name.as_str());
            }
        });
        names
    }
}
