//! `rollcall inventory`: the operators' record of their hosts, also while a daemon runs on the same database.
//!
//! Invariant: nothing is written without `--commit`, whatever the file says; nothing here takes the database's file
//! lock or changes its schema.

mod history;
mod show;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{ArgAction, Args, Subcommand, ValueEnum};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Map, Value};

use crate::clock::SystemClock;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::inventory::export::{Export, Related, Selection, Table};
use crate::inventory::search;
use crate::inventory::service::{Format, Inventory, Order, Stage, Watch};
use crate::inventory::shown::Relations;
use crate::store::Store;

/// Connections: one to read, one more for what a plan reads beside it.
const CONNECTIONS: u32 = 2;

/// `rollcall inventory`
#[derive(Clone, Debug, Args)]
pub struct InventoryCommand {
    /// The configuration; without it the defaults and the environment count
    #[arg(long, env = "ROLLCALL_CONFIG", value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// What is done.
    #[command(subcommand)]
    pub action: InventoryAction,
}

/// What is done about the inventory.
#[derive(Clone, Debug, Subcommand)]
pub enum InventoryAction {
    /// Write systems to a file, or to the standard output
    Export(ExportArgs),
    /// Change the inventory to what a file says; without --commit only tell what would change
    Import(ImportArgs),
    /// Tell what an import of a file would change
    Diff(FileArgs),
    /// Show what was changed, by whom and why
    History(history::HistoryArgs),
}

/// What is exported.
#[derive(Clone, Debug, Args)]
pub struct ExportArgs {
    /// Where to; its name says the format (.json, .yaml, .yml, .csv)
    pub file: Option<PathBuf>,
    /// Which systems; all without it
    #[arg(short, long, value_name = "EXPRESSION", default_value = "")]
    pub query: String,
    /// The format, where the name of the file does not say it
    #[arg(long, value_enum)]
    pub format: Option<FileFormat>,
    /// Show keys in place of names of statuses, types, racks and the like
    #[arg(long)]
    pub keys: bool,
    /// Show what was observed beside what was declared
    #[arg(long)]
    pub observed: bool,
    /// A table with a line for each object of a kind, in place of one for each system
    #[arg(long, value_parser = ["systems", "registrations", "adapters"])]
    pub kind: Option<String>,
}

/// A file to be imported, and how.
#[derive(Clone, Debug, Args)]
pub struct FileArgs {
    /// The file; `-` is the standard input
    pub file: PathBuf,
    /// The format, where the name of the file does not say it
    #[arg(long, value_enum)]
    pub format: Option<FileFormat>,
    /// What systems without a key are known by
    #[arg(long = "match", value_name = "MEMBER", value_parser = ["pk", "hostname", "uuid", "serial"])]
    pub matching: Option<String>,
    /// Whether sets keep what the file does not name
    #[arg(long, value_parser = ["patch", "replace"])]
    pub mode: Option<String>,
    /// What becomes of systems that are not known
    #[arg(long, value_parser = ["create", "fail"])]
    pub on_missing: Option<String>,
    /// How many objects, or how many percent of the systems, may change
    #[arg(long, value_name = "NUMBER|PERCENT%")]
    pub max_changes: Option<String>,
    /// How many objects may be deleted
    #[arg(long, value_name = "NUMBER")]
    pub max_deletes: Option<u64>,
    /// Let a mistake keep only its own system out, and not the whole file
    #[arg(long)]
    pub per_system: bool,
    /// Refuse objects without a version
    #[arg(long)]
    pub require_version: bool,
    /// Whether empty cells of a table keep what is there; else they clear what may be empty
    #[arg(long, value_name = "true|false", default_value_t = true, action = ArgAction::Set)]
    pub skip_empty: bool,
    /// Only tell how much
    #[arg(short, long)]
    pub quiet: bool,
}

/// An import.
#[derive(Clone, Debug, Args)]
pub struct ImportArgs {
    /// The file, and how it is read.
    #[command(flatten)]
    pub file: FileArgs,
    /// Make the changes
    #[arg(long)]
    pub commit: bool,
    /// Why, for the history
    #[arg(long, value_name = "TEXT")]
    pub comment: Option<String>,
    /// An id of your own: the same import with the same id is done only once
    #[arg(long, value_name = "ID")]
    pub change_set: Option<String>,
}

/// The format of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FileFormat {
    /// JSON.
    Json,
    /// YAML.
    Yaml,
    /// One line a system.
    Csv,
}

impl InventoryCommand {
    /// Does it; what is to be read goes to `out`.
    ///
    /// # Errors
    /// A wrong configuration, a database or a file that can not be used.
    pub fn run(&self, env: impl Iterator<Item = (String, String)>, out: &mut impl Write) -> Result<ExitCode> {
        let config = Config::load(self.config.as_deref(), env)?.config;
        let store = Store::open_shared(&config.database.connection, CONNECTIONS)?;
        // Nobody else waits for the command: it takes as much as a task.
        let limits = config.inventory.background();
        let inventory = Inventory::new(store.clone(), Arc::new(SystemClock), limits);
        let outcome = match &self.action {
            InventoryAction::Export(args) => export(inventory, args, out),
            InventoryAction::Import(args) => import(&inventory, args, out),
            InventoryAction::Diff(file) => {
                let args = ImportArgs { file: file.clone(), commit: false, comment: None, change_set: None };
                import(&inventory, &args, out)
            }
            InventoryAction::History(args) => history::print(&inventory, &store, args, out),
        };
        store.close();
        outcome
    }
}

