//! The bare loop: one thread that writes the rows of introspections over one diesel connection, and does nothing
//! else. What it reaches is what the database and diesel allow; the daemon is measured against it.
//!
//! Invariant: the rows are the daemon's, made by the same pure functions and written by the same statements, from
//! documents that were processed and compressed beforehand.

use std::sync::Arc;
use std::time::{Duration, Instant};

use diesel::Connection;
use rollcall::build_data::{Collection, Generator, Item, facts, item};
use rollcall::clock::{Clock, SystemClock, Timestamp};
use rollcall::config::Config;
use rollcall::fsm::{self, Birth, Event};
use rollcall::node::order::{Ending, Plan};
use rollcall::node::prepare::{self, Prepared};
use rollcall::node::step::{self, End, KeepData};
use rollcall::node::timeline::{Entry, Timeline};
use rollcall::node::{Attribute, BMC_ADDRESS, MAC, ManageBoot, Record, RunKind, Variant};
use rollcall::node_service::recorded::Call;
use rollcall::node_service::{Node, Port};
use rollcall::processing::{Pipeline, View, document};
use rollcall::store::documents::Packed;
use rollcall::store::transition::{
    BuildWrite, DataWrite, Expected, Lookup, PowerJobWrite, RunWrite, Transition, Written,
};
use rollcall::store::{QueryResult, Session};
use uuid::Uuid;

use super::database::{Bare, Database, Kind};
use super::figures::cpu_s;
use super::machines;

/// All that is written of one machine.
pub struct Ready {
    number: u32,
    raw: Packed,
    processed: Packed,
    plan: Vec<u8>,
    contents: Vec<Packed>,
    collection: Collection,
}

/// Processes the documents of `count` machines.
pub fn make_ready(count: u32) -> Arc<[Ready]> {
    let pipeline = Pipeline::from_config(&Config::default()).unwrap();
    (0..count).map(|number| ready(&pipeline, number)).collect()
}

fn ready(pipeline: &Pipeline, number: u32) -> Ready {
    let Prepared { posting, .. } = prepare::from_body(pipeline, &machines::document(number)).unwrap();
    let object = |value: serde_json::Value| value.as_object().cloned().unwrap_or_default();
    let node = Node { uuid: machines::uuid(number), document: object(machines::node(number)) };
    let port = Port {
        uuid: Uuid::from_u128(1),
        address: machines::mac(number, 0).parse().unwrap(),
        pxe_enabled: true,
        document: object(machines::port(number, 0)),
    };
    let mut processed = posting.take_document(pipeline).unwrap();
    let (mut items, sightings) =
        item::of_document(&processed, &facts::of(&processed), &Generator::ALL).unwrap();
    items.extend(item::of_posting(&posting.raw, None, &Generator::ALL).unwrap());
    let change = pipeline.process(&View { node: &node, ports: &[port] }, &mut processed).unwrap();
    let references = items.iter().map(Item::reference).collect();
    let collection = Collection { node_name: None, items: references, sightings: Some(sightings) };
    let build = collection.clone();
    let plan = serde_json::to_vec(&Plan { change, ending: Ending::PowerOff, build }).unwrap();
    let contents = items.into_iter().map(|item| item.content).collect();
    Ready {
        number,
        raw: posting.raw,
        processed: Packed::pack(&document::encode(&processed)).unwrap(),
        plan,
        contents,
        collection,
    }
}

/// A loop with a database of its own.
pub struct RawLoop {
    machines: Arc<[Ready]>,
    records: Vec<Option<Record>>,
    batch: usize,
    connection: Bare,
    /// Where it writes.
    pub database: Database,
}

/// What one round took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Took {
    /// For how many machines.
    pub machines: usize,
    /// The transitions of `start`.
    pub start: Duration,
    /// The transitions of the callback.
    pub callback: Duration,
    /// Processor time of the second part, in seconds.
    pub callback_cpu_s: f64,
}

type Step = fn(&Ready, Option<&Record>, Timestamp) -> Transition;

impl RawLoop {
    /// A loop that commits `batch` transitions together.
    pub fn new(kind: &Kind, machines: &Arc<[Ready]>, batch: usize) -> Self {
        let database = Database::new(kind);
        let connection = Bare::connect(&database.url);
        let records = vec![None; machines.len()];
        Self { machines: Arc::clone(machines), records, batch, connection, database }
    }

    /// One introspection of each of the first `count` machines.
    pub fn round(&mut self, count: usize) -> Took {
        let began = Instant::now();
        self.part(count, &[start, wait]);
        let (start, cpu) = (began.elapsed(), cpu_s(std::process::id()));
        let began = Instant::now();
        self.part(count, &[process, plan, finish]);
        let callback_cpu_s = cpu_s(std::process::id()) - cpu;
        Took { machines: count, start, callback: began.elapsed(), callback_cpu_s }
    }

