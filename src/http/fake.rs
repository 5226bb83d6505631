//! An [`Introspection`] for tests: knows one node, notes what it is asked, fails when told to.

use std::cell::RefCell;
use std::rc::Rc;

use async_trait::async_trait;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::admission::Admitted;
use crate::clock::Timestamp;
use crate::cluster::{Instance, Leader, Members, Owner};
use crate::context;
use crate::design::finding::Finding;
use crate::design::reference::Reference;
use crate::error::{Error, Result};
use crate::fsm::{Event, State};
use crate::inventory::service::Order as ImportOrder;
use crate::node::builds::{Among, Builds, Contents, Diff, Replayed, Seen, Snapshot, Source, WithContent};
use crate::node::matching::{self, Candidate, Explanation, Matched};
use crate::node::rules::{DryRun, Rules};
use crate::node::timeline::{Entry, Timeline};
use crate::node::token::Token;
use crate::node::{
    CallbackQuery, Introspection, ListQuery, ManageBoot, Record, RunHistory, Started, Variant,
};
use crate::node_service::Object;
use crate::node_service::recorded::Call;
use crate::processing::rules::{MatchedRule, Results, Rule, RulePatch};
use crate::store::build_data::{Build, Of, Selection, SightingRow, Sought};
use crate::store::runs::RunRow;
use crate::store::tasks::{MessageRow, TaskQuery};
use crate::tasks::Propagate;
use crate::tasks::service::{Listed, Order, Purge, Tasks, Whole, tests};

/// The only node, and its name.
pub(super) const NODE: &str = "11111111-2222-4333-8444-555555555555";
pub(super) const NAME: &str = "rack1 u07";
/// Its documents.
pub(super) const RAW: &str = "{\"b\": \"\\u00fc\", \"a\": 1}";
pub(super) const PROCESSED: &str = "{\"processed\": true}";

#[derive(Default)]
pub(super) struct Fake {
    /// What was asked, in order.
    pub(super) calls: RefCell<Vec<String>>,
    /// Who asked for it.
    pub(super) askers: RefCell<Vec<Option<String>>>,
    /// What every call answers instead.
    pub(super) failure: RefCell<Option<Error>>,
    /// What starts are given.
    pub(super) token: RefCell<Option<Token>>,
}

impl Fake {
    pub(super) fn new() -> Rc<Self> {
        Rc::new(Self::default())
    }

    pub(super) fn failing(error: Error) -> Rc<Self> {
        let fake = Self::new();
        *fake.failure.borrow_mut() = Some(error);
        fake
    }

    pub(super) fn asked(&self) -> Vec<String> {
        self.calls.borrow().clone()
    }

    fn note(&self, call: String) -> Result<()> {
        self.calls.borrow_mut().push(call);
        self.askers.borrow_mut().push(context::asker().map(|asker| asker.to_string()));
        self.failure.borrow().clone().map_or(Ok(()), Err)
    }

    fn find(&self, ident: &str) -> Result<()> {
        if ident == NODE || ident == NAME {
            return Ok(());
        }
        Err(Error::not_found(format!("Could not find node {ident} in cache")))
    }
}

pub(super) fn record() -> Record {
    Record {
        uuid: NODE.parse().unwrap(),
        version: 3,
        state: State::Waiting,
        state_since: Timestamp(1_767_232_740_000_070),
        deadline: Some(Timestamp(1_767_236_340_000_070)),
        started_at: Timestamp(1_767_232_740_000_000),
        finished_at: None,
        error: None,
        manage_boot: ManageBoot::Managed,
        run: Uuid::nil(),
        last_event: Event::Wait,
        posted: None,
        token: None,
        owner: None,
    }
}

fn explanation() -> Explanation {
    let matched =
        vec![Matched { kind: matching::Kind::PxeMac, value: "52:54:00:00:00:01".to_owned(), weight: 8 }];
    let candidate = Candidate { matched, node: NODE.parse().unwrap(), points: 1, weight: 8 };
    Explanation { source: matching::Source::Run, candidates: vec![candidate] }
}

