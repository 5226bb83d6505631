//! `rollcall task`: work on many nodes, asked of a running service.

mod follow;
mod scope;

use std::io::Write;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use self::follow::Follow;
use self::scope::Scope;
use super::output::{self, Format};
use super::remote::{Client, Remote, segment};
use crate::error::Result;

/// `rollcall task`
#[derive(Clone, Debug, Args)]
pub struct TaskCommand {
    /// Where the service is, and who asks.
    #[command(flatten)]
    pub remote: Remote,
    /// What is done.
    #[command(subcommand)]
    pub action: TaskAction,
}

/// What is done about tasks.
#[derive(Clone, Debug, Subcommand)]
pub enum TaskAction {
    /// Create a task
    #[command(after_help = follow::CODES)]
    Create {
        /// introspect_nodes, abort_introspection, reapply_introspection, power_on_nodes, power_off_nodes, reboot_nodes,
        /// validate_design, compare_design or noop
        action: String,
        /// The nodes that it is for; all without any of these
        #[command(flatten)]
        scope: Scope,
        /// Where the design is: a URI of file, http, https, or SERVICE+https for one that wants a token
        #[arg(long, short, value_name = "URI")]
        design_ref: Option<String>,
        /// Attempts after the first one at most
        #[arg(long)]
        max_retry: Option<u32>,
        /// Whether it is waited for.
        #[command(flatten)]
        follow: Follow,
    },
    /// List tasks, the newest first
    List {
        /// With this status
        #[arg(long)]
        status: Option<String>,
        /// With this action
        #[arg(long)]
        action: Option<String>,
        /// The parts of this task
        #[arg(long, value_name = "TASK")]
        parent: Option<String>,
        /// How many at most
        #[arg(long, default_value_t = 50)]
        limit: u32,
        /// How they are shown
        #[arg(long, short, value_enum, default_value_t = Format::Table)]
        output: Format,
    },
    /// Show a task
    #[command(after_help = follow::CODES)]
    Show {
        /// Its UUID
        task: String,
        /// Whether it is waited for.
        #[command(flatten)]
        follow: Follow,
    },
    /// Print what happened in a task
    Messages {
        /// Its UUID
        task: String,
        /// Go on until the task is over
        #[arg(long, short)]
        follow: bool,
        /// Only messages with a higher number
        #[arg(long, default_value_t = 0)]
        after_seq: u64,
        /// How they are shown
        #[arg(long, short, value_enum, default_value_t = Format::Table)]
        output: Format,
    },
    /// Ask a task to stop
    #[command(after_help = follow::CODES)]
    Terminate {
        /// Its UUID
        task: String,
        /// Let what it has begun go on to its end
        #[arg(long)]
        no_propagate: bool,
        /// Whether it is waited for.
        #[command(flatten)]
        follow: Follow,
    },
    /// Queue a task that is over once more, for what failed
    #[command(after_help = follow::CODES)]
    Retry {
        /// Its UUID
        task: String,
        /// Whether it is waited for.
        #[command(flatten)]
        follow: Follow,
    },
}

impl TaskCommand {
    /// Asks the service; its answer goes to `out`.
    ///
    /// # Errors
    /// The service's refusal, or that it does not answer.
    pub fn run(&self, out: &mut impl Write) -> Result<ExitCode> {
        let client = self.remote.client()?;
        actix_rt::System::new().block_on(self.act(&client, out))
    }

    async fn act(&self, client: &Client, out: &mut impl Write) -> Result<ExitCode> {
        match &self.action {
            TaskAction::Create { action, scope, design_ref, max_retry, follow } => {
                let mut order =
                    json!({"action": action, "node_filter": scope.filter()?, "design_ref": design_ref});
                if let (Some(count), Some(members)) = (max_retry, order.as_object_mut()) {
                    members.insert("max_retry".to_owned(), Value::from(*count));
                }
                let task = client.post("/v1/tasks", Some(&order)).await?;
                follow.until_over(client, task, out).await
            }
            TaskAction::List { status, action, parent, limit, output } => {
                let mut query = url::form_urlencoded::Serializer::new(String::new());
                query.append_pair("limit", &limit.to_string());
                for (name, value) in [("status", status), ("action", action), ("parent", parent)] {
                    if let Some(value) = value {
                        query.append_pair(name, value);
                    }
                }
                let tasks = client.get(&format!("/v1/tasks?{}", query.finish())).await?;
                output::print(&tasks, *output, |tasks| output::rows(tasks, COLUMNS), out)?;
                Ok(ExitCode::SUCCESS)
            }
            TaskAction::Show { task, follow } => {
                let task = client.get(&path(task, "")).await?;
                follow.until_over(client, task, out).await
            }
            TaskAction::Messages { task, follow, after_seq, output } => {
                follow::messages(client, &path(task, ""), *follow, *after_seq, *output, out).await
            }
            TaskAction::Terminate { task, no_propagate, follow } => {
                let rest = if *no_propagate { "/terminate?propagate=false" } else { "/terminate" };
                let task = client.post(&path(task, rest), None).await?;
                follow.until_over(client, task, out).await
            }
            TaskAction::Retry { task, follow } => {
                let task = client.post(&path(task, "/retry"), None).await?;
                follow.until_over(client, task, out).await
            }
        }
    }
}

fn path(task: &str, rest: &str) -> String {
    format!("/v1/tasks/{}{rest}", segment(task))
}

const COLUMNS: &[(&str, &str)] = &[
    ("Task", "/task_id"),
    ("Action", "/action"),
    ("Node", "/node_name"),
    ("Status", "/status"),
    ("Result", "/result/status"),
    ("Created", "/created"),
    ("By", "/created_by"),
];

/// What is shown of a task for people.
const FIELDS: &[(&str, &str)] = &[
    ("Task", "/task_id"),
    ("Action", "/action"),
    ("Part of", "/parent_task_id"),
    ("Node", "/node_name"),
    ("Node UUID", "/node_uuid"),
    ("Run", "/run_id"),
    ("Status", "/status"),
    ("Result", "/result/status"),
    ("Message", "/result/message"),
    ("Created", "/created"),
    ("By", "/created_by"),
    ("Started", "/started"),
    ("Finished", "/finished"),
    ("Stopped by", "/terminated_by"),
    ("Retry", "/retry"),
    ("Nodes", "/progress/total"),
    ("Queued", "/progress/queued"),
    ("At work", "/progress/running"),
    ("Succeeded", "/progress/succeeded"),
    ("Failed", "/progress/failed"),
    ("Errors", "/result/details/errorCount"),
    ("Failures", "/result/failures"),
];
