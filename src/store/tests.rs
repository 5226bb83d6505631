//! Every test runs on both databases; PostgreSQL where `ROLLCALL_TEST_POSTGRES` names a cluster.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use uuid::Uuid;

use super::documents::{Packed, unpack};
use super::housekeeping::Judged;
use super::nodes::Page;
use super::power_jobs::PowerJob;
use super::transition::{
    BuildWrite, DataWrite, Expected, Lookup, PowerJobWrite, RunWrite, Transition, Written,
};
use super::writer::QueryResult;
use super::*;
use crate::clock::Timestamp;
use crate::cluster::Owner;
use crate::fsm::{Event, State};
use crate::node::step::{self, End, KeepData};
use crate::node::token::TokenDigest;
use crate::node::{Attribute, BMC_ADDRESS, MAC, ManageBoot, Posted, Record, RunKind, Variant};

/// A database of a test's own; gone when it is dropped, so that a run of all tests needs no gigabytes.
pub(crate) struct TestDatabase {
    pub(crate) url: DatabaseUrl,
    _place: Place,
}

/// Where a database lies.
enum Place {
    /// In a temporary folder.
    Folder(#[expect(dead_code, reason = "removes the folder")] tempfile::TempDir),
    /// In a cluster, whose first database has this URL, under this name.
    Cluster { admin: String, name: String },
}

impl Drop for Place {
    fn drop(&mut self) {
        let Self::Cluster { admin, name } = self else { return };
        let drop = format!("DROP DATABASE {name} WITH (FORCE)");
        let dropped = diesel::PgConnection::establish(admin)
            .map_err(|error| error.to_string())
            .and_then(|mut admin| admin.batch_execute(&drop).map_err(|error| error.to_string()));
        // Not a panic: while a failed test unwinds it would end the run.
        if let Err(error) = dropped {
            eprintln!("{name} is left behind: {error}");
        }
    }
}

/// A new empty database of each kind that is to be had.
pub(crate) fn databases() -> Vec<TestDatabase> {
    let folder = tempfile::tempdir().unwrap();
    let url = DatabaseUrl::Sqlite(folder.path().join("test.sqlite"));
    let mut all = vec![TestDatabase { url, _place: Place::Folder(folder) }];
    match std::env::var("ROLLCALL_TEST_POSTGRES") {
        Ok(admin) => all.push(postgres(&admin)),
        Err(_) => eprintln!("without PostgreSQL: ROLLCALL_TEST_POSTGRES is not set"),
    }
    all
}

fn postgres(admin: &str) -> TestDatabase {
    let name = format!("test_{}", Uuid::new_v4().simple());
    let mut connection = diesel::PgConnection::establish(admin).unwrap();
    connection.batch_execute(&format!("CREATE DATABASE {name}")).unwrap();
    let mut url = ::url::Url::parse(admin).unwrap();
    url.set_path(&name);
    let place = Place::Cluster { admin: admin.to_owned(), name };
    TestDatabase { url: DatabaseUrl::Postgres(url.into()), _place: place }
}

pub(crate) fn on_each(test: impl Fn(&Store, &DatabaseUrl)) {
    for database in databases() {
        let store = Store::open(&database.url, 2).unwrap();
        test(&store, &database.url);
        store.close();
    }
}

pub(crate) fn record(number: u128, state: State) -> Record {
    Record {
        uuid: Uuid::from_u128(number),
        version: 1,
        state,
        state_since: Timestamp(10),
        deadline: None,
        started_at: Timestamp(10),
        finished_at: state.is_terminal().then_some(Timestamp(11)),
        error: (state == State::Error).then(|| "why".to_owned()),
        manage_boot: ManageBoot::Managed,
        run: Uuid::from_u128(number + 1000),
        last_event: Event::Start,
        token: number.is_multiple_of(3).then(|| TokenDigest::of("x")),
        owner: None,
        posted: number.is_multiple_of(2).then(|| Posted { digest: "abc".to_owned(), answered: true }),
    }
}

pub(crate) fn making(record: Record) -> Transition {
    Transition {
        at: record.started_at,
        expected: Expected::Absent,
        lookup: Lookup::Keep,
        data: DataWrite::default(),
        runs: RunWrite { begun: Some(RunKind::Start), ..RunWrite::default() },
        power_job: PowerJobWrite::Keep,
        build: BuildWrite::default(),
        record,
    }
}

fn mac(value: &str) -> Attribute {
    Attribute { name: MAC, value: value.to_owned() }
}

pub(crate) fn make(store: &Store, record: Record) {
    assert_eq!(store.write_blocking(making(record)).unwrap(), Written::Committed);
}

/// All records.
pub(crate) fn known(store: &Store) -> Vec<Judged> {
    store.read_blocking(|session| session.settled_page(None, Timestamp(i64::MAX), 1000)).unwrap()
}

#[test]
fn a_record_comes_back_as_it_was_written() {
    on_each(|store, _| {
        let wanted = Record { deadline: Some(Timestamp(99)), ..record(3, State::Error) };
        make(store, wanted.clone());
        let found = store.read_blocking(|session| session.node(wanted.uuid)).unwrap();
        assert_eq!(found, Some(wanted));
        assert_eq!(store.read_blocking(|session| session.node(Uuid::nil())).unwrap(), None);
    });
}

#[test]
fn a_snapshot_is_of_one_moment() {
    on_each(|store, _| {
        let count = |session: &mut dyn Session| {
            session.settled_page(None, Timestamp(i64::MAX), 1000).map(|rows| rows.len())
        };
        let seen = store.snapshot_blocking(|session| {
            let before = count(session)?;
            make(store, record(1, State::Finished));
            Ok((before, count(session)?))
        });
        assert_eq!(seen.unwrap(), (0, 0));
        assert_eq!(store.snapshot_blocking(count).unwrap(), 1);
        let failed = store.snapshot_blocking(|_| Err::<(), _>(diesel::result::Error::NotFound));
        assert!(failed.is_err());
        assert_eq!(store.snapshot_blocking(count).unwrap(), 1);
    });
}

#[test]
fn only_one_of_two_writers_of_the_same_version_wins() {
    on_each(|store, _| {
        let old = record(1, State::Waiting);
        make(store, old.clone());
        let first = step::advance(&old, Event::Process, Timestamp(20), None).unwrap();
        let second = step::advance(&old, Event::Abort, Timestamp(20), None).unwrap();
        assert_eq!(store.write_blocking(first).unwrap(), Written::Committed);
        assert_eq!(store.write_blocking(second).unwrap(), Written::Lost);
        assert_eq!(store.write_blocking(making(old.clone())).unwrap(), Written::Lost);
        let found = store.read_blocking(|session| session.node(old.uuid)).unwrap().unwrap();
        assert_eq!((found.state, found.version), (State::Processing, 2));
    });
}

#[test]
fn a_terminal_transition_carries_everything_with_it() {
    on_each(|store, _| {
        let mut start = making(record(1, State::Processing));
        start.lookup = Lookup::Set(vec![mac("52:54:00:00:00:01")]);
        start.data.raw = Some(Packed::pack(b"{\"raw\": 1}").unwrap());
        start.runs.plan = Some(b"{}".to_vec());
        let old = start.record.clone();
        store.write_blocking(start).unwrap();
        let plan = |store: &Store| store.read_blocking(|session| session.plan(old.run)).unwrap();
        assert_eq!(plan(store), Some(b"{}".to_vec()));

        let end = End { error: Some("why".to_owned()), power: Some("powered_off".to_owned()) };
        let close = step::close(&old, Event::Error, Timestamp(30), end, KeepData::Yes).unwrap();
        store.write_blocking(close).unwrap();
        assert_eq!(store.read_blocking(|s| s.attributes(old.uuid)).unwrap(), Vec::new());
        let runs = store.read_blocking(|s| s.runs_of(old.uuid, 10)).unwrap();
        assert_eq!(runs.len(), 1);
        assert_eq!(runs[0].outcome.as_deref(), Some("error"));
        assert_eq!(runs[0].power.as_deref(), Some("powered_off"));
        assert_eq!(plan(store), None);
        let late = store.read_blocking(|s| s.late_matches(&[mac("52:54:00:00:00:01")])).unwrap();
        assert_eq!(late.get(&old.uuid), Some(&1), "kept to file late callbacks");
        let raw = store.read_blocking(|s| s.document(old.uuid, Variant::Raw)).unwrap().unwrap();
        assert_eq!(unpack(raw.codec, raw.size_bytes, &raw.body).unwrap(), b"{\"raw\": 1}");
    });
}

#[test]
fn without_a_data_store_the_raw_data_goes_with_the_run() {
    on_each(|store, _| {
        let mut start = making(record(1, State::Processing));
        start.data.raw = Some(Packed::pack(b"{}").unwrap());
        let old = start.record.clone();
        store.write_blocking(start).unwrap();
        let close =
            step::close(&old, Event::Finish, Timestamp(30), End::success(None), KeepData::No).unwrap();
        store.write_blocking(close).unwrap();
        assert_eq!(store.read_blocking(|s| s.document(old.uuid, Variant::Raw)).unwrap(), None);
    });
}

#[test]
fn the_schema_refuses_an_end_that_is_not_whole() {
    on_each(|store, _| {
        let half = Record { finished_at: None, ..record(1, State::Error) };
        assert!(store.write_blocking(making(half)).is_err());
        let silent = Record { error: None, ..record(2, State::Error) };
        assert!(store.write_blocking(making(silent)).is_err());
        assert_eq!(known(store), []);
    });
}

/// Fails where its number is odd.
struct Picky(u128);

impl Job for Picky {
    type Output = u128;

