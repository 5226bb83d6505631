//! `rollcall db import`: the records of an ironic-inspector, also while a daemon of ours runs.
//!
//! Invariant: their database is only read, and no URL is shown with its password.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::exit;
use crate::ancestor::{self, Counts, Documents, Mode, Report, Settings};
use crate::clock::{Clock, SystemClock};
use crate::config::import::{Source, database_url};
use crate::config::{Config, DatabaseUrl};
use crate::error::{Error, Kind, Result};
use crate::store::ancestor::Ancestor;
use crate::store::{self, Store};

const GUIDE: &str = "docs/migrating-from-ironic-inspector.md";

/// `rollcall db import`
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "It may be repeated: only what is newer there is then written, and what has happened to a \
                        node here counts.\nExit code: 0 if everything is here, 3 if something could not be taken \
                        over, 1 if it ended early."
)]
pub struct DbImport {
    /// Its database as SQLAlchemy writes it (sqlite:////PATH, postgresql://...), or its inspector.conf
    #[arg(value_name = "URL|INSPECTOR_CONF")]
    pub from: String,
    /// Write nothing, only tell what would be done
    #[arg(long)]
    pub dry_run: bool,
}

impl DbImport {
    /// Does it; the summary goes to `out`.
    ///
    /// # Errors
    /// A database that can not be used.
    pub fn run(&self, config: &Config, out: &mut impl Write) -> Result<ExitCode> {
        let mut from = Ancestor::open(&self.source()?)?;
        let target = Target::open(&config.database.connection, self.mode())?;
        let bar = bar(from.node_count()?);
        let settings = settings(config, self.mode());
        let outcome = ancestor::take_over(&mut from, &target.store, &settings, &mut |nodes| bar.inc(nodes));
        bar.finish_and_clear();
        target.store.close();
        let report = outcome?;
        tell(&report, self.mode(), out).map_err(Error::internal)?;
        Ok(exit::done(report.is_whole()))
    }

    fn mode(&self) -> Mode {
        if self.dry_run { Mode::DryRun } else { Mode::Write }
    }

    fn source(&self) -> Result<DatabaseUrl> {
        let url = if self.from.contains("://") { self.from.clone() } else { url_of_file(&self.from)? };
        let scheme = url.split(['+', ':']).next().unwrap_or_default();
        if matches!(scheme, "mysql" | "mariadb") {
            return Err(Error::bad_request(format!(
                "A MySQL database can not be read directly: copy it to PostgreSQL, for example with pgloader, \
                 and import the copy; {GUIDE} says how"
            )));
        }
        DatabaseUrl::try_from(url).map_err(Error::bad_request)
    }
}

fn url_of_file(place: &str) -> Result<String> {
    let text = std::fs::read_to_string(place)
        .map_err(|cause| Error::bad_request(format!("{place} can not be read: {cause}")))?;
    database_url(Source { place, text: &text }).map_err(Error::bad_request)
}

fn settings(config: &Config, mode: Mode) -> Settings {
    let has_timeout = config.timeout > 0 && config.clean_up_period > 0;
    let keeps = config.processing.store_data == "database";
    Settings {
        now: SystemClock.now(),
        timeout_s: has_timeout.then_some(config.timeout),
        documents: if keeps { Documents::Taken } else { Documents::Left },
        mode,
    }
}

/// Our database, or an empty one in its place where nothing is to be written and there is none yet.
struct Target {
    store: Store,
    _folder: Option<tempfile::TempDir>,
}

impl Target {
    fn open(url: &DatabaseUrl, mode: Mode) -> Result<Self> {
        if mode == Mode::DryRun {
            return Self::to_look_at(url);
        }
        let store = match Store::open(url, 1) {
            // A daemon works on it: that is no hindrance.
            Err(error) if error.kind == Kind::Conflict => Store::open_shared(url, 1)?,
            opened => opened?,
        };
        Ok(Self { store, _folder: None })
    }

    fn to_look_at(url: &DatabaseUrl) -> Result<Self> {
        let is_there = match url {
            DatabaseUrl::Sqlite(path) => path.exists(),
            DatabaseUrl::Postgres(_) => true,
        };
        if is_there && store::schema_version(url)?.database.is_some() {
            return Ok(Self { store: Store::open_shared(url, 1)?, _folder: None });
        }
        let folder = tempfile::tempdir().map_err(Error::internal)?;
        let store = Store::open(&DatabaseUrl::Sqlite(folder.path().join("empty.sqlite")), 1)?;
        Ok(Self { store, _folder: Some(folder) })
    }
}

/// Shown on a terminal only.
fn bar(nodes: u64) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::with_draw_target(Some(nodes), ProgressDrawTarget::hidden());
    }
    let style = ProgressStyle::with_template("nodes [{bar:40.cyan}] {pos}/{len} {eta}");
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> ");
    ProgressBar::new(nodes).with_style(style)
}

fn tell(report: &Report, mode: Mode, out: &mut impl Write) -> io::Result<()> {
    for left in &report.lines {
        writeln!(out, "left: {}: {}", left.what, left.reason)?;
    }
    if mode == Mode::DryRun {
        writeln!(out, "nothing was written; an import would do this:")?;
    }
    writeln!(out, "rules: {}", counted(&report.rules))?;
    writeln!(out, "nodes: {}", counted(&report.nodes))?;
    for (state, count) in &report.states {
        writeln!(out, "  {state}: {count}")?;
    }
    writeln!(out, "documents: {} written", report.documents)?;
    notes(report).iter().try_for_each(|note| writeln!(out, "note: {note}"))
}

fn counted(counts: &Counts) -> String {
    let Counts { new, updated, unchanged, kept, left } = counts;
    let total = counts.total();
    format!("{total} read, {new} new, {updated} updated, {unchanged} unchanged, {kept} kept, {left} left")
}

/// What should be known beyond the counts.
fn notes(report: &Report) -> Vec<String> {
    let extent = report.extent;
    let all = [
        (report.interrupted, "nodes were being worked on there and end as an error that says so"),
        (report.nodes.kept, "nodes have had a run here since, which counts"),
        (report.rules.kept, "rules are here in another form, which counts"),
        (report.disabled_rules, "rules are marked as disabled and are not applied here, unlike there"),
        (
            extent.documents_left,
            "documents are left: set store_data = \"database\" in [processing] and import again",
        ),
        (extent.documents_unusable, "documents are left: they are no JSON objects"),
        (extent.values_unusable, "look-up values are left: they are no addresses"),
        (report.orphans, "documents are left: they belong to no node"),
    ];
    all.iter().filter(|(count, _)| *count > 0).map(|(count, text)| format!("{count} {text}")).collect()
}
