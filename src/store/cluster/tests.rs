//! Every test runs on both databases.

use std::sync::{Arc, Barrier};

use diesel::connection::SimpleConnection;

use super::*;
use crate::cluster::{Hold, Release, Sharing, TakeOver};
use crate::error::Kind;
use crate::fsm::State;
use crate::node::Record;
use crate::store::tests::{databases, make, on_each, record};
use crate::store::transition::{Expected, Written};
use crate::store::{DatabaseUrl, Job, Store};

const GRACE: i64 = 10_000_000;

fn register(store: &Store, name: &str) -> Owner {
    let registration =
        Registration { name: name.to_owned(), uuid: Uuid::new_v4(), address: "here".to_owned() };
    let epoch = store.apart(|session| session.register(&registration)).unwrap();
    Owner { name: name.into(), epoch }
}

fn claim(store: &Store, me: &Owner, grace_us: i64) -> Option<Term> {
    store.apart(|session| session.claim(me, grace_us)).unwrap()
}

fn ping(store: &Store, term: &Term, grace_us: i64) -> bool {
    store.apart(|session| session.ping(term, grace_us)).unwrap()
}

fn orphans(store: &Store, dead: Dead<'_>) -> Vec<u128> {
    let found = store.read_blocking(|session| session.orphans(dead, 100)).unwrap();
    found.into_iter().map(|orphan| orphan.node.as_u128()).collect()
}

fn owner_of(store: &Store, number: u128) -> Option<Owner> {
    let record = store.read_blocking(|session| session.node(Uuid::from_u128(number))).unwrap();
    record.unwrap().owner
}

fn owned(number: u128, state: State, owner: &Owner) -> Record {
    Record { owner: Some(owner.clone()), ..record(number, state) }
}

/// As time passes for the database, without waiting for it.
fn age(url: &DatabaseUrl, table: &str, column: &str, us: i64) {
    let statement = format!("UPDATE {table} SET {column} = {column} - {us}");
    match url {
        DatabaseUrl::Sqlite(path) => {
            let mut connection = SqliteConnection::establish(&path.to_string_lossy()).unwrap();
            connection.batch_execute(&format!("PRAGMA busy_timeout = 5000; {statement}")).unwrap();
        }
        DatabaseUrl::Postgres(url) => {
            PgConnection::establish(url).unwrap().batch_execute(&statement).unwrap()
        }
    }
}

#[test]
fn each_process_of_a_name_has_a_later_epoch_and_ends_the_one_before() {
    on_each(|store, _| {
        let first = register(store, "a");
        assert!(store.apart(|session| session.heartbeat(&first)).unwrap());
        let second = register(store, "a");
        assert!(second.epoch > first.epoch);
        assert!(!store.apart(|session| session.heartbeat(&first)).unwrap());
        assert!(store.apart(|session| session.heartbeat(&second)).unwrap());
        store.apart(|session| session.withdraw(&second)).unwrap();
        assert!(register(store, "a").epoch > second.epoch, "also after one that has ended in order");
    });
}

#[test]
fn the_list_tells_who_lives_and_who_leads() {
    on_each(|store, url| {
        let (a, b) = (register(store, "a"), register(store, "b"));
        age(url, "instances", "heartbeat_at", 2 * GRACE);
        store.apart(|session| session.heartbeat(&a)).unwrap();
        claim(store, &a, GRACE).unwrap();
        let c = register(store, "c");
        store.apart(|session| session.withdraw(&c)).unwrap();
        let all = store.read_blocking(|session| session.instances(GRACE)).unwrap();
        let told: Vec<(&str, bool, bool, bool)> =
            all.iter().map(|i| (&*i.owner.name, i.is_alive, i.is_leader, i.heartbeat_at.is_some())).collect();
        assert_eq!(told, [("a", true, true, true), ("b", false, false, true), ("c", false, false, false)]);
        make(store, owned(1, State::Starting, &b));
        age(url, "instances", "started_at", 2 * GRACE);
        assert_eq!(store.apart(|session| session.drop_instances(GRACE)).unwrap(), 1, "b owns a node still");
    });
}

