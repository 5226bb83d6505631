//! How objects are shown: in answers, exports and the history.
//!
//! Invariant: members are in the order of their names and what belongs to an object in that of its labels, so that what
//! is equal is shown equal. It is written as it is walked through: no tree of values is built.

use std::sync::{Arc, LazyLock};

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::forest::Forest;
use super::lookups::Lookups;
use super::model::{Field, Kind, Object, Type, Val};
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

/// The name of something, or its key.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(untagged)]
enum Relation<'a> {
    Name(&'a str),
    Key(Option<i64>),
}

impl<'a> Shape<'a> {
    /// A key, unless it is not given out yet.
    #[must_use]
    pub fn key(&self, pk: i64) -> Option<i64> {
        Some(pk).filter(|pk| self.first_new.is_none_or(|first| *pk < first))
    }

    fn relation(&self, pk: i64) -> Relation<'a> {
        match (self.relations, self.lookups.name(pk)) {
            (Relations::Names, Some(name)) => Relation::Name(name),
            _ => Relation::Key(self.key(pk)),
        }
    }

    /// A value as it is shown.
    #[must_use]
    pub fn cell(&self, field: &'a Field, value: &'a Val) -> Cell<'a> {
        Cell { shape: *self, field, value }
    }

    /// The members of an object, without what belongs to it.
    #[must_use]
    pub fn members(&self, object: &'a Object) -> Shown<'a> {
        Shown { shape: *self, object, forest: None, only: &[], observed: None }
    }

    /// An object with all that belongs to it.
    #[must_use]
    pub fn tree(&self, forest: &'a Forest, object: &'a Object) -> Shown<'a> {
        Shown { forest: Some(forest), ..self.members(object) }
    }
}

/// A value as it is shown.
#[derive(Clone, Copy, Debug)]
pub struct Cell<'a> {
    shape: Shape<'a>,
    field: &'a Field,
    value: &'a Val,
}

impl Serialize for Cell<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match (self.value, self.field.ty) {
            (Val::Null, _) => serializer.serialize_none(),
            (Val::Bool(said), _) => serializer.serialize_bool(*said),
            (Val::Int(pk), Type::Relation(_)) => self.shape.relation(*pk).serialize(serializer),
            (Val::Int(hundredths), Type::Decimal) => {
                serializer.serialize_str(&values::show_decimal(*hundredths))
            }
            (Val::Int(number), _) => serializer.serialize_i64(*number),
            (Val::Text(text), _) => serializer.serialize_str(text),
            (Val::Set(views), _) => {
                let mut shown: Vec<Relation<'_>> = views.iter().map(|pk| self.shape.relation(*pk)).collect();
                shown.sort_unstable();
                serializer.collect_seq(shown)
            }
        }
    }
}

/// A member of an object as it is shown.
#[derive(Clone, Copy, Debug)]
enum Member {
    Key,
    Version,
    /// A value, by its place.
    Value(usize, &'static Field),
    /// The family of the address.
    Family,
    /// What belongs to it, of this kind.
    Set(Kind),
    /// What was observed.
    Observed,
}

type Members = Vec<(&'static str, Member)>;

/// The members of a kind, in the order of their names.
fn members(kind: Kind) -> &'static Members {
    static ALL: LazyLock<[Members; Kind::ALL.len()]> = LazyLock::new(|| {
        Kind::ALL.map(|kind| {
            let values = kind.fields().iter().enumerate();
            let values = values.map(|(place, field)| (field.name, Member::Value(place, field)));
            let sets = kind.children().iter().map(|(set, kind)| (*set, Member::Set(*kind)));
            let special = match kind {
                Kind::System => Some(("observed", Member::Observed)),
                Kind::Registration => Some(("ip_type", Member::Family)),
                _ => None,
            };
            let common = [("pk", Member::Key), ("version", Member::Version)];
            let mut all: Members = common.into_iter().chain(special).chain(values).chain(sets).collect();
            all.sort_unstable_by_key(|(name, _)| *name);
            all
        })
    });
    static NONE: Members = Vec::new();
    let place = Kind::ALL.iter().position(|known| *known == kind);
    place.and_then(|place| ALL.get(place)).unwrap_or(&NONE)
}

/// Members that say which system it is.
const NAMING: [&str; 4] = ["pk", "version", "uuid", "hostname"];

/// An object as it is shown.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    shape: Shape<'a>,
    object: &'a Object,
    forest: Option<&'a Forest>,
    only: &'a [String],
    observed: Option<&'a Value>,
}

impl<'a> Shown<'a> {
    /// Only these members, and those that say which it is; all where there are none.
    #[must_use]
    pub fn only(self, only: &'a [String]) -> Self {
        Self { only, ..self }
    }

    /// With what was observed of it.
    #[must_use]
    pub fn with(self, observed: Option<&'a Value>) -> Self {
        Self { observed, ..self }
    }

    /// Writes the members.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn write<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        let is_wanted = |name: &str| {
            self.only.is_empty() || NAMING.contains(&name) || self.only.iter().any(|only| only == name)
        };
        let wanted =
            members(self.object.id.0).iter().filter(|(name, _)| is_wanted(name) || *name == "observed");
        for (name, member) in wanted {
            match *member {
                Member::Key => map.serialize_entry(name, &self.shape.key(self.object.id.1))?,
                Member::Version => map.serialize_entry(name, &self.object.version)?,
                Member::Value(place, field) => {
                    let value = self.object.values.get(place).unwrap_or(&Val::Null);
                    map.serialize_entry(name, &self.shape.cell(field, value))?;
                }
                Member::Family => {
                    let family = self.object.text("ip_str").and_then(values::bytes_of);
                    map.serialize_entry(name, &family.map(|(family, _)| family.to_string()))?;
                }
                Member::Set(kind) => self.write_set(map, name, kind)?,
                Member::Observed => {
                    self.observed.map_or(Ok(()), |observed| map.serialize_entry(name, observed))?;
                }
            }
        }
        Ok(())
    }

    fn write_set<M: SerializeMap>(&self, map: &mut M, name: &str, kind: Kind) -> Result<(), M::Error> {
        let Some(forest) = self.forest else { return Ok(()) };
        let mut children: Vec<&Arc<Object>> = forest.of(self.object.id, kind).collect();
        // Pairs are always there, other sets only where there is something in them.
        if children.is_empty() && kind != Kind::Attribute {
            return Ok(());
        }
        children.sort_by(|one, other| natural(one.label()).cmp(&natural(other.label())));
        map.serialize_entry(name, &Children { shape: self.shape, forest, kind, children })
    }
}

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.write(&mut map)?;
        map.end()
    }
}

/// What belongs to an object.
struct Children<'a> {
    shape: Shape<'a>,
    forest: &'a Forest,
    kind: Kind,
    children: Vec<&'a Arc<Object>>,
}

impl Serialize for Children<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let shown = self.children.iter().map(|child| (child.label(), self.shape.tree(self.forest, child)));
        match self.kind {
            Kind::Alias => serializer.collect_seq(shown.map(|(_, alias)| alias)),
            _ => serializer.collect_map(shown),
        }
    }
}

/// `nic2` comes before `nic10`.
fn natural(label: &str) -> (&str, u64, &str) {
    let digits = label.trim_start_matches(|char: char| !char.is_ascii_digit());
    let prefix = label.strip_suffix(digits).unwrap_or(label);
    (prefix, digits.parse().unwrap_or_default(), label)
}
