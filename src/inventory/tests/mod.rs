//! The inventory over a real database, on each kind that is to be had.

mod ancestor;
mod committing;
mod counting;
mod exporting;
mod linking;
mod moving;
mod naming;
mod properties;
mod refusing;
mod separately;
mod tables;

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::export::{Export, Related, Selection, Table};
use super::options::{Dialect, Limits};
use super::search;
use super::service::{Format, Inventory, Order};
use super::shown::Relations;
use super::{Answer, Verdict};
use crate::clock::SystemClock;
use crate::store::Store;
use crate::store::inventory::{ChangeRow, ChangeSetHead, Changes};
use crate::store::tests::databases;

/// An inventory of a test's own.
pub(super) struct Place {
    pub(super) inventory: Inventory,
    pub(super) store: Store,
}

pub(super) fn on_each(test: impl Fn(&Place)) {
    for database in databases() {
        let store = Store::open(&database.url, 3).unwrap();
        let inventory = Inventory::new(store.clone(), Arc::new(SystemClock), Limits::default());
        test(&Place { inventory, store: store.clone() });
        store.close();
    }
}

impl Place {
    pub(super) fn order(&self, order: &Order) -> (Verdict, Value) {
        let Answer { verdict, body } = self.inventory.import_blocking(order).unwrap();
        (verdict, serde_json::from_slice(&body.whole()).unwrap())
    }

    pub(super) fn import(&self, body: &Value) -> (Verdict, Value) {
        self.order(&Order { body: Bytes::from(body.to_string()), ..Order::default() })
    }

    /// Commits what is good.
    pub(super) fn commit(&self, systems: Value) -> Value {
        let (verdict, answer) = self.import(&json!({"systems": systems, "commit": true}));
        assert_eq!(verdict, Verdict::Fine, "{answer:#}");
        assert_eq!(answer["committed"], true);
        answer
    }

    /// What is wrong with it: pointers and codes.
    pub(super) fn errors(&self, body: &Value) -> Vec<(String, String)> {
        let (verdict, answer) = self.import(body);
        assert_ne!(verdict, Verdict::Fine, "{answer:#}");
        errors(&answer)
    }

    pub(super) fn text(&self, q: &str, format: Format, relations: Relations) -> String {
        self.table(q, format, relations, Table::Wide)
    }

    pub(super) fn table(&self, q: &str, format: Format, relations: Relations, table: Table) -> String {
        let selection = Selection {
            search: search::read(q).unwrap(),
            limit: None,
            marker: None,
            fields: Vec::new(),
            relations,
            related: Related::Nothing,
            table,
        };
        let (mut export, _) = Export::new(self.inventory.clone(), selection, format).unwrap();
        let mut text = Vec::new();
        while let Some(part) = export.next_part().unwrap() {
            text.extend(part);
        }
        String::from_utf8(text).unwrap()
    }

    pub(super) fn export(&self, q: &str) -> Value {
        serde_json::from_str(&self.text(q, Format::Json, Relations::Names)).unwrap()
    }

    pub(super) fn systems(&self) -> Map<String, Value> {
        self.export("")["systems"].as_object().unwrap().clone()
    }

    pub(super) fn names(&self, q: &str) -> Vec<String> {
        self.export(q)["systems"].as_object().unwrap().keys().cloned().collect()
    }

    pub(super) fn history(&self) -> Vec<(ChangeRow, ChangeSetHead)> {
        self.store.read_blocking(|session| session.changes(&Changes::default(), 10_000)).unwrap()
    }

    pub(super) fn state(&self) -> (i64, i64) {
        self.store.read_blocking(|session| session.inventory_state()).unwrap()
    }
}

pub(super) fn errors(answer: &Value) -> Vec<(String, String)> {
    let entry = |entry: &Value| {
        (entry["pointer"].as_str().unwrap().to_owned(), entry["code"].as_str().unwrap().to_owned())
    };
    answer["errors"].as_array().unwrap().iter().map(entry).collect()
}

pub(super) fn error(pointer: &str, code: &str) -> (String, String) {
    (pointer.to_owned(), code.to_owned())
}

/// A system with one of everything.
pub(super) fn whole(name: &str, number: u8) -> Value {
    json!({
        "hostname": name, "serial": format!("S-{number}"), "rack_order": "7.02", "notes": null,
        "system_status": "production", "system_type": "Server", "purchase_date": "2026-01-31",
        "change_password": "2026-02-01 10:00", "warranty_start": "2026-01-31", "warranty_end": "2029-01-31",
        "keyvalue_set": {"a": {"key": "system.relay.0", "value": "relay3:bank1"}},
        "staticreg_set": {"nic0": {
            "fqdn": name, "ip_str": format!("192.0.2.{number}"), "ip_type": "4", "views": ["public", "private"],
            "cname": [{"fqdn": format!("www.{name}"), "ttl": 300, "views": ["private"]}],
            "hwadapter_set": {"hw0": {
                "mac": format!("52-54-00-00-00-{number:02X}"),
                "keyvalue_set": {"s": {"key": "dhcp_scope", "value": "dc1"}}
            }}
        }}
    })
}