#[test]
fn a_leader_is_replaced_only_when_it_was_silent_for_long_or_by_its_own_name() {
    on_each(|store, url| {
        let (a, b) = (register(store, "a"), register(store, "b"));
        let first = claim(store, &a, GRACE).unwrap();
        assert_eq!(claim(store, &b, GRACE), None);
        assert!(ping(store, &first, GRACE));
        age(url, "active_instance", "pinged_at", 2 * GRACE);
        assert!(!ping(store, &first, GRACE), "too late, although nobody took over");
        let second = claim(store, &b, GRACE).unwrap();
        assert!(second.epoch > first.epoch);
        assert!(!ping(store, &first, GRACE));
        assert!(!store.apart(|session| session.abdicate(&first)).unwrap());
        let restarted = register(store, "b");
        let third = claim(store, &restarted, GRACE).unwrap();
        assert!(third.epoch > second.epoch);
        assert!(store.apart(|session| session.abdicate(&third)).unwrap());
        let fourth = claim(store, &a, GRACE).unwrap();
        assert!(fourth.epoch > third.epoch, "an epoch never comes again");
    });
}

#[test]
fn twenty_claimants_make_one_leader() {
    on_each(|store, url| {
        let all: Vec<Owner> = (0..20).map(|number| register(store, &format!("i{number}"))).collect();
        for _ in 0..50 {
            age(url, "active_instance", "pinged_at", 2 * GRACE);
            let barrier = Arc::new(Barrier::new(all.len()));
            let claims: Vec<_> = all
                .iter()
                .cloned()
                .map(|me| {
                    let (store, url, barrier) = (store.clone(), url.clone(), Arc::clone(&barrier));
                    std::thread::spawn(move || match url {
                        DatabaseUrl::Sqlite(_) => {
                            barrier.wait();
                            claim(&store, &me, GRACE).is_some()
                        }
                        // Each on a connection of its own.
                        DatabaseUrl::Postgres(url) => {
                            let mut connection = PgConnection::establish(&url).unwrap();
                            barrier.wait();
                            connection.claim(&me, GRACE).unwrap().is_some()
                        }
                    })
                })
                .collect();
            let won = claims.into_iter().map(|claim| claim.join().unwrap()).filter(|won| *won).count();
            assert_eq!(won, 1);
        }
    });
}

#[test]
fn the_zone_of_the_database_changes_nothing() {
    for database in databases() {
        let DatabaseUrl::Postgres(url) = &database.url else { continue };
        Store::open(&database.url, 1).unwrap().close();
        for zone in ["Etc/GMT+6", "Etc/GMT-9"] {
            let name = ::url::Url::parse(url).unwrap().path().trim_start_matches('/').to_owned();
            let mut connection = PgConnection::establish(url).unwrap();
            connection.batch_execute(&format!("ALTER DATABASE {name} SET timezone TO '{zone}'")).unwrap();
            let store = Store::open(&database.url, 1).unwrap();
            let (a, b) = (register(&store, "a"), register(&store, "b"));
            age(&database.url, "active_instance", "pinged_at", 3 * GRACE);
            let first = claim(&store, &a, GRACE).unwrap();
            assert!(ping(&store, &first, GRACE), "{zone}: fresh");
            assert_eq!(claim(&store, &b, GRACE), None, "{zone}: nobody usurps a live leader");
            let alive = store.read_blocking(|session| session.instances(GRACE)).unwrap();
            assert!(alive.iter().all(|instance| instance.is_alive), "{zone}");
            age(&database.url, "active_instance", "pinged_at", GRACE + 1_000_000);
            assert!(claim(&store, &b, GRACE).is_some(), "{zone}: a dead leader is replaced");
            store.close();
        }
    }
}

