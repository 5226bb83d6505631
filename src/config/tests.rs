//! The configuration as a whole: files as they are written, the environment, the sample.

mod described;
mod files;
mod keystone;
mod together;
mod variables;

use std::collections::BTreeSet;
use std::path::Path;

use super::draft::Draft;
use super::*;
use crate::config::spec::Class;

/// What a file with this text, and these variables, come to.
fn read(text: &str, env: &[(&str, &str)]) -> (Config, Report) {
    let mut draft = Draft::default();
    file::parse("rollcall.toml", text, &mut draft);
    let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    environment::read(env, &mut draft);
    load::finish(draft)
}

/// The configuration of a text about which there is nothing to say.
fn good(text: &str) -> Config {
    let (config, report) = read(text, &[]);
    assert_eq!(report, Report::default());
    config
}

/// The only thing that is said of a text, which is a problem.
fn problem(text: &str) -> String {
    let (_, report) = read(text, &[]);
    assert_eq!(report.problems.len(), 1, "{report:?}");
    report.problems[0].clone()
}
