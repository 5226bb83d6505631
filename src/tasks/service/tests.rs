//! Tasks as tests need them, and the requests on both databases.

use super::*;

/// A queued task.
pub(crate) fn root(id: &str) -> TaskRow {
    let order = Order { action: Action::IntrospectNodes, design: None, filter: None, max_retry: None };
    TaskRow { id: id.to_owned(), ..row_of(&order, Timestamp(1_767_232_740_000_070)).unwrap() }
}

/// A child of an attempt, at work.
pub(crate) fn child(parent: &str, retry: i32, node: u128) -> TaskRow {
    TaskRow {
        id: Uuid::from_u128(node + 5000 + u128::try_from(retry).unwrap() * 100_000).to_string(),
        parent_id: Some(parent.to_owned()),
        action: Action::IntrospectNode.name().to_owned(),
        status: Status::Running.name().to_owned(),
        retry,
        node_uuid: Some(Uuid::from_u128(node).to_string()),
        node_name: Some(format!("node{node}")),
        ..root("")
    }
}

/// A task that is over, with one message.
pub(crate) fn whole(id: &str) -> Whole {
    let message = MessageRow {
        task_id: id.to_owned(),
        seq: 1,
        message: "Something went wrong.".to_owned(),
        error: true,
        level: "Error".to_owned(),
        context_type: "task".to_owned(),
        context: id.to_owned(),
        ts_us: 1_767_232_740_000_070,
        extra: "{\"a\": 1}".to_owned(),
    };
    Whole {
        row: TaskRow { status: "complete".to_owned(), finished_us: Some(1_767_232_740_000_000), ..root(id) },
        children: Vec::new(),
        successes: vec!["node1".to_owned()],
        failures: vec!["node2".to_owned()],
        links: vec![("detail_logs".to_owned(), format!("/v1/tasks/{id}/builddata"))],
        errors: 1,
        messages: vec![message],
        progress: Some(Progress { total: 2, succeeded: 1, failed: 1, ..Progress::default() }),
    }
}

/// A task, its child and its grandchild.
pub(crate) fn tree(id: &str, levels: Option<usize>) -> Vec<Whole> {
    let below = |parent: &str, number: u128| {
        let id = Uuid::from_u128(number).to_string();
        let row = TaskRow { id: id.clone(), ..child(parent, 0, number) };
        Whole { row, ..whole(&id) }
    };
    let child = below(id, 1);
    let grandchild = below(&child.row.id, 2);
    let quiet = Whole { errors: 0, messages: Vec::new(), children: vec![grandchild.row.id.clone()], ..child };
    let root = Whole { children: vec![quiet.row.id.clone()], ..whole(id) };
    let all = vec![root, quiet, grandchild];
    all.into_iter().take(levels.unwrap_or(usize::MAX)).collect()
}

/// The requests and the leader's jobs, on both databases.
mod jobs {
    use super::*;
    use crate::build_data::{Generator, Item};
    use crate::cluster::{Owner, Term};
    use crate::store::Job;
    use crate::store::build_data::Selection;
    use crate::store::tests::on_each;
    use crate::tasks::jobs::{Adopt, Begin, End, Finish, MakeChildren, Note, PutBack, Release, Take};
    use crate::tasks::service::whole as service_whole;

    const NOW: Timestamp = Timestamp(1_767_232_740_000_000);

    fn term(epoch: i64) -> Term {
        let holder = Owner { name: format!("instance{epoch}").into(), epoch: 1 };
        Term { holder, epoch }
    }

    fn write<J: Job>(store: &Store, job: J) -> J::Output {
        store.write_blocking(job).unwrap()
    }

    fn read(store: &Store, id: &str) -> TaskRow {
        store.read_blocking(|session| session.task(id)).unwrap().unwrap()
    }

    fn queue(store: &Store) -> String {
        let row = root(&Uuid::new_v4().to_string());
        let id = row.id.clone();
        write(store, Create { row, now: NOW });
        id
    }

    fn take(store: &Store, epoch: i64) -> Option<TaskRow> {
        write(store, Take { term: term(epoch), now: NOW })
    }

