//! Imports of the inventory that are too large to be waited for.
//!
//! The request lies in the database beside its task. Invariant: it is carried out under one change set, so that one that
//! was interrupted and is begun anew writes nothing twice; its errors are the messages of the task.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::dispatcher::{Desk, finish, ours};
use super::drive;
use super::jobs::{AT_WORK, Finish, about_task};
use super::model::{Outcome, Status};
use super::requests::Create;
use crate::clock::Timestamp;
use crate::cluster::Term;
use crate::context::Request;
use crate::error::{Error, Kind, Result};
use crate::inventory::options::{Dialect, Pace};
use crate::inventory::rights::{Right, Rights};
use crate::inventory::service::{Format, Order, Stage, Watch};
use crate::inventory::{Answer, Verdict};
use crate::store::documents::{Packed, unpack};
use crate::store::inventory::orders::ImportOrderRow;
use crate::store::tasks::{Change, NewMessage, TaskRow};
use crate::store::{Job, QueryResult, Session};

/// How long after its beginning an import that the database does not take is tried again: longer than a server is
/// away for maintenance, and not for ever where it is refused for good.
const PATIENCE_US: i64 = 3600 * 1_000_000;

/// Messages of a task among which its last steps are looked for.
const MOST_STEPS: i64 = 1000;

/// How an import is to be carried out, as it is kept.
#[derive(Debug, Serialize, Deserialize)]
struct Manner {
    format: String,
    ancestor: bool,
    members: Map<String, Value>,
    generation: Option<i64>,
    source: Option<String>,
    asker: Option<String>,
    denied: Vec<String>,
}

/// An import as it is kept beside its task. Compresses: not for a reactor thread.
pub(super) fn spooled(task: &str, order: &Order) -> Result<ImportOrderRow> {
    let manner = Manner {
        format: order.format.name().to_owned(),
        ancestor: order.dialect == Dialect::Ancestor,
        members: order.members.clone(),
        generation: order.generation,
        source: order.source.clone(),
        asker: order.asker.clone(),
        denied: order.rights.denied.iter().map(|right| right.name().to_owned()).collect(),
    };
    let Packed { codec, size_bytes, body, .. } = Packed::pack(&order.body)?;
    let manner = serde_json::to_string(&manner).map_err(Error::internal)?;
    Ok(ImportOrderRow { task_id: task.to_owned(), manner, codec, size_bytes, body })
}

/// The import that was kept.
fn taken_up(row: &ImportOrderRow) -> Result<Order> {
    let manner: Manner = serde_json::from_str(&row.manner).map_err(Error::internal)?;
    let known = Right::all().into_iter();
    let denied: BTreeSet<Right> =
        known.filter(|right| manner.denied.iter().any(|name| name == right.name())).collect();
    Ok(Order {
        body: unpack(row.codec, row.size_bytes, &row.body)?.into(),
        format: Format::named(&manner.format).unwrap_or_default(),
        dialect: if manner.ancestor { Dialect::Ancestor } else { Dialect::Own },
        members: manner.members,
        generation: manner.generation,
        source: manner.source,
        asker: manner.asker,
        rights: Rights { denied },
        pace: Pace::Background,
        change_set: Some(row.task_id.clone()),
        ..Order::default()
    })
}

/// Creates a task with its import, and releases it.
#[derive(Clone, Debug)]
pub(super) struct CreateImport {
    pub create: Create,
    pub order: ImportOrderRow,
}

impl Job for CreateImport {
    type Output = Option<TaskRow>;

    fn run(&self, session: &mut dyn Session) -> QueryResult<Option<TaskRow>> {
        let row = self.create.run(session)?;
        session.add_import_order(&self.order)?;
        Ok(row)
    }

    fn weight_bytes(&self) -> usize {
        self.order.body.len()
    }
}

/// Ends an import: with what came of it.
#[derive(Clone, Debug)]
struct Done {
    finish: Finish,
    change_set: Option<String>,
}

impl Job for Done {
    type Output = bool;

