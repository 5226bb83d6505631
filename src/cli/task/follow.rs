//! Waiting for a task: its progress while it goes on, its messages, and the exit code that tells how it ended.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

use super::FIELDS;
use crate::cli::output::{self, Format};
use crate::cli::remote::{Client, segment};
use crate::error::{Error, Kind, Result};
use crate::tasks::model::Action;

/// What the exit codes of commands that wait mean.
pub const CODES: &str = "Exit code with --block: 0 success, 1 failure, 2 partial success, 3 terminated, 4 it took longer than \
                         --timeout. Without it: 0 if the service took the request.";
/// Between two looks at how far a task has come.
const LOOK: Duration = Duration::from_millis(500);
/// How long a service may be away.
const PATIENCE: Duration = Duration::from_secs(60);
/// Messages in one go: as many as the service gives, which it alone knows.
const PAGE: usize = 0;

/// Whether a task is waited for, and how it is shown.
#[derive(Clone, Debug, Args)]
pub struct Follow {
    /// Wait until the task is over, and show how far it has come
    #[arg(long, short)]
    pub block: bool,
    /// Seconds to wait at most
    #[arg(long, value_name = "SECONDS", requires = "block")]
    pub timeout: Option<u64>,
    /// How the task is shown
    #[arg(long, short, value_enum, default_value_t = Format::Table)]
    pub output: Format,
}

impl Follow {
    /// Shows the task, as it is or as it ends.
    ///
    /// # Errors
    /// The service's refusal, or that it does not answer.
    pub async fn until_over(&self, client: &Client, task: Value, out: &mut impl Write) -> Result<ExitCode> {
        let mut task = task;
        let mut late = false;
        if self.block {
            let give_up = self.timeout.map(|seconds| Instant::now() + Duration::from_secs(seconds));
            let path = format!("/v1/tasks/{}", segment(text(&task, "/task_id")));
            let mut meter = Meter::new();
            let mut told = Told::default();
            while !is_over(&task) && !late {
                meter.show(&task, told.of(client, &path, &task).await);
                tokio::time::sleep(LOOK).await;
                task = patient(client, &path).await?;
                late = give_up.is_some_and(|give_up| Instant::now() >= give_up) && !is_over(&task);
            }
            meter.show(&task, told.of(client, &path, &task).await);
            meter.end();
        }
        output::print(&task, self.output, |task| output::members(task, FIELDS), out)?;
        Ok(match (self.block, late) {
            (false, _) => ExitCode::SUCCESS,
            (true, true) => ExitCode::from(4),
            (true, false) => code(&task),
        })
    }
}

/// What the service answers, also where it is away for a while: tasks outlive it.
async fn patient(client: &Client, path: &str) -> Result<Value> {
    let give_up = Instant::now() + PATIENCE;
    loop {
        match client.get(path).await {
            Err(error) if error.kind == Kind::Unavailable && Instant::now() < give_up => {
                tokio::time::sleep(LOOK).await;
            }
            answer => return answer,
        }
    }
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn is_over(task: &Value) -> bool {
    matches!(text(task, "/status"), "complete" | "terminated")
}

fn code(task: &Value) -> ExitCode {
    match (text(task, "/status"), text(task, "/result/status")) {
        ("terminated", _) => ExitCode::from(3),
        (_, "success") => ExitCode::SUCCESS,
        (_, "partial_success") => ExitCode::from(2),
        _ => ExitCode::FAILURE,
    }
}

/// What a task told last; of those that are not done node by node.
#[derive(Debug, Default)]
struct Told {
    after: u64,
    last: String,
}

impl Told {
    /// Nothing of a task that is counted by its nodes. What can not be seen ends no waiting.
    async fn of(&mut self, client: &Client, path: &str, task: &Value) -> Option<&str> {
        if text(task, "/action") != Action::ImportInventory.name() {
            return None;
        }
        let page = client.get(&format!("{path}/messages?after_seq={}&limit={PAGE}", self.after)).await;
        if let Some(message) = page.ok().as_ref().and_then(Value::as_array).and_then(|all| all.last()) {
            self.after = message.pointer("/seq").and_then(Value::as_u64).unwrap_or(self.after);
            text(message, "/message").clone_into(&mut self.last);
        }
        Some(&self.last)
    }
}

/// How far a task has come: a bar on a terminal, else a line for each change.
struct Meter {
    bar: Option<ProgressBar>,
    last: String,
}

fn style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template);
    style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> ")
}

impl Meter {
    fn new() -> Self {
        let bar = io::stderr().is_terminal().then(|| {
            ProgressBar::new(0).with_style(style("nodes [{bar:40.cyan}] {pos}/{len} {msg} {elapsed}"))
        });
        Self { bar, last: String::new() }
    }

