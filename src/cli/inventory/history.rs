//! `rollcall inventory history`: what was changed, by whom and why.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Args;
use console::style;
use serde_json::{Map, Value};

use crate::clock::Timestamp;
use crate::error::{Error, Kind, Result};
use crate::inventory::service::Inventory;
use crate::store::Store;
use crate::store::inventory::{ChangeRow, ChangeSetHead, Changes};

/// Rows that are read at once.
const PAGE: i64 = 500;

/// Which changes.
#[derive(Clone, Debug, Args)]
pub struct HistoryArgs {
    /// The host name, the UUID or the key of a system; without it all of them
    pub system: Option<String>,
    /// Only changes by this user
    #[arg(long)]
    pub user: Option<String>,
    /// Only changes from this moment on, like 2026-01-31T12:00:00Z
    #[arg(long, value_name = "MOMENT")]
    pub since: Option<String>,
    /// Only this change set
    #[arg(long, value_name = "ID")]
    pub change_set: Option<String>,
}

/// Prints it, the oldest first.
///
/// # Errors
/// Where the system is not known, or the database can not be read.
pub fn print(
    inventory: &Inventory,
    store: &Store,
    args: &HistoryArgs,
    out: &mut impl Write,
) -> Result<ExitCode> {
    let mut sought = Changes {
        change_set: args.change_set.clone(),
        system: args.system.as_deref().map(|system| key_of(inventory, system)).transpose()?,
        kind: None,
        asker: args.user.clone(),
        since_us: args.since.as_deref().map(moment).transpose()?,
        after: None,
    };
    let mut set = String::new();
    loop {
        let page = store.read_blocking(|session| session.changes(&sought, PAGE))?;
        let Some((last, _)) = page.last() else { return Ok(ExitCode::SUCCESS) };
        sought.after = Some((last.committed_us, last.change_set.clone(), last.number));
        for (row, of) in &page {
            if set != of.id {
                set.clone_from(&of.id);
                heading(of, out).map_err(Error::internal)?;
            }
            change(row, out).map_err(Error::internal)?;
        }
    }
}

fn key_of(inventory: &Inventory, system: &str) -> Result<i64> {
    let hint = |error: Error| match error.kind {
        Kind::NotFound => Error::not_found(format!("{}; one that is gone is known by its key", error.text)),
        _ => error,
    };
    inventory.key_of(system).map_err(hint)
}

fn moment(text: &str) -> Result<i64> {
    let moment = text.parse::<Timestamp>().map(|moment| moment.0);
    moment.map_err(|_| Error::bad_request(format!("{text} is no moment like 2026-01-31T12:00:00Z")))
}

fn heading(set: &ChangeSetHead, out: &mut impl Write) -> io::Result<()> {
    let comment = set.comment.as_deref().map(|comment| format!(": {comment}")).unwrap_or_default();
    let user = set.asker.as_deref().unwrap_or("nobody in particular");
    let source = set.source.as_deref().map(|source| format!(" from {source}")).unwrap_or_default();
    writeln!(out, "{} {} by {user}{source}{comment}", Timestamp(set.committed_us), style(&set.id).bold())
}

fn change(row: &ChangeRow, out: &mut impl Write) -> io::Result<()> {
    let members = |text: &Option<String>| -> Map<String, Value> {
        text.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    };
    let (before, after) = (members(&row.before), members(&row.after));
    let changed =
        after.iter().filter(|(name, value)| *name != "version" && before.get(*name) != Some(*value));
    let shown: Vec<String> = match row.op.as_str() {
        "update" | "move" => changed
            .map(|(name, to)| format!("{name} {} -> {to}", before.get(name).unwrap_or(&Value::Null)))
            .collect(),
        _ => Vec::new(),
    };
    let fields = if shown.is_empty() { String::new() } else { format!(": {}", shown.join(", ")) };
    writeln!(out, "  {} {} {} {}{fields}", row.op, row.kind, row.pk, row.label)
}
