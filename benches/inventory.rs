//! An import of many systems in one request, and their export, against a bare diesel loop that inserts and reads the
//! same rows, history included; what other writes and the memory feel of it meanwhile; and what the callbacks of
//! ramdisks feel of it where a daemon does it.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::as_conversions,
    missing_docs,
    reason = "a benchmark prints what it measured, and stops at the first surprise"
)]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use clap::Parser;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use rollcall::clock::SystemClock;
use rollcall::config::DatabaseUrl;
use rollcall::inventory::export::{Export, Related, Selection, Table};
use rollcall::inventory::options::Limits;
use rollcall::inventory::search;
use rollcall::inventory::service::{Format, Inventory, Order};
use rollcall::inventory::shown::Relations;
use rollcall::inventory::{Answer, Verdict};
use rollcall::node_service::local::register::{Register, Registration};
use rollcall::store::Store;
use uuid::Uuid;

mod support {
    pub mod callers;
    pub mod daemon;
    pub mod machines;
    pub mod standin;
}

use support::callers::{self, Connection as Caller};
use support::daemon::Daemon;
use support::machines;
use support::standin::StandIn;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// What may be said on the command line, behind `cargo bench --bench inventory --`.
#[derive(Debug, Parser)]
struct Options {
    /// Systems in the request
    #[arg(long, default_value_t = 10_000)]
    systems: u32,
    /// Rounds
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// Ramdisks that post while a daemon imports, each time
    #[arg(long, default_value_t = 600)]
    machines: u32,
    /// Given by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

macro_rules! rows {
    ($name:ident, $table:ident ($key:ident) { $($column:ident: $sql:ty => $type:ty),* $(,)? }) => {
        diesel::table! { $table ($key) { $($column -> $sql,)* } }

        #[derive(Queryable, Insertable)]
        #[diesel(table_name = $table)]
        struct $name { $($column: $type,)* }
    };
}

type Maybe = Option<String>;

rows!(System, systems (pk) {
    pk: BigInt => i64, version: BigInt => i64, uuid: Text => String, hostname: Text => String,
    serial: Nullable<Text> => Maybe, notes: Nullable<Text> => Maybe, rack_order: Nullable<BigInt> => Option<i64>,
    purchase_date: Nullable<Text> => Maybe, warranty_start: Nullable<Text> => Maybe,
    warranty_end: Nullable<Text> => Maybe, system_type: Nullable<BigInt> => Option<i64>,
    system_status: Nullable<BigInt> => Option<i64>, created_us: BigInt => i64, updated_us: BigInt => i64,
});
rows!(RegistrationRow, registrations (pk) {
    pk: BigInt => i64, version: BigInt => i64, system: BigInt => i64, name: Text => String, fqdn: Text => String,
    ip_str: Nullable<Text> => Maybe, family: Nullable<SmallInt> => Option<i16>,
    address: Nullable<Binary> => Option<Vec<u8>>, ttl: Nullable<BigInt> => Option<i64>,
    description: Nullable<Text> => Maybe, decommissioned: Bool => bool,
});
rows!(AdapterRow, adapters (pk) {
    pk: BigInt => i64, version: BigInt => i64, system: Nullable<BigInt> => Option<i64>,
    registration: Nullable<BigInt> => Option<i64>, name: Text => String, mac: Text => String,
    description: Nullable<Text> => Maybe, enable_dhcp: Bool => bool, shared_mac: Bool => bool,
});
rows!(ChangeRow, changes (number) {
    change_set: Text => String, number: BigInt => i64, committed_us: BigInt => i64, kind: Text => String,
    pk: BigInt => i64, system_pk: BigInt => i64, label: Text => String, op: Text => String,
    before: Nullable<Text> => Maybe, after: Nullable<Text> => Maybe,
});

struct All {
    systems: Vec<System>,
    registrations: Vec<RegistrationRow>,
    adapters: Vec<AdapterRow>,
    changes: Vec<ChangeRow>,
}

fn open(path: &std::path::Path) -> SqliteConnection {
    let mut connection = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    let settings = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; \
                    PRAGMA cache_size = -16384; PRAGMA wal_autocheckpoint = 4000;";
    connection.batch_execute(settings).unwrap();
    connection
}

impl All {
    fn read(connection: &mut SqliteConnection) -> Self {
        Self {
            systems: systems::table.load(connection).unwrap(),
            registrations: registrations::table.load(connection).unwrap(),
            adapters: adapters::table.load(connection).unwrap(),
            changes: changes::table.load(connection).unwrap(),
        }
    }

