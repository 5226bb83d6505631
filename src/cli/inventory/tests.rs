//! The commands over a database of their own.

use std::path::PathBuf;

use clap::Parser;

use super::*;
use crate::cli::{Cli, Command};
use crate::config::DatabaseUrl;

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        crate::store::upgrade(&DatabaseUrl::Sqlite(place.path("db.sqlite"))).unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    /// What is printed, and whether it did well.
    fn run(&self, words: &[&str]) -> (bool, String) {
        let line = ["rollcall", "inventory"].iter().chain(words);
        let Command::Inventory(command) = Cli::try_parse_from(line).unwrap().command else { panic!() };
        let url = format!("sqlite:///{}", self.path("db.sqlite").display());
        let env = [("ROLLCALL_DATABASE__CONNECTION".to_owned(), url)];
        let mut out = Vec::new();
        match command.run(env.into_iter(), &mut out) {
            Ok(code) => {
                let good = format!("{code:?}") == format!("{:?}", ExitCode::SUCCESS);
                (good, console::strip_ansi_codes(&String::from_utf8(out).unwrap()).into_owned())
            }
            Err(error) => (false, error.to_string()),
        }
    }
}

#[test]
fn nothing_is_written_without_commit_and_an_export_comes_back_unchanged() {
    let place = Place::new();
    let file = place.write(
        "in.yaml",
        "# one host\ncommit: true\nsystems:\n  web1: {hostname: web1, notes: \"a\", hwadapter_set: {hw0: {mac: \"525400000001\"}}}\n",
    );
    let (good, told) = place.run(&["diff", &file]);
    assert!(
        good && told.contains("+ system web1\n") && told.contains("mac: \"52:54:00:00:00:01\""),
        "{told}"
    );
    assert!(told.contains("nothing is written without --commit: 2 create"), "{told}");
    assert!(place.run(&["import", &file]).1.contains("nothing is written"));
    let (good, told) =
        place.run(&["import", &file, "--commit", "--comment", "first", "--change-set", "cs1", "-q"]);
    assert!(good && told.starts_with("committed as cs1: 2 create"), "{told}");
    for name in ["out.json", "out.yml", "out.csv"] {
        let path = place.path(name).display().to_string();
        assert_eq!(place.run(&["export", &path]), (true, "exported 1 systems\n".to_owned()));
        let (good, told) = place.run(&["import", &path, "--commit"]);
        assert!(
            good && told.contains("nothing to change: 0 create, 0 update, 0 move, 0 delete, 2 unchanged"),
            "{told}"
        );
    }
    let (_, shown) = place.run(&["export", "-q", "hostname=web1", "--format", "csv"]);
    assert!(shown.starts_with("hostname,pk,"), "{shown}");
    let edit = place.write("edit.csv", "hostname,notes\nweb1,b\n");
    let (_, told) = place.run(&["import", &edit, "--commit"]);
    assert!(told.contains("~ system web1\n    notes: \"a\" -> \"b\"\n"), "{told}");
    let (good, history) = place.run(&["history", "WEB1"]);
    assert!(good && history.contains("cs1 by ") && history.contains(": first\n"), "{history}");
    let (_, shown) = place.run(&["export", "--format", "json"]);
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    let uuid = shown["systems"]["web1"]["uuid"].as_str().unwrap();
    assert_eq!(place.run(&["history", uuid]), (true, history.clone()));
    assert!(history.contains("create system") && history.contains("web1: notes \"a\" -> \"b\""), "{history}");
}

#[test]
fn mistakes_are_listed_with_their_places() {
    let place = Place::new();
    let file = place.write("in.csv", "hostname,rack_order\na..b,1\nb,x\n");
    let (good, told) = place.run(&["import", &file, "--commit"]);
    assert!(!good);
    assert!(told.contains("syntax /systems/0/hostname line 2 column 1: "), "{told}");
    assert!(told.contains("syntax /systems/1/rack_order line 3 column 2: "), "{told}");
    assert!(told.ends_with("2 mistakes were found; nothing is written\n"), "{told}");
    assert!(place.run(&["import", "/nowhere/x.json"]).1.contains("can not be used"));
    assert!(place.run(&["import", "x.txt"]).1.contains("--format does"));
    assert!(place.run(&["history", "nobody"]).1.contains("There is no system nobody; one that is gone"));
    assert!(place.run(&["export", "-q", "(a"]).1.contains("Invalid q"));
}

#[test]
fn a_mistake_may_keep_only_its_own_system_out() {
    let place = Place::new();
    let file = place.write("in.csv", "hostname,rack_order\na,1\nb,x\n");
    assert!(!place.run(&["import", &file, "--commit"]).0);
    let (good, told) = place.run(&["import", &file, "--commit", "--per-system"]);
    assert!(!good && told.contains("+ system a\n") && told.contains(": 1 create"), "{told}");
    assert!(told.contains("refused b\nsyntax /systems/1/rack_order line 3 column 2: "), "{told}");
    assert!(told.ends_with("1 systems were refused\n"), "{told}");
    let (_, shown) = place.run(&["export", "--observed", "--format", "csv"]);
    assert!(shown.lines().count() == 2 && shown.contains("\na,"), "{shown}");
}

#[test]
fn a_table_may_be_of_one_kind_and_its_empty_cells_may_clear() {
    let place = Place::new();
    let file = place.write("in.csv", "hostname,notes,hwadapter_set.hw0.mac\na,x,525400000001\n");
    assert!(place.run(&["import", &file, "--commit"]).0);
    let path = place.path("adapters.csv").display().to_string();
    assert!(place.run(&["export", "--kind", "adapters", &path]).0);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("system,registration,name,pk,") && text.lines().count() == 2, "{text}");
    assert!(place.run(&["import", &path, "--commit"]).1.contains("nothing to change"));
    assert!(place.run(&["export", "--kind", "adapters", "--format", "json"]).1.contains("--kind is for CSV"));
    let edit = place.write("edit.csv", "hostname,notes\na,\n");
    assert!(place.run(&["diff", &edit]).1.contains(" 0 update"));
    assert!(place.run(&["diff", &edit, "--skip-empty", "false"]).1.contains("notes: \"x\" -> null"));
    assert!(place.run(&["diff", "--skip-empty", "true", &edit]).1.contains(" 0 update"));
    let yaml = place.write("edit.yaml", "systems: {}\n");
    let (good, told) = place.run(&["diff", &yaml, "--skip-empty", "false"]);
    assert!(!good && told.contains("--skip-empty is for CSV"), "{told}");
    for kind in ["registrations", "adapters"] {
        let (good, told) = place.run(&["export", "--kind", kind, "--format", "csv", "--observed"]);
        assert!(!good && told.contains("not what was observed"), "{told}");
    }
    assert!(place.run(&["export", "--kind", "systems", "--format", "csv", "--observed"]).0);
}