    /// Children of the present attempt, queued.
    fn expand(store: &Store, task: &TaskRow, epoch: i64, nodes: &[u128]) -> Vec<TaskRow> {
        let requested = |node: &u128| TaskRow {
            status: Status::Requested.name().to_owned(),
            ..child(&task.id, task.retry, *node)
        };
        let (parent, term) = (task.id.clone(), term(epoch));
        let rows: Vec<TaskRow> = nodes.iter().map(requested).collect();
        let make = MakeChildren { parent: parent.clone(), term: term.clone(), rows: rows.clone(), now: NOW };
        assert!(write(store, make));
        let release = Release { parent, retry: task.retry, nodes: nodes.len(), term, now: NOW };
        assert!(write(store, release));
        rows
    }

    fn begin(store: &Store, child: &TaskRow, epoch: i64) -> bool {
        write(store, Begin { child: child.clone(), term: term(epoch), now: NOW })
    }

    fn end(store: &Store, child: &TaskRow, epoch: i64, outcome: Outcome) -> bool {
        let (child, term, summary) = (child.clone(), term(epoch), "why".to_owned());
        write(
            store,
            End { child, term, outcome, summary, observed: 0, messages: Vec::new(), found: None, now: NOW },
        )
    }

    fn finish(store: &Store, task: &str, epoch: i64) -> bool {
        let (task, term, summary) = (task.to_owned(), term(epoch), "over".to_owned());
        write(store, Finish { task, term, outcome: None, summary, messages: Vec::new(), now: NOW })
    }

    fn terminate(store: &Store, id: &str, propagate: Propagate) -> Answer {
        write(store, Terminate { id: id.to_owned(), propagate, by: Some("admin".to_owned()), now: NOW })
    }

    fn retry(store: &Store, id: &str) -> Answer {
        write(store, Retry { id: id.to_owned(), now: NOW })
    }

    fn whole_of(store: &Store, id: &str) -> Whole {
        let row = read(store, id);
        store
            .read_blocking(|session| service_whole(session, vec![row], Detail::Whole))
            .unwrap()
            .pop()
            .unwrap()
    }

    fn stands(store: &Store, id: &str) -> (String, String) {
        let row = read(store, id);
        (row.status, row.result_status)
    }

    fn pair(status: &str, result: &str) -> (String, String) {
        (status.to_owned(), result.to_owned())
    }

    /// A running task and its children at work.
    fn running(store: &Store, nodes: &[u128]) -> (TaskRow, Vec<TaskRow>) {
        let id = queue(store);
        let task = take(store, 1).unwrap();
        assert_eq!(task.id, id);
        let children = expand(store, &task, 1, nodes);
        assert!(children.iter().all(|child| begin(store, child, 1)));
        (task, children)
    }

    #[test]
    fn two_leaders_never_take_one_task_twice() {
        on_each(|store, url| {
            let ids: Vec<String> = (0..20).map(|_| queue(store)).collect();
            let other = Store::open_shared(url, 1).unwrap();
            let take_all = |store: &Store, epoch: i64| {
                let mut taken = Vec::new();
                for _ in 0..40 {
                    taken.extend(take(store, epoch).map(|row| row.id));
                }
                taken
            };
            let mut taken = std::thread::scope(|scope| {
                let first = scope.spawn(|| take_all(store, 1));
                let mut second = take_all(&other, 2);
                second.extend(first.join().unwrap());
                second
            });
            other.close();
            taken.sort();
            let mut wanted = ids;
            wanted.sort();
            assert_eq!(taken, wanted);
        });
    }

    #[test]
    fn a_leader_that_was_deposed_changes_nothing() {
        on_each(|store, _| {
            let (task, children) = running(store, &[1]);
            let adopted = write(store, Adopt { task: task.clone(), term: term(2), now: NOW }).unwrap();
            assert_eq!((adopted.owner_epoch, adopted.status.as_str()), (Some(2), "running"));
            let before = (whole_of(store, &task.id), whole_of(store, &children[0].id));
            let child = &children[0];
            assert!(!begin(store, child, 1) && !end(store, child, 1, Outcome::Success));
            assert!(!finish(store, &task.id, 1));
            let (run, messages) = (Some("r".to_owned()), Vec::new());
            let note = Note { child: child.clone(), term: term(1), run, observed: 3, messages, now: NOW };
            assert!(!write(store, note));
            assert!(!write(store, PutBack { child: child.clone(), term: term(1), now: NOW }));
            // Nor does it take the task back.
            assert_eq!(write(store, Adopt { task: adopted, term: term(1), now: NOW }), None);
            assert_eq!((whole_of(store, &task.id), whole_of(store, &children[0].id)), before);
            assert!(end(store, child, 2, Outcome::Success) && finish(store, &task.id, 2));
            assert_eq!(stands(store, &task.id), pair("complete", "success"));
        });
    }

