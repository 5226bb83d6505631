//! The subcommands, one file each: what the command line says, and what is done.

pub mod cluster;
pub mod config;
mod config_import;
pub mod db;
mod db_import;
mod db_prune;
pub mod demo;
mod exit;
pub mod inventory;
pub mod migrate_data;
pub mod node;
pub mod nodes;
pub mod output;
pub mod policy;
pub mod remote;
pub mod serve;
pub mod task;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::error::Result;

/// Bare-metal introspection daemon
#[derive(Clone, Debug, Parser)]
#[command(name = "rollcall", version, about)]
pub struct Cli {
    /// What is done.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Run the daemon
    Serve(serve::ServeCommand),
    /// Run a daemon with a simulated fleet, to look around
    Demo(demo::DemoCommand),
    /// Work on many nodes: ask a running service for tasks
    Task(task::TaskCommand),
    /// Ask a running service what it knows of nodes
    Node(node::NodeCommand),
    /// Look after the nodes of node_service "local"
    Nodes(nodes::NodesCommand),
    /// Look at the instances that share the database
    Cluster(cluster::ClusterCommand),
    /// Export, change and compare the inventory of hosts
    Inventory(inventory::InventoryCommand),
    /// Look after the database's schema
    Db(db::DbCommand),
    /// Move introspection data between data stores
    MigrateData(migrate_data::MigrateData),
    /// Print a sample configuration or policy, or check one
    Config(config::ConfigCommand),
}

impl Cli {
    /// What is logged where `ROLLCALL_LOG` does not say it: commands that print their own tell only of trouble.
    #[must_use]
    pub fn default_log_level(&self) -> &'static str {
        match self.command {
            Command::Cluster(_)
            | Command::Demo(_)
            | Command::Nodes(_)
            | Command::Inventory(_)
            | Command::MigrateData(_)
            | Command::Task(_)
            | Command::Node(_) => "warn",
            Command::Serve(_) | Command::Db(_) | Command::Config(_) => "info",
        }
    }
}

/// Does what the command line says.
#[must_use]
pub fn run(cli: &Cli) -> ExitCode {
    let mut out = io::stdout().lock();
    match dispatch(cli, &mut out) {
        Ok(code) => code,
        Err(error) => {
            // One line: whoever starts it reads it in a terminal or a journal.
            let line = error.to_string().replace('\n', " ");
            // Nothing is left to be done where not even this can be written.
            let _ = writeln!(io::stderr(), "rollcall: {line}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(cli: &Cli, out: &mut impl Write) -> Result<ExitCode> {
    let env = std::env::vars();
    match &cli.command {
        Command::Serve(command) => command.run(env).map(|()| ExitCode::SUCCESS),
        Command::Demo(command) => command.run(out),
        Command::Nodes(command) => command.run(env, out).map(|()| ExitCode::SUCCESS),
        Command::Cluster(command) => command.run(env, out),
        Command::Inventory(command) => command.run(env, out),
        Command::Task(command) => command.run(out),
        Command::Node(command) => command.run(out),
        Command::Db(command) => command.run(env, out),
        Command::MigrateData(command) => command.run(env, out),
        Command::Config(command) => command.run(env, out),
    }
}