fn format_of(given: Option<FileFormat>, file: Option<&Path>) -> Result<Format> {
    match given {
        Some(FileFormat::Json) => return Ok(Format::Json),
        Some(FileFormat::Yaml) => return Ok(Format::Yaml),
        Some(FileFormat::Csv) => return Ok(Format::Csv),
        None => {}
    }
    let Some(file) = file.filter(|file| file.as_os_str() != "-") else { return Ok(Format::Json) };
    match file.extension().and_then(|extension| extension.to_str()) {
        Some("json") => Ok(Format::Json),
        Some("yaml" | "yml") => Ok(Format::Yaml),
        Some("csv") => Ok(Format::Csv),
        _ => Err(Error::bad_request(format!(
            "The name {} does not say a format: --format does",
            file.display()
        ))),
    }
}

fn table_of(args: &ExportArgs, format: Format) -> Result<Table> {
    match args.kind.as_deref().and_then(Table::named) {
        None => Ok(Table::Wide),
        Some(table) if format == Format::Csv => Ok(table),
        Some(_) => Err(Error::bad_request("Only a table is about one kind: --kind is for CSV")),
    }
}

/// Has a bar tell how far an import has come.
fn watched(bar: &ProgressBar) -> Watch {
    let bar = bar.clone();
    Watch(Some(Arc::new(move |stage, count| {
        bar.set_message(match stage {
            Stage::Read => format!("read {count} systems, comparing"),
            Stage::Planned => format!("compared, {count} objects change"),
            Stage::Written => format!("wrote {count} objects"),
        });
    })))
}

/// Shown on a terminal only; `unit` is what is counted.
fn bar(text: &'static str, unit: &'static str) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
    }
    let counted = if unit.is_empty() { String::new() } else { format!("{{pos}} {unit} ") };
    let style = ProgressStyle::with_template(&format!("{{spinner}} {{msg}} {counted}{{elapsed}}"));
    let bar =
        ProgressBar::new_spinner().with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    bar.set_message(text);
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

fn export(inventory: Inventory, args: &ExportArgs, out: &mut impl Write) -> Result<ExitCode> {
    let format = format_of(args.format, args.file.as_deref())?;
    let selection = Selection {
        search: search::read(&args.query)?,
        limit: None,
        marker: None,
        fields: Vec::new(),
        relations: if args.keys { Relations::Keys } else { Relations::Names },
        related: if args.observed { Related::Observed } else { Related::Nothing },
        table: table_of(args, format)?,
    };
    let (mut export, _) = Export::new(inventory, selection, format)?;
    let bar = bar("exported", "systems");
    let mut file = match &args.file {
        Some(path) if path.as_os_str() != "-" => {
            Some(File::create(path).map_err(|cause| unusable(path, &cause))?)
        }
        _ => None,
    };
    while let Some(part) = export.next_part()? {
        match &mut file {
            Some(file) => file.write_all(&part),
            None => out.write_all(&part),
        }
        .map_err(Error::internal)?;
        bar.set_position(u64::try_from(export.given()).unwrap_or(u64::MAX));
    }
    bar.finish_and_clear();
    if file.is_some() {
        writeln!(out, "exported {} systems", export.given()).map_err(Error::internal)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn unusable(path: &Path, cause: &io::Error) -> Error {
    Error::bad_request(format!("{} can not be used: {cause}", path.display()))
}

fn import(inventory: &Inventory, args: &ImportArgs, out: &mut impl Write) -> Result<ExitCode> {
    let file = &args.file;
    let format = format_of(file.format, Some(&file.file))?;
    if !file.skip_empty && format != Format::Csv {
        return Err(Error::bad_request("Only a table has empty cells: --skip-empty is for CSV"));
    }
    let mut body = Vec::new();
    if file.file.as_os_str() == "-" {
        io::stdin().lock().read_to_end(&mut body).map(drop)
    } else {
        File::open(&file.file).and_then(|mut opened| opened.read_to_end(&mut body)).map(drop)
    }
    .map_err(|cause| unusable(&file.file, &cause))?;
    let bar = bar(if args.commit { "importing" } else { "comparing" }, "");
    let order = Order {
        body: body.into(),
        format,
        members: members(args),
        asker: Some(user()),
        watch: watched(&bar),
        ..Order::default()
    };
    let answer = inventory.import_blocking(&order);
    bar.finish_and_clear();
    show::answer(&answer?, file.quiet, out)
}

fn members(args: &ImportArgs) -> Map<String, Value> {
    let file = &args.file;
    // The option alone decides, whatever the file says.
    let mut members = Map::from_iter([("commit".to_owned(), Value::from(args.commit))]);
    let texts = [
        ("comment", &args.comment),
        ("change_set", &args.change_set),
        ("match", &file.matching),
        ("mode", &file.mode),
        ("on_missing", &file.on_missing),
    ];
    for (name, text) in texts {
        members.extend(text.iter().map(|text| (name.to_owned(), Value::from(text.as_str()))));
    }
    if let Some(most) = &file.max_changes {
        let value = most.parse::<u64>().map_or_else(|_| Value::from(most.as_str()), Value::from);
        members.insert("max_changes".to_owned(), value);
    }
    members.extend(file.max_deletes.map(|most| ("max_deletes".to_owned(), Value::from(most))));
    if !file.skip_empty {
        members.insert("skip_empty".to_owned(), Value::from(false));
    }
    if file.per_system {
        members.insert("atomic".to_owned(), Value::from(false));
    }
    if file.require_version {
        members.insert("require_version".to_owned(), Value::from(true));
    }
    members
}

/// Who runs the command, for the history.
fn user() -> String {
    let name = ["SUDO_USER", "USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok());
    name.filter(|name| !name.is_empty()).unwrap_or_else(|| "command line".to_owned())
}
