//! `rollcall node`: what a running service knows of nodes.

use std::io::Write;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::Value;

use super::output::{self, Format};
use super::remote::{Client, Remote, segment};
use crate::error::Result;

/// `rollcall node`
#[derive(Clone, Debug, Args)]
pub struct NodeCommand {
    /// Where the service is, and who asks.
    #[command(flatten)]
    pub remote: Remote,
    /// What is shown.
    #[command(subcommand)]
    pub action: NodeAction,
    /// How it is shown
    #[arg(long, short, value_enum, global = true, default_value_t = Format::Table)]
    pub output: Format,
}

/// What is shown of nodes.
#[derive(Clone, Debug, Subcommand)]
pub enum NodeAction {
    /// List the nodes of the node service
    List,
    /// Show how the introspection of a node goes
    Show {
        /// Its UUID or name
        node: String,
    },
    /// Show what the runs of a node found
    Builddata {
        /// Its UUID or name
        node: String,
        /// All runs, not only the latest of each generator
        #[arg(long)]
        no_latest: bool,
        /// Only this generator
        #[arg(long)]
        generator: Option<String>,
    },
    /// Show what differs between two runs of a node, the last two by default
    Diff {
        /// Its UUID or name
        node: String,
        /// The earlier run, or id of build data
        #[arg(long)]
        from: Option<String>,
        /// The later one
        #[arg(long)]
        to: Option<String>,
    },
}

impl NodeCommand {
    /// Asks the service; its answer goes to `out`.
    ///
    /// # Errors
    /// The service's refusal, or that it does not answer.
    pub fn run(&self, out: &mut impl Write) -> Result<ExitCode> {
        let client = self.remote.client()?;
        let answer = actix_rt::System::new().block_on(self.ask(&client))?;
        let columns = self.columns();
        let table = |answer: &Value| match &self.action {
            NodeAction::Show { .. } => output::members(answer, columns),
            NodeAction::Diff { .. } => {
                output::rows(answer.pointer("/differences").unwrap_or(&Value::Null), columns)
            }
            NodeAction::List | NodeAction::Builddata { .. } => output::rows(answer, columns),
        };
        output::print(&answer, self.output, table, out)?;
        Ok(ExitCode::SUCCESS)
    }

    async fn ask(&self, client: &Client) -> Result<Value> {
        let path = |node: &str, rest: &str| format!("/v1/introspection/{}{rest}", segment(node));
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        match &self.action {
            NodeAction::List => all(client).await,
            NodeAction::Show { node } => client.get(&path(node, "")).await,
            NodeAction::Builddata { node, no_latest, generator } => {
                query.append_pair("latest", if *no_latest { "false" } else { "true" });
                // A table has no room for contents.
                query.append_pair("detail", if self.output == Format::Table { "false" } else { "true" });
                if let Some(name) = generator {
                    query.append_pair("generator", name);
                }
                client.get(&path(node, &format!("/builddata?{}", query.finish()))).await
            }
            NodeAction::Diff { node, from, to } => {
                for (name, value) in [("from", from), ("to", to)] {
                    if let Some(value) = value {
                        query.append_pair(name, value);
                    }
                }
                client.get(&path(node, &format!("/diff?{}", query.finish()))).await
            }
        }
    }

    fn columns(&self) -> &'static [(&'static str, &'static str)] {
        match self.action {
            NodeAction::List => &[
                ("Node Name", "/hostname"),
                ("UUID", "/uuid"),
                ("Status", "/status_name"),
                ("CPUs", "/cpu_count"),
                ("Memory", "/memory"),
                ("Power State", "/power_state"),
            ],
            NodeAction::Show { .. } => &[
                ("UUID", "/uuid"),
                ("State", "/state"),
                ("Waiting for", "/waiting_for"),
                ("Since", "/since"),
                ("Deadline", "/deadline"),
                ("Started", "/started_at"),
                ("Finished", "/finished_at"),
                ("Error", "/error"),
            ],
            NodeAction::Builddata { .. } => &[
                ("Id", "/id"),
                ("Generator", "/generator"),
                ("Collected", "/collected_date"),
                ("Bytes", "/size"),
                ("Format", "/data_format"),
                ("Run", "/run_id"),
                ("Task", "/task_id"),
            ],
            NodeAction::Diff { .. } => DIFFERENCES,
        }
    }
}

/// All nodes, page by page.
async fn all(client: &Client) -> Result<Value> {
    let mut nodes: Vec<Value> = Vec::new();
    loop {
        let last = nodes.last().and_then(|node| node.pointer("/uuid")?.as_str());
        let marker = last.map(|uuid| format!("?marker={uuid}")).unwrap_or_default();
        match client.get(&format!("/v1/nodes{marker}")).await? {
            Value::Array(page) if !page.is_empty() => nodes.extend(page),
            _ => return Ok(Value::Array(nodes)),
        }
    }
}

/// What is shown of a difference.
const DIFFERENCES: &[(&str, &str)] =
    &[("Change", "/change"), ("Component", "/component"), ("Which", "/key"), ("Properties", "/properties")];
