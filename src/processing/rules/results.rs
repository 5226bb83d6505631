//! What became of the rules of one run, for whoever asks why a node is as it is.
//!
//! Invariant: bounded; what is left out is counted.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Entries of one kind at most.
const LIMIT: usize = 100;
/// Characters of a text that is shown.
const MAX_TEXT: usize = 200;

/// Which rules held, which one failed, and which conditions could not be judged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Results {
    /// The rules that held, in the order in which their actions were carried out.
    pub matched: Vec<MatchedRule>,
    /// The rule of which an action failed; those after it did nothing.
    #[serde(default)]
    #[schema(required)]
    pub failed: Option<String>,
    /// Conditions that counted as false because the data is odd.
    #[serde(default)]
    #[schema(required)]
    pub doubts: Vec<Doubt>,
    /// Entries that were left out because there were too many.
    #[serde(default)]
    #[schema(required)]
    pub left_out: usize,
}

/// A rule that held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MatchedRule {
    /// What it is for.
    #[schema(required)]
    pub description: Option<String>,
    /// Its name.
    pub uuid: String,
}

/// A condition that could not be judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Doubt {
    /// What it is applied to.
    pub field: String,
    /// What is odd.
    pub problem: String,
    /// The rule that it belongs to.
    pub rule: String,
}

impl Results {
    /// Whether there is nothing to tell.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn add_match(&mut self, uuid: &str, description: Option<&str>) {
        let description = description.map(cut);
        self.left_out = self
            .left_out
            .saturating_add(push(&mut self.matched, MatchedRule { description, uuid: uuid.to_owned() }));
    }

    pub(super) fn add_doubt(&mut self, rule: &str, field: &str, problem: &str) {
        let doubt = Doubt { field: cut(field), problem: cut(problem), rule: rule.to_owned() };
        self.left_out = self.left_out.saturating_add(push(&mut self.doubts, doubt));
    }
}

/// Adds one more; answers how many were left out by it.
fn push<T>(all: &mut Vec<T>, one: T) -> usize {
    if all.len() >= LIMIT {
        return 1;
    }
    all.push(one);
    0
}

fn cut(text: &str) -> String {
    text.chars().take(MAX_TEXT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_bounded_and_count_what_is_left_out() {
        let mut results = Results::default();
        assert!(results.is_empty());
        for _ in 0..LIMIT + 3 {
            results.add_match("a", Some(&"long ".repeat(1000)));
            results.add_doubt("a", "b", "c");
        }
        assert_eq!((results.matched.len(), results.doubts.len(), results.left_out), (LIMIT, LIMIT, 6));
        assert!(serde_json::to_string(&results).unwrap().len() < 50_000);
    }
}