fn history() -> RunHistory {
    let run = RunRow {
        id: "run-1".to_owned(),
        node_uuid: NODE.to_owned(),
        kind: "start".to_owned(),
        started_at: 1,
        finished_at: None,
        outcome: None,
        error: None,
        power: None,
    };
    let call = Call { name: "rebooting".to_owned(), outcome: "ok".to_owned(), took_ms: 7 };
    let mut timeline = Timeline::default();
    timeline.push(Entry {
        at_us: 1_767_232_740_000_070,
        event: "wait".to_owned(),
        from: Some(State::Starting),
        to: Some(State::Waiting),
        cause: None,
        by: Some("req-1".to_owned()),
        took_ms: Some(12),
        calls: vec![call],
        matched: Some(explanation()),
        rules: Some(Results {
            matched: vec![MatchedRule { description: Some("d".to_owned()), uuid: RULE.to_owned() }],
            ..Results::default()
        }),
    });
    RunHistory { run, timeline }
}

/// The only rule.
pub(super) const RULE: &str = "22222222-2222-4333-8444-555555555555";

fn rule(uuid: &str) -> Rule {
    let body = json!({
        "uuid": uuid,
        "description": "a rule",
        "conditions": [{"op": "eq", "field": "a", "value": 1}],
        "actions": [{"action": "fail", "message": "boom"}],
    });
    Rule::from_object(body.as_object().unwrap()).unwrap()
}

#[async_trait(?Send)]
impl Members for Fake {
    async fn leader(&self) -> Result<Option<Leader>> {
        Ok(Some(Leader { instance: "one".to_owned(), ping_age_us: 2_900_000 }))
    }

    async fn instances(&self) -> Result<Vec<Instance>> {
        self.note("instances".to_owned())?;
        Ok(vec![Instance {
            owner: Owner { name: "host:5050".into(), epoch: 3 },
            uuid: Uuid::nil(),
            address: "127.0.0.1 port 5050".to_owned(),
            version: "0.1.0".to_owned(),
            started_at: Timestamp(1_000_000),
            heartbeat_at: None,
            is_alive: false,
            is_leader: false,
        }])
    }
}

#[async_trait(?Send)]
impl Builds for Fake {
    async fn select(&self, selection: Selection, limit: usize, _: Contents) -> Result<Vec<WithContent>> {
        self.note(format!("builds {:?} {limit}", selection.of))?;
        let contents =
            [("inventory", "application/json", b"{}".to_vec()), ("logs", "application/gzip", vec![0xff])];
        let row = |(id, (generator, format, content)): (i64, (&str, &str, Vec<u8>))| {
            (build(id, generator, format), Some(content))
        };
        Ok((1..).zip(contents).map(row).collect())
    }

    async fn one(&self, id: i64) -> Result<WithContent> {
        self.note(format!("build {id}"))?;
        Ok((build(id, "facts", "application/json"), Some(b"{}".to_vec())))
    }

    async fn diff(&self, of: Of, from: Option<Snapshot>, to: Option<Snapshot>) -> Result<Diff> {
        self.note(format!("diff {of:?} {from:?} {to:?}"))?;
        let row = |id| build(id, "facts", "application/json");
        Ok(Diff { from: row(1), to: row(2), differences: Vec::new() })
    }

    async fn sightings(&self, sought: Sought, limit: usize) -> Result<Vec<Seen>> {
        self.note(format!("sightings {:?} {limit}", sought.value))?;
        let row = SightingRow {
            kind: "mac".to_owned(),
            value: "52:54:00:00:00:01".to_owned(),
            node_uuid: NODE.to_owned(),
            detail: "eth0".to_owned(),
            first_us: 1,
            last_us: 2,
            present: true,
        };
        Ok(vec![Seen { row, node_name: Some(NAME.to_owned()), last_us: 3 }])
    }

