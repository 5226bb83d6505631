//! `rollcall db upgrade`, `rollcall db version`, `rollcall db import` and `rollcall db prune-build-data`.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::db_import::DbImport;
use super::db_prune::Prune;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::store::{self, SchemaVersion};

/// `rollcall db`
#[derive(Clone, Debug, Args)]
pub struct DbCommand {
    /// The configuration; without it the defaults and the environment count
    #[arg(long, env = "ROLLCALL_CONFIG", value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// What is done.
    #[command(subcommand)]
    pub action: DbAction,
}

/// What is done about the database.
#[derive(Clone, Debug, Subcommand)]
pub enum DbAction {
    /// Bring the schema up to date; `serve` does so too
    Upgrade,
    /// Print the version of the schema, and the one that this program makes
    Version,
    /// Take over the records of an ironic-inspector
    Import(DbImport),
    /// Remove old build data now, beside a daemon if need be; the daemon does so by itself
    PruneBuildData(Prune),
}

impl DbCommand {
    /// Does it; what is to be read goes to `out`.
    ///
    /// # Errors
    /// A wrong configuration, or a database that can not be reached or is newer than the program.
    pub fn run(&self, env: impl Iterator<Item = (String, String)>, out: &mut impl Write) -> Result<ExitCode> {
        let config = Config::load(self.config.as_deref(), env)?.config;
        let url = &config.database.connection;
        let version = match &self.action {
            DbAction::Upgrade => store::upgrade(url)?,
            DbAction::Version => store::schema_version(url)?,
            DbAction::Import(import) => return import.run(&config, out),
            DbAction::PruneBuildData(prune) => return prune.run(&config, out),
        };
        print(&version, out).map_err(Error::internal)?;
        Ok(ExitCode::SUCCESS)
    }
}

fn print(version: &SchemaVersion, out: &mut impl Write) -> std::io::Result<()> {
    let database = version.database.as_deref().unwrap_or("none");
    writeln!(out, "schema of the database: {database}")?;
    writeln!(out, "schema of this program: {}", version.program)
}
