//! The pipeline alone, on one large machine: from the parsed document to the Change, in processor time of one thread,
//! beside the time that parsing the same document takes. Then the same machine through the whole daemon, to count the
//! calls that it costs the node service.
//!
//! It ends with 1 where an introspection takes more calls than it may; no figure that depends on the machine makes it
//! fail.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a benchmark prints what it measured, and stops at the first surprise"
)]

mod support {
    #[expect(dead_code, reason = "one caller does")]
    pub mod callers;
    #[expect(dead_code, reason = "its time and memory are measured elsewhere")]
    pub mod daemon;
    pub mod large;
    pub mod machines;
    pub mod standin;
}

use std::hint::black_box;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use rollcall::config::{Config, Processing};
use rollcall::node_service::{Node, Object, Port};
use rollcall::processing::change::Change;
use rollcall::processing::rules::{Matching, Rule, RuleSet};
use rollcall::processing::{Pipeline, View, document};
use rustix::time::{ClockId, clock_gettime};
use serde_json::Value;

use support::callers::Connection;
use support::daemon::Daemon;
use support::standin::StandIn;
use support::{large, machines};

/// The daemon's own.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// What may be said on the command line, behind `cargo bench --bench pipeline --`.
#[derive(Debug, Parser)]
struct Options {
    /// How often each thing is done
    #[arg(long, default_value_t = 1000)]
    repeats: usize,
    /// Do not start the daemon to count calls
    #[arg(long)]
    no_calls: bool,
    /// Given by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

/// Calls of a whole introspection that changes no port and no trait.
const CALLS: usize = 9;

fn main() -> ExitCode {
    let options = Options::parse();
    let body = large::document();
    println!("a document of {} bytes, {} rules, hooks {}", body.len(), large::RULES, large::HOOKS);
    let subject = Subject::new(&body);
    println!("{}", subject.work_done());
    subject.measure(&body, options.repeats);
    if options.no_calls {
        return ExitCode::SUCCESS;
    }
    let Calls { made, most, connections } = count_calls(&body, &subject.change());
    println!(
        "calls of the node service for a whole introspection: {made} (at most {most}), over {connections} connections"
    );
    if made <= most { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What the pipeline works on.
struct Subject {
    pipeline: Pipeline,
    rules: RuleSet,
    node: Node,
    ports: Vec<Port>,
    document: Object,
}

impl Subject {
    fn new(body: &[u8]) -> Self {
        let processing = Processing { processing_hooks: large::HOOKS.to_owned(), ..Processing::default() };
        let config = Config { processing, ..Config::default() };
        let object = |value: Value| value.as_object().unwrap().clone();
        let port = |value: Value| Port {
            uuid: value["uuid"].as_str().unwrap().parse().unwrap(),
            address: value["address"].as_str().unwrap().parse().unwrap(),
            pxe_enabled: value["pxe_enabled"].as_bool().unwrap(),
            document: object(value),
        };
        Self {
            pipeline: Pipeline::from_config(&config).unwrap(),
            rules: compiled(),
            node: Node {
                uuid: machines::uuid(machines::LARGE),
                document: object(machines::node(machines::LARGE)),
            },
            ports: machines::ports(machines::LARGE).into_iter().map(port).collect(),
            document: document::decode(body).unwrap(),
        }
    }

    /// The hooks' pre phase, as it is done before the node is known.
    fn prepare(&self, document: &mut Object) {
        assert_eq!(self.pipeline.prepare(document), Vec::<String>::new());
    }

    fn hooks(&self, document: &mut Object) -> Change {
        self.pipeline.process(&View { node: &self.node, ports: &self.ports }, document).unwrap()
    }

    fn change(&self) -> Change {
        let mut document = self.document.clone();
        self.prepare(&mut document);
        let mut change = self.hooks(&mut document);
        self.rules.apply(&Value::Object(document), &self.node, &mut change);
        change
    }

    fn work_done(&self) -> String {
        let change = self.change();
        let traits = change.traits.as_ref().map_or(0, Vec::len);
        let (ops, ports) = (change.node_patch.len(), change.port_patches.len());
        format!("the Change: {ops} operations on the node, {traits} traits, {ports} ports changed")
    }

    fn measure(&self, body: &[u8], repeats: usize) {
        let ready = || self.document.clone();
        let parse = time(repeats, || (), |()| serde_json::from_slice::<Value>(body).unwrap());
        let decode = time(repeats, || (), |()| document::decode(body).unwrap());
        let copy = time(repeats, || (), |()| ready());
        let pre = time(repeats, ready, |mut document| {
            self.prepare(&mut document);
            document
        });
        let prepared = || {
            let mut document = ready();
            self.prepare(&mut document);
            document
        };
        let hooks = time(repeats, prepared, |mut document| (self.hooks(&mut document), document));
        let processed = || {
            let mut document = prepared();
            let change = self.hooks(&mut document);
            (Value::Object(document), change)
        };
        let rules = time(repeats, processed, |(document, mut change)| {
            self.rules.apply(&document, &self.node, &mut change);
            (document, change)
        });
        let whole = time(repeats, ready, |mut document| {
            self.prepare(&mut document);
            let mut change = self.hooks(&mut document);
            let document = Value::Object(document);
            self.rules.apply(&document, &self.node, &mut change);
            (document, change)
        });
        let encode = time(repeats, || (), |()| document::encode(&self.document));
        let compile = time(repeats.div_ceil(10), || (), |()| compiled());
        let row = |name: &str, figure: &Figure| {
            let ratio = figure.median_us() / parse.median_us();
            println!("| {name} | {} | {ratio:.2} |", figure.written());
        };
        println!("| processor time, µs | least / median / p99 | to parsing |\n| --- | --- | --- |");
        row("parsing (serde_json)", &parse);
        row("decoding (ours)", &decode);
        row("copying the parsed document", &copy);
        row("pre phase", &pre);
        row("main phase", &hooks);
        row("rules", &rules);
        row("**parsed document to Change**", &whole);
        row("encoding what is stored", &encode);
        row("compiling the rules, once a change of theirs", &compile);
    }
}

fn compiled() -> RuleSet {
    let read = |rule: Value| Rule::from_object(rule.as_object().unwrap()).unwrap();
    let rules: Vec<Rule> = large::rules().into_iter().map(read).collect();
    RuleSet::new(&rules, Matching::default())
}

/// Times of one thing.
struct Figure(Vec<Duration>);

impl Figure {
    fn median_us(&self) -> f64 {
        self.at(50)
    }

    fn at(&self, percent: usize) -> f64 {
        let index = (self.0.len() * percent / 100).min(self.0.len() - 1);
        self.0[index].as_secs_f64() * 1e6
    }

    fn written(&self) -> String {
        format!("{:.0} / {:.0} / {:.0}", self.at(0), self.at(50), self.at(99))
    }
}

/// Does `work` again and again, each time on what `ready` has made; only the work counts, and not the dropping of
/// what comes out.
fn time<T, R>(repeats: usize, mut ready: impl FnMut() -> T, mut work: impl FnMut(T) -> R) -> Figure {
    for _ in 0..repeats.div_ceil(10) {
        black_box(work(ready()));
    }
    let once = |_| {
        let subject = ready();
        let began = processor_time();
        let outcome = black_box(work(black_box(subject)));
        let took = processor_time() - began;
        drop(outcome);
        took
    };
    let mut times: Vec<Duration> = (0..repeats.max(1)).map(once).collect();
    times.sort_unstable();
    Figure(times)
}

/// What this thread has used of the processor.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.try_into().unwrap(), time.tv_nsec.try_into().unwrap())
}

/// The calls of one introspection.
struct Calls {
    made: usize,
    most: usize,
    connections: usize,
}

/// Has the machine introspected by the whole daemon.
fn count_calls(body: &[u8], change: &Change) -> Calls {
    let folder = tempfile::tempdir().unwrap();
    let node_service = StandIn::start();
    let connection = format!("sqlite:///{}", folder.path().join("bench.sqlite").display());
    let hooks = format!("processing_hooks = \"{}\"", large::HOOKS);
    let daemon = Daemon::start_with(folder.path(), &connection, node_service.port, &hooks);
    let mut api = Connection::open(daemon.port).unwrap();
    for rule in large::rules() {
        let (status, answer) = api.ask("POST", "/v1/rules", rule.to_string().as_bytes());
        assert_eq!(status, 201, "{}", String::from_utf8_lossy(&answer));
    }
    // The first question of all is about the version of the API; it is asked once in the life of a daemon.
    api.ask("GET", "/v1/introspection/a-name", b"");
    let before = node_service.calls();
    let path = format!("/v1/introspection/{}", machines::uuid(machines::LARGE));
    assert_eq!(api.ask("POST", &path, b"").0, 202);
    daemon.wait_until_none_is("starting");
    let (status, answer) = api.ask("POST", "/v1/continue", body);
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&answer));
    daemon.wait_until_none_is("processing");
    let (_, status) = api.ask("GET", &path, b"");
    let status: Value = serde_json::from_slice(&status).unwrap();
    assert_eq!(status["state"], "finished", "{status}");
    assert_eq!(node_service.refused(), 1, "the daemon made calls that no introspection needs");
    let changed = change.port_patches.len() + change.new_ports.len() + change.dropped_ports.len();
    let most = CALLS + changed + usize::from(change.traits.is_some());
    Calls { made: node_service.calls() - before, most, connections: node_service.connections() }
}
