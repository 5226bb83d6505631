//! All rules together: those that come with the program, and over them those of a file.
//!
//! Invariant: every rule that is referred to is there, and none refers to itself, however far around; a name of the
//! file either is one of ours or is referred to.

use std::collections::{BTreeMap, BTreeSet};

use super::caller::Caller;
use super::check::Check;
use super::parser;

/// A rule as it comes with the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its name.
    pub name: &'static str,
    /// What it says.
    pub check: String,
}

/// The rules by their names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    checks: BTreeMap<String, Check>,
    /// Names of rules that compare with a target.
    of_target: Vec<String>,
}

impl Rules {
    /// Puts the rules together.
    ///
    /// # Errors
    /// What is wrong, with the name of the rule.
    pub fn new(ours: &[Source], file: &BTreeMap<String, String>) -> Result<Self, String> {
        let known: BTreeSet<&str> = ours.iter().map(|source| source.name).collect();
        let mut texts: BTreeMap<&str, &str> =
            ours.iter().map(|source| (source.name, source.check.as_str())).collect();
        texts.extend(file.iter().map(|(name, text)| (name.as_str(), text.as_str())));
        let checks = texts.into_iter().map(|(name, text)| read(name, text)).collect::<Result<_, _>>()?;
        let rules = Self { of_target: of_target(&checks), checks };
        rules.check_references()?;
        rules.check_names(&known, file)?;
        Ok(rules)
    }

    /// Whether a rule allows the caller. Nobody is allowed by a rule that is not there.
    #[must_use]
    pub fn allow(&self, name: &str, caller: &Caller) -> bool {
        self.checks.get(name).is_some_and(|check| check.allows(caller, &self.checks))
    }

    /// Names of rules that compare with a target (`%(project_id)s`), which nobody satisfies.
    #[must_use]
    pub fn of_target(&self) -> &[String] {
        &self.of_target
    }

    fn check_references(&self) -> Result<(), String> {
        let mut good = BTreeSet::new();
        self.checks.keys().try_for_each(|name| self.follow(name, &mut Vec::new(), &mut good))
    }

    /// Follows what a rule refers to; `path` leads to it, and nothing leads from the `good` to themselves.
    fn follow<'a>(
        &'a self,
        name: &'a str,
        path: &mut Vec<&'a str>,
        good: &mut BTreeSet<&'a str>,
    ) -> Result<(), String> {
        if good.contains(name) {
            return Ok(());
        }
        if path.contains(&name) {
            return Err(format!("{name}: it refers to itself"));
        }
        let Some(check) = self.checks.get(name) else {
            let from = path.last().copied().unwrap_or_default();
            return Err(format!("{from}: there is no rule {name}, which it refers to"));
        };
        path.push(name);
        check.references().into_iter().try_for_each(|other| self.follow(other, path, good))?;
        path.pop();
        good.insert(name);
        Ok(())
    }

    /// A slip in a name would leave a default in force that was meant to be replaced.
    fn check_names(&self, known: &BTreeSet<&str>, file: &BTreeMap<String, String>) -> Result<(), String> {
        let referred: BTreeSet<&str> = self.checks.values().flat_map(Check::references).collect();
        match file.keys().find(|name| !known.contains(name.as_str()) && !referred.contains(name.as_str())) {
            Some(name) => Err(format!("{name}: there is no such rule, and no other rule refers to it")),
            None => Ok(()),
        }
    }
}

fn read(name: &str, text: &str) -> Result<(String, Check), String> {
    let check = parser::parse(text).map_err(|wrong| format!("{name}: {wrong}"))?;
    Ok((name.to_owned(), check))
}

fn of_target(checks: &BTreeMap<String, Check>) -> Vec<String> {
    let compares = |check: &Check| {
        let mut found = false;
        check.walk(&mut |part| found |= *part == Check::OfTarget);
        found
    };
    checks.iter().filter(|(_, check)| compares(check)).map(|(name, _)| name.clone()).collect()
}
