//! Names that are made up: for registrations and adapters that have none, and for those that are taken out of use.
//!
//! Invariant: a made-up name is one that nothing else under the same parent has, afterwards.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use indexmap::IndexSet;

use super::apply::Work;
use super::model::{Field, Id, Kind, Object, STAMP, Type, Val};
use super::values;

/// The names under a parent, and the lowest numbers that may be free.
#[derive(Debug, Default)]
struct Numbers {
    taken: HashSet<String>,
    next: HashMap<&'static str, u64>,
}

impl Numbers {
    /// The lowest that is free; it is taken then.
    fn name(&mut self, prefix: &'static str) -> String {
        let next = self.next.entry(prefix).or_default();
        loop {
            let name = format!("{prefix}{next}");
            *next = next.saturating_add(1);
            if self.taken.insert(name.clone()) {
                return name;
            }
        }
    }
}

impl Work<'_> {
    /// A registration that is decommissioned gives up its address and its name, and its adapters boot no more.
    pub(super) fn take_out_of_use(&mut self) {
        if self.retired.is_empty() {
            return;
        }
        let mut within: HashMap<Id, Vec<Id>> = HashMap::new();
        for object in self.after.values() {
            if let Some(parent) = object.parent {
                within.entry(parent).or_default().push(object.id);
            }
        }
        let mut stamps = HashMap::new();
        for id in std::mem::take(&mut self.retired) {
            let place = self.place(id);
            let known = self.before.of(id, Kind::Adapter).map(|object| object.id);
            let new = within.get(&id).into_iter().flatten().copied();
            let adapters: IndexSet<Id> = known.chain(new.filter(|id| id.0 == Kind::Adapter)).collect();
            for adapter in adapters {
                let still = |object: &&Object| object.parent == Some(id);
                let Some(mut object) = self.now(adapter).filter(still).cloned() else { continue };
                object.set("enable_dhcp", Val::Bool(false));
                self.touched.entry(adapter).or_insert_with(|| place.clone());
                self.after.insert(adapter, object);
            }
            let name = self.stamp(id, &within, &mut stamps);
            if let Some(object) = self.after.get_mut(&id) {
                object.set("ip_str", Val::Null);
                object.set("name", Val::Text(name));
            }
        }
    }

    /// A name that says when it was, and that nothing else in the system has.
    fn stamp(&self, id: Id, within: &HashMap<Id, Vec<Id>>, stamps: &mut HashMap<Id, Numbers>) -> String {
        let Some(system) = self.now(id).and_then(|object| object.parent) else { return String::new() };
        let numbers = stamps.entry(system).or_insert_with(|| {
            let known = self.before.of(system, Kind::Registration).map(Arc::as_ref);
            let now = within.get(&system).into_iter().flatten().filter_map(|id| self.after.get(id));
            let taken =
                known.chain(now).filter_map(|object| object.text("name")).map(str::to_owned).collect();
            let moment = chrono::DateTime::from_timestamp_micros(self.now_us).unwrap_or_default();
            let first = moment.format("%Y%m%d%H%M%S").to_string().parse().unwrap_or_default();
            Numbers { taken, next: HashMap::from([(STAMP, first)]) }
        });
        numbers.name(STAMP)
    }

    /// Names for those that have none, in the order of the document: the label where it is one, else the lowest that
    /// is free.
    pub(super) fn make_names(&mut self) {
        if self.unnamed.is_empty() {
            return;
        }
        let mut used: HashMap<(Id, Kind), Numbers> = HashMap::new();
        let mut note = |object: &Object| {
            if let (Some(parent), Some(name)) = (object.parent, object.text("name")) {
                used.entry((parent, object.id.0)).or_default().taken.insert(name.to_owned());
            }
        };
        let untouched = self.before.objects.values().filter(|object| !self.after.contains_key(&object.id));
        untouched.filter(|object| !self.deleted.contains(&object.id)).for_each(|object| note(object));
        self.after.values().for_each(&mut note);
        for (id, label) in std::mem::take(&mut self.unnamed) {
            let Some(object) = self.after.get_mut(&id) else { continue };
            let Some((_, Field { ty: Type::Numbered(prefixes), .. })) = id.0.field("name") else { continue };
            let numbers = object.parent.map(|parent| used.entry((parent, id.0)).or_default());
            let Some(numbers) = numbers else { continue };
            let name = if values::is_numbered(prefixes, &label) {
                numbers.taken.insert(label.clone());
                label
            } else {
                let first = object.text("fqdn").and_then(|fqdn| fqdn.split('.').next()).unwrap_or_default();
                let prefix = match id.0 {
                    Kind::Registration if first.contains("mgmt") => "mgmt",
                    Kind::Registration => "nic",
                    _ => "hw",
                };
                numbers.name(prefix)
            };
            object.set("name", Val::Text(name));
        }
    }
}
