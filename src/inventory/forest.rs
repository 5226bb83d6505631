//! Objects with what belongs to them.

use std::collections::HashMap;
use std::sync::Arc;

use super::model::{Id, Kind, Object};

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