    /// One row after the other, in one transaction.
    fn insert(&self, connection: &mut SqliteConnection) {
        let id = self.changes.first().map(|change| change.change_set.clone()).unwrap_or_default();
        connection
            .transaction::<_, diesel::result::Error, _>(|connection| {
                connection.batch_execute(&format!(
                    "INSERT INTO change_sets (id, committed_us, generation, format, digest, summary) VALUES ('{id}', 1, 2, 'json', '', '{{}}')"
                ))?;
                for row in &self.systems {
                    diesel::insert_into(systems::table).values(row).execute(connection)?;
                }
                for row in &self.registrations {
                    diesel::insert_into(registrations::table).values(row).execute(connection)?;
                }
                for row in &self.adapters {
                    diesel::insert_into(adapters::table).values(row).execute(connection)?;
                }
                for row in &self.changes {
                    diesel::insert_into(changes::table).values(row).execute(connection)?;
                }
                Ok(())
            })
            .unwrap();
    }
}

fn body(count: u32) -> String {
    use std::fmt::Write as _;
    let mut text = "{\"commit\":true,\"systems\":{".to_owned();
    for number in 0..count {
        let [_, a, b, c] = number.to_be_bytes();
        let comma = if number > 0 { "," } else { "" };
        write!(
            text,
            "{comma}\"h{number}.example.com\":{{\"hostname\":\"h{number}.example.com\",\"serial\":\"S{number}\",\
             \"rack_order\":\"7.02\",\"purchase_date\":\"2026-01-31\",\"warranty_start\":\"2026-01-31\",\
             \"warranty_end\":\"2029-01-31\",\"system_type\":\"Server\",\"system_status\":\"production\",\
             \"staticreg_set\":{{\"nic0\":{{\"fqdn\":\"h{number}.example.com\",\"ip_str\":\"10.{a}.{b}.{c}\",\"hwadapter_set\":{{"
        )
        .unwrap();
        for adapter in 0..4 {
            let comma = if adapter > 0 { "," } else { "" };
            write!(
                text,
                "{comma}\"hw{adapter}\":{{\"mac\":\"52:54:{adapter:02x}:{a:02x}:{b:02x}:{c:02x}\"}}"
            )
            .unwrap();
        }
        text.push_str("}}}}");
    }
    text.push_str("}}");
    text
}

/// Other writes while something else goes on: how long each took.
fn beside(store: &Store, stop: &Arc<AtomicBool>) -> std::thread::JoinHandle<Vec<Duration>> {
    let (store, stop) = (store.clone(), Arc::clone(stop));
    std::thread::spawn(move || {
        let mut times = Vec::new();
        while !stop.load(Ordering::Relaxed) {
            let began = Instant::now();
            let node = Registration::new(Uuid::new_v4());
            store.write_blocking(Register(Arc::from([node]))).unwrap().unwrap();
            times.push(began.elapsed());
            std::thread::sleep(Duration::from_millis(5));
        }
        times
    })
}

fn told(what: &str, times: Vec<Duration>) {
    told_of("writes", what, times);
}

fn told_of(kind: &str, what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |percent: usize| {
        times.get((times.len() * percent / 100).min(times.len() - 1)).copied().unwrap_or_default()
    };
    println!(
        "  {kind} beside {what}: {} of them, p50 {:.1} ms, p99 {:.1} ms, longest {:.1} ms",
        times.len(),
        at(50).as_secs_f64() * 1e3,
        at(99).as_secs_f64() * 1e3,
        at(100).as_secs_f64() * 1e3
    );
}

/// The most memory that a process has had, in MiB.
fn peak_mib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).expect("VmHWM");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).unwrap() / 1024
}

fn import(inventory: &Inventory, text: &str) -> Duration {
    let order = Order { body: text.as_bytes().to_vec().into(), ..Order::default() };
    let began = Instant::now();
    let Answer { verdict, .. } = inventory.import_blocking(&order).unwrap();
    assert_eq!(verdict, Verdict::Fine);
    began.elapsed()
}

