//! Whole imports, from each kind of database into each.

use std::cell::Cell;

use uuid::Uuid;

use super::*;
use crate::config::DatabaseUrl;
use crate::fsm::{Event, State};
use crate::node::step::{self, End, KeepData};
use crate::node::{Attribute, BMC_ADDRESS, MAC, ManageBoot, Record, RunKind, Variant};
use crate::store::ancestor::tests::{ancestors, change};
use crate::store::documents;
use crate::store::tests::databases;

const NOW: Timestamp = Timestamp(1_767_400_000_000_000);
const ONE: &str = "11111111-1111-4111-8111-111111111111";
const TWO: &str = "22222222-2222-4222-8222-222222222222";
const STARTED: &str = "2026-01-02 03:04:05.000006";
const ENDED: &str = "2026-01-02 03:05:00.000000";

fn settings() -> Settings {
    Settings { now: NOW, timeout_s: Some(3600), documents: Documents::Taken, mode: Mode::Write }
}

/// One import: where from, where to.
struct Way<'a> {
    from: &'a DatabaseUrl,
    to: &'a Store,
}

impl Way<'_> {
    fn import(&self, settings: &Settings) -> Report {
        let nodes = Cell::new(0);
        let mut ancestor = Ancestor::open(self.from).unwrap();
        let report = take_over(&mut ancestor, self.to, settings, &mut |done| nodes.set(nodes.get() + done));
        let report = report.unwrap();
        assert_eq!(nodes.get(), report.nodes.total(), "every node is told of as done");
        report
    }

    /// An import an hour later, after the ancestor has gone on.
    fn again(&self, statements: &str) -> Report {
        if !statements.is_empty() {
            change(self.from, statements);
        }
        self.import(&Settings { now: NOW.plus_seconds(3600), ..settings() })
    }

    fn record(&self, node: &str) -> Record {
        let node = uuid(node);
        self.to.read_blocking(|session| session.node(node)).unwrap().unwrap()
    }

    fn document(&self, node: &str, variant: Variant) -> Option<String> {
        let node = uuid(node);
        let packed = self.to.read_blocking(|session| session.document(node, variant)).unwrap()?;
        let text = documents::unpack(packed.codec, packed.size_bytes, &packed.body).unwrap();
        Some(String::from_utf8(text).unwrap())
    }
}

fn uuid(text: &str) -> Uuid {
    text.parse().unwrap()
}

/// A row of nodes.
fn row(node: &str, state: &str, ended: Option<&str>, error: Option<&str>) -> String {
    let quoted = |text: Option<&str>| text.map_or("NULL".to_owned(), |text| format!("'{text}'"));
    format!(
        "INSERT INTO nodes VALUES ('{node}', '', '{state}', '{STARTED}', {}, {}, true);",
        quoted(ended),
        quoted(error)
    )
}

