//! Every test runs on both databases.

use super::*;
use crate::store::tests::on_each;
use crate::store::{Job, Session, Store};
use crate::tasks::service::tests::root;

const TASK: &str = "00000000-0000-4000-8000-000000000001";

struct Insert(Vec<TaskRow>);

impl Job for Insert {
    type Output = ();

    fn run(&self, session: &mut dyn Session) -> QueryResult<()> {
        session.insert_tasks(&self.0)
    }
}

struct Tell(Vec<NewMessage>);

impl Job for Tell {
    type Output = Option<i64>;

    fn run(&self, session: &mut dyn Session) -> QueryResult<Option<i64>> {
        session.add_messages(TASK, &self.0)
    }
}

fn message(text: &str) -> NewMessage {
    NewMessage {
        text: text.to_owned(),
        error: text.starts_with('!'),
        level: "Info",
        context_type: "task",
        context: TASK.to_owned(),
        at: Timestamp(5),
        extra: "{\"a\":{\"b\":1}}".to_owned(),
    }
}

fn messages(store: &Store) -> Vec<MessageRow> {
    store.read_blocking(|session| session.messages(TASK, 0, 10_000)).unwrap()
}

#[test]
fn a_task_comes_back_as_it_was_written() {
    on_each(|store, _| {
        let row = TaskRow {
            result_message: Some("m".to_owned()),
            node_name: Some("n".repeat(200)),
            node_filter: Some("{}".to_owned()),
            owner: Some("me".to_owned()),
            owner_epoch: Some(7),
            ..root(TASK)
        };
        store.write_blocking(Insert(vec![row.clone()])).unwrap();
        assert_eq!(store.read_blocking(|session| session.task(TASK)).unwrap(), Some(row));
        assert_eq!(store.read_blocking(|session| session.task("none")).unwrap(), None);
    });
}

#[test]
fn messages_are_numbered_without_gaps_whoever_writes_them() {
    on_each(|store, url| {
        store.write_blocking(Insert(vec![root(TASK)])).unwrap();
        let other = Store::open_shared(url, 1).unwrap();
        std::thread::scope(|scope| {
            for writer in 0..50 {
                let store = if writer % 2 == 0 { store } else { &other };
                scope.spawn(move || {
                    for number in 0..4 {
                        let both = vec![message(&format!("{writer} {number}")), message("!second")];
                        store.write_blocking(Tell(both)).unwrap();
                    }
                });
            }
        });
        other.close();
        let all = messages(store);
        let numbers: Vec<i64> = all.iter().map(|message| message.seq).collect();
        assert_eq!(numbers, (1..=400).collect::<Vec<i64>>());
        let counts = store.read_blocking(|session| session.error_counts(&[TASK.to_owned()])).unwrap();
        assert_eq!(counts, [(TASK.to_owned(), 200)]);
        let tail = store.read_blocking(|session| session.messages(TASK, 398, 10)).unwrap();
        assert_eq!(tail.iter().map(|message| message.seq).collect::<Vec<_>>(), [399, 400]);
    });
}

#[test]
fn a_long_message_is_shortened_and_never_lost() {
    on_each(|store, _| {
        store.write_blocking(Insert(vec![root(TASK)])).unwrap();
        let context = "c".repeat(300);
        let long = NewMessage { context, ..message(&"\u{fc}".repeat(5000)) };
        store.write_blocking(Tell(vec![long, message("a\0b")])).unwrap();
        let all = messages(store);
        assert_eq!(all[0].message.chars().count(), 4096);
        assert!(all[0].message.ends_with("\u{fc}\u{2026}"));
        assert_eq!(all[0].context.chars().count(), 255);
        assert_eq!(all[1].message, "a\u{fffd}b");
        assert_eq!(all[1].extra, "{\"a\":{\"b\":1}}");
        struct Lost;
        impl Job for Lost {
            type Output = Option<i64>;
            fn run(&self, session: &mut dyn Session) -> QueryResult<Option<i64>> {
                session.add_messages("none", &[message("x")])
            }
        }
        assert_eq!(store.write_blocking(Lost).unwrap(), None);
    });
}

#[test]
fn a_list_is_the_newest_first_and_goes_on_after_its_last_item() {
    on_each(|store, _| {
        let row = |number: i64, parent: Option<&str>| TaskRow {
            created_us: number / 2,
            parent_id: parent.map(str::to_owned),
            created_by: Some(if number % 2 == 0 { "even" } else { "odd" }.to_owned()),
            ..root(&format!("task{number}"))
        };
        let mut rows: Vec<TaskRow> = (0..6).map(|number| row(number, None)).collect();
        rows.push(row(6, Some("task1")));
        store.write_blocking(Insert(rows)).unwrap();
        let ids = |query: TaskQuery, limit: i64| -> Vec<String> {
            let rows = store.read_blocking(|session| session.tasks_page(&query, limit)).unwrap();
            rows.into_iter().map(|row| row.id).collect()
        };
        let all = TaskQuery::default();
        assert_eq!(ids(all.clone(), 3), ["task5", "task4", "task3"]);
        let after = Some((1, "task3".to_owned()));
        assert_eq!(ids(TaskQuery { after, ..all.clone() }, 9), ["task2", "task1", "task0"]);
        let odd = TaskQuery { created_by: Some("odd".to_owned()), ..all.clone() };
        assert_eq!(ids(odd, 9), ["task5", "task3", "task1"]);
        assert_eq!(ids(TaskQuery { parent: Some("task1".to_owned()), ..all.clone() }, 9), ["task6"]);
        assert_eq!(ids(TaskQuery { children: true, ..all.clone() }, 1), ["task6"]);
        assert!(ids(TaskQuery { status: Some(Status::Running), ..all.clone() }, 9).is_empty());
        assert!(ids(TaskQuery { action: Some("noop".to_owned()), ..all }, 9).is_empty());
    });
}

struct Link(&'static str, String);

impl Job for Link {
    type Output = ();

    fn run(&self, session: &mut dyn Session) -> QueryResult<()> {
        session.add_link(TASK, self.0, &self.1)
    }
}

#[test]
fn links_are_kept_in_their_order_each_once_and_several_for_one_relation() {
    on_each(|store, _| {
        store.write_blocking(Insert(vec![root(TASK)])).unwrap();
        let links = || store.read_blocking(|session| session.links(&[TASK.to_owned()])).unwrap();
        assert!(links().is_empty());
        for (rel, href) in
            [("detail_logs", "/b"), ("self", "/a"), ("detail_logs", "/a"), ("detail_logs", "/b")]
        {
            store.write_blocking(Link(rel, href.to_owned())).unwrap();
        }
        let all: Vec<(String, String)> = links().into_iter().map(|(_, rel, href)| (rel, href)).collect();
        let pair = |rel: &str, href: &str| (rel.to_owned(), href.to_owned());
        assert_eq!(all, [pair("detail_logs", "/b"), pair("self", "/a"), pair("detail_logs", "/a")]);
        let other = store.read_blocking(|session| session.links(&["none".to_owned()])).unwrap();
        assert!(other.is_empty());
    });
}