    async fn replay(&self, ident: &str, source: Source) -> Result<Replayed> {
        self.note(format!("replay {ident} {source:?}"))?;
        let (change, rules, node) = (json!({}), json!([]), NODE.parse().unwrap());
        Ok(Replayed { change, difference: Value::Null, error: None, node, rules })
    }

    async fn among(&self, among: &Among, after: Option<Uuid>) -> Result<Vec<Uuid>> {
        self.note(format!("among {:?} {:?}", among.nodes, among.states))?;
        Ok(if after.is_none() { vec![NODE.parse().unwrap()] } else { Vec::new() })
    }
}

fn build(id: i64, generator: &str, format: &str) -> Build {
    Build {
        id,
        node_uuid: NODE.to_owned(),
        node_name: Some(NAME.to_owned()),
        task_id: None,
        run_id: Some(NODE.to_owned()),
        generator: generator.to_owned(),
        data_format: format.to_owned(),
        collected_us: 1_767_232_740_000_070,
        document_id: id,
        digest: "abc".to_owned(),
        size_bytes: 2,
    }
}

/// A task that is over.
pub(super) const TASK: &str = "33333333-2222-4333-8444-555555555555";

#[async_trait(?Send)]
impl Tasks for Fake {
    async fn create(&self, order: Order) -> Result<Whole> {
        let order = order.settled(None)?;
        self.note(format!("create a task {} {:?} {:?}", order.action, order.filter, order.max_retry))?;
        Ok(tests::whole(TASK))
    }

    async fn import(&self, order: ImportOrder) -> Result<Whole> {
        self.note(format!("import {} bytes", order.body.len()))?;
        Ok(tests::whole(TASK))
    }

    async fn list(&self, query: TaskQuery, marker: Option<Uuid>, limit: usize) -> Result<Vec<Whole>> {
        let TaskQuery { status, action, parent, children, created_by, after: _ } = query;
        self.note(format!(
            "tasks {status:?} {action:?} {parent:?} {children} {created_by:?} {marker:?} {limit}"
        ))?;
        Ok(vec![tests::whole(TASK)])
    }

    async fn show(&self, id: Uuid) -> Result<Whole> {
        Ok(self.tree(id, Some(1)).await?.remove(0))
    }

    async fn tree(&self, id: Uuid, levels: Option<usize>) -> Result<Vec<Whole>> {
        self.note(format!("task {id} {levels:?}"))?;
        if id.to_string() == TASK {
            Ok(tests::tree(TASK, levels))
        } else {
            Err(crate::tasks::service::unknown(id))
        }
    }

    async fn messages(
        &self,
        id: Uuid,
        after: i64,
        limit: usize,
        wait: std::time::Duration,
    ) -> Result<Vec<MessageRow>> {
        self.note(format!("messages {after} {limit} {}", wait.as_secs()))?;
        Ok(tests::whole(&id.to_string()).messages)
    }

    async fn terminate(&self, id: Uuid, propagate: Propagate) -> Result<Whole> {
        self.note(format!("terminate {propagate:?}"))?;
        Ok(tests::whole(&id.to_string()))
    }

    async fn retry(&self, id: Uuid) -> Result<Whole> {
        self.note("retry".to_owned())?;
        Ok(tests::whole(&id.to_string()))
    }

    async fn purge(&self, days: i64, mode: Purge) -> Result<usize> {
        self.note(format!("purge {days} {mode:?}"))?;
        Ok(3)
    }

    async fn nodes(&self) -> Result<Vec<Listed>> {
        self.note("nodes".to_owned())?;
        let (uuid, name) = (NODE.parse().unwrap(), Some(NAME.to_owned()));
        let state = Some(State::Waiting);
        Ok(vec![Listed { uuid, name, state, memory_mb: Some(1024), cpus: Some(8), power_state: None }])
    }