    fn run(&self, session: &mut dyn Session) -> QueryResult<u128> {
        if self.0 % 2 == 1 {
            let half = Record { finished_at: None, ..record(self.0, State::Error) };
            making(half).write(session)?;
        }
        making(record(self.0, State::Waiting)).write(session)?;
        Ok(self.0)
    }
}

#[test]
fn a_job_that_fails_takes_no_other_along() {
    on_each(|store, _| {
        let system = actix_rt::System::new();
        let jobs = (0..40).map(|number| store.write(Picky(number)));
        let outcomes = system.block_on(futures_util::future::join_all(jobs));
        for (number, outcome) in outcomes.into_iter().enumerate() {
            assert_eq!(outcome.is_ok(), number % 2 == 0, "{number}");
        }
        assert_eq!(known(store).len(), 20);
    });
}

#[test]
fn callers_are_answered_after_the_commit() {
    on_each(|store, url| {
        make(store, record(7, State::Waiting));
        // Another connection, which sees only what is committed.
        let seen = match url {
            DatabaseUrl::Sqlite(path) => {
                let mut other = SqliteConnection::establish(&path.to_string_lossy()).unwrap();
                nodes::NodeQueries::node(&mut other, Uuid::from_u128(7)).unwrap()
            }
            DatabaseUrl::Postgres(url) => {
                let mut other = PgConnection::establish(url).unwrap();
                nodes::NodeQueries::node(&mut other, Uuid::from_u128(7)).unwrap()
            }
        };
        assert!(seen.is_some());
    });
}

#[test]
fn matches_are_counted_by_distinct_values() {
    on_each(|store, _| {
        let bmc = |value: &str| Attribute { name: BMC_ADDRESS, value: value.to_owned() };
        let add = |number, attributes: Vec<Attribute>| {
            let mut start = making(record(number, State::Waiting));
            start.lookup = Lookup::Set(attributes);
            store.write_blocking(start).unwrap();
        };
        add(1, vec![bmc("192.0.2.1"), mac("52:54:00:00:00:01"), mac("52:54:00:00:00:01")]);
        add(2, vec![bmc("192.0.2.1"), mac("52:54:00:00:00:02")]);
        // A MAC is never taken for a BMC address of the same text.
        add(3, vec![bmc("52:54:00:00:00:01")]);
        let wanted = vec![bmc("192.0.2.1"), mac("52:54:00:00:00:01")];
        let counts = store.read_blocking(|s| s.matches(&wanted)).unwrap();
        let counts: Vec<(u128, usize)> = counts.into_iter().map(|(u, c)| (u.as_u128(), c)).collect();
        assert_eq!(counts, [(1, 2), (2, 1)]);
        assert!(store.read_blocking(|s| s.matches(&[])).unwrap().is_empty());
    });
}

#[test]
fn pages_go_by_start_then_by_uuid_and_meet_no_row_twice() {
    on_each(|store, _| {
        for number in 0..7_u128 {
            let started = Timestamp(100 + i64::try_from(number / 2).unwrap());
            let state = if number % 3 == 0 { State::Waiting } else { State::Finished };
            let finished_at = state.is_terminal().then_some(Timestamp(500));
            make(store, Record { started_at: started, finished_at, ..record(number, state) });
        }
        let pages = |state: Option<State>| {
            let (mut seen, mut after) = (Vec::new(), None);
            loop {
                let rows = store.read_blocking(|s| s.nodes_page(state, Page { after, limit: 2 })).unwrap();
                let Some(last) = rows.last() else { return seen };
                after = Some((last.started_at, last.uuid));
                seen.extend(rows.iter().map(|row| row.uuid.as_u128()));
            }
        };
        assert_eq!(pages(None), [6, 5, 4, 3, 2, 1, 0]);
        assert_eq!(pages(Some(State::Waiting)), [6, 3, 0]);
    });
}

#[test]
fn overdue_nodes_are_found_the_longest_overdue_first() {
    on_each(|store, _| {
        for (number, deadline) in [(1, Some(50)), (2, Some(40)), (3, None), (4, Some(90))] {
            make(store, Record { deadline: deadline.map(Timestamp), ..record(number, State::Waiting) });
        }
        let me = Owner { name: "a".into(), epoch: 1 };
        let owned = Record { owner: Some(me.clone()), ..record(5, State::Processing) };
        make(store, Record { deadline: Some(Timestamp(45)), ..owned });
        let own = store.read_blocking(|s| s.overdue_of(&me, Timestamp(60), 10)).unwrap();
        assert_eq!(own.iter().map(|r| r.uuid.as_u128()).collect::<Vec<_>>(), [5]);
        let overdue = store.read_blocking(|s| s.overdue(Timestamp(60), 10)).unwrap();
        assert_eq!(overdue.iter().map(|r| r.uuid.as_u128()).collect::<Vec<_>>(), [2, 1]);
        assert_eq!(store.read_blocking(|s| s.earliest_deadline()).unwrap(), Some(Timestamp(40)));
    });
}

#[test]
fn a_power_job_lives_until_the_next_run_begins() {
    on_each(|store, _| {
        let old = Record { deadline: Some(Timestamp(20)), ..record(1, State::Waiting) };
        make(store, old.clone());
        let expire = step::expire(&old, Timestamp(30), KeepData::Yes, step::TimeoutPower::Off).unwrap();
        let ended = expire.record.clone();
        store.write_blocking(expire).unwrap();
        let jobs = |store: &Store| store.read_blocking(|s| s.power_jobs(Timestamp(50), 10)).unwrap();
        assert_eq!(jobs(store), [PowerJob { node: old.uuid, run: old.run, attempts: 0 }]);
        let run = (Uuid::from_u128(77), RunKind::Start);
        let begin = step::begin(&ended, Event::Start, Timestamp(40), None, run).unwrap();
        store.write_blocking(begin).unwrap();
        assert_eq!(jobs(store), []);
    });
}

#[test]
fn a_forgotten_node_leaves_nothing_but_its_runs() {
    on_each(|store, _| {
        let mut start = making(record(1, State::Waiting));
        start.lookup = Lookup::Set(vec![mac("52:54:00:00:00:01")]);
        start.data.raw = Some(Packed::pack(b"{}").unwrap());
        let node = start.record.uuid;
        store.write_blocking(start).unwrap();
        struct Delete(Uuid);
        impl Job for Delete {
            type Output = (bool, bool);
            fn run(&self, session: &mut dyn Session) -> QueryResult<(bool, bool)> {
                Ok((session.delete_node(self.0, 7)?, session.delete_node(self.0, 1)?))
            }
        }
        assert_eq!(store.write_blocking(Delete(node)).unwrap(), (false, true), "only the known version");
        assert_eq!(store.read_blocking(|s| s.attributes(node)).unwrap(), Vec::new());
        assert_eq!(store.read_blocking(|s| s.document(node, Variant::Raw)).unwrap(), None);
        assert_eq!(store.read_blocking(|s| s.runs_of(node, 5)).unwrap().len(), 1);
    });
}

#[test]
fn a_second_process_is_refused_the_same_file() {
    for database in databases().iter().filter(|database| matches!(database.url, DatabaseUrl::Sqlite(_))) {
        let store = Store::open(&database.url, 1).unwrap();
        let refused = Store::open(&database.url, 1).err().unwrap();
        assert!(refused.text.contains("in use by another rollcall process"), "{refused}");
        store.close();
        drop(store);
        assert!(Store::open(&database.url, 1).is_ok());
    }
}

#[test]
fn a_command_works_beside_the_process_that_has_the_database() {
    for database in databases() {
        let daemon = Store::open(&database.url, 1).unwrap();
        let command = Store::open_shared(&database.url, 1).unwrap();
        make(&command, record(1, State::Waiting));
        let seen = daemon.read_blocking(|session| session.node(Uuid::from_u128(1))).unwrap();
        assert!(seen.is_some());
        assert!(schema_version(&database.url).unwrap().database.is_some());
        command.close();
        daemon.close();
    }
}

#[test]
fn a_newer_schema_is_refused() {
    for database in databases() {
        upgrade(&database.url).unwrap();
        let newer = "INSERT INTO __diesel_schema_migrations (version) VALUES ('99990101000000')";
        match &database.url {
            DatabaseUrl::Sqlite(path) => {
                SqliteConnection::establish(&path.to_string_lossy()).unwrap().batch_execute(newer).unwrap();
            }
            DatabaseUrl::Postgres(url) => PgConnection::establish(url).unwrap().batch_execute(newer).unwrap(),
        }
        let refused = Store::open(&database.url, 1).err().unwrap();
        assert!(refused.text.contains("newer than this program's"), "{refused}");
    }
}

/// Columns as (table, name, may be null), of the tables in `schema.rs`.
type Columns = Vec<(String, String, bool)>;

#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = diesel::sql_types::Text)]
    table_name: String,
    #[diesel(sql_type = diesel::sql_types::Text)]
    column_name: String,
    #[diesel(sql_type = diesel::sql_types::Text)]
    nullable: String,
}

