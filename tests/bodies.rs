//! What a stranger may post to the callback: any bytes are answered, soon, and within a bounded memory.
//!
//! A program of its own, since it measures what is allocated; its tests therefore run one after the other.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, in what its cases share as well"
)]

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use peak_alloc::PeakAlloc;
use proptest::prelude::*;
use rollcall::config::{AddPorts, Config, Processing};
use rollcall::node::prepare::{self, Prepared};
use rollcall::node_service::{Node, Port};
use rollcall::processing::change::Change;
use rollcall::processing::rules::{Matching, Rule, RuleSet};
use rollcall::processing::{Pipeline, View};
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use uuid::Uuid;

#[global_allocator]
static ALLOCATED: PeakAlloc = PeakAlloc;

/// Bytes of the large bodies.
const LARGE: usize = 4 * 1024 * 1024;
/// What working on a body may take beside the body: so many times its size, and what small bodies take anyway.
const MOST_TIMES: usize = 6;
const MOST_MORE: usize = 96 * 1024 * 1024;
/// Processor time that one body may take, of a program that is built quickly.
const MOST_TIME: Duration = Duration::from_secs(5);

const HOOKS: &str = "raid_device,$default_processing_hooks,extra_hardware,lldp_basic,local_link_connection,\
                     physnet_cidr_map,accelerators,example";

fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// All hooks, and a rule of each kind of condition.
struct Subject {
    pipeline: Pipeline,
    rules: RuleSet,
}

impl Subject {
    fn new(add_ports: AddPorts) -> Self {
        let processing =
            Processing { processing_hooks: HOOKS.to_owned(), add_ports, ..Processing::default() };
        let config = Config { processing, ..Config::default() };
        let rule = |condition: Value| {
            let actions = json!([
                {"action": "set-attribute", "path": "/extra/found", "value": "{data[boot_interface]}"},
                {"action": "extend-attribute", "path": "/extra/all", "value": "{data[inventory]}"},
            ]);
            let rule = json!({"conditions": [condition], "actions": actions});
            Rule::from_object(rule.as_object().unwrap()).unwrap()
        };
        let rules = [
            json!({"op": "contains", "field": "inventory", "value": "(a|b)*c"}),
            json!({"op": "eq", "field": "$..name", "value": "x", "multiple": "all"}),
            json!({"op": "gt", "field": "inventory.cpu.count", "value": 5}),
            json!({"op": "in-net", "field": "inventory.interfaces[*].ipv4_address", "value": "10.0.0.0/8"}),
            json!({"op": "is-empty", "field": "data"}),
        ];
        let rules: Vec<Rule> = rules.into_iter().map(rule).collect();
        Self {
            pipeline: Pipeline::from_config(&config).unwrap(),
            rules: RuleSet::new(&rules, Matching::default()),
        }
    }

    /// The way of a callback without its calls; answers what is wrong with the body, if anything.
    fn process(&self, body: &[u8]) -> Result<(), String> {
        let Prepared { posting, .. } =
            prepare::from_body(&self.pipeline, body).map_err(|error| error.text)?;
        let document =
            json!({"provision_state": "manageable", "properties": {}, "extra": {}, "driver_info": {}});
        let node = Node { uuid: Uuid::nil(), document: document.as_object().unwrap().clone() };
        let ports: [Port; 0] = [];
        let mut processed = posting.take_document(&self.pipeline).map_err(|error| error.text)?;
        let outcome = self.pipeline.process(&View { node: &node, ports: &ports }, &mut processed);
        let mut change: Change = outcome.map_err(|failure| failure.text)?;
        self.rules.apply(&Value::Object(processed), &node, &mut change);
        if posting.failures.is_empty() { Ok(()) } else { Err(posting.failures.join("\n")) }
    }
}

/// What this thread has used of the processor.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.try_into().unwrap(), time.tv_nsec.try_into().unwrap())
}

/// A text made of a part again and again, between two others, about [`LARGE`] in all.
fn filled(before: &str, part: &str, after: &str) -> Vec<u8> {
    let count = LARGE / part.len();
    [before, part.repeat(count).trim_end_matches(','), after].concat().into_bytes()
}

/// As [`filled`], each part with its number in the place of `#`.
fn numbered(before: &str, part: &str, after: &str) -> Vec<u8> {
    let count = LARGE / (part.len() + 5);
    let parts: Vec<String> = (0..count).map(|number| part.replace('#', &format!("{number:06x}"))).collect();
    [before, &parts.join(","), after].concat().into_bytes()
}

