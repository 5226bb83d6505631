//! `rollcall nodes`: the local registry of nodes, also while a daemon runs on the same database.
//!
//! Invariant: nothing here takes the database's file lock or changes its schema.

mod add;
mod import;
mod list;
#[cfg(test)]
mod tests;

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::config::Config;
use crate::error::{Error, Result};
use crate::node_service::local::register::{Clash, Register, Registration};
use crate::store::{Job, QueryResult, Session, Store};

/// `rollcall nodes`
#[derive(Clone, Debug, Args)]
pub struct NodesCommand {
    /// The configuration; without it the defaults and the environment count
    #[arg(long, env = "ROLLCALL_CONFIG", value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// What is done.
    #[command(subcommand)]
    pub action: NodesAction,
}

/// What is done about the registry.
#[derive(Clone, Debug, Subcommand)]
pub enum NodesAction {
    /// Register a node
    Add(add::AddNode),
    /// Show all registered nodes
    List {
        /// How they are shown
        #[arg(long, value_enum, default_value_t = Format::Table)]
        format: Format,
    },
    /// Remove a node and its ports
    Remove {
        /// Its UUID or name
        ident: String,
    },
    /// Register the nodes of a JSON file, all or none
    #[command(after_help = import::HELP)]
    Import {
        /// A list of objects
        file: PathBuf,
    },
}

/// How a list is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Table,
    /// For programs.
    Json,
}

impl NodesCommand {
    /// Does it; what is to be read goes to `out`.
    ///
    /// # Errors
    /// A wrong configuration, a database that can not be used, or what was wrong with the request.
    pub fn run(&self, env: impl Iterator<Item = (String, String)>, out: &mut impl Write) -> Result<()> {
        let url = Config::load(self.config.as_deref(), env)?.config.database.connection;
        // Whatever is wrong with the request is told before the database is touched.
        let work = Work::of(&self.action)?;
        let store = Store::open_shared(&url, 1)?;
        let outcome = work.run(&store, out);
        store.close();
        outcome
    }
}

/// An action with its input read.
enum Work {
    Register(Vec<Registration>, Source),
    List(Format),
    Remove(String),
}

/// Where registrations come from, which decides how errors name them.
#[derive(Clone, Copy)]
enum Source {
    CommandLine,
    File,
}

impl Work {
    fn of(action: &NodesAction) -> Result<Self> {
        Ok(match action {
            NodesAction::Add(node) => Self::Register(vec![node.registration()?], Source::CommandLine),
            NodesAction::Import { file } => Self::Register(import::read(file)?, Source::File),
            NodesAction::List { format } => Self::List(*format),
            NodesAction::Remove { ident } => Self::Remove(ident.clone()),
        })
    }

    fn run(self, store: &Store, out: &mut impl Write) -> Result<()> {
        match self {
            Self::Register(nodes, source) => register(store, nodes, source, out),
            Self::List(format) => list::print(store, format, out),
            Self::Remove(ident) => remove(store, &ident, out),
        }
    }
}

fn register(store: &Store, nodes: Vec<Registration>, source: Source, out: &mut impl Write) -> Result<()> {
    let nodes: std::sync::Arc<[Registration]> = nodes.into();
    let outcome = store.write_blocking(Register(std::sync::Arc::clone(&nodes)))?;
    outcome.map_err(|Clash { index, text }| match source {
        Source::CommandLine => Error::conflict(format!("The node is not registered: {text}")),
        Source::File => {
            let entry = import::entry(index, nodes.get(index).and_then(|node| node.name.as_deref()));
            Error::conflict(format!("Nothing is registered: {entry}: {text}"))
        }
    })?;
    match source {
        Source::CommandLine => nodes.iter().try_for_each(|node| writeln!(out, "{}", node.uuid)),
        Source::File => writeln!(out, "registered {} nodes", nodes.len()),
    }
    .map_err(Error::internal)
}

struct Remove {
    ident: String,
}

impl Job for Remove {
    type Output = Option<String>;

    fn run(&self, session: &mut dyn Session) -> QueryResult<Option<String>> {
        let Some(node) = session.registered_node(&self.ident)? else { return Ok(None) };
        let Ok(uuid) = node.uuid.parse() else { return Ok(None) };
        Ok(session.delete_registered_node(uuid)?.then_some(node.uuid))
    }
}

fn remove(store: &Store, ident: &str, out: &mut impl Write) -> Result<()> {
    let removed = store.write_blocking(Remove { ident: ident.to_owned() })?;
    let uuid = removed.ok_or_else(|| Error::not_found(format!("No node {ident} is registered")))?;
    writeln!(out, "removed {uuid}").map_err(Error::internal)
}