fn columns(rows: Vec<Column>) -> Columns {
    let mut all: Columns = rows
        .into_iter()
        .filter(|row| !row.table_name.starts_with("__") && !row.table_name.starts_with("sqlite_"))
        .map(|row| (row.table_name, row.column_name, row.nullable == "YES"))
        .collect();
    all.sort();
    all
}

#[test]
fn both_databases_have_the_same_columns() {
    let mut found = Vec::new();
    for database in databases() {
        upgrade(&database.url).unwrap();
        found.push(match &database.url {
            DatabaseUrl::Sqlite(path) => {
                let mut connection = SqliteConnection::establish(&path.to_string_lossy()).unwrap();
                let query = "SELECT m.name AS table_name, p.name AS column_name, \
                     CASE WHEN p.\"notnull\" THEN 'NO' ELSE 'YES' END AS nullable \
                     FROM sqlite_master m JOIN pragma_table_info(m.name) p WHERE m.type = 'table'";
                columns(diesel::sql_query(query).load(&mut connection).unwrap())
            }
            DatabaseUrl::Postgres(url) => {
                let mut connection = PgConnection::establish(url).unwrap();
                let query = "SELECT table_name::text, column_name::text, is_nullable::text AS nullable \
                     FROM information_schema.columns WHERE table_schema = 'public'";
                columns(diesel::sql_query(query).load(&mut connection).unwrap())
            }
        });
    }
    assert!(found[0].len() > 30);
    if let [sqlite, postgres] = found.as_slice() {
        assert_eq!(sqlite, postgres);
    }
}