    fn run(&self, session: &mut dyn Session) -> QueryResult<bool> {
        let task = &self.finish.task;
        let row = session.task(task)?;
        let mut finish = self.finish.clone();
        // One that was asked to stop too late ends as such: what it has done is told beside that.
        if row.is_some_and(|row| row.status == Status::Terminating.name()) {
            finish.messages.push(about_task(task, finish.summary.clone(), false, finish.now));
        }
        if !finish.run(session)? {
            return Ok(false);
        }
        if let Some(set) = &self.change_set {
            session.add_link(task, "change_set", &format!("/v1/inventory/changes?change_set={set}"))?;
        }
        Ok(true)
    }
}

/// Carries it out.
pub(super) async fn work(desk: &Desk, id: &str, term: &Term) -> Result<()> {
    let Some(task) = ours(desk, id, term).await? else { return Ok(()) };
    if task.status != Status::Running.name() {
        return finish(desk, id, term, Outcome::Failure, "Action terminated.").await;
    }
    let wanted = id.to_owned();
    let Some(row) = desk.store().read(move |session| session.import_order(&wanted)).await? else {
        return finish(desk, id, term, Outcome::Failure, "The request is not kept any more.").await;
    };
    let order = desk.registry.shared().compute(move || taken_up(&row)).await?;
    let order = Order { watch: watched(desk, id, term), ..order };
    let inventory = desk.inventory.over(desk.store().under(term.clone()));
    let request = Request { asker: drive::asker(&task), received: Instant::now() };
    match request.scope(inventory.import(order)).await {
        Ok(answer) => end(desk, &told(id, &answer, term, desk.registry.shared().now())?, term).await,
        // Tried again, here or by another leader.
        Err(error)
            if error.kind == Kind::Unavailable && !is_given_up(&task, desk.registry.shared().now()) =>
        {
            Err(error)
        }
        Err(error) => finish(desk, id, term, Outcome::Failure, &error.text).await,
    }
}

/// Whether it was tried for long enough.
fn is_given_up(task: &TaskRow, now: Timestamp) -> bool {
    task.started_us.is_some_and(|begun| now.0.saturating_sub(begun) > PATIENCE_US)
}

/// Has the task tell how far its import has come.
fn watched(desk: &Desk, id: &str, term: &Term) -> Watch {
    let (store, clock) = (desk.store().under(term.clone()), Arc::clone(&desk.registry.shared().clock));
    let (task, term) = (id.to_owned(), term.clone());
    Watch(Some(Arc::new(move |stage, count| {
        let step = Step { task: task.clone(), term: term.clone(), stage, count, now: clock.now() };
        if let Err(error) = store.write_blocking(step) {
            log::warn!("How far an import has come could not be told task={task} error={error}");
        }
    })))
}

/// Tells how far an import has come. A plan that was outrun, or a work that is tried again, tells only what is new.
#[derive(Clone, Debug)]
struct Step {
    task: String,
    term: Term,
    stage: Stage,
    count: usize,
    now: Timestamp,
}

/// What is told of a stage, behind its number.
fn said(stage: Stage) -> &'static str {
    match stage {
        Stage::Read => "systems were read, and are compared.",
        Stage::Planned => "objects change.",
        Stage::Written => "objects were written.",
    }
}

impl Step {
    /// Whether this was told already, and nothing else of the stage since.
    fn is_known(&self, text: &str, session: &mut dyn Session) -> QueryResult<bool> {
        let stages = [Stage::Read, Stage::Planned, Stage::Written];
        let told = session.messages(&self.task, 0, MOST_STEPS)?.into_iter().rev();
        let mut steps = told
            .map(|row| row.message)
            .take_while(|told| stages.iter().any(|stage| told.ends_with(said(*stage))));
        Ok(steps.find(|told| told.ends_with(said(self.stage))).as_deref() == Some(text))
    }
}

impl Job for Step {
    type Output = bool;

