//! `rollcall db prune-build-data`: what retention does, now, or how much it would do.

use std::io::Write;
use std::process::ExitCode;

use clap::Args;

use crate::clock::{Clock, SystemClock, Timestamp};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::store::Store;
use crate::supervisor;

/// What is removed; without an option, what the configuration says.
#[derive(Clone, Debug, Args)]
pub struct Prune {
    /// Remove what was collected longer ago than this
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(i64).range(1..))]
    older_than: Option<i64>,
    /// Keep only so many of each node and generator, the latest
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(1..))]
    keep_latest: Option<i64>,
    /// Only count
    #[arg(long)]
    dry_run: bool,
}

impl Prune {
    /// Does it, and tells how much it was.
    ///
    /// # Errors
    /// Nothing to go by, or a database that can not be used.
    pub fn run(&self, config: &Config, out: &mut impl Write) -> Result<ExitCode> {
        let kept = |value: i64| (value > 0).then_some(value);
        let seconds = self.older_than.or_else(|| kept(config.build_data.keep_time));
        let each = self.keep_latest.or_else(|| kept(config.build_data.keep_latest));
        if seconds.is_none() && each.is_none() {
            return Err(Error::bad_request(
                "Nothing says what is old: give --older-than or --keep-latest, or set keep_time or keep_latest \
                 in [build_data]",
            ));
        }
        let before = seconds.map(|seconds| SystemClock.now().plus_seconds(seconds.saturating_neg()));
        let store = Store::open_shared(&config.database.connection, 1)?;
        let told = if self.dry_run {
            let (moment, keep) = (before.unwrap_or(Timestamp(i64::MIN)), each.unwrap_or(i64::MAX));
            let rows = store.read_blocking(|session| session.count_surplus(moment, keep))?;
            format!("{rows} rows of build data would be removed")
        } else {
            let system = actix_rt::System::new();
            let rows = system.block_on(supervisor::clear_builds(&store, before, each))?;
            format!("{rows} rows of build data removed")
        };
        store.close();
        writeln!(out, "{told}").map_err(Error::internal)?;
        Ok(ExitCode::SUCCESS)
    }
}