/// Runs a test on each kind of database.
fn on_each(rows: &str, test: impl Fn(&Way<'_>)) {
    for (from, to) in ancestors(rows).iter().zip(databases()) {
        let store = Store::open(&to.url, 2).unwrap();
        test(&Way { from: &from.url, to: &store });
        store.close();
    }
}

fn counts(new: u64, updated: u64, unchanged: u64, kept: u64, left: u64) -> Counts {
    Counts { new, updated, unchanged, kept, left }
}

#[test]
fn what_is_over_there_is_here_as_it_was_there() {
    let rows = [
        row(ONE, "finished", Some(ENDED), None),
        row(TWO, "error", Some("2026-01-02 03:05:00"), Some("why not")),
        format!("UPDATE nodes SET manage_boot = false WHERE uuid = '{TWO}';"),
    ];
    on_each(&rows.concat(), |way| {
        let report = way.import(&settings());
        assert_eq!(report.nodes, counts(2, 0, 0, 0, 0));
        assert_eq!(report.states.into_iter().collect::<Vec<_>>(), [("error", 1), ("finished", 1)]);
        let (one, two) = (way.record(ONE), way.record(TWO));
        assert_eq!(one.started_at.to_string(), "2026-01-02T03:04:05.000006");
        assert_eq!(one.finished_at.unwrap().to_string(), "2026-01-02T03:05:00");
        assert_eq!((one.state, one.error, one.last_event), (State::Finished, None, Event::Finish));
        assert_eq!((two.state, two.error.as_deref()), (State::Error, Some("why not")));
        assert_eq!([one.manage_boot, two.manage_boot], [ManageBoot::Managed, ManageBoot::Unmanaged]);
        let runs = way.to.read_blocking(|session| session.runs_of(uuid(TWO), 9)).unwrap();
        assert_eq!((runs.len(), runs[0].outcome.as_deref()), (1, Some("error")));
        let timeline = way.to.read_blocking(|session| session.timeline(one.run)).unwrap();
        let cause = timeline.entries[0].cause.as_deref();
        assert_eq!(cause, Some("taken over from ironic-inspector, where it was finished"));
    });
}

#[test]
fn a_waiting_node_waits_on_here_with_its_attributes_and_deadline() {
    let rows = row(ONE, "waiting", None, None)
        + &format!(
            "INSERT INTO attributes VALUES ('a', '{ONE}', 'mac', '52:54:00:AA:00:01'), \
             ('b', '{ONE}', 'mac', '52:54:00:aa:00:01'), ('c', '{ONE}', 'bmc_address', '2001:DB8::0:1'), \
             ('d', '{ONE}', 'bmc_address', 'unknown'), ('e', '{ONE}', 'serial', '5');
             INSERT INTO options VALUES ('{ONE}', 'o', '1');"
        );
    on_each(&rows, |way| {
        let report = way.import(&settings());
        assert_eq!(report.extent.values_unusable, 2);
        assert!(report.is_whole());
        let record = way.record(ONE);
        assert_eq!((record.state, record.finished_at), (State::Waiting, None));
        assert_eq!(record.deadline, Some(record.started_at.plus_seconds(3600)));
        let wanted = [
            Attribute { name: BMC_ADDRESS, value: "2001:db8::1".to_owned() },
            Attribute { name: MAC, value: "52:54:00:aa:00:01".to_owned() },
        ];
        let matches = way.to.read_blocking(|session| session.matches(&wanted)).unwrap();
        assert_eq!(matches.into_iter().collect::<Vec<_>>(), [(uuid(ONE), 2)]);
        let late = Settings { timeout_s: None, ..settings() };
        assert_eq!(way.import(&late).nodes, counts(0, 0, 1, 0, 0));
    });
}

#[test]
fn what_was_worked_on_there_ends_as_an_error_that_says_so() {
    let states = ["starting", "processing", "reapplying", "enrolling", "aborting"];
    let node = |index: usize| Uuid::from_u128(u128::try_from(index).unwrap()).to_string();
    let rows: Vec<_> = (0..5).map(|index| row(&node(index), states[index], None, None)).collect();
    on_each(&rows.concat(), |way| {
        let report = way.import(&settings());
        assert_eq!((report.interrupted, report.nodes.new), (5, 5));
        for (index, state) in states.iter().enumerate() {
            let record = way.record(&node(index));
            let text = record.error.unwrap();
            assert!(text.contains("interrupted by the migration") && text.contains(state), "{text}");
            assert_eq!((record.state, record.finished_at), (State::Error, Some(NOW)));
        }
        assert_eq!(way.again("").nodes, counts(0, 0, 5, 0, 0), "the time of the import is no change");
    });
}

#[test]
fn a_second_import_changes_nothing() {
    let rows = row(ONE, "finished", Some(ENDED), None)
        + &row(TWO, "waiting", None, None)
        + &format!("INSERT INTO introspection_data VALUES ('{ONE}', true, '{{\"a\": 1}}');");
    on_each(&rows, |way| {
        way.import(&settings());
        let before = [way.record(ONE), way.record(TWO)];
        let report = way.again("");
        assert_eq!((report.nodes, report.documents), (counts(0, 0, 2, 0, 0), 0));
        assert_eq!([way.record(ONE), way.record(TWO)], before);
    });
}

#[test]
fn what_is_newer_there_is_brought_up_to_date() {
    let rows = row(ONE, "waiting", None, None)
        + &row(TWO, "processing", None, None)
        + &format!("INSERT INTO introspection_data VALUES ('{ONE}', false, '{{\"old\": 1}}');");
    on_each(&rows, |way| {
        way.import(&settings());
        let report = way.again(&format!(
            "UPDATE nodes SET state = 'finished', finished_at = '{ENDED}';
             DELETE FROM introspection_data;
             INSERT INTO introspection_data VALUES ('{ONE}', true, '{{\"new\": 1}}');"
        ));
        assert_eq!((report.nodes, report.documents), (counts(0, 2, 0, 0, 0), 1));
        assert_eq!([way.record(ONE).state, way.record(TWO).state], [State::Finished; 2]);
        assert_eq!(way.record(TWO).error, None);
        assert_eq!(way.document(ONE, Variant::Processed).as_deref(), Some("{\"new\": 1}"));
        assert_eq!(way.document(ONE, Variant::Raw), None);
        let attributes = way.to.read_blocking(|session| session.attributes(uuid(ONE))).unwrap();
        assert_eq!(attributes, []);

        let next = "UPDATE nodes SET started_at = '2026-01-02 09:00:00', finished_at = '2026-01-02 09:01:00'";
        assert_eq!(way.again(next).nodes, counts(0, 2, 0, 0, 0), "another run");
        let runs = way.to.read_blocking(|session| session.runs_of(uuid(ONE), 9)).unwrap();
        let ends: Vec<_> = runs.iter().map(|run| run.outcome.as_deref()).collect();
        assert_eq!(ends, [Some("finished"), Some("finished")]);
        let older = format!("UPDATE nodes SET started_at = '{STARTED}'");
        assert_eq!(way.again(&older).nodes, counts(0, 0, 2, 0, 0), "an older run does not count");
    });
}

#[test]
fn what_has_happened_here_since_is_never_overwritten() {
    let rows = row(ONE, "finished", Some(ENDED), None) + &row(TWO, "waiting", None, None);
    on_each(&rows, |way| {
        way.import(&settings());
        let run = (Uuid::from_u128(7), RunKind::Start);
        let begun = step::begin(&way.record(ONE), Event::Start, NOW, None, run).unwrap();
        way.to.write_blocking(begun).unwrap();
        let old = way.record(TWO);
        let mut ended = step::close(&old, Event::Timeout, NOW, End::failure("late"), KeepData::Yes).unwrap();
        let mut timeline = way.to.read_blocking(|session| session.timeline(old.run)).unwrap();
        let entry = timeline.entries[0].clone();
        timeline.push(crate::node::timeline::Entry { event: "timeout".to_owned(), ..entry });
        ended.runs.timeline = Some(timeline);
        way.to.write_blocking(ended).unwrap();
        let before = [way.record(ONE), way.record(TWO)];
        let report =
            way.again("UPDATE nodes SET started_at = '2027-01-01 00:00:00', error = 'x', state = 'error'");
        assert_eq!(report.nodes, counts(0, 0, 0, 2, 0));
        assert_eq!([way.record(ONE), way.record(TWO)], before);
    });
}

#[test]
fn a_refused_request_does_not_make_a_record_ours() {
    on_each(&row(ONE, "finished", Some(ENDED), None), |way| {
        way.import(&settings());
        let record = way.record(ONE);
        let mut filed = step::stay(&record, NOW);
        let mut timeline = way.to.read_blocking(|session| session.timeline(record.run)).unwrap();
        let refused =
            crate::node::timeline::Entry::refused(NOW, Some(State::Finished), "no".to_owned(), None);
        timeline.push(refused);
        filed.runs.timeline = Some(timeline);
        way.to.write_blocking(filed).unwrap();
        let newer = "UPDATE nodes SET started_at = '2027-01-01 00:00:00'";
        assert_eq!(way.again(newer).nodes, counts(0, 1, 0, 0, 0));
    });
}

#[test]
fn documents_stay_as_they_were_written_byte_for_byte() {
    let raw = r#"{"b": [1, 2.50], "a": {"text": "Gr\u00fc\u00dfe"}}"#;
    let rows = row(ONE, "finished", Some(ENDED), None)
        + &row(TWO, "error", Some(ENDED), Some("e"))
        + &format!(
            "INSERT INTO introspection_data VALUES ('{ONE}', false, '{raw}'), ('{ONE}', true, '{{}}'), \
             ('{TWO}', true, 'NaN'), ('{TWO}', false, NULL);"
        );
    on_each(&rows, |way| {
        let report = way.import(&settings());
        assert_eq!((report.documents, report.extent.documents_unusable), (2, 2));
        assert!(!report.is_whole());
        assert_eq!(way.document(ONE, Variant::Raw).as_deref(), Some(raw));
        assert_eq!(way.document(ONE, Variant::Processed).as_deref(), Some("{}"));
        assert_eq!(way.document(TWO, Variant::Processed), None);
    });
}

#[test]
fn documents_are_left_where_none_are_kept_and_come_with_a_later_import() {
    let rows = row(ONE, "finished", Some(ENDED), None)
        + &format!("INSERT INTO introspection_data VALUES ('{ONE}', true, '{{}}');");
    on_each(&rows, |way| {
        let report = way.import(&Settings { documents: Documents::Left, ..settings() });
        assert_eq!((report.documents, report.extent.documents_left), (0, 1));
        assert!(!report.is_whole());
        assert_eq!(way.again("").nodes, counts(0, 1, 0, 0, 0));
        assert_eq!(way.document(ONE, Variant::Processed).as_deref(), Some("{}"));
    });
}

#[test]
fn damaged_rows_are_mended_or_left_and_told() {
    let rows = row(ONE, "error", None, None)
        + &row(TWO, "finished", None, Some("stale"))
        + &row("33333333-3333-4333-8333-333333333333", "waiting", Some(ENDED), Some("stale"))
        + &row("not a uuid", "finished", None, None);
    on_each(&rows, |way| {
        let report = way.import(&settings());
        assert_eq!(report.nodes, counts(3, 0, 0, 0, 1));
        assert_eq!(report.lines[0].what, "node not a uuid");
        assert!(!report.is_whole());
        let one = way.record(ONE);
        assert_eq!(one.finished_at, Some(one.started_at));
        assert_eq!(one.error.as_deref(), Some("ironic-inspector recorded no error text"));
        assert_eq!((way.record(TWO).state, way.record(TWO).error), (State::Finished, None));
        let three = way.record("33333333-3333-4333-8333-333333333333");
        assert_eq!((three.state, three.finished_at, three.error), (State::Waiting, None, None));
        assert_eq!(way.again("").nodes, counts(0, 0, 3, 0, 1));
    });
}

const RULES: &str = "
    INSERT INTO rules VALUES ('R-2', '2026-01-02 00:00:00', NULL, false, NULL);
    INSERT INTO rules VALUES ('b1cd8c11-3c8a-4b8b-9f0e-aaaaaaaaaaaa', '2026-01-03 00:00:00', 'd', true, 's');
    INSERT INTO rules VALUES ('A1CD8C113C8A4B8B9F0EAAAAAAAAAAAA', '2026-01-01 00:00:00', NULL, NULL, '');
    INSERT INTO rule_conditions VALUES
        (2, 'b1cd8c11-3c8a-4b8b-9f0e-aaaaaaaaaaaa', 'is-empty', 'all', true, 'node://a', '{}'),
        (1, 'b1cd8c11-3c8a-4b8b-9f0e-aaaaaaaaaaaa', 'eq', 'any', false, 'data://b', '{\"value\": [1, null]}');
    INSERT INTO rule_actions VALUES
        (1, 'b1cd8c11-3c8a-4b8b-9f0e-aaaaaaaaaaaa', 'fail', '{\"message\": \"m\"}'),
        (2, 'A1CD8C113C8A4B8B9F0EAAAAAAAAAAAA', 'example', 'null'),
        (3, 'R-2', 'of-a-plugin', '{}');";

#[test]
fn rules_keep_their_order_their_names_and_all_their_parts() {
    on_each(RULES, |way| {
        let report = way.import(&settings());
        assert_eq!(report.rules, counts(2, 0, 0, 0, 1));
        assert_eq!((report.lines[0].what.as_str(), report.disabled_rules), ("rule R-2", 1));
        let rules = way.to.read_blocking(|session| session.rules()).unwrap();
        let names: Vec<_> = rules.iter().map(|rule| rule.uuid.as_str()).collect();
        assert_eq!(names, ["A1CD8C113C8A4B8B9F0EAAAAAAAAAAAA", "b1cd8c11-3c8a-4b8b-9f0e-aaaaaaaaaaaa"]);
        assert_eq!(rules[0].scope.as_deref(), Some(""));
        let full = &rules[1];
        assert_eq!(
            (full.description.as_deref(), full.scope.as_deref(), full.disabled),
            (Some("d"), Some("s"), true)
        );
        let fields: Vec<_> = full.conditions.iter().map(|condition| condition.field.as_str()).collect();
        assert_eq!(fields, ["data://b", "node://a"]);
        assert!(full.conditions[1].invert);
        assert_eq!(full.conditions[0].params["value"], serde_json::json!([1, null]));
        assert_eq!(way.again("").rules, counts(0, 0, 2, 0, 1));
        let changed = way.again("UPDATE rules SET description = 'other'");
        assert_eq!(changed.rules, counts(0, 0, 0, 2, 1), "a rule is changed here only");
    });
}

#[test]
fn a_dry_run_tells_the_same_and_writes_nothing() {
    let rows = row(ONE, "finished", Some(ENDED), None) + RULES;
    on_each(&rows, |way| {
        let told = way.import(&Settings { mode: Mode::DryRun, ..settings() });
        assert_eq!(way.to.read_blocking(|session| session.node(uuid(ONE))).unwrap(), None);
        assert!(way.to.read_blocking(|session| session.rules()).unwrap().is_empty());
        assert_eq!(way.import(&settings()), told);
    });
}

#[test]
fn more_nodes_than_a_page_are_taken_over_from_either_kind_into_either() {
    let node = |number: u128| Uuid::from_u128(number).to_string();
    let rows: String = (1..=250).map(|number| row(&node(number), "finished", Some(ENDED), None)).collect();
    for from in ancestors(&rows) {
        for to in databases() {
            let store = Store::open(&to.url, 2).unwrap();
            let way = Way { from: &from.url, to: &store };
            assert_eq!(way.import(&settings()).nodes, counts(250, 0, 0, 0, 0));
            assert_eq!(way.import(&settings()).nodes, counts(0, 0, 250, 0, 0));
            store.close();
        }
    }
}