fn export(inventory: &Inventory) -> (Duration, usize) {
    let selection = Selection {
        search: search::read("").unwrap(),
        limit: None,
        marker: None,
        fields: Vec::new(),
        relations: Relations::Names,
        related: Related::Nothing,
        table: Table::Wide,
    };
    let began = Instant::now();
    let (mut export, _) = Export::new(inventory.clone(), selection, Format::Json).unwrap();
    let mut bytes = 0;
    while let Some(part) = export.next_part().unwrap() {
        bytes += part.len();
    }
    (began.elapsed(), bytes)
}

/// An empty inventory in a database of its own.
fn inventory(path: &Path) -> (Store, Inventory) {
    let store = Store::open(&DatabaseUrl::Sqlite(path.to_owned()), 4).unwrap();
    let limits = Limits { systems: usize::MAX, objects: usize::MAX };
    (store.clone(), Inventory::new(store, Arc::new(SystemClock), limits))
}

/// What other writes feel of it.
fn beside_writes(text: &str, dry: &str) {
    let folder = tempfile::tempdir().unwrap();
    let (store, inventory) = inventory(&folder.path().join("beside.sqlite"));
    for (what, text) in [("a dry run", dry), ("a commit", text)] {
        let stop = Arc::new(AtomicBool::new(false));
        let others = beside(&store, &stop);
        import(&inventory, text);
        stop.store(true, Ordering::Relaxed);
        told(what, others.join().unwrap());
    }
    store.close();
}

fn round(options: &Options, text: &str) {
    let folder = tempfile::tempdir().unwrap();
    let (ours, bare) = (folder.path().join("ours.sqlite"), folder.path().join("bare.sqlite"));
    let dry = text.replacen("\"commit\":true", "\"commit\":false", 1);
    beside_writes(text, &dry);
    let (store, inventory) = inventory(&ours);
    let dry_time = import(&inventory, &dry);
    let import_time = import(&inventory, text);
    let (export_time, bytes) = export(&inventory);
    let memory = peak_mib(std::process::id());
    let mut connection = open(&ours);
    let began = Instant::now();
    let all = All::read(&mut connection);
    let read_time = began.elapsed();
    Store::open(&DatabaseUrl::Sqlite(bare.clone()), 1).unwrap().close();
    let mut connection = open(&bare);
    let began = Instant::now();
    all.insert(&mut connection);
    let loop_time = began.elapsed();
    let rows = all.systems.len() + all.registrations.len() + all.adapters.len() + all.changes.len();
    println!(
        "  import of {} systems ({rows} rows): {:.2} s, dry run {:.2} s, bare loop {:.2} s: ratio {:.2}",
        options.systems,
        import_time.as_secs_f64(),
        dry_time.as_secs_f64(),
        loop_time.as_secs_f64(),
        import_time.as_secs_f64() / loop_time.as_secs_f64()
    );
    println!(
        "  export of {:.1} MB: {:.2} s, bare reading of the rows with their history {:.2} s: ratio {:.2}",
        bytes as f64 / 1e6,
        export_time.as_secs_f64(),
        read_time.as_secs_f64(),
        export_time.as_secs_f64() / read_time.as_secs_f64()
    );
    println!("  most memory so far, with the request as text: {memory} MiB");
    store.close();
}

/// How often, and for how many seconds in all, the writer of a daemon held its database.
fn held(daemon: &Daemon) -> (f64, f64) {
    let (status, body) = Caller::open(daemon.port).unwrap().ask("GET", "/metrics", b"");
    assert_eq!(status, 200);
    let text = String::from_utf8(body).unwrap();
    let of = |name: &str| {
        let line = text.lines().find_map(|line| line.split_once(name));
        line.and_then(|(_, value)| value.trim().parse().ok()).unwrap_or_default()
    };
    (of("commit_hold_seconds_count"), of("commit_hold_seconds_sum"))
}

/// Imports over HTTP.
fn ask_import(daemon: &Daemon, text: &str) -> Duration {
    let began = Instant::now();
    let mut connection = Caller::open(daemon.port).unwrap();
    let (status, body) = connection.ask("POST", "/v1/inventory/import", text.as_bytes());
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(body.get(..2000).unwrap_or(&body)));
    began.elapsed()
}

