//! What was measured, as a table: each figure as the least, the middle and the greatest of the rounds.

use std::time::Duration;

use super::database::Kind;
use super::figures::{Rounds, rate, whole};
use super::raw_loop::Took;

/// One round of the daemon.
#[derive(Clone, Debug)]
pub struct DaemonRound {
    /// How many nodes.
    pub nodes: usize,
    /// From the first `start` until all nodes wait.
    pub start: Duration,
    /// From the first callback to the last answer.
    pub answered: Duration,
    /// From the first callback until all nodes have finished.
    pub callback: Duration,
    /// Time to the answer of a callback that half of them stay below.
    pub p50_ms: f64,
    /// The same for 99 of a hundred.
    pub p99_ms: f64,
    /// The same for all.
    pub longest: Duration,
    /// Processor time of the daemon for whole introspections.
    pub cpu_s: f64,
    /// The same from the first callback on.
    pub callback_cpu_s: f64,
    /// Processor time of callers and node service.
    pub own_cpu_s: f64,
    /// Calls to the node service for each introspection.
    pub calls: f64,
    /// Transitions in a commit while nodes are started.
    pub start_batch: f64,
    /// The same from the first callback on.
    pub callback_batch: f64,
}

/// One round of everything.
#[derive(Clone, Debug)]
pub struct Round {
    /// The daemon.
    pub daemon: DaemonRound,
    /// The loop that commits 32 transitions together.
    pub batched: Took,
    /// The loop that commits each transition alone.
    pub single: Took,
}

/// All rounds on one database.
#[derive(Clone, Debug)]
pub struct Summary {
    /// The rounds.
    pub rounds: Vec<Round>,
    /// From the daemon's start to its first answer, on an empty database.
    pub start_up: Duration,
    /// Resident memory before the first round.
    pub idle_mib: f64,
    /// Resident memory after the last round.
    pub loaded_mib: f64,
    /// Connections that the daemon made to the node service.
    pub connections: usize,
    /// Callers at one time.
    pub callers: usize,
}

impl Round {
    fn callbacks(&self) -> f64 {
        rate(self.daemon.nodes, self.daemon.callback)
    }

    fn introspections(&self) -> f64 {
        rate(self.daemon.nodes, self.daemon.start + self.daemon.callback)
    }

    fn callback_cpu_ms(&self) -> f64 {
        each_ms(self.daemon.callback_cpu_s, self.daemon.nodes)
    }
}

fn each_ms(seconds: f64, count: usize) -> f64 {
    1000.0 * seconds / whole(count)
}

fn callbacks(took: &Took) -> f64 {
    rate(took.machines, took.callback)
}

fn introspections(took: &Took) -> f64 {
    rate(took.machines, took.start + took.callback)
}

fn loop_cpu_ms(took: &Took) -> f64 {
    each_ms(took.callback_cpu_s, took.machines)
}

type Figure = fn(&Round, f64) -> f64;

/// Name, decimals, and the figure of a round with so many callers.
const FIGURES: &[(&str, usize, Figure)] = &[
    ("daemon: callbacks/s, until finished", 0, |r, _| r.callbacks()),
    ("daemon: callbacks/s, until answered", 0, |r, _| rate(r.daemon.nodes, r.daemon.answered)),
    ("daemon: starts/s, until waiting", 0, |r, _| rate(r.daemon.nodes, r.daemon.start)),
    ("daemon: whole introspections/s", 0, |r, _| r.introspections()),
    ("callback answered, p50 ms", 0, |r, _| r.daemon.p50_ms),
    ("callback answered, p99 ms", 0, |r, _| r.daemon.p99_ms),
    ("callback answered, longest ms", 0, |r, _| r.daemon.longest.as_secs_f64() * 1000.0),
    ("daemon: CPU ms / introspection", 2, |r, _| each_ms(r.daemon.cpu_s, r.daemon.nodes)),
    ("daemon: CPU ms / callback", 2, |r, _| r.callback_cpu_ms()),
    ("callers and node service: CPU ms / introspection", 2, |r, _| {
        each_ms(r.daemon.own_cpu_s, r.daemon.nodes)
    }),
    ("node service calls / introspection", 2, |r, _| r.daemon.calls),
    ("transitions / commit, start", 1, |r, _| r.daemon.start_batch),
    ("transitions / commit, callback", 1, |r, _| r.daemon.callback_batch),
    ("loop, batches of 32: callbacks/s", 0, |r, _| callbacks(&r.batched)),
    ("loop, batches of 32: introspections/s", 0, |r, _| introspections(&r.batched)),
    ("loop, batches of 32: CPU ms / callback", 2, |r, _| loop_cpu_ms(&r.batched)),
    ("loop, one by one: callbacks/s", 0, |r, _| callbacks(&r.single)),
    ("loop, one by one: introspections/s", 0, |r, _| introspections(&r.single)),
    ("callbacks: daemon / loop of 32", 2, |r, _| r.callbacks() / callbacks(&r.batched)),
    ("callbacks: daemon / loop one by one", 2, |r, _| r.callbacks() / callbacks(&r.single)),
    ("introspections: daemon / loop of 32", 2, |r, _| r.introspections() / introspections(&r.batched)),
    ("introspections: daemon / loop one by one", 2, |r, _| r.introspections() / introspections(&r.single)),
    ("CPU of a callback: daemon / loop of 32", 1, |r, _| r.callback_cpu_ms() / loop_cpu_ms(&r.batched)),
    ("p99 / (callers / answered rate)", 1, |r, callers| {
        r.daemon.p99_ms / (1000.0 * callers / rate(r.daemon.nodes, r.daemon.answered))
    }),
];

/// The table of one database, in Markdown.
pub fn table(kind: &Kind, summary: &Summary) -> String {
    let callers = whole(summary.callers);
    let several = FIGURES.iter().map(|(name, decimals, figure)| {
        let rounds = Rounds::of(summary.rounds.iter().map(|round| figure(round, callers)));
        line(name, &rounds.written(*decimals))
    });
    let once = [
        ("start to first answer, empty database, ms", summary.start_up.as_secs_f64() * 1000.0),
        ("resident MiB, idle", summary.idle_mib),
        ("resident MiB, after the last round", summary.loaded_mib),
        ("connections to the node service", whole(summary.connections)),
    ];
    let once = once.iter().map(|(name, figure)| line(name, &format!("{figure:.0}")));
    let head = [line(kind.name(), "min / median / max"), line("---", "---")];
    head.into_iter().chain(several).chain(once).collect()
}

fn line(name: &str, figures: &str) -> String {
    format!("| {name:<50} | {figures:<22} |\n")
}
