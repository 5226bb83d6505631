//! Whole introspections through the whole daemon, against a bare diesel loop that writes the same rows.
//!
//! The daemon is a process of its own; the callers, the node service and the loop are in this one. Rounds of both
//! follow one another, so that the noise of the machine meets both: the ratios are what counts.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark prints what it measured, and stops at the first surprise"
)]

mod support;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Parser;

use support::callers::{self, Connection};
use support::daemon::Daemon;
use support::database::{Database, Kind};
use support::figures::{cpu_s, percentile_ms, resident_mib, whole};
use support::instances::{self, Comparison};
use support::raw_loop::{self, RawLoop, Ready};
use support::report::{self, DaemonRound, Round, Summary};
use support::{machines, standin::StandIn};

/// What may be said on the command line, behind `cargo bench --bench callbacks --`.
#[derive(Debug, Parser)]
struct Options {
    /// Nodes in each round
    #[arg(long)]
    nodes: Option<u32>,
    /// Rounds of the daemon and of the loops in turn
    #[arg(long)]
    rounds: Option<usize>,
    /// Callers at one time
    #[arg(long, default_value_t = 64)]
    callers: usize,
    /// Fewer nodes: about fifteen seconds in all
    #[arg(long)]
    quick: bool,
    /// Compare so many instances on one PostgreSQL database with one
    #[arg(long)]
    instances: Option<usize>,
    /// For so many seconds
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Only this database: sqlite or postgresql
    #[arg(long)]
    only: Option<String>,
    /// Given by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

/// An introspection may cost the node service this many calls.
const MOST_CALLS: f64 = 9.0;

fn main() -> ExitCode {
    let options = Options::parse();
    let nodes = options.nodes.unwrap_or(if options.quick { 400 } else { 1500 });
    if let Some(instances) = options.instances {
        return compared(instances, &options);
    }
    let rounds = options.rounds.unwrap_or(3);
    let ready = raw_loop::make_ready(nodes);
    println!(
        "{nodes} nodes, {rounds} rounds, {} callers; documents of {} bytes",
        options.callers,
        machines::document(0).len()
    );
    let wanted =
        |kind: &Kind| options.only.as_ref().is_none_or(|name| kind.name().eq_ignore_ascii_case(name));
    let mut good = true;
    for kind in Kind::all().into_iter().filter(wanted) {
        let summary = measure(&kind, &ready, rounds, options.callers);
        println!("{}", report::table(&kind, &summary));
        // One call more in the first round: the versions are agreed upon.
        good &= summary.rounds.iter().all(|round| round.daemon.calls < MOST_CALLS + 0.5);
    }
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn compared(instances: usize, options: &Options) -> ExitCode {
    let Some(kind) = Kind::all().into_iter().find(|kind| *kind != Kind::Sqlite) else {
        println!("ROLLCALL_TEST_POSTGRES does not name a PostgreSQL cluster");
        return ExitCode::FAILURE;
    };
    let (nodes, callers, seconds) = (options.nodes.unwrap_or(600), options.callers, options.seconds);
    let good = instances::compare(&kind, &Comparison { instances, nodes, callers, seconds });
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn measure(kind: &Kind, ready: &Arc<[Ready]>, rounds: usize, callers: usize) -> Summary {
    let node_service = StandIn::start();
    let database = Database::new(kind);
    let daemon = Daemon::start(database.folder(), &database.connection(), node_service.port);
    let idle_mib = resident_mib(daemon.pid());
    let mut batched = RawLoop::new(kind, ready, 32);
    let mut single = RawLoop::new(kind, ready, 1);
    let rounds = (0..rounds)
        .map(|number| {
            let mut of_daemon = || daemon_round(&daemon, &database, &node_service, ready.len(), callers);
            // What one leaves behind (a checkpoint, a clean-up) burdens the next: each goes first in turn.
            let before = (number % 2 == 0).then(&mut of_daemon);
            let (batched, single) = (batched.round(ready.len()), single.round(ready.len().div_ceil(4)));
            Round { daemon: before.unwrap_or_else(of_daemon), batched, single }
        })
        .collect();
    // Else the ratios would compare different things.
    assert_eq!(database.contents(), batched.database.contents(), "the loop does not write the daemon's rows");
    assert_eq!(node_service.refused(), 0, "the daemon made calls that no introspection needs");
    Summary {
        rounds,
        start_up: daemon.start_up,
        idle_mib,
        loaded_mib: resident_mib(daemon.pid()),
        connections: node_service.connections(),
        callers,
    }
}

/// Starts all nodes and waits until they wait; posts all documents and waits until all have finished.
fn daemon_round(
    daemon: &Daemon,
    database: &Database,
    node_service: &StandIn,
    nodes: usize,
    callers: usize,
) -> DaemonRound {
    let count = u32::try_from(nodes).unwrap();
    let documents: Vec<Vec<u8>> = (0..count).map(machines::document).collect();
    let (calls, commits) = (node_service.calls(), database.commits());
    let (cpu, own_cpu) = (cpu_s(daemon.pid()), cpu_s(std::process::id()));
    let began = Instant::now();
    callers::each(callers, count, daemon.port, start);
    daemon.wait_until_none_is("starting");
    let (start, cpu_started) = (began.elapsed(), cpu_s(daemon.pid()));

    let commits_started = database.commits();
    let began = Instant::now();
    let mut times = callers::each(callers, count, daemon.port, |connection, number| {
        let index = usize::try_from(number).unwrap();
        post(connection, documents.get(index).unwrap());
    });
    let answered = began.elapsed();
    daemon.wait_until_none_is("processing");
    let callback = began.elapsed();
    let (cpu_end, commits_end) = (cpu_s(daemon.pid()), database.commits());
    let count_of = |from: i64, to: i64| f64::from(i32::try_from(to - from).unwrap());
    DaemonRound {
        nodes,
        start,
        answered,
        callback,
        p50_ms: percentile_ms(&mut times, 50),
        p99_ms: percentile_ms(&mut times, 99),
        longest: times.last().copied().unwrap_or(Duration::ZERO),
        cpu_s: cpu_end - cpu,
        callback_cpu_s: cpu_end - cpu_started,
        own_cpu_s: cpu_s(std::process::id()) - own_cpu,
        calls: whole(node_service.calls() - calls) / whole(nodes),
        start_batch: 2.0 * whole(nodes) / count_of(commits, commits_started),
        callback_batch: 3.0 * whole(nodes) / count_of(commits_started, commits_end),
    }
}

fn start(connection: &mut Connection, number: u32) {
    let path = format!("/v1/introspection/{}", machines::uuid(number));
    let (status, body) = connection.ask("POST", &path, b"");
    assert_eq!(status, 202, "{}", String::from_utf8_lossy(&body));
}

fn post(connection: &mut Connection, document: &[u8]) {
    let (status, body) = connection.ask("POST", "/v1/continue", document);
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
}