    #[test]
    fn a_task_tells_which_children_were_begun_and_which_failed() {
        on_each(|store, _| {
            let (task, children) = running(store, &[1, 2, 3]);
            for (child, outcome) in
                children.iter().zip([Outcome::Success, Outcome::Failure, Outcome::Success])
            {
                assert!(end(store, child, 1, outcome));
                assert!(!end(store, child, 1, Outcome::Failure));
            }
            assert!(finish(store, &task.id, 1));
            let task = whole_of(store, &task.id);
            assert_eq!(
                (task.row.status.as_str(), task.row.result_status.as_str()),
                ("complete", "partial_success")
            );
            assert_eq!(
                (task.successes, task.failures),
                (vec!["node1".into(), "node3".into()], vec!["node2".into()])
            );
            assert_eq!(task.children.len(), 3);
            let progress = Progress { total: 3, succeeded: 2, failed: 1, ..Progress::default() };
            assert_eq!(task.progress, Some(progress));
            let texts: Vec<String> = task.messages.iter().map(|message| message.message.clone()).collect();
            let started =
                |child: &TaskRow| format!("Started subtask {} for action introspect_node", child.id);
            let failed = format!("Subtask {} on node2 failed: why", children[1].id);
            let mut wanted = vec!["The task is for 3 nodes.".to_owned()];
            wanted.extend(children.iter().map(started));
            wanted.extend([failed, "over".to_owned()]);
            assert_eq!(texts, wanted);
            assert_eq!(task.errors, 1);
            assert_eq!(task.messages.last().unwrap().seq, 6);
        });
    }

    #[test]
    fn a_task_stops_as_its_status_allows() {
        on_each(|store, _| {
            assert_eq!(terminate(store, "none", Propagate::Children), Answer::Unknown);
            let queued = queue(store);
            assert_eq!(terminate(store, &queued, Propagate::Children), Answer::Done);
            let row = read(store, &queued);
            assert_eq!((row.status.as_str(), row.terminated_by.as_deref()), ("terminated", Some("admin")));
            assert!(take(store, 1).is_none());
            assert_eq!(terminate(store, &queued, Propagate::Children), Answer::Refused(Status::Terminated));

            let id = queue(store);
            let task = take(store, 1).unwrap();
            let unreleased = TaskRow { status: Status::Requested.name().to_owned(), ..child(&id, 0, 9) };
            let (parent, rows) = (id.clone(), vec![unreleased.clone()]);
            assert!(write(store, MakeChildren { parent, term: term(1), rows, now: NOW }));
            assert_eq!(terminate(store, &unreleased.id, Propagate::Children), Answer::Done);
            assert_eq!(stands(store, &unreleased.id), pair("terminated", "failure"));
            let children = expand(store, &task, 1, &[1, 2]);
            assert!(begin(store, &children[0], 1));
            assert_eq!(terminate(store, &id, Propagate::Children), Answer::Done);
            assert_eq!(stands(store, &id), pair("terminating", "failure"));
            assert_eq!(stands(store, &children[0].id), pair("terminating", "incomplete"));
            assert_eq!(stands(store, &children[1].id), pair("terminated", "failure"));
            assert!(!begin(store, &children[1], 1));
            assert_eq!(terminate(store, &id, Propagate::Children), Answer::Refused(Status::Terminating));
            assert!(end(store, &children[0], 1, Outcome::Failure));
            assert_eq!(stands(store, &children[0].id), pair("terminated", "failure"));
            assert!(finish(store, &id, 1));
            assert_eq!(stands(store, &id), pair("terminated", "failure"));
            assert_eq!(whole_of(store, &id).failures, ["node1", "node2", "node9"]);
            assert_eq!(terminate(store, &id, Propagate::Children), Answer::Refused(Status::Terminated));

            let (task, children) = running(store, &[3]);
            assert_eq!(terminate(store, &task.id, Propagate::Nothing), Answer::Done);
            assert_eq!(stands(store, &children[0].id).0, "running");
            assert!(end(store, &children[0], 1, Outcome::Success) && finish(store, &task.id, 1));
            assert_eq!(stands(store, &task.id), pair("terminated", "success"));
        });
    }

