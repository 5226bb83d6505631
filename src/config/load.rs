//! From file and environment to the configuration.

use std::path::Path;

use serde::Deserialize;
use toml::Value;

use super::draft::Draft;
use super::{Config, Report, check, environment, file};
use crate::error::{Error, Result};

/// A good configuration, and what is to be logged of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// What was accepted but should be looked at, one line each.
    pub warnings: Vec<String>,
    /// Names that mean nothing, one line each.
    pub unknown: Vec<String>,
}

impl Config {
    /// Reads a file, if one is given, and over it the environment.
    ///
    /// # Errors
    /// One line about the first problem, which names file and line or variable, and the option. It holds no
    /// secrets.
    pub fn load(path: Option<&Path>, env: impl Iterator<Item = (String, String)>) -> Result<Loaded> {
        let (config, report) = inspect(path, env);
        match report.refusal() {
            Some(line) => Err(Error::bad_request(line)),
            None => Ok(Loaded { config, warnings: report.warnings, unknown: report.unknown }),
        }
    }
}

/// Reads a file, if one is given, and over it the environment, and tells all that is to be said of them. The
/// configuration is of use only where there are no problems.
pub fn inspect(path: Option<&Path>, env: impl Iterator<Item = (String, String)>) -> (Config, Report) {
    let mut draft = Draft::default();
    if let Some(path) = path {
        file::read(path, &mut draft);
    }
    environment::read(env, &mut draft);
    finish(draft)
}

/// The configuration of a draft; values that were refused keep their defaults.
pub(super) fn finish(mut draft: Draft) -> (Config, Report) {
    let config = settle(&mut draft);
    (config, draft.report)
}

/// As [`finish`]; what is to be said stays in the draft.
pub(super) fn settle(draft: &mut Draft) -> Config {
    let read = Config::deserialize(Value::Table(draft.values.clone()));
    let mut config = read.unwrap_or_else(|error| {
        draft.report.problems.push(error.message().to_owned());
        Config::default()
    });
    check::complete(&mut config, draft);
    if draft.report.problems.is_empty() {
        check::check(&config, draft);
    }
    config
}
