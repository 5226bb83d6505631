//! What the demo stands on: a folder, a configuration, a port, the registered machines.

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::Options;
use super::fleet::Machine;
use crate::config::{Config, Database, DatabaseUrl, Healthcheck, Processing};
use crate::error::{Error, Result};
use crate::node_service::local::register::{Register, Registration};
use crate::store::{self, Store};

/// The service's usual port.
pub const USUAL_PORT: u16 = 5050;

/// The demo's folder.
#[derive(Debug)]
pub enum Folder {
    /// One that was named, and stays.
    Given(PathBuf),
    /// One that goes with the demo.
    Temporary(TempDir),
}

impl Folder {
    /// The folder that was asked for, made where it is not there.
    ///
    /// # Errors
    /// Where it can not be made.
    pub fn new(given: Option<&Path>) -> Result<Self> {
        let failed = |cause| Error::bad_request(format!("The demo's folder can not be made: {cause}"));
        match given {
            Some(path) => {
                std::fs::create_dir_all(path).map_err(failed)?;
                path.canonicalize().map(Self::Given).map_err(failed)
            }
            None => tempfile::Builder::new()
                .prefix("rollcall-demo-")
                .tempdir()
                .map(Self::Temporary)
                .map_err(failed),
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::Given(path) => path,
            Self::Temporary(folder) => folder.path(),
        }
    }
}

/// The configuration: the embedded default, with all data kept and little patience.
#[must_use]
pub fn config(options: &Options, folder: &Path) -> Config {
    let usual = Config::default();
    Config {
        listen_port: options.port.unwrap_or_else(free_port),
        timeout: i64::from(options.timeout_s),
        shutdown_timeout: 2,
        database: Database {
            connection: DatabaseUrl::Sqlite(folder.join("rollcall.sqlite")),
            ..usual.database
        },
        processing: Processing {
            store_data: "database".to_owned(),
            ramdisk_logs_dir: Some(folder.join("ramdisk-logs")),
            ..usual.processing
        },
        healthcheck: Healthcheck { enabled: true, ..Healthcheck::default() },
        ..usual
    }
}

/// The usual port where it is free, else any.
fn free_port() -> u16 {
    match TcpListener::bind((Ipv4Addr::LOCALHOST, USUAL_PORT)) {
        Ok(_) => USUAL_PORT,
        Err(_) => 0,
    }
}

/// Makes the database and registers the machines that an earlier demo in the same folder has not registered yet.
/// Blocks.
///
/// # Errors
/// Where the database can not be used, or holds other nodes with what the machines are known by.
pub fn register(url: &DatabaseUrl, machines: &[Machine]) -> Result<()> {
    store::upgrade(url)?;
    let store = Store::open_shared(url, 1)?;
    let outcome = register_missing(&store, machines);
    store.close();
    outcome
}

fn register_missing(store: &Store, machines: &[Machine]) -> Result<()> {
    let mut missing: Vec<Registration> = Vec::new();
    for machine in machines {
        let uuid = machine.uuid.to_string();
        if store.read_blocking(|session| session.registered_node(&uuid))?.is_none() {
            missing.push(machine.registration());
        }
    }
    let registered = store.write_blocking(Register(missing.into()))?;
    registered.map_err(|clash| {
        Error::conflict(format!("The demo needs a folder of its own, in this one {}", clash.text))
    })
}
