//! Several instances on one PostgreSQL database against one: callbacks per second, and deadlocks.
//!
//! The instances are processes of their own; the callers and the node service are in this one. Rounds of both follow
//! one another, so that the noise of the machine meets both: the ratio is what counts.

use std::time::{Duration, Instant};

use super::callers;
use super::daemon::Daemon;
use super::database::{Database, Kind};
use super::figures::rate;
use super::{machines, standin::StandIn};

/// What is compared with one instance.
#[derive(Clone, Copy, Debug)]
pub struct Comparison {
    /// How many there are.
    pub instances: usize,
    /// Nodes in each round.
    pub nodes: u32,
    /// Callers at one time.
    pub callers: usize,
    /// How long it goes on; three rounds are made at least.
    pub seconds: u64,
}

/// Instances on a database of their own.
struct Site {
    database: Database,
    daemons: Vec<Daemon>,
}

impl Site {
    fn start(kind: &Kind, count: usize, node_service: u16) -> Self {
        let database = Database::new(kind);
        let daemons = (0..count).map(|number| {
            let folder = database.folder().join(number.to_string());
            std::fs::create_dir(&folder).unwrap();
            Daemon::start(&folder, &database.connection(), node_service)
        });
        let daemons = daemons.collect();
        Self { database, daemons }
    }

    /// Callbacks per second of one round: all nodes are started, then all documents posted.
    fn round(&self, options: &Comparison) -> f64 {
        let ports: Vec<u16> = self.daemons.iter().map(|daemon| daemon.port).collect();
        let first = self.daemons.first().unwrap();
        callers::each_of(options.callers, options.nodes, &ports, |connection, number| {
            let path = format!("/v1/introspection/{}", machines::uuid(number));
            assert_eq!(connection.ask("POST", &path, b"").0, 202);
        });
        first.wait_until_none_is("starting");
        let documents: Vec<Vec<u8>> = (0..options.nodes).map(machines::document).collect();
        let began = Instant::now();
        callers::each_of(options.callers, options.nodes, &ports, |connection, number| {
            let index = usize::try_from(number).unwrap();
            assert_eq!(connection.ask("POST", "/v1/continue", documents.get(index).unwrap()).0, 200);
        });
        first.wait_until_none_is("processing");
        rate(documents.len(), began.elapsed())
    }
}

/// Compares, and tells whether no two writers stood in each other's way.
pub fn compare(kind: &Kind, options: &Comparison) -> bool {
    let node_service = StandIn::start();
    let one = Site::start(kind, 1, node_service.port);
    let several = Site::start(kind, options.instances, node_service.port);
    let end = Instant::now() + Duration::from_secs(options.seconds);
    let mut ratios = Vec::new();
    while ratios.len() < 3 || Instant::now() < end {
        // Each goes first in turn.
        let before = (ratios.len() % 2 == 0).then(|| one.round(options));
        let of_several = several.round(options);
        let of_one = before.unwrap_or_else(|| one.round(options));
        println!(
            "{of_several:.0} callbacks per second by {} instances, {of_one:.0} by one",
            options.instances
        );
        ratios.push(of_several / of_one);
    }
    ratios.sort_by(f64::total_cmp);
    let median = ratios.get(ratios.len() / 2).copied().unwrap_or_default();
    let (rounds, deadlocks) = (ratios.len(), several.database.deadlocks());
    println!(
        "{} instances against one: ratio {median:.2}, {rounds} rounds, {deadlocks} deadlocks",
        options.instances
    );
    deadlocks == 0
}
