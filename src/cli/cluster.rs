//! `rollcall cluster status`: the processes that share the database, as the database has them.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use comfy_table::{Table, presets};

use crate::cluster::{Instance, Timing};
use crate::config::{Config, DatabaseUrl};
use crate::error::{Error, Result};
use crate::store::Store;

/// `rollcall cluster`
#[derive(Clone, Debug, Args)]
pub struct ClusterCommand {
    /// The configuration; without it the defaults and the environment count
    #[arg(long, env = "ROLLCALL_CONFIG", value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// What is done.
    #[command(subcommand)]
    pub action: ClusterAction,
}

/// What is done about the instances.
#[derive(Clone, Debug, Subcommand)]
pub enum ClusterAction {
    /// Show the instances; fails where none of them leads
    Status,
}

impl ClusterCommand {
    /// Does it; what is to be read goes to `out`.
    ///
    /// # Errors
    /// A wrong configuration, or a database that can not be used.
    pub fn run(&self, env: impl Iterator<Item = (String, String)>, out: &mut impl Write) -> Result<ExitCode> {
        let ClusterAction::Status = self.action;
        let config = Config::load(self.config.as_deref(), env)?.config;
        let store = Store::open_shared(&config.database.connection, 1)?;
        let timing = match config.database.connection {
            DatabaseUrl::Sqlite(_) => Timing::SOLE,
            DatabaseUrl::Postgres(_) => config.cluster.timing(),
        };
        let instances = store.read_blocking(|session| session.instances(timing.grace_us()))?;
        store.close();
        print(&instances, out).map_err(Error::internal)?;
        let is_led = instances.iter().any(|instance| instance.is_leader && instance.is_alive);
        Ok(if is_led { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn print(instances: &[Instance], out: &mut impl Write) -> std::io::Result<()> {
    let mut table = Table::new();
    table.load_style(presets::ASCII_FULL_CONDENSED);
    table.set_header(["NAME", "STATUS", "ADDRESS", "VERSION", "STARTED", "HEARTBEAT", "EPOCH"]);
    for instance in instances {
        let status = match (instance.is_alive, instance.is_leader, instance.heartbeat_at) {
            (true, true, _) => "leader",
            (true, false, _) => "alive",
            (false, _, None) => "stopped",
            (false, _, Some(_)) => "dead",
        };
        let heartbeat = instance.heartbeat_at.map_or_else(|| "-".to_owned(), |at| at.to_string());
        table.add_row([
            instance.owner.name.to_string(),
            status.to_owned(),
            instance.address.clone(),
            instance.version.clone(),
            instance.started_at.to_string(),
            heartbeat,
            instance.owner.epoch.to_string(),
        ]);
    }
    writeln!(out, "{table}")
}