#[derive(Clone)]
struct Pass(Uuid);

impl Job for Pass {
    type Output = bool;

    fn run(&self, session: &mut dyn crate::store::Session) -> QueryResult<bool> {
        session.delete_node(self.0, 1)
    }
}

/// The same, as a job for which nothing of others stays locked.
struct Slow(Pass);

impl Job for Slow {
    type Output = bool;

    fn run(&self, session: &mut dyn crate::store::Session) -> QueryResult<bool> {
        self.0.run(session)
    }

    fn is_long(&self) -> bool {
        true
    }
}

#[test]
fn what_a_deposed_leader_asks_for_changes_nothing() {
    on_each(|store, url| {
        let (a, b) = (register(store, "a"), register(store, "b"));
        let old = store.under(claim(store, &a, GRACE).unwrap());
        make(store, record(1, State::Finished));
        make(store, record(2, State::Finished));
        let system = actix_rt::System::new();
        assert_eq!(system.block_on(old.write(Pass(Uuid::from_u128(1)))), Ok(true));
        age(url, "active_instance", "pinged_at", 2 * GRACE);
        let new = store.under(claim(store, &b, GRACE).unwrap());
        let refused = system.block_on(old.write(Pass(Uuid::from_u128(2)))).unwrap_err();
        assert_eq!(refused.kind, Kind::Conflict);
        assert_eq!(old.write_blocking(Pass(Uuid::from_u128(2))).unwrap_err().kind, Kind::Conflict);
        assert_eq!(old.write_blocking(Slow(Pass(Uuid::from_u128(2)))).unwrap_err().kind, Kind::Conflict);
        assert!(store.troubles().is_empty());
        assert_eq!(system.block_on(new.write(Pass(Uuid::from_u128(2)))), Ok(true), "it was there still");
    });
}

#[test]
fn orphans_are_taken_over_once_and_the_dead_change_nothing_any_more() {
    on_each(|store, url| {
        let (a, b) = (register(store, "a"), register(store, "b"));
        make(store, owned(1, State::Processing, &a));
        make(store, owned(2, State::Finished, &a));
        make(store, owned(3, State::Processing, &b));
        make(store, record(4, State::Waiting));
        assert!(orphans(store, Dead::Silent(GRACE)).is_empty());
        age(url, "instances", "heartbeat_at", 2 * GRACE);
        store.apart(|session| session.heartbeat(&b)).unwrap();
        assert_eq!(orphans(store, Dead::Silent(GRACE)), [1, 2]);
        let found = store.read_blocking(|session| session.orphans(Dead::Silent(GRACE), 100)).unwrap();
        let take = TakeOver { orphans: found, me: b.clone() };
        assert_eq!(store.write_blocking(take.clone()).unwrap().len(), 2);
        assert!(store.write_blocking(take).unwrap().is_empty(), "once and only once");
        assert_eq!(owner_of(store, 1), Some(b.clone()));
        assert_eq!(owner_of(store, 2), None, "one at rest is given back");
        // The old owner goes on with what it knows.
        let mut late = crate::store::tests::making(Record { version: 2, ..owned(1, State::Processing, &a) });
        late.expected = Expected::Version(1);
        late.runs = crate::store::transition::RunWrite::default();
        assert_eq!(store.write_blocking(late).unwrap(), Written::Lost);
        assert_eq!(owner_of(store, 1), Some(b));
    });
}

#[test]
fn a_restart_under_the_same_name_finds_what_its_predecessor_left_at_once() {
    on_each(|store, _| {
        let old = register(store, "a");
        make(store, owned(1, State::Processing, &old));
        let other = register(store, "b");
        make(store, owned(2, State::Processing, &other));
        let new = register(store, "a");
        make(store, owned(3, State::Processing, &new));
        assert_eq!(orphans(store, Dead::Predecessors(&new)), [1]);
        assert_eq!(orphans(store, Dead::Silent(GRACE)), [1], "the new process lives, the old one does not");
        assert_eq!(orphans(store, Dead::Others(&new)), [1, 2]);
    });
}

