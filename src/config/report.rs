//! What was found out about a configuration: one line each, so that it can go to a log or a terminal.

/// What was found out about a configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// What prevents a start.
    pub problems: Vec<String>,
    /// What was accepted but should be looked at.
    pub warnings: Vec<String>,
    /// Names that mean nothing.
    pub unknown: Vec<String>,
}

impl Report {
    /// Whether nothing prevents a start and every name is known. Warnings do not count.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.problems.is_empty() && self.unknown.is_empty()
    }

    /// The one line that a refused start shows, if it is refused.
    #[must_use]
    pub fn refusal(&self) -> Option<String> {
        let (first, more) = self.problems.split_first()?;
        Some(match more.len() {
            0 => first.clone(),
            count => format!("{first} (and {count} more; \"rollcall config check\" lists them)"),
        })
    }
}