    fn part(&mut self, count: usize, steps: &[Step]) {
        let machines = Arc::clone(&self.machines);
        let records = self.records.iter_mut().zip(machines.iter()).take(count);
        let mut all: Vec<_> = records.collect();
        for batch in all.chunks_mut(self.batch) {
            for step in steps {
                let transitions: Vec<Transition> = batch
                    .iter()
                    .map(|(record, machine)| {
                        let mut transition = step(machine, record.as_ref(), SystemClock.now());
                        transition.runs.timeline = Some(timeline(&transition));
                        transition
                    })
                    .collect();
                commit(&mut self.connection, &transitions);
                for ((record, _), transition) in batch.iter_mut().zip(transitions) {
                    **record = Some(transition.record);
                }
            }
        }
    }
}

fn commit(connection: &mut Bare, transitions: &[Transition]) {
    match connection {
        Bare::Sqlite(connection) => {
            connection.immediate_transaction(|connection| write(connection, transitions)).unwrap();
        }
        Bare::Postgres(connection) => {
            connection.transaction(|connection| write(connection, transitions)).unwrap();
        }
    }
}

fn write(session: &mut dyn Session, transitions: &[Transition]) -> QueryResult<()> {
    transitions.iter().try_for_each(|transition| {
        assert_eq!(transition.write(session)?, Written::Committed);
        Ok(())
    })
}

fn start(machine: &Ready, record: Option<&Record>, now: Timestamp) -> Transition {
    let run = (Uuid::new_v4(), RunKind::Start);
    let deadline = Some(now.plus_seconds(600));
    let mut transition = match record {
        Some(record) => step::begin(record, Event::Start, now, deadline, run).unwrap(),
        None => born(machine, now, deadline, run),
    };
    let value = |name, value| Attribute { name, value };
    transition.lookup = Lookup::Set(vec![
        value(BMC_ADDRESS, machines::bmc_address(machine.number)),
        value(MAC, machines::mac(machine.number, 0)),
    ]);
    transition.data.removed = vec![Variant::Raw, Variant::Processed];
    transition
}

fn born(machine: &Ready, now: Timestamp, deadline: Option<Timestamp>, run: (Uuid, RunKind)) -> Transition {
    let record = Record {
        uuid: machines::uuid(machine.number),
        version: 1,
        state: fsm::create(Birth::Start, None).unwrap(),
        state_since: now,
        deadline,
        started_at: now,
        finished_at: None,
        error: None,
        manage_boot: ManageBoot::Managed,
        run: run.0,
        last_event: Event::Start,
        posted: None,
        token: None,
        owner: None,
    };
    Transition {
        record,
        expected: Expected::Absent,
        at: now,
        lookup: Lookup::Keep,
        data: DataWrite::default(),
        runs: RunWrite { begun: Some(run.1), ..RunWrite::default() },
        power_job: PowerJobWrite::Drop,
        build: BuildWrite::default(),
    }
}

/// A history as long as the daemon's at this point.
fn timeline(transition: &Transition) -> Timeline {
    let record = &transition.record;
    let entry = Entry {
        at_us: transition.at.0,
        event: record.last_event.name().to_owned(),
        from: Some(record.state),
        to: Some(record.state),
        cause: None,
        by: Some(format!("req-{}", record.run)),
        took_ms: Some(17),
        matched: None,
        rules: None,
        calls: vec![Call { name: "get node".to_owned(), outcome: "ok".to_owned(), took_ms: 3 }],
    };
    let count = usize::try_from((record.version - 1) % 5 + 1).unwrap();
    Timeline { entries: vec![entry; count], left_out: 0 }
}

fn wait(_: &Ready, record: Option<&Record>, now: Timestamp) -> Transition {
    step::advance(record.unwrap(), Event::Wait, now, Some(now.plus_seconds(3600))).unwrap()
}

fn process(machine: &Ready, record: Option<&Record>, now: Timestamp) -> Transition {
    let deadline = Some(now.plus_seconds(1800));
    let mut transition = step::advance(record.unwrap(), Event::Process, now, deadline).unwrap();
    transition.data.raw = Some(machine.raw.clone());
    transition
}

fn plan(machine: &Ready, record: Option<&Record>, now: Timestamp) -> Transition {
    let mut transition = step::stay(record.unwrap(), now);
    transition.runs.plan = Some(machine.plan.clone());
    transition.data.processed = Some(machine.processed.clone());
    transition.build.contents.clone_from(&machine.contents);
    transition
}

fn finish(machine: &Ready, record: Option<&Record>, now: Timestamp) -> Transition {
    let end = End::success(Some("powered_off".to_owned()));
    let mut transition = step::close(record.unwrap(), Event::Finish, now, end, KeepData::Yes).unwrap();
    transition.build.written = Some(machine.collection.clone());
    transition
}