    fn run(&self, session: &mut dyn Session) -> QueryResult<bool> {
        let Self { task, term, stage, count, now } = self;
        if !session.change_task(task, &AT_WORK, Some(term), &Change::default(), *now)? {
            return Ok(false);
        }
        let text = format!("{count} {}", said(*stage));
        if !self.is_known(&text, session)? {
            session.add_messages(task, &[about_task(task, text, false, *now)])?;
        }
        Ok(true)
    }
}

async fn end(desk: &Desk, done: &Done, term: &Term) -> Result<()> {
    // Refused where it was asked to stop meanwhile: then what came of it is told nevertheless.
    if !desk.write(term, done.clone()).await? && ours(desk, &done.finish.task, term).await?.is_some() {
        desk.write(term, done.clone()).await?;
    }
    Ok(())
}

/// What the answer to a request is for a task.
fn told(task: &str, answer: &Answer, term: &Term, now: Timestamp) -> Result<Done> {
    let body: Value = serde_json::from_slice(&answer.body.whole()).map_err(Error::internal)?;
    let list =
        |value: &Value, name: &str| value.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let refused: Vec<Value> = list(&body, "fates").iter().flat_map(|fate| list(fate, "errors")).collect();
    let (outcome, summary, wrong) = if answer.verdict == Verdict::Fine {
        let summary = body.get("summary").map(ToString::to_string).unwrap_or_default();
        let text = match body.get("committed") {
            Some(Value::Bool(true)) => format!("Committed: {summary}"),
            _ => format!("Nothing is written: {summary}"),
        };
        let outcome = if refused.is_empty() { Outcome::Success } else { Outcome::PartialSuccess };
        (outcome, text, refused)
    } else {
        let text = body.get("detail").and_then(Value::as_str).unwrap_or_default().to_owned();
        (Outcome::Failure, text, list(&body, "errors"))
    };
    let notices = list(&body, "notices");
    let messages = wrong.iter().map(|problem| message(task, problem, true, now));
    let messages = messages.chain(notices.iter().map(|notice| message(task, notice, false, now))).collect();
    let finish =
        Finish { task: task.to_owned(), term: term.clone(), outcome: Some(outcome), summary, messages, now };
    let change_set = body.get("change_set").and_then(Value::as_str).map(str::to_owned);
    Ok(Done { finish, change_set })
}