    async fn validate(&self, reference: &Reference) -> Result<Vec<Finding>> {
        self.note(format!("validate {}", reference.shown()))?;
        let bad = reference.shown().ends_with("bad.yaml");
        let wrong = || Finding::error("DD001", "BaremetalNode/n/metadata", "wrong".to_owned());
        Ok(if bad { vec![wrong()] } else { Vec::new() })
    }

    async fn select(&self, filter: Option<Value>, design: Option<Reference>) -> Result<Vec<String>> {
        let design = design.map(|design| design.shown()).unwrap_or_default();
        self.note(format!("select {filter:?} {design}"))?;
        Ok(vec![NAME.to_owned()])
    }
}

#[async_trait(?Send)]
impl Rules for Fake {
    async fn create(&self, rule: Rule) -> Result<()> {
        self.note(format!("create {:?} {:?}", rule.description, rule.scope))
    }

    async fn all(&self) -> Result<Vec<Rule>> {
        self.note("rules".to_owned())?;
        Ok(vec![rule(RULE)])
    }

    async fn one(&self, uuid: &str) -> Result<Rule> {
        self.note(format!("rule {uuid}"))?;
        if uuid == RULE {
            Ok(rule(uuid))
        } else {
            Err(Error::not_found(format!("Rule {uuid} was not found")))
        }
    }

    async fn patch(&self, uuid: &str, patch: RulePatch) -> Result<Rule> {
        self.note(format!("patch {uuid}"))?;
        Ok(patch.applied_to(rule(uuid)))
    }

    async fn delete(&self, uuid: &str) -> Result<()> {
        self.note(format!("delete {uuid}"))
    }

    async fn delete_all(&self) -> Result<()> {
        self.note("delete all".to_owned())
    }

    async fn dry_run(&self, order: DryRun) -> Result<Value> {
        self.note(format!("dry run {:?} {:?} {}", order.node, order.data, order.rule.is_some()))?;
        Ok(json!({"rules": []}))
    }
}

#[async_trait(?Send)]
impl Introspection for Fake {
    async fn start(&self, ident: &str, manage_boot: ManageBoot) -> Result<Started> {
        self.note(format!("start {ident} {manage_boot:?}"))?;
        self.find(ident).map(|()| Started { token: self.token.borrow().clone() })
    }

    async fn renew_token(&self, ident: &str) -> Result<Token> {
        self.note(format!("renew the token {ident}"))?;
        self.find(ident).map(|()| Token::random())
    }

    async fn abort(&self, ident: &str) -> Result<()> {
        self.note(format!("abort {ident}"))?;
        self.find(ident)
    }

    async fn reapply(&self, ident: &str, document: Option<Object>) -> Result<()> {
        self.note(format!("reapply {ident} {}", serde_json::to_string(&document).unwrap()))?;
        self.find(ident)
    }

    async fn callback(&self, posted: Admitted, query: CallbackQuery) -> Result<Uuid> {
        let named = query.node.map(|node| format!(" for {node}")).unwrap_or_default();
        let token = if query.token.is_some() { " with a token" } else { "" };
        self.note(format!("callback {}{named}{token}", posted.into_parts().0.len()))?;
        Ok(record().uuid)
    }

    async fn status(&self, ident: &str) -> Result<Record> {
        self.note(format!("status {ident}"))?;
        self.find(ident).map(|()| record())
    }

    async fn list(&self, query: ListQuery) -> Result<Vec<Record>> {
        self.note(format!("list {:?} {} {:?}", query.marker, query.limit, query.states))?;
        Ok(vec![record()])
    }

    async fn history(&self, ident: &str) -> Result<Vec<RunHistory>> {
        self.note(format!("history {ident}"))?;
        self.find(ident).map(|()| vec![history()])
    }

    async fn data(&self, ident: &str, variant: Variant) -> Result<Vec<u8>> {
        self.note(format!("data {ident} {variant:?}"))?;
        self.find(ident)?;
        Ok(match variant {
            Variant::Raw => RAW.into(),
            Variant::Processed => PROCESSED.into(),
        })
    }
}
