//! `rollcall migrate-data`: introspection data from one store to another, also while a daemon of ours runs.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::exit;
use crate::config::Config;
use crate::data_store::migration::{Migration, Mode, Report};
use crate::error::{Error, Result};
use crate::store::Store;

/// Connections to the database: most of the time goes by in the other store.
const CONNECTIONS: u32 = 4;

/// `rollcall migrate-data`
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "STORE is database, swift or folder:PATH. The source stays as it is. It may be interrupted and \
                        repeated: what the target holds already is not sent again.\nExit code: 0 if all there is is \
                        in the target, 3 if something is not, 1 if it ended early."
)]
pub struct MigrateData {
    /// Where the data is
    #[arg(long, value_name = "STORE")]
    pub from: String,
    /// Where it shall be
    #[arg(long, value_name = "STORE")]
    pub to: String,
    /// Write nothing, only tell what would be done
    #[arg(long)]
    pub dry_run: bool,
    /// The configuration; without it the defaults and the environment count
    #[arg(long, env = "ROLLCALL_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
}

impl MigrateData {
    /// Does it; the summary goes to `out`.
    ///
    /// # Errors
    /// A wrong configuration, a database that can not be read, or stores that can not be used.
    pub fn run(&self, env: impl Iterator<Item = (String, String)>, out: &mut impl Write) -> Result<ExitCode> {
        let config = Config::load(self.config.as_deref(), env)?.config;
        let mode = if self.dry_run { Mode::DryRun } else { Mode::Write };
        let store = Store::open_shared(&config.database.connection, CONNECTIONS)?;
        let migration = Migration::new(&config, &store, &self.from, &self.to, mode)?;
        let bar = bar(store.read_blocking(|session| session.node_count())?);
        let outcome = actix_rt::System::new().block_on(migration.run(|| bar.inc(1)));
        bar.finish_and_clear();
        store.close();
        let report = outcome?;
        tell(&report, mode, out).map_err(Error::internal)?;
        Ok(exit::done(report.is_whole()))
    }
}

/// Shown on a terminal only.
fn bar(nodes: i64) -> ProgressBar {
    let nodes = u64::try_from(nodes).unwrap_or_default();
    if !io::stderr().is_terminal() {
        return ProgressBar::with_draw_target(Some(nodes), ProgressDrawTarget::hidden());
    }
    let style = ProgressStyle::with_template("nodes [{bar:40.cyan}] {pos}/{len} {per_sec} {eta}");
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> ");
    ProgressBar::new(nodes).with_style(style)
}

fn tell(report: &Report, mode: Mode, out: &mut impl Write) -> io::Result<()> {
    let Report { copied, copied_bytes, held, absent, newer, busy, failed, failures } = report;
    for failure in failures {
        writeln!(out, "failed: {failure}")?;
    }
    if mode == Mode::DryRun {
        writeln!(out, "nothing was written; a migration would do this:")?;
    }
    writeln!(
        out,
        "documents: {copied} copied ({copied_bytes} bytes), {held} already there, {absent} absent, \
         {newer} kept, {busy} busy, {failed} failed"
    )?;
    let notes = [
        (newer, "documents were left as they are: a later run has stored or voided its own in the database"),
        (busy, "documents are left: a run of their node is going on; migrate again when it is over"),
    ];
    let mut notes = notes.iter().filter(|(count, _)| **count > 0);
    notes.try_for_each(|(count, text)| writeln!(out, "note: {count} {text}"))
}
