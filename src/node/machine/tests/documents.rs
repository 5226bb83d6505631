//! The documents of a node in memory: the rows of the database, and what the data store has.

use std::collections::HashMap;

use super::harness::Luck;
use super::*;
use crate::node::Variant;
use crate::node::order::Finding;
use crate::store::data::Place;
use crate::store::transition::{DataWrite, Removal, Stay};

/// What is known of a document, as the row says it.
pub(super) type Row = (Place, Option<String>);

#[derive(Debug, Default)]
pub(super) struct Documents {
    pub(super) rows: HashMap<Variant, Row>,
    /// What is in the database.
    pub(super) bodies: HashMap<Variant, Packed>,
    /// Digests of what the data store has.
    pub(super) there: HashMap<Variant, String>,
}

impl Documents {
    /// As the store does.
    pub(super) fn apply(&mut self, data: &DataWrite) {
        for variant in &data.removed {
            self.bodies.remove(variant);
            match data.removal {
                Removal::Forget => drop(self.rows.remove(variant)),
                Removal::Void => drop(self.rows.insert(*variant, (Place::Nowhere, None))),
            }
        }
        for (variant, stored) in [(Variant::Raw, &data.raw), (Variant::Processed, &data.processed)] {
            let Some(stored) = stored else { continue };
            let place = if data.stay == Stay::Spooled { Place::Spooled } else { Place::Here };
            self.rows.insert(variant, (place, Some(stored.digest.clone())));
            self.bodies.insert(variant, stored.clone());
        }
        for (variant, digest) in &data.elsewhere {
            self.bodies.remove(variant);
            self.rows.insert(*variant, (Place::Elsewhere, Some(digest.clone())));
        }
    }

    /// What is always true: a document that is said to be in the data store is there, unless a run is about to replace
    /// it.
    pub(super) fn check(&self, is_active: bool) {
        for (variant, (place, digest)) in &self.rows {
            if *place == Place::Elsewhere && !is_active {
                assert_eq!(self.there.get(variant), digest.as_ref(), "{variant:?}");
            }
            let is_here = matches!(place, Place::Here | Place::Spooled);
            assert_eq!(self.bodies.contains_key(variant), is_here, "{variant:?}");
        }
    }

    /// A run stores its documents: all, the first one, none, or all without hearing of it.
    pub(super) fn save(&mut self, raw: &Packed, processed: &Packed, luck: Luck) -> Finding {
        if !matches!(luck, Luck::Bad) {
            self.there.insert(Variant::Raw, raw.digest.clone());
        }
        if matches!(luck, Luck::Good | Luck::Gone) {
            self.there.insert(Variant::Processed, processed.digest.clone());
        }
        Finding::Saved(if matches!(luck, Luck::Good) { Ok(()) } else { Err(Error::bad_request("no store")) })
    }

    /// Delivers what waits; answers what.
    pub(super) fn deliver(&mut self, luck: Luck) -> Vec<(Variant, String)> {
        if matches!(luck, Luck::Bad) {
            return Vec::new();
        }
        let spooled = self.rows.iter().filter(|(_, (place, _))| *place == Place::Spooled);
        let spooled: Vec<(Variant, String)> =
            spooled.filter_map(|(variant, (_, digest))| Some((*variant, digest.clone()?))).collect();
        for (variant, digest) in &spooled {
            self.there.insert(*variant, digest.clone());
            if !matches!(luck, Luck::Gone) {
                self.bodies.remove(variant);
                self.rows.insert(*variant, (Place::Elsewhere, Some(digest.clone())));
            }
        }
        if matches!(luck, Luck::Gone) { Vec::new() } else { spooled }
    }
}