#[derive(QueryableByName)]
struct PlanLine {
    #[diesel(sql_type = diesel::sql_types::Text)]
    detail: String,
}

#[test]
fn the_hot_queries_use_an_index() {
    let databases = databases();
    upgrade(&databases[0].url).unwrap();
    let DatabaseUrl::Sqlite(path) = &databases[0].url else { panic!("SQLite comes first") };
    let mut connection = SqliteConnection::establish(&path.to_string_lossy()).unwrap();
    let hot = [
        "SELECT * FROM nodes ORDER BY started_at DESC, uuid DESC LIMIT 10",
        "SELECT * FROM nodes WHERE state = 'error' ORDER BY started_at DESC, uuid DESC LIMIT 10",
        "SELECT * FROM nodes WHERE deadline_at <= 5 ORDER BY deadline_at LIMIT 10",
        "SELECT node_uuid FROM run_attributes WHERE name = 'mac' AND value IN ('a', 'b')",
        "SELECT run_id FROM run_attributes WHERE kept_until < 5 LIMIT 5",
        "SELECT node_uuid FROM attributes WHERE name = 'mac' AND value IN ('a', 'b')",
        "SELECT * FROM runs WHERE node_uuid = 'a' ORDER BY started_at DESC LIMIT 5",
        "SELECT uuid FROM nodes WHERE uuid > 'a' AND state_since < 5 ORDER BY uuid LIMIT 5",
        "SELECT uuid FROM nodes WHERE state = 'error' AND started_at < 5 AND finished_at < 5 ORDER BY started_at LIMIT 5",
        "SELECT id FROM runs WHERE finished_at < 5 ORDER BY finished_at LIMIT 5",
        "SELECT used_at, id FROM documents WHERE used_at >= 1 AND used_at < 5 ORDER BY used_at, id LIMIT 5",
        "SELECT id FROM build_data WHERE node_uuid = 'a' AND generator = 'b' ORDER BY collected_us DESC, id DESC LIMIT 5",
        "SELECT id FROM build_data ORDER BY collected_us DESC, id DESC LIMIT 5",
    ];
    for query in hot {
        let explained = format!("EXPLAIN QUERY PLAN {query}");
        let plan: Vec<PlanLine> = diesel::sql_query(explained).load(&mut connection).unwrap();
        let text: Vec<String> = plan.into_iter().map(|line| line.detail).collect();
        let text = text.join("; ");
        assert!(text.contains("INDEX") && !text.contains("TEMP B-TREE"), "{query}: {text}");
    }
}

/// A second thread would hide it: this runtime has one.
#[tokio::test]
async fn a_slow_read_leaves_the_reactor_free() {
    for database in databases() {
        let store = Store::open(&database.url, 2).unwrap();
        let (begin, begun) = tokio::sync::oneshot::channel();
        let (end, ended) = std::sync::mpsc::channel();
        let slow = store.read(move |_| {
            begin.send(()).unwrap();
            // Nobody else can end it but the reactor.
            ended
                .recv_timeout(std::time::Duration::from_secs(20))
                .map_err(|_| diesel::result::Error::NotFound)
        });
        let reactor = async {
            begun.await.unwrap();
            end.send(()).unwrap();
        };
        let (read, ()) = futures_util::future::join(slow, reactor).await;
        assert_eq!(read, Ok(()));
    }
}
