//! `rollcall serve`: runs the daemon until it is told to stop.

use std::path::PathBuf;

use clap::Args;
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
    /// Runs the daemon until SIGTERM or SIGINT.
    ///
    /// # Errors
    /// Whatever keeps the service from starting.
    pub fn run(&self, env: impl Iterator<Item = (String, String)>) -> Result<()> {
        let loaded = Config::load(self.config.as_deref(), env)?;
        actix_rt::System::new().block_on(run(&loaded))
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
    let (daemon, server) = Daemon::start(config).await?;
    let server = actix_rt::spawn(server);
    tell(loaded);
    log::info!("Listening on {} port {}", config.listen_address, config.listen_port);
    tokio::select! {
        _ = terminate.recv() => log::info!("Stopping on SIGTERM"),
        _ = interrupt.recv() => log::info!("Stopping on SIGINT"),
        ended = server => return Err(Error::internal(format!("the server ended by itself: {ended:?}"))),
    }
    daemon.stop().await;
    log::info!("Stopped");
    Ok(())
}
