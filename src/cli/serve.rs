//! `rollcall serve`: runs the daemon until it is told to stop.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::signal::unix::{SignalKind, signal};

use crate::config::{AuthStrategy, Config, Loaded};
use crate::daemon::Daemon;
use crate::error::{Error, Result};

/// `rollcall serve`
#[derive(Clone, Debug, Args)]
pub struct ServeCommand {
    /// The configuration; without it the defaults and the environment count
    #[arg(long, env = "ROLLCALL_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
}

impl ServeCommand {
    /// Runs the daemon until SIGTERM or SIGINT; SIGHUP has certificates read again.
    ///
    /// # Errors
    /// Whatever keeps the service from starting.
    pub fn run(&self, env: impl Iterator<Item = (String, String)>) -> Result<()> {
        let loaded = Config::load(self.config.as_deref(), env)?;
        raise_open_files();
        actix_rt::System::new().block_on(run(&loaded))
    }
}

/// Each connection is an open file, and the usual limit of 1024 is meant for programs that know no more.
fn raise_open_files() {
    let limit = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }) {
        log::warn!("The limit of open files stays as it is error={error}");
    }
}

fn tell(loaded: &Loaded) {
    for line in loaded.warnings.iter().chain(&loaded.unknown) {
        log::warn!("{line}");
    }
    if loaded.config.auth_strategy == AuthStrategy::Noauth {
        log::warn!("Anybody who can reach the API may use it: auth_strategy is noauth");
    }
}

async fn run(loaded: &Loaded) -> Result<()> {
    let config = &loaded.config;
    let mut terminate = signal(SignalKind::terminate()).map_err(Error::internal)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Error::internal)?;
    let mut hangup = signal(SignalKind::hangup()).map_err(Error::internal)?;
    let started = tokio::select! {
        started = Daemon::start(config) => started?,
        _ = terminate.recv() => return Ok(()),
        _ = interrupt.recv() => return Ok(()),
    };
    let (daemon, server) = started;
    let mut server = actix_rt::spawn(server);
    tell(loaded);
    log::info!("Listening on {}", daemon.place());
    let signal = loop {
        tokio::select! {
            _ = terminate.recv() => break "SIGTERM",
            _ = interrupt.recv() => break "SIGINT",
            _ = hangup.recv() => daemon.reload().await,
            ended = &mut server => {
                return Err(Error::internal(format!("the server ended by itself: {ended:?}")));
            }
        }
    };
    log::info!("Stopping on {signal}");
    // Requests, then operations, each have the time of shutdown_timeout; the rest is quick.
    let bound = Duration::from_secs(config.shutdown_timeout.saturating_mul(2).saturating_add(5));
    if tokio::time::timeout(bound, daemon.stop()).await.is_err() {
        log::warn!("Some work did not end in time; it is taken up at the next start");
    }
    log::info!("Stopped");
    // What is left on other threads must not hold the process up: all that was answered is committed.
    std::process::exit(0);
}
