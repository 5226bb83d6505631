//! The names that records refer to: statuses, types, models, racks, allocations, operating systems, views.

use std::collections::{BTreeMap, HashMap};

use super::blob::Ref;

/// The kind of views.
pub const VIEW: &str = "view";
/// The kind of DNS zones: once one is known, names have to be within one.
pub const ZONE: &str = "zone";
/// The kind of DHCP scopes: once one is known, `dhcp_scope` has to name one.
pub const DHCP_SCOPE: &str = "dhcp_scope";
/// The kinds of names; those of relations are called as their members.
pub const KINDS: [&str; 9] = [
    "operating_system",
    "server_model",
    "allocation",
    "system_rack",
    "system_type",
    "system_status",
    VIEW,
    ZONE,
    DHCP_SCOPE,
];
/// The view that everybody sees.
pub const PUBLIC: &str = "public";
/// The status of systems that are not in use any more.
pub const DECOMMISSIONED: &str = "decommissioned";
/// The status of new systems that say none.
pub const BUILDING: &str = "building";

/// All names, by key and by name.
#[derive(Clone, Debug, Default)]
pub struct Lookups {
    names: HashMap<i64, (String, String)>,
    keys: HashMap<String, BTreeMap<String, i64>>,
}

impl Lookups {
    /// Adds a name.
    pub fn add(&mut self, pk: i64, kind: &str, name: &str) {
        self.names.insert(pk, (kind.to_owned(), name.to_owned()));
        self.keys.entry(kind.to_owned()).or_default().insert(name.to_owned(), pk);
    }

    /// The key of a name.
    #[must_use]
    pub fn key(&self, kind: &str, name: &str) -> Option<i64> {
        self.keys.get(kind)?.get(name).copied()
    }

    /// The name of a key.
    #[must_use]
    pub fn name(&self, pk: i64) -> Option<&str> {
        self.names.get(&pk).map(|(_, name)| name.as_str())
    }

    /// The key that is meant.
    #[must_use]
    pub fn find(&self, kind: &str, wanted: &Ref) -> Option<i64> {
        match wanted {
            Ref::Key(pk) => self.names.get(pk).filter(|(of, _)| of == kind).map(|_| *pk),
            Ref::Name(name) => self.key(kind, name),
        }
    }

    /// The name of this kind that is meant most likely.
    #[must_use]
    pub fn nearest(&self, kind: &str, name: &str) -> Option<&str> {
        super::reader::nearest(name, self.of_kind(kind).into_iter())
    }

    /// The names of a kind, in order.
    #[must_use]
    pub fn of_kind(&self, kind: &str) -> Vec<&str> {
        self.keys.get(kind).into_iter().flat_map(BTreeMap::keys).map(String::as_str).collect()
    }
}
