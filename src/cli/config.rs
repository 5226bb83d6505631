//! `rollcall config sample`, `config policy`, `config check` and `config import`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::config_import::ConfigImport;
use super::policy;
use crate::config;
use crate::daemon;
use crate::error::{Error, Result};
use crate::http::policy::Roles;
use crate::processing::Pipeline;

/// `rollcall config`
#[derive(Clone, Debug, Args)]
pub struct ConfigCommand {
    /// What is done.
    #[command(subcommand)]
    pub action: ConfigAction,
}

/// What is done about the configuration.
#[derive(Clone, Debug, Subcommand)]
pub enum ConfigAction {
    /// Print a complete file with every option, its type and its default
    Sample,
    /// Print every rule of who may do what, with the requests that it is about and its default
    Policy,
    /// Tell everything that is wrong with a configuration
    Check {
        /// The file; without it only the environment is looked at
        #[arg(long, env = "ROLLCALL_CONFIG", value_name = "FILE")]
        config: Option<PathBuf>,
    },
    /// Make a configuration of an inspector.conf of ironic-inspector
    Import(ConfigImport),
}

impl ConfigCommand {
    /// Does it; what is to be read goes to `out`. The exit code is 1 where a check finds something wrong.
    ///
    /// # Errors
    /// `out` cannot be written.
    pub fn run(&self, env: impl Iterator<Item = (String, String)>, out: &mut impl Write) -> Result<ExitCode> {
        match &self.action {
            ConfigAction::Sample => print(&config::sample(), out).map(|()| ExitCode::SUCCESS),
            ConfigAction::Policy => print(&policy::sample(Roles::New), out).map(|()| ExitCode::SUCCESS),
            ConfigAction::Check { config } => check(config.as_deref(), env, out).map(ExitCode::from),
            ConfigAction::Import(import) => import.run(out, &mut std::io::stderr().lock()),
        }
    }
}

/// What a check came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The service would start, and every name is known.
    Good,
    /// The service would not start, or a name is not known.
    Bad,
}

impl From<Verdict> for ExitCode {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Good => Self::SUCCESS,
            Verdict::Bad => Self::FAILURE,
        }
    }
}

fn print(text: &str, out: &mut impl Write) -> Result<()> {
    out.write_all(text.as_bytes()).map_err(Error::internal)
}

/// Writes everything that is to be said of a configuration, one line each.
///
/// # Errors
/// `out` cannot be written.
pub fn check(
    path: Option<&Path>,
    env: impl Iterator<Item = (String, String)>,
    out: &mut impl Write,
) -> Result<Verdict> {
    let (config, mut report) = config::inspect(path, env);
    if report.problems.is_empty() {
        // What only the parts themselves can tell: hooks that there are not, options that a hook refuses, files.
        report.problems.extend(Pipeline::from_config(&config).err().map(|error| error.text));
        report.problems.extend(daemon::problems(&config).into_iter().map(|error| error.text));
    }
    let wrong = report.problems.iter().chain(&report.unknown).map(|line| format!("error: {line}"));
    let doubtful = report.warnings.iter().map(|line| format!("warning: {line}"));
    for line in wrong.chain(doubtful) {
        writeln!(out, "{line}").map_err(Error::internal)?;
    }
    if !report.is_good() {
        return Ok(Verdict::Bad);
    }
    writeln!(out, "configuration is good").map_err(Error::internal)?;
    Ok(Verdict::Good)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a check of this text comes to, and what it prints with the file's name left out.
    fn checked(text: &str) -> (Verdict, String) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let mut out = Vec::new();
        let verdict = check(Some(file.path()), std::iter::empty(), &mut out).unwrap();
        let shown = String::from_utf8(out).unwrap();
        (verdict, shown.replace(&file.path().display().to_string(), "FILE"))
    }

    #[test]
    fn a_good_file_is_called_good() {
        assert_eq!(checked("debug = true\n"), (Verdict::Good, "configuration is good\n".to_owned()));
    }

    #[test]
    fn every_problem_and_unknown_name_is_printed() {
        let (verdict, shown) = checked("timeout = \"x\"\nno_such = 1\nenable_mdns = true\nhost = \"a\"\n");
        assert_eq!(verdict, Verdict::Bad);
        let starts: Vec<_> =
            shown.lines().map(|line| line.split(' ').take(3).collect::<Vec<_>>().join(" ")).collect();
        let wanted = [
            "error: FILE:1: timeout:",
            "error: FILE:3: enable_mdns:",
            "error: FILE:2: no_such",
            "warning: FILE:4: host",
        ];
        assert_eq!(starts, wanted);
    }

    #[test]
    fn a_hook_that_there_is_not_is_wrong() {
        let (verdict, shown) = checked("[processing]\nprocessing_hooks = \"scheduler,nonsense\"\n");
        assert_eq!(verdict, Verdict::Bad);
        assert!(shown.starts_with("error: The following hook(s) are missing"), "{shown}");
    }

    #[test]
    fn an_unknown_name_alone_is_an_error_and_a_warning_is_not() {
        assert_eq!(checked("no_such = 1\n").0, Verdict::Bad);
        assert_eq!(checked("host = \"a\"\n").0, Verdict::Good);
    }

    #[test]
    fn wrong_files_are_found() {
        let rules = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(rules.path(), "introspection:status: role:reader and\n").unwrap();
        let text = format!(
            "auth_strategy = \"keystone\"\n[keystone_authtoken]\nauth_url = \"http://127.0.0.1:5000\"\n\
             user_id = \"u\"\npassword = \"p\"\ncafile = \"/nonexistent.pem\"\n\
             [oslo_policy]\npolicy_file = \"{}\"\n",
            rules.path().display()
        );
        let (verdict, shown) = checked(&text);
        assert_eq!(verdict, Verdict::Bad);
        assert!(shown.contains("[keystone_authtoken]cafile: /nonexistent.pem"), "{shown}");
        assert!(shown.contains("introspection:status: a check is missing at the end"), "{shown}");
    }

    #[test]
    fn the_sample_is_good() {
        assert_eq!(checked(&config::sample()).0, Verdict::Good);
    }
}
