//! Build data: what runs found, kept when the node is gone.
//!
//! Pure: makes the items of a run from its documents, tells two snapshots apart. Invariant: an item depends on the
//! document alone, so that the same hardware gives the same item, whose content is then stored once. It must not
//! know the database or the node service.

pub mod diff;
pub mod facts;
pub mod item;

pub use self::facts::Sighting;
pub use self::item::{Collection, Generator, Item, Reference};