    /// Ten thousand children of which none was begun.
    #[test]
    fn a_stop_of_many_children_holds_the_writer_for_a_moment_only() {
        on_each(|store, _| {
            let id = queue(store);
            let task = take(store, 1).unwrap();
            let nodes: Vec<u128> = (1..=10_000).collect();
            expand(store, &task, 1, &nodes);
            let began = std::time::Instant::now();
            assert_eq!(terminate(store, &id, Propagate::Children), Answer::Done);
            let took = began.elapsed();
            assert!(took < std::time::Duration::from_secs(2), "{took:?}");
            assert!(finish(store, &id, 1));
            assert_eq!(whole_of(store, &id).failures.len(), 10_000);
            assert_eq!(stands(store, &id), pair("terminated", "failure"));
        });
    }

    #[test]
    fn the_end_of_a_run_leaves_a_link_to_what_it_found_and_where_it_differs_from_the_design() {
        on_each(|store, _| {
            let (task, children) = running(store, &[1, 2]);
            let run = Uuid::from_u128(77);
            for child in &children {
                let found = Item::json(Generator::DesignFindings, &json!({"status": "Success"})).unwrap();
                let child = TaskRow { run_id: Some(run.to_string()), ..child.clone() };
                let (outcome, summary, messages) = (Outcome::Success, String::new(), Vec::new());
                let found = Some(found);
                let job =
                    End { child, term: term(1), outcome, summary, observed: 0, messages, found, now: NOW };
                assert!(write(store, job));
            }
            let href = format!("/v1/tasks/{}/builddata", task.id);
            assert_eq!(whole_of(store, &task.id).links, [("detail_logs".to_owned(), href)]);
            let wanted = Selection { run: Some(run), ..Selection::default() };
            let rows = store.read_blocking(|session| session.builds(&wanted, 9)).unwrap();
            assert_eq!(rows.len(), 2);
            for row in rows {
                assert_eq!(
                    (row.generator.as_str(), row.task_id.as_ref()),
                    ("design-findings", Some(&task.id))
                );
            }
        });
    }

    #[test]
    fn a_stale_writer_cannot_undo_a_stop() {
        on_each(|store, _| {
            let (task, children) = running(store, &[1]);
            let stale = children[0].clone();
            assert_eq!(terminate(store, &task.id, Propagate::Children), Answer::Done);
            assert!(!write(store, PutBack { child: stale.clone(), term: term(1), now: NOW }));
            let (run, messages) = (Some("r".to_owned()), Vec::new());
            assert!(write(store, Note { child: stale, term: term(1), run, observed: 1, messages, now: NOW }));
            let child = read(store, &children[0].id);
            assert_eq!((child.status.as_str(), child.run_id.as_deref()), ("terminating", Some("r")));
            assert!(child.terminate_us.is_some());
            assert_eq!(read(store, &task.id).status, "terminating");
        });
    }

    #[test]
    fn a_child_can_be_stopped_alone_and_its_parent_knows() {
        on_each(|store, _| {
            let id = queue(store);
            let task = take(store, 1).unwrap();
            let children = expand(store, &task, 1, &[1, 2]);
            assert_eq!(terminate(store, &children[0].id, Propagate::Children), Answer::Done);
            assert!(begin(store, &children[1], 1) && end(store, &children[1], 1, Outcome::Success));
            assert!(finish(store, &id, 1));
            assert_eq!(stands(store, &id), pair("complete", "partial_success"));
            assert_eq!(whole_of(store, &id).failures, ["node1"]);
        });
    }