/// Has ramdisks post, four at a time with a pause after each, until `over`: how long each callback took.
fn callbacks(daemon: &Daemon, documents: &[Vec<u8>], over: &AtomicBool) -> Vec<Duration> {
    let next = AtomicUsize::new(0);
    let post_all = || {
        let mut connection = Caller::open(daemon.port).unwrap();
        let mut times = Vec::new();
        while !over.load(Ordering::Relaxed) {
            let document = documents.get(next.fetch_add(1, Ordering::Relaxed)).expect("more --machines");
            let began = Instant::now();
            let (status, body) = connection.ask("POST", "/v1/continue", document);
            times.push(began.elapsed());
            assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
            std::thread::sleep(Duration::from_millis(25));
        }
        times
    };
    std::thread::scope(|scope| {
        let callers: Vec<_> = (0..4).map(|_| scope.spawn(post_all)).collect();
        callers.into_iter().flat_map(|caller| caller.join().unwrap()).collect()
    })
}

/// A daemon that imports while ramdisks post to it.
fn beside_callbacks(options: &Options, text: &str) {
    let (node_service, folder) = (StandIn::start(), tempfile::tempdir().unwrap());
    let connection = format!("sqlite:///{}", folder.path().join("daemon.sqlite").display());
    let daemon = Daemon::start(folder.path(), &connection, node_service.port);
    let each = options.machines;
    callers::each(32, each * 3, daemon.port, |connection, number| {
        let path = format!("/v1/introspection/{}", machines::uuid(number));
        let (status, body) = connection.ask("POST", &path, b"");
        assert_eq!(status, 202, "{}", String::from_utf8_lossy(&body));
    });
    daemon.wait_until_none_is("starting");
    let dry = text.replacen("\"commit\":true", "\"commit\":false", 1);
    let (count, seconds) = held(&daemon);
    let alone = ask_import(&daemon, &dry);
    let (count, seconds) = (held(&daemon).0 - count, held(&daemon).1 - seconds);
    println!(
        "  a daemon, up within {:.0} ms; a dry run alone took {:.2} s: {count} commits of anything meanwhile, which held \
         the writer for {:.1} ms",
        daemon.start_up.as_secs_f64() * 1e3,
        alone.as_secs_f64(),
        seconds * 1e3
    );
    assert!(seconds < 0.05, "a dry run holds the writer");
    let imports = [("nothing", None), ("a dry run", Some(dry.as_str())), ("a commit", Some(text))];
    for (round, (what, import)) in (0..).zip(imports) {
        let first = round * each;
        let documents: Vec<Vec<u8>> = (first..first + each).map(machines::document).collect();
        let before = held(&daemon);
        let over = AtomicBool::new(false);
        let (times, took) = std::thread::scope(|scope| {
            let times = scope.spawn(|| callbacks(&daemon, &documents, &over));
            // Beside nothing they have as long as a dry run takes.
            let took = import.map_or_else(
                || {
                    std::thread::sleep(alone);
                    alone
                },
                |text| ask_import(&daemon, text),
            );
            over.store(true, Ordering::Relaxed);
            (times.join().unwrap(), took)
        });
        daemon.wait_until_none_is("processing");
        let after = held(&daemon);
        told_of("callbacks", what, times);
        println!(
            "    it took {:.2} s; {} commits held the writer for {:.0} ms in all",
            took.as_secs_f64(),
            after.0 - before.0,
            (after.1 - before.1) * 1e3
        );
    }
    println!("  most memory of the daemon: {} MiB", peak_mib(daemon.pid()));
    assert_eq!(node_service.refused(), 0, "the daemon made calls that no introspection needs");
    println!(
        "  calls of the node service: {}, connections: {}",
        node_service.calls(),
        node_service.connections()
    );
}

fn main() {
    let options = Options::parse();
    let text = body(options.systems);
    println!(
        "{} systems with 4 adapters each, a request of {:.1} MB",
        options.systems,
        text.len() as f64 / 1e6
    );
    for number in 1..=options.rounds {
        println!("round {number}");
        round(&options, &text);
    }
    beside_callbacks(&options, &text);
}