const NIC: &str = r#"{"name":"e#","mac_address":"52:54:00:00:00:01","ipv4_address":"192.0.2.1"}"#;

/// A machine with one good interface, and more.
fn machine(more: &str) -> String {
    format!(r#"{{"inventory":{{"interfaces":[{}],"cpu":{{}}}},{more}"#, NIC.replace('#', "0"))
}

/// A machine with so many interfaces, each with an address of its own.
fn of_their_own(count: u32) -> Vec<u8> {
    let nic = |number: u32| {
        let [_, b, c, d] = number.to_be_bytes();
        NIC.replace('#', &number.to_string()).replace("00:00:01", &format!("{b:02x}:{c:02x}:{d:02x}"))
    };
    let nics: Vec<String> = (0..count).map(nic).collect();
    format!(r#"{{"inventory":{{"cpu":{{}},"interfaces":[{}]}}}}"#, nics.join(",")).into_bytes()
}

fn hostile() -> Vec<(&'static str, Vec<u8>)> {
    let nics = r#"{"inventory":{"cpu":{},"interfaces":["#;
    let digits = "9".repeat(LARGE);
    let in_inventory = |text: String| {
        let nic = NIC.replace('#', "0");
        format!(r#"{{"inventory":{{"interfaces":[{nic}],{text}}}}}"#).into_bytes()
    };
    vec![
        ("deep lists", filled(r#"{"a":"#, "[", "")),
        ("deep objects", filled(r#"{"a":"#, r#"{"a":"#, "")),
        (
            "deep lists that end",
            [b"{\"a\":".to_vec(), vec![b'['; LARGE / 2], vec![b']'; LARGE / 2], b"}".to_vec()].concat(),
        ),
        ("many numbers", filled(r#"{"a":["#, "1,", "]}")),
        ("many empty lists", filled(r#"{"a":["#, "[],", "]}")),
        ("many empty objects", filled(r#"{"a":["#, "{},", "]}")),
        ("many empty texts", filled(r#"{"a":["#, r#""","#, "]}")),
        ("many members", numbered("{", r##""#":1"##, "}")),
        ("one member again and again", filled("{", r#""a":[1],"#, "}")),
        ("a long number", in_inventory(format!(r#""cpu":{{"count":{digits},"architecture":"a"}}"#))),
        ("a large number", in_inventory(r#""cpu":{"count":1e999999999,"architecture":"a"}"#.to_owned())),
        ("a small number", in_inventory(r#""memory":{"physical_mb":1e-999999999},"cpu":{}"#.to_owned())),
        ("a long fraction", in_inventory(format!(r#""memory":{{"physical_mb":0.{digits}}},"cpu":{{}}"#))),
        ("a large disk", machine(&format!(r#""root_disk":{{"size":{digits}}}}}"#)).into_bytes()),
        ("halves of surrogates", filled(r#"{"a":""#, r"\udc00", r#""}"#)),
        ("a name of halves", filled("{\"", r"\ud800\ud800", "\":1}")),
        ("escapes", filled(r#"{"a":""#, r"\u0000", r#""}"#)),
        ("backslashes", filled(r#"{"a":""#, r"\\", r#""}"#)),
        ("no text at all", vec![0xff; LARGE]),
        ("zeros", vec![0; LARGE]),
        ("blanks", vec![b' '; LARGE]),
        ("large logs", filled(&machine(r#""logs":""#), "QUJD", r#""}"#)),
        ("logs of other characters", filled(&machine(r#""logs":""#), "!=", r#""}"#)),
        (
            "logs that unpack to much",
            machine(&format!(r#""logs":"{}"}}"#, "H4sIAAAAAAAAA+3BMQEAAADCoPVP".repeat(9))).into_bytes(),
        ),
        ("a long error", filled(&machine(r#""error":""#), "no ", r#""}"#)),
        ("a long boot interface", filled(&machine(r#""boot_interface":""#), "52-54-", r#""}"#)),
        ("many interfaces", numbered(nics, NIC, "]}}")),
        ("many interfaces of their own", of_their_own(60_000)),
        ("as many interfaces as may be", of_their_own(8192)),
        (
            "many interfaces without an address",
            numbered(nics, r##"{"name":"e#","mac_address":"x#"}"##, "]}}"),
        ),
        ("many nameless interfaces", filled(nics, "{},", "]}}")),
        ("interfaces that are none", filled(nics, "7,", "]}}")),
        (
            "many disks",
            in_inventory(format!(
                r#""cpu":{{}},"disks":[{}]"#,
                vec![r#"{"name":"/dev/sda","size":1,"serial":"x"}"#; LARGE / 42].join(",")
            )),
        ),
        (
            "many flags",
            in_inventory(format!(r#""cpu":{{"flags":[{}]}}"#, vec![r#""vmx""#; LARGE / 6].join(","))),
        ),
        ("many TLVs", filled(&machine(r#""lldp_raw":{"e0":["#), r#"[127,"0080c2"],"#, "]}}")),
        ("long TLVs", filled(&machine(r#""lldp_raw":{"e0":[[5,""#), "61", r#""]]}}"#)),
        (
            "TLVs of many interfaces",
            numbered(&machine(r#""lldp_raw":{"#), r##""e#":[[127,"0080c2"],[1,"04"],[9,""]]"##, "}}"),
        ),
        (
            "many PCI devices",
            filled(&machine(r#""pci_devices":["#), r#"{"vendor_id":"8086","product_id":"1"},"#, "]}"),
        ),
        ("much extra hardware", numbered(&machine(r#""data":["#), r##"["a#","b","c",1]"##, "]}")),
        ("extra hardware of one kind", filled(&machine(r#""data":["#), r#"["a","b","c","5"],"#, "]}")),
    ]
}

#[test]
fn whatever_is_posted_is_answered_in_time_and_within_bounds() {
    let _alone = alone();
    for add_ports in [AddPorts::All, AddPorts::Pxe] {
        let subject = Subject::new(add_ports);
        let mut wrong = Vec::new();
        for (what, body) in hostile() {
            ALLOCATED.reset_peak_usage();
            let before = ALLOCATED.current_usage();
            let began = processor_time();
            let outcome = subject.process(&body);
            let (took, peak) = (processor_time() - began, ALLOCATED.peak_usage().saturating_sub(before));
            let shown: String = outcome.err().unwrap_or_default().chars().take(90).collect();
            println!("{what}: {took:?}, {} KiB for {} KiB: {shown}", peak / 1024, body.len() / 1024);
            if took > MOST_TIME || peak > body.len() * MOST_TIMES + MOST_MORE {
                wrong.push(what);
            }
        }
        assert!(wrong.is_empty(), "too slow, or too much memory: {wrong:?}");
    }
}

/// Bytes that look like JSON, with what breaks readers among them.
fn likely_body() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        prop::sample::select(vec![
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            "\"",
            "null",
            "true",
            "1e400",
            "-0",
            "0.1e-9",
            "\\ud800",
            "\\u0000",
            "\\",
            " ",
            "\u{feff}",
            "\"inventory\":{\"interfaces\":[{\"name\":\"e0\",\"mac_address\":\"52:54:00:00:00:01\"}]}",
            "\"logs\":\"QUJD\"",
            "\"error\":\"e\"",
            "\"a\":",
            "\"lldp_raw\":{\"e0\":[[1,\"04\"]]}",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..4),
    ];
    prop::collection::vec(part, 0..40).prop_map(|parts| parts.concat())
}

/// A whole document in which some bytes are others.
fn damaged_body() -> impl Strategy<Value = Vec<u8>> {
    let whole = include_bytes!("../src/processing/tests/example.json").to_vec();
    let damage = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12);
    damage.prop_map(move |damage| {
        let mut body = whole.clone();
        for (place, byte) in damage {
            let place = place.index(body.len());
            body[place] = byte;
        }
        body
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_answered(body in prop_oneof![likely_body(), damaged_body()]) {
        static SUBJECT: std::sync::LazyLock<Subject> = std::sync::LazyLock::new(|| Subject::new(AddPorts::All));
        let _alone = alone();
        ALLOCATED.reset_peak_usage();
        let before = ALLOCATED.current_usage();
        if let Err(text) = SUBJECT.process(&body) {
            prop_assert!(!text.is_empty());
        }
        let peak = ALLOCATED.peak_usage().saturating_sub(before);
        prop_assert!(peak < 4 * 1024 * 1024, "{peak} bytes for {}", body.len());
    }
}