#[test]
fn a_node_at_rest_is_held_by_one_and_given_back() {
    on_each(|store, _| {
        let (a, b) = (register(store, "a"), register(store, "b"));
        make(store, record(1, State::Finished));
        let hold = |me: &Owner, version| Hold { node: Uuid::from_u128(1), version, me: me.clone() };
        assert!(store.write_blocking(hold(&a, 1)).unwrap());
        assert!(!store.write_blocking(hold(&b, 1)).unwrap());
        assert!(!store.write_blocking(hold(&b, 2)).unwrap());
        store.write_blocking(Release(hold(&b, 1))).unwrap();
        assert_eq!(owner_of(store, 1), Some(a.clone()));
        store.write_blocking(Release(hold(&a, 1))).unwrap();
        assert_eq!(owner_of(store, 1), None);
        assert!(store.write_blocking(hold(&b, 3)).unwrap());
    });
}

#[test]
fn several_share_a_server_and_one_has_a_file() {
    on_each(|store, url| {
        let wanted = match url {
            DatabaseUrl::Sqlite(_) => Sharing::Sole,
            DatabaseUrl::Postgres(_) => Sharing::Several,
        };
        assert_eq!(store.sharing(), wanted);
    });
}

#[test]
fn writers_that_overlap_wait_for_each_other_in_one_direction() {
    for database in databases() {
        let stores = match &database.url {
            DatabaseUrl::Sqlite(_) => vec![Store::open(&database.url, 1).unwrap()],
            DatabaseUrl::Postgres(_) => {
                vec![Store::open(&database.url, 1).unwrap(), Store::open(&database.url, 1).unwrap()]
            }
        };
        (1..=50).for_each(|number| make(&stores[0], record(number, State::Waiting)));
        let work: Vec<_> = (0..8_u64)
            .map(|thread| {
                let store = stores[usize::try_from(thread).unwrap() % stores.len()].clone();
                std::thread::spawn(move || {
                    for round in 0..25_u64 {
                        let mut nodes: Vec<Uuid> = (1..=50).map(Uuid::from_u128).collect();
                        nodes.rotate_left(usize::try_from((thread * 7 + round * 3) % 50).unwrap());
                        store.write_blocking(Touch(nodes)).unwrap();
                    }
                })
            })
            .collect();
        work.into_iter().for_each(|thread| thread.join().unwrap());
        let touched = stores[0].read_blocking(|session| session.node(Uuid::from_u128(7))).unwrap().unwrap();
        assert_eq!(touched.version, 1 + 8 * 25, "no change was lost");
        stores.iter().for_each(Store::close);
        drop(stores);
        assert_eq!(deadlocks(&database.url), 0);
    }
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// As the server has counted them.
fn deadlocks(url: &DatabaseUrl) -> i64 {
    let DatabaseUrl::Postgres(url) = url else { return 0 };
    let mut connection = PgConnection::establish(url).unwrap();
    let query = "SELECT deadlocks AS count FROM pg_stat_database WHERE datname = current_database()";
    diesel::sql_query(query).get_result::<Count>(&mut connection).unwrap().count
}

/// Reads and writes many nodes in any order.
struct Touch(Vec<Uuid>);

impl Job for Touch {
    type Output = ();

    fn run(&self, session: &mut dyn crate::store::Session) -> QueryResult<()> {
        for node in &self.0 {
            let Some(record) = session.node(*node)? else { continue };
            let next = Record { version: record.version + 1, ..record.clone() };
            session.update_node(&next, record.version)?;
        }
        Ok(())
    }

    fn nodes(&self) -> Vec<Uuid> {
        self.0.clone()
    }
}