/// A mistake or a notice as a message.
fn message(task: &str, entry: &Value, error: bool, at: Timestamp) -> NewMessage {
    let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default();
    let said = format!("{}: {}", text("pointer"), text("message"));
    NewMessage { extra: entry.to_string(), ..about_task(task, said, error, at) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::clock::SystemClock;
    use crate::cluster::Owner;
    use crate::inventory::options::Limits;
    use crate::inventory::service::Inventory;
    use crate::store::Store;
    use crate::store::tests::on_each;
    use crate::tasks::jobs::{Adopt, Take};
    use crate::tasks::model::Action;
    use crate::tasks::requests::{Answer as Stopped, Propagate, Terminate};
    use crate::tasks::service::tests::root;

    const NOW: Timestamp = Timestamp(1_767_232_740_000_000);

    fn term() -> Term {
        Term { holder: Owner { name: "one".into(), epoch: 1 }, epoch: 1 }
    }

    /// Queues an import.
    fn queued(store: &Store, body: &Value) -> String {
        let row = TaskRow {
            action: Action::ImportInventory.name().to_owned(),
            ..root(&uuid::Uuid::new_v4().to_string())
        };
        let rights = Rights { denied: BTreeSet::from([Right::Manage]) };
        let order = Order { body: body.to_string().into(), rights, generation: Some(1), ..Order::default() };
        let order = spooled(&row.id, &order).unwrap();
        let id = row.id.clone();
        store.write_blocking(CreateImport { create: Create { row, now: NOW }, order }).unwrap();
        id
    }

    /// Queues an import and takes its task.
    fn taken(store: &Store, body: &Value) -> TaskRow {
        queued(store, body);
        store.write_blocking(Take { term: term(), now: NOW }).unwrap().unwrap()
    }

    fn kept(store: &Store, task: &str) -> Option<ImportOrderRow> {
        store.read_blocking(|session| session.import_order(task)).unwrap()
    }

    fn inventory(store: &Store) -> Inventory {
        let limits = Limits { systems: 1, objects: 1 };
        Inventory::new(store.clone(), Arc::new(SystemClock), limits).with_background(Limits::default())
    }

    fn told_of(store: &Store, task: &str) -> (String, String, Vec<String>) {
        let row = store.read_blocking(|session| session.task(task)).unwrap().unwrap();
        let messages = store.read_blocking(|session| session.messages(task, 0, 100)).unwrap();
        (row.status, row.result_status, messages.into_iter().map(|message| message.message).collect())
    }

    #[test]
    fn an_import_that_was_interrupted_is_done_once() {
        on_each(|store, _| {
            let systems = json!({"a": {"hostname": "a"}, "b": {"hostname": "b"}});
            let task = taken(store, &json!({"systems": systems, "commit": true}));
            let inventory = inventory(store);
            let row = kept(store, &task.id).unwrap();
            let order = Order { generation: None, ..taken_up(&row).unwrap() };
            assert_eq!(order.rights.denied, BTreeSet::from([Right::Manage]));
            let first = inventory.import_blocking(&order).unwrap();
            // The one who did it is gone before it could tell.
            let second = inventory.import_blocking(&order).unwrap();
            assert_eq!(first, second);
            assert_eq!(store.read_blocking(|session| session.inventory_state()).unwrap().0, 2);
            assert!(store.write_blocking(told(&task.id, &second, &term(), NOW).unwrap()).unwrap());
            let (status, result, messages) = told_of(store, &task.id);
            assert_eq!((status.as_str(), result.as_str()), ("complete", "success"));
            assert!(messages.last().unwrap().starts_with("Committed: {\"create\":2,"), "{messages:?}");
            assert_eq!(kept(store, &task.id), None);
            let links = store.read_blocking(|session| session.links(std::slice::from_ref(&task.id))).unwrap();
            assert_eq!(links[0].2, format!("/v1/inventory/changes?change_set={}", task.id));
        });
    }

    #[test]
    fn an_import_that_is_stopped_or_given_up_leaves_no_request_behind() {
        on_each(|store, _| {
            let body = json!({"systems": {"a": {"hostname": "a"}}, "commit": true});
            let stop = |id: &str| {
                let (id, by) = (id.to_owned(), Some("alice".to_owned()));
                let job = Terminate { id, propagate: Propagate::Children, by, now: NOW };
                assert_eq!(store.write_blocking(job).unwrap(), Stopped::Done);
            };
            // Before it began.
            let waiting = queued(store, &body);
            assert!(kept(store, &waiting).is_some());
            stop(&waiting);
            assert_eq!(kept(store, &waiting), None);
            // Before anything was done for it.
            let task = taken(store, &body);
            stop(&task.id);
            assert!(kept(store, &task.id).is_some());
            let end = |task: &str| Finish {
                task: task.to_owned(),
                term: term(),
                outcome: Some(Outcome::Failure),
                summary: String::new(),
                messages: Vec::new(),
                now: NOW,
            };
            assert!(store.write_blocking(end(&task.id)).unwrap());
            assert_eq!(kept(store, &task.id), None);
            // What goes on keeps its own.
            let (one, other) = (queued(store, &body), queued(store, &body));
            stop(&one);
            assert!(kept(store, &other).is_some());
        });
    }

    #[test]
    fn what_an_import_has_done_is_told_where_it_was_stopped_too_late() {
        on_each(|store, _| {
            let task = taken(store, &json!({"systems": {"a": {"hostname": "a"}}, "commit": true}));
            let order = taken_up(&kept(store, &task.id).unwrap()).unwrap();
            let answer = inventory(store).import_blocking(&Order { generation: None, ..order }).unwrap();
            let stop = Terminate { id: task.id.clone(), propagate: Propagate::Children, by: None, now: NOW };
            assert_eq!(store.write_blocking(stop).unwrap(), Stopped::Done);
            assert!(store.write_blocking(told(&task.id, &answer, &term(), NOW).unwrap()).unwrap());
            let (status, _, messages) = told_of(store, &task.id);
            assert_eq!(
                (status.as_str(), messages.last().unwrap().as_str()),
                ("terminated", "Action terminated.")
            );
            assert!(
                messages.iter().any(|text| text.starts_with("Committed: {\"create\":1,")),
                "{messages:?}"
            );
        });
    }

    #[test]
    fn how_far_an_import_has_come_is_told_while_it_is_worked_on() {
        on_each(|store, _| {
            let task = taken(store, &json!({"systems": {}}));
            let step = |stage, count| Step { task: task.id.clone(), term: term(), stage, count, now: NOW };
            for (stage, count) in [(Stage::Read, 7), (Stage::Planned, 5), (Stage::Written, 5)] {
                assert!(store.write_blocking(step(stage, count)).unwrap());
            }
            let (_, _, messages) = told_of(store, &task.id);
            let last = messages.get(messages.len() - 3..).unwrap();
            assert_eq!(
                last,
                ["7 systems were read, and are compared.", "5 objects change.", "5 objects were written."]
            );
            // Outrun, it is planned anew; what is not new is not told again, until the work begins anew.
            for (stage, count) in [(Stage::Read, 7), (Stage::Planned, 4), (Stage::Written, 4)] {
                assert!(store.write_blocking(step(stage, count)).unwrap());
            }
            let (_, _, again) = told_of(store, &task.id);
            assert_eq!(
                again.get(messages.len()..).unwrap(),
                ["4 objects change.", "4 objects were written."]
            );
            let adopt = Adopt { task: task.clone(), term: term(), now: NOW };
            assert!(store.write_blocking(adopt).unwrap().is_some());
            assert!(store.write_blocking(step(Stage::Read, 7)).unwrap());
            assert_eq!(told_of(store, &task.id).2.len(), again.len() + 2);
            let late = Step { term: Term { epoch: 9, ..term() }, ..step(Stage::Read, 1) };
            assert!(!store.write_blocking(late).unwrap());
        });
    }

    #[test]
    fn what_the_database_does_not_take_is_tried_for_an_hour() {
        on_each(|store, _| {
            let task = taken(store, &json!({"systems": {}}));
            let after = |minutes: i64| Timestamp(NOW.0 + minutes * 60_000_000);
            assert!(!is_given_up(&task, after(59)));
            assert!(is_given_up(&task, after(61)));
            // Whoever takes it over goes on with the same hour.
            let adopted =
                store.write_blocking(Adopt { task, term: term(), now: after(30) }).unwrap().unwrap();
            assert!(is_given_up(&adopted, after(61)));
            assert!(!is_given_up(&TaskRow { started_us: None, ..adopted }, after(61)));
        });
    }

    #[test]
    fn the_errors_of_an_import_are_the_messages_of_its_task() {
        on_each(|store, _| {
            let systems = json!({"a": {"hostname": "-"}, "b": {"hostname": "b"}});
            for (atomic, outcome, count) in [(true, "failure", 0), (false, "partial_success", 1)] {
                let task = taken(store, &json!({"systems": systems, "commit": true, "atomic": atomic}));
                let order = taken_up(&kept(store, &task.id).unwrap()).unwrap();
                let answer = inventory(store).import_blocking(&Order { generation: None, ..order }).unwrap();
                assert!(store.write_blocking(told(&task.id, &answer, &term(), NOW).unwrap()).unwrap());
                let (_, result, messages) = told_of(store, &task.id);
                assert_eq!(result, outcome);
                assert!(messages[0].starts_with("/systems/a/hostname: "), "{messages:?}");
                assert_eq!(store.read_blocking(|session| session.count_systems()).unwrap(), count);
            }
        });
    }
}
