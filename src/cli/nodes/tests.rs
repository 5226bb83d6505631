//! The subcommands as they are typed, on a database of their own.

use clap::Parser;
use serde_json::{Value, json};

use super::*;
use crate::cli::{Cli, Command};
use crate::config::DatabaseUrl;

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        crate::store::upgrade(&place.url()).unwrap();
        place
    }

    fn url(&self) -> DatabaseUrl {
        DatabaseUrl::Sqlite(self.folder.path().join("nodes.sqlite"))
    }

    /// Runs `rollcall nodes` with these words; answers what it prints, or its error.
    fn nodes(&self, words: &[&str]) -> Result<String, String> {
        let all = ["rollcall", "nodes"].iter().chain(words);
        let Command::Nodes(command) = Cli::try_parse_from(all).map_err(|error| error.to_string())?.command
        else {
            panic!("another command")
        };
        let env = [("ROLLCALL_DATABASE__CONNECTION".to_owned(), self.url().to_string())];
        let mut out = Vec::new();
        command.run(env.into_iter(), &mut out).map_err(|error| error.to_string())?;
        Ok(String::from_utf8(out).unwrap())
    }

    fn import(&self, entries: &Value) -> Result<String, String> {
        let file = self.folder.path().join("nodes.json");
        std::fs::write(&file, entries.to_string()).unwrap();
        self.nodes(&["import", file.to_str().unwrap()])
    }

    fn listed(&self) -> Vec<Value> {
        serde_json::from_str(&self.nodes(&["list", "--format", "json"]).unwrap()).unwrap()
    }
}

const MAC: &str = "52:54:00:00:00:01";

#[test]
fn an_added_node_is_listed_with_all_that_was_said_of_it() {
    let place = Place::new();
    let printed = place
        .nodes(&["add", "--name", "a1", "--mac", "52:54:00:00:00:0B", "--mac", MAC, "--bmc", "192.0.2.10"])
        .unwrap();
    let uuid = printed.trim();
    let wanted = json!({
        "uuid": uuid, "name": "a1", "power_state": "power off", "provision_state": "manageable",
        "macs": [MAC, "52:54:00:00:00:0b"], "bmc_address": "192.0.2.10",
    });
    assert_eq!(place.listed(), [wanted]);
    let table = place.nodes(&["list"]).unwrap();
    for part in [uuid, "a1", "power off", "manageable", MAC, "192.0.2.10", "Provision state"] {
        assert!(table.contains(part), "{part} in {table}");
    }
}

#[test]
fn a_taken_name_uuid_or_address_names_its_holder() {
    let place = Place::new();
    let uuid = "0e8e8ef2-7ba2-4b0d-9b54-7a9a2f4d3a11";
    place.nodes(&["add", "--uuid", uuid, "--name", "a1", "--mac", MAC]).unwrap();
    for words in [
        ["add", "--name", "a1", "--bmc", "192.0.2.1"],
        ["add", "--name", "a2", "--mac", MAC],
        ["add", "--uuid", uuid, "--bmc", "192.0.2.1"],
    ] {
        let error = place.nodes(&words).unwrap_err();
        assert!(error.starts_with("The node is not registered") && error.contains(uuid), "{error}");
    }
    assert_eq!(place.listed().len(), 1);
}

#[test]
fn wrong_words_are_refused_with_a_reason() {
    let place = Place::new();
    for (words, wanted) in [
        (vec!["add", "--mac", "52-54"], "is not a MAC address"),
        (vec!["add", "--name", "a b"], "can not name a node"),
        (vec!["add", "--uuid", "x"], "invalid"),
        (vec!["add", "--name", "a"], "needs --mac or --bmc"),
        (vec!["add", "--mac", MAC, "--property", "cpus"], "KEY=VALUE"),
        (vec!["add", "--mac", MAC, "--property", "root_device={"], "no good JSON"),
        (vec!["remove", "nobody"], "No node nobody is registered"),
    ] {
        let error = place.nodes(&words).unwrap_err();
        assert!(error.contains(wanted), "{words:?}: {error}");
    }
    assert_eq!(place.listed(), Vec::<Value>::new());
}

