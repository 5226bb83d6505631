//! The rule set that is in force, compiled.

use std::sync::{Arc, PoisonError, RwLock};

use crate::config::Config;
use crate::error::Result;
use crate::processing::rules::{Matching, Rule, RuleSet};
use crate::store::Store;

/// The compiled rules, and the generation that they are of.
#[derive(Default)]
pub struct RuleBook {
    /// What patterns speak of; of a dry run too.
    pub matching: Matching,
    current: RwLock<Option<(i64, Arc<RuleSet>)>>,
}

impl RuleBook {
    /// An empty one, for rules as they are understood here.
    #[must_use]
    pub fn from_config(config: &Config) -> Self {
        let is_whole = config.processing.rules_match_whole_text;
        let matching = if is_whole { Matching::Whole } else { Matching::LastAlternative };
        Self { matching, ..Self::default() }
    }

    /// The rules as they are in the database now; compiled anew where another generation is there. Blocks.
    ///
    /// # Errors
    /// Where the database can not be read and nothing was compiled before.
    pub fn current(&self, store: &Store) -> Result<Arc<RuleSet>> {
        let known = self.current.read().unwrap_or_else(PoisonError::into_inner).clone();
        let generation = known.as_ref().map(|(generation, _)| *generation);
        match (read_newer(store, generation), known) {
            (Ok(None), Some((_, set))) => Ok(set),
            (Ok(None), None) => Ok(Arc::default()),
            (Ok(Some((generation, rules))), _) => Ok(self.replace(generation, &rules)),
            (Err(error), Some((_, set))) => {
                log::warn!("The rules can not be read, those known before are used error={error}");
                Ok(set)
            }
            (Err(error), None) => Err(error),
        }
    }

    fn replace(&self, generation: i64, rules: &[Rule]) -> Arc<RuleSet> {
        let set = Arc::new(RuleSet::new(rules, self.matching));
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        // Another thread may have read later and been here before.
        if current.as_ref().is_none_or(|(known, _)| *known < generation) {
            *current = Some((generation, Arc::clone(&set)));
        }
        set
    }
}

/// The rules, if the generation is another. It is read first: rules that change in between are read again next time.
fn read_newer(store: &Store, known: Option<i64>) -> Result<Option<(i64, Vec<Rule>)>> {
    store.read_blocking(|session| {
        let generation = session.rules_generation()?;
        if known == Some(generation) {
            return Ok(None);
        }
        Ok(Some((generation, session.rules()?)))
    })
}