    #[test]
    fn a_retry_drops_old_failures_and_keeps_old_successes() {
        on_each(|store, _| {
            let (task, children) = running(store, &[1, 2]);
            assert_eq!(retry(store, &task.id), Answer::Refused(Status::Running));
            assert!(
                end(store, &children[0], 1, Outcome::Success)
                    && end(store, &children[1], 1, Outcome::Failure)
            );
            assert!(finish(store, &task.id, 1));
            for attempt in 1..=3 {
                assert_eq!(retry(store, &task.id), Answer::Done);
                let again = take(store, 1).unwrap();
                assert_eq!((again.retry, again.result_status.as_str()), (attempt, "success"));
                assert_eq!(whole_of(store, &task.id).failures, Vec::<String>::new());
                let again = expand(store, &again, 1, &[2]);
                assert!(begin(store, &again[0], 1));
                let outcome = if attempt == 3 { Outcome::Success } else { Outcome::Failure };
                assert!(end(store, &again[0], 1, outcome) && finish(store, &task.id, 1));
                let result = if attempt == 3 { "success" } else { "partial_success" };
                assert_eq!(stands(store, &task.id), pair("complete", result));
            }
            assert_eq!(whole_of(store, &task.id).successes, ["node1", "node2"]);
            assert_eq!(retry(store, &task.id), Answer::NothingFailed);
        });
    }

    #[test]
    fn attempts_are_counted() {
        on_each(|store, _| {
            let (task, children) = running(store, &[1]);
            assert!(end(store, &children[0], 1, Outcome::Failure) && finish(store, &task.id, 1));
            for _ in 0..3 {
                assert_eq!(retry(store, &task.id), Answer::Done);
                let again = take(store, 1).unwrap();
                let again = expand(store, &again, 1, &[1]);
                assert!(begin(store, &again[0], 1) && end(store, &again[0], 1, Outcome::Failure));
                assert!(finish(store, &task.id, 1));
            }
            assert_eq!(retry(store, &task.id), Answer::OutOfAttempts);
            let last = whole_of(store, &task.id).messages.pop().unwrap();
            assert_eq!((last.message.as_str(), last.error), ("Retry requested, out of attempts.", true));
        });
    }

    #[test]
    fn a_task_without_nodes_is_a_success() {
        on_each(|store, _| {
            let (task, _) = running(store, &[]);
            assert!(finish(store, &task.id, 1));
            assert_eq!(stands(store, &task.id), pair("complete", "success"));
        });
    }

    #[test]
    fn a_task_that_is_always_interrupted_ends_as_a_failure() {
        on_each(|store, _| {
            let row = TaskRow { action: Action::Noop.name().to_owned(), ..root(&Uuid::new_v4().to_string()) };
            let id = row.id.clone();
            write(store, Create { row, now: NOW });
            let mut task = take(store, 1).unwrap();
            for epoch in 2..=4 {
                task = write(store, Adopt { task, term: term(epoch), now: NOW }).unwrap();
                assert_eq!(task.status, "running");
            }
            write(store, Adopt { task, term: term(5), now: NOW });
            assert_eq!(stands(store, &id), pair("complete", "failure"));
        });
    }

    #[test]
    fn retention_leaves_what_is_not_over_and_takes_whole_trees() {
        on_each(|store, _| {
            let (over, children) = running(store, &[1, 2]);
            for child in &children {
                assert!(end(store, child, 1, Outcome::Success));
            }
            assert!(finish(store, &over.id, 1));
            let (open, _) = running(store, &[3]);
            let later = NOW.plus_seconds(2 * 86_400);
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let purged = |now: Timestamp, mode: Purge| runtime.block_on(purge(store, now, 1, mode)).unwrap();
            assert_eq!(purged(NOW, Purge::Remove), 0);
            assert_eq!(purged(later, Purge::Count), 3);
            assert_eq!(purged(later, Purge::Remove), 3);
            assert_eq!(purged(later, Purge::Remove), 0);
            assert_eq!(store.read_blocking(|session| session.task(&over.id)).unwrap(), None);
            assert_eq!(store.read_blocking(|session| session.messages(&over.id, 0, 9)).unwrap(), []);
            assert_eq!(stands(store, &open.id).0, "running");
            assert_eq!(whole_of(store, &open.id).children.len(), 1);
        });
    }
}
