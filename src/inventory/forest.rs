//! Objects with what belongs to them, and how they are shown.
//!
//! Invariant: the order is that of the labels, members by name, so that what is equal is shown equal.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::lookups::Lookups;
use super::model::{Field, Id, Kind, Object, Type, Val};
use super::values;

/// How relations are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Relations {
    /// By their names.
    #[default]
    Names,
    /// By their keys.
    Keys,
}

/// Objects, and what belongs to them.
#[derive(Clone, Debug, Default)]
pub struct Forest {
    /// All of them.
    pub objects: HashMap<Id, Arc<Object>>,
    /// What belongs to each.
    children: HashMap<Id, Vec<Id>>,
}

impl Forest {
    /// Puts objects together.
    pub fn new(objects: impl Iterator<Item = Arc<Object>>) -> Self {
        let mut forest = Self::default();
        for object in objects {
            if let Some(parent) = object.parent {
                forest.children.entry(parent).or_default().push(object.id);
            }
            forest.objects.insert(object.id, object);
        }
        forest
    }

    /// An object.
    #[must_use]
    pub fn get(&self, id: Id) -> Option<&Arc<Object>> {
        self.objects.get(&id)
    }

    /// What belongs to an object, of this kind, in no order.
    pub fn of<'a>(&'a self, parent: Id, kind: Kind) -> impl Iterator<Item = &'a Arc<Object>> + use<'a> {
        let ids = self.children.get(&parent).into_iter().flatten();
        ids.filter(move |id| id.0 == kind).filter_map(|id| self.objects.get(id))
    }

    /// All that is below an object, itself first.
    #[must_use]
    pub fn below(&self, id: Id) -> Vec<Id> {
        let mut all = vec![id];
        let mut next = 0;
        while let Some(at) = all.get(next).copied() {
            all.extend(self.children.get(&at).into_iter().flatten());
            next = next.saturating_add(1);
        }
        all
    }

    /// The system that an object belongs to.
    #[must_use]
    pub fn system_of(&self, id: Id) -> Option<&Arc<Object>> {
        let mut object = self.get(id)?;
        while let Some(parent) = object.parent {
            object = self.get(parent)?;
        }
        Some(object)
    }
}

/// How objects are shown.
#[derive(Clone, Copy, Debug)]
pub struct Shape<'a> {
    /// The names.
    pub lookups: &'a Lookups,
    /// How relations are shown.
    pub relations: Relations,
    /// Keys from here on are not given out yet, and not shown.
    pub first_new: Option<i64>,
}

impl Shape<'_> {
    /// A key, unless it is not given out yet.
    #[must_use]
    pub fn key(&self, pk: i64) -> Value {
        if self.first_new.is_some_and(|first| pk >= first) { Value::Null } else { Value::from(pk) }
    }

    fn relation(&self, pk: i64) -> Value {
        match (self.relations, self.lookups.name(pk)) {
            (Relations::Names, Some(name)) => Value::from(name),
            _ => self.key(pk),
        }
    }

    /// A value as it is shown.
    #[must_use]
    pub fn value(&self, field: &Field, value: &Val) -> Value {
        match (value, field.ty) {
            (Val::Null, _) => Value::Null,
            (Val::Bool(said), _) => Value::from(*said),
            (Val::Int(pk), Type::Relation(_)) => self.relation(*pk),
            (Val::Int(hundredths), Type::Decimal) => Value::from(values::show_decimal(*hundredths)),
            (Val::Int(number), _) => Value::from(*number),
            (Val::Text(text), _) => Value::from(text.as_str()),
            (Val::Set(views), _) => {
                let mut shown: Vec<Value> = views.iter().map(|pk| self.relation(*pk)).collect();
                shown.sort_by_cached_key(Value::to_string);
                Value::Array(shown)
            }
        }
    }

    /// The members of an object, without what belongs to it.
    #[must_use]
    pub fn members(&self, object: &Object) -> Map<String, Value> {
        let mut members = Map::new();
        members.insert("pk".to_owned(), self.key(object.id.1));
        members.insert("version".to_owned(), Value::from(object.version));
        for (field, value) in object.id.0.fields().iter().zip(&object.values) {
            members.insert(field.name.to_owned(), self.value(field, value));
        }
        if object.id.0 == Kind::Registration {
            let family = object.text("ip_str").and_then(values::bytes_of);
            let shown = family.map_or(Value::Null, |(family, _)| Value::from(family.to_string()));
            members.insert("ip_type".to_owned(), shown);
        }
        members
    }

    /// An object with all that belongs to it.
    #[must_use]
    pub fn tree(&self, forest: &Forest, object: &Object) -> Value {
        let mut members = self.members(object);
        for (set, kind) in object.id.0.children() {
            let mut children: Vec<&Arc<Object>> = forest.of(object.id, *kind).collect();
            // Pairs are always there, other sets only where there is something in them.
            if children.is_empty() && *kind != Kind::Attribute {
                continue;
            }
            children.sort_by(|one, other| natural(one.label()).cmp(&natural(other.label())));
            let shown =
                children.into_iter().map(|child| (child.label().to_owned(), self.tree(forest, child)));
            let set_value = match kind {
                Kind::Alias => shown.map(|(_, alias)| alias).collect(),
                _ => Value::Object(shown.collect()),
            };
            members.insert((*set).to_owned(), set_value);
        }
        members.sort_keys();
        Value::Object(members)
    }
}

/// `nic2` comes before `nic10`.
fn natural(label: &str) -> (&str, u64, &str) {
    let digits = label.trim_start_matches(|char: char| !char.is_ascii_digit());
    let prefix = label.strip_suffix(digits).unwrap_or(label);
    (prefix, digits.parse().unwrap_or_default(), label)
}