    /// `said` is what a task told last that has no nodes to be counted.
    fn show(&mut self, task: &Value, said: Option<&str>) {
        if let Some(said) = said {
            return self.say(text(task, "/status"), said);
        }
        let count =
            |name: &str| task.pointer(&format!("/progress/{name}")).and_then(Value::as_u64).unwrap_or(0);
        let (total, failed, succeeded) = (count("total"), count("failed"), count("succeeded"));
        let done = succeeded.saturating_add(failed);
        let told = format!("{succeeded} succeeded, {failed} failed, {} at work", count("running"));
        match &self.bar {
            Some(bar) => {
                bar.set_length(total);
                bar.set_position(done);
                bar.set_message(format!("{}: {told}", text(task, "/status")));
            }
            None => self.line(format!("{}: {done}/{total} nodes, {told}", text(task, "/status"))),
        }
    }

    fn say(&mut self, status: &str, said: &str) {
        match &self.bar {
            Some(bar) => {
                bar.set_style(style("{spinner} {msg} {elapsed}"));
                bar.set_message(format!("{status}: {said}"));
                bar.tick();
            }
            None => self.line(format!("{status}: {said}")),
        }
    }

    fn line(&mut self, line: String) {
        if line != self.last {
            // Nobody is there to read it where this can not be written.
            let _ = writeln!(io::stderr(), "{line}");
            self.last = line;
        }
    }

    fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Prints messages, and goes on until the task is over where that is wanted.
///
/// # Errors
/// The service's refusal, or that it does not answer.
pub async fn messages(
    client: &Client,
    path: &str,
    follow: bool,
    after_seq: u64,
    format: Format,
    out: &mut impl Write,
) -> Result<ExitCode> {
    let mut after = after_seq;
    let wait = if follow { 20 } else { 0 };
    loop {
        let page =
            patient(client, &format!("{path}/messages?after_seq={after}&limit={PAGE}&wait={wait}")).await?;
        let messages = page.as_array().cloned().unwrap_or_default();
        for message in &messages {
            print(message, format, out).map_err(Error::internal)?;
            after = message.pointer("/seq").and_then(Value::as_u64).unwrap_or(after);
        }
        out.flush().map_err(Error::internal)?;
        if !messages.is_empty() {
            continue;
        }
        // What was added before it ended is read once more.
        if !follow || is_over(&patient(client, path).await?) && no_more(client, path, after).await? {
            return Ok(ExitCode::SUCCESS);
        }
    }
}

async fn no_more(client: &Client, path: &str, after: u64) -> Result<bool> {
    let rest = client.get(&format!("{path}/messages?after_seq={after}&limit=1")).await?;
    Ok(rest.as_array().is_none_or(Vec::is_empty))
}

/// A line of text, a line of JSON, or a document of YAML.
fn print(message: &Value, format: Format, out: &mut impl Write) -> io::Result<()> {
    match format {
        Format::Json => writeln!(out, "{message}"),
        Format::Yaml => {
            writeln!(out, "---")?;
            output::print(message, format, |_| output::table(&[]), out).map_err(io::Error::other)
        }
        Format::Table => {
            let place = message.pointer("/extra/node_name").and_then(Value::as_str);
            let place = place.unwrap_or_else(|| text(message, "/context"));
            let (seq, ts) = (output::cell(message.pointer("/seq")), text(message, "/ts"));
            writeln!(out, "{seq:>6} {ts} {:5} {place} {}", text(message, "/level"), text(message, "/message"))
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use serde_json::json;

    use super::*;
    use crate::cli::remote::Remote;
    use crate::standin::{Reply, StandIn, ok};

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        remote: Remote,
        #[command(flatten)]
        follow: Follow,
    }

    fn import(status: &str) -> Value {
        let result = if status == "complete" { "success" } else { "incomplete" };
        json!({"task_id": "t", "action": Action::ImportInventory.name(), "status": status,
            "result": {"status": result}})
    }

    #[actix_rt::test]
    async fn a_task_is_waited_for_whatever_becomes_of_its_messages() {
        for (status, body) in
            [(200, json!([{"seq": 7, "message": "7 systems were read"}])), (400, json!({})), (500, json!({}))]
        {
            let standin = StandIn::new(move |asked, nth| match asked.line.contains("/messages") {
                true => Reply::Answer(status, body.clone()),
                false => ok(import(if nth > 3 { "complete" } else { "running" })),
            });
            let url = standin.url();
            let line = Line::parse_from(["rollcall", "--url", &url, "--block", "--output", "json"]);
            let mut out = Vec::new();
            let over =
                line.follow.until_over(&line.remote.client().unwrap(), import("queued"), &mut out).await;
            assert_eq!(format!("{:?}", over.unwrap()), format!("{:?}", ExitCode::SUCCESS));
            assert!(String::from_utf8(out).unwrap().contains("\"complete\""));
            // How many messages there may be is the service's to say.
            let asked: Vec<String> = standin.all().into_iter().map(|asked| asked.line).collect();
            assert_eq!(asked[0], "GET /v1/tasks/t/messages?after_seq=0&limit=0");
        }
    }
}
