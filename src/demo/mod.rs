//! A daemon with a simulated fleet, to see it work without hardware.
//!
//! The daemon is the real one; operators and ramdisks reach it over HTTP like real ones. Invariant: what the fleet
//! does is the same in every run. It must not know the daemon's inside: what it shows is what the API says.

pub mod api;
pub mod fleet;
pub mod life;
pub mod progress;
pub mod ramdisk;
pub mod setup;
pub mod summary;
pub mod watch;

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::signal::unix::{Signal, SignalKind, signal};

use self::api::Api;
use self::fleet::Machine;
use self::life::{Outcome, Pace};
use self::setup::Folder;
use self::watch::Watcher;
use crate::config::DatabaseUrl;
use crate::daemon::{Daemon, Place};
use crate::error::{Error, Result};
use crate::fsm::State;

/// How much longer than the time-out a machine may take to come to its end.
const GRACE: Duration = Duration::from_secs(60);

/// The least time in which all machines are started.
const LEAST_START: Duration = Duration::from_millis(1500);
/// The time between two starts in a large fleet, on average.
const START_PAUSE: Duration = Duration::from_millis(10);

/// What is asked of the demo.
#[derive(Clone, Debug)]
pub struct Options {
    /// How many machines there are.
    pub nodes: u32,
    /// Where to listen: 0 is any free port, `None` the usual one where it is free.
    pub port: Option<u16>,
    /// Where the database lies; `None` is a folder that goes with the demo.
    pub folder: Option<PathBuf>,
    /// How long a machine may take to post its data.
    pub timeout_s: u32,
    /// What follows when all machines have come to their end.
    pub afterwards: Afterwards,
}

/// What follows when all machines have come to their end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Afterwards {
    /// The service stays up until it is interrupted.
    Stay,
    /// The demo ends.
    Exit,
}

/// How the demo ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Every machine ended as planned.
    AsPlanned,
    /// Some did not.
    Otherwise,
    /// Somebody did not want to wait for the end.
    Interrupted,
}

/// Where the daemon is to be found.
struct Stage<'a> {
    address: SocketAddr,
    database: &'a DatabaseUrl,
}

/// Runs the demo inside an actix system; what is to be read goes to `out`.
///
/// # Errors
/// Whatever keeps the service from starting.
pub async fn run(options: &Options, out: &mut impl Write) -> Result<Ending> {
    let mut interrupts = Interrupts::new()?;
    let folder = Folder::new(options.folder.as_deref())?;
    let config = setup::config(options, folder.path());
    let machines: Vec<Machine> = (0..options.nodes).map(Machine::new).collect();
    let (url, fleet) = (config.database.connection.clone(), machines.clone());
    let registered = tokio::task::spawn_blocking(move || setup::register(&url, &fleet)).await;
    registered.map_err(Error::internal)??;
    let (daemon, server) = Daemon::start(&config).await?;
    // It ends when the daemon is stopped.
    drop(actix_rt::spawn(server));
    let Place::Tcp(address) = *daemon.place() else {
        return Err(Error::internal("the demonstration does not listen on a port"));
    };
    let stage = Stage { address, database: &config.database.connection };
    welcome(options, &stage, out).map_err(Error::internal)?;
    let outcome = present(options, machines, &stage, &mut interrupts, out).await;
    daemon.stop().await;
    outcome
}

async fn present(
    options: &Options,
    machines: Vec<Machine>,
    stage: &Stage<'_>,
    interrupts: &mut Interrupts,
    out: &mut impl Write,
) -> Result<Ending> {
    let api = Rc::new(Api::new(stage.address));
    let watcher = Watcher::start(Rc::clone(&api)).await.map_err(Error::internal)?;
    let pace = pace(options);
    let lives = machines
        .into_iter()
        .map(|machine| life::live(Rc::new(machine), Rc::clone(&api), watcher.seen(), pace));
    let outcomes = tokio::select! {
        outcomes = join_all(lives) => outcomes,
        () = progress::show(options.nodes.into(), watcher.seen()) => Vec::new(),
        () = interrupts.next() => return Ok(Ending::Interrupted),
    };
    drop(watcher);
    conclude(&outcomes, out).map_err(Error::internal)?;
    if options.afterwards == Afterwards::Stay {
        invite(&outcomes, api.root(), stage.database, out).map_err(Error::internal)?;
        interrupts.next().await;
    }
    let as_planned = outcomes.iter().all(|outcome| outcome.surprise.is_none());
    Ok(if as_planned { Ending::AsPlanned } else { Ending::Otherwise })
}

/// Large fleets are started more slowly: the service is to be shown, not the limits of the machine it runs on.
fn pace(options: &Options) -> Pace {
    let starts_within = START_PAUSE.saturating_mul(options.nodes).max(LEAST_START);
    let timeout = Duration::from_secs(options.timeout_s.into());
    Pace { starts_within, timeout, patience: starts_within.saturating_add(timeout).saturating_add(GRACE) }
}

fn welcome(options: &Options, stage: &Stage<'_>, out: &mut impl Write) -> std::io::Result<()> {
    let Stage { address, database } = stage;
    if options.port.is_none() && address.port() != setup::USUAL_PORT {
        writeln!(out, "port {} is taken, another one is used", setup::USUAL_PORT)?;
    }
    writeln!(out, "rollcall {} listens on http://{address}", env!("CARGO_PKG_VERSION"))?;
    writeln!(out, "database: {database}")?;
    writeln!(out, "{} simulated nodes, time-out {} s\n", options.nodes, options.timeout_s)?;
    out.flush()
}

fn conclude(outcomes: &[Outcome], out: &mut impl Write) -> std::io::Result<()> {
    writeln!(out, "{}", summary::table(outcomes))?;
    for line in summary::verdict(outcomes) {
        writeln!(out, "{line}")?;
    }
    out.flush()
}

/// What there is to look at.
fn invite(
    outcomes: &[Outcome],
    root: &str,
    database: &DatabaseUrl,
    out: &mut impl Write,
) -> std::io::Result<()> {
    let one = |state: State| {
        let of = |outcome: &&Outcome| outcome.status.as_ref().is_some_and(|status| status.state == state);
        outcomes.iter().find(of).map(|outcome| outcome.machine.uuid)
    };
    writeln!(out, "\nThe service stays up until Ctrl-C. To look around:")?;
    writeln!(out, "  curl '{root}/introspection?limit=5'")?;
    writeln!(out, "  curl '{root}/introspection?state=error'")?;
    if let Some(failed) = one(State::Error) {
        writeln!(out, "  curl {root}/introspection/{failed}")?;
    }
    if let Some(finished) = one(State::Finished) {
        writeln!(out, "  curl {root}/introspection/{finished}/data")?;
        writeln!(out, "  curl -X POST {root}/introspection/{finished}/data/unprocessed")?;
    }
    writeln!(out, "  ROLLCALL_DATABASE__CONNECTION={database} rollcall nodes list")?;
    out.flush()
}

/// The signals that end the demo.
struct Interrupts {
    interrupt: Signal,
    terminate: Signal,
}

impl Interrupts {
    fn new() -> Result<Self> {
        let listen = |kind| signal(kind).map_err(Error::internal);
        Ok(Self { interrupt: listen(SignalKind::interrupt())?, terminate: listen(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
