//! Between both databases and a folder.

use std::collections::BTreeMap;
use std::path::Path;

use actix_rt::Runtime;

use super::*;
use crate::config::Config;
use crate::fsm::State;
use crate::store::data::Place;
use crate::store::documents::Packed;
use crate::store::tests::{databases, make, record};
use crate::store::{Job, QueryResult, Session};

/// Something done to the rows of documents.
struct Rows(Vec<(u128, Variant, Row)>);

#[derive(Clone)]
enum Row {
    Here(&'static str),
    Elsewhere(&'static str),
    Void,
    Gone,
}

impl Job for Rows {
    type Output = ();

    fn run(&self, session: &mut dyn Session) -> QueryResult<()> {
        for (node, variant, row) in &self.0 {
            let (node, now) = (Uuid::from_u128(*node), Timestamp(1));
            let packed = |text: &str| Packed::pack(text.as_bytes()).unwrap();
            match row {
                Row::Here(text) => {
                    session.put_document(node, *variant, &packed(text), Place::Here, now)?;
                }
                Row::Elsewhere(text) => session.put_elsewhere(node, *variant, &packed(text).digest, now)?,
                Row::Void => session.put_nowhere(node, *variant, now)?,
                Row::Gone => session.delete_document(node, *variant)?,
            }
        }
        Ok(())
    }
}

struct Scene {
    config: Config,
    store: Store,
    folder: tempfile::TempDir,
}

impl Scene {
    /// Each node is finished.
    fn all(nodes: u128) -> Vec<Self> {
        let made = databases().into_iter().map(|database| {
            let store = Store::open(&database.url, 4).unwrap();
            (1..=nodes).for_each(|number| make(&store, record(number, State::Finished)));
            // The file of the database has to outlive the test.
            std::mem::forget(database);
            Self { config: Config::default(), store, folder: tempfile::tempdir().unwrap() }
        });
        made.collect()
    }

    fn rows(&self, rows: &[(u128, Variant, Row)]) {
        self.store.write_blocking(Rows(rows.to_vec())).unwrap();
    }

    fn name(&self) -> String {
        format!("folder:{}", self.folder.path().display())
    }

    fn migrate(&self, from: &str, to: &str, mode: Mode) -> Report {
        let migration = Migration::new(&self.config, &self.store, from, to, mode).unwrap();
        Runtime::new().unwrap().block_on(migration.run(|| ())).unwrap()
    }

    fn out(&self) -> Report {
        self.migrate("database", &self.name(), Mode::Write)
    }

    fn back(&self) -> Report {
        self.migrate(&self.name(), "database", Mode::Write)
    }

    fn files(&self) -> BTreeMap<String, String> {
        files(self.folder.path())
    }

    fn document(&self, node: u128, variant: Variant) -> Option<String> {
        let stored = self.store.read_blocking(|session| session.document(Uuid::from_u128(node), variant));
        stored.unwrap().map(|packed| String::from_utf8(packed.unpack().unwrap()).unwrap())
    }
}

fn files(folder: &Path) -> BTreeMap<String, String> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let read = |entry: std::fs::DirEntry| {
        (entry.file_name().into_string().unwrap(), std::fs::read_to_string(entry.path()).unwrap())
    };
    entries.map(read).collect()
}

fn key(node: u128, variant: Variant) -> String {
    Key::new(Uuid::from_u128(node), variant).object()
}

use Variant::{Processed, Raw};

#[test]
fn documents_go_out_and_come_back_byte_by_byte() {
    for scene in Scene::all(600) {
        let text = "{\"a\":  1}";
        let rows: Vec<_> = (1..=600).map(|node| (node, Raw, Row::Here(text))).collect();
        scene.rows(&rows);
        scene.rows(&[(7, Processed, Row::Here("{\"b\": 2}"))]);
        let report = scene.out();
        assert_eq!((report.copied, report.absent, report.failed), (601, 599, 0), "{report:?}");
        assert_eq!(report.copied_bytes, 600 * 9 + 8);
        assert!(report.is_whole());
        let files = scene.files();
        assert_eq!((files.len(), files[&key(600, Raw)].as_str()), (601, text));
        assert_eq!(files[&key(7, Processed)], "{\"b\": 2}");
        // Again: nothing is sent.
        assert_eq!((scene.out().copied, scene.out().held), (0, 601));
        let gone: Vec<_> =
            (1..=600).flat_map(|node| [(node, Raw, Row::Gone), (node, Processed, Row::Gone)]).collect();
        scene.rows(&gone);
        let report = scene.back();
        assert_eq!(
            (report.copied, report.held, report.absent, report.failed),
            (601, 0, 599, 0),
            "{report:?}"
        );
        assert_eq!(scene.document(600, Raw).as_deref(), Some(text));
        assert_eq!(scene.document(7, Processed).as_deref(), Some("{\"b\": 2}"));
        assert_eq!(scene.back().held, 601);
    }
}

#[test]
fn a_dry_run_tells_the_same_and_writes_nothing() {
    for scene in Scene::all(2) {
        scene.rows(&[(1, Raw, Row::Here("1")), (2, Raw, Row::Here("2"))]);
        let report = scene.migrate("database", &scene.name(), Mode::DryRun);
        assert_eq!((report.copied, scene.files().len()), (2, 0));
        scene.out();
        scene.rows(&[(1, Raw, Row::Gone)]);
        let report = scene.migrate(&scene.name(), "database", Mode::DryRun);
        assert_eq!((report.copied, report.held), (1, 1));
        assert_eq!(scene.document(1, Raw), None);
    }
}

#[test]
fn what_a_run_has_stored_or_voided_here_is_not_written_over() {
    for scene in Scene::all(4) {
        let rows: Vec<_> = (1..=4).map(|node| (node, Raw, Row::Here("old"))).collect();
        scene.rows(&rows);
        scene.out();
        scene.rows(&[(1, Raw, Row::Here("new")), (2, Raw, Row::Void), (3, Raw, Row::Elsewhere("new"))]);
        scene.rows(&[(4, Raw, Row::Elsewhere("old"))]);
        let report = scene.back();
        assert_eq!((report.newer, report.copied, report.failed), (3, 1, 0), "{report:?}");
        let found: Vec<_> = (1..=4).map(|node| scene.document(node, Raw)).collect();
        assert_eq!(found, [Some("new".to_owned()), None, None, Some("old".to_owned())]);
    }
}

#[test]
fn nodes_with_a_run_going_on_are_left_and_told_of() {
    for scene in Scene::all(1) {
        make(&scene.store, record(2, State::Processing));
        scene.rows(&[(1, Raw, Row::Here("1")), (2, Raw, Row::Here("2"))]);
        let report = scene.out();
        assert_eq!((report.copied, report.busy, report.is_whole()), (1, 2, false), "{report:?}");
        std::fs::write(scene.folder.path().join(key(2, Processed)), "x").unwrap();
        let report = scene.back();
        assert_eq!((report.held, report.busy), (1, 2), "{report:?}");
        assert_eq!(scene.document(2, Processed), None);
    }
}

#[test]
fn rows_tell_what_the_store_of_the_runs_has() {
    for mut scene in Scene::all(5) {
        scene.config.processing.store_data = scene.name();
        for (node, text) in [(1, "good"), (2, "other"), (3, "void"), (5, "of the ancestor")] {
            std::fs::write(scene.folder.path().join(key(node, Raw)), text).unwrap();
        }
        scene.rows(&[
            (1, Raw, Row::Elsewhere("good")),
            (2, Raw, Row::Elsewhere("good")),
            (3, Raw, Row::Void),
            (4, Raw, Row::Here("waits")),
        ]);
        let copy = tempfile::tempdir().unwrap();
        let report = scene.migrate(&scene.name(), &format!("folder:{}", copy.path().display()), Mode::Write);
        assert_eq!((report.copied, report.failed, report.is_whole()), (3, 1, false), "{report:?}");
        assert!(report.failures[0].contains("another document"), "{report:?}");
        let copied: Vec<String> = files(copy.path()).into_values().collect();
        assert_eq!(copied, ["good", "waits", "of the ancestor"]);
    }
}

#[test]
fn a_source_that_can_not_be_read_is_a_failure_and_not_an_absence() {
    for scene in Scene::all(1) {
        let file = scene.folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let report = scene.migrate(&format!("folder:{}", file.display()), "database", Mode::Write);
        assert_eq!((report.failed, report.absent, report.is_whole()), (2, 0, false), "{report:?}");
        scene.rows(&[(1, Raw, Row::Here("1"))]);
        let report = scene.migrate("database", &format!("folder:{}", file.display()), Mode::Write);
        assert_eq!((report.failed, report.absent), (1, 1), "{report:?}");
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    for scene in Scene::all(0) {
        let refused = |from: &str, to: &str| {
            Migration::new(&scene.config, &scene.store, from, to, Mode::Write).err().unwrap().text
        };
        assert_eq!(refused("database", "database"), "Source and destination can not be the same.");
        assert_eq!(refused("none", "database"), "--from none: it keeps nothing");
        assert!(refused("database", "disk").starts_with("--to disk: not one of"));
        assert!(refused("swift", "database").starts_with("swift.endpoint_override: needed"));
    }
}