#[test]
fn a_removed_node_takes_its_ports_along() {
    let place = Place::new();
    place.nodes(&["add", "--name", "a1", "--mac", MAC]).unwrap();
    assert!(place.nodes(&["remove", "a1"]).unwrap().starts_with("removed "));
    assert_eq!(place.listed(), Vec::<Value>::new());
    place.nodes(&["add", "--name", "a1", "--mac", MAC]).unwrap();
}

#[test]
fn an_import_registers_all_entries() {
    let place = Place::new();
    let entries = json!([
        {"name": "a1", "macs": [MAC], "properties": {"cpus": "8"}},
        {"driver_info": {"redfish_address": "https://192.0.2.2"}, "driver": "redfish"},
        {"bmc_address": "2001:db8::1", "extra": {"rack": 7}},
    ]);
    assert_eq!(place.import(&entries).unwrap(), "registered 3 nodes\n");
    let mut addresses: Vec<Value> = place.listed().iter().map(|node| node["bmc_address"].clone()).collect();
    addresses.sort_by_key(Value::to_string);
    assert_eq!(addresses, [json!("2001:db8::1"), json!("https://192.0.2.2"), Value::Null]);
}

#[test]
fn an_import_with_one_wrong_entry_registers_nothing_and_names_it() {
    let place = Place::new();
    place.nodes(&["add", "--name", "old", "--mac", "52:54:00:00:00:99"]).unwrap();
    let good = json!({"name": "a1", "macs": [MAC]});
    for (bad, wanted) in [
        (
            json!({"name": "a2", "macs": [MAC]}),
            "entry 2 (a2): the MAC address 52:54:00:00:00:01 is that of entry 1",
        ),
        (json!({"name": "a1"}), "entry 2 (a1): the name a1 is that of entry 1 too"),
        (json!({"macs": ["52:54:00:00:00:02", "52:54:00:00:00:02"]}), "entry 2: the MAC address"),
        (json!({"name": "old"}), "entry 2 (old): the name old belongs to node"),
        (json!({"macs": ["52:54:00:00:00:99"]}), "(old)"),
        (json!({"name": "a2", "color": "red"}), "entry 2 (a2): unknown field `color`"),
        (json!({"macs": ["x"]}), "is not a MAC address"),
        (json!({"name": "a/2"}), "can not name a node"),
        (json!("a2"), "entry 2"),
        (json!({"bmc_address": "a", "driver_info": {"ipmi_address": "b"}}), "are the same thing"),
    ] {
        let error = place.import(&json!([good, bad])).unwrap_err();
        assert!(error.starts_with("Nothing is registered: ") && error.contains(wanted), "{bad}: {error}");
    }
    assert_eq!(place.listed().len(), 1);
    assert!(place.import(&json!({"nodes": []})).unwrap_err().contains("is not a JSON list"));
    assert!(place.nodes(&["import", "/nowhere/nodes.json"]).unwrap_err().contains("can not be read"));
}

#[test]
fn the_registry_is_used_beside_a_daemon_that_holds_the_lock() {
    let place = Place::new();
    let daemon = Store::open(&place.url(), 1).unwrap();
    place.nodes(&["add", "--name", "a1", "--mac", MAC]).unwrap();
    let seen = daemon.read_blocking(|session| session.registered_node("a1")).unwrap();
    assert_eq!(seen.and_then(|node| node.name).as_deref(), Some("a1"));
    assert!(Store::open(&place.url(), 1).is_err());
    daemon.close();
}

#[test]
fn without_a_database_none_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place { folder };
    assert!(place.nodes(&["list"]).unwrap_err().contains("`rollcall db upgrade` makes it"));
    assert!(std::fs::read_dir(place.folder.path()).unwrap().next().is_none());
    std::fs::write(place.folder.path().join("nodes.sqlite"), "").unwrap();
    assert!(place.nodes(&["list"]).unwrap_err().contains("The database has schema none"));
}
